"""Point to where it was: a memory-guided response with stimuli on a ring, on a line, or at points.

    channel     what happens
    fixation    1 until go, then 0
    x, y        place of the stimulus while it is shown, else 0
    x, y (out)  0 until go, then the place of the stimulus

    stimuli     places
    ring        (cos a, sin a), any angle a
    line        (v, 0), any v from -1 to 1
    points      (-1, 0) or (1, 0)

    0      before    stimulus     delay (drawn)      go     to the end
    |------|-----------|---------------------|----------------|

What has to be remembered is a circle, an interval or one of two: the claim of the paper is that the
activity of the delay has that shape.

Reference: Soo et al. 2024, Fig. S3 (names of the stimulus sets; timing and noise are ours).
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count
from nmcourse.tasks._base import Trials
from nmcourse.tasks.cognitive._base import (
    GRACE,
    CognitiveTask,
    answers,
    drawn_delays,
    during,
    mask_around_go,
)

Stimuli = Literal["ring", "line", "points"]
NEAR = 0.3  # an answer within this distance of the place is right; pi / 10 on the ring


class MemoryGuided(CognitiveTask):
    """Point to the place of a stimulus that is gone.

    Args:
        stimuli: ``"ring"``, ``"line"`` or ``"points"``.
        before: time before the stimulus, in ms.
        stimulus: how long it is shown, in ms.
        shortest_delay: in ms.
        longest_delay: in ms; delays are drawn between the two.
        response: least time for the answer, in ms; after a shorter delay it lasts longer.
        noise: standard deviation of the noise of one step.
        dt: time step in ms.

    Raises:
        ValueError: for unknown stimuli, a period (a delay, too) shorter than a step or not a
            multiple of it, delays out of order, or a response that is over before it counts.
    """

    input_names = ("fixation", "x", "y")
    output_names = ("x", "y")

    def __init__(
        self,
        stimuli: Stimuli = "ring",
        *,
        before: float = 100.0,
        stimulus: float = 200.0,
        shortest_delay: float = 200.0,
        longest_delay: float = 600.0,
        response: float = 200.0,
        noise: float = 0.05,
        dt: float = 20.0,
    ) -> None:
        if stimuli not in get_args(Stimuli):
            raise ValueError(f"stimuli must be one of {get_args(Stimuli)}, got {stimuli!r}")
        self._set_step(dt, noise)
        self.stimuli = stimuli
        on, shown, self._shortest, self._longest, last = self._periods(
            before, stimulus, shortest_delay, longest_delay, response
        )
        self.longest_delay = longest_delay
        self._on, self._off = on, on + shown
        self.n_steps = self._off + self._longest + last

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw place and delay of each trial."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        u = torch.rand(n_trials, generator=generator)
        value = {"ring": 2 * math.pi * u, "line": 2 * u - 1, "points": (u - 0.5).sign()}
        delay = drawn_delays(self._shortest, self._longest, n_trials, generator)
        return self._trials(value[self.stimuli], delay, generator, noise=True)

    def probe(self, n: int = 12) -> Trials:
        """Places at equal distances (both points, twice, for points), the longest delay, no noise.

        Args:
            n: number of places on a ring or a line.
        """
        n = count("n", n)
        value = {
            "ring": 2 * math.pi * torch.arange(n) / n,
            "line": torch.linspace(-1, 1, n),
            "points": torch.tensor([-1.0, 1.0]),
        }[self.stimuli]
        return self.arranged(value, self.longest_delay)

    def arranged(self, value: Tensor, delay: float) -> Trials:
        """Trials without noise at given places, after one delay.

        Args:
            value: angle in radians on a ring, else the x coordinate, (trial,).
            delay: in ms, at most ``longest_delay``.

        Raises:
            ValueError: for places that are not finite, or a delay shorter than a step or too long.
        """
        check_tensor("value", value)
        if value.ndim != 1 or not len(value) or not torch.isfinite(value).all():
            raise ValueError(f"value must be finite, one per trial, got {value}")
        (steps,) = self._steps({"delay": delay})
        if steps > self._longest:
            raise ValueError(f"delay must be at most {self.longest_delay} ms, got {delay} ms")
        return self._trials(value, torch.full((len(value),), steps), None, noise=False)

    def right(self, outputs: Tensor, trials: Trials) -> Tensor:
        """Whether the mean answer is within 0.3 of the place, (trial,)."""
        missed = answers(outputs, trials, self.dt) - self._place(trials.conditions["value"])
        return missed.norm(dim=-1) < NEAR

    def _place(self, value: Tensor) -> Tensor:
        """Places (trial, 2) of angles or coordinates (trial,)."""
        if self.stimuli == "ring":
            return torch.stack([value.cos(), value.sin()], dim=-1)
        return torch.stack([value, torch.zeros_like(value)], dim=-1)

    def _trials(
        self, value: Tensor, delay: Tensor, generator: torch.Generator | None, *, noise: bool
    ) -> Trials:
        off = torch.full_like(delay, self._off)
        go = off + delay
        answering = during(go, torch.full_like(go, self.n_steps), self.n_steps)
        place = self._place(value.to(torch.get_default_dtype()))[:, None, :]
        shown = during(torch.full_like(go, self._on), off, self.n_steps)
        inputs = torch.cat([1.0 - answering, shown * place], dim=-1)
        return Trials(
            self._noisy(inputs, generator, noise),
            answering * place,
            mask_around_go(go, self.n_steps, round(GRACE / self.dt)),
            conditions={
                "value": value,
                "delay": self.dt * delay,
                "delay_start": self.dt * off,
                "go_time": self.dt * go,
            },
        )
