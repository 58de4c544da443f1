"""Hold a number or a sign: two tasks of this course, beside those that the paper names.

Delayed comparison: two values, one after the other. Which was larger?

    channel   what happens
    fixation  1 until go, then 0
    value     the first value, a delay that is drawn, the second value; go when that one ends
    choice    0 until go, then +1 if the second was larger, else -1

Flip-flop: each channel gets brief pulses of +1 or -1; its output holds the sign of the last one.
The first pulses come at the beginning, others at random, none in the last 120 ms.

Reference: Romo et al. 1999 (comparison across a delay); Sussillo and Barak 2013 (flip-flop).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations, product

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, number
from nmcourse.tasks._base import Trials
from nmcourse.tasks.cognitive._base import (
    GRACE,
    CognitiveTask,
    answers,
    check_outputs,
    drawn_delays,
    during,
    mask_around_go,
)

SETTLE = 120.0  # ms after the start of a pulse in which the output does not count


class DelayedComparison(CognitiveTask):
    """Say which of two values, a delay apart, was larger.

    Args:
        values: what is compared; two different ones are drawn in each trial.
        before: time before the first value, in ms.
        stimulus: how long each value is shown, in ms.
        shortest_delay: between both values, in ms.
        longest_delay: in ms; delays are drawn between the two.
        response: least time for the answer, in ms.
        noise: standard deviation of the noise of one step.
        dt: time step in ms.

    Raises:
        ValueError: for fewer than two different values, a period (a delay, too) shorter than a
            step or not a multiple of it, delays out of order, or a response that is over before it
            counts.
    """

    input_names = ("fixation", "value")
    output_names = ("choice",)

    def __init__(
        self,
        values: Sequence[float] = (0.2, 0.4, 0.6, 0.8, 1.0),
        *,
        before: float = 100.0,
        stimulus: float = 200.0,
        shortest_delay: float = 200.0,
        longest_delay: float = 600.0,
        response: float = 200.0,
        noise: float = 0.05,
        dt: float = 20.0,
    ) -> None:
        self._set_step(dt, noise)
        self.values = tuple(number("values", value, "finite") for value in values)
        if len(set(self.values)) < max(2, len(self.values)):
            raise ValueError(f"values must be at least two, all different, got {list(values)}")
        self._on, self._shown, self._shortest, self._longest, last = self._periods(
            before, stimulus, shortest_delay, longest_delay, response
        )
        self.n_steps = self._on + 2 * self._shown + self._longest + last

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw both values and the delay of each trial."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        pairs = self._pairs()
        chosen = pairs[torch.randint(len(pairs), (n_trials,), generator=generator)]
        delay = drawn_delays(self._shortest, self._longest, n_trials, generator)
        return self._trials(chosen, delay, generator, noise=True)

    def probe(self) -> Trials:
        """Every pair of different values, after the longest delay, without noise."""
        pairs = self._pairs()
        return self._trials(pairs, torch.full((len(pairs),), self._longest), None, noise=False)

    def right(self, outputs: Tensor, trials: Trials) -> Tensor:
        """Whether the mean answer has the right sign, (trial,)."""
        first, second = trials.conditions["first"], trials.conditions["second"]
        return answers(outputs, trials, self.dt)[:, 0].sign() == (second - first).sign()

    def _pairs(self) -> Tensor:
        return torch.tensor(list(permutations(self.values, 2)))

    def _trials(
        self, pairs: Tensor, delay: Tensor, generator: torch.Generator | None, *, noise: bool
    ) -> Trials:
        first, second = pairs.unbind(dim=-1)
        on = torch.full_like(delay, self._on)
        again = on + self._shown + delay
        go = again + self._shown
        answering = during(go, torch.full_like(go, self.n_steps), self.n_steps)
        value = during(on, on + self._shown, self.n_steps) * first[:, None, None]
        value = value + during(again, go, self.n_steps) * second[:, None, None]
        return Trials(
            self._noisy(torch.cat([1.0 - answering, value], dim=-1), generator, noise),
            answering * (second - first).sign()[:, None, None],
            mask_around_go(go, self.n_steps, round(GRACE / self.dt)),
            conditions={
                "first": first,
                "second": second,
                "delay": self.dt * delay,
                "go_time": self.dt * go,
            },
        )


class FlipFlop(CognitiveTask):
    """Hold the sign of the last pulse of each channel.

    Args:
        n_channels: how many signs are held at once.
        duration: of a trial, in ms.
        pulse: length of a pulse, in ms; after its start the output has 120 ms before it counts.
        interval: mean time between two pulses of a channel, in ms; longer than a pulse.
        noise: standard deviation of the noise of one step.
        dt: time step in ms.

    Raises:
        ValueError: for no channel, a time shorter than a step or not a multiple of it, or pulses
            that fill the trial or the interval.
    """

    def __init__(
        self,
        n_channels: int = 2,
        *,
        duration: float = 1200.0,
        pulse: float = 100.0,
        interval: float = 400.0,
        noise: float = 0.05,
        dt: float = 20.0,
    ) -> None:
        self._set_step(dt, noise)
        self.n_channels = count("n_channels", n_channels)
        times = {"duration": duration, "pulse": pulse, "interval": interval}
        self.n_steps, self._pulse, self._interval = self._steps(times)
        if interval <= pulse or duration <= 3 * (pulse + SETTLE):
            raise ValueError(
                f"pulse must be shorter than interval={interval} ms and leave most of "
                f"duration={duration} ms, got {pulse} ms"
            )
        self.input_names = tuple(f"pulse {k + 1}" for k in range(self.n_channels))
        self.output_names = tuple(f"held {k + 1}" for k in range(self.n_channels))

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw times and signs of the pulses of each trial."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        shape = (n_trials, self.n_steps, self.n_channels)
        starts = torch.rand(shape, generator=generator) < 1.0 / self._interval
        starts[:, self.n_steps - math.ceil(SETTLE / self.dt) - 1 :] = False  # the end counts
        starts[:, 0] = True
        signs = 2.0 * torch.randint(2, shape, generator=generator) - 1.0
        return self._trials(torch.where(starts, signs, 0.0), generator, noise=True)

    def probe(self) -> Trials:
        """All signs at the beginning, then one channel after the other turned; without noise."""
        first = torch.tensor(list(product((-1.0, 1.0), repeat=self.n_channels)))
        starts = torch.zeros(len(first), self.n_steps, self.n_channels)
        starts[:, 0] = first
        for channel in range(self.n_channels):
            step = round((channel + 1) * self.n_steps / (self.n_channels + 1))
            starts[:, step, channel] = -first[:, channel]
        return self._trials(starts, None, noise=False)

    def right(self, outputs: Tensor, trials: Trials) -> Tensor:
        """Whether every output had the right sign at each step that counts, (trial,)."""
        check_outputs(outputs, trials)
        held = (outputs.sign() == trials.targets) | (trials.mask == 0)
        return held.all(dim=-1).all(dim=-1)

    def _trials(self, starts: Tensor, generator: torch.Generator | None, *, noise: bool) -> Trials:
        """Trials from the signs of pulses where one starts, else 0: (trial, time, channel)."""
        held, inputs = torch.zeros_like(starts), torch.zeros_like(starts)
        now, left = starts[:, 0], torch.zeros_like(starts[:, 0])
        since = torch.zeros(len(starts))
        mask = torch.ones(*starts.shape[:2], 1)
        for t in range(self.n_steps):
            begins = starts[:, t] != 0
            now = torch.where(begins, starts[:, t], now)
            left = torch.where(begins, float(self._pulse), left)
            since = torch.where(begins.any(dim=-1), 0.0, since)
            held[:, t], inputs[:, t] = now, torch.where(left > 0, now, 0.0)
            mask[:, t, 0] = (since * self.dt >= SETTLE).to(mask.dtype)
            left, since = left - 1, since + 1
        return Trials(
            self._noisy(inputs, generator, noise),
            held,
            mask,
            conditions={f"last_{k + 1}": held[:, -1, k] for k in range(self.n_channels)},
        )
