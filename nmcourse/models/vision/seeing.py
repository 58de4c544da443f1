r"""What every network that sees can be asked, and a trial made of its own steps.

A network that sees is an ``nn.Module`` with ``image_size``, ``dt``, and

    respond   a trial: blank, images, blank again       -> outputs, departure from rest, last state
    rest      the state after blank steps
    readout   outputs of a state
    record    activity of the areas over a trial, without gradient
    features  activity of the areas that are read out, space kept, with gradient
    parts     parameter names by part

Training, losses and analysis ask for these and never for a class. ``Seeing`` gives all of them to a
network that has ``initial_state``, ``step``, ``readout`` and ``parts``: a trial is then ``step``
repeated, whatever the network computes. A state is a tuple with one map
(batch, channel, height, width) for each area.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nmcourse._inputs import check_generator, check_tensor, count, number, whole
from nmcourse.models._base import add_noise
from nmcourse.models.vision.area_gains import AreaGains, check_gains, gains_at
from nmcourse.models.vision.planning import (
    DivergingActivity,
    Response,
    State,
    check_state,
    departure,
    in_steps,
    schedule,
)

See = Callable[[int, Sequence[Tensor]], None]  # steps made so far, blank ones included; state


@runtime_checkable
class SeeingNetwork(Protocol):
    """The protocol: what training, losses and analysis may ask of a network that sees."""

    image_size: tuple[int, int]

    @property
    def dt(self) -> float:
        """Time step in ms."""

    @property
    def respond(self) -> Callable[..., Response]:
        """A trial; see :meth:`Seeing.respond`."""

    def rest(self, n_steps: int = 100) -> State:
        """State (batch 1) after blank steps from silence."""

    @property
    def readout(self) -> Callable[..., Tensor]:
        """Outputs (batch, class) of a state."""

    @property
    def record(self) -> Callable[..., list[Tensor]]:
        """Activity of areas over a trial; see :meth:`Seeing.record`."""

    @property
    def features(self) -> Callable[..., State]:
        """Activity of the areas read out, with gradient; see :meth:`Seeing.features`."""

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""


class Seeing(nn.Module):
    """Gives a network with ``initial_state``, ``step`` and ``readout`` the whole protocol.

    Attributes:
        n_inputs: channels of an image.
        n_outputs: classes.
        image_size: (height, width) in pixels.
        dt: time step in ms.
        n_read: how many areas, the last ones, the readout sees.
    """

    n_inputs: int
    n_outputs: int
    image_size: tuple[int, int]
    n_read: int

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """Silence, one (batch, channel, height, width) for each area."""

    @abstractmethod
    def step(self, state: State, image: Tensor) -> State:
        """State one time step later, for images (batch, channel, height, width)."""

    @abstractmethod
    def readout(self, state: State) -> Tensor:
        """Outputs (batch, class) of a state."""

    @abstractmethod
    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""

    def leak(self) -> float:
        """What a step leaves room for, dt / tau; 1 for a network in discrete time."""
        return 1.0

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` for images that do not fit."""
        raise NotImplementedError(f"{type(self).__name__} checks no images")

    def silence(self, images: Tensor, batch_size: int) -> State:
        """The state a trial starts from, for images of this size."""
        return self.initial_state(batch_size)

    def respond(
        self,
        images: Tensor,
        *,
        n_steps: int | None = None,
        n_blank: int = 100,
        n_after: int = 0,
        state: State | None = None,
        n_departure: int = 0,
        checkpoint_every: int | None = None,
        gradient_steps: int | None = None,
        check_finite: bool = True,
        gains: Sequence[AreaGains | None] | None = None,
        noise_std: float = 0.0,
        image_noise_std: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Response:
        """Blank steps, stimulus steps, blank steps again; all that training needs of them.

        No gradient passes through the first blank steps, as in the released code of CordsNet.

        Args:
            images: held images (batch, channel, height, width), or a stream
                (batch, time, channel, height, width) that may change at any step.
            n_steps: steps with a stimulus; 100 for held images, the length of a stream.
            n_blank: blank steps before. From silence they are computed once for all images.
            n_after: blank steps afterwards.
            state: where the trial starts instead of in silence; a batch of one is shared.
            n_departure: of so many last steps the departure from rest is returned.
            checkpoint_every: keep the state only every so many steps for the gradient and compute
                what lies between a second time: less memory, about a third more time.
            gradient_steps: let gradients flow only through so many last steps.
            check_finite: raise an error when activity diverges.
            gains: for each area what multiplies its drives and its output, see :class:`AreaGains`;
                only in networks whose ``step`` takes ``gains``.
            noise_std: standard deviation sigma of a noise current, new for every unit, image and
                step. A step adds alpha sigma xi to every rate, alpha = dt / tau (``leak``), which
                the leak alone turns into a variance of sigma^2 alpha / (2 - alpha).
            image_noise_std: standard deviation of the noise on every pixel of every step with an
                image, new at each step; the noisy stream is never stored.
            generator: source of both noises.

        Raises:
            ValueError: for images or gains that do not fit, or a number out of range.
            DivergingActivity: naming the area and the step where activity stopped being finite.
        """
        steps = in_steps(
            n_steps=n_steps,
            n_blank=n_blank,
            n_after=n_after,
            n_departure=n_departure,
            checkpoint_every=checkpoint_every,
            gradient_steps=gradient_steps,
        )
        return self._trial(
            images,
            **steps,
            state=state,
            check_finite=check_finite,
            gains=gains,
            noise_std=noise_std,
            image_noise_std=image_noise_std,
            generator=generator,
        )

    @torch.no_grad()
    def rest(self, n_steps: int = 100) -> State:
        """State (batch 1) after blank steps from silence, to start several trials from."""
        template = next(iter(self.parameters()))
        blank = template.new_zeros(1, self.n_inputs, *self.image_size)
        return self.respond(blank, n_steps=n_steps, n_blank=0).state

    @torch.no_grad()
    def record(
        self,
        images: Tensor,
        n_blank: int = 100,
        n_steps: int | None = None,
        *,
        n_after: int = 0,
        areas: Sequence[int] | None = None,
        **options: Any,
    ) -> list[Tensor]:
        """Activity of areas over blank and stimulus steps, without gradient.

        Args:
            images: as in :meth:`respond`, and so are the numbers of steps and the ``options``.
            n_blank: blank steps before.
            n_steps: steps with a stimulus.
            n_after: blank steps afterwards.
            areas: which areas; all by default. All areas of R8 take 3 MB for one image and step.
            **options: ``state``, ``gains`` and noise, as in :meth:`respond`.

        Returns:
            One (batch, time, channel, height, width) for each area, entry t after step t.
        """
        check_tensor("images", images)
        n_areas = len(self.silence(images, 1))
        kept = [
            whole("areas", area, 0, n_areas - 1)
            for area in (range(n_areas) if areas is None else areas)
        ]
        return self._collect(
            images, kept, n_blank=n_blank, n_steps=n_steps, n_after=n_after, **options
        )

    def features(
        self,
        images: Tensor,
        *,
        n_blank: int = 100,
        n_steps: int | None = None,
        n_after: int = 0,
        every: int = 1,
        **options: Any,
    ) -> State:
        """Activity of the areas that the readout sees: space is kept, and so is the gradient.

        A network behind this one reads from it what a mean over pixels cannot tell: where
        something is.

        Args:
            images: as in :meth:`respond`, and so are the numbers of steps and the ``options``.
            n_blank: blank steps before, without gradient; they are not returned.
            n_steps: steps with a stimulus.
            n_after: blank steps afterwards.
            every: keep the state after every so many steps, counted from image onset.
            **options: further arguments of :meth:`respond`.

        Returns:
            One (batch, time, channel, height, width) for each of these areas.
        """
        every, n_blank = count("every", every), whole("n_blank", n_blank, least=0)
        check_tensor("images", images)
        n_areas = len(self.silence(images, 1))
        kept = range(n_areas - self.n_read, n_areas)
        return tuple(
            self._collect(
                images,
                kept,
                n_blank=n_blank,
                n_steps=n_steps,
                n_after=n_after,
                see_every=every,
                first=n_blank + 1,
                **options,
            )
        )

    def _collect(
        self, images: Tensor, areas: Sequence[int], *, first: int = 1, **options: Any
    ) -> list[Tensor]:
        """States of some areas after each step from ``first`` on, stacked over time."""
        found: list[list[Tensor]] = [[] for _ in areas]
        batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]

        def keep(step: int, state: Sequence[Tensor]) -> None:
            if step >= first:
                for values, area in zip(found, areas, strict=True):
                    r = state[area]
                    values.append(r.expand(*r.shape[:-4], batch, *r.shape[-3:]).clone())

        self._trial(images, see=keep, **in_steps(**options))
        return [torch.stack(values, dim=-4) for values in found]

    def _trial(self, images: Tensor, **options: Any) -> Response:
        """The trial by which all the others answer; ``see`` is shown the state after steps."""
        return respond_by_steps(self, images, **options)


def respond_by_steps(
    model: Seeing,
    images: Tensor,
    *,
    n_steps: int | None = None,
    n_blank: int = 100,
    n_after: int = 0,
    state: State | None = None,
    n_departure: int = 0,
    checkpoint_every: int | None = None,
    gradient_steps: int | None = None,
    check_finite: bool = True,
    gains: Sequence[AreaGains | None] | None = None,
    noise_std: float = 0.0,
    image_noise_std: float = 0.0,
    generator: torch.Generator | None = None,
    see: See | None = None,
    see_every: int = 1,
) -> Response:
    """A trial that is ``model.step`` repeated; the arguments are those of :meth:`Seeing.respond`.

    ``see`` is called with the number of steps made and the state, after each step before the image
    and then after every ``see_every`` steps.
    """
    model.check_images(images)
    plan = schedule(
        images,
        n_steps=n_steps,
        n_blank=n_blank,
        n_after=n_after,
        n_departure=n_departure,
        checkpoint_every=checkpoint_every,
        gradient_steps=gradient_steps,
    )
    for name, std in (("noise_std", noise_std), ("image_noise_std", image_noise_std)):
        number(name, std, "finite and not negative", least=0)
    check_generator(generator)
    noisy = bool(noise_std or image_noise_std)
    if noisy and checkpoint_every:
        raise ValueError("checkpoint_every must be None with noise: it would be drawn again")
    batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]
    start = (
        model.silence(images, 1)
        if state is None
        else check_state(state, model.silence(images, batch))
    )
    check_gains(gains, start, batch, n_blank + plan.total)
    varied = noisy or gains is not None  # then every image has blank steps of its own

    def advance(now: State, image: Tensor, step: int, shown: bool) -> State:
        if shown and image_noise_std:
            image = add_noise(image, 1.0, image_noise_std, generator)
        if gains is None:
            now = model.step(now, image)
        else:
            now = model.step(now, image, gains=gains_at(gains, step))  # type: ignore[call-arg]
        return add_noise(now, model.leak(), noise_std, generator) if noise_std else now

    def output(now: State, step: int) -> Tensor:
        if gains is None:
            return model.readout(now)
        return model.readout(now, gains=gains_at(gains, step))  # type: ignore[call-arg]

    def check(now: State, step: int) -> None:
        for area, r in enumerate(now):
            if check_finite and not r.is_meta and not torch.isfinite(r).all():
                raise DivergingActivity(step, area, n_blank)

    one = plan.shown[0].image
    assert one is not None
    dark = torch.zeros_like(one)
    now, step = (_spread(start, batch) if varied else tuple(start)), 0
    with torch.no_grad():
        few = dark if now[0].shape[-4] == batch else dark[..., :1, :, :, :]
        for _ in range(n_blank):
            now, step = advance(now, few, step, False), step + 1
            check(now, step - 1)
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
            read.append(output(now, t))
            if t >= plan.away:
                far.append(departure(now, rest))
            if see is not None and (t + 1 - n_blank) % see_every == 0:
                see(t + 1, now)
        return now, read, far

    for stretch in plan.shown:
        image, end = (dark if stretch.image is None else stretch.image), step + stretch.n_steps
        while step < end:
            with_gradient = torch.is_grad_enabled() and step >= plan.free
            stop = end if step >= plan.free else min(end, plan.free)
            count = min(stop - step, checkpoint_every) if checkpoint_every else stop - step
            given = (now, image, step, count, stretch.image is not None, with_gradient)
            if with_gradient and checkpoint_every and see is None:
                now, read, far = checkpoint(some, *given, use_reentrant=False)
            else:
                now, read, far = some(*given)
            outputs, away, step = outputs + read, away + far, step + count
    answers = torch.stack(outputs, dim=-2)
    distances = torch.stack(away, dim=-1) if away else answers.new_zeros(*answers.shape[:-2], 0)
    return Response(answers, distances, now)


def _spread(state: Sequence[Tensor], batch: int) -> State:
    """A state of its own for every image of the batch."""
    return tuple(r.expand(*r.shape[:-4], batch, *r.shape[-3:]) for r in state)
