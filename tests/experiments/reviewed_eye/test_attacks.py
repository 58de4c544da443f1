"""What the rule of R20 makes of accuracies, and what a small run measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nmcourse.evidence import Results, plain
from nmcourse.experiments.reviewed_eye import attacks
from nmcourse.experiments.reviewed_eye.attacks import run
from nmcourse.experiments.reviewed_eye.attacks_rules import COMPARED, judge, loses_less
from nmcourse.experiments.seeing.networks import NETWORKS

N = 6
CONFIG = {"n_seeds": N, "n_shown": 60, "image_size": 14, "n_iterations": 4}
SCATTER = (0.0, 0.01, -0.01, 0.02, -0.02, 0.0)


def made(**changed: dict[str, Any]) -> Results:
    """All alike but the CordsNet, which loses less; ``changed`` by kind."""
    metrics = {}
    for name in NETWORKS:
        of: dict[str, Any] = {"clean": 0.9, "sign": (0.6, 0.1), "repeated": (0.5, 0.05)}
        of |= {"transfer": (0.8, 0.4), "noise": (0.9, 0.85)}
        if name == "cordsnet":
            of |= {"sign": (0.8, 0.15), "repeated": (0.7, 0.1)}
        of |= changed.get(name, {})
        rows: dict[str, Any] = {"clean": [of["clean"]] * N}
        for way in ("sign", "repeated", "transfer", "noise"):
            rows[way] = [[value + s for value in of[way]] for s in SCATTER]
        if name not in COMPARED:
            rows["repeated"] = [[] for _ in range(N)]
        metrics[name] = rows
    return Results(metrics, CONFIG)


def test_a_cordsnet_that_loses_less_is_found():
    found = judge(made())
    assert found.status == "measured"
    assert "course holds." in found.measured


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"twin": {"sign": (0.8, 0.15)}}, False),
        ({"twin": {"clean": 0.8}}, None),
        ({"twin": {"sign": (0.6, 0.3)}}, None),
        ({"twin": {"transfer": (0.1, 0.0)}}, None),
    ],
    ids=["no difference", "less accurate", "never broken", "hidden gradient"],
)
def test_a_comparison_fails_or_stays_open(changed: dict[str, Any], answer: bool | None):
    assert loses_less(made(**changed), "twin", "sign") is answer
    assert loses_less(made(**changed), "discrete", "sign") is True


def test_a_small_run_attacks_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    few = {name: NETWORKS[name] for name in ("cordsnet", "twin", "discrete", "feedback", "gated")}
    monkeypatch.setattr(attacks, "NETWORKS", few)
    monkeypatch.setattr(attacks, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()})
    outcome = plain(run("smoke", tmp_path))
    results = Results(outcome["metrics"], outcome["config"])
    assert judge(results).status == "not decided"  # nothing was learnt, and two networks are few
    assert results.value("gated.repeated") == [[], []]
    assert len(results.value("cordsnet.repeated.0")) == 1
    assert plain(run("smoke", tmp_path)) == outcome
