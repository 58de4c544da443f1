"""Choices from films: which category does a shape belong to, where do the dots move?

    frames    black for a while, then the stimulus to the end
    output    choice: 0 while it is black, then -1 or 1; in between nothing is asked

The output may rise as early as it likes once the stimulus is there, and is asked for only in the
last part of the trial. So the time at which it passes a bound is the network's own, and can be read
as a reaction time (``nmcourse.analysis.reaction_times``). How clear the stimulus is has a sign, its
*strength*: the sign says which choice is right, and a strength of 0 has no right answer.

    MorphCategories   a shape between one with three lobes and one with five, under pixel noise
    DotMotion         dots of which some move to the left or to the right, and the others jump

Reference: Soo et al. 2024, Fig. 5B and 5D; the pictures are ours. Random-dot motion: Britten et al.
1992.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, number
from nmcourse.tasks._base import Trials
from nmcourse.tasks.vision.films import FilmTask, discs, drawn, several

_LOBES = (3, 5)
_DEPTH = 0.38  # how far a lobe reaches beyond the mean radius, of that radius
_RADIUS = 0.3  # mean radius of a shape, of the picture
_SHIFT = 0.06  # how far a shape lies from the middle at most, of the picture


class ChoiceTask(FilmTask):
    """What choices from films share: strengths, times, targets.

    Args:
        strengths: signed strengths that are drawn, from -1 to 1.
        before: how long it is black, in ms.
        answer: the last part of the trial, in which the choice is asked for, in ms.
        duration: of a trial in ms.
        size: height and width of a picture in pixels.
        pixel_noise: standard deviation of the noise on every pixel of every frame.
        dt: time of a frame in ms.

    Raises:
        ValueError: for strengths outside -1 to 1, or none, and as ``FilmTask``.
    """

    output_names = ("choice",)

    def __init__(
        self,
        strengths: Sequence[float],
        *,
        before: float = 100.0,
        answer: float = 200.0,
        duration: float = 800.0,
        size: int = 16,
        pixel_noise: float = 0.0,
        dt: float = 10.0,
    ) -> None:
        super().__init__(size=size, duration=duration, pixel_noise=pixel_noise, dt=dt)
        several("strengths", strengths)
        self.strengths = tuple(_strength(value) for value in strengths)
        if not self.strengths:
            raise ValueError("strengths must be one or more numbers from -1 to 1, got none")
        steps = self._times(before=before, answer=answer)
        self._before, self._answer = steps["before"], steps["answer"]

    @property
    def onset(self) -> float:
        """When the stimulus begins, in ms."""
        return self.dt * self._before

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw trials; every strength is drawn equally often, as far as the number allows."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        return self._trials(drawn(self.strengths, n_trials, generator), generator)

    def arranged(self, strengths: Tensor, *, generator: torch.Generator | None = None) -> Trials:
        """Trials of given strengths (trial,), each with a stimulus of its own.

        Raises:
            ValueError: for a strength outside -1 to 1, or another shape.
        """
        check_tensor("strengths", strengths)
        check_generator(generator)
        if strengths.ndim != 1 or not len(strengths):
            raise ValueError(
                f"strengths must be one per trial, (trial,), got {tuple(strengths.shape)}"
            )
        for value in strengths.tolist():
            _strength(value)
        return self._trials(strengths.to(torch.get_default_dtype()), generator)

    @abstractmethod
    def _stimulus(
        self, strengths: Tensor, n_frames: int, generator: torch.Generator | None
    ) -> Tensor:
        """Frames of the stimulus, (trial, frame, height, width)."""

    def _trials(self, strengths: Tensor, generator: torch.Generator | None) -> Trials:
        n_trials = len(strengths)
        shown = self._stimulus(strengths, self.n_steps - self._before, generator)
        black = shown.new_zeros(n_trials, self._before, self.size, self.size)
        mask = shown.new_zeros(n_trials, self.n_steps, 1)
        mask[:, : self._before] = 1.0
        mask[strengths != 0, self.n_steps - self._answer :] = 1.0  # 0 has no right answer
        targets = strengths.sign()[:, None, None].repeat(1, self.n_steps, 1)
        targets[:, : self._before] = 0.0
        return Trials(
            self._inputs(torch.cat([black, shown], dim=1), generator),
            targets,
            mask,
            conditions={"strength": strengths},
        )


class MorphCategories(ChoiceTask):
    r"""Does a shape belong to those with three lobes (-1) or to those with five (1)?

    A shape is the inside of the curve

        r(theta) = R (1 + a ((1 - m) cos 3(theta - phi) + m cos 5(theta - phi)))

    with the morph level m = (1 + strength) / 2, turned by a random angle phi and moved a little. It
    stays; what changes from frame to frame is the noise on the pixels.

    Args:
        strengths: see ``ChoiceTask``; 2 m - 1.
        **options: further arguments of ``ChoiceTask``.
    """

    def __init__(
        self,
        strengths: Sequence[float] = (-1, -0.6, -0.3, -0.1, 0.1, 0.3, 0.6, 1),
        **options: Any,
    ) -> None:
        super().__init__(strengths, **({"pixel_noise": 0.5} | options))

    def _stimulus(
        self, strengths: Tensor, n_frames: int, generator: torch.Generator | None
    ) -> Tensor:
        n_trials = len(strengths)
        phi = 2 * torch.pi * torch.rand(n_trials, generator=generator)
        shift = (2 * torch.rand(n_trials, 2, generator=generator) - 1) * _SHIFT
        pictures = shapes((1 + strengths) / 2, phi, self.size * (0.5 + shift), self.size)
        return pictures[:, None].expand(-1, n_frames, -1, -1)


def shapes(levels: Tensor, angles: Tensor, centres: Tensor, size: int) -> Tensor:
    """Pictures of shapes between three and five lobes.

    Args:
        levels: morph levels m, (shape,); 0 has three lobes and 1 has five.
        angles: by which they are turned, in radians, (shape,).
        centres: row and column of their middle in pixels, (shape, 2).
        size: height and width in pixels.

    Returns:
        (shape, height, width), from 0 to 1, with an edge of one pixel that fades.
    """
    places = torch.arange(size, dtype=centres.dtype) + 0.5
    down = (places - centres[:, :1])[:, :, None]
    right = (places - centres[:, 1:])[:, None, :]
    distance, theta = torch.hypot(down, right), torch.atan2(down, right) - angles[:, None, None]
    m, (few, many) = levels[:, None, None], _LOBES
    bumps = (1 - m) * torch.cos(few * theta) + m * torch.cos(many * theta)
    return (_RADIUS * size * (1 + _DEPTH * bumps) + 0.5 - distance).clamp(0, 1)


class DotMotion(ChoiceTask):
    """Do the dots move to the left (-1) or to the right (1)?

    In each frame every dot belongs to the signal with a probability that is the size of the
    strength, the coherence. Then it moves on, to the right for a positive strength; otherwise it
    jumps to a random place.
    Who leaves the picture on one side comes in again on the other.

    Args:
        strengths: see ``ChoiceTask``; signed coherences.
        n_dots: dots in each frame.
        speed: of the signal, in pixels per ms.
        radius: of a dot, in pixels.
        **options: further arguments of ``ChoiceTask``.

    Raises:
        ValueError: for no dots, a radius that is not positive, a speed that is not, or is half a
            picture a frame or more, and as ``ChoiceTask``.
    """

    def __init__(
        self,
        strengths: Sequence[float] = (-0.8, -0.4, -0.2, -0.1, 0.1, 0.2, 0.4, 0.8),
        *,
        n_dots: int = 10,
        speed: float = 0.1,
        radius: float = 0.7,
        **options: Any,
    ) -> None:
        super().__init__(strengths, **options)
        self.n_dots = count("n_dots", n_dots)
        self.speed = number("speed", speed, "positive, in pixels per ms", above=0)
        if self.speed * self.dt >= self.size / 2:
            raise ValueError(
                f"speed must be below {self.size / 2 / self.dt:g} pixels per ms, half a picture a "
                f"frame, where left and right cannot be told apart, got {speed}"
            )
        self.radius = number("radius", radius, "positive, in pixels", above=0)

    def _stimulus(
        self, strengths: Tensor, n_frames: int, generator: torch.Generator | None
    ) -> Tensor:
        n_trials = len(strengths)
        step = self.dt * self.speed * strengths.sign()
        places = self.size * torch.rand(n_trials, self.n_dots, 2, generator=generator)
        frames = []
        for _ in range(n_frames):
            frames.append(discs(places, torch.full(places.shape[:-1], self.radius), self.size))
            moved = places.clone()
            moved[..., 1] = (moved[..., 1] + step[:, None]).remainder(self.size)
            jumped = self.size * torch.rand(places.shape, generator=generator)
            chance = torch.rand(places.shape[:-1], generator=generator)
            signal = chance < strengths.abs()[:, None]
            places = torch.where(signal[..., None], moved, jumped)
        return torch.stack(frames, dim=1)


def _strength(value: Any) -> float:
    """A strength as a float; ``ValueError`` unless it is from -1 to 1."""
    found = number("strengths", value, "from -1 to 1", least=-1)
    if found > 1:
        raise ValueError(f"strengths must be from -1 to 1, got {value!r}")
    return found
