"""The tier ``gpu``: every experiment says what it takes from its paper, and runs with it."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from nmcourse.claims import runner
from nmcourse.evidence import Experiment, Judgement, Rule
from nmcourse.experiments import training_runs
from nmcourse.experiments.paper_scale import PAPER, at_paper_scale
from nmcourse.experiments.registry import EXPERIMENTS, SUCCESSORS
from nmcourse.models import VanillaRNN
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import TIERS, fit, tier

EVERY = (*EXPERIMENTS, *SUCCESSORS)


def test_every_experiment_is_named_once():
    assert sorted(PAPER) == sorted(experiment.name for experiment in EVERY)
    for name, scale in PAPER.items():
        assert scale.source, name


@pytest.mark.parametrize("experiment", EVERY, ids=[one.name for one in EVERY])
def test_every_experiment_has_settings_for_every_tier(experiment: Experiment):
    assert experiment.tiers == TIERS
    module = sys.modules[getattr(experiment.run, "func", experiment.run).__module__]
    given = getattr(experiment.run, "keywords", {})  # one function for two sets of settings
    settings = given.get("tiers", getattr(module, "SETTINGS", None))
    if settings is None:  # nothing that a tier could change but its smoke test
        assert not PAPER[experiment.name].changes
        return
    assert set(TIERS) <= set(settings)
    assert settings["gpu"].keys() == settings["cpu"].keys()
    changed = {k for k in settings["cpu"] if settings["gpu"][k] != settings["cpu"][k]}
    assert changed <= set(PAPER[experiment.name].changes) | set(getattr(module, "SHARED", ()))


def test_a_setting_that_is_none_is_named():
    with pytest.raises(ValueError, match="step_size has no setting 'areas'; it has n_steps"):
        at_paper_scale("step_size", {"n_steps": 3})
    with pytest.raises(ValueError, match="name must be an experiment of PAPER, got 'nothing'"):
        at_paper_scale("nothing", {})


@pytest.mark.parametrize("at", ["smoke", "gpu"])
def test_a_run_at_another_tier_stays_in_its_folder(at: str, tmp_path, monkeypatch):
    """And names its tier while it runs, so that all that trains knows where."""
    seen = []

    def run(named, run_dir):
        seen.append((named, tier()))
        return {"config": {}, "metrics": {"number": 1}}

    def judge(results):
        return Judgement("measured", str(results.value("number")), "none", 0, would_change="more")

    experiment = Experiment("nothing_at_all", run, {"F8": Rule(judge, "none", "measured")})
    monkeypatch.setattr(runner, "_experiment", lambda claim, *budget: experiment)
    monkeypatch.setattr(runner, "update", lambda: pytest.fail("the ledger must not change"))
    monkeypatch.setenv("NMCOURSE_TIER", "cpu")
    (line,) = runner.run("F8", tier=at, resume_dir=tmp_path)
    assert seen == [(at, at)]
    assert tier() == "cpu"
    assert line.measured == "1"
    stored = json.loads((tmp_path / f"nothing_at_all/{at}/results.json").read_text())
    assert stored["tier"] == at


def test_the_gpu_tier_runs_the_published_budget(monkeypatch, tmp_path):
    asked = []

    def note(claim, *budget):
        asked.append(budget)

    monkeypatch.setattr(runner, "_experiment", note)
    for at, course in (("gpu", False), ("cpu", False), ("gpu", True), ("cpu", True)):
        with pytest.raises(KeyError):
            runner.run("N8", tier=at, resume_dir=tmp_path, at_course_budget=course)
    assert asked == [(True, False), (False, False), (False, True), (False, True)]


def test_weights_of_the_gpu_tier_are_not_shipped(monkeypatch):
    monkeypatch.setenv("NMCOURSE_TIER", "gpu")
    monkeypatch.setattr(training_runs.pretrained, "save", lambda *a, **k: pytest.fail("shipped"))
    training_runs.ship("x", [], builder="b", kwargs={}, command="", metrics={"a": [1.0]})


def test_at_the_gpu_tier_training_goes_to_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setenv("NMCOURSE_TIER", "gpu")
    model = VanillaRNN(3, 4, 1, generator=torch.Generator().manual_seed(0))
    fit(model, MeasureWaitGo(), n_steps=1, progress=False)  # there is none here, or it is used
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    if not torch.cuda.device_count():
        with pytest.raises((AssertionError, RuntimeError), match=r"CUDA|NVIDIA"):
            fit(model, MeasureWaitGo(), n_steps=1, progress=False)
