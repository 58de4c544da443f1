"""The compiled LSTM and GRU as operations of torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nmcourse.models.loops.compiled.running import run
from nmcourse.models.loops.derivatives import first_order
from nmcourse.models.loops.seeds import with_seeds


def lstm_scan(
    start: tuple[Tensor, Tensor], inputs: Tensor, weights: Tensor, bias: Tensor, recurrent: Tensor
) -> tuple[Tensor, Tensor]:
    """Run the LSTM of ``kernels.gated``.

    Args:
        start: h_0 and c_0, (.., batch, N).
        inputs: u, (.., time, batch, P).
        weights: W, (.., 4N, P), blocks in the order i, f, g, o.
        bias: b, (.., 4N).
        recurrent: V, (.., 4N, N).

    Returns:
        h and c, (.., time, batch, N).
    """
    inputs, weights = _with_bias(inputs, weights, bias)
    given, seeded = with_seeds((*start, inputs, weights, recurrent.mT), (2, 2, 3, 2, 2))
    h, c = LSTMLoop.apply(*given)
    return (h, c) if seeded else (h.squeeze(0), c.squeeze(0))


def gru_scan(
    start: Tensor,
    inputs: Tensor,
    weights: Tensor,
    bias: Tensor,
    recurrent: Tensor,
    candidate_bias: Tensor,
) -> Tensor:
    """Run the GRU of ``kernels.gated``.

    Args:
        start: h_0, (.., batch, N).
        inputs: u, (.., time, batch, P).
        weights: W, (.., 3N, P), blocks in the order r, v, g.
        bias: b, (.., 3N).
        recurrent: V, (.., 3N, N).
        candidate_bias: a, (.., N).

    Returns:
        h, (.., time, batch, N).
    """
    inputs, weights = _with_bias(inputs, weights, bias)
    arguments = (start, inputs, weights, recurrent.mT, candidate_bias)
    given, seeded = with_seeds(arguments, (2, 3, 2, 2, 1))
    h = GRULoop.apply(*given)
    return h if seeded else h.squeeze(0)


def _with_bias(inputs: Tensor, weights: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs with a channel that is always 1, and their weights (.., P + 1, units)."""
    return (
        torch.cat([inputs, torch.ones_like(inputs[..., :1])], dim=-1),
        torch.cat([weights, bias.unsqueeze(-1)], dim=-1).mT,
    )


def _before(start: Tensor, states: Tensor) -> Tensor:
    """The states that the steps began with, as rows (seed, time * trial, N)."""
    return torch.cat([start.unsqueeze(1), states[:, :-1]], dim=1).flatten(1, 2)


class LSTMLoop(torch.autograd.Function):
    """``kernels.gated.lstm``; every tensor has a seed axis in front."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        start_h: Tensor,
        start_c: Tensor,
        inputs: Tensor,
        weights: Tensor,
        recurrent: Tensor,
    ) -> tuple[Tensor, Tensor]:
        arrays = [values.contiguous() for values in (start_h, start_c, inputs, weights, recurrent)]
        gates = inputs.new_empty(*inputs.shape[:-1], weights.shape[-1])
        h = inputs.new_empty(*inputs.shape[:-1], start_h.shape[-1])
        c = torch.empty_like(h)
        run("gated.lstm", h, *arrays, gates, c, h)
        ctx.save_for_backward(*arrays, gates, c, h)
        return h, c

    @staticmethod
    @first_order
    def backward(  # noqa: D102
        ctx: Any, grad_h: Tensor, grad_c: Tensor
    ) -> tuple[Tensor | None, ...]:
        start_h, start_c, inputs, weights, recurrent, gates, c, h = ctx.saved_tensors
        grads = torch.empty_like(gates)
        of_start = torch.zeros_like(start_h), torch.zeros_like(start_c)
        received = grad_c.contiguous(), grad_h.contiguous()
        run("gated.lstm_back", h, start_c, recurrent, gates, c, *received, grads, *of_start)
        rows = grads.flatten(1, 2)
        of_inputs = (rows @ weights.mT).view_as(inputs) if ctx.needs_input_grad[2] else None
        of_weights = inputs.flatten(1, 2).mT @ rows
        return *of_start, of_inputs, of_weights, _before(start_h, h).mT @ rows


class GRULoop(torch.autograd.Function):
    """``kernels.gated.gru``; every tensor has a seed axis in front."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, start: Tensor, inputs: Tensor, weights: Tensor, recurrent: Tensor, bias: Tensor
    ) -> Tensor:
        arrays = [values.contiguous() for values in (start, inputs, weights, recurrent, bias)]
        h = inputs.new_empty(*inputs.shape[:-1], start.shape[-1])
        gates = inputs.new_empty(*h.shape[:-1], 4 * h.shape[-1])
        run("gated.gru", h, *arrays, gates, h)
        ctx.save_for_backward(*arrays[:4], gates, h)
        return h

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_h: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        start, inputs, weights, recurrent, gates, h = ctx.saved_tensors
        n_units, of_start = start.shape[-1], torch.zeros_like(start)
        grads_u = gates.new_empty(*h.shape[:-1], 3 * n_units)
        grads_h = torch.empty_like(grads_u)
        received = grad_h.contiguous(), grads_u, grads_h, of_start
        run("gated.gru_back", h, start, recurrent, gates, h, *received)
        rows_u, rows_h = grads_u.flatten(1, 2), grads_h.flatten(1, 2)
        of_inputs = (rows_u @ weights.mT).view_as(inputs) if ctx.needs_input_grad[1] else None
        of_weights = inputs.flatten(1, 2).mT @ rows_u
        of_recurrent = _before(start, h).mT @ rows_h
        of_bias = rows_h[..., 2 * n_units :].sum(dim=1)
        return of_start, of_inputs, of_weights, of_recurrent, of_bias
