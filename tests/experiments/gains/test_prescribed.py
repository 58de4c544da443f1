"""Claim N1: the experiment measures what it says, and its rule can fail."""

import json
from dataclasses import replace

import pytest
import torch

from nmcourse import claims
from nmcourse.evidence.store import Results, plain
from nmcourse.experiments.gains import prescribed
from nmcourse.experiments.gains.prescribed import GainPath, closed_form, judge, simulate


def constant(gain):
    zero = torch.zeros(1, 1, dtype=torch.float64)
    offset = torch.full((1, 1), torch.pi / 2, dtype=torch.float64)
    return GainPath(zero + gain - 0.5, zero, offset)


def results(error, order):
    config = {"time_steps_ms": [1.0, 0.5], "tau_ms": 10.0}
    return Results({"largest_error": error, "order": order}, config)


@pytest.fixture
def paths():
    return GainPath.random(50, generator=torch.Generator().manual_seed(3))


def test_paths_stay_inside_the_range_of_a_sigmoid(paths):
    gains = paths.value(torch.arange(1000, dtype=torch.float64))
    assert 0.0 < gains.min() < 0.1
    assert 0.9 < gains.max() < 1.0


def test_integral_against_the_trapezoid_rule(paths):
    times = torch.linspace(0, 100, 20001, dtype=torch.float64)
    numeric = torch.cumulative_trapezoid(paths.value(times), times, dim=1)
    torch.testing.assert_close(paths.integral(times[1:]), numeric, atol=1e-6, rtol=0)


@pytest.mark.parametrize("gain", [0.0, 0.5, 0.9])
def test_a_constant_gain_is_one_factor_per_step(gain):
    path = replace(constant(gain), frequencies=torch.zeros(1, 1, dtype=torch.float64))
    activity, times = simulate(path, tau=10.0, dt=1.0, duration=30.0)
    factor = 1.0 - 0.1 * (1.0 - gain)
    torch.testing.assert_close(activity[0], factor ** torch.arange(1, 31, dtype=torch.float64))
    assert times[-1] == 30.0


def test_another_time_constant_would_be_seen(paths):
    """The comparison fails by far if the closed form has another time constant."""
    activity, times = simulate(paths, tau=10.0, dt=0.125, duration=200.0)
    right = (activity - closed_form(paths, times, tau=10.0)).abs().max()
    wrong = (activity - closed_form(paths, times, tau=11.0)).abs().max()
    assert right < 0.005
    assert wrong > 0.03


@pytest.mark.parametrize(
    ("error", "order", "status"),
    [
        ([0.01, 0.02], [1.0, 1.05], "reproduced"),
        ([0.01, 0.051], [1.0, 1.05], "partly"),
        ([0.01, 0.02], [1.0, 2.0], "partly"),
        ([0.01, 0.02], [0.89, 1.0], "partly"),
        ([0.01, 0.30], [0.1, 1.0], "not reproduced"),
        ([None, 0.02], [None, 1.0], "not reproduced"),
    ],
)
def test_rule(error, order, status):
    judgement = judge(results(error, order))
    assert judgement.status == status
    assert judgement.seeds == 0


def test_smoke_run(tmp_path):
    outcome = plain(prescribed.run("smoke", tmp_path))
    assert judge(Results(outcome["metrics"], outcome["config"])).status == "reproduced"
    assert outcome == json.loads(json.dumps(plain(prescribed.run("smoke", tmp_path))))


def test_the_stored_result_is_what_the_command_gives(tmp_path):
    stored, again = claims.results("N1"), plain(prescribed.run("cpu", tmp_path))
    assert stored.config == again["config"]
    assert stored.metrics["order"] == pytest.approx(again["metrics"]["order"], rel=1e-6)
    assert claims.get("N1").status == "reproduced"
