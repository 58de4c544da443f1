"""Element Finder at the paper's budget: its rules decide, and leave open what seeds do not tell."""

from __future__ import annotations

from typing import Any

import pytest

from nmcourse.evidence import Results
from nmcourse.experiments.element_finder.networks import ALL_GAINS_RELEASED, MAIN, RELEASED
from nmcourse.experiments.element_finder.published_budget import ARMS, solved_share
from nmcourse.experiments.element_finder.published_budget_rules import RULES

CONFIG = {"n_steps": 20_000, "n_seeds": 10, "rate": 0.01, "batch": 128, "length": 25}
AS_CLAIMED = {
    "attention": 20.0,
    "attention_schedule": 0.1,
    RELEASED.name: 1.0,
    MAIN.name: 1.0,
    "lstm": 0.05,
    "low_rank_rnn_released": 35.0,
    "low_rank_rnn": 35.0,
    "vanilla_rnn": 35.0,
    ALL_GAINS_RELEASED.name: 0.08,
}
MEMORY = {
    "z_order": 0.99,
    "x_order": 0.98,
    "z_line": 0.8,
    "x_line": 0.9,
    "z_kept": 0.7,
    "x_kept": 0.1,
    "switch_order": [0.0, 0.95, -0.2],
    "largest": [0.01, 0.9, 0.5],
}


def judge(claim: str, memory: dict[str, Any] | None = None, n_bad: int = 15, **changed: Any) -> Any:
    """Judge a claim when some errors, or the memory of some networks, are not as claimed."""
    metrics: dict[str, Any] = {}
    for name, level in (AS_CLAIMED | changed).items():
        levels = level if isinstance(level, list) else [level] * ARMS[name]
        errors = [error * (1 + 0.01 * k) for k, error in enumerate(levels)]
        metrics[name] = {
            "error": errors,
            "best": {"error": errors},
            "curve": {"steps": [10_000, 20_000]},
            "solved_by_step": {"fifth": [0.2, 0.7]},
        }
    metrics["memory"] = {"best": {}}
    for key, value in MEMORY.items():
        other = (memory or {}).get(key, value)
        metrics["memory"]["best"][key] = [other if k < n_bad else value for k in range(15)]
    return RULES[claim].judge(Results(metrics, CONFIG))


def came_of(judgement: Any) -> str:
    """The status, or for a sentence of this course what came of it."""
    if judgement.status != "measured":
        return str(judgement.status)
    return "reproduced" if "holds." in judgement.measured else "not reproduced"


HALF = [0.05] * 5 + [35.0] * 5


@pytest.mark.parametrize(
    ("claim", "changed", "status", "fair"),
    [
        ("N13", {}, "reproduced", "reproduced"),
        ("N13", {MAIN.name: 34.0}, "reproduced", "partly"),
        ("N13", {"lstm": HALF}, "not decided", "not decided"),
        ("N13", {RELEASED.name: 5.0}, "not decided", "reproduced"),  # between tenth and fifth
        ("N13", {"vanilla_rnn": 0.5}, "partly", "partly"),
        ("N14", {}, "reproduced", ""),
        ("N14", {"memory": {"z_line": 0.5}}, "partly", ""),
        ("N14", {"memory": {"z_line": 0.5}, "n_bad": 2}, "reproduced", ""),
        ("N14", {"memory": {"z_line": 0.5}, "n_bad": 3}, "partly", ""),
        ("N14", {RELEASED.name: 36.0}, "not decided", ""),
        ("N14", {RELEASED.name: 5.0}, "not decided", ""),
        ("R6", {}, "reproduced", ""),
        ("R6", {ALL_GAINS_RELEASED.name: 0.5}, "partly", ""),
        ("R6", {ALL_GAINS_RELEASED.name: 1.0}, "not reproduced", ""),
        ("R6", {"lstm": 2.0}, "not decided", ""),
        ("R6", {RELEASED.name: 36.0}, "not decided", ""),
        ("R16", {}, "reproduced", ""),
        ("R16", {"attention_schedule": 2.0}, "not reproduced", ""),
        (
            "R16",
            {"attention_schedule": 1.0},
            "not reproduced",
            "",
        ),  # half the error would have been seen
        ("R16", {"attention_schedule": HALF}, "not reproduced", ""),
        ("R16", {RELEASED.name: 36.0}, "not decided", ""),
    ],
    ids=str,
)
def test_rules(claim: str, changed: dict[str, Any], status: str, fair: str):
    outcome = judge(claim, **changed)
    assert (came_of(outcome), outcome.fair_status) == (status, fair)
    assert bool(outcome.reason) == ("not decided" in (outcome.status, outcome.fair_status))


@pytest.mark.parametrize("claim", ["N13", "R6", "R16"])
def test_the_networks_that_only_n14_looks_at_change_no_spread(claim: str):
    ten, more = [1.0] * 10, [1.0] * 10 + [30.0] * 5
    name = {RELEASED.name: more}
    assert judge(claim, **name).spread == judge(claim, **{RELEASED.name: ten}).spread


def test_the_share_that_has_solved_the_task_counts_networks_at_each_point():
    assert solved_share([[9.0, 3.0, 2.0], [9.0, None, 8.0]], 4.0) == [0.0, 0.5, 0.5]
