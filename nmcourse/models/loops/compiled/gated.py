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
    arguments = (*start, inputs, _by_gate(weights, 4), _by_gate(recurrent, 4))
    given, seeded = with_seeds(arguments, (2, 2, 3, 3, 3))
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
    arguments = (start, inputs, _by_gate(weights, 3), _by_gate(recurrent, 3), candidate_bias)
    given, seeded = with_seeds(arguments, (2, 3, 3, 3, 1))
    h = GRULoop.apply(*given)
    return h if seeded else h.squeeze(0)


def _with_bias(inputs: Tensor, weights: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs with a channel that is always 1, and their weights (.., units, P + 1)."""
    return (
        torch.cat([inputs, torch.ones_like(inputs[..., :1])], dim=-1),
        torch.cat([weights, bias.unsqueeze(-1)], dim=-1),
    )


def _by_gate(weights: Tensor, n_gates: int) -> Tensor:
    """Weights (.., n_gates * N, P) as (.., n_gates, N, P)."""
    return weights.unflatten(-2, (n_gates, -1))


def _of_weights(grads: Tensor, start: Tensor, states: Tensor, inputs: Tensor) -> tuple[Tensor, ...]:
    """Gradients of the weights (seed, gate, N, P) of inputs and (seed, gate, N, N) of states.

    Args:
        grads: of the sums inside the gates, (seed, gate, time, trial, N).
        start: the states that the first step begins with, (seed, trial, N).
        states: those that the steps end with, (seed, time, trial, N).
        inputs: (seed, time, trial, P).
    """
    n_units = start.shape[-1]
    values = inputs.new_empty(*inputs.shape[:-1], n_units + inputs.shape[-1])
    values[:, 0, :, :n_units], values[:, 1:, :, :n_units] = start, states[:, :-1]
    values[..., n_units:] = inputs
    rows = values.flatten(1, 2)
    found = [grad.flatten(1, 2).mT @ rows for grad in grads.unbind(dim=1)]
    of_states, of_inputs = torch.stack(found, dim=1).tensor_split([n_units], dim=-1)
    return of_inputs, of_states


def _of_inputs(grads: Tensor, weights: Tensor, inputs: Tensor) -> Tensor:
    """The gradient of the inputs; ``weights`` are (seed, gate, N, P)."""
    pairs = zip(grads.unbind(dim=1), weights.unbind(dim=1), strict=True)
    found: Tensor = sum(grad.flatten(1, 2) @ weight for grad, weight in pairs)  # type: ignore[assignment]
    return found.view_as(inputs)


class LSTMLoop(torch.autograd.Function):
    """``kernels.gated.lstm``; every tensor has a seed axis, weights are (seed, gate, N, ..)."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        start_h: Tensor,
        start_c: Tensor,
        inputs: Tensor,
        weights: Tensor,
        recurrent: Tensor,
    ) -> tuple[Tensor, Tensor]:
        start_h, start_c, inputs = (a.contiguous() for a in (start_h, start_c, inputs))
        h = inputs.new_empty(*inputs.shape[:-1], start_h.shape[-1])
        gates, c = h.new_empty(len(h), 4, *h.shape[1:]), torch.empty_like(h)
        columns = weights.mT.contiguous(), recurrent.mT.contiguous()
        run("gated.lstm", h, start_h, start_c, inputs, *columns, gates, c, h)
        ctx.save_for_backward(start_h, start_c, inputs, weights, recurrent, gates, c, h)
        ctx.set_materialize_grads(False)  # what is read out is h alone
        return h, c

    @staticmethod
    @first_order
    def backward(  # noqa: D102
        ctx: Any, grad_h: Tensor | None, grad_c: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        start_h, start_c, inputs, weights, recurrent, gates, c, h = ctx.saved_tensors
        grads = torch.empty_like(gates)
        of_start = torch.zeros_like(start_h), torch.zeros_like(start_c)
        nothing = h.new_empty(0, 0, 0, 0)
        received = (nothing if grad is None else grad.contiguous() for grad in (grad_c, grad_h))
        given = (start_c, recurrent.contiguous(), gates, c)
        run("gated.lstm_back", h, *given, *received, grads, *of_start)
        of_inputs = _of_inputs(grads, weights, inputs) if ctx.needs_input_grad[2] else None
        return *of_start, of_inputs, *_of_weights(grads, start_h, h, inputs)


class GRULoop(torch.autograd.Function):
    """``kernels.gated.gru``; every tensor has a seed axis, weights are (seed, gate, N, ..)."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, start: Tensor, inputs: Tensor, weights: Tensor, recurrent: Tensor, bias: Tensor
    ) -> Tensor:
        start, inputs = start.contiguous(), inputs.contiguous()
        h = inputs.new_empty(*inputs.shape[:-1], start.shape[-1])
        gates = h.new_empty(len(h), 4, *h.shape[1:])
        columns = weights.mT.contiguous(), recurrent.mT.contiguous()
        run("gated.gru", h, start, inputs, *columns, bias.contiguous(), gates, h)
        ctx.save_for_backward(start, inputs, weights, recurrent, gates, h)
        return h

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_h: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        start, inputs, weights, recurrent, gates, h = ctx.saved_tensors
        grads, of_start = torch.empty_like(gates), torch.zeros_like(start)
        given = (start, recurrent.contiguous(), gates, h, grad_h.contiguous())
        run("gated.gru_back", h, *given, grads, of_start)
        of_inputs = _of_inputs(grads[:, :3], weights, inputs) if ctx.needs_input_grad[1] else None
        of_weights, of_recurrent = _of_weights(grads, start, h, inputs)
        # the inputs give r, v and g, the states r, v and m
        of_recurrent = torch.cat([of_recurrent[:, :2], of_recurrent[:, 3:]], dim=1)
        of_bias = grads[:, 3].sum(dim=(1, 2))
        return of_start, of_inputs, of_weights[:, :3], of_recurrent, of_bias
