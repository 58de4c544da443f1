"""The compiled NM-RNN as one operation of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmcourse.models.loops.compiled.path import KINDS, Nonlinearity, path_of
from nmcourse.models.loops.compiled.running import (
    n_parts_of,
    number,
    run,
    sums_of_jobs,
    zeros_of_jobs,
)
from nmcourse.models.loops.seeds import with_seeds


def can_compile(tensors: Sequence[Tensor], phi: Nonlinearity, sigma: Nonlinearity) -> bool:
    """Whether ``modulated_scan`` can run on such tensors."""
    return all(path_of(*tensors, phi=one) == "compiled" for one in (phi, sigma))


def modulated_scan(
    start: tuple[Tensor, Tensor],
    inputs: Tensor,
    channels: tuple[Tensor, Tensor],
    right: Tensor,
    recurrent: Tensor,
    gains: tuple[Tensor, Tensor],
    factors: Tensor,
    readout: Tensor,
    *,
    keep: tuple[float, float],
    phi: Nonlinearity,
    sigma: Nonlinearity,
    n_scaled: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run the loop of ``kernels.modulated``.

    Args:
        start: x_0 (.., batch, N) and z_0 (.., batch, M).
        inputs: u, (.., time, batch, P).
        channels: what the modulator sees (.., time, batch, channel), and V (.., channel, M).
        right: R, (.., N, K), or with feedback (.., N, K + M).
        recurrent: W, (.., M, M).
        gains: A (.., M, gains) and b (.., gains).
        factors: L above B, (.., K + P, N).
        readout: C, (.., N, O).
        keep: what one step leaves of x and of z.
        phi: nonlinearity of both networks.
        sigma: gain nonlinearity.
        n_scaled: how many of the K + P sources are scaled by a gain, K or K + P.

    Returns:
        x (.., time, batch, N), z (.., time, batch, M), s (.., time, batch, gains) and x C
        (.., time, batch, O): read out while a state is at hand, it costs little.
    """
    given, seeded = with_seeds(
        (*start, inputs, *channels, right, recurrent, *gains, factors, readout),
        (2, 2, 3, 3, 2, 2, 2, 2, 1, 2, 2),
    )
    x, z, s, y = ModulatedLoop.apply(keep, phi, sigma, n_scaled, *given)
    return (x, z, s, y) if seeded else (x.squeeze(0), z.squeeze(0), s.squeeze(0), y.squeeze(0))


class ModulatedLoop(torch.autograd.Function):
    """``kernels.modulated``; every tensor has a seed axis in front."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        keep: tuple[float, float],
        phi: Nonlinearity,
        sigma: Nonlinearity,
        n_scaled: int,
        start_x: Tensor,
        start_z: Tensor,
        inputs: Tensor,
        *given: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        gain_weights, _, factors, readout = given[-4:]
        trials, rank = inputs.shape[:-1], factors.shape[-2] - inputs.shape[-1]
        arrays = [values.contiguous() for values in (start_x, start_z, *given)]
        sources = torch.cat([inputs.new_empty(*trials, rank), inputs], dim=-1)
        x, z = (inputs.new_empty(*trials, start.shape[-1]) for start in (start_x, start_z))
        s, y = (inputs.new_empty(*trials, w.shape[-1]) for w in (gain_weights, readout))
        keep_x, keep_z = (number(one, x) for one in keep)
        ctx.numbers = (keep_x, keep_z, KINDS[phi], KINDS[sigma], rank, n_scaled)
        run("modulated.modulated", x, *ctx.numbers, *arrays, sources, x, z, s, y)
        ctx.save_for_backward(*arrays, sources, x, z, s)
        ctx.set_materialize_grads(False)  # the largest gradient, that of x, is rarely there
        return x, z, s, y

    @staticmethod
    @once_differentiable
    def backward(  # noqa: D102
        ctx: Any,
        grad_x: Tensor | None,
        grad_z: Tensor | None,
        grad_s: Tensor | None,
        grad_y: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        start_x, start_z, channels, *weights, sources, x, z, s = ctx.saved_tensors
        n_parts, rank = n_parts_of(start_x.shape[1]), ctx.numbers[4]
        of_start = torch.zeros_like(start_x), torch.zeros_like(start_z)
        of_channels, of_sources = torch.empty_like(channels), torch.empty_like(sources)
        of_weights = zeros_of_jobs(weights, n_parts)
        if grad_y is None:
            grad_y = x.new_zeros(*x.shape[:-1], weights[-1].shape[-1])
        run(
            "modulated.modulated_back",
            x,
            *(*ctx.numbers, *ctx.saved_tensors),
            x.new_empty(0, 0, 0, 0) if grad_x is None else grad_x.contiguous(),
            torch.zeros_like(z) if grad_z is None else grad_z.contiguous(),
            torch.zeros_like(s) if grad_s is None else grad_s.contiguous(),
            grad_y.contiguous(),
            *(*of_start, of_channels, *of_weights, of_sources),
        )
        no_numbers, of_inputs = (None, None, None, None), of_sources[..., rank:]
        return *no_numbers, *of_start, of_inputs, of_channels, *sums_of_jobs(of_weights, n_parts)
