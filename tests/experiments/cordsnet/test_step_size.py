"""Claim C15: what is measured of a step size, and what the rule makes of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse.evidence.store import Results
from nmcourse.experiments.cordsnet import native_step_size, step_size
from nmcourse.experiments.cordsnet.step_size import CONDITIONS, accuracy, build, judge, measure
from nmcourse.models import CordsNet
from nmcourse.tasks import digit_images
from nmcourse.training import ImageTrial


def results(fine: float, coarse: float) -> Results:
    keys = ("at_0_2", "at_0_5", "at_1_0", "held", "second", "rest")
    metrics: dict[str, Any] = {
        name: {key: [0.5] * 3 for key in keys} | {"seconds": 10.0, "diverged": []}
        for name in CONDITIONS
    }
    metrics["alpha_0_2"]["at_0_2"] = [0.1, fine, 0.99]
    metrics["alpha_1_0"]["at_1_0"] = [0.1, coarse, 0.99]
    metrics["alpha_0_2"]["seconds"] = 50.0
    config = {"areas": "small-R2", "image_size": 8, "n_seeds": 3, "n_steps": 400, "batch_size": 16}
    return Results(metrics, config)


def test_the_rule_says_both():
    kept, lost = judge(results(0.9, 0.88)), judge(results(0.9, 0.8))
    assert kept.status == lost.status == "measured"
    assert kept.measured.startswith("coarse steps cost no accuracy")
    assert lost.measured.startswith("coarse steps cost 10.0% of the images")
    assert "5.0 times as long" in lost.caveats[-1]
    assert "dt/τ = 0.2 90.0% (50.0%; 50.0%)" in lost.measured


def test_activity_that_diverged_is_no_right_answer():
    outputs = torch.tensor([[2.0, 1.0], [2.0, torch.nan], [torch.inf, 0.0], [0.0, 1.0]])
    assert accuracy(outputs, torch.tensor([0, 0, 0, 1])) == 0.5


@pytest.fixture
def leaky() -> CordsNet:
    """Random weights without recurrence: rates follow what drives them."""
    model = build("small-R1", 16, 0.2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.recurrent[0].length.zero_()
    return model


def test_without_recurrence_the_step_size_changes_nothing_at_rest(leaky: CordsNet):
    """The fixed point is the same for every step; twenty time constants are enough to be there."""
    trial = ImageTrial(blank=200, stimulus=200, after=200, window=20, rest_window=20)
    test = digit_images("test").normalised().subset(slice(0, 12))
    found = measure([leaky], test, trial)
    assert found["at_0_2"] == found["at_0_5"] == found["at_1_0"] == found["held"]
    assert found["second"] == found["held"]  # all images, in another order, from rest
    assert found["rest"][0] < 1e-4
    assert leaky.dt == pytest.approx(2.0)  # as before


def test_a_network_that_oscillates_with_long_steps_is_told_from_one_that_settles():
    """One channel with recurrence -3: |1 - a - 3a| is below one for a = 0.2 and not for a = 1."""
    model = build("small-R1", 16, 0.2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        weights = model.recurrent[0]
        weights.direction.zero_()
        for channel in range(8):
            weights.direction[channel, channel, 1, 1] = 1.0
        weights.length.fill_(-3.0)
        model.biases[0].fill_(5.0)
    images = digit_images("test").subset(slice(0, 12))
    settled = model.respond(images.images, n_steps=100, n_blank=100).outputs
    assert (settled[:, -1] - settled[:, -2]).abs().max() < 1e-5
    model.dt = 10.0
    swinging = model.respond(images.images, n_steps=20, n_blank=20).outputs
    assert (swinging[:, -1] - swinging[:, -2]).abs().max() > 1


@pytest.mark.parametrize("experiment", [*step_size.EXPERIMENTS, *native_step_size.EXPERIMENTS])
def test_the_smoke_tier_runs_and_resumes(experiment, tmp_path, monkeypatch: pytest.MonkeyPatch):
    conditions = {name: CONDITIONS[name] for name in ("alpha_1_0", "five_steps")}
    monkeypatch.setattr(step_size, "CONDITIONS", conditions)
    monkeypatch.setattr(
        step_size, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()}
    )
    first = experiment.run("smoke", tmp_path)
    assert ("images" in first["config"]) == (experiment.name == "native_step_size")
    assert set(first["metrics"]) == set(conditions)
    assert len(first["metrics"]["alpha_1_0"]["at_0_2"]) == 2
    assert experiment.run("smoke", tmp_path) == first  # read, not trained again
