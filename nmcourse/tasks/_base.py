"""What every task of the course shares: named channels, times in ms, trials."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor

from nmcourse._inputs import check_tensor, is_whole, number


@dataclass(frozen=True)
class Trials:
    """A batch of trials.

    Attributes:
        inputs: (trial, time, input).
        targets: (trial, time, output).
        mask: (trial, time, 1), weight of each time step in the loss.
        context: (trial, time, context), or None for a task without contexts.
        conditions: name -> (trial,), what distinguishes the trials (times in ms).
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor
    context: Tensor | None = None
    conditions: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("inputs", "targets", "mask", "context"):
            if name != "context" or self.context is not None:
                check_tensor(name, getattr(self, name))
        n_trials, n_steps = self.inputs.shape[:2]
        for name in ("targets", "mask", "context"):
            values = getattr(self, name)
            if values is not None and values.shape[:2] != (n_trials, n_steps):
                raise ValueError(
                    f"{name} must start with (trial, time) = {(n_trials, n_steps)} as inputs do, "
                    f"got {tuple(values.shape)}"
                )
        if self.mask.shape[-1] != 1:
            raise ValueError(f"mask must have one channel, got shape {tuple(self.mask.shape)}")
        for name, values in self.conditions.items():
            check_tensor(f"conditions[{name!r}]", values)
            if values.shape != (n_trials,):
                raise ValueError(
                    f"conditions[{name!r}] must have shape ({n_trials},), one entry per trial, "
                    f"got {tuple(values.shape)}"
                )

    def __len__(self) -> int:
        return self.inputs.shape[0]

    def __getitem__(self, which: Tensor | Sequence[int] | slice) -> Trials:
        """Some of the trials, by a slice or by an index tensor."""
        if is_whole(which):  # would take the trial axis away
            raise ValueError(f"which must be a slice or an index tensor, got the number {which!r}")
        return Trials(
            self.inputs[which],
            self.targets[which],
            self.mask[which],
            None if self.context is None else self.context[which],
            {name: values[which] for name, values in self.conditions.items()},
        )

    def to(self, *args: torch.dtype | torch.device | str) -> Trials:
        """The same trials in another floating-point type or on another device."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("inputs", "targets", "mask", "context"):
            moved[name] = None if moved[name] is None else moved[name].to(*args)
        device = moved["inputs"].device
        moved["conditions"] = {name: v.to(device) for name, v in self.conditions.items()}
        return Trials(**moved)


class Task(ABC):
    """A task: what the subject sees, what it should answer, and when.

    Attributes:
        input_names: one name per input channel.
        output_names: one name per output channel.
        context_names: one name per context channel (empty: no context).
        dt: time step in ms.
        n_steps: steps of a trial.
    """

    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    context_names: tuple[str, ...] = ()
    dt: float
    n_steps: int

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""
        return len(self.input_names)

    @property
    def n_outputs(self) -> int:
        """Number of output channels."""
        return len(self.output_names)

    @property
    def n_context(self) -> int:
        """Number of context channels."""
        return len(self.context_names)

    @abstractmethod
    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw ``n_trials`` random trials."""

    def enumerate(self) -> Trials:
        """Every trial of a finite task, once; other tasks raise ``NotImplementedError``."""
        raise NotImplementedError(f"{type(self).__name__} has no finite list of trials")


def check_time_step(dt: float) -> None:
    """Raise ``ValueError`` unless dt is a positive and finite time."""
    number("dt", dt, "a positive time in ms", above=0)


def whole_steps(name: str, time: float, dt: float) -> int:
    """A time in ms as a number of steps; ``ValueError`` if it is not a multiple of dt."""
    steps = number(name, time, f"a non-negative multiple of dt={dt} ms") / dt
    if not math.isfinite(steps) or steps < 0 or abs(steps - round(steps)) > 1e-6:
        raise ValueError(f"{name} must be a non-negative multiple of dt={dt} ms, got {time} ms")
    return round(steps)
