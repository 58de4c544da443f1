"""Intervals that are measured with noise, and the observer that knows how much."""

from __future__ import annotations

import pytest
import torch

from nmcourse.tasks import MeasureWaitGo, ideal_interval, slope_against

INTERVALS = tuple(float(t) for t in range(120, 190, 10))


def source() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_wait_pulse_is_noisy_and_the_ramp_takes_the_true_interval():
    trials = MeasureWaitGo(INTERVALS, measurement_noise=0.2).sample(3000, generator=source())
    true, measured = trials.conditions["interval"], trials.conditions["measured"]
    assert ((measured - true) / true).std() == pytest.approx(0.2, abs=0.02)
    assert torch.equal(trials.conditions["wait_time"], trials.conditions["measure_time"] + measured)
    rising = ((trials.targets > -0.5) & (trials.targets < 0.5)).sum(dim=(1, 2))
    assert torch.equal(10.0 * (rising + 1), true)


def test_without_noise_nothing_is_changed():
    one, other = (
        MeasureWaitGo(INTERVALS, **options).sample(20, generator=source())
        for options in ({}, {"measurement_noise": 0.0})
    )
    assert torch.equal(one.inputs, other.inputs)
    assert "measured" not in other.conditions
    with pytest.raises(ValueError, match="measurement_noise"):
        MeasureWaitGo(INTERVALS, measurement_noise=-0.1)


def test_the_ideal_observer_is_the_mean_of_what_is_possible():
    possible, noise, m = (100.0, 200.0), 0.5, 120.0
    likely = [
        torch.distributions.Normal(t, noise * t).log_prob(torch.tensor(m)).exp() for t in possible
    ]
    expected = sum(p * t for p, t in zip(likely, possible, strict=True)) / sum(likely)
    found = ideal_interval(torch.tensor(m), possible, noise)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)
    assert float(ideal_interval(torch.tensor(m), possible, 0.0)) == m


def test_it_has_the_least_error_and_regresses():
    random = source()
    true = torch.tensor(INTERVALS)[torch.randint(7, (20_000,), generator=random)].double()
    measured = true * (1 + 0.1 * torch.randn(20_000, generator=random))
    best = ideal_interval(measured, INTERVALS, 0.1)
    error = (best - true).square().mean()
    for other in (measured, 0.5 * (best + measured), best + 2.0, torch.full_like(best, 150.0)):
        assert (other - true).square().mean() > error
    assert 0.5 < slope_against(best, true) < 0.75


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="intervals must be positive"):
        ideal_interval(torch.ones(2), (0.0, 1.0), 0.1)
    with pytest.raises(ValueError, match="noise"):
        ideal_interval(torch.ones(2), (1.0,), -0.1)
