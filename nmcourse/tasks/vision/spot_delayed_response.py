"""Oculomotor delayed response, seen: look where the spot was, once the fixation spot is gone.

    frames    a fixation spot in the middle until go; for a while another spot, on a circle
    outputs   fixation, and sine and cosine of the angle, as in ``DelayedResponse``

Nothing but the place of the second spot says the angle, so a network has to see *where* something
is, keep it over a delay, and give it after go. What counts as a correct trial is what counts in
``DelayedResponse`` (``nmcourse.tasks.percent_correct``).

Reference: Soo et al. 2024, Fig. 5C; the task is that of Funahashi et al. 1989, the pictures are
ours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, number
from nmcourse.tasks._base import Trials, check_time_step, whole_steps
from nmcourse.tasks.vision.films import FilmTask, discs

_CIRCLE = 0.36  # radius of the circle of spots, of the picture
_HELD = 0.8  # target of fixation before go, as in DelayedResponse


class SpotDelayedResponse(FilmTask):
    """Remember where a spot was.

    Args:
        delays: shortest and longest time from the end of the spot to go, in ms.
        before: time before the spot, in ms.
        stimulus: how long the spot is shown, in ms.
        response: shortest time from go to the end, in ms.
        radius: of both spots, in pixels.
        size: height and width of a picture in pixels.
        pixel_noise: standard deviation of the noise on every pixel of every frame.
        dt: time of a frame in ms.

    Raises:
        ValueError: for delays that are not in order or shorter than a frame, a radius that is not
            positive, and as ``FilmTask``.
    """

    output_names = ("fixation", "sin", "cos")

    def __init__(
        self,
        delays: tuple[float, float] = (100.0, 400.0),
        *,
        before: float = 50.0,
        stimulus: float = 100.0,
        response: float = 200.0,
        radius: float = 1.0,
        size: int = 16,
        pixel_noise: float = 0.0,
        dt: float = 10.0,
    ) -> None:
        if not isinstance(delays, tuple | list) or len(delays) != 2:
            raise ValueError(f"delays must be (shortest, longest) in ms, got {delays!r}")
        shortest, longest = (
            number("delays", delay, "positive, in ms", above=0) for delay in delays
        )
        if longest < shortest:
            raise ValueError(f"delays must be (shortest, longest) in ms, got {delays!r}")
        check_time_step(dt)
        parts = {"before": before, "stimulus": stimulus, "delays": longest, "response": response}
        for name, time in parts.items():
            whole_steps(name, time, dt)
        super().__init__(
            size=size,
            duration=before + stimulus + longest + response,
            pixel_noise=pixel_noise,
            dt=dt,
        )
        steps = self._times(before=before, stimulus=stimulus, delays=shortest, response=response)
        self._on, self._off = steps["before"], steps["before"] + steps["stimulus"]
        self._delays = steps["delays"], whole_steps("delays", longest, dt)
        self.radius = number("radius", radius, "positive, in pixels", above=0)

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw angle and delay of each trial independently."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        shortest, longest = self._delays
        delay = shortest + torch.randint(longest - shortest + 1, (n_trials,), generator=generator)
        angles = 2 * math.pi * torch.rand(n_trials, generator=generator)
        return self._trials(angles, delay, generator)

    def arranged(
        self, angles: Tensor, delay: float, *, generator: torch.Generator | None = None
    ) -> Trials:
        """Trials of given angles in radians, (trial,), and one delay in ms for all.

        The delay may be shorter than the shortest that is drawn.

        Raises:
            ValueError: for angles that are not finite, or a delay that is no multiple of dt, is
                shorter than a frame or longer than the longest one.
        """
        check_tensor("angles", angles)
        check_generator(generator)
        if angles.ndim != 1 or not len(angles) or not torch.isfinite(angles).all():
            raise ValueError(f"angles must be finite, one per trial, got {angles}")
        steps, longest = whole_steps("delay", delay, self.dt), self._delays[1]
        if not 1 <= steps <= longest:
            raise ValueError(
                f"delay must be from {self.dt:g} ms, a frame, to {longest * self.dt:g} ms, the "
                f"longest of this task, got {delay} ms"
            )
        each = torch.full((len(angles),), steps)
        return self._trials(angles.to(torch.get_default_dtype()), each, generator)

    def _trials(self, angles: Tensor, delay: Tensor, generator: torch.Generator | None) -> Trials:
        n_trials, go = len(angles), self._off + delay
        direction = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (trial, 2)
        middle = torch.full((n_trials, 2), self.size / 2)
        down_right = torch.stack(
            [-direction[:, 0], direction[:, 1]], dim=-1
        )  # rows count downwards
        there = middle + _CIRCLE * self.size * down_right
        radius = torch.full((n_trials, 1), self.radius)
        fixation, spot = (
            discs(centre[:, None], radius, self.size)[:, None] for centre in (middle, there)
        )
        before_go = self._between(torch.zeros_like(go), go)
        start = torch.full_like(go, self._on)
        shown = self._between(start, torch.full_like(go, self._off))
        frames = before_go[..., None, None] * fixation + shown[..., None, None] * spot
        held = before_go[..., None]
        targets = torch.cat([_HELD * held, (1 - held) * direction[:, None]], dim=-1)
        times = {"stimulus_time": start, "stimulus_end": start * 0 + self._off, "go_time": go}
        return Trials(
            self._inputs(frames, generator),
            targets,
            torch.ones_like(held),
            conditions={"angle": angles} | {name: self.dt * t for name, t in times.items()},
        )
