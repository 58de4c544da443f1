"""A trial on paper: which image is shown for how many steps, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import all_finite, check_generator, check_tensor, count, number, whole
from nmcourse.models.vision.area_gains import AreaGains, check_kind

State = tuple[Tensor, ...]
Noise = Callable[[int, Tensor], Tensor]  # place in the state, rates there -> rates with noise
See = Callable[[int, Sequence[Tensor]], None]  # steps made so far, blank ones included; state


# A silent unit loses the share alpha of its rate in every step, for ever. After some hundred steps
# that is a number below the normal ones, and processors take several times as long for it.
TRACE, TRACES_EVERY = 1e-20, 20  # what counts as nothing; how many steps may leave such traces

_INSIST = ContextVar("checks, also where a trial is told not to check", default=False)


class DivergingActivity(RuntimeError):
    """Activity stopped being finite.

    Attributes:
        step: the step of the trial, blank steps included, counted from 0.
        area: the first area, counted from 0.
    """

    def __init__(self, step: int, area: int, n_blank: int) -> None:
        when = (
            f"blank step {step}" if step < n_blank else f"step {step - n_blank} after image onset"
        )
        super().__init__(
            f"activity diverged in area {area} at {when} (step {step} of the trial): it is not "
            "finite any more; make the recurrent weights smaller, or dt shorter"
        )
        self.step, self.area = step, area


@contextmanager
def divergence_is_an_error() -> Iterator[None]:
    """In here every trial checks its activity, also one that is told not to (``check_finite``).

    So a loss that came out as not finite can be asked why.
    """
    before = _INSIST.set(True)
    try:
        yield
    finally:
        _INSIST.reset(before)


def is_checked(asked: bool) -> bool:
    """Whether activity that diverges is an error, for a trial that asks for it or not."""
    return asked or _INSIST.get()


def refuse_divergence(state: Sequence[Tensor], step: int, n_blank: int) -> None:
    """Raise ``DivergingActivity`` unless the activity of every area is finite."""
    for area, r in enumerate(state):
        if not all_finite(r):
            raise DivergingActivity(step, area, n_blank)


def without_traces(state: Sequence[Tensor]) -> State:
    """The state with zeros for rates that have all but decayed."""
    return tuple(r.masked_fill(r.abs() < TRACE, 0.0) for r in state)


class Response(NamedTuple):
    """What ``respond`` returns.

    Attributes:
        outputs: (batch, time, class) over stimulus steps and blank steps after them.
        departure: (batch, time), mean over areas of the mean squared distance of the rates from
            those at image onset, over the last ``n_departure`` steps.
        state: after the last step, one (batch, channel, height, width) for each area.
    """

    outputs: Tensor
    departure: Tensor
    state: State


class Stretch(NamedTuple):
    """Steps with one constant image: (batch, channel, height, width), or None for blank."""

    image: Tensor | None
    n_steps: int


def stretches(images: Tensor, n_steps: int | None) -> list[Stretch]:
    """A held image, or a stream cut where it changes."""
    if images.ndim == 4:
        n_steps = 100 if n_steps is None else count("n_steps", n_steps)
        return [Stretch(images, n_steps)]
    frames = images.movedim(-4, 0)
    length = len(frames)
    if n_steps is not None and count("n_steps", n_steps) != length:
        raise ValueError(f"n_steps must be {length}, the length of the stream, got {n_steps!r}")
    found, start = [], 0
    for t in range(1, length + 1):
        held = t < length and (frames.stride(0) == 0 or torch.equal(frames[t], frames[start]))
        if not held:
            found.append(Stretch(frames[start], t - start))
            start = t
    return found


@dataclass(frozen=True)
class Asked:
    """What is asked of a trial: the options of :meth:`Seeing.respond`, checked.

    Attributes:
        see: is called with the number of steps made and the state, after each blank step before
            the image and then after every ``see_every`` steps.
        see_every: see there. All others are explained in ``respond``.

    Raises:
        ValueError: for a number that is none, or is out of range.
    """

    n_steps: int | None = None
    n_blank: int = 100
    n_after: int = 0
    state: State | None = None
    n_departure: int = 0
    checkpoint_every: int | None = None
    gradient_steps: int | None = None
    check_finite: bool = True
    gains: Sequence[AreaGains | None] | None = None
    cues: Tensor | None = None
    noise_std: float = 0.0
    image_noise_std: float = 0.0
    generator: torch.Generator | None = None
    see: See | None = None
    see_every: int = 1

    def __post_init__(self) -> None:
        found: dict[str, Any] = {
            name: whole(name, getattr(self, name), least=0)
            for name in ("n_blank", "n_after", "n_departure")
        }
        for name in ("n_steps", "checkpoint_every", "gradient_steps"):
            if (value := getattr(self, name)) is not None:
                found[name] = count(name, value)
        for name in ("noise_std", "image_noise_std"):
            number(name, getattr(self, name), "finite and not negative", least=0)
        check_generator(self.generator)
        check_kind(self.gains)
        if self.cues is not None:
            check_tensor("cues", self.cues)
        if self.noisy and self.checkpoint_every:
            raise ValueError("checkpoint_every must be None with noise: it would be drawn again")
        found["check_finite"] = is_checked(self.check_finite)
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @property
    def noisy(self) -> bool:
        """Whether there is noise, on rates or images."""
        return bool(self.noise_std or self.image_noise_std)

    @property
    def varied(self) -> bool:
        """Whether gains, cues or noise make blank steps different for each image."""
        return self.noisy or self.gains is not None or self.cues is not None


class Schedule(NamedTuple):
    """A checked trial: what is shown, and from which step on what is wanted.

    Attributes:
        shown: stretches after the first blank steps.
        total: their steps.
        free: the step, blank ones included, from which gradients may flow.
        away: the step from which the departure from rest is wanted.
    """

    shown: list[Stretch]
    total: int
    free: int
    away: int


def schedule(images: Tensor, asked: Asked) -> Schedule:
    """Plan a trial; see :meth:`Seeing.respond`.

    Raises:
        ValueError: for a number of steps that does not fit the images.
    """
    shown = stretches(images, asked.n_steps)
    if asked.n_after:
        shown.append(Stretch(None, asked.n_after))
    total = sum(stretch.n_steps for stretch in shown)
    if asked.n_departure > total:
        raise ValueError(f"n_departure must be at most {total} steps, got {asked.n_departure}")
    given = asked.gradient_steps
    free = asked.n_blank + (max(0, total - given) if given else 0)
    return Schedule(shown, total, free, asked.n_blank + total - asked.n_departure)


def departure(state: Sequence[Tensor], rest: Sequence[Tensor]) -> Tensor:
    """Mean over areas of the mean squared distance from rest, (.., batch)."""
    away = [(r - r0).square().mean(dim=(-3, -2, -1)) for r, r0 in zip(state, rest, strict=True)]
    return torch.stack(away).mean(dim=0)


def check_state(state: Sequence[Tensor], expected: State) -> State:
    """The state a trial is asked to start from.

    Args:
        state: one map for each area, of a batch of one or of all images.
        expected: a state of the right shapes.

    Raises:
        ValueError: unless it is a sequence of tensors, and areas, shapes and types agree.
    """
    if not isinstance(state, tuple | list):  # a tensor has a length, too
        raise ValueError(
            f"state must be a tuple with one map for each of {len(expected)} areas, "
            f"got {type(state).__name__}"
        )
    if len(state) != len(expected):
        raise ValueError(f"state must have {len(expected)} areas, got {len(state)}")
    for area, (r, wanted) in enumerate(zip(state, expected, strict=True)):
        check_tensor(f"state[{area}]", r)
        if r.dtype != wanted.dtype:
            raise ValueError(f"state[{area}] must be {wanted.dtype} as the model is, got {r.dtype}")
        shared = (*wanted.shape[:-4], 1, *wanted.shape[-3:])
        if tuple(r.shape) not in (tuple(wanted.shape), shared):
            raise ValueError(
                f"state[{area}] must have shape {tuple(wanted.shape)} or a batch of one, "
                f"got {tuple(r.shape)}"
            )
    return tuple(state)
