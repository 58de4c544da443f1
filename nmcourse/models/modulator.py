r"""Where the gain of an NM-RNN comes from.

    tau_z z' = -z + W_z phi(z) + B_z [u, context] (+ F phi(x) + f)          s = sigma(A z + b)

    z    modulator state, (batch, M)       s     gain, (batch, K), one per rank-one term
    W_z  recurrent weights (M, M)          A, b  gain weights (K, M) and bias (K)
    B_z  input weights (M, P + contexts)   F, f  feedback from the output network's rates phi(x)

Three things can stand here, all with the same methods: a ``Modulator`` (the network above), a
``PrescribedGain`` (an s(t) that somebody wrote down), and a ``ClampedGain`` (either of them with
some components held at a value).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from nmcourse._inputs import (
    check_function,
    check_generator,
    check_tensor,
    count,
    counts,
    number,
    whole,
)
from nmcourse.models._as_written import as_written
from nmcourse.models._base import (
    check_times,
    expand_start,
    join_context,
    project,
    start_value,
    swap_time,
)
from nmcourse.models.loops.leaky import leaky_scan


class GainSource(nn.Module, ABC):
    """What an NM-RNN needs of whatever sets its gains.

    Attributes:
        n_gains: number of gains K.
        n_inputs: task input channels it expects, or None if it reads none.
        n_context: context channels it expects.
        n_feedback: units of the output network that it listens to (0: none).
        dt: time step in ms.
    """

    n_gains: int
    n_inputs: int | None
    n_context: int
    n_feedback: int
    dt: float

    @abstractmethod
    def initial_state(self, batch_size: int) -> Tensor:
        """Modulator state (batch, M) at the start of a trial."""

    @abstractmethod
    def velocity(
        self, z: Tensor, input: Tensor, context: Tensor | None, rates: Tensor | None
    ) -> Tensor:
        """dz/dt per ms; ``rates`` is phi(x) of the output network."""

    @abstractmethod
    def gain(self, z: Tensor) -> Tensor:
        """Gain s (.., K) of a modulator state."""

    def step(
        self, z: Tensor, input: Tensor, context: Tensor | None, rates: Tensor | None
    ) -> Tensor:
        """Modulator state one Euler step later."""
        return z + self.dt * self.velocity(z, input, context, rates)

    @abstractmethod
    def run(self, inputs: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Modulator states and gains of whole trials, (time, batch, .); only without feedback."""

    def leak(self) -> float:
        """What a step leaves room for, dt / tau; 0 where the state is no activity."""
        return 0.0


class Modulator(GainSource):
    """A small vanilla RNN whose readout is the gain.

    Args:
        n_inputs: task input channels P.
        n_units: modulator units M.
        n_gains: number of gains K.
        n_context: context channels; only the modulator ever sees them.
        n_feedback: units N of the output network whose rates are fed back (Eq. 9), or 0.
        gain_nonlinearity: sigma; the sigmoid keeps gains in (0, 1).
        nonlinearity: phi of the modulator.
        tau: time constant tau_z in ms; neuromodulation is slow.
        dt: time step in ms, at most ``tau``.
        z0: state that a trial starts from, a number or (M,).
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below one or dt > tau.

    Reference:
        Chapter *Gain as neuromodulation*; Costacurta et al. 2024, Eqs. 1, 4 and 9.
    """

    def __init__(
        self,
        n_inputs: int,
        n_units: int,
        n_gains: int,
        *,
        n_context: int = 0,
        n_feedback: int = 0,
        gain_nonlinearity: Callable[[Tensor], Tensor] = torch.sigmoid,
        nonlinearity: Callable[[Tensor], Tensor] = torch.tanh,
        tau: float = 1000.0,
        dt: float = 10.0,
        z0: float | Tensor = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_inputs, n_units, n_gains = counts(n_inputs=n_inputs, n_units=n_units, n_gains=n_gains)
        n_context = whole("n_context", n_context, least=0)
        n_feedback = whole("n_feedback", n_feedback, least=0)
        check_generator(generator)
        check_function("nonlinearity", nonlinearity, "torch.tanh")
        check_function("gain_nonlinearity", gain_nonlinearity, "torch.sigmoid")
        check_times(tau, dt)
        self.n_inputs, self.n_units, self.n_gains = n_inputs, n_units, n_gains
        self.n_context, self.n_feedback = n_context, n_feedback
        self.gain_nonlinearity, self.nonlinearity = gain_nonlinearity, nonlinearity
        self.tau, self.dt = tau, dt

        def small(*shape: int) -> nn.Parameter:
            return nn.Parameter(0.1 * torch.randn(*shape, generator=generator))

        n_channels = n_inputs + n_context
        self.recurrent_weights = small(n_units, n_units)
        self.input_weights = nn.Parameter(
            torch.randn(n_units, n_channels, generator=generator) / math.sqrt(n_channels)
        )
        self.gain_weights = small(n_gains, n_units)
        self.gain_bias = small(n_gains)
        self.feedback_weights: nn.Parameter | None = None
        self.feedback_bias: nn.Parameter | None = None
        if n_feedback:
            self.feedback_weights = nn.Parameter(
                torch.randn(n_units, n_feedback, generator=generator) / math.sqrt(n_feedback)
            )
            self.feedback_bias = nn.Parameter(torch.zeros(n_units))
        self.z0: Tensor
        self.register_buffer("z0", start_value("z0", z0, n_units))

    def initial_state(self, batch_size: int) -> Tensor:
        """Modulator state (batch, M) at the start of a trial."""
        return expand_start(self.z0, batch_size)

    def velocity(
        self, z: Tensor, input: Tensor, context: Tensor | None, rates: Tensor | None
    ) -> Tensor:
        """dz/dt per ms, (batch, M)."""
        drive = join_context(input, context) @ self.input_weights.mT
        if self.feedback_weights is not None and self.feedback_bias is not None:
            if rates is None:
                raise ValueError("rates of the output network are needed: n_feedback is not 0")
            drive = drive + rates @ self.feedback_weights.mT + self.feedback_bias.unsqueeze(-2)
        return (-z + self.nonlinearity(z) @ self.recurrent_weights.mT + drive) / self.tau

    def gain(self, z: Tensor) -> Tensor:
        """Gain s = sigma(A z + b), (.., K)."""
        return self.gain_nonlinearity(z @ self.gain_weights.mT + self.gain_bias.unsqueeze(-2))

    def run(self, inputs: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Modulator states and gains of whole trials, (time, batch, .)."""
        if not as_written(self):
            return self._run_by_steps(inputs, context)
        alpha = self.dt / self.tau
        z = leaky_scan(
            self.initial_state(inputs.shape[-3]),
            swap_time(join_context(inputs, context)),
            alpha * self.input_weights.mT,
            1.0 - alpha,
            self.nonlinearity,
            alpha * self.recurrent_weights.mT,
        )
        return z, self.gain_nonlinearity(project(z, self.gain_weights, self.gain_bias))

    def leak(self) -> float:
        """What a step leaves room for, dt / tau."""
        return self.dt / self.tau

    def _run_by_steps(self, inputs: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """``run`` where a subclass changes the equation: its own ``step`` and ``gain``."""
        z, states, gains = self.initial_state(inputs.shape[-3]), [], []
        for t in range(inputs.shape[-2]):
            now = None if context is None else context[..., t, :]
            z = self.step(z, inputs[..., t, :], now, None)
            states.append(z)
            gains.append(self.gain(z))
        return torch.stack(states, dim=-3), torch.stack(gains, dim=-3)


class PrescribedGain(GainSource):
    """Gains that are given instead of computed; the modulator state is the elapsed time in ms.

    Args:
        gains: (time, K), or (trial, time, K) for another s(t) in every trial; entry t is the gain
            of step t. ``step`` holds the last entry beyond the end, ``forward`` refuses a
            trial that is longer.
        dt: time step in ms.

    Raises:
        ValueError: for gains of another shape or not finite.

    Reference:
        Chapter *Gain as neuromodulation*; Costacurta et al. 2024, Fig. 2A.
    """

    gains: Tensor
    start: Tensor

    def __init__(self, gains: Tensor, *, dt: float = 10.0) -> None:
        super().__init__()
        check_times(dt, dt)
        check_tensor("gains", gains)
        if gains.ndim not in (2, 3) or 0 in gains.shape:
            raise ValueError(
                "gains must have shape (time, n_gains) or (trial, time, n_gains), "
                f"got {tuple(gains.shape)}"
            )
        if not torch.isfinite(gains).all():
            raise ValueError("gains must be finite, got NaN or infinity")
        self.n_inputs, self.n_context, self.n_feedback = None, 0, 0
        self.n_gains, self.dt, self.per_trial = gains.shape[-1], dt, gains.ndim == 3
        self.register_buffer("gains", gains.detach().clone())
        self.register_buffer("start", torch.zeros(1, dtype=gains.dtype))

    @classmethod
    def from_function(
        cls, function: Callable[[Tensor], Tensor], n_steps: int, *, dt: float = 10.0
    ) -> PrescribedGain:
        """Gains from s(t): ``function`` maps times in ms (time,) to gains (time, K)."""
        check_times(dt, dt)
        return cls(function(dt * torch.arange(count("n_steps", n_steps))), dt=dt)

    def initial_state(self, batch_size: int) -> Tensor:
        """Elapsed time (batch, 1), zero."""
        self._check_trials(batch_size)
        return expand_start(self.start, batch_size)

    def velocity(
        self, z: Tensor, input: Tensor, context: Tensor | None, rates: Tensor | None
    ) -> Tensor:
        """Time passes at one ms per ms."""
        return torch.ones_like(z)

    def gain(self, z: Tensor) -> Tensor:
        """Gain (.., batch, K) of the step that ends at time z (.., batch, 1)."""
        steps = (z[..., 0] / self.dt).round().long() - 1
        steps = steps.clamp(0, self.gains.shape[-2] - 1)
        if not self.per_trial:
            return self.gains[steps]
        return self.gains[torch.arange(self.gains.shape[0], device=z.device), steps]

    def run(self, inputs: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """Elapsed times and gains of whole trials, (time, batch, .)."""
        n_trials, n_steps = inputs.shape[-3], inputs.shape[-2]
        if n_steps > self.gains.shape[-2]:
            raise ValueError(
                f"inputs have {n_steps} steps, but gains are prescribed for {self.gains.shape[-2]}"
            )
        self._check_trials(n_trials)
        times = self.dt * torch.arange(1, n_steps + 1, dtype=self.start.dtype, device=inputs.device)
        gains = self.gains[..., :n_steps, :]
        if not self.per_trial:
            gains = gains.unsqueeze(-3).expand(*gains.shape[:-2], n_trials, *gains.shape[-2:])
        return times.reshape(-1, 1, 1).expand(n_steps, n_trials, 1), swap_time(gains)

    def _check_trials(self, n_trials: int) -> None:
        if self.per_trial and n_trials != self.gains.shape[-3]:
            raise ValueError(
                f"inputs have {n_trials} trials, but gains are prescribed for "
                f"{self.gains.shape[-3]}"
            )


class ClampedGain(GainSource):
    """A gain source with some components held at a value: ablation, or gains fixed at 1.

    Args:
        source: a ``Modulator``, ``PrescribedGain`` or ``ClampedGain``.
        values: gain component -> value it is held at.

    Raises:
        ValueError: for a component that the source does not have, or a value that is not finite.

    Reference:
        Chapter *Keeping time with gain*; Costacurta et al. 2024, Fig. 3F.
    """

    held: Tensor
    values: Tensor

    def __init__(self, source: GainSource, values: Mapping[int, float]) -> None:
        super().__init__()
        values = {
            whole("values: component", component, 0, source.n_gains - 1): number(
                f"values: gain {component}", value, "finite"
            )
            for component, value in values.items()
        }
        self.source = source
        self.n_gains, self.n_inputs = source.n_gains, source.n_inputs
        self.n_context, self.n_feedback, self.dt = source.n_context, source.n_feedback, source.dt
        held = torch.zeros(self.n_gains, dtype=torch.bool)
        clamped = torch.zeros(self.n_gains, dtype=torch.float64)  # keeps every digit of a value
        for component, value in values.items():
            held[component], clamped[component] = True, value
        self.register_buffer("held", held)
        self.register_buffer("values", clamped)

    def initial_state(self, batch_size: int) -> Tensor:
        """Modulator state (batch, M) at the start of a trial."""
        return self.source.initial_state(batch_size)

    def velocity(
        self, z: Tensor, input: Tensor, context: Tensor | None, rates: Tensor | None
    ) -> Tensor:
        """The source's dz/dt: a clamp acts on gains, not on the modulator."""
        return self.source.velocity(z, input, context, rates)

    def leak(self) -> float:
        """That of the source."""
        return self.source.leak()

    def gain(self, z: Tensor) -> Tensor:
        """Gains (.., K) with the clamped components at their values."""
        return self._clamp(self.source.gain(z), n_axes=1)

    def run(self, inputs: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """The source's states, and its gains with the clamped ones at their values."""
        z, gains = self.source.run(inputs, context)
        return z, self._clamp(gains, n_axes=2)

    def _clamp(self, gains: Tensor, n_axes: int) -> Tensor:
        """``n_axes``: how many axes stand between the seed axis, if there is one, and K."""
        held, values = (
            buffer.reshape(*buffer.shape[:-1], *[1] * n_axes, self.n_gains)
            for buffer in (self.held, self.values)
        )
        return torch.where(held, values.to(gains.dtype), gains)
