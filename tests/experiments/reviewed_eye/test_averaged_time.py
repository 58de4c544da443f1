"""What the rule of R22 makes of scores, and what a small run measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nmcourse.evidence import Results, plain
from nmcourse.experiments.neurons import made_neurons
from nmcourse.experiments.reviewed_eye.averaged_time import run
from nmcourse.experiments.reviewed_eye.averaged_time_rules import judge, statements

N = 6
CONFIG = {"n_networks": N, "n_images": 9}


def made(**changed: float) -> Results:
    """All four sentences hold; ``changed`` numbers of seeing neurons that are averaged."""
    metrics: dict[str, Any] = {}
    for kind in ("seeing", "blind"):
        metrics[kind] = {}
        for way in ("in_time", "averaged"):
            of = {"network": 0.7, "permuted": 0.4, "untrained": 0.6, "ceiling": 0.85}
            of |= {"p_permuted": 1e-9, "p_untrained": 1e-9}
            if way == "averaged":
                of |= {"network": 0.9, "ceiling": 0.97}
                of |= {"p_permuted": 0.5} if kind == "blind" else changed
            metrics[kind][way] = {key: [value] * N for key, value in of.items()}
    return Results(metrics, CONFIG)


@pytest.mark.parametrize(
    ("changed", "answers"),
    [
        ({}, [True, True, True, True]),
        ({"network": 0.75}, [True, False, True, True]),
        ({"network": 0.6}, [False, False, True, True]),
        ({"p_untrained": 0.01}, [True, True, True, False]),
    ],
)
def test_four_sentences(changed: dict[str, float], answers: list[bool]):
    assert list(statements(made(**changed)).values()) == answers


def test_blind_neurons_that_are_predicted_are_found():
    results = made()
    results.metrics["blind"]["averaged"]["p_permuted"] = [1e-9] * N
    assert list(statements(results).values())[2] is False
    assert "in part" in judge(results).measured


def test_a_small_run_measures_every_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        made_neurons, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()}
    )
    outcome = plain(run("smoke", tmp_path))
    assert judge(Results(outcome["metrics"], outcome["config"])).status == "not decided"
    assert plain(run("smoke", tmp_path)) == outcome
