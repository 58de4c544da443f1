"""Pretrained weights: the command of the manifest runs an experiment that stores them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from nmcourse import pretrained
from nmcourse.claims import __main__ as command_line
from nmcourse.claims import runner
from nmcourse.evidence import Experiment
from nmcourse.experiments import registry, training_runs
from nmcourse.experiments.registry import EXPERIMENTS, SUCCESSORS
from nmcourse.training import for_tier

EVERY = (*EXPERIMENTS, *SUCCESSORS)
SHIPPING = {experiment.name: experiment for experiment in EVERY if experiment.ships}
#: A small version of these takes a few seconds; of the others up to two minutes.
QUICK = (
    "published_budget",
    "gain_prediction_published_budget",
    "element_finder_published_budget",
    "memory_shapes",
    "longer_delays",
    "same_computation",
)


def experiment_of(command: str) -> Experiment | None:
    """The experiment that a command runs at the tier cpu."""
    start = "python -m nmcourse.claims "
    assert command.startswith(start)
    options = command_line._parser().parse_args(shlex.split(command.removeprefix(start)))
    return runner._experiment(options.claim, options.published_budget, options.course_budget)


@pytest.mark.parametrize("name", pretrained.available())
def test_the_command_of_the_manifest_makes_the_weights_again(name: str):
    experiment = experiment_of(pretrained.info(name).command)
    assert experiment is not None
    assert name in experiment.ships


def test_no_name_is_shipped_twice():
    names = [name for experiment in EVERY for name in experiment.ships]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("experiment", EVERY, ids=lambda one: one.name)
def test_the_command_of_an_experiment_stays_its_own(experiment: Experiment, monkeypatch):
    """Whatever takes its claims over, and also where no results are stored."""
    for there in (Path(__file__), Path("nowhere")):
        monkeypatch.setattr(registry, "results_path", lambda name, there=there: there)
        for claim in experiment.rules:
            command = f"python -m nmcourse.claims run {claim}{registry.own_option(experiment)}"
            assert experiment_of(command) is experiment


@pytest.mark.parametrize("name", QUICK)
def test_a_small_run_stores_what_the_experiment_says(name: str, tmp_path, monkeypatch):
    """Its run at the tier cpu, with the settings of the tier smoke."""
    experiment, stored = SHIPPING[name], {}

    def note(name: str, models: Any, *, command: str, **_: Any) -> None:
        stored[name] = command

    monkeypatch.setattr(training_runs.pretrained, "save", note)
    for module in [m for n, m in sys.modules.items() if n.startswith("nmcourse.experiments.")]:
        if hasattr(module, "in_parallel"):
            monkeypatch.setattr(module, "in_parallel", one_by_one)
        for value in vars(module).values():
            if isinstance(value, dict) and isinstance(value.get("smoke"), dict):
                monkeypatch.setitem(value, "cpu", for_tier("smoke", value))
    experiment.run("cpu", tmp_path / name / "cpu")
    assert sorted(stored) == sorted(experiment.ships)
    assert all(experiment_of(command) is experiment for command in stored.values())


def one_by_one(jobs: dict[str, Any]) -> dict[str, Any]:
    """The jobs in this process, where the settings are the small ones."""
    return {name: job() for name, job in jobs.items()}
