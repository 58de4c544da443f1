"""Reaction times and curves: with known answers, and without enough points."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.analysis import chronometric_curve, psychometric_curve, reaction_times

LEVELS = torch.tensor([-0.8, -0.4, -0.2, -0.1, 0.1, 0.2, 0.4, 0.8])


def observer(mu: float, width: float, lapses: float, n: int, seed: int = 0):
    """Choices of an observer with this curve, n at each level."""
    strengths = LEVELS.repeat_interleave(n)
    share = lapses + (1 - 2 * lapses) * torch.sigmoid((strengths - mu) / width)
    drawn = torch.rand(len(strengths), generator=torch.Generator().manual_seed(seed))
    return strengths, 2.0 * (drawn < share) - 1


def test_the_curve_of_a_known_observer_is_found():
    curve = psychometric_curve(*observer(0.05, 0.12, 0.03, 2000), n_draws=40)
    assert curve.bias == pytest.approx(0.05, abs=0.01)
    assert curve.width == pytest.approx(0.12, rel=0.06)
    assert curve.lapses == pytest.approx(0.03, abs=0.01)
    assert curve.at(torch.tensor([curve.bias])).item() == pytest.approx(0.5)
    assert curve.at(torch.tensor([1e3])).item() == pytest.approx(1 - curve.lapses)


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    truth, inside = 0.0, 0
    for seed in range(12):
        curve = psychometric_curve(*observer(truth, 0.15, 0.0, 40, seed), n_draws=40)
        inside += curve.bias_interval[0] <= truth <= curve.bias_interval[1]
    assert inside >= 9  # 95 % of 12 are 11; fewer than 9 has a chance of one in 400
    narrow = psychometric_curve(*observer(truth, 0.15, 0.0, 1000), n_draws=40)
    low, high = narrow.bias_interval
    assert high - low < curve.bias_interval[1] - curve.bias_interval[0]


def test_a_ramp_passes_the_bound_when_it_should():
    time = 10.0 * torch.arange(1, 51)
    ramps = torch.stack([(time - 100).clamp(min=0) / 200, -(time - 100).clamp(min=0) / 100])
    outputs = torch.cat([ramps, 0.01 * torch.ones(1, 50)])[..., None]
    found = reaction_times(outputs, bound=0.5, dt=10.0, onset=100.0)
    assert found.choices.tolist() == [1, -1, 1]
    assert found.times[:2].tolist() == [100, 50]
    assert math.isnan(found.times[2])
    before = outputs.clone()
    before[0, 3] = -9.0  # before the stimulus nothing counts
    again = reaction_times(before, bound=0.5, dt=10.0, onset=100.0)
    assert torch.equal(again.times[:2], found.times[:2])


def test_times_by_the_size_of_the_strength():
    strengths = torch.tensor([0.1, -0.1, 0.1, 0.4, -0.4, 0.4])
    times = torch.tensor([300.0, 500.0, math.nan, 100.0, 200.0, 120.0])
    curve = chronometric_curve(strengths, times)
    torch.testing.assert_close(curve.sizes, torch.tensor([0.1, 0.4]))
    assert curve.medians.tolist() == [400, 120]
    assert curve.quartiles.tolist() == [[350, 450], [110, 160]]
    torch.testing.assert_close(curve.answered, torch.tensor([2 / 3, 1.0], dtype=torch.double))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (
            lambda: psychometric_curve(torch.tensor([0.1, -0.1]), torch.tensor([1.0, -1.0])),
            "at least 3 different values for a curve, got 2",
        ),
        (lambda: psychometric_curve(LEVELS, torch.ones(8)), "choices must be of both sides"),
        (lambda: psychometric_curve(LEVELS, torch.zeros(8)), "choices must be of both sides"),
        (
            lambda: reaction_times(torch.zeros(3, 5, 1), bound=1, dt=10, onset=46),
            "onset must be a non-negative multiple of dt",
        ),
        (
            lambda: psychometric_curve(LEVELS, LEVELS.sign()),
            "border between -0.1 and 0.1: ask at more",
        ),
        (
            lambda: psychometric_curve(
                torch.cat([LEVELS, LEVELS[3:4]]), torch.cat([LEVELS.sign(), torch.ones(1)])
            ),
            "border between -0.2 and 0.1",
        ),
        (lambda: psychometric_curve(LEVELS, 3 * torch.ones(8)), "choices must be 1, -1 or 0"),
        (lambda: psychometric_curve(LEVELS, torch.ones(7)), "must both be"),
        (lambda: psychometric_curve(LEVELS * torch.nan, torch.ones(8)), "strengths must be finite"),
        (lambda: psychometric_curve(LEVELS, LEVELS.sign(), n_draws=0), "n_draws"),
        (lambda: reaction_times(torch.zeros(3, 5), bound=1, dt=10), "outputs must have shape"),
        (lambda: reaction_times(torch.zeros(3, 5, 1), bound=0, dt=10), "bound"),
        (lambda: reaction_times(torch.zeros(3, 5, 1), bound=1, dt=0), "dt"),
        (lambda: reaction_times(torch.zeros(3, 5, 1), bound=1, dt=10, onset=50), "within"),
        (lambda: reaction_times(torch.zeros(3, 5, 1) * torch.nan, bound=1, dt=10), "finite"),
        (lambda: chronometric_curve(LEVELS, torch.ones(3)), "must both be"),
        (lambda: chronometric_curve(LEVELS, LEVELS), "times must be zero or positive.*got -0.8"),
        (lambda: chronometric_curve(LEVELS, LEVELS.abs() / 0), "got inf"),
    ],
)
def test_bad_input_is_named(call, named: str):
    with pytest.raises(ValueError, match=named):
        call()
