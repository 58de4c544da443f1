"""A trial that is ``step`` repeated: the general path of every network that sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from nmcourse.models._base import add_noise
from nmcourse.models.vision.area_gains import check_gains, gains_at
from nmcourse.models.vision.planning import (
    TRACES_EVERY,
    Asked,
    Noise,
    Response,
    State,
    check_state,
    departure,
    refuse_divergence,
    schedule,
    without_traces,
)


class Stepping(Protocol):
    """What such a trial needs of a network; ``Seeing`` explains each."""

    @property
    def step(self) -> Any:
        """One time step."""

    @property
    def readout(self) -> Any:
        """Outputs of a state."""

    def leak(self) -> float:
        """What a step leaves room for."""

    def check_images(self, images: Tensor) -> None:
        """Refuse images that do not fit."""

    def silence(self, images: Tensor, batch_size: int) -> State:
        """Where a trial starts."""


def step_under_noise(
    model: Stepping, state: Sequence[Tensor], image: Tensor, noise: Noise, **told: Any
) -> State:
    """One step, and noise on all rates that it makes.

    Where an area reads others within the step (a CNN, a network with feedback), it reads them with
    their noise. The ``step`` of such a network takes ``noise``; that of others is over when noise
    comes.

    Args:
        model: the network.
        state: before the step.
        image: of the step.
        noise: (place in the state, rates) -> rates with noise.
        **told: gains and cues, for networks that take them.
    """
    if takes(model.step, "noise"):
        found: State = model.step(state, image, noise=noise, **told)
        return found
    made = model.step(state, image, **told)
    return tuple(noise(place, rates) for place, rates in enumerate(made))


def respond_by_steps(model: Stepping, images: Tensor, asked: Asked) -> Response:
    """A trial that is ``model.step`` repeated; see ``Seeing.respond``."""
    model.check_images(images)
    plan, n_blank, gains, see = schedule(images, asked), asked.n_blank, asked.gains, asked.see
    batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]
    start = (
        model.silence(images, 1)
        if asked.state is None
        else check_state(asked.state, model.silence(images, batch))
    )
    if gains is not None and not all(takes(verb, "gains") for verb in (model.step, model.readout)):
        raise ValueError("gains must be None: the step of this network has no place for them")
    if asked.cues is not None and not takes(model.step, "cue"):
        raise ValueError("cues must be None: the step of this network has no place for them")
    check_gains(gains, start, batch, n_blank + plan.total)

    def advance(now: State, image: Tensor, step: int, shown: bool) -> State:
        if shown and asked.image_noise_std:
            image = add_noise(image, 1.0, asked.image_noise_std, asked.generator)
        told: dict[str, Any] = {} if gains is None else {"gains": gains_at(gains, step)}
        if asked.cues is not None:
            told["cue"] = asked.cues[..., step, :]
        if not asked.noise_std:
            return model.step(now, image, **told)
        leak: Any = model.leak()  # a number, or one for each part of the state

        def noise(place: int, rates: Tensor) -> Tensor:
            alpha = leak[place] if isinstance(leak, tuple) else leak
            return add_noise(rates, alpha, asked.noise_std, asked.generator)

        return step_under_noise(model, now, image, noise, **told)

    def output(now: State, step: int) -> Tensor:
        if gains is None:
            return model.readout(now)
        return model.readout(now, gains=gains_at(gains, step))

    def check(now: State, step: int) -> None:
        if asked.check_finite:
            refuse_divergence(now, step, n_blank)

    one = plan.shown[0].image
    assert one is not None
    dark = torch.zeros_like(one)
    now, step = (_spread(start, batch) if asked.varied else tuple(start)), 0
    with torch.no_grad():
        few = dark if now[0].shape[-4] == batch else dark[..., :1, :, :, :]
        for _ in range(n_blank):
            now, step = advance(now, few, step, False), step + 1
            check(now, step - 1)
            if step % TRACES_EVERY == 0:
                now = without_traces(now)
            if see is not None:
                see(step, now)
    rest = tuple(r.detach() for r in now)
    now = _spread(now, batch)
    outputs: list[Tensor] = []
    away: list[Tensor] = []

    def some(
        now: State, image: Tensor, first: int, count: int, shown: bool, free: bool
    ) -> tuple[Any, ...]:
        """Steps in a row: outputs and departures, and the state after them."""
        read, far = [], []
        for t in range(first, first + count):
            with torch.set_grad_enabled(free):  # the readout of any state has its gradient
                now = advance(now, image, t, shown)
            check(now, t)
            if (t + 1) % TRACES_EVERY == 0 and not free:
                now = without_traces(now)
            read.append(output(now, t))
            if t >= plan.away:
                far.append(departure(now, rest))
            if see is not None and (t + 1 - n_blank) % asked.see_every == 0:
                see(t + 1, now)
        return now, read, far

    for stretch in plan.shown:
        image, end = (dark if stretch.image is None else stretch.image), step + stretch.n_steps
        while step < end:
            with_gradient = torch.is_grad_enabled() and step >= plan.free
            stop = end if step >= plan.free else min(end, plan.free)
            count = min(stop - step, asked.checkpoint_every or stop - step)
            given = (now, image, step, count, stretch.image is not None, with_gradient)
            if with_gradient and asked.checkpoint_every and see is None:
                now, read, far = checkpoint(some, *given, use_reentrant=False)
            else:
                now, read, far = some(*given)
            outputs, away, step = outputs + read, away + far, step + count
    answers = torch.stack(outputs, dim=-2)
    distances = torch.stack(away, dim=-1) if away else answers.new_zeros(*answers.shape[:-2], 0)
    return Response(answers, distances, now)


def under_noise(
    activities: Callable[..., Sequence[Tensor]], image: Tensor, noise: Noise | None
) -> Sequence[Tensor]:
    """What all areas make of an image within a step, each read with its noise by those above.

    A subclass may have ``activities`` that take no noise; it then comes when they are done.
    """
    if noise is None:
        return activities(image)
    if takes(activities, "noise"):
        return activities(image, noise=noise)
    return [noise(area, x) for area, x in enumerate(activities(image))]


def takes(verb: Callable[..., Any], name: str) -> bool:
    """Whether a verb of a network has a place for an argument."""
    taken = signature(verb).parameters.values()
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in taken)


def _spread(state: Sequence[Tensor], batch: int) -> State:
    """A state of its own for every image of the batch."""
    return tuple(r.expand(*r.shape[:-4], batch, *r.shape[-3:]) for r in state)
