r"""The LSTM, written out: the baseline whose gates the NM-RNN is compared with.

    i, f, o = sigma(W u + V h + b)   (one W, V, b per gate)        g = tanh(W_g u + V_g h + b_g)
    c <- f c + i g                   h <- o tanh(c)                y = C h (+ d)

    c  cell state, (batch, N)          h  hidden state, (batch, N)
    i, f, g, o  input gate, forget gate, candidate, output gate

The four gates stand one below the other in ``input_weights`` (4N, P), ``recurrent_weights``
(4N, N) and ``bias`` (4N), in the order i, f, g, o. The network has no time constant: one step is
one update, whatever dt is.

Reference: Hochreiter and Schmidhuber 1997; baseline of Costacurta et al. 2024.
"""

from __future__ import annotations

import math
from typing import NamedTuple

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
from nmcourse.models.loops.compiled.gated import lstm_scan
from nmcourse.models.loops.compiled.path import path_of


class LSTMState(NamedTuple):
    """State of an LSTM: hidden h and cell c, each (batch, N)."""

    h: Tensor
    c: Tensor


class LSTM(RecurrentModel):
    """A long short-term memory network with a linear readout.

    ``forward`` returns h and c side by side as ``states``, (batch, time, 2N).

    Args:
        n_inputs: input channels P.
        n_units: units N.
        n_outputs: output channels O.
        readout_bias: whether the readout offset d exists.
        h0: hidden state that a trial starts from, a number or (N,).
        c0: cell state that a trial starts from, a number or (N,).
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
        c0: float | Tensor = 0.1,
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

        self.input_weights = normal(4 * n_units, n_inputs, fan=n_inputs)
        self.recurrent_weights = normal(4 * n_units, n_units, fan=n_units)
        self.bias = normal(4 * n_units, fan=n_units)
        self.output = Readout(n_units, n_outputs, bias=readout_bias, generator=generator)
        self.h0: Tensor
        self.c0: Tensor
        self.register_buffer("h0", start_value("h0", h0, n_units))
        self.register_buffer("c0", start_value("c0", c0, n_units))

    def initial_state(self, batch_size: int) -> LSTMState:
        """States that a trial starts from."""
        return LSTMState(expand_start(self.h0, batch_size), expand_start(self.c0, batch_size))

    def velocity(self, state: LSTMState, input: Tensor, context: Tensor | None = None) -> LSTMState:
        """Change over one step divided by dt: an LSTM is a map, not a differential equation."""
        new = self.step(state, input, context)
        return LSTMState((new.h - state.h) / self.dt, (new.c - state.c) / self.dt)

    @decides
    def step(self, state: LSTMState, input: Tensor, context: Tensor | None = None) -> LSTMState:
        """State after one update."""
        drive = join_context(input, context) @ self.input_weights.mT + self.bias.unsqueeze(-2)
        return self._update(state, drive)

    def readout(self, state: LSTMState) -> Tensor:
        """Outputs y = C h (+ d)."""
        return self.output(state.h)

    def leak(self) -> tuple[float, float]:
        """Noise goes to the cell c; an LSTM is a map and has no leak of its own."""
        return 0.0, 1.0

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        trial_inputs(inputs, context, self.input_weights)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        inputs = trial_inputs(inputs, context, self.input_weights)
        state, states = self.initial_state(inputs.shape[-3]), []
        ours = type(self)._update is LSTM._update  # a subclass may have gates of its own
        if ours and path_of(inputs, self.input_weights) == "compiled":
            weights = (self.input_weights, self.bias, self.recurrent_weights)
            h, c = lstm_scan(state, swap_time(inputs), *weights)
            trajectory = torch.cat([h, c], dim=-1)
            return Trajectory(swap_time(self.output.of_trial(h)), swap_time(trajectory))
        drives = project(swap_time(inputs), self.input_weights, self.bias)
        for drive in drives.unbind(-3):
            state = self._update(state, drive)
            states.append(torch.cat(state, dim=-1))
        trajectory = torch.stack(states, dim=-3)
        outputs = self.output.of_trial(trajectory[..., : self.n_units])
        return Trajectory(swap_time(outputs), swap_time(trajectory))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; "input weights" are the four W of the input."""
        return {
            "input weights": ["input_weights"],
            "recurrent weights": ["recurrent_weights", "bias"],
            "readout": [f"output.{name}" for name, _ in self.output.named_parameters()],
        }

    def _update(self, state: LSTMState, drive: Tensor) -> LSTMState:
        gates = drive + state.h @ self.recurrent_weights.mT
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * state.c + torch.sigmoid(i) * torch.tanh(g)
        return LSTMState(torch.sigmoid(o) * torch.tanh(c), c)
