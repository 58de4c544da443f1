r"""The vanilla RNN: every unit may talk to every unit.

Two forms of the rate equation meet in this course.

Current form (the state is the current x):
    tau x' = -x + g W phi(x) + b + B u          y = C x + d
Rate form (the state is the rate r):
    tau r' = -r + phi(g W r + b + B u)          y = C r + d

    x, r  state, (batch, N)            u  input, (batch, P)
    W     recurrent weights (N, N)     B  input weights (N, P)
    b     bias (N)                     C, d  readout
    phi   nonlinearity                 g  recurrent scaling: 1, 1/sqrt(N) or 1/N

For a constant input, x = g W r + b + B u turns the second into the first (chapter *Rate networks
as dynamical systems*).

The released NM-RNN code uses the current form with g = 1/N (Costacurta et al. 2024).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, check_generator, counts
from nmcourse.models._base import (
    RecurrentModel,
    RecurrentScaling,
    Trajectory,
    check_times,
    expand_start,
    join_context,
    project,
    recurrent_scale,
    start_value,
    swap_time,
    trial_inputs,
)
from nmcourse.models._readout import Readout
from nmcourse.models.loops.leaky import leaky_scan


class VanillaRNN(RecurrentModel):
    """A fully connected rate network, in current or rate form.

    Args:
        n_inputs: input channels P.
        n_units: units N.
        n_outputs: output channels O.
        form: ``"current"`` or ``"rate"`` (see the module text).
        nonlinearity: phi, applied elementwise.
        recurrent_scaling: factor g in front of W; W itself starts as N(0, 1), so
            ``"1/sqrt(N)"`` gives a spectral radius near one.
        bias: whether the bias b exists.
        readout_bias: whether the readout offset d exists.
        tau: time constant in ms.
        dt: time step in ms, at most ``tau``.
        x0: state that a trial starts from, a number or (N,).
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below one, an unknown form or scaling, or dt > tau.

    Reference:
        Chapter *Rate networks as dynamical systems*; Costacurta et al. 2024 (baseline of Fig. 3).
    """

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        form: Literal["current", "rate"] = "current",
        nonlinearity: Callable[[Tensor], Tensor] = torch.tanh,
        recurrent_scaling: RecurrentScaling = "1/sqrt(N)",
        bias: bool = False,
        readout_bias: bool = True,
        tau: float = 100.0,
        dt: float = 10.0,
        x0: float | Tensor = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_inputs, n_units, n_outputs = counts(
            n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs
        )
        check_generator(generator)
        check_function("nonlinearity", nonlinearity, "torch.tanh")
        check_times(tau, dt)
        if form not in ("current", "rate"):
            raise ValueError(f"form must be 'current' or 'rate', got {form!r}")
        self.n_inputs, self.n_units, self.n_outputs = n_inputs, n_units, n_outputs
        self.form, self.nonlinearity = form, nonlinearity
        self.scale = recurrent_scale(recurrent_scaling, n_units)
        self.tau, self.dt = tau, dt

        self.recurrent_weights = nn.Parameter(torch.randn(n_units, n_units, generator=generator))
        self.input_weights = nn.Parameter(
            torch.randn(n_units, n_inputs, generator=generator) / math.sqrt(n_inputs)
        )
        self.bias = nn.Parameter(torch.zeros(n_units)) if bias else None
        self.output = Readout(n_units, n_outputs, bias=readout_bias, generator=generator)
        self.x0: Tensor
        self.register_buffer("x0", start_value("x0", x0, n_units))

    def initial_state(self, batch_size: int) -> Tensor:
        """State (batch, N) that a trial starts from."""
        return expand_start(self.x0, batch_size)

    def velocity(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """Right-hand side of the equation, per ms: (batch, N)."""
        phi, g = self.nonlinearity, self.scale
        drive = join_context(input, context) @ self.input_weights.mT
        if self.bias is not None:
            drive = drive + self.bias.unsqueeze(-2)
        if self.form == "current":
            return (-state + g * phi(state) @ self.recurrent_weights.mT + drive) / self.tau
        return (-state + phi(g * state @ self.recurrent_weights.mT + drive)) / self.tau

    def step(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """State one Euler step of dt later."""
        return state + self.dt * self.velocity(state, input, context)

    def readout(self, state: Tensor) -> Tensor:
        """Outputs y = C x + d (in rate form C r + d)."""
        return self.output(state)

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        trial_inputs(inputs, context, self.input_weights)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        inputs = trial_inputs(inputs, context, self.input_weights)
        alpha, phi = self.dt / self.tau, self.nonlinearity
        weights = self.scale * self.recurrent_weights.mT
        start = self.initial_state(inputs.shape[-3])
        if self.form == "current":
            sources, input_weights = self.sources(inputs)
            u, b = swap_time(sources), alpha * input_weights.mT
            x = leaky_scan(start, u, b, 1.0 - alpha, phi, alpha * weights)
        else:
            drives = project(swap_time(inputs), self.input_weights, self.bias)
            r, states = start, []
            for drive in drives.unbind(-3):
                r = (1.0 - alpha) * r + alpha * phi(r @ weights + drive)
                states.append(r)
            x = torch.stack(states, dim=-3)
        return Trajectory(swap_time(self.output.of_trial(x)), swap_time(x))

    def sources(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """What drives the units besides each other, and its weights.

        The bias is the weight of one more input, which is always 1.
        """
        if self.bias is None:
            return inputs, self.input_weights
        return (
            torch.cat([inputs, torch.ones_like(inputs[..., :1])], dim=-1),
            torch.cat([self.input_weights, self.bias.unsqueeze(-1)], dim=-1),
        )

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        bias = [] if self.bias is None else ["bias"]
        return {
            "input weights": ["input_weights"],
            "recurrent weights": ["recurrent_weights", *bias],
            "readout": [f"output.{name}" for name, _ in self.output.named_parameters()],
        }
