r"""Sparse matrices in place of rank-one terms: another thing that gains can scale.

    tau x' = -x + g W(s) phi(x) + B u        W(s) = sum_k s_k (mask_k o W_k)       y = C x + d

    x       state, (batch, N)                u     input, (batch, P)
    mask_k  where term k has weights         W_k   weights of term k, (N, N)
    s       gain, (batch, K)                 o     entry by entry
    B, C, d, phi, tau, g                     as in ``LowRankRNN``

In each term every unit listens to ``in_degree`` other units, drawn once and then fixed; only
these weights exist as parameters. Two of them per unit are as many as the 2 N weights of a
rank-one term, and at the start both have entries whose squares sum to about N.

A gain of a rank-one term scales one pattern of activity in the whole network; a gain of a sparse
term scales a set of synapses. ``NMRNN(SparseTerms(...), modulator)`` is the NM-RNN of the second
kind, which the authors name as an alternative (Costacurta et al. 2024, reviewers' discussion).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, check_generator, counts
from nmcourse.models._base import (
    RecurrentScaling,
    check_times,
    join_context,
    recurrent_scale,
    start_value,
    swap_time,
)
from nmcourse.models._output_network import OutputNetwork
from nmcourse.models._readout import Readout
from nmcourse.models._terms import apply_terms, run_terms


class SparseTerms(OutputNetwork):
    """A rate network (current form) whose connectivity is a sum of sparse matrices.

    Args:
        n_inputs: input channels P.
        n_units: units N.
        n_outputs: output channels O.
        rank: number of terms K, called as in ``LowRankRNN`` (a sparse term itself has a high
            rank).
        in_degree: units that each unit listens to in each term, at most N; N is a full mask.
        nonlinearity: phi.
        recurrent_scaling: the factor g.
        readout_bias: whether the readout offset d exists.
        tau: time constant in ms.
        dt: time step in ms, at most ``tau``.
        x0: state that a trial starts from, a number or (N,).
        generator: source of the masks and of the initial weights.

    Raises:
        ValueError: for a size below one, an in-degree above N, an unknown scaling, or dt > tau.

    Reference:
        "The reviewers ask"; Costacurta et al. 2024 name it as an alternative.
    """

    sources: Tensor

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        rank: int,
        *,
        in_degree: int = 2,
        nonlinearity: Callable[[Tensor], Tensor] = torch.tanh,
        recurrent_scaling: RecurrentScaling = "none",
        readout_bias: bool = True,
        tau: float = 100.0,
        dt: float = 10.0,
        x0: float | Tensor = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_inputs, n_units, n_outputs, rank, in_degree = counts(
            n_inputs=n_inputs,
            n_units=n_units,
            n_outputs=n_outputs,
            rank=rank,
            in_degree=in_degree,
        )
        check_generator(generator)
        check_function("nonlinearity", nonlinearity, "torch.tanh")
        check_times(tau, dt)
        if in_degree > n_units:
            raise ValueError(f"in_degree must be at most n_units={n_units}, got {in_degree}")
        self.n_inputs, self.n_units, self.n_outputs = n_inputs, n_units, n_outputs
        self.rank, self.in_degree, self.nonlinearity = rank, in_degree, nonlinearity
        self.scale = recurrent_scale(recurrent_scaling, n_units)
        self.tau, self.dt = tau, dt

        order = torch.rand(rank, n_units, n_units, generator=generator).argsort(dim=-1)
        self.register_buffer("sources", order[..., :in_degree].clone())
        self.recurrent_weights = nn.Parameter(
            torch.randn(rank, n_units, in_degree, generator=generator) / math.sqrt(in_degree)
        )
        self.input_weights = nn.Parameter(
            torch.randn(n_units, n_inputs, generator=generator) / math.sqrt(n_inputs)
        )
        self.output = Readout(n_units, n_outputs, bias=readout_bias, generator=generator)
        self.register_buffer("x0", start_value("x0", x0, n_units))

    def masks(self) -> Tensor:
        """Where each term has weights, (K, N, N), true or false."""
        return self._scatter(torch.ones_like(self.recurrent_weights)) > 0

    def terms(self) -> Tensor:
        """The sparse matrices mask_k o W_k, (K, N, N), without the factor g."""
        return self._scatter(self.recurrent_weights)

    def connectivity(self, gain: Tensor | None = None) -> Tensor:
        """The recurrent matrix g W(s), (N, N); s = 1 unless ``gain`` (K,) is given."""
        terms = self.terms() if gain is None else gain[..., None, None] * self.terms()
        return self.scale * terms.sum(dim=-3)

    def velocity(
        self,
        state: Tensor,
        input: Tensor,
        context: Tensor | None = None,
        *,
        gain: Tensor | None = None,
    ) -> Tensor:
        """Right-hand side of the equation, per ms: (batch, N).

        ``gain`` (batch, K) multiplies the terms; None means gains of 1.
        """
        recurrent = self.scale * apply_terms(self.nonlinearity(state), self.terms(), gain)
        drive = join_context(input, context) @ self.input_weights.mT
        return (-state + recurrent + drive) / self.tau

    def scan(self, inputs: Tensor, gains: Tensor | None = None) -> Tensor:
        """States (time, batch, N) of whole trials, fast; see ``OutputNetwork``."""
        alpha = self.dt / self.tau
        return run_terms(
            self.initial_state(inputs.shape[-3]),
            swap_time(inputs),
            alpha * self.input_weights.mT,
            1.0 - alpha,
            self.nonlinearity,
            alpha * self.scale * self.terms(),
            gains,
        )

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; the masks are no parameters."""
        return {
            "input weights": ["input_weights"],
            "recurrent weights": ["recurrent_weights"],
            "readout": [f"output.{name}" for name, _ in self.output.named_parameters()],
        }

    def _scatter(self, values: Tensor) -> Tensor:
        """Values (.., K, N, in_degree) at their places in (.., K, N, N)."""
        full = values.new_zeros(*values.shape[:-1], self.n_units)
        return full.scatter(-1, self.sources.expand(values.shape), values)
