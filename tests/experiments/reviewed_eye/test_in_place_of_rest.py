"""What the rules of R19 and R23 make of numbers, and what a small run measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nmcourse.evidence import Results, plain
from nmcourse.experiments.reviewed_eye import in_place_of_rest
from nmcourse.experiments.reviewed_eye.in_place_of_rest import ARMS, run
from nmcourse.experiments.reviewed_eye.in_place_of_rest_rules import (
    RULES,
    contraction_statements,
    decay_statements,
)

N = 6
CONFIG = {"n_seeds": N, "n_steps": 9, "image_size": 8, "strong": 0.1, "decay": 0.5}
CONFIG |= {"contraction": 1.0}
SCATTER = (0.9, 1.0, 1.1, 0.95, 1.05, 1.0)


def made(**changed: dict[str, float]) -> Results:
    """A penalty that brings networks near rest at no change of weights; ``changed`` by arm."""
    metrics: dict[str, Any] = {}
    for name in ("before", *ARMS):
        of = {"distance": 0.1, "weight_norm": 4.0, "accuracy": 0.95}
        if name == "strong":
            of["distance"] = 0.001
        of |= changed.get(name, {})
        metrics[name] = {key: [value * s for s in SCATTER] for key, value in of.items()}
        metrics[name] |= {"learnt": [1] * N, "kind": [0] * N}
    return Results(metrics, CONFIG)


@pytest.mark.parametrize(
    ("changed", "answers"),
    [
        ({}, [False, False, False, False]),
        ({"decay": {"distance": 0.002, "weight_norm": 3.0}}, [False, True, True, True]),
        ({"strong": {"weight_norm": 3.0, "distance": 0.001}}, [True, False, False, False]),
        ({"strong": {"distance": 0.1}}, [False, False, False, None]),
    ],
)
def test_sentences_on_weight_decay(changed: dict[str, Any], answers: list[bool | None]):
    assert list(decay_statements(made(**changed)).values()) == answers


@pytest.mark.parametrize(
    ("changed", "answers"),
    [
        ({}, [False, False, True]),
        ({"contraction": {"distance": 0.0005}}, [True, True, True]),
        ({"contraction": {"distance": 0.0005, "accuracy": 0.8}}, [True, True, False]),
    ],
)
def test_sentences_on_the_contraction(changed: dict[str, Any], answers: list[bool | None]):
    assert list(contraction_statements(made(**changed)).values()) == answers


def test_wide_intervals_stay_open():
    results = made()
    results.metrics["decay"]["distance"] = [0.1, 1e-6, 0.1, 1e-7, 0.5, 1e-4]
    assert list(decay_statements(results).values())[2:] == [None, None]
    for claim in RULES:
        judged = RULES[claim].judge(results)
        assert (judged.status == "not decided") == bool(judged.reason)


def test_networks_that_have_not_learnt_are_left_out():
    results = made(decay={"distance": 0.002})
    results.metrics["decay"]["learnt"] = [1, 1, 0, 0, 0, 0]
    assert decay_statements(results)["weight decay brings networks nearer to rest"] is None


def test_a_small_run_measures_every_arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        in_place_of_rest, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()}
    )
    outcome = plain(run("smoke", tmp_path))
    results = Results(outcome["metrics"], outcome["config"])
    for rule in RULES.values():
        assert rule.judge(results).measured
    norms = {name: results.value(f"{name}.weight_norm") for name in ("before", *ARMS)}
    assert norms["before"] != norms["none"] != norms["contraction"]
    assert plain(run("smoke", tmp_path)) == outcome  # read, not trained again
