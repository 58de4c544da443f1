"""Claim C7: what is crossed, what is measured, and what the rule makes of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from nmcourse.evidence import Interval, Results
from nmcourse.experiments.cordsnet.step_size import build
from nmcourse.experiments.seeing import crossing
from nmcourse.experiments.seeing.crossing import cells, examine
from nmcourse.experiments.seeing.crossing_rules import (
    CORDSNET,
    CORNET_RT,
    EFFECT,
    HELD,
    cell_name,
    ingredient_effect,
    judge,
    matters,
    seed_shares,
)
from nmcourse.tasks import digit_images
from nmcourse.training import rising_weights

ALPHAS = [0.2, 0.5, 1.0]


def results(keeps: Any, accuracy: float = 0.9, n_seeds: int = 5) -> Results:
    """Networks that keep what ``keeps(cell)`` says, True, False, or a share of the accuracy."""
    metrics = {
        cell_name(*cell): {
            "accuracy": [accuracy] * n_seeds,
            "held_5": [accuracy * float(keeps(cell))] * n_seeds,
            "second": [accuracy * float(keeps(cell))] * n_seeds,
        }
        for cell in cells(ALPHAS)
    }
    config = {"alphas": ALPHAS, "n_seeds": n_seeds, "image_size": 14, "n_steps": 300}
    return Results(metrics, config)


def test_everything_is_crossed():
    ways = cells(ALPHAS)
    assert len(ways) == len(set(ways)) == 36
    assert {CORDSNET, CORNET_RT} <= {tuple(way) for way in ways}
    assert len({cell_name(*way) for way in ways}) == 36
    for cell in ways:
        trial = cell.image_trial()
        steps = trial.steps(cell.alpha * 10.0)
        assert steps.window == {"last": 1, "every": steps.stimulus}.get(
            cell.counting, round(0.4 * steps.stimulus)
        )
        assert (steps.blank == 0) == (trial.rest_coefficient == 0) == (cell.trial == "bare")
        assert trial.log_scale == (3.0 if cell.counting == "window" else 0.0)
    assert rising_weights(1).tolist() == [1.0]


@pytest.mark.parametrize(
    ("keeps", "status", "fair"),
    [
        (lambda cell: cell.alpha == 0.2, "reproduced", "reproduced"),
        (lambda cell: cell.counting != "last", "reproduced", "not reproduced"),
        (lambda cell: True, "partly", "not reproduced"),
        (lambda cell: False, "not reproduced", "not reproduced"),
    ],
)
def test_the_rule_tells_the_leak_from_the_training(keeps, status, fair):
    found = judge(results(keeps))
    assert (found.status, found.fair_status) == (status, fair)


def test_networks_that_have_not_learnt_decide_nothing():
    found = judge(results(lambda cell: True, accuracy=0.3))
    assert (found.status, found.fair_status) == ("not decided", "not decided")


def uneven(kept: list[int]) -> Results:
    """With a fine step the first ``kept`` cells of each seed keep answers; no coarse one does."""
    found = results(lambda cell: False, n_seeds=len(kept))
    fine = [cell_name(*cell) for cell in cells(ALPHAS) if cell.alpha == 0.2]
    for place, name in enumerate(fine):
        for column in ("held_5", "second"):
            found.metrics[name][column] = [0.9 * float(place < number) for number in kept]
    return found


@pytest.mark.parametrize(
    ("kept", "fair"),
    [
        ([5, 5, 4, 4, 4], "reproduced"),  # 37 points, all seeds alike
        ([12, 10, 0, 0, 0], "not decided"),  # 37 points, two seeds of five
        ([4, 5, 1, 1, 0], "not decided"),  # 18 points: 0 and 30 both lie in the interval
        ([3, 3, 3, 3, 3], "not reproduced"),  # 25 points, certainly less than 30
        ([1, 1, 1, 0, 0], "not reproduced"),
    ],
)
def test_the_leak_is_judged_by_its_interval_over_seeds(kept, fair):
    found = judge(uneven(kept))
    assert found.fair_status == fair
    assert ("do not rule it out" in found.reason) == (fair == "not decided")


def test_the_leak_of_this_estimate_failed_before_though_it_was_open():
    interval = ingredient_effect(uneven([4, 5, 1, 1, 0]), 0, 0.2, 1.0, "both")
    assert interval.low < 0 < interval.mean < EFFECT < interval.high
    assert matters(interval) is None
    assert matters(Interval(0.2, 0.1, 0.29, 5)) is False
    assert matters(Interval(0.3, -0.01, 0.61, 5)) is None
    assert matters(None) is None


def test_a_seed_counts_its_networks_that_learnt():
    found = uneven([3, 3, 3])
    fine = [cell_name(*cell) for cell in cells(ALPHAS) if cell.alpha == 0.2]
    assert seed_shares(found, fine, "both") == [0.25] * 3
    for name in fine:
        found.metrics[name]["accuracy"] = [0.9, 0.3, 0.9]
    found.metrics[fine[0]]["accuracy"] = [0.3, 0.3, None]
    found.metrics[fine[3]]["accuracy"] = [0.3, 0.3, 0.9]
    assert seed_shares(found, fine, "both") == [2 / 10, None, 2 / 11]


def test_few_networks_do_not_decide_about_the_leak():
    found = judge(results(lambda cell: cell.alpha == 0.2, n_seeds=1))
    assert found.fair_status == "not decided"
    assert found.status == "reproduced"


def test_a_network_without_recurrence_keeps_everything():
    model = build("small-R1", 8, 0.5, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.recurrent[0].length.zero_()
    test = digit_images("test", size=8).normalised().subset(slice(12))
    cell = crossing.Cell(0.5, "window", "long", "whole")
    found = examine([model], test, cell.image_trial())
    assert {found[f"held_{times}"][0] for times in HELD} == {found["accuracy"][0]}
    assert found["second"] == found["accuracy"]


def test_a_small_version_runs_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(crossing, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()})
    few = [
        crossing.Cell(1.0, "last", "short", "bare"),
        crossing.Cell(0.5, "every", "long", "whole"),
    ]
    monkeypatch.setattr(crossing, "cells", lambda alphas: few)
    first = crossing.run("smoke", tmp_path)
    monkeypatch.setattr(crossing, "fit_many_images", partial(pytest.fail, "trained again"))
    assert crossing.run("smoke", tmp_path) == first
    measured = first["metrics"]["alpha_1_last_short_bare"]
    assert all(len(measured[key]) == 2 for key in ("accuracy", "held_20", "second"))
