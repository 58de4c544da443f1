"""The rules of the attractor experiments on results made up for the purpose."""

from __future__ import annotations

import copy
from itertools import combinations
from typing import Any

import pytest

from nmcourse.evidence import Results
from nmcourse.experiments.attractors.computation_rules import FAMILIES, TASKS
from nmcourse.experiments.attractors.computation_rules import RULES as COMPUTATION
from nmcourse.experiments.attractors.mixture_rules import RULES as MIXTURE
from nmcourse.experiments.attractors.shape_rules import RULES as SHAPES
from nmcourse.experiments.attractors.window_rules import RULES as WINDOWS

N = 10


def judged(rules: Any, claim: str, metrics: dict[str, Any], **config: Any):
    return rules[claim].judge(Results(metrics, {"n_steps": 100} | config))


# C3


def pair(low: float, high: float) -> dict[str, float]:
    middle = (low + high) / 2
    return {"between": middle, "within": 1.0, "ratio": middle, "low": low, "high": high}


def computation(low: float = 0.95, high: float = 1.05) -> dict[str, Any]:
    task: dict[str, Any] = {family: {"right": [0.97] * N} for family in FAMILIES}
    task["to_dense"] = {family: [0.05] * N for family in FAMILIES} | {
        f"untrained_{family}": [0.4] * N for family in FAMILIES
    }
    task["distances"] = {
        "angle": {f"{one}-{other}": pair(low, high) for one, other in combinations(FAMILIES, 2)}
    }
    return {name: copy.deepcopy(task) for name in TASKS}


def test_alike_and_nearer_than_untrained_is_reproduced():
    found = judged(COMPUTATION, "C3", computation())
    assert (found.status, found.fair_status) == ("reproduced", "reproduced")


def test_families_that_differ_more_than_seeds_are_not():
    found = judged(COMPUTATION, "C3", computation(1.3, 1.6))
    assert (found.status, found.fair_status) == ("reproduced", "not reproduced")


def test_one_task_with_another_answer_is_partly():
    metrics = computation()
    metrics["flip_flop"]["distances"]["angle"]["low_rank-conv"] = pair(1.2, 1.5)
    assert judged(COMPUTATION, "C3", metrics).fair_status == "partly"


def test_an_interval_that_holds_the_margin_leaves_a_task_open():
    found = judged(COMPUTATION, "C3", computation(0.9, 1.3))
    assert found.fair_status == "not decided"
    assert "margin" in found.reason


def test_trained_networks_as_far_as_untrained_ones():
    metrics = computation()
    for task in TASKS:
        metrics[task]["to_dense"]["conv"] = [0.5] * N
    assert judged(COMPUTATION, "C3", metrics).status == "not reproduced"


def test_a_family_that_did_not_learn_decides_nothing():
    metrics = computation()
    for task in TASKS:
        metrics[task]["conv"]["right"] = [0.97] * 7 + [0.5] * 3
    assert judged(COMPUTATION, "C3", metrics).status == "not decided"


# C4


def shapes() -> dict[str, Any]:
    both = {"right": [1.0] * N, "slowest": [9000.0] * N, "second": [150.0] * N}
    ends = {"gap": [0.05] * N, "alignment": [0.99] * N}
    return {
        "memory_ring": both
        | ends
        | {"order": [0.99] * N, "plane": [0.9] * N, "hollowness": [0.99] * N, "change": [0.1] * N},
        "memory_line": both | ends | {"order": [0.99] * N, "line": [0.9] * N, "kept": [0.95] * N},
        "memory_points": both
        | {"slowest": [150.0] * N}
        | {"spread": [0.02] * N, "spread_last": [0.001] * N, "distance_kept": [1.0] * N},
    }


def test_shapes_that_last_are_reproduced():
    found = judged(SHAPES, "C4", shapes())
    assert (found.status, found.fair_status) == ("reproduced", "reproduced")


@pytest.mark.parametrize(
    ("task", "measure", "value"),
    [
        ("memory_ring", "change", 1.0),
        ("memory_ring", "slowest", 400.0),
        ("memory_ring", "alignment", 0.3),
        ("memory_line", "kept", 0.1),
        ("memory_line", "kept", 3.0),
        ("memory_points", "spread_last", None),
        ("memory_points", "distance_kept", 0.1),
        ("memory_points", "slowest", 5000.0),
    ],
)
def test_a_shape_that_does_not_last_is_partly_fair(task, measure, value):
    metrics = shapes()
    metrics[task] = metrics[task] | {measure: [value] * N}
    found = judged(SHAPES, "C4", metrics)
    assert (found.status, found.fair_status) == ("reproduced", "partly")


@pytest.mark.parametrize(
    ("task", "measure", "value"),
    [
        ("memory_ring", "order", 0.5),
        ("memory_ring", "plane", 0.5),
        ("memory_ring", "hollowness", 0.89),
        ("memory_line", "order", 0.5),
        ("memory_line", "line", 0.5),
        ("memory_points", "spread", 0.5),
    ],
)
def test_a_shape_that_is_not_there_is_partly(task, measure, value):
    metrics = shapes()
    metrics[task] = metrics[task] | {measure: [value] * N}
    assert judged(SHAPES, "C4", metrics).status == "partly"


def test_with_four_networks_nothing_is_decided():
    metrics = shapes()
    metrics["memory_ring"]["right"] = [1.0] * 4 + [0.2] * 6
    metrics["memory_line"]["right"] = metrics["memory_points"]["right"] = [0.2] * N
    assert judged(SHAPES, "C4", metrics).status == "not decided"


# C9


def windows(early: float, published: float, late: float, rise: float = 0.0) -> dict[str, Any]:
    small = [0.001 * k for k in range(N)]
    return {
        arm: {
            "right": [0.95] * N,
            "eigenvalue": [value + s for s in small],
            "rise": [60.0 + 0.1 * k + number * rise for k in range(N)],
        }
        for number, (arm, value) in enumerate(
            (("early", early), ("published", published), ("late", late))
        )
    }


def test_windows_that_differ_and_windows_that_do_not():
    found = judged(WINDOWS, "C9", windows(1.4, 1.2, 1.0, rise=10.0))
    assert (found.status, found.fair_status) == ("reproduced", "reproduced")
    found = judged(WINDOWS, "C9", windows(1.4, 1.2, 1.2, rise=0.0))
    assert (found.status, found.fair_status) == ("not reproduced", "partly")


def test_networks_that_do_not_answer_early_leave_it_open():
    metrics = windows(1.4, 1.2, 1.0, rise=10.0)
    metrics["early"]["right"] = [0.5] * N
    found = judged(WINDOWS, "C9", metrics)
    assert (found.status, found.fair_status) == ("reproduced", "not decided")


def test_differences_that_vary_too_much_leave_it_open():
    metrics = windows(1.2, 1.2, 1.2)
    metrics["late"]["eigenvalue"] = [1.2 + (-1) ** k * 0.1 * (k + 1) for k in range(N)]
    metrics["late"]["rise"] = [60.0 + (-1) ** k * 20.0 * (k + 1) for k in range(N)]
    assert judged(WINDOWS, "C9", metrics).status == "not decided"


# F20


def mixtures() -> dict[str, Any]:
    kind = {
        "n_pairs": [28] * N,
        "off": [0.2] * N,
        "off_third": [1.0] * N,
        "moving": [1e-4] * N,
        "memory": [1e-4] * N,
        "switches": [0] * N,
        "third": [0.2 + 0.001 * k for k in range(N)],
    }
    return {"cordsnet": dict(kind), "cnn": dict(kind)}


def test_a_steady_state_between():
    found = judged(MIXTURE, "F20", mixtures())
    assert found.measured.startswith("The sentence of this course holds.")


@pytest.mark.parametrize(
    ("measure", "value"),
    [("moving", 0.2), ("memory", 0.5), ("switches", 2), ("off", 0.8), ("third", 0.6)],
)
def test_each_part_can_fail(measure, value):
    metrics = mixtures()
    metrics["cordsnet"][measure] = [value] * N
    assert "holds in part" in judged(MIXTURE, "F20", metrics).measured


def test_shares_that_vary_too_much_decide_nothing():
    metrics = mixtures()
    metrics["cordsnet"]["third"] = [0.0, 0.6] * 5
    assert "third class as often as a CNN: open" in judged(MIXTURE, "F20", metrics).measured
