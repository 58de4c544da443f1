"""A trial on paper: which image is shown for how many steps, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import count, whole

State = tuple[Tensor, ...]


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


def in_steps(**options: Any) -> dict[str, Any]:
    """Options of a trial, their numbers of steps as ``int``.

    Raises:
        ValueError: for a number of steps that is none, or is too small.
    """
    found = dict(options)
    for name in ("n_blank", "n_after", "n_departure"):
        if name in found:
            found[name] = whole(name, found[name], least=0)
    for name in ("n_steps", "checkpoint_every", "gradient_steps"):
        if found.get(name) is not None:
            found[name] = count(name, found[name])
    return found


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


def schedule(
    images: Tensor,
    *,
    n_steps: int | None,
    n_blank: int,
    n_after: int,
    n_departure: int,
    checkpoint_every: int | None,
    gradient_steps: int | None,
) -> Schedule:
    """Check the numbers of a trial and plan it; see :meth:`Seeing.respond`."""
    shown = stretches(images, n_steps)
    if whole("n_after", n_after, least=0):
        shown.append(Stretch(None, n_after))
    total = sum(stretch.n_steps for stretch in shown)
    whole("n_blank", n_blank, least=0)
    if whole("n_departure", n_departure, least=0) > total:
        raise ValueError(f"n_departure must be at most {total} steps, got {n_departure}")
    for name, value in (("checkpoint_every", checkpoint_every), ("gradient_steps", gradient_steps)):
        if value is not None:
            count(name, value)
    free = n_blank + (max(0, total - gradient_steps) if gradient_steps else 0)
    return Schedule(shown, total, free, n_blank + total - n_departure)


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
        ValueError: unless areas and shapes agree.
    """
    if len(state) != len(expected):
        raise ValueError(f"state must have {len(expected)} areas, got {len(state)}")
    for area, (r, wanted) in enumerate(zip(state, expected, strict=True)):
        shared = (*wanted.shape[:-4], 1, *wanted.shape[-3:])
        if tuple(r.shape) not in (tuple(wanted.shape), shared):
            raise ValueError(
                f"state[{area}] must have shape {tuple(wanted.shape)} or a batch of one, "
                f"got {tuple(r.shape)}"
            )
    return tuple(state)
