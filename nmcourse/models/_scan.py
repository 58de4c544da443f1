r"""The time loop of the leaky networks, with its gradient written out.

    x_t = keep * x_{t-1} + drive_t + (s_t * (phi(x_{t-1}) R)) L

``keep`` is 1 - dt/tau. A full network has one weight matrix and no gain: its last term is
``phi(x_{t-1}) R``.

Autograd could do this, one small node after the other. Written out, the loop backwards does two
products a step, and the gradients of the weights are one large product at the end. That is
backpropagation through time; ``make bench`` shows what it gains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def identity(x: Tensor) -> Tensor:
    """phi(x) = x: makes a network linear."""
    return x


# phi -> phi' as a function of r = phi(x). Other nonlinearities take the plain loop.
SLOPES: dict[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]] = {
    torch.tanh: lambda r: 1.0 - r * r,
    torch.sigmoid: lambda r: r * (1.0 - r),
    torch.relu: lambda r: (r > 0).to(r.dtype),
    identity: torch.ones_like,
}


def leaky_scan(
    start: Tensor,
    drives: Tensor,
    keep: float,
    phi: Callable[[Tensor], Tensor],
    right: Tensor,
    left: Tensor | None = None,
    gains: Tensor | None = None,
) -> Tensor:
    """Run the loop above.

    Args:
        start: x_0, (.., batch, N).
        drives: (.., time, batch, N).
        keep: what one step leaves of the state.
        phi: nonlinearity.
        right: R, (.., N, K); in a full network the weights (.., N, N).
        left: L, (.., K, N), or None in a full network.
        gains: s, (.., time, batch, K), or None.

    Returns:
        States x_1 .. x_T, (.., time, batch, N).
    """
    if phi in SLOPES:
        return _fast_scan(start, drives, keep, phi, right, left, gains)
    x, states = start, []
    steps = [None] * drives.shape[-3] if gains is None else gains.unbind(-3)
    for drive, gain in zip(drives.unbind(-3), steps, strict=True):
        latent = phi(x) @ right
        latent = latent if gain is None else gain * latent
        x = keep * x + drive + (latent if left is None else latent @ left)
        states.append(x)
    return torch.stack(states, dim=-3)


def _fast_scan(
    start: Tensor,
    drives: Tensor,
    keep: float,
    phi: Callable[[Tensor], Tensor],
    right: Tensor,
    left: Tensor | None,
    gains: Tensor | None,
) -> Tensor:
    """Bring every argument to a seed axis of one length, then run the written-out loop."""
    arguments = (start, drives, right, left, gains)
    ranks = (2, 3, 2, 2, 3)
    seeded = [
        a for a, rank in zip(arguments, ranks, strict=True) if a is not None and a.ndim > rank
    ]
    n_seeds = seeded[0].shape[0] if seeded else 1

    def with_seeds(values: Tensor | None, rank: int) -> Tensor | None:
        if values is None or values.ndim > rank:
            return values
        return values.expand(n_seeds, *values.shape)

    states = _LeakyScan.apply(
        keep, phi, *(with_seeds(a, rank) for a, rank in zip(arguments, ranks, strict=True))
    )
    return states if seeded else states[0]


class _LeakyScan(torch.autograd.Function):
    """The loop and its gradient; every tensor has a seed axis in front."""

    @staticmethod
    def forward(
        ctx: Any,
        keep: float,
        phi: Callable[[Tensor], Tensor],
        start: Tensor,
        drives: Tensor,
        right: Tensor,
        left: Tensor | None,
        gains: Tensor | None,
    ) -> Tensor:
        n_seeds, n_steps, n_trials, _ = drives.shape
        states = torch.empty_like(drives, memory_format=torch.contiguous_format)
        rates = torch.empty_like(states)
        latents = drives.new_empty(n_seeds, n_steps, n_trials, right.shape[-1])
        right = right.mT.contiguous().mT  # this order makes the thin product twice as fast
        x = start
        for t in range(n_steps):
            rate = rates[:, t].copy_(phi(x))
            latent = torch.bmm(rate, right)
            latents[:, t] = latent
            if gains is not None:
                latent = gains[:, t] * latent
            x = torch.add(drives[:, t], x, alpha=keep)
            x = x.add_(latent) if left is None else x.baddbmm_(latent, left)
            states[:, t] = x
        ctx.save_for_backward(rates, latents, right, left, gains)
        ctx.keep, ctx.phi = keep, phi
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        rates, latents, right, left, gains = ctx.saved_tensors
        keep, slope = ctx.keep, SLOPES[ctx.phi]
        right_t = right.mT
        left_t = None if left is None else left.mT
        grad_drives = torch.empty_like(rates)  # dLoss/dx_t, all paths: also the drives' gradient
        grad_scaled = grad_drives if left is None else torch.empty_like(latents)
        after = torch.zeros_like(rates[:, 0])  # what step t + 1 sends back to x_t
        for t in range(rates.shape[1] - 1, -1, -1):
            grad_x = grad_drives[:, t].copy_(after.add_(grad_states[:, t]))
            scaled = grad_x if left_t is None else torch.bmm(grad_x, left_t)
            if left_t is not None:
                grad_scaled[:, t] = scaled
            grad_latent = scaled if gains is None else scaled * gains[:, t]
            after = torch.bmm(grad_latent, right_t).mul_(slope(rates[:, t]))
            after.add_(grad_x, alpha=keep)
        grad_latents = grad_scaled if gains is None else grad_scaled * gains
        grad_gains = None if gains is None else grad_scaled * latents
        # (A^T B)^T instead of B^T A: the thin factor first is twice as fast
        grad_right = (grad_latents.flatten(1, 2).mT @ rates.flatten(1, 2)).mT
        grad_left = None
        if left is not None:
            scaled_latents = latents if gains is None else gains * latents
            grad_left = scaled_latents.flatten(1, 2).mT @ grad_drives.flatten(1, 2)
        return None, None, after, grad_drives, grad_right, grad_left, grad_gains
