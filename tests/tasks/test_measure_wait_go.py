"""Measure-Wait-Go against the released task and against its definition."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from nmcourse.tasks import LONGER, SHORTER, TRAINED, MeasureWaitGo

GOLDEN = Path(__file__).parents[1] / "golden" / "measure_wait_go.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.fixture
def float64():
    """Tasks make their trials in torch's default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def assert_equals_golden(trials, golden, **tolerance):
    for name in ("inputs", "targets", "mask"):
        found = getattr(trials, name)
        expected = torch.as_tensor(golden[name], dtype=found.dtype)
        torch.testing.assert_close(found, expected, **tolerance)


def test_enumerate_is_the_released_task(golden, float64):
    trials = MeasureWaitGo(intervals=[120, 140, 160, 180], dt=10.0, mask_padding=None).enumerate()
    assert trials.inputs.dtype == torch.float64
    assert_equals_golden(trials, golden, rtol=0, atol=1e-12)


def test_enumerate_is_the_released_task_in_single_precision(golden):
    trials = MeasureWaitGo().enumerate()
    assert trials.inputs.dtype == trials.targets.dtype == trials.mask.dtype == torch.float32
    assert_equals_golden(trials, golden, rtol=0, atol=1e-7)


def test_published_intervals(golden):
    assert (10 * golden["intervals"]).tolist() == list(TRAINED)
    assert SHORTER == (40, 60, 80, 100)
    assert LONGER == (200, 220, 240, 260)


def test_conditions_are_in_ms_and_in_enumeration_order():
    conditions = MeasureWaitGo(delay=150).enumerate().conditions
    assert set(conditions) == {"interval", "measure_time", "wait_time", "go_time"}
    assert conditions["interval"].tolist() == [i for i in TRAINED for _ in range(10)]
    assert conditions["measure_time"].tolist() == 4 * list(range(100, 200, 10))
    wait = conditions["measure_time"] + conditions["interval"]
    assert torch.equal(conditions["wait_time"], wait)
    assert torch.equal(conditions["go_time"], wait + 150)


@pytest.mark.parametrize("dt", [10.0, 5.0, 2.5, 20.0])
def test_a_trial_is_what_the_text_says(dt):
    """Pulses of one step at measure, wait and go; a ramp of exactly the interval after go."""
    task = MeasureWaitGo(
        [160, 40], measure_times=[100, 140], delay=60, duration=800, dt=dt, amplitude=3.0
    )
    trials = task.enumerate()
    n_steps = round(800 / dt)
    assert task.n_steps == n_steps
    assert trials.inputs.shape == (4, n_steps, 3)
    for number in range(4):
        measure, interval = [(100, 160), (140, 160), (100, 40), (140, 40)][number]
        wait, go = measure + interval, measure + interval + 60
        for t in range(n_steps):
            time = t * dt
            pulses = [3.0 * (time == pulse) for pulse in (measure, wait, go)]
            assert trials.inputs[number, t].tolist() == pulses
            ramp = min(max((time - go) / interval, 0.0), 1.0) - 0.5
            assert trials.targets[number, t].item() == pytest.approx(ramp, abs=1e-6)
    assert (trials.inputs.sum(dim=1) == 3.0).all()


def test_other_dt_samples_the_same_ramp():
    """Every second step at dt = 5 ms is a step at dt = 10 ms."""
    coarse, fine = MeasureWaitGo(dt=10.0).enumerate(), MeasureWaitGo(dt=5.0).enumerate()
    torch.testing.assert_close(fine.targets[:, ::2], coarse.targets)
    torch.testing.assert_close(fine.inputs[:, ::2], coarse.inputs)
    for name, values in coarse.conditions.items():
        assert torch.equal(values, fine.conditions[name])


@pytest.mark.parametrize("padding", [0, 1, 5, 200])
@pytest.mark.parametrize("intervals", [TRAINED, (40.0, 260.0)])
def test_padded_mask_by_its_definition(padding, intervals):
    task = MeasureWaitGo(intervals, mask_padding=padding)
    trials = task.enumerate()
    longest = round(max(intervals) / 10)
    assert trials.mask.shape == (len(trials), 110, 1)
    for number, go_time in enumerate(trials.conditions["go_time"].tolist()):
        go = round(go_time / 10)
        expected = [float(go - padding <= t < go + longest + padding) for t in range(110)]
        assert trials.mask[number, :, 0].tolist() == expected


def test_mask_without_padding_is_the_whole_trial():
    assert (MeasureWaitGo(mask_padding=None).enumerate().mask == 1).all()


def test_mask_changes_nothing_else():
    whole, padded = MeasureWaitGo().enumerate(), MeasureWaitGo(mask_padding=5).enumerate()
    assert torch.equal(whole.inputs, padded.inputs)
    assert torch.equal(whole.targets, padded.targets)


# sampling


def test_sampled_trials_are_trials_of_the_task():
    task = MeasureWaitGo(mask_padding=3)
    every, some = task.enumerate(), task.sample(100, generator=torch.Generator().manual_seed(0))
    interval, measure = some.conditions["interval"], some.conditions["measure_time"]
    number = ((interval - 120) / 20 * 10 + (measure - 100) / 10).long()
    for name in ("inputs", "targets", "mask"):
        assert torch.equal(getattr(some, name), getattr(every, name)[number])
    for name, values in every.conditions.items():
        assert torch.equal(some.conditions[name], values[number])


def test_sampling_is_uniform_and_independent():
    """Chi-square over the 40 kinds of trial: 39 degrees of freedom, 72.1 is the 0.1 % point."""
    n_trials = 8000
    some = MeasureWaitGo(duration=900).sample(n_trials, generator=torch.Generator().manual_seed(0))
    kind = (some.conditions["interval"] - 120) / 20 * 10
    kind = (kind + (some.conditions["measure_time"] - 100) / 10).long()
    counts = torch.bincount(kind, minlength=40).double()
    assert len(counts) == 40
    expected = n_trials / 40
    assert ((counts - expected) ** 2 / expected).sum() < 72.1


def test_the_generator_decides_what_is_drawn():
    task, global_state = MeasureWaitGo(), torch.get_rng_state()
    first, again, other = (
        task.sample(20, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(global_state, torch.get_rng_state())
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)
    generator = torch.Generator().manual_seed(1)
    task.sample(20, generator=generator)
    assert not torch.equal(task.sample(20, generator=generator).inputs, first.inputs)


# errors


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("intervals must hold at least one time in ms, got none", {"intervals": []}),
        ("measure_times must hold at least one time in ms, got none", {"measure_times": ()}),
        ("intervals must be positive, got 0 ms", {"intervals": [120, 0]}),
        (
            "intervals must be a non-negative multiple of dt=10.0 ms, got 125 ms",
            {"intervals": [120, 125]},
        ),
        (
            "intervals must be a non-negative multiple of dt=10.0 ms, got -120 ms",
            {"intervals": [-120]},
        ),
        (
            "intervals must be a non-negative multiple of dt=10.0 ms, got nan",
            {"intervals": [float("nan")]},
        ),
        (
            "measure_times must be a non-negative multiple of dt=10.0 ms, got 101 ms",
            {"measure_times": [100, 101]},
        ),
        (
            "measure_times must be a non-negative multiple of dt=10.0 ms, got -10 ms",
            {"measure_times": [-10]},
        ),
        ("delay must be a non-negative multiple of dt=10.0 ms, got 15.0 ms", {"delay": 15.0}),
        ("duration must be a non-negative multiple of dt=10.0 ms, got 1105 ms", {"duration": 1105}),
        ("intervals must be a non-negative multiple of dt=7.0 ms, got 120.0 ms", {"dt": 7.0}),
        ("dt must be a positive time in ms, got 0.0", {"dt": 0.0}),
        ("dt must be a positive time in ms, got -10.0", {"dt": -10.0}),
        ("dt must be a positive time in ms, got nan", {"dt": float("nan")}),
        ("mask_padding must be None or a number of steps from 0, got -1", {"mask_padding": -1}),
        ("mask_padding must be None or a number of steps from 0, got 2.5", {"mask_padding": 2.5}),
        (
            "duration must exceed 700.0 ms, where the last ramp ends; got 700.0 ms",
            {"duration": 700.0},
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:40],
)
def test_wrong_settings(message, options):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        MeasureWaitGo(**options)


def test_the_shortest_duration_holds_the_whole_ramp():
    trials = MeasureWaitGo(duration=710.0).enumerate()
    assert (trials.targets[:, -1] == 0.5).all()


def test_times_that_are_not_exact_in_binary():
    """0.3 / 0.1 is not 3 in floating point, but it is three steps."""
    task = MeasureWaitGo([0.3], measure_times=[0.1], delay=0.2, duration=1.1, dt=0.1)
    assert task.n_steps == 11
    assert task.enumerate().inputs[0].nonzero().tolist() == [[1, 0], [4, 1], [6, 2]]


@pytest.mark.parametrize("n_trials", [0, -1, 2.0])
def test_sample_needs_a_positive_number(n_trials):
    with pytest.raises(ValueError, match=f"n_trials must be a positive integer, got {n_trials}"):
        MeasureWaitGo().sample(n_trials)
