"""The compiled leaky loops as operations of torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nmcourse.models.loops.compiled.path import KINDS, Nonlinearity
from nmcourse.models.loops.compiled.running import (
    n_parts_of,
    number,
    run,
    sums_of_jobs,
    zeros_of_jobs,
)
from nmcourse.models.loops.derivatives import first_order


class LowRankLoop(torch.autograd.Function):
    """``kernels.leaky.low_rank``; arguments as those of ``leaky_scan``, all with a seed axis."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        keep: float,
        phi: Nonlinearity,
        start: Tensor,
        inputs: Tensor,
        weights: Tensor,
        right: Tensor,
        left: Tensor,
        gains: Tensor | None,
    ) -> Tensor:
        rank, trials = right.shape[-1], inputs.shape[:-1]
        ctx.rank, ctx.has_gains = rank, gains is not None
        latents = inputs.new_empty(*trials, rank)
        gains = torch.ones_like(latents) if gains is None else gains.contiguous()
        sources = torch.cat([latents, inputs], dim=-1)
        states = inputs.new_empty(*trials, start.shape[-1])
        arrays = (start.contiguous(), right.contiguous(), gains, torch.cat([left, weights], dim=-2))
        ctx.numbers = (number(keep, states), KINDS[phi])
        run("leaky.low_rank", states, *ctx.numbers, *arrays, latents, sources, states)
        ctx.save_for_backward(*arrays, latents, sources, states)
        return states

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        start, right, gains, factors, _, sources, states = ctx.saved_tensors
        n_parts = n_parts_of(start.shape[1])
        grad_start, grad_gains = torch.zeros_like(start), torch.empty_like(gains)
        grad_sources = torch.empty_like(sources)
        of_right, of_factors = zeros_of_jobs((right, factors), n_parts)
        run(
            "leaky.low_rank_back",
            states,
            *(*ctx.numbers, *ctx.saved_tensors, grad_states.contiguous()),
            *(grad_start, of_right, grad_gains, of_factors, grad_sources),
        )
        of_right, of_factors = sums_of_jobs((of_right, of_factors), n_parts)
        of_left, of_weights = of_factors.tensor_split([ctx.rank], dim=1)
        of_gains = grad_gains if ctx.has_gains else None
        of_inputs = grad_sources[..., ctx.rank :]
        return None, None, grad_start, of_inputs, of_weights, of_right, of_left, of_gains


class FullLoop(torch.autograd.Function):
    """``kernels.leaky.full``; arguments as those of ``leaky_scan``, all with a seed axis."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        keep: float,
        phi: Nonlinearity,
        start: Tensor,
        inputs: Tensor,
        weights: Tensor,
        right: Tensor,
    ) -> Tensor:
        start, inputs, weights, right = (a.contiguous() for a in (start, inputs, weights, right))
        states = inputs.new_empty(*inputs.shape[:-1], start.shape[-1])
        rates = torch.empty_like(states)
        ctx.numbers = (number(keep, states), KINDS[phi])
        run("leaky.full", states, *ctx.numbers, start, inputs, weights, right, rates, states)
        ctx.save_for_backward(inputs, weights, right, rates)
        return states

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_states: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        inputs, weights, right, rates = ctx.saved_tensors
        grads, grad_start = torch.empty_like(rates), torch.zeros_like(rates[:, 0])
        run(
            "leaky.full_back",
            rates,
            *(*ctx.numbers, right.mT.contiguous(), rates),
            *(grad_states.contiguous(), grads, grad_start),
        )
        rows = grads.flatten(1, 2)
        of_inputs = (rows @ weights.mT).view_as(inputs) if ctx.needs_input_grad[3] else None
        of_weights = inputs.flatten(1, 2).mT @ rows
        of_right = rates.flatten(1, 2).mT @ rows
        return None, None, grad_start, of_inputs, of_weights, of_right
