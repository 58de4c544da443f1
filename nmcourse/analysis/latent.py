r"""Latent coordinates of a low-rank network, and its dynamics in them.

The velocity of a low-rank network, -x + L s R^T phi(x) + B u, leaves the span of L and B only by
decay. So the state splits into three parts with separate equations:

    x = L kappa + B_perp v + rest            B_perp = (I - L L^+) B,  L^+ the pseudoinverse of L

    tau kappa' = -kappa + g s R^T phi(x) + L^+ B u        K numbers, read off as kappa = L^+ x
    tau v'     = -v + u                                   P filtered inputs
    tau rest'  = -rest                                    what the start left outside the span

Nothing is approximated: K + P numbers (plus a fading constant) reproduce all N units. With
orthonormal row factors L^+ = L^T. For an NM-RNN, s are its K gains; else s = 1.

Reference:
    Mastrogiuseppe and Ostojic 2018; Dubreuil et al. 2022; Beiran et al. 2023; chapter *Low-rank
    networks*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_finite
from nmcourse.models import NMRNN, LowRankRNN


class LatentState(NamedTuple):
    """A state split into its latent parts; leading axes are those of the state.

    Attributes:
        kappa: coordinates along the row factors, (.., K).
        v: filtered inputs, (.., P).
        rest: part of the state outside the span of L and B, (.., N).
    """

    kappa: Tensor
    v: Tensor
    rest: Tensor


@dataclass(frozen=True)
class LatentDynamics:
    """A low-rank network seen in its latent coordinates; build it with :func:`latent_dynamics`.

    Attributes:
        row_factors: L in use, (N, K).
        column_factors: R, (N, K).
        input_outside: B_perp, the input directions outside the span of L, (N, P).
        input_to_kappa: L^+ B, how inputs drive kappa, (K, P).
        scale: recurrent scaling g.
        nonlinearity: phi.
        tau: time constant in ms.
        dt: time step in ms.
    """

    row_factors: Tensor
    column_factors: Tensor
    input_outside: Tensor
    input_to_kappa: Tensor
    scale: float
    nonlinearity: Callable[[Tensor], Tensor]
    tau: float
    dt: float

    def split(self, x: Tensor) -> LatentState:
        """Latent parts of states x (.., N); ``combine`` is the inverse.

        Raises:
            ValueError: for states of another size, NaN or infinity.
        """
        n_units = self.row_factors.shape[0]
        if x.ndim < 1 or x.shape[-1] != n_units:
            raise ValueError(f"x must have shape (.., {n_units}), got {tuple(x.shape)}")
        check_finite("x", x)
        kappa = x @ torch.linalg.pinv(self.row_factors).mT
        outside = x - kappa @ self.row_factors.mT
        # Absolute cut-off: an input inside the span of L leaves only rounding in B_perp.
        cutoff = 1e3 * torch.finfo(x.dtype).eps * self._input_size()
        v = outside @ torch.linalg.pinv(self.input_outside, atol=cutoff, rtol=0.0).mT
        return LatentState(kappa, v, outside - v @ self.input_outside.mT)

    def combine(self, latent: LatentState) -> Tensor:
        """State x (.., N) of latent parts."""
        kappa, v, rest = latent
        return kappa @ self.row_factors.mT + v @ self.input_outside.mT + rest

    def velocity(
        self, latent: LatentState, input: Tensor, *, gain: Tensor | None = None
    ) -> LatentState:
        """Right-hand sides of the three equations, per ms.

        Args:
            latent: present latent parts.
            input: u, (.., P).
            gain: s, (.., K); None means 1.
        """
        kappa, v, rest = latent
        feedback = self.scale * self.nonlinearity(self.combine(latent)) @ self.column_factors
        if gain is not None:
            feedback = gain * feedback
        return LatentState(
            (-kappa + feedback + input @ self.input_to_kappa.mT) / self.tau,
            (-v + input) / self.tau,
            -rest / self.tau,
        )

    def step(
        self, latent: LatentState, input: Tensor, *, gain: Tensor | None = None
    ) -> LatentState:
        """Latent parts one Euler step of dt later."""
        change = self.velocity(latent, input, gain=gain)
        return LatentState(
            *(now + self.dt * slope for now, slope in zip(latent, change, strict=True))
        )

    def run(
        self, start: LatentState, inputs: Tensor, *, gains: Tensor | None = None
    ) -> LatentState:
        """Simulate whole trials; equals the full network.

        Args:
            start: latent parts of the initial states, (batch, ..), e.g. ``split(x0)``.
            inputs: (batch, time, P).
            gains: (batch, time, K) or None; entry t is used in step t (``Trajectory.gains``).

        Returns:
            Latent parts (batch, time, ..), entry t after step t.

        Raises:
            ValueError: if the arguments do not fit the network or each other, or are not finite.
        """
        n_inputs, rank = self.input_to_kappa.shape[1], self.input_to_kappa.shape[0]
        if inputs.ndim != 3 or inputs.shape[-1] != n_inputs:
            raise ValueError(
                f"inputs must have shape (batch, time, {n_inputs}), got {tuple(inputs.shape)}"
            )
        check_finite("inputs", inputs)
        if gains is not None:
            if gains.shape != (*inputs.shape[:2], rank):
                raise ValueError(
                    f"gains must have shape {(*inputs.shape[:2], rank)}, got {tuple(gains.shape)}"
                )
            check_finite("gains", gains)
        latent, history = start, []
        for t in range(inputs.shape[1]):
            gain = None if gains is None else gains[:, t]
            latent = self.step(latent, inputs[:, t], gain=gain)
            history.append(latent)
        kappa, v, rest = (torch.stack(part, dim=1) for part in zip(*history, strict=True))
        return LatentState(kappa, v, rest)

    def _input_size(self) -> float:
        inside = self.row_factors @ self.input_to_kappa
        return float((inside + self.input_outside).norm())


def latent_dynamics(model: LowRankRNN | NMRNN) -> LatentDynamics:
    """The latent dynamics of a low-rank network, or of the output network of an NM-RNN.

    Args:
        model: read once, detached; a later change of its weights does not follow.

    Returns:
        Dynamics in the dtype of the model's weights.

    Raises:
        ValueError: if the model is neither, or its row factors are linearly dependent.
    """
    network = model.output_network if isinstance(model, NMRNN) else model
    if not isinstance(network, LowRankRNN):
        raise ValueError(f"model must be a LowRankRNN or an NMRNN, got {type(network).__name__}")
    left, right = (factor.detach() for factor in network.factors())
    check_finite("model.row_factors", left)
    if int(torch.linalg.matrix_rank(left)) < left.shape[1]:
        raise ValueError("model must have linearly independent row factors")
    inputs = network.input_weights.detach()
    to_kappa = torch.linalg.pinv(left) @ inputs
    return LatentDynamics(
        row_factors=left,
        column_factors=right,
        input_outside=inputs - left @ to_kappa,
        input_to_kappa=to_kappa,
        scale=network.scale,
        nonlinearity=network.nonlinearity,
        tau=network.tau,
        dt=network.dt,
    )
