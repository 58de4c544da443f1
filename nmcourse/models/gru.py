r"""The GRU, written out: gates as in the LSTM, but one state.

    r, v = sigma(W u + V h + b)   (one W, V, b per gate)
    g = tanh(W_g u + b_g + r * (V_g h + a))
    h <- v h + (1 - v) g                                  y = C h (+ d)

    h  hidden state, (batch, N)        u  input, (batch, P)
    r  reset gate, v  update gate      g  candidate, a  its recurrent bias (N)

The three blocks stand one below the other in ``input_weights`` (3N, P), ``recurrent_weights``
(3N, N) and ``bias`` (3N), in the order r, v, g: the order and the equations of ``torch.nn.GRU``,
whose two biases of the gates are one here. v = 1 keeps the state, as a gain of 1 does in a linear
NM-RNN. One step is one update, whatever dt is.

Reference: Cho et al. 2014.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_generator, counts
from nmcourse.models._base import (
    RecurrentModel,
    Trajectory,
    check_times,
    expand_start,
    join_context,
    project,
    start_value,
    swap_time,
    trial_inputs,
)
from nmcourse.models._readout import Readout
from nmcourse.models._unused_velocity import decides
from nmcourse.models.loops.compiled.gated import gru_scan
from nmcourse.models.loops.compiled.path import path_of


class GRU(RecurrentModel):
    """A network of gated recurrent units with a linear readout.

    Args:
        n_inputs: input channels P.
        n_units: units N.
        n_outputs: output channels O.
        readout_bias: whether the readout offset d exists.
        h0: hidden state that a trial starts from, a number or (N,).
        dt: what one step stands for, in ms; only ``velocity`` uses it.
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below one.
    """

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_outputs: int,
        *,
        readout_bias: bool = False,
        h0: float | Tensor = 0.1,
        dt: float = 10.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_inputs, n_units, n_outputs = counts(
            n_inputs=n_inputs, n_units=n_units, n_outputs=n_outputs
        )
        check_generator(generator)
        check_times(dt, dt)
        self.n_inputs, self.n_units, self.n_outputs, self.dt = n_inputs, n_units, n_outputs, dt

        def normal(*shape: int, fan: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) / math.sqrt(fan))

        self.input_weights = normal(3 * n_units, n_inputs, fan=n_inputs)
        self.recurrent_weights = normal(3 * n_units, n_units, fan=n_units)
        self.bias = normal(3 * n_units, fan=n_units)
        self.candidate_bias = normal(n_units, fan=n_units)
        self.output = Readout(n_units, n_outputs, bias=readout_bias, generator=generator)
        self.h0: Tensor
        self.register_buffer("h0", start_value("h0", h0, n_units))

    def initial_state(self, batch_size: int) -> Tensor:
        """State (batch, N) that a trial starts from."""
        return expand_start(self.h0, batch_size)

    def velocity(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """Change over one step divided by dt: a GRU is a map, not a differential equation."""
        return (self.step(state, input, context) - state) / self.dt

    @decides
    def step(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """State after one update."""
        drive = join_context(input, context) @ self.input_weights.mT + self.bias.unsqueeze(-2)
        return self._update(state, drive)

    def readout(self, state: Tensor) -> Tensor:
        """Outputs y = C h (+ d)."""
        return self.output(state)

    def leak(self) -> float:
        """Noise goes to the whole state; a GRU is a map and has no leak of its own."""
        return 1.0

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        trial_inputs(inputs, context, self.input_weights)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        inputs = trial_inputs(inputs, context, self.input_weights)
        h, states = self.initial_state(inputs.shape[-3]), []
        ours = type(self)._update is GRU._update  # a subclass may have gates of its own
        if ours and path_of(inputs, self.input_weights) == "compiled":
            weights = (self.input_weights, self.bias, self.recurrent_weights, self.candidate_bias)
            trajectory = gru_scan(h, swap_time(inputs), *weights)
        else:
            drives = project(swap_time(inputs), self.input_weights, self.bias)
            for drive in drives.unbind(-3):
                h = self._update(h, drive)
                states.append(h)
            trajectory = torch.stack(states, dim=-3)
        return Trajectory(swap_time(self.output.of_trial(trajectory)), swap_time(trajectory))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; "input weights" are the three W of the input."""
        return {
            "input weights": ["input_weights"],
            "recurrent weights": ["recurrent_weights", "bias", "candidate_bias"],
            "readout": [f"output.{name}" for name, _ in self.output.named_parameters()],
        }

    def _update(self, h: Tensor, drive: Tensor) -> Tensor:
        n_units = drive.shape[-1] // 3
        recurrent = h @ self.recurrent_weights.mT
        gates = torch.sigmoid(drive[..., : 2 * n_units] + recurrent[..., : 2 * n_units])
        r, v = gates.chunk(2, dim=-1)
        of_h = recurrent[..., 2 * n_units :] + self.candidate_bias.unsqueeze(-2)
        g = torch.tanh(drive[..., 2 * n_units :] + r * of_h)
        return v * h + (1.0 - v) * g
