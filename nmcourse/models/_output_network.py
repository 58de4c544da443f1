"""What the output networks of an NM-RNN share, whatever their terms are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from nmcourse.models._as_written import as_written
from nmcourse.models._base import (
    RecurrentModel,
    Trajectory,
    expand_start,
    swap_time,
    trial_inputs,
)
from nmcourse.models._readout import Readout


class OutputNetwork(RecurrentModel):
    """A leaky network (current form) whose recurrence is a sum of terms that gains can scale.

    Attributes:
        n_units: units N.
        rank: number of terms K.
        tau: time constant in ms.
        nonlinearity: phi.
    """

    n_units: int
    rank: int
    tau: float
    nonlinearity: Callable[[Tensor], Tensor]
    x0: Tensor
    input_weights: Tensor
    output: Readout

    @abstractmethod
    def velocity(
        self,
        state: Tensor,
        input: Tensor,
        context: Tensor | None = None,
        *,
        gain: Tensor | None = None,
    ) -> Tensor:
        """Right-hand side of the equation, per ms: (batch, N).

        ``gain`` (batch, K) multiplies the K terms; None means gains of 1.
        """

    @abstractmethod
    def scan(self, inputs: Tensor, gains: Tensor | None = None) -> Tensor:
        """The fast path of ``run``, for the equation of this class and no other."""

    def run(self, inputs: Tensor, gains: Tensor | None = None) -> Tensor:
        """States (time, batch, N) of whole trials.

        Args:
            inputs: (batch, time, P).
            gains: (time, batch, K) or None for gains of 1; an NM-RNN passes its gains here.
        """
        if as_written(self):
            return self.scan(inputs, gains)
        x, states = self.initial_state(inputs.shape[-3]), []
        for t in range(inputs.shape[-2]):
            now = None if gains is None else gains[..., t, :, :]
            x = self.step(x, inputs[..., t, :], gain=now)
            states.append(x)
        return torch.stack(states, dim=-3)

    def initial_state(self, batch_size: int) -> Tensor:
        """State (batch, N) that a trial starts from."""
        return expand_start(self.x0, batch_size)

    def step(
        self,
        state: Tensor,
        input: Tensor,
        context: Tensor | None = None,
        *,
        gain: Tensor | None = None,
    ) -> Tensor:
        """State one Euler step of dt later."""
        return state + self.dt * self.velocity(state, input, context, gain=gain)

    def readout(self, state: Tensor) -> Tensor:
        """Outputs y = C x + d."""
        return self.output(state)

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        trial_inputs(inputs, context, self.input_weights)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        inputs = trial_inputs(inputs, context, self.input_weights)
        x = self.run(inputs)
        return Trajectory(swap_time(self.output.of_trial(x)), swap_time(x))
