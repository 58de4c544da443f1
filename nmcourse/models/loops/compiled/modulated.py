"""The compiled NM-RNN as one operation of torch; without a modulator, the low-rank network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmcourse.models.loops.compiled.path import KINDS, Nonlinearity, path_of
from nmcourse.models.loops.compiled.running import (
    n_parts_of,
    number,
    run,
    sums_of_jobs,
    zeros_of_jobs,
)
from nmcourse.models.loops.derivatives import first_order
from nmcourse.models.loops.seeds import with_seeds


class Settings(NamedTuple):
    """What ``modulated_scan`` is told besides tensors.

    Attributes:
        alpha_x: dt / tau of the output network.
        alpha_z: dt / tau of the modulator.
        scale: g, recurrent scaling of the output network.
        phi: nonlinearity of both networks.
        sigma: gain nonlinearity.
        n_scaled: how many of the K + P sources are scaled by a gain: 0, K or K + P.
    """

    alpha_x: float
    alpha_z: float
    scale: float
    phi: Nonlinearity
    sigma: Nonlinearity
    n_scaled: int

    def numbers(self, like: Tensor) -> tuple[Any, ...]:
        """As the kernels take them, numbers of the type of a tensor."""
        alphas = self.alpha_x, self.alpha_z
        given = (*(1.0 - alpha for alpha in alphas), *alphas, self.scale)
        kinds = (KINDS[self.phi], KINDS[self.sigma], self.n_scaled)
        return *(number(value, like) for value in given), *kinds


class Weights(NamedTuple):
    """Weights of ``modulated_scan``, each with or without a seed axis in front.

    Attributes:
        left: L, (N, K).
        inputs: B, (N, P).
        right: R, (N, K).
        readout: C, (O, N).
        recurrent: W, (M, M), as all that follow with M = 0 where there is no modulator.
        channels: V, (M, P + contexts).
        gain: A, (gains, M).
        gain_bias: b, (gains,).
        feedback: F, (M, N), or (0, N).
        feedback_bias: f, (M,).
    """

    left: Tensor
    inputs: Tensor
    right: Tensor
    readout: Tensor
    recurrent: Tensor
    channels: Tensor
    gain: Tensor
    gain_bias: Tensor
    feedback: Tensor
    feedback_bias: Tensor


AXES = (2, 2, 3, 2, 2, 2, 2, 2, 2, 2, 1, 2, 1)  # of all tensors, without the seed axis


def can_compile(tensors: Sequence[Tensor], phi: Nonlinearity, sigma: Nonlinearity) -> bool:
    """Whether ``modulated_scan`` can run on such tensors."""
    return sigma in KINDS and path_of(*tensors, phi=phi) == "compiled"


def modulated_scan(
    start_x: Tensor, start_z: Tensor, channels: Tensor, weights: Weights, settings: Settings
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run the loop of ``kernels.modulated``.

    Args:
        start_x: x_0, (.., batch, N).
        start_z: z_0, (.., batch, M).
        channels: inputs and context, (.., batch, time, P + contexts).
        weights: see ``Weights``.
        settings: see ``Settings``.

    Returns:
        x (.., time, batch, N), z (.., time, batch, M), s (.., time, batch, gains) and C x
        (.., time, batch, O): read out while a state is at hand, it costs little.
    """
    found: tuple[Tensor, Tensor, Tensor, Tensor] = ModulatedLoop.apply(
        settings, start_x, start_z, channels, *weights
    )
    return found


def low_rank_scan(
    start: Tensor,
    inputs: Tensor,
    weights: tuple[Tensor, Tensor, Tensor, Tensor],
    alpha: float,
    scale: float,
    phi: Nonlinearity,
) -> tuple[Tensor, Tensor]:
    """Run the same loop for a low-rank network without a modulator.

    Args:
        start: x_0, (.., batch, N).
        inputs: u, (.., batch, time, P).
        weights: the first four of ``Weights``.
        alpha: dt / tau.
        scale: g.
        phi: nonlinearity.

    Returns:
        x (.., time, batch, N) and C x (.., time, batch, O).
    """
    n_units, n_inputs = weights[1].shape[-2:]
    shapes = ((0, 0), (0, n_inputs), (0, 0), (0,), (0, n_units), (0,))
    none = [start.new_empty(shape) for shape in shapes]
    no_state = start.new_empty(*start.shape[:-1], 0)
    settings = Settings(alpha, 0.0, scale, phi, phi, 0)
    x, _, _, y = modulated_scan(start, no_state, inputs, Weights(*weights, *none), settings)
    return x, y


def _to_jobs(values: Tensor, n_parts: int) -> Tensor:
    """(seed, .., trial, number) as (job, .., number, trial of the job)."""
    if n_parts == 1:
        return values.mT
    return values.unflatten(-2, (n_parts, -1)).movedim(-3, 1).mT.flatten(0, 1)


def _from_jobs(values: Tensor, n_parts: int) -> Tensor:
    """(job, .., number, trial of the job) as (seed, .., trial, number)."""
    if n_parts == 1:
        return values.mT
    return values.unflatten(0, (-1, n_parts)).mT.movedim(1, -3).flatten(-3, -2)


def _rows(weights: Weights) -> list[Tensor]:
    """Weights in the order of the kernels; what reaches the units as rows (.., number, N)."""
    factors = torch.cat([weights.left, weights.inputs], dim=-1).mT
    rows = (
        *(weights.right.mT, weights.feedback, weights.feedback_bias, weights.recurrent),
        *(weights.channels, weights.gain, weights.gain_bias, factors, weights.readout),
    )
    return [values.contiguous() for values in rows]


def _weights(rows: Sequence[Tensor], rank: int) -> Weights:
    """The inverse of ``_rows``."""
    right, feedback, feedback_bias, recurrent, channels, gain, gain_bias, factors, readout = rows
    left, inputs = factors[:, :rank].mT, factors[:, rank:].mT
    of_network = (left, inputs, right.mT, readout)
    return Weights(*of_network, recurrent, channels, gain, gain_bias, feedback, feedback_bias)


class ModulatedLoop(torch.autograd.Function):
    """``kernels.modulated``; tensors as those of ``modulated_scan``."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, settings: Settings, *tensors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        given, ctx.seeded = with_seeds(tensors, AXES)
        start_x, start_z, channels = (values for values in given[:3] if values is not None)
        weights = Weights(*given[3:])  # type: ignore[arg-type]
        n_seeds, n_trials, n_steps, n_channels = channels.shape
        rank, n_parts = weights.left.shape[-1], n_parts_of(n_trials)
        in_jobs = (n_seeds * n_parts, n_steps)
        sources = start_x.new_empty(*in_jobs, rank + n_channels, n_trials // n_parts)
        sources[:, :, rank:] = _to_jobs(channels.transpose(1, 2), n_parts)
        x = start_x.new_empty(n_seeds, n_steps, *start_x.shape[1:])
        z, s, y = (
            start_x.new_empty(*in_jobs, number, n_trials // n_parts)
            for number in (start_z.shape[-1], weights.gain.shape[-2], weights.readout.shape[-2])
        )
        ctx.numbers, ctx.rank, ctx.n_parts = settings.numbers(x), rank, n_parts
        starts = start_x.contiguous(), _to_jobs(start_z, n_parts).contiguous()
        arrays = [*starts, *_rows(weights)]
        run("modulated.modulated", x, *ctx.numbers, *arrays, sources, x, z, s, y)
        ctx.save_for_backward(*arrays, sources, x, z, s)
        ctx.shapes = [values.shape for values in tensors]
        ctx.set_materialize_grads(False)  # the largest gradient, that of x, is rarely there
        found = (x, *(_from_jobs(values, n_parts) for values in (z, s, y)))
        return found if ctx.seeded else tuple(values[0] for values in found)  # type: ignore[return-value]

    @staticmethod
    @first_order
    def backward(  # noqa: D102
        ctx: Any,
        grad_x: Tensor | None,
        grad_z: Tensor | None,
        grad_s: Tensor | None,
        grad_y: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        start_x, start_z, *rows, sources, x, _, _ = ctx.saved_tensors
        n_parts = ctx.n_parts
        nothing = x.new_empty(0, 0, 0, 0)
        received = [nothing if grad_x is None else grad_x.reshape(x.shape).contiguous()]
        for grad in (grad_z, grad_s):
            received.append(nothing if grad is None else _received(grad, ctx))
        if grad_y is None:
            n_outputs = rows[-1].shape[-2]
            received.append(x.new_zeros(*sources.shape[:2], n_outputs, sources.shape[-1]))
        else:
            received.append(_received(grad_y, ctx))
        of_start = [torch.zeros_like(a) for a in (start_x, start_z)]
        of_sources = torch.empty_like(sources)
        of_rows = zeros_of_jobs(rows, n_parts)
        run(
            "modulated.modulated_back",
            x,
            *(*ctx.numbers, *ctx.saved_tensors, *received, *of_start, *of_rows, of_sources),
        )
        of_weights = _weights(sums_of_jobs(of_rows, n_parts), ctx.rank)
        of_channels = _from_jobs(of_sources[:, :, ctx.rank :], n_parts).transpose(1, 2)
        found = (of_start[0], _from_jobs(of_start[1], n_parts), of_channels, *of_weights)
        return None, *(
            _as_given(grad, shape) if needed else None
            for grad, shape, needed in zip(found, ctx.shapes, ctx.needs_input_grad[1:], strict=True)
        )


def _as_given(grad: Tensor, shape: torch.Size) -> Tensor:
    """A gradient (seed, ..) of what was given with a seed axis or without it."""
    if grad.ndim == len(shape):
        return grad
    return grad[0] if len(grad) == 1 else grad.sum(dim=0)


def _received(grad: Tensor, ctx: Any) -> Tensor:
    """A gradient of what the loop gave, in the layout of the kernels."""
    return _to_jobs(grad if ctx.seeded else grad.unsqueeze(0), ctx.n_parts).contiguous()
