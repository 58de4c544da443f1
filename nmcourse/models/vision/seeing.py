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
repeated, whatever the network computes. ``velocity`` is what a step changes, per ms; fixed points,
Jacobians and Lyapunov exponents are found by it and by ``step``. A state is a tuple with one map
(batch, channel, height, width) for each area.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from nmcourse._inputs import count, one_or_several, whole
from nmcourse.models._unused_velocity import refuse_unused_velocity
from nmcourse.models.vision.area_gains import AreaGains
from nmcourse.models.vision.planning import Asked, Noise, Response, State
from nmcourse.models.vision.stepwise import respond_by_steps, step_under_noise


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
    dt: float
    n_read: int

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        refuse_unused_velocity(cls)

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """Silence, one (batch, channel, height, width) for each area."""

    @abstractmethod
    def step(self, state: State, image: Tensor) -> State:
        """State one time step later, for images (batch, channel, height, width)."""

    def step_under_noise(self, state: State, image: Tensor, noise: Noise) -> State:
        """:meth:`step`, and noise on all rates that it makes.

        Args:
            state: before the step.
            image: of the step.
            noise: (place in the state, rates) -> rates with noise. An area that others read within
                the step, as in a CNN, is read with its noise.
        """
        return step_under_noise(self, state, image, noise)

    def velocity(self, state: State, image: Tensor) -> State:
        """What a step changes, per ms: (step - state) / dt.

        An equation in time overrides it and steps by it, as CordsNet and PixelRNN do. In networks
        in discrete time it follows from ``step``, and overriding it alone is a ``TypeError``.
        """
        new = self.step(state, image)
        return tuple((after - r) / self.dt for after, r in zip(new, state, strict=True))

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
        cues: Tensor | None = None,
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
                only in networks whose ``step`` takes ``gains``. In a ``CordsNet`` gains (channel,)
                of drives cost nothing: they are multiplied into the kernels. All other gains make
                it repeat ``step``, which takes three to four times as long (measured on small-R4
                with and without gradient, one core). So does noise where a gradient is wanted.
            cues: what a network with a modulator is told besides the image, (batch, cue) for the
                whole trial or (batch, time, cue) over all steps, blank ones included; only in
                networks whose ``step`` takes ``cue``.
            noise_std: standard deviation sigma of a noise current, new for every unit, image and
                step. A step adds alpha sigma xi to every rate, alpha = dt / tau (``leak``), which
                the leak alone turns into a variance of sigma^2 alpha / (2 - alpha). An area that
                others read within the step is read with its noise, if ``step`` takes ``noise``.
            image_noise_std: standard deviation of the noise on every pixel of every step with an
                image, new at each step; the noisy stream is never stored.
            generator: source of both noises.

        Raises:
            ValueError: for images, gains or cues that do not fit, or a number out of range.
            DivergingActivity: naming the area and the step where activity stopped being finite.
        """
        asked = Asked(
            n_steps=n_steps,
            n_blank=n_blank,
            n_after=n_after,
            state=state,
            n_departure=n_departure,
            checkpoint_every=checkpoint_every,
            gradient_steps=gradient_steps,
            check_finite=check_finite,
            gains=gains,
            cues=cues,
            noise_std=noise_std,
            image_noise_std=image_noise_std,
            generator=generator,
        )
        return self._trial(images, asked)

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
        areas: int | Sequence[int] | None = None,
        **options: Any,
    ) -> list[Tensor]:
        """Activity of areas over blank and stimulus steps, without gradient.

        Args:
            images: as in :meth:`respond`, and so are the numbers of steps and the ``options``.
            n_blank: blank steps before.
            n_steps: steps with a stimulus.
            n_after: blank steps afterwards.
            areas: which area or areas; all by default. All areas of R8 take 3 MB for one image and
                step.
            **options: ``state``, ``gains`` and noise, as in :meth:`respond`.

        Returns:
            One (batch, time, channel, height, width) for each area, entry t after step t.
        """
        self.check_images(images)
        n_areas = len(self.silence(images, 1))
        wanted = range(n_areas) if areas is None else areas
        kept = one_or_several("areas", wanted, 0, n_areas - 1)
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
        self.check_images(images)
        kept = self._areas_read(len(self.silence(images, 1)))
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

    def _areas_read(self, n_areas: int) -> range:
        """The areas that the readout sees: the last ones."""
        return range(n_areas - self.n_read, n_areas)

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

        self._trial(images, Asked(see=keep, **options))
        return [torch.stack(values, dim=-4) for values in found]

    def _trial(self, images: Tensor, asked: Asked) -> Response:
        """The trial by which all the others answer."""
        return respond_by_steps(self, images, asked)
