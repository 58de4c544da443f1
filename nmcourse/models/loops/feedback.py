r"""The time loop of an NM-RNN whose modulator has feedback from its output network.

    [p, q]_t = [phi(x_{t-1}), phi(z_{t-1})] J            J = [R   F^T  ]
    z_t = keep_z z_{t-1} + q_t + v_t                         [0   W_z^T]
    s_t = sigma(z_t A + b)
    x_t = keep_x x_{t-1} + (s_t * [p_t, u_t]) [L; B]

Neither network can run alone, so the loop holds both. As in ``leaky`` its gradient is written out;
the gradients of the weights are one product each after the loop. The first gains scale the K latent
sums p and, if there are as many, the P inputs u; what is left of either is not scaled, and gains
beyond them (of a readout) are only returned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmcourse.models.loops.derivatives import first_order
from nmcourse.models.loops.phi import BACKWARD, rate_into
from nmcourse.models.loops.seeds import with_seeds

Nonlinearity = Callable[[Tensor], Tensor]


def feedback_scan(
    start: tuple[Tensor, Tensor],
    inputs: Tensor,
    drives: Tensor,
    joint: Tensor,
    weights: tuple[Tensor, Tensor],
    factors: Tensor,
    *,
    keep: tuple[float, float],
    phi: Nonlinearity,
    sigma: Nonlinearity,
    n_scaled: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the loop above.

    Args:
        start: x_0 (.., batch, N) and z_0 (.., batch, M).
        inputs: u, (.., time, batch, P).
        drives: v, (.., time, batch, M), what inputs and biases give the modulator.
        joint: J, (.., N + M, K + M).
        weights: A (.., M, gains) and b (.., gains).
        factors: L^T above B^T, (.., K + P, N).
        keep: what one step leaves of x and of z.
        phi: nonlinearity of both networks, a key of ``BACKWARD``.
        sigma: gain nonlinearity, a key of ``BACKWARD``.
        n_scaled: how many of the K + P sources are scaled by a gain, K or K + P.

    Returns:
        x (.., time, batch, N), z (.., time, batch, M) and s (.., time, batch, gains).
    """
    given, seeded = with_seeds(
        (*start, inputs, drives, joint, *weights, factors), (2, 2, 3, 3, 2, 2, 1, 2)
    )
    x, z, s = _FeedbackScan.apply(keep, phi, sigma, n_scaled, *given)
    return (x, z, s) if seeded else (x[0], z[0], s[0])


class _FeedbackScan(torch.autograd.Function):
    """The loop and its gradient; every tensor has a seed axis in front."""

    @staticmethod
    def forward(
        ctx: Any,
        keep: tuple[float, float],
        phi: Nonlinearity,
        sigma: Nonlinearity,
        n_scaled: int,
        x: Tensor,
        z: Tensor,
        inputs: Tensor,
        drives: Tensor,
        joint: Tensor,
        gain_weights: Tensor,
        gain_bias: Tensor,
        factors: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        trials, n_units = inputs.shape[:-1], x.shape[-1]
        rank = factors.shape[-2] - inputs.shape[-1]
        rates = inputs.new_empty(*trials, n_units + z.shape[-1])
        states, modulator = inputs.new_empty(*trials, n_units), torch.empty_like(drives)
        gains = inputs.new_empty(*trials, gain_weights.shape[-1])
        sources = torch.cat([inputs.new_empty(*trials, rank), inputs], dim=-1)
        scaled = sources.clone()
        gain_bias = gain_bias.unsqueeze(-2)
        for t in range(inputs.shape[1]):
            rate = rate_into(phi, torch.cat([x, z], dim=-1), out=rates[:, t])
            latent, change = torch.bmm(rate, joint).split([rank, z.shape[-1]], dim=-1)
            z = torch.add(drives[:, t], z, alpha=keep[1]).add_(change)
            gain = sigma(torch.baddbmm(gain_bias, z, gain_weights))
            sources[:, t, :, :rank] = latent
            scaled[:, t, :, :n_scaled] = sources[:, t, :, :n_scaled] * gain[..., :n_scaled]
            x = torch.baddbmm(x, scaled[:, t], factors, beta=keep[0])
            states[:, t], modulator[:, t], gains[:, t] = x, z, gain
        ctx.save_for_backward(
            rates, modulator, gains, sources, scaled, joint, gain_weights, factors
        )
        ctx.options = keep, phi, sigma, n_scaled, rank
        return states, modulator, gains

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_states: Tensor, grad_modulator: Tensor, grad_gains: Tensor
    ) -> tuple[Tensor | None, ...]:
        rates, modulator, gains, sources, scaled, joint, gain_weights, factors = ctx.saved_tensors
        keep, phi, sigma, n, rank = ctx.options
        joint_t, gain_weights_t, factors_t = (a.mT for a in (joint, gain_weights, factors))
        grads_x, grads_a = torch.empty_like(grad_states), torch.empty_like(gains)
        grads_p = rates.new_empty(*rates.shape[:-1], rank + modulator.shape[-1])
        grads_u = rates.new_empty(*rates.shape[:-1], sources.shape[-1] - rank)
        after_x, after_z = torch.zeros_like(grad_states[:, 0]), torch.zeros_like(modulator[:, 0])
        for t in range(rates.shape[1] - 1, -1, -1):
            grad_x = torch.add(grad_states[:, t], after_x, out=grads_x[:, t])
            grad_source = torch.bmm(grad_x, factors_t)
            grad_gain = grad_gains[:, t].clone()
            grad_gain[..., :n].addcmul_(grad_source[..., :n], sources[:, t, :, :n])
            grad_source[..., :n].mul_(gains[:, t, :, :n])
            grads_u[:, t] = grad_source[..., rank:]
            grad_a = BACKWARD[sigma](grad_gain, gains[:, t])
            grads_a[:, t] = grad_a
            grad_z = torch.baddbmm(after_z.add_(grad_modulator[:, t]), grad_a, gain_weights_t)
            grads_p[:, t] = torch.cat([grad_source[..., :rank], grad_z], dim=-1)
            grad_h = BACKWARD[phi](torch.bmm(grads_p[:, t], joint_t), rates[:, t])
            after_x, after_z = grad_h.split([grad_x.shape[-1], grad_z.shape[-1]], dim=-1)
            after_x, after_z = (
                after_x.add(grad_x, alpha=keep[0]),
                after_z.add(grad_z, alpha=keep[1]),
            )

        def product(rows: Tensor, columns: Tensor) -> Tensor:
            return torch.bmm(rows.flatten(1, 2).mT, columns.flatten(1, 2))

        return (
            *(None, None, None, None),
            *(after_x, after_z, grads_u, grads_p[..., rank:]),
            product(rates, grads_p),
            product(modulator, grads_a),
            grads_a.sum(dim=(1, 2)),
            product(scaled, grads_x),
        )
