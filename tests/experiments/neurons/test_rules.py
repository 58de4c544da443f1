"""What the rules make of results: C14 and the sentences on recordings."""

from __future__ import annotations

from typing import Any

import pytest

from nmcourse.evidence import Results
from nmcourse.experiments.neurons.made_neurons_rules import KINDS, PARTS, judge
from nmcourse.experiments.neurons.neurons_rules import judge_code
from nmcourse.experiments.timing.people_keep_time_rules import ARMS, NOISES, noise_name
from nmcourse.experiments.timing.people_keep_time_rules import judge as judge_people

N = 10
CONFIG = {"n_networks": N, "n_images": 40, "n_times": 20, "shared": 0.5}


def made(passing: dict[str, float]) -> Results:
    """Shares of networks that pass, by kind, part and partner; none where nothing is said."""
    scores = {part: [0.5] * N for part in PARTS}
    metrics: dict[str, Any] = {}
    for kind in KINDS:
        names = ("network", "shuffled", "smooth", "untrained", "one_order")
        metrics[kind] = dict.fromkeys(names, scores)
        for other in ("shuffled", "untrained"):
            metrics[kind][f"p_{other}"] = {
                part: [
                    1e-6 if k < N * passing.get(f"{kind} {part} {other}", 0.0) else 0.5
                    for k in range(N)
                ]
                for part in PARTS
            }
    return Results(metrics, CONFIG)


SEEING = {"seeing all shuffled": 1.0, "seeing image shuffled": 1.0, "seeing image untrained": 1.0}


@pytest.mark.parametrize(
    ("passing", "status", "fair"),
    [
        (SEEING, "reproduced", "reproduced"),
        (SEEING | {"blind all shuffled": 1.0}, "reproduced", "partly"),
        ({"blind all shuffled": 1.0, "blind image shuffled": 1.0}, "not reproduced",
         "not reproduced"),
        (SEEING | {"seeing all shuffled": 0.7}, "not reproduced", "reproduced"),
        (SEEING | {"blind all shuffled": 0.5}, "reproduced", "not decided"),  # neither few nor most
    ],
)  # fmt: skip
def test_the_rule_of_c14(passing: dict[str, float], status: str, fair: str):
    found = judge(made(passing))
    assert (found.status, found.fair_status) == (status, fair)


@pytest.mark.parametrize(
    ("high", "still", "words"),
    [
        (0.6, 1.0, "holds."),
        (0.99, 1.0, "holds in part"),
        (0.99, 0.5, "holds in part"),
        (0.6, None, "could not be decided"),
    ],
)
def test_the_rule_of_the_code(high: float, still: float | None, words: str):
    monkey = {
        "lags": [40.0],
        "turning": [0.5],
        "low": [0.3],
        "high": [high],
        "stationary": [still],
        "n_units": 3,
        "n_sessions": 2,
    }
    found = judge_code(Results({"monkey": monkey, "cordsnet": {"quiet": [[1.0]]}}, CONFIG))
    assert words in found.measured
    assert found.status == ("not decided" if still is None else "measured")


def people(slopes: dict[float, float], ends: list[float]) -> Results:
    metrics: dict[str, Any] = {"people": {"slope": [0.5] * len(ends), "high": ends}}
    metrics["ideal"] = {noise_name(noise): 1.0 - 3 * noise for noise in NOISES}
    for arm in ARMS:
        for noise in NOISES:
            each = {f"slope_{level}": [slopes[noise]] * 3 for level in (25, 50, 95)}
            metrics[f"{arm}_{noise_name(noise)}"] = each
    return Results(metrics, {"n_seeds": 3})


@pytest.mark.parametrize(
    ("slopes", "ends", "words"),
    [
        ({0.0: 1.0, 0.1: 0.7, 0.2: 0.4}, [0.6, 0.9], "holds."),
        ({0.0: 1.0, 0.1: 0.7, 0.2: 0.4}, [0.6, 1.1], "holds in part"),
        ({0.0: 1.0, 0.1: 1.0, 0.2: 1.0}, [1.1], "does not hold"),
        ({0.0: 0.5, 0.1: 0.7, 0.2: 0.4}, [0.6], "could not be decided"),
    ],
)
def test_the_rule_of_the_people(slopes: dict[float, float], ends: list[float], words: str):
    found = judge_people(people(slopes, ends))
    assert words in found.measured
    assert (found.status == "not decided") == (words == "could not be decided")
