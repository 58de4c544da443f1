"""Runs that are kept to go on later: they are runs of today's experiments, under today's rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nmcourse.experiments.registry import EXPERIMENTS, SUCCESSORS
from nmcourse.training import load_tensors

FOLDER = Path(__file__).parents[2] / "unfinished"
RUNS = sorted(path.parent for path in FOLDER.glob("*/*/rules.json"))
BY_NAME = {experiment.name: experiment for experiment in (*EXPERIMENTS, *SUCCESSORS)}
needs_a_run = pytest.mark.skipif(not RUNS, reason="no run is unfinished")


def test_nothing_lies_there_but_runs():
    found = {path.relative_to(FOLDER).parts[0] for path in FOLDER.glob("*") if path.is_dir()}
    assert found == {run.parent.name for run in RUNS}


@needs_a_run
@pytest.mark.parametrize("run", RUNS, ids=[run.parent.name for run in RUNS])
def test_the_rules_are_those_that_were_fixed_before_the_run(run: Path):
    experiment = BY_NAME[run.parent.name]
    assert run.name in experiment.tiers
    kept = json.loads((run / "rules.json").read_text())["part"]
    assert kept == {claim: rule.fingerprint() for claim, rule in experiment.rules.items()}


@needs_a_run
@pytest.mark.parametrize("run", RUNS, ids=[run.parent.name for run in RUNS])
def test_what_was_trained_so_far_can_be_read(run: Path):
    for state in run.glob("*/state.pt"):
        assert load_tensors(state)["done"] >= 1
