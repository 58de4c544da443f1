r"""The NM-RNN: a low-rank network whose rank-one terms are scaled by another network.

    output network   tau_x x' = -x + g L diag(s) R^T phi(x) + B_x u          y = C x + d
    modulator        tau_z z' = -z + W_z phi(z) + B_z u                      s = sigma(A z + b)

    x  state of the output network, (batch, N)     z  modulator state, (batch, M)
    s  gain, (batch, K), one per rank-one term l_k r_k^T; other symbols: see the two parts

The model is made of its parts, and its variants are other parts:

    NMRNN(LowRankRNN(3, 100, 1, rank=3), Modulator(3, 5, n_gains=3))      the published model
    LowRankRNN(..., orthonormal=False)                                 free row factors
    LowRankRNN(..., symmetric=True, nonlinearity=identity)             the linear symmetric one
    Modulator(..., n_context=4)                                        context for the modulator
    Modulator(..., n_feedback=100)                                     it has feedback
    PrescribedGain(s)  or  ClampedGain(modulator, {2: 0.5})            instead of the modulator
    SparseTerms(3, 100, 1, rank=3)                                     instead of rank-one terms
    NMRNN(..., modulated=("recurrent", "input", "readout"))            more weights under gain

The last one multiplies the columns of B_x and the rows of C by gains of their own (the published
model has none there; its authors suspect that this keeps it behind the LSTM):

    s = (s_recurrent, s_input, s_readout), K + P + O of them
    input B_x diag(s_input) u          output y = diag(s_readout) C x + d

The published update (Costacurta et al. 2024, released code) is not plain Euler on both
equations: it advances z, takes the gain of the *new* z, and then advances x. ``step`` does that;
``velocity`` is the right-hand side at the present state. Both have the same fixed points and
differ by O(dt^2) a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmcourse.models._base import (
    RecurrentModel,
    Trajectory,
    check_trial,
    join_context,
    project,
    swap_time,
)
from nmcourse.models._output_network import OutputNetwork
from nmcourse.models._unused_velocity import decides
from nmcourse.models.loops.compiled.modulated import (
    Settings,
    Weights,
    can_compile,
    modulated_scan,
)
from nmcourse.models.loops.compiled.path import path_of
from nmcourse.models.loops.feedback import feedback_scan
from nmcourse.models.low_rank_rnn import LowRankRNN
from nmcourse.models.modulator import GainSource, Modulator

MODULATED = ("recurrent", "input", "readout")


class NMState(NamedTuple):
    """State of an NM-RNN: x (batch, N) of the output network, z (batch, M) of the modulator."""

    x: Tensor
    z: Tensor


class _Gains(NamedTuple):
    """Gains by what they scale; None where nothing is scaled."""

    recurrent: Tensor | None
    input: Tensor | None
    readout: Tensor | None


class NMRNN(RecurrentModel):
    """A low-rank output network with a gain source.

    Args:
        output_network: the network whose terms are scaled, of rank one or sparse.
        modulator: what sets the gains, with the same dt; its number of gains is K for
            the published model.
        modulated: which weights have gains, of ``"recurrent"`` (K gains), ``"input"`` (P) and
            ``"readout"`` (O); the gains stand in this order.

    Raises:
        ValueError: for an unknown, repeated or empty ``modulated``, or if the parts do not fit
            together (gains, inputs, feedback size, dt).

    Reference:
        Chapter *Gain as neuromodulation*; Costacurta et al. 2024, Eqs. 1-4 and 9.
    """

    def __init__(
        self,
        output_network: OutputNetwork,
        modulator: GainSource,
        *,
        modulated: Sequence[str] = ("recurrent",),
    ) -> None:
        super().__init__()
        if isinstance(modulated, str) or not modulated or {*modulated} - {*MODULATED}:
            raise ValueError(f"modulated must be one or more of {MODULATED}, got {modulated!r}")
        if len(set(modulated)) < len(modulated):
            raise ValueError(f"modulated must name each kind of weight once, got {modulated!r}")
        self.modulated = tuple(kind for kind in MODULATED if kind in modulated)
        counts = (output_network.rank, output_network.n_inputs, output_network.n_outputs)
        available = dict(zip(MODULATED, counts, strict=True))
        self.n_gains = [available[kind] for kind in self.modulated]
        pairs = {
            "n_gains": (modulator.n_gains, sum(self.n_gains)),
            "dt": (modulator.dt, output_network.dt),
            "n_inputs": (modulator.n_inputs or output_network.n_inputs, output_network.n_inputs),
            "n_feedback": (modulator.n_feedback or output_network.n_units, output_network.n_units),
        }
        for name, (given, needed) in pairs.items():
            if given != needed:
                raise ValueError(
                    f"modulator.{name} must fit the output network: got {given}, needed {needed}"
                )
        self.output_network, self.modulator = output_network, modulator
        self.n_inputs, self.n_outputs = output_network.n_inputs, output_network.n_outputs
        self.n_units, self.rank, self.dt = output_network.n_units, output_network.rank, modulator.dt

    def initial_state(self, batch_size: int) -> NMState:
        """States that a trial starts from."""
        return NMState(
            self.output_network.initial_state(batch_size), self.modulator.initial_state(batch_size)
        )

    def velocity(self, state: NMState, input: Tensor, context: Tensor | None = None) -> NMState:
        """Right-hand sides at the present state, per ms."""
        x, z = state
        s = self._split(self.modulator.gain(z))
        return NMState(
            self.output_network.velocity(x, _scaled(input, s.input), gain=s.recurrent),
            self.modulator.velocity(z, input, context, self._rates(x)),
        )

    @decides
    def step(self, state: NMState, input: Tensor, context: Tensor | None = None) -> NMState:
        """First the modulator, then the output network under the new gain."""
        x, z = state
        z = self.modulator.step(z, input, context, self._rates(x))
        s = self._split(self.modulator.gain(z))
        x = self.output_network.step(x, _scaled(input, s.input), gain=s.recurrent)
        return NMState(x, z)

    def readout(self, state: NMState) -> Tensor:
        """Outputs y = C x + d, the rows of C under their gains if they have any."""
        if "readout" not in self.modulated:
            return self.output_network.readout(state.x)
        return self.output_network.output(
            state.x, self._split(self.modulator.gain(state.z)).readout
        )

    def leak(self) -> NMState:
        """Dt / tau of both networks."""
        return NMState(self.output_network.leak(), self.modulator.leak())  # type: ignore[arg-type]

    def trajectory(self, states: Sequence[NMState], outputs: Tensor) -> Trajectory:
        """The trajectory of a trial, with modulator states and gains."""
        x, z = (torch.stack(values, dim=-2) for values in zip(*states, strict=True))
        gains = torch.stack([self.modulator.gain(state.z) for state in states], dim=-2)
        return Trajectory(outputs, x, z, gains)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` and ``context``, (batch, time, channel), fast."""
        self.check_inputs(inputs, context)
        together = self._run_together(inputs, context)
        if together is not None:
            x, z, s, sums = together
        else:
            sums = None
            z, s = self.modulator.run(inputs, context)
            gains = self._split(s)
            of_input = None if gains.input is None else swap_time(gains.input)
            x = self.output_network.run(_scaled(inputs, of_input), gains.recurrent)
        readout, of_readout = self.output_network.output, self._split(s).readout
        if sums is None:
            y = readout.of_trial(x, of_readout)
        else:
            y = readout.of_sums(sums, of_readout)
        return Trajectory(swap_time(y), swap_time(x), swap_time(z), swap_time(s))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; "input weights" are those of both networks.

        ``freeze=("recurrent weights", "input weights of the output network")`` leaves a random
        output network whose modulator and readout learn; ``freeze=("output network",)`` leaves
        the modulator alone.
        """
        names = [name for name, _ in self.named_parameters()]
        parts = {
            part: [f"output_network.{name}" for name in of_network]
            for part, of_network in self.output_network.parts().items()
        }
        parts["output network"] = [n for n in names if n.startswith("output_network.")]
        parts["modulator"] = [n for n in names if n.startswith("modulator.")]
        parts["input weights of the output network"] = parts["input weights"]
        parts["input weights"] = [n for n in names if n.endswith("input_weights")]
        return parts

    def _split(self, gain: Tensor) -> _Gains:
        """The gains (.., K + P + O) by what they scale."""
        pieces = dict(zip(self.modulated, gain.split(self.n_gains, dim=-1), strict=True))
        return _Gains(*(pieces.get(kind) for kind in MODULATED))

    def _rates(self, x: Tensor) -> Tensor | None:
        return self.output_network.nonlinearity(x) if self.modulator.n_feedback else None

    def _run_together(
        self, inputs: Tensor, context: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None] | None:
        """States, modulator states, gains and perhaps C x, (time, batch, .), in one loop.

        With feedback there is no other way; without it, None where that would not be faster.
        """
        if self.modulated[0] == "recurrent":
            n_scaled = sum(self.n_gains[: 1 + ("input" in self.modulated)])
            found = run_together(self.output_network, self.modulator, inputs, context, n_scaled)
            if found is not None:
                return found
        if not self.modulator.n_feedback:
            return None
        state, history = self.initial_state(inputs.shape[-3]), []
        for t in range(inputs.shape[-2]):
            now = None if context is None else context[..., t, :]
            state = self.step(state, inputs[..., t, :], now)
            history.append((state.x, state.z, self.modulator.gain(state.z)))
        x, z, s = (torch.stack(values, dim=-3) for values in zip(*history, strict=True))
        return x, z, s, None

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        dtype = self.output_network.input_weights.dtype
        check_trial("inputs", inputs, self.n_inputs, dtype)
        n_context = self.modulator.n_context
        if context is None and n_context:
            raise ValueError(f"context is needed: the modulator has {n_context} context channels")
        if context is not None:
            if not n_context:
                raise ValueError("context was given, but the modulator has no context channels")
            check_trial("context", context, n_context, dtype)


def _scaled(values: Tensor, gains: Tensor | None) -> Tensor:
    return values if gains is None else gains * values


def run_together(
    network: RecurrentModel,
    modulator: GainSource,
    inputs: Tensor,
    context: Tensor | None,
    n_scaled: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None] | None:
    """States, modulator states, gains and perhaps C x of whole trials, each (time, batch, .).

    None for parts that this loop does not know (a subclass, a gain source that is not a plain
    ``Modulator``, nonlinearities without a gradient here), and without feedback where the loop is
    not compiled: one network after the other is then as good.
    """
    if not (isinstance(network, LowRankRNN) and isinstance(modulator, Modulator)):
        return None
    if type(network) is not LowRankRNN or type(modulator) is not Modulator:
        return None
    phi, sigma = network.nonlinearity, modulator.gain_nonlinearity
    if phi is not modulator.nonlinearity or "plain" in (path_of(phi=phi), path_of(phi=sigma)):
        return None
    compiled = can_compile((inputs, network.input_weights), phi, sigma)
    if compiled:
        return compiled_together(network, modulator, join_context(inputs, context), n_scaled)
    if modulator.feedback_weights is None:
        return None
    alpha_x, alpha_z = network.dt / network.tau, modulator.dt / modulator.tau
    left, right = network.factors()
    start = (network.initial_state(inputs.shape[-3]), modulator.initial_state(inputs.shape[-3]))
    channels = join_context(inputs, context)
    gains = (modulator.gain_weights.mT, modulator.gain_bias)
    factors = torch.cat([alpha_x * left, alpha_x * network.input_weights], dim=-1).mT
    options: dict[str, Any] = {
        "keep": (1.0 - alpha_x, 1.0 - alpha_z),
        "phi": phi,
        "sigma": sigma,
        "n_scaled": n_scaled,
    }
    no_path = right.new_zeros(*right.shape[:-2], modulator.n_units, right.shape[-1])
    to_latents = torch.cat([network.scale * right, no_path], dim=-2)
    to_modulator = torch.cat([modulator.feedback_weights, modulator.recurrent_weights], dim=-1).mT
    drives = project(swap_time(channels), modulator.input_weights, modulator.feedback_bias)
    joint = torch.cat([to_latents, alpha_z * to_modulator], dim=-1)
    found = feedback_scan(
        start, swap_time(inputs), alpha_z * drives, joint, gains, factors, **options
    )
    return *found, None


def compiled_together(
    network: LowRankRNN, modulator: Modulator, channels: Tensor, n_scaled: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``run_together`` by the compiled loop; ``channels`` are inputs and context."""
    left, right = network.factors()
    feedback, feedback_bias = (
        channels.new_zeros(shape) if given is None else given
        for given, shape in (
            (modulator.feedback_weights, (0, network.n_units)),
            (modulator.feedback_bias, (modulator.n_units,)),
        )
    )
    n_trials = channels.shape[-3]
    return modulated_scan(
        network.initial_state(n_trials),
        modulator.initial_state(n_trials),
        channels,
        Weights(
            *(left, network.input_weights, right, network.output.weights),
            *(modulator.recurrent_weights, modulator.input_weights),
            *(modulator.gain_weights, modulator.gain_bias, feedback, feedback_bias),
        ),
        Settings(
            *(network.dt / network.tau, modulator.dt / modulator.tau, network.scale),
            *(network.nonlinearity, modulator.gain_nonlinearity, n_scaled),
        ),
    )
