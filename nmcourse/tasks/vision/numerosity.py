"""Numerosity: how many dots were there?

    frames    dots for a short time, at a moment that differs from trial to trial; then black
    outputs   a score for each number; only those of the last step count

Dots never overlap. What covaries with their number is controlled as in the field: in half of the
trials all dots have one size, so that their light grows with the number; in the other half the
light of all dots is the same for every number, so that their size falls. A network that judges
by the light alone must be wrong in one of the two.

Reference: Soo et al. 2024, Fig. 5A (remember the number of items); the pictures are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, whole
from nmcourse.tasks._base import Trials
from nmcourse.tasks.vision.films import FilmTask, discs, drawn, several

_CELLS = 4  # dots stand in cells of a grid of 4 x 4, one in each at most
_JITTER = 0.12  # of a cell, to each side
_EDGE = 1 / 12  # the light of a disc is pi (R^2 + 1/12), by its edge that fades (``discs``),
_SMALLEST = 0.5  # from this radius on, in pixels
MOST = _CELLS**2


class Numerosity(FilmTask):
    """Remember how many dots were shown.

    Args:
        numbers: numbers of dots that are shown, different, from 1 to 16.
        stimulus: how long the dots are shown, in ms.
        delay: shortest time from their end to the answer, in ms.
        duration: of a trial in ms; what stimulus and delay leave free is the time in which the
            dots may begin.
        size: height and width of a picture in pixels.
        pixel_noise: standard deviation of the noise on every pixel of every frame.
        dt: time of a frame in ms.

    Raises:
        ValueError: for repeated or impossible numbers, fewer than two of them, pictures too small
            for numbers that differ so much, and as ``FilmTask``.
    """

    def __init__(
        self,
        numbers: Sequence[int] = (1, 2, 3, 4, 5),
        *,
        stimulus: float = 100.0,
        delay: float = 200.0,
        duration: float = 500.0,
        size: int = 16,
        pixel_noise: float = 0.0,
        dt: float = 10.0,
    ) -> None:
        super().__init__(size=size, duration=duration, pixel_noise=pixel_noise, dt=dt)
        several("numbers", numbers)
        found = [whole("numbers", n, 1, MOST, f"from 1 to {MOST}") for n in numbers]
        if len(found) < 2 or len(set(found)) < len(found):
            raise ValueError(f"numbers must be two or more different ones, got {numbers!r}")
        self.numbers = tuple(found)
        self._one_size, self._light = self._sizes()
        steps = self._times(stimulus=stimulus, delay=delay)
        self._shown, self._delay = steps["stimulus"], steps["delay"]
        self.output_names = tuple(f"{n} dots" for n in self.numbers)

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw trials with numbers, controls and places that are as good as independent."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        dtype = torch.get_default_dtype()
        numbers = drawn(self.numbers, n_trials, generator).long()
        equal_light = torch.rand(n_trials, generator=generator) < 0.5
        latest = self.n_steps - self._shown - self._delay
        onset = torch.randint(latest + 1, (n_trials,), generator=generator)
        pictures = self._pictures(numbers, equal_light, generator)
        on = self._between(onset, onset + self._shown)
        targets = (numbers[:, None] == torch.tensor(self.numbers)).to(dtype)
        mask = torch.zeros(n_trials, self.n_steps, 1, dtype=dtype)
        mask[:, -1] = 1.0
        return Trials(
            self._inputs(on[..., None, None] * pictures[:, None], generator),
            targets[:, None].expand(-1, self.n_steps, -1),
            mask,
            conditions={
                "number": numbers,
                "equal_light": equal_light,
                "onset": self.dt * onset,
                "light": pictures.sum(dim=(-2, -1)),
            },
        )

    def _pictures(
        self, numbers: Tensor, equal_light: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """One picture of dots for each trial, (trial, height, width)."""
        n_trials, most, cell = len(numbers), max(self.numbers), self.size / _CELLS
        cells = torch.rand(n_trials, MOST, generator=generator).argsort(dim=-1)[:, :most]
        middle = torch.stack([cells // _CELLS, cells % _CELLS], dim=-1) + 0.5
        shift = (2 * torch.rand(middle.shape, generator=generator) - 1) * _JITTER
        same_light = (self._light / numbers - _EDGE).sqrt()
        radius = torch.where(equal_light, same_light, self._one_size)
        there = torch.arange(most) < numbers[:, None]
        radii = torch.where(there, radius[:, None], 0.0)
        return discs(cell * (middle + shift), radii, self.size)

    def _sizes(self) -> tuple[float, float]:
        """Radius of dots of one size, and R^2 + 1/12 of all dots of equal light, in pixels.

        Both halves of the trials have the same light for the middle number, and the largest dot,
        one alone of equal light, just fits into its cell.
        """
        numbers = sorted(self.numbers)
        largest = self.size / _CELLS * (0.5 - _JITTER)
        light = numbers[0] * (largest**2 + _EDGE)
        one_size = light / numbers[len(numbers) // 2] - _EDGE
        if light / numbers[-1] - _EDGE < _SMALLEST**2:
            raise ValueError(
                f"numbers must be closer to each other for pictures of size={self.size} pixels, "
                f"got {self.numbers}: dots of equal light would be smaller than a pixel"
            )
        return math.sqrt(one_size), light
