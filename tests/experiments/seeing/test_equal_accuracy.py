"""F31: rivals that learn for fewer steps, until they are as good as the CordsNet."""

from __future__ import annotations

import pytest
import torch

from nmcourse.evidence import LedgerError, Results
from nmcourse.experiments.seeing import equal_accuracy, networks
from nmcourse.experiments.seeing.crossing import images_of
from nmcourse.experiments.seeing.equal_accuracy import (
    RIVALS,
    RULES,
    SETTINGS,
    choosing,
    nearest,
)
from nmcourse.experiments.seeing.noise_rules import NOISES


def test_of_each_seed_the_nearest_rung_is_taken():
    rungs = [[0.2, 0.5, 0.9], [0.4, 0.7, 0.9], [0.8, 0.9, 0.9]]
    assert nearest(rungs, [0.45, 0.79, 0.1]) == [1, 1, 0]  # of equals the shortest training
    rungs[1][0] = None  # a training that ended early
    assert nearest(rungs, [0.45, 0.79, 0.1]) == [0, 1, 0]


def test_images_that_choose_are_neither_learnt_nor_tested():
    settings = SETTINGS["cpu"] | {"n_test": 20, "n_validation": 30}
    learnt, tested = images_of(settings)
    chosen = choosing(settings)
    assert len(chosen.images) == 30
    kinds = [{one.numpy().tobytes() for one in some.images} for some in (learnt, tested, chosen)]
    assert not kinds[2] & (kinds[0] | kinds[1])


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr(
        equal_accuracy, "in_parallel", lambda jobs: {name: job() for name, job in jobs.items()}
    )


def test_a_small_version_runs_and_resumes(tmp_path, monkeypatch, in_this_process):
    found = equal_accuracy.run("smoke", tmp_path)
    rows = found["metrics"]
    assert list(rows) == ["cordsnet", *RIVALS]
    whole = networks.SETTINGS["smoke"]["n_steps"]
    assert rows["cordsnet"]["trained_steps"] == [whole] * 2
    for name in RIVALS:
        assert set(rows[name]["trained_steps"]) <= {1, 2}
        assert [len(row) for row in rows[name]["areas_staying"]["maps"]] == [5, 5]
    monkeypatch.setattr(networks, "fit_kind", None)  # nothing is trained a second time
    assert equal_accuracy.run("smoke", tmp_path) == found


def test_networks_are_those_that_were_chosen(tmp_path, in_this_process):
    """What is asked is the network of that rung, and of that seed."""
    found = equal_accuracy.run("smoke", tmp_path)["metrics"]["twin"]
    settings = SETTINGS["smoke"]
    for seed, steps in enumerate(found["trained_steps"]):
        place = tmp_path / "twin" / (f"steps_{steps}" if steps in settings["ladder"] else "whole")
        model = networks.models_in("twin", settings, place)[seed]
        _, test = images_of(settings)
        with torch.no_grad():
            outputs = model.respond(test.images, n_steps=1, n_blank=0).outputs[:, -1]
        right = (outputs.argmax(dim=-1) == test.labels).double().mean()
        assert found["clean"][seed] == pytest.approx(float(right))


def test_without_the_results_of_f6_the_run_says_what_is_missing(tmp_path, in_this_process):
    tiers = {"smoke": SETTINGS["smoke"] | {"trained_in": "nowhere"}}
    with pytest.raises(LedgerError, match="those of nowhere, which has no results yet: run the"):
        equal_accuracy.run("smoke", tmp_path, tiers)


def measured(lost: float, clean: float = 0.9) -> dict:
    rows = {"accuracy": [[clean - lost] * 5] * 10, "maps": [[lost] * 5] * 10}
    of_noise = {name: rows | {"outputs": [[lost] * 5] * 10} for name in NOISES}
    return {
        "clean": [clean] * 10,
        "by_step": [[1, 3, 9]] * 10,
        "trained_steps": [50] * 10,
        **of_noise,
    }


@pytest.mark.parametrize(
    ("ours", "rivals", "status", "words"),
    [
        (0.1, measured(0.3), "measured", "The sentence of this course holds. "),
        (0.3, measured(0.1), "measured", "The sentence of this course does not hold. "),
        (0.1, measured(0.3, clean=0.8), "not decided", "could not be decided. "),
    ],
)
def test_the_rule(ours, rivals, status, words):
    metrics = {"cordsnet": measured(ours)} | dict.fromkeys(RIVALS, rivals)
    config = {"n_seeds": 10, "image_size": 14, "n_steps": 600}
    found = RULES["F31"].judge(Results(metrics, config))
    assert found.status == status
    assert words in found.measured
    assert bool(found.reason) == (status == "not decided")
    assert "twin 50" in found.spread
