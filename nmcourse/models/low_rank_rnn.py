r"""The low-rank RNN: N units that talk through K numbers.

    tau x' = -x + g L R^T phi(x) + B u          y = C x + d

    x  state, (batch, N)               u  input, (batch, P)
    L  row factors (N, K)              R  column factors (N, K)
    B  input weights (N, P)            C, d  readout
    phi  tanh, or any nonlinearity     g  recurrent scaling: 1, 1/sqrt(N) or 1/N

The K numbers R^T phi(x) are all that the units tell each other: a step costs N K, not N^2.
An NM-RNN (``nmcourse.models.NMRNN``) multiplies them by gains: W = L diag(s) R^T.

With ``orthonormal=True`` the L in use are the orthonormal columns of the trained ``row_factors``,
see ``orthonormal_columns``. The released NM-RNN code takes the Q of a QR decomposition as it comes,
``orthonormal="raw"`` here. Its LR-RNN also has g = 1/N, its NM-RNN g = 1. *Keeping time with
gain* asks what both do to the comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, check_generator, counts
from nmcourse.models._base import (
    RecurrentScaling,
    Trajectory,
    check_times,
    join_context,
    recurrent_scale,
    start_value,
    swap_time,
    trial_inputs,
)
from nmcourse.models._output_network import OutputNetwork
from nmcourse.models._readout import Readout
from nmcourse.models.loops.compiled.modulated import low_rank_scan
from nmcourse.models.loops.compiled.path import path_of
from nmcourse.models.loops.leaky import leaky_scan


def orthonormal_columns(matrix: Tensor) -> Tensor:
    """The columns of a matrix made orthonormal, one after the other: Q sign(diag T).

    A QR decomposition writes the matrix as Q T with a triangular T, and leaves the sign of each
    column of Q open. Here the column that points the way of its original is taken (the diagonal of
    Q^T times the matrix is not negative), as Gram and Schmidt would. This choice is continuous:
    a small change of a matrix of full rank changes its orthonormal columns little. The library's
    own choice is not. It turns a column round where an entry passes through zero.

    Args:
        matrix: (.., N, K) with K at most N, of full rank.

    Returns:
        (.., N, K), with the same span.
    """
    q, triangular = torch.linalg.qr(matrix)
    turned = triangular.diagonal(dim1=-2, dim2=-1) < 0
    return torch.where(turned.unsqueeze(-2), -q, q)


class LowRankRNN(OutputNetwork):
    """A rate network (current form) whose connectivity has rank K.

    Args:
        n_inputs: input channels P.
        n_units: units N.
        n_outputs: output channels O.
        rank: K, at most N.
        orthonormal: make the columns of ``row_factors`` orthonormal to get L. True: with the
            signs of ``orthonormal_columns``. ``"raw"``: with the signs that the QR decomposition
            gives, as in the released code; L then jumps during training.
        symmetric: R = L; there are then no column factors.
        nonlinearity: phi; the identity (``lambda x: x``) makes the network linear.
        recurrent_scaling: the factor g.
        readout_bias: whether the readout offset d exists.
        tau: time constant in ms.
        dt: time step in ms, at most ``tau``.
        x0: state that a trial starts from, a number or (N,).
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below one, a rank above N, an unknown scaling or ``orthonormal``,
            or dt > tau.

    Reference:
        Chapter *Low-rank networks*; Mastrogiuseppe and Ostojic 2018; Costacurta et al. 2024, Eqs.
        2-4.
    """

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        rank: int,
        *,
        orthonormal: bool | Literal["raw"] = True,
        symmetric: bool = False,
        nonlinearity: Callable[[Tensor], Tensor] = torch.tanh,
        recurrent_scaling: RecurrentScaling = "none",
        readout_bias: bool = True,
        tau: float = 100.0,
        dt: float = 10.0,
        x0: float | Tensor = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_inputs, n_units, n_outputs, rank = counts(
            n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs, rank=rank
        )
        check_generator(generator)
        check_function("nonlinearity", nonlinearity, "torch.tanh")
        check_times(tau, dt)
        if rank > n_units:
            raise ValueError(f"rank must be at most n_units={n_units}, got {rank}")
        if not (isinstance(orthonormal, bool) or orthonormal == "raw"):
            raise ValueError(f"orthonormal must be True, False or 'raw', got {orthonormal!r}")
        self.n_inputs, self.n_units, self.n_outputs = n_inputs, n_units, n_outputs
        self.rank, self.symmetric = rank, symmetric
        self.orthonormal: bool | Literal["raw"] = orthonormal
        self.nonlinearity = nonlinearity
        self.scale = recurrent_scale(recurrent_scaling, n_units)
        self.tau, self.dt = tau, dt

        self.row_factors = nn.Parameter(torch.randn(n_units, rank, generator=generator))
        self.column_factors: nn.Parameter | None = None
        if not symmetric:
            self.column_factors = nn.Parameter(torch.randn(n_units, rank, generator=generator))
        self.input_weights = nn.Parameter(
            torch.randn(n_units, n_inputs, generator=generator) / math.sqrt(n_inputs)
        )
        self.output = Readout(n_units, n_outputs, bias=readout_bias, generator=generator)
        self.register_buffer("x0", start_value("x0", x0, n_units))

    def factors(self) -> tuple[Tensor, Tensor]:
        """The factors in use, L and R, each (N, K)."""
        left: Tensor = self.row_factors
        if self.orthonormal == "raw":
            left = torch.linalg.qr(left)[0]
        elif self.orthonormal:
            left = orthonormal_columns(left)
        return left, left if self.column_factors is None else self.column_factors

    def connectivity(self, gain: Tensor | None = None) -> Tensor:
        """The recurrent matrix g L diag(s) R^T, (N, N); s = 1 unless ``gain`` (K,) is given."""
        left, right = self.factors()
        return self.scale * (left if gain is None else left * gain) @ right.mT

    def velocity(
        self,
        state: Tensor,
        input: Tensor,
        context: Tensor | None = None,
        *,
        gain: Tensor | None = None,
    ) -> Tensor:
        """Right-hand side of the equation, per ms: (batch, N).

        ``gain`` (batch, K) multiplies the K latent sums; None means gains of 1.
        """
        left, right = self.factors()
        latent = self.scale * self.nonlinearity(state) @ right
        if gain is not None:
            latent = gain * latent
        drive = join_context(input, context) @ self.input_weights.mT
        return (-state + latent @ left.mT + drive) / self.tau

    def scan(self, inputs: Tensor, gains: Tensor | None = None) -> Tensor:
        """States (time, batch, N) of whole trials, fast; see ``OutputNetwork``."""
        alpha = self.dt / self.tau
        left, right = self.factors()
        return leaky_scan(
            self.initial_state(inputs.shape[-3]),
            swap_time(inputs),
            alpha * self.input_weights.mT,
            1.0 - alpha,
            self.nonlinearity,
            right,
            alpha * self.scale * left.mT,
            gains,
        )

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        if path_of(inputs, self.input_weights, phi=self.nonlinearity) != "compiled":
            return super().simulate(inputs, context)
        inputs = trial_inputs(inputs, context, self.input_weights)
        left, right = self.factors()
        x, sums = low_rank_scan(
            self.initial_state(inputs.shape[-3]),
            inputs,
            (left, self.input_weights, right, self.output.weights),
            self.dt / self.tau,
            self.scale,
            self.nonlinearity,
        )
        return Trajectory(swap_time(self.output.of_sums(sums)), swap_time(x))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        factors = ["row_factors"] + ([] if self.symmetric else ["column_factors"])
        return {
            "input weights": ["input_weights"],
            "recurrent weights": factors,
            "readout": [f"output.{name}" for name, _ in self.output.named_parameters()],
        }
