"""What every model of the course shares: the verbs, the trajectory, the checks.

A model is an ``nn.Module`` with five verbs (``initial_state``, ``step``, ``velocity``,
``readout``, ``forward``). Axes are always (batch, time, unit), times are in ms.

Parameters may carry one leading *seed axis* (many networks in one batch, see
``nmcourse.training.fit_many``). All equations are therefore written with ``@`` on the last two
axes; nothing else changes, and outputs gain the same leading axis.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from nmcourse._inputs import all_finite, as_tensor, check_generator, check_tensor, count, number
from nmcourse.models._as_written import as_written
from nmcourse.models._unused_velocity import refuse_unused_velocity
from nmcourse.models.loops.derivatives import transformed

RecurrentScaling = Literal["none", "1/sqrt(N)", "1/N"]


class Trajectory(NamedTuple):
    """A simulated trial; entry t of each field is the value after step t.

    Attributes:
        outputs: (batch, time, output).
        states: (batch, time, unit), or None where a model does not keep them.
        modulator_states: (batch, time, modulator unit); NM-RNN only.
        gains: (batch, time, rank), the gain s that each step used; NM-RNN only.
    """

    outputs: Tensor
    states: Tensor | None
    modulator_states: Tensor | None = None
    gains: Tensor | None = None


class RecurrentModel(nn.Module, ABC):
    """The contract of every recurrent model, from the vanilla RNN to the NM-RNN.

    Attributes:
        n_inputs: input channels P (context channels not counted).
        n_outputs: output channels O.
        dt: time step in ms.
        tau: time constant in ms, where there is one.
    """

    n_inputs: int
    n_outputs: int
    dt: float
    tau: float

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_unused_velocity(cls)

    @abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """State that a trial starts from, (batch, unit)."""

    @abstractmethod
    def velocity(self, state: Any, input: Tensor, context: Tensor | None = None) -> Any:
        """Right-hand side of the equation at the present state, per ms; shaped as the state.

        A step is Euler's step of it, but in an LSTM, a GRU and networks of two parts such as an
        NM-RNN. What changes the equation of those overrides ``step``; a subclass that overrides
        ``velocity`` alone is a ``TypeError``.
        """

    @abstractmethod
    def step(self, state: Any, input: Tensor, context: Tensor | None = None) -> Any:
        """State one time step later."""

    @abstractmethod
    def readout(self, state: Any) -> Tensor:
        """Outputs (batch, output) of a state."""

    def forward(
        self,
        inputs: Tensor,
        context: Tensor | None = None,
        *,
        noise_std: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Trajectory:
        """Whole trials; equals ``step`` repeated, plus noise if there is any.

        A model whose equation is the one of its class takes a fast path (``simulate``). Where a
        subclass or a part changes the equation, ``step`` is repeated instead.

        Args:
            inputs: (batch, time, input).
            context: (batch, time, context channel), for models that have some.
            noise_std: standard deviation sigma of a noise current, new and independent for every
                unit, trial and step. A step adds alpha sigma xi to the state, alpha = dt / tau
                (``leak``). The leak alone turns that into a variance of
                sigma^2 alpha / (2 - alpha). So sigma is the noise of one *step*: for a noise that
                has one strength per ms, whatever dt is, give sigma sqrt(dt_0 / dt).
            generator: source of the noise.

        Raises:
            ValueError: for inputs that do not fit, or a negative or infinite ``noise_std``.
        """
        noise_std = number("noise_std", noise_std, "finite and not negative", least=0)
        check_generator(generator)
        if not noise_std and as_written(self):
            return self.simulate(inputs, context)
        self.check_inputs(inputs, context)
        state, states, outputs = self.initial_state(inputs.shape[-3]), [], []
        for t in range(inputs.shape[-2]):
            now = None if context is None else context[..., t, :]
            state = self.step(state, inputs[..., t, :], now)
            if noise_std:
                state = add_noise(state, self.leak(), noise_std, generator)
            states.append(state)
            outputs.append(self.readout(state))
        return self.trajectory(states, torch.stack(outputs, dim=-2))

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """The fast path of ``forward``, for the equation of this class and no other."""
        raise NotImplementedError(f"{type(self).__name__} has no fast path")

    def check_inputs(self, inputs: Tensor, context: Tensor | None = None) -> None:
        """Raise ``ValueError`` for inputs or a context that do not fit."""
        check_trial("inputs", inputs, self.n_inputs, inputs.dtype)

    def leak(self) -> Any:
        """What a step leaves room for, alpha = dt / tau: one number, or one for each entry."""
        return self.dt / self.tau

    def trajectory(self, states: Sequence[Any], outputs: Tensor) -> Trajectory:
        """The trajectory of a trial, from its states after each step and its outputs."""
        if isinstance(states[0], Tensor):
            return Trajectory(outputs, torch.stack(list(states), dim=-2))
        return Trajectory(outputs, torch.stack([torch.cat(s, dim=-1) for s in states], dim=-2))

    @abstractmethod
    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part (``"input weights"``, ...): what training can freeze."""


def add_noise(state: Any, leak: Any, std: float, generator: torch.Generator | None) -> Any:
    """A state with one step's noise, ``leak`` times a normal of this standard deviation.

    Args:
        state: a tensor, or a (named) tuple of tensors.
        leak: a number, or one for each tensor of the tuple.
        std: standard deviation.
        generator: source of the noise.
    """
    if isinstance(state, Tensor):
        if not leak:
            return state
        noise = torch.randn(
            state.shape, generator=generator, dtype=state.dtype, device=state.device
        )
        return state + leak * std * noise
    leaks = leak if isinstance(leak, tuple) else (leak,) * len(state)
    parts = [
        add_noise(part, of_part, std, generator) for part, of_part in zip(state, leaks, strict=True)
    ]
    return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)


def recurrent_scale(scaling: str, n_units: int) -> float:
    """Factor in front of a recurrent sum over N units.

    Args:
        scaling: ``"none"``, ``"1/sqrt(N)"`` or ``"1/N"``.
        n_units: N.

    Raises:
        ValueError: if ``scaling`` is not one of the three.
    """
    scales = {"none": 1.0, "1/sqrt(N)": 1.0 / math.sqrt(n_units), "1/N": 1.0 / n_units}
    if scaling not in scales:
        raise ValueError(
            f"recurrent_scaling must be one of {get_args(RecurrentScaling)}, got {scaling!r}"
        )
    return scales[scaling]


def check_times(tau: float, dt: float) -> None:
    """Raise ``ValueError`` unless 0 < dt <= tau (both in ms): Euler needs small steps."""
    for name, value in (("dt", dt), ("tau", tau)):
        number(name, value, "a positive time in ms", above=0)
    if dt > tau:
        raise ValueError(f"dt must not exceed tau: got dt={dt} ms and tau={tau} ms")


def start_value(name: str, value: float | Tensor, n_units: int) -> Tensor:
    """Initial state as a vector of length N, from a number or such a vector."""
    vector = as_tensor(name, value, torch.get_default_dtype())  # as the weights are
    if vector.ndim == 0:
        vector = vector.expand(n_units)
    if vector.shape != (n_units,):
        raise ValueError(
            f"{name} must be a number or have shape ({n_units},), got {tuple(vector.shape)}"
        )
    if not all_finite(vector):
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return vector.detach().clone()


def expand_start(start: Tensor, batch_size: int) -> Tensor:
    """Repeat the start vector (.., unit) over the trials of a batch: (.., batch, unit)."""
    batch_size = count("batch_size", batch_size)
    return start.unsqueeze(-2).expand(*start.shape[:-1], batch_size, start.shape[-1])


def check_trial(name: str, values: Tensor, n_channels: int, dtype: torch.dtype) -> None:
    """Raise ``ValueError`` unless ``values`` is a finite (batch, time, channel) tensor."""
    check_tensor(name, values)
    if values.ndim not in (3, 4) or values.shape[-1] != n_channels or 0 in values.shape[:-1]:
        raise ValueError(
            f"{name} must have shape (batch, time, {n_channels}), got {tuple(values.shape)}"
        )
    if values.dtype != dtype:
        raise ValueError(f"{name} must be {dtype} as the model is, got {values.dtype}")
    if not all_finite(values):
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def join_context(inputs: Tensor, context: Tensor | None) -> Tensor:
    """Inputs with the context channels appended (models without a modulator see both alike)."""
    check_tensor("inputs", inputs)
    if context is None:
        return inputs
    check_tensor("context", context)
    if context.shape[:-1] != inputs.shape[:-1]:
        raise ValueError(
            f"context must match inputs in every axis but the last, got {tuple(context.shape)} "
            f"for inputs {tuple(inputs.shape)}"
        )
    return torch.cat([inputs, context], dim=-1)


def trial_inputs(inputs: Tensor, context: Tensor | None, weights: Tensor) -> Tensor:
    """Inputs and context of whole trials, side by side, checked against the input weights."""
    joined = join_context(inputs, context)
    name = "inputs" if context is None else "inputs with context"
    check_trial(name, joined, weights.shape[-1], weights.dtype)
    return joined


def swap_time(values: Tensor) -> Tensor:
    """(.., batch, time, unit) <-> (.., time, batch, unit), the order a time loop reads."""
    return values.transpose(-3, -2)


def project(values: Tensor, weights: Tensor, bias: Tensor | None = None) -> Tensor:
    """``weights`` applied to every entry of whole trials, as one matrix product.

    Args:
        values: (.., time, batch, P).
        weights: (.., N, P), with or without the seed axis.
        bias: (.., N).

    Returns:
        (.., time, batch, N).
    """
    rows = values.flatten(-3, -2)
    rows = rows @ weights.mT if transformed() else _Product.apply(rows, weights)
    if bias is not None:
        rows = rows + bias.unsqueeze(-2)
    return rows.unflatten(-2, values.shape[-3:-1])


class _Product(torch.autograd.Function):
    """``rows @ weights.mT``, whose gradient multiplies the thin factor first.

    With a seed axis autograd's own order takes four times as long.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(rows, weights)
        return rows @ weights.mT

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor]:
        rows, weights = (saved.to(grad.dtype) for saved in ctx.saved_tensors)  # under autocast
        n_out, n_in = weights.shape[-2:]
        grad_weights = grad.mT @ rows if n_out < n_in else (rows.mT @ grad).mT
        if not ctx.needs_input_grad[0]:
            return None, grad_weights
        # with one output nothing is summed, and entry by entry is faster
        return (grad * weights if n_out == 1 else grad @ weights), grad_weights
