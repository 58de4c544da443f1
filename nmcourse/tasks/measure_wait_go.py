"""Measure-Wait-Go: keep an interval in mind, then reproduce it as a ramp.

    channel    what happens
    measure    a pulse: the interval begins
    wait       a pulse, one interval later: the interval is over, hold it
    go         a pulse, a fixed delay later: answer now
    ramp       (target) -0.5 until go, a straight line to +0.5 that takes exactly the
               interval, then +0.5

Times in ms; the published task has dt = 10 ms, 110 steps, pulses of one step and amplitude 10.

Reference: Costacurta et al. 2024 (released code); the task goes back to Beiran et al. 2023, whose
version is longer, noisy, and has variable delays and catch trials (chapter *Learning to keep
time*).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, number, whole
from nmcourse.tasks._base import Task, Trials, check_time_step, whole_steps

TRAINED = (120.0, 140.0, 160.0, 180.0)
SHORTER = (40.0, 60.0, 80.0, 100.0)
LONGER = (200.0, 220.0, 240.0, 260.0)
TEST_TIME = 150.0  # when the measure pulse comes in the published test set, ms
WINDOW = 300.0  # ms after go: longer than every ramp, so that its whole area is seen

# Masked mean squared error on the trained intervals below which a network has learned to measure.
# The best single ramp, which is the same for every interval and so measures nothing, has 9e-4.
MEASURES_BELOW = 5e-4


def learned_to_measure(error: float | None) -> bool:
    """Whether a network measures intervals: the one definition of the whole course.

    Args:
        error: Its masked mean squared error on the trained intervals (``TRAINED``, measure pulse
            at 150 ms); None and NaN stand for a training that diverged.

    Returns:
        True if the error is below ``MEASURES_BELOW``, which is about half of what the best single
        ramp has.
    """
    return error is not None and error < MEASURES_BELOW


class MeasureWaitGo(Task):
    """The Measure-Wait-Go task; its trials are all pairs of an interval and a measure time.

    Args:
        intervals: intervals in ms. ``TRAINED``, ``SHORTER`` and ``LONGER`` of this module are
            the published sets.
        measure_times: when the measure pulse may come, in ms.
        delay: time from wait to go, in ms.
        duration: length of a trial, in ms.
        dt: time step in ms.
        amplitude: height of a pulse.
        mask_padding: None for a loss over the whole trial; p (steps) for a loss over
            t_go - p <= t < t_go + longest interval + p.
        measurement_noise: standard deviation of the measured interval over the true one. In drawn
            trials (``sample``) the wait pulse comes after an interval that differs by Gaussian
            noise, rounded to steps, and the ramp still takes the true one. The condition
            ``measured`` says what was measured.

    Raises:
        ValueError: for times that are not multiples of dt, an empty list, an interval of zero,
            an amplitude that is not finite, a negative noise, or a ramp that would not end within
            the trial.
    """

    input_names = ("measure", "wait", "go")
    output_names = ("ramp",)

    def __init__(
        self,
        intervals: Sequence[float] = TRAINED,
        *,
        measure_times: Sequence[float] = tuple(range(100, 200, 10)),
        delay: float = 150.0,
        duration: float = 1100.0,
        dt: float = 10.0,
        amplitude: float = 10.0,
        mask_padding: int | None = None,
        measurement_noise: float = 0.0,
    ) -> None:
        number("measurement_noise", measurement_noise, "zero or a positive number", least=0)
        self.measurement_noise = float(measurement_noise)
        for name, values in (("intervals", intervals), ("measure_times", measure_times)):
            if len(values) == 0:
                raise ValueError(f"{name} must hold at least one time in ms, got none")
        check_time_step(dt)
        number("amplitude", amplitude, "finite")
        if mask_padding is not None:
            allowed = "None or a number of steps from 0"
            mask_padding = whole("mask_padding", mask_padding, least=0, allowed=allowed)
        self.dt, self.amplitude, self.mask_padding = dt, amplitude, mask_padding
        self.intervals = tuple(float(interval) for interval in intervals)
        self.measure_times = tuple(float(time) for time in measure_times)
        self._intervals = [whole_steps("intervals", time, dt) for time in intervals]
        self._measures = [whole_steps("measure_times", time, dt) for time in measure_times]
        self._delay = whole_steps("delay", delay, dt)
        self.n_steps = whole_steps("duration", duration, dt)
        if 0 in self._intervals:
            raise ValueError("intervals must be positive, got 0 ms")
        end = max(self._measures) + 2 * max(self._intervals) + self._delay
        if end >= self.n_steps:
            raise ValueError(
                f"duration must exceed {end * dt} ms, where the last ramp ends; got {duration} ms"
            )

    def enumerate(self) -> Trials:
        """Every trial without noise: intervals in the outer order, measure times in the inner."""
        pairs = list(itertools.product(self._intervals, self._measures))
        return self._trials(torch.tensor(pairs))

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw interval and measure time of each trial independently and uniformly."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        columns = [
            torch.tensor(choices)[torch.randint(len(choices), (n_trials,), generator=generator)]
            for choices in (self._intervals, self._measures)
        ]
        pairs = torch.stack(columns, dim=1)
        if not self.measurement_noise:
            return self._trials(pairs)
        noise = torch.randn(n_trials, generator=generator)
        measured = (pairs[:, 0] * (1 + self.measurement_noise * noise)).round().long()
        longest = self.n_steps - 1 - max(self._measures) - self._delay - max(self._intervals)
        return self._trials(pairs, measured.clamp(1, longest))

    def _trials(self, pairs: Tensor, measured: Tensor | None = None) -> Trials:
        """Trials of (interval, measure step) pairs, (trial, 2), and what is measured, (trial,)."""
        interval, measure = pairs.unbind(1)
        wait = measure + (interval if measured is None else measured)
        go = wait + self._delay
        time = torch.arange(self.n_steps)
        pulses = torch.stack([measure, wait, go], dim=1)  # (trial, channel)
        dtype = torch.get_default_dtype()
        inputs = self.amplitude * (time[:, None] == pulses[:, None, :]).to(dtype)
        ramp = (time - go[:, None]).double() / interval[:, None]
        targets = (ramp.clamp(0.0, 1.0)[..., None] - 0.5).to(dtype)
        mask = torch.ones_like(targets)
        if self.mask_padding is not None:
            start = go[:, None] - self.mask_padding
            end = go[:, None] + max(self._intervals) + self.mask_padding
            mask = ((time >= start) & (time < end)).to(inputs.dtype)[..., None]
        times = {"interval": interval, "measure_time": measure, "wait_time": wait, "go_time": go}
        if measured is not None:
            times["measured"] = measured
        return Trials(
            inputs, targets, mask, conditions={name: self.dt * t for name, t in times.items()}
        )


def at_mid_ramp(trials: Trials, *, dt: float = 10.0) -> Trials:
    """The same trials with a mask that is 1 at the middle of each ramp and 0 elsewhere."""
    middle = trials.conditions["go_time"] + 0.5 * trials.conditions["interval"]
    time = dt * torch.arange(trials.inputs.shape[1])
    return replace(trials, mask=(time == middle[:, None]).to(trials.mask)[..., None])


def produced_interval(
    outputs: Tensor, go_times: Tensor, dt: float, *, fraction: float = 0.95
) -> Tensor:
    """Time from go until the ramp has covered ``fraction`` of its way, scaled to the whole way.

    The way is from -0.5 to +0.5. A perfect ramp gives its interval. The crossing is interpolated
    between steps.

    Args:
        outputs: (.., trial, time, 1) or (.., trial, time).
        go_times: (trial,), in ms.
        dt: time step in ms.
        fraction: part of the way at which the ramp is read.

    Returns:
        (.., trial) in ms; NaN where the output never gets there after go, 0 where it is there
        already at go.

    Raises:
        ValueError: unless 0 < fraction <= 1 and one go time per trial is given.
    """
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"fraction must be in (0, 1], got {fraction!r}")
    ramp = outputs.squeeze(-1) if outputs.shape[-1] == 1 else outputs
    if go_times.shape != (ramp.shape[-2],):
        raise ValueError(
            f"go_times must have shape ({ramp.shape[-2]},), got {tuple(go_times.shape)}"
        )
    threshold = fraction - 0.5
    time = dt * torch.arange(ramp.shape[-1], device=ramp.device, dtype=ramp.dtype)
    after_go = time > go_times[:, None]
    above = (ramp >= threshold - 1e-6) & after_go
    first = above.to(torch.int8).argmax(dim=-1, keepdim=True).clamp(min=1)
    high, low = ramp.gather(-1, first), ramp.gather(-1, first - 1)
    part = (threshold - low) / (high - low)  # how far into the step
    part = torch.where(low < threshold, part.clamp(0.0, 1.0), 0.0)
    crossing = time[first] - dt * (1.0 - part)
    produced = (crossing - go_times[:, None]).squeeze(-1) / fraction
    return torch.where(above.any(dim=-1), produced, torch.nan)


def apparent_interval(outputs: Tensor, go_times: Tensor, *, dt: float = 10.0) -> Tensor:
    """Interval of the ramp with the same area between output and end point.

    It is twice the area between the output and its end point +0.5, from go until ``WINDOW`` later:
    for a ramp it is the interval, and no threshold has to be reached.

    Args:
        outputs: (.., trial, time, 1).
        go_times: (trial,), in ms.
        dt: time step in ms.

    Returns:
        (.., trial) in ms.

    Raises:
        ValueError: for outputs of another shape, or unless one go time per trial is given.
    """
    if outputs.ndim < 3 or outputs.shape[-1] != 1:
        raise ValueError(
            f"outputs must have shape (.., trial, time, 1), got {tuple(outputs.shape)}"
        )
    if go_times.shape != (outputs.shape[-3],):
        raise ValueError(
            f"go_times must have shape ({outputs.shape[-3]},), got {tuple(go_times.shape)}"
        )
    time = dt * torch.arange(outputs.shape[-2], device=outputs.device)
    after = time - go_times[:, None]
    window = (after >= 0.0) & (after < WINDOW)
    # a straight line sampled at the start of each step: the half step is the trapezoid rule's
    return 2.0 * dt * ((0.5 - outputs[..., 0]) * window).sum(dim=-1) - dt


def ideal_interval(measured: Tensor, intervals: Sequence[float], noise: float) -> Tensor:
    """Mean of the intervals that are possible after a measurement, E[true | measured].

    The observer knows that all intervals are equally frequent, and that a measurement has the
    standard deviation ``noise`` times the true interval.

    Args:
        measured: intervals as they were measured, any shape, in ms.
        intervals: the true ones, in ms.
        noise: over the interval; 0 for an exact measurement, which is returned as it is.

    Returns:
        As ``measured``, in ms.

    Raises:
        ValueError: for a negative noise or intervals that are not positive.

    Reference:
        Jazayeri and Shadlen 2010.
    """
    number("noise", noise, "zero or a positive number", least=0)
    possible = torch.as_tensor(intervals, dtype=torch.float64)
    if not len(possible) or not bool((possible > 0).all()):
        raise ValueError(f"intervals must be positive, got {list(intervals)}")
    if noise == 0:
        return measured.double()
    spread = noise * possible
    apart = (measured.double()[..., None] - possible) / spread
    weights = torch.softmax(-0.5 * apart.square() - spread.log(), dim=-1)
    return (weights * possible).sum(dim=-1)


def slope_against(apparent: Tensor, interval: Tensor) -> Tensor:
    """Slope of an apparent interval (.., trial) against an interval (trial,)."""
    centred = interval - interval.mean()
    return (apparent * centred).sum(dim=-1) / centred.square().sum()


def ramp_slope(outputs: Tensor, go_times: Tensor, dt: float) -> Tensor:
    """Slope of the ramp in 1/ms: from a quarter to three quarters of the way.

    A perfect ramp of interval I has slope 1/I.

    Args:
        outputs: (.., trial, time, 1) or (.., trial, time).
        go_times: (trial,), in ms.
        dt: time step in ms.

    Returns:
        (.., trial); NaN where the output does not cover that part of the way after go (or is
        there already at go).
    """
    quarter = 0.25 * produced_interval(outputs, go_times, dt, fraction=0.25)
    three_quarters = 0.75 * produced_interval(outputs, go_times, dt, fraction=0.75)
    slope = 0.5 / (three_quarters - quarter)
    return torch.where(quarter > 0, slope, torch.nan)


def change_of_intervals(produced: Tensor, *, level: int, resolution: float = 10.0) -> Tensor:
    """+1, -1 or 0 for each network: ramps longer, shorter or as they were.

    Args:
        produced: (network, level, trial) in ms, NaN for a ramp that never arrives, which counts as
            longer than any other; level 0 is the intact network.
        level: which level to compare.
        resolution: smaller changes of the median count as none, ms; one time step.

    Returns:
        (network,): sign of the median change over trials; 0 where half of the ramps never arrive
        any more and the other half arrives for the first time.
    """
    produced = produced.nan_to_num(nan=torch.inf)
    change = (produced[:, level] - produced[:, 0]).nan_to_num(nan=0.0)  # inf - inf: as it was
    ordered, n_trials = change.sort(dim=1).values, change.shape[1]
    median = (ordered[:, (n_trials - 1) // 2] + ordered[:, n_trials // 2]) / 2  # NaN: half of each
    return (median > resolution).int() - (median < -resolution).int()
