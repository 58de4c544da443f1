r"""Constant scalar gains on chosen weights: neuromodulation without a modulator.

    tau x' = -x + g (W o (1 + (q - 1) mask)) phi(x) + b + B u            y = C x + d

    mask  which recurrent weights are modulated, (N, N)       o  entry by entry
    q     the scalar that they are multiplied by; one fixed value for each context
    other symbols: as in ``VanillaRNN``

The context reaches the network in no other way: a trial of another context has the same inputs and
another q. Nothing chooses or changes q; it is set before training and held through the trial. In
an NM-RNN, by contrast, the gains are learnt and move.

Reference: after Tsuda et al. 2021; which weights, and which values, is the user's choice here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import as_tensor, check_tensor
from nmcourse.models._base import (
    RecurrentModel,
    Trajectory,
    check_trial,
    join_context,
    swap_time,
)
from nmcourse.models._terms import run_terms
from nmcourse.models.vanilla_rnn import VanillaRNN


class ScalarGainRNN(RecurrentModel):
    """A vanilla RNN some of whose weights are multiplied by a constant, one for each context.

    Args:
        network: the vanilla RNN, in current form.
        mask: recurrent weights that are modulated, (N, N), true or false; entry (i, j) is the
            weight from unit j to unit i.
        gains: the scalar of each context.

    Raises:
        ValueError: for a network in rate form, a mask that is not boolean (N, N) or chooses
            nothing, or gains that are none or not finite.

    Reference:
        "The reviewers ask"; Tsuda et al. 2021.
    """

    mask: Tensor
    gains: Tensor

    def __init__(self, network: VanillaRNN, mask: Tensor, gains: Sequence[float]) -> None:
        super().__init__()
        n_units = network.n_units
        if network.form != "current":
            raise ValueError(f"network must be in 'current' form, got {network.form!r}")
        check_tensor("mask", mask)
        if mask.shape != (n_units, n_units) or mask.dtype != torch.bool or not mask.any():
            raise ValueError(
                f"mask must be boolean of shape ({n_units}, {n_units}) and true somewhere, got "
                f"{mask.dtype} {tuple(mask.shape)}, {int(mask.count_nonzero())} true"
            )
        values = as_tensor("gains", gains, torch.get_default_dtype())
        if values.ndim != 1 or not len(values) or not torch.isfinite(values).all():
            raise ValueError(f"gains must be one finite number for each context, got {gains!r}")
        self.network, self.n_units, self.n_context = network, n_units, len(values)
        self.n_inputs, self.n_outputs = network.n_inputs, network.n_outputs
        self.tau, self.dt = network.tau, network.dt
        self.register_buffer("mask", mask.clone())
        self.register_buffer("gains", values.clone().unsqueeze(-1))

    def initial_state(self, batch_size: int) -> Tensor:
        """State (batch, N) that a trial starts from."""
        return self.network.initial_state(batch_size)

    def velocity(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """Right-hand side of the equation, per ms: (batch, N)."""
        network = self.network
        gain = self._needed(context) @ self.gains
        chosen = network.nonlinearity(state) @ (self.mask * network.recurrent_weights).mT
        return network.velocity(state, input) + network.scale * (gain - 1.0) * chosen / self.tau

    def step(self, state: Tensor, input: Tensor, context: Tensor | None = None) -> Tensor:
        """State one Euler step of dt later."""
        return state + self.dt * self.velocity(state, input, context)

    def readout(self, state: Tensor) -> Tensor:
        """Outputs y = C x + d."""
        return self.network.readout(state)

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        joined, n_channels = (
            join_context(inputs, self._needed(context)),
            self.n_inputs + self.n_context,
        )
        dtype = self.network.recurrent_weights.dtype
        check_trial("inputs with context", joined, n_channels, dtype)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` and ``context``, (batch, time, channel), fast."""
        self.check_inputs(inputs, context)
        network, context = self.network, self._needed(context)
        weights = network.recurrent_weights
        alpha, (sources, input_weights) = self.dt / self.tau, network.sources(inputs)
        gain = swap_time(context @ self.gains.unsqueeze(-3))
        x = run_terms(
            self.initial_state(inputs.shape[-3]),
            swap_time(sources),
            alpha * input_weights.mT,
            1.0 - alpha,
            network.nonlinearity,
            alpha * network.scale * torch.stack([~self.mask * weights, self.mask * weights], -3),
            torch.cat([torch.ones_like(gain), gain], dim=-1),
        )
        return Trajectory(swap_time(network.output.of_trial(x)), swap_time(x))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; mask and gains are no parameters."""
        return {
            part: [f"network.{name}" for name in names]
            for part, names in self.network.parts().items()
        }

    def _needed(self, context: Tensor | None) -> Tensor:
        if context is None:
            raise ValueError(f"context is needed: it chooses one of {self.n_context} gains")
        return context
