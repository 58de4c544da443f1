"""Claim C1: regimes are told apart, and the rule can fail."""

import json
import math

import numpy as np
import pytest
import torch

from nmcourse.analysis import gaussian_convolution, run_on
from nmcourse.evidence.store import Results, plain
from nmcourse.experiments.convolution.regimes import (
    REGIMES,
    judge,
    measure,
    random_convolutional_rnn,
    regime,
    regime_counts,
    run,
    second_peak,
    solve_equation,
)

QUICK = {"n_steps": 300, "n_transient": 300, "n_seen": 200}


def test_the_network_is_a_convolution():
    model = random_convolutional_rnn(1.5, 3)
    operator = gaussian_convolution(8, 3, 8, 3)
    r = torch.randn(1, 512, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    current = 1.5 * torch.from_numpy(operator @ r[0].numpy())
    expected = r + 0.2 * (-r + torch.tanh(current))
    found = model.step(r, torch.zeros(1, 1, dtype=torch.float64))
    torch.testing.assert_close(found.detach(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((-0.3, 0.0, 0.0), "stable"),
        ((-0.003, 1e-6, 0.5), "stable"),
        ((-0.003, 0.1, 0.5), "oscillatory"),
        ((0.009, 0.1, 0.5), "oscillatory"),
        ((0.02, 0.1, 0.5), "chaotic"),
        ((-0.3, 0.1, 0.5), "stable"),
        ((0.02, 0.1, 2e3), "exploding"),
        ((None, None, None), "exploding"),
        ((math.nan, math.inf, math.inf), "exploding"),
    ],
)
def test_regime(numbers, expected):
    assert regime(*numbers) == expected


def test_what_is_measured_at_low_gain_at_high_gain_and_without_a_bound():
    quiet = measure(0.5, 0, "tanh", QUICK)
    assert regime(quiet["exponent"], quiet["speed"], quiet["size"]) == "stable"
    assert math.isnan(quiet["participation_ratio"])
    wild = measure(8.0, 0, "tanh", QUICK)
    assert wild["exponent"] > 0.1
    assert wild["participation_ratio"] > 3
    assert wild["repeats"] < 0.9
    unbounded = measure(3.0, 0, "relu", QUICK)
    assert regime(unbounded["exponent"], unbounded["speed"], unbounded["size"]) == "exploding"


def test_the_equation_is_what_short_steps_come_to():
    """A Lyapunov exponent and a speed of the package's own tools, with Euler steps of 0.05 ms."""
    settings = {"n_steps": 40, "n_transient": 100}
    solved = solve_equation([0.5, 1.4], 5, settings)
    for k, gain in enumerate((0.5, 1.4)):
        model = random_convolutional_rnn(gain, 5)
        model.dt = 0.05
        source = torch.Generator().manual_seed(5)
        start = torch.randn(1, 512, dtype=torch.float64, generator=source)
        state = run_on(model, start, 40 * 140)[0, -1]
        size = state.square().mean().sqrt()
        assert solved["size"][k] == pytest.approx(float(size), rel=0.02)
    assert solved["exponent"][0] < -0.3 < solved["exponent"][1]


def test_second_peak():
    t = np.arange(200)
    assert second_peak(torch.from_numpy(np.cos(t / 5))) == pytest.approx(1.0, abs=0.01)
    damped = torch.from_numpy(np.exp(-t / 40) * np.cos(t / 5))
    assert second_peak(damped) == pytest.approx(math.exp(-2 * math.pi * 5 / 40), rel=0.02)
    assert math.isnan(second_peak(torch.linspace(1, 0, 50)))


def results(*columns):
    """Two seeds; one column for each gain with the two exponents."""
    exponents = [list(row) for row in zip(*columns, strict=True)]
    moving = [[0.1] * len(columns)] * 2
    tanh = {"exponent": exponents, "speed": moving, "size": moving}
    relu = {"exponent": [[0.1]] * 2, "speed": [[0.1]] * 2, "size": [[1e9]] * 2}
    gains = {"tanh": list(range(1, len(columns) + 1)), "relu": [1.0]}
    ends = {"equation": [1.0, 1.0], "steps": [0.99, 0.96]}
    return Results(
        {"tanh": tanh, "relu": relu, "equation": tanh, "silence_ends": ends},
        {"n_seeds": 2, "gains": gains, "n_transient": 1000},
    )


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        (([-1, -1], [0, 0], [1, 1]), "reproduced"),
        (([-1, -1], [-1, 0], [0, 0], [1, 1]), "reproduced"),
        (([-1, -1], [1, 1]), "partly"),
        (([0, 0], [-1, -1], [1, 1]), "partly"),
        (([-1, -1], [0, 0], [1, 1], [0, 0]), "partly"),
        (([-1, -1], [-1, 1]), "not reproduced"),
    ],
)
def test_rule(columns, status):
    found = results(*columns)
    judgement = judge(found)
    assert judgement.status == status
    assert judgement.seeds == 2
    assert "end silence up to 4.0% earlier" in judgement.caveats[0]
    assert regime_counts(found, "relu") == {kind: [2 * (kind == "exploding")] for kind in REGIMES}


def test_smoke_run(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "nmcourse.experiments.convolution.regimes.in_parallel",
        lambda jobs: {name: job() for name, job in jobs.items()},
    )
    outcome = plain(run("smoke", tmp_path))
    json.dumps(outcome)
    found = Results(outcome["metrics"], outcome["config"])
    assert regime_counts(found, "tanh")["stable"][0] == 2
    assert regime_counts(found, "tanh")["chaotic"][1] == 2
    assert regime_counts(found, "equation")["stable"][0] == 2
    assert np.shape(found.value("tanh.exponent")) == (2, 2)


def test_speed_of_a_network_without_recurrence_is_its_size_one_step_before():
    found = measure(1e-12, 0, "tanh", {"n_steps": 20, "n_transient": 20, "n_seen": 10})
    assert found["size"] > 0
    assert found["speed"] == pytest.approx(found["size"] / 0.8, rel=1e-6)  # dt / tau = 0.2
