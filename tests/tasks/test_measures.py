"""Produced interval and slope, on ramps whose interval and slope are known."""

from __future__ import annotations

import re

import pytest
import torch

from nmcourse.tasks import (
    LONGER,
    SHORTER,
    TRAINED,
    MeasureWaitGo,
    apparent_interval,
    at_mid_ramp,
    change_of_intervals,
    produced_interval,
    ramp_slope,
    slope_against,
)

ALL = SHORTER + TRAINED + LONGER


def ramps(intervals=ALL, dt=10.0):
    """Perfect answers (interval by measure time), their go times and their intervals."""
    trials = MeasureWaitGo(intervals, measure_times=[100, 150], dt=dt).enumerate().to(torch.float64)
    # targets are made in single precision; here the exact ramp is wanted
    time = dt * torch.arange(trials.targets.shape[1], dtype=torch.float64)
    go, interval = (trials.conditions[n].double() for n in ("go_time", "interval"))
    ramp = ((time - go[:, None]) / interval[:, None]).clamp(0, 1) - 0.5
    torch.testing.assert_close(ramp[..., None], trials.targets, rtol=0, atol=1e-6)
    return ramp[..., None], go, interval


@pytest.mark.parametrize("dt", [10.0, 5.0, 2.0])
@pytest.mark.parametrize("fraction", [0.95, 0.5, 0.25, 1.0])
def test_a_perfect_ramp_produces_its_interval(fraction, dt):
    outputs, go, interval = ramps(dt=dt)
    found = produced_interval(outputs, go, dt, fraction=fraction)
    assert found.shape == (24,)
    torch.testing.assert_close(found, interval, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dt", [10.0, 5.0])
def test_a_perfect_ramp_has_the_slope_one_over_its_interval(dt):
    outputs, go, interval = ramps(dt=dt)
    torch.testing.assert_close(ramp_slope(outputs, go, dt), 1 / interval, rtol=1e-12, atol=0)


def test_single_precision_targets_produce_their_interval():
    trials = MeasureWaitGo(ALL, measure_times=[150]).enumerate()
    go, interval = trials.conditions["go_time"], trials.conditions["interval"]
    found = produced_interval(trials.targets, go, 10.0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, interval, rtol=0, atol=1e-3)
    torch.testing.assert_close(
        ramp_slope(trials.targets, go, 10.0), 1 / interval, rtol=1e-4, atol=0
    )


def test_leading_axes_and_a_missing_channel_axis():
    outputs, go, interval = ramps()
    many = torch.stack([outputs, outputs])
    for measure, expected in ((produced_interval, interval), (ramp_slope, 1 / interval)):
        for given in (many, many.squeeze(-1)):
            found = measure(given, go, 10.0)
            torch.testing.assert_close(found, expected.expand(2, 24), rtol=1e-9, atol=0)


def test_the_crossing_lies_between_two_steps():
    """At 95 % of a ramp of 40 ms: 38 ms after go, in the last step of the ramp."""
    late = torch.zeros(1, 20, 1, dtype=torch.float64) - 0.5
    late[0, 10:] = 0.5  # a jump from step 9 to step 10, go at step 5
    found = produced_interval(late, torch.tensor([50.0]), 10.0)
    assert found.item() == pytest.approx((40.0 + 9.5) / 0.95)


def test_an_answer_that_overshoots_or_swings_back_counts_from_its_first_arrival():
    outputs, go, interval = ramps()
    swinging = outputs + 0.3 * (outputs >= 0.5)
    found = produced_interval(swinging, go, 10.0, fraction=0.5)
    torch.testing.assert_close(found, interval, rtol=0, atol=1e-9)


def test_what_happens_before_go_does_not_count():
    outputs, go, interval = ramps()
    outputs[:, :20] = 0.5  # up before go: an early answer that was taken back
    torch.testing.assert_close(produced_interval(outputs, go, 10.0), interval, rtol=0, atol=1e-9)


def test_nan_where_the_ramp_never_arrives():
    outputs, go, interval = ramps()
    outputs[::2] = outputs[::2].clamp(max=0.44)  # 94 % of the way
    found = produced_interval(outputs, go, 10.0)
    assert found[::2].isnan().all()
    torch.testing.assert_close(found[1::2], interval[1::2], rtol=0, atol=1e-9)
    assert not ramp_slope(outputs, go, 10.0).isnan().any()  # three quarters of it are there
    flat = torch.full_like(outputs, -0.5)
    assert produced_interval(flat, go, 10.0).isnan().all()
    assert ramp_slope(flat, go, 10.0).isnan().all()
    assert produced_interval(torch.full_like(outputs, torch.nan), go, 10.0).isnan().all()


@pytest.mark.parametrize("level", [0.45, 0.5, 3.0])
def test_an_output_that_is_up_at_go_takes_no_time_and_has_no_slope(level):
    outputs, go, _ = ramps()
    up = torch.full_like(outputs, level)
    assert (produced_interval(up, go, 10.0) == 0).all()
    falling = up - 1e-3 * torch.arange(up.shape[1])[:, None] / up.shape[1]
    assert (produced_interval(falling, go, 10.0, fraction=0.9) == 0).all()
    assert ramp_slope(up, go, 10.0).isnan().all()


def test_noise_moves_the_measures_little():
    """A tenth of the distance between two steps of the shortest trained ramp."""
    outputs, go, interval = ramps(TRAINED)
    noisy = outputs + 0.008 * torch.randn(100, *outputs.shape, dtype=torch.float64)
    found = produced_interval(noisy, go, 10.0)
    assert not found.isnan().any()
    assert ((found - interval).abs() < 10.0).all()
    assert ((found.mean(0) - interval).abs() < 1.0).all()
    slopes = ramp_slope(noisy, go, 10.0)
    assert ((slopes * interval - 1).abs() < 0.25).all()
    assert ((slopes.mean(0) * interval - 1).abs() < 0.02).all()


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.1, float("nan")])
def test_fraction_is_a_part_of_the_way(fraction):
    outputs, go, _ = ramps()
    with pytest.raises(ValueError, match=re.escape(f"fraction must be in (0, 1], got {fraction}")):
        produced_interval(outputs, go, 10.0, fraction=fraction)


@pytest.mark.parametrize("measure", [produced_interval, ramp_slope])
def test_one_go_time_per_trial(measure):
    outputs, go, _ = ramps()
    with pytest.raises(ValueError, match=re.escape("go_times must have shape (24,), got (23,)")):
        measure(outputs, go[1:], 10.0)


@pytest.mark.parametrize("dt", [5.0, 10.0])
def test_a_perfect_ramp_has_its_apparent_interval_and_follows_the_asked_one(dt):
    ramp, go, interval = ramps(dt=dt)
    apparent = apparent_interval(ramp, go, dt=dt)
    torch.testing.assert_close(apparent, interval)
    assert slope_against(apparent, interval).item() == pytest.approx(1.0)


def test_one_ramp_for_all_intervals_follows_none():
    ramp, go, interval = ramps(intervals=[140.0])
    asked = torch.linspace(100.0, 200.0, len(go), dtype=torch.float64)
    apparent = apparent_interval(torch.stack([ramp, ramp]), go)
    torch.testing.assert_close(apparent, interval.expand(2, -1))
    assert slope_against(apparent, asked).tolist() == pytest.approx([0.0, 0.0])


def test_the_apparent_interval_needs_one_channel_and_one_go_time_per_trial():
    with pytest.raises(ValueError, match=re.escape("(.., trial, time, 1), got (4, 9)")):
        apparent_interval(torch.zeros(4, 9), torch.zeros(4))
    with pytest.raises(ValueError, match=re.escape("go_times must have shape (4,), got (3,)")):
        apparent_interval(torch.zeros(4, 9, 1), torch.zeros(3))


def test_the_middle_of_each_ramp_is_what_counts():
    trials = at_mid_ramp(MeasureWaitGo(measure_times=[150]).enumerate())
    rows, steps = trials.mask[..., 0].nonzero(as_tuple=True)
    assert rows.tolist() == [0, 1, 2, 3]
    conditions = trials.conditions
    expected = conditions["go_time"] + conditions["interval"] / 2
    torch.testing.assert_close(10.0 * steps, expected)


def test_direction_of_a_change():
    intact, ten = [100.0] * 4, [[110.0] * 4, [111.0] * 4, [89.0] * 4]
    produced = torch.tensor([[intact, row] for row in ten])
    assert change_of_intervals(produced, level=1).tolist() == [0, 1, -1]
    two_shorter = torch.tensor([[intact, [80.0, 80.0, 100.0, 130.0]]])
    assert change_of_intervals(two_shorter, level=1).tolist() == [0]  # by the median: -10 ms
    never = [torch.nan] * 4
    lost = torch.tensor([[intact, [80.0, *never[:3]]], [never, never]])
    assert change_of_intervals(lost, level=1).tolist() == [1, 0]
    assert change_of_intervals(produced, level=1, resolution=5.0).tolist() == [1, 1, -1]
