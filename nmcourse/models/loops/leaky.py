r"""The time loop of the leaky networks, with its gradient written out.

    x_t = keep * x_{t-1} + (s_t * (phi(x_{t-1}) R)) L + u_t B

``keep`` is 1 - dt/tau. A full network has one weight matrix and no gain: its middle term is
``phi(x_{t-1}) R``.

Autograd could do this, one small node after the other, and keep several arrays as large as the
states. Written out, the loop is backpropagation through time with few operations a step, and a
low-rank network keeps its states only: memory traffic is what counts when many networks run in
one batch. ``make bench`` shows what it gains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmcourse.models.loops.compiled.leaky import FullLoop, LowRankLoop
from nmcourse.models.loops.compiled.path import path_of
from nmcourse.models.loops.derivatives import first_order
from nmcourse.models.loops.phi import BACKWARD, rate_into
from nmcourse.models.loops.seeds import with_seeds


def leaky_scan(
    start: Tensor,
    inputs: Tensor,
    weights: Tensor,
    keep: float,
    phi: Callable[[Tensor], Tensor],
    right: Tensor,
    left: Tensor | None = None,
    gains: Tensor | None = None,
) -> Tensor:
    """Run the loop above.

    Args:
        start: x_0, (.., batch, N).
        inputs: u, (.., time, batch, P).
        weights: B, (.., P, N).
        keep: what one step leaves of the state.
        phi: nonlinearity.
        right: R, (.., N, K); in a full network the weights (.., N, N).
        left: L, (.., K, N), or None in a full network.
        gains: s, (.., time, batch, K), or None for gains of 1; only with ``left``.

    Returns:
        States x_1 .. x_T, (.., time, batch, N).
    """
    if gains is not None and left is None:
        raise ValueError("gains scale the K latent sums: left must be given")
    if path_of(phi=phi) != "plain":
        return _fast_scan(start, inputs, weights, keep, phi, right, left, gains)
    x, states = start, []
    steps = [None] * inputs.shape[-3] if gains is None else gains.unbind(-3)
    for u, gain in zip(inputs.unbind(-3), steps, strict=True):
        latent = phi(x) @ right
        latent = latent if gain is None else gain * latent
        x = keep * x + (latent if left is None else latent @ left) + u @ weights
        states.append(x)
    return torch.stack(states, dim=-3)


def _fast_scan(
    start: Tensor,
    inputs: Tensor,
    weights: Tensor,
    keep: float,
    phi: Callable[[Tensor], Tensor],
    right: Tensor,
    left: Tensor | None,
    gains: Tensor | None,
) -> Tensor:
    """Bring every argument to a seed axis of one length, then run the written-out loop."""
    given, seeded = with_seeds((start, inputs, weights, right, left, gains), (2, 3, 2, 2, 2, 3))
    if path_of(*given, phi=phi) != "compiled":
        states = _LeakyScan.apply(keep, phi, *given)
    elif left is None:
        states = FullLoop.apply(keep, phi, *given[:4])
    else:
        states = LowRankLoop.apply(keep, phi, *given)
    return states if seeded else states.squeeze(0)


class _LeakyScan(torch.autograd.Function):
    """The loop and its gradient; every tensor has a seed axis in front.

    What drives a step are K latent sums and P inputs. They stand side by side as *sources*
    (seed, time, batch, K + P), and L and B one below the other as *factors* (seed, K + P, N), so
    that a step is x_t = keep x_{t-1} + sources_t factors. The sources of a full network are its
    N rates and the inputs.
    """

    @staticmethod
    def forward(
        ctx: Any,
        keep: float,
        phi: Callable[[Tensor], Tensor],
        start: Tensor,
        inputs: Tensor,
        weights: Tensor,
        right: Tensor,
        left: Tensor | None,
        gains: Tensor | None,
    ) -> Tensor:
        rank, trials = right.shape[-1], inputs.shape[:-1]
        states = inputs.new_empty(*trials, start.shape[-1])
        sources = inputs.new_empty(*trials, rank + inputs.shape[-1])
        sources[..., rank:] = inputs
        drives = sources[..., :rank]
        latents = drives if gains is None else inputs.new_empty(*trials, rank)
        factors = torch.cat([right if left is None else left, weights], dim=-2)
        right = right.mT.contiguous().mT  # this order makes a thin product three times as fast

        x, rate = start, torch.empty_like(states[:, 0])
        for t in range(inputs.shape[1]):
            rate_into(phi, x, out=rate if left is not None else drives[:, t])
            if left is not None:
                latents[:, t] = torch.bmm(rate, right)
            if gains is not None:
                torch.mul(latents[:, t], gains[:, t], out=drives[:, t])
            x = torch.baddbmm(x, sources[:, t], factors, beta=keep, out=states[:, t])
        ctx.save_for_backward(start, states, sources, latents, factors, right, gains)
        ctx.keep, ctx.phi, ctx.is_full = keep, phi, left is None
        return states

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:
        start, states, sources, latents, factors, right, gains = ctx.saved_tensors
        rank, through_phi = right.shape[-1], BACKWARD[ctx.phi]
        right_t = right.mT
        left_t = factors[:, :rank].contiguous().mT
        weights_t = factors[:, rank:].mT
        grad_factors, grad_right_t = torch.zeros_like(factors), torch.zeros_like(right_t)
        grad_gains = None if gains is None else torch.empty_like(latents)
        grad_inputs = torch.empty_like(sources[..., rank:]) if ctx.needs_input_grad[3] else None

        rate = torch.empty_like(states[:, 0])
        after = torch.zeros_like(grad_states[:, 0])  # what step t + 1 sends back to x_t
        for t in range(grad_states.shape[1] - 1, -1, -1):
            grad_x = grad_states[:, t] + after
            grad_factors.baddbmm_(sources[:, t].mT, grad_x)
            if grad_inputs is not None:
                grad_inputs[:, t] = torch.bmm(grad_x, weights_t)
            grad = torch.bmm(grad_x, left_t)
            if gains is not None and grad_gains is not None:
                torch.mul(grad, latents[:, t], out=grad_gains[:, t])
                grad = grad * gains[:, t]
            if ctx.is_full:
                rate = latents[:, t]
            else:  # computed again: to keep all rates would cost more than this
                rate_into(ctx.phi, states[:, t - 1] if t else start, out=rate)
                grad_right_t.baddbmm_(grad.mT, rate)
                grad = torch.bmm(grad, right_t)
            after = through_phi(grad, rate).add_(grad_x, alpha=ctx.keep)

        grad_left, grad_weights = grad_factors.split([rank, factors.shape[1] - rank], dim=1)
        if ctx.is_full:
            return None, None, after, grad_inputs, grad_weights, grad_left, None, grad_gains
        grad_right = grad_right_t.mT
        return None, None, after, grad_inputs, grad_weights, grad_right, grad_left, grad_gains
