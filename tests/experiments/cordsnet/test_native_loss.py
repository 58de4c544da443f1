"""C11 and C12 on Fashion-MNIST: the rule in all its cases, the arms, and the whole way."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.evidence.store import Results
from nmcourse.experiments.cordsnet import native_loss
from nmcourse.experiments.cordsnet.native_loss import leading
from nmcourse.experiments.cordsnet.native_loss_rules import (
    ARMS,
    PAIRS,
    RULES,
    SCALES,
    STAGED,
    judge_penalty,
    judge_scale,
    prevented,
)
from nmcourse.models import Area, CordsNet, Stem


@pytest.mark.parametrize(
    ("without", "with_part", "status"),
    [
        ((9, 60), (0, 60), "reproduced"),
        ((20, 60), (2, 60), "partly"),
        ((9, 60), (8, 60), "not reproduced"),  # complete prevention would have shown
        ((1, 60), (12, 60), "not reproduced"),  # the wrong way round
        ((0, 60), (0, 60), "not decided"),
        ((2, 60), (1, 60), "not decided"),
        ((2, 60), (0, 0), "not decided"),
    ],
    ids=str,
)
def test_what_is_said_of_a_part_of_the_loss(without, with_part, status):
    found, reason = prevented(without, with_part)
    assert found == status
    assert bool(reason) == (status == "not decided")


def rows(n: int, bad: int) -> dict[str, list[float]]:
    """An arm in which so many networks are unstable and transient."""
    ones = [1] * n
    return {
        "learnt": ones,
        "kind": [2] * bad + [0] * (n - bad),
        "transient": [1] * bad + [0] * (n - bad),
        "leading": [1.2] * bad + [0.8] * (n - bad),
        **{key: [0.8] * n for key in ("accuracy", "second_accuracy", "held_accuracy")},
    }


def results(**bad: int) -> Results:
    found = {name: rows(10 if arm.way == "staged" else 60, 0) for name, arm in ARMS.items()}
    found |= {name: rows(len(found[name]["learnt"]), n) for name, n in bad.items()}
    return Results(found, {"dt": 5.0, "n_test": 100})


def test_each_claim_has_a_verdict_for_each_training():
    found = judge_penalty(results(short_0=12))
    assert (found.status, found.fair_status) == ("not decided", "reproduced")
    assert "none of 10 networks misbehaves" in found.reason
    assert "12 of the 12 networks" in found.spread
    assert "weight decay 0.01 0 of 60 (prevents it: yes)" in found.measured
    found = judge_penalty(results(staged_0=6, short_0=12, short_published=12))
    assert (found.status, found.fair_status) == ("reproduced", "not reproduced")
    found = judge_scale(results(short_0_equal=4, short_equal=5))
    assert (found.status, found.fair_status) == ("not decided", "reproduced")  # 9 against 0
    assert judge_scale(results(staged_equal=6)).status == "reproduced"


def test_arms_differ_in_one_thing():
    for equal, rising in PAIRS:
        one, other = vars(ARMS[equal]), vars(ARMS[rising])
        assert {key for key in one if one[key] != other[key]} == {"label", "log_scale"}
    assert all(SCALES[name].way == "short" for name in SCALES)
    assert {arm.trial().stimulus for arm in STAGED.values()} == {200.0}
    assert ARMS["short_0"].trial().after == 0.0
    assert ARMS["short_published"].trial().rest_window == 20.0
    assert set(RULES) == {"C11", "C12"}


def test_the_leading_eigenvalue_of_a_network_is_that_of_its_most_excitable_area():
    areas = [Area(2), Area(2)]
    model = CordsNet(areas, 1, 2, image_size=4, stem=Stem(2, 1, 1, pool=False))
    radii = []
    with torch.no_grad():
        for number, layer in enumerate(model.recurrent):
            layer.length.mul_(1 + number)
    for layer in model.recurrent:
        matrix = native_loss.ConvolutionOperator(layer.weights().detach(), 4, 4).dense()
        radii.append(torch.linalg.eigvals(matrix).real.max().item())
    assert math.isclose(leading(model), max(radii), rel_tol=1e-3)


def test_the_whole_way_at_the_smoke_tier(tmp_path, monkeypatch):
    few = {name: ARMS[name] for name in ("short_0", "short_published", "staged_published")}
    monkeypatch.setattr(native_loss, "ARMS", few)
    monkeypatch.setattr(
        native_loss, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()}
    )
    first = native_loss.run("smoke", tmp_path)
    assert set(first["metrics"]) == set(few)
    assert all(len(arm["leading"]) == 2 for arm in first["metrics"].values())
    monkeypatch.setattr(native_loss, "_train", lambda *arguments: pytest.fail("trained again"))
    assert native_loss.run("smoke", tmp_path) == first  # read, not trained again
