"""Element Finder by length and schedule at the paper's budget: rules that decide."""

from __future__ import annotations

from typing import Any

import pytest

from nmcourse.evidence import Results
from nmcourse.experiments.element_finder.lengths_published_budget_rules import (
    LENGTHS,
    RULES,
    after,
    path_of_length,
)
from nmcourse.experiments.element_finder.networks import RELEASED

N = 10
CONFIG = {"n_seeds": N, "n_steps": 20_000, "times": 2, "rate": 0.01, "peak_rate": 0.03}
KINDS = ("constant", f"{RELEASED.name}_schedule", f"{RELEASED.name}_scaled")
LSTMS = ("lstm_constant", "lstm_schedule", "lstm_scaled")


def part(fixed: float | list[float], longer: float = 0.2, spikes: float = 2.0) -> dict[str, Any]:
    levels = fixed if isinstance(fixed, list) else [fixed * (1 + 0.01 * k) for k in range(N)]
    return {
        "error": levels,
        "curve": {
            "steps": [10_000, 20_000, 40_000],
            "mean": [[36.0, level, longer * (1 + 0.01 * k)] for k, level in enumerate(levels)],
            "spikes": [spikes + 0.01 * k for k in range(N)],
        },
    }


def judge(claim: str, *, rising: bool = True, longer: float = 0.2, **changed: Any) -> Any:
    metrics = {
        path_of_length(length): part(0.1 * length if rising else 1.0, longer) for length in LENGTHS
    }
    metrics |= {name: part(0.5) for name in (*KINDS[1:], *LSTMS[1:])}
    metrics["constant"] = part(30.0 if claim == "R4" else 2.5, spikes=9.0)
    metrics["lstm_constant"] = part(0.5, spikes=9.0)
    metrics |= {name: part(**value) for name, value in changed.items()}
    return RULES[claim].judge(Results(metrics, CONFIG))


def came_of(outcome: Any) -> str:
    words = {"holds.": "reproduced", "holds in part": "partly", "does not": "not reproduced"}
    for start, verdict in words.items():
        if outcome.measured.startswith(f"The sentence of this course {start}"):
            return verdict
    return str(outcome.status)


LOUD = {name: {"fixed": 0.5, "spikes": 12.0} for name in (*KINDS[1:], *LSTMS[1:])}
UNSOLVED = {name: {"fixed": 30.0, "spikes": 12.0} for name in (*KINDS[1:], *LSTMS[1:])}
WIDE = {"fixed": [0.1, 30.0] * 5}


@pytest.mark.parametrize(
    ("claim", "changed", "found"),
    [
        ("N15", {}, "reproduced"),
        ("N15", {"rising": False, "constant": {"fixed": 1.0}}, "not reproduced"),
        ("N15", dict.fromkeys(map(path_of_length, LENGTHS), WIDE), "not decided"),
        ("R11", {"longer": 1.6}, "reproduced"),
        ("R11", {"longer": 2.5}, "partly"),
        ("R11", {"longer": 3.0}, "not reproduced"),
        ("R11", {"rising": False}, "not decided"),
        ("R4", {}, "reproduced"),
        ("R4", LOUD, "partly"),
        ("R4", UNSOLVED | {"lstm_constant": {"fixed": 30.0}}, "not reproduced"),
        ("R4", LOUD | {"constant": {"fixed": 0.5}}, "not decided"),  # all converge as it is
    ],
    ids=str,
)
def test_rules(claim: str, changed: dict[str, Any], found: str):
    outcome = judge(claim, **changed)
    assert came_of(outcome) == found
    assert bool(outcome.reason) == (outcome.status == "not decided")


def test_an_error_is_read_after_the_steps_asked_for():
    metrics = {"a": part(3.0, longer=1.0)}
    metrics["a"]["curve"]["mean"][1][1] = None  # it diverged
    results = Results(metrics, CONFIG)
    assert after(results, "a", 20_000)[:2] == [3.0, float("inf")]
    assert after(results, "a", 39_999)[0] == 3.0
    assert after(results, "a", 40_000)[0] == 1.0
