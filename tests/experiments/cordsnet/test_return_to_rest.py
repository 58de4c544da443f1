"""The two rules on made-up networks, every verdict; and what is measured of a real one."""

from __future__ import annotations

import pytest
import torch

from nmcourse.evidence.store import Results
from nmcourse.experiments.cordsnet import return_to_rest
from nmcourse.experiments.cordsnet.return_to_rest import examine
from nmcourse.experiments.cordsnet.return_to_rest_arms import (
    ARMS,
    DECAYS,
    PENALTIES,
    PUBLISHED,
    SCALES,
)
from nmcourse.experiments.cordsnet.return_to_rest_rules import (
    KINDS,
    judge_penalty,
    judge_scale,
    kinds,
    misbehaving,
    transients,
)
from nmcourse.models import CordsNet
from nmcourse.tasks import digit_images

MONO, MULTI, UNSTABLE = range(3)


def arm(kind=(MONO,) * 4, transient=(0,) * 4, learnt=(1,) * 4, misread=True):
    n = len(kind)
    return {
        "accuracy": [0.9] * n,
        "held_accuracy": [0.8] * n,
        "second_accuracy": [0.5 if k != MONO and misread else 0.9 for k in kind],
        "distance": [0.01] * n,
        "kind": list(kind),
        "transient": list(transient),
        "learnt": list(learnt),
    }


def results(**arms):
    metrics = {name: arms.get(name.replace("-", "_"), arm()) for name in ARMS}
    config = {"n_seeds": 4, "steps_per_slope": 2, "slopes": [0.5, 0.0], "n_steps": 10}
    config["batch_size"] = 2
    return Results(metrics, config)


def test_arms_differ_from_the_published_loss_in_one_thing():
    published = ARMS[PUBLISHED]
    for arms, name in ((PENALTIES, "rest_coefficient"), (SCALES, "log_scale")):
        values = [getattr(a, name) for a in arms.values()]
        assert values == sorted(values)
        assert len(set(values)) == len(values)
        for other in arms.values():
            changed = {
                k
                for k in ("rest_coefficient", "log_scale", "weight_decay")
                if getattr(other, k) != getattr(published, k)
            }
            assert changed <= {name}
    assert all(a.rest_coefficient == 0 and a.weight_decay > 0 for a in DECAYS.values())


@pytest.mark.parametrize(
    ("without", "with_it", "status"),
    [
        ((MONO, MULTI, UNSTABLE, MONO), (MONO,) * 4, "reproduced"),
        ((MONO, MULTI, UNSTABLE, MULTI), (MONO, MONO, MONO, MULTI), "partly"),
        ((MONO,) * 4, (MONO,) * 4, "not decided"),
        ((MONO,) * 4, (MONO, UNSTABLE, MONO, MONO), "not reproduced"),
        ((MONO, MULTI, MONO, MONO), (MONO, UNSTABLE, MULTI, MONO), "not reproduced"),
    ],
)
def test_penalty(without, with_it, status):
    judged = judge_penalty(results(penalty_0=arm(without), published=arm(with_it)))
    assert judged.status == status
    assert ("nothing was there to prevent" in judged.reason) == (status == "not decided")


def test_multistable_networks_misclassify_a_second_image():
    """By the authors' definition; one that stays away from rest, and is right, is not counted."""
    stays = arm((MONO, MULTI, MULTI, MULTI), misread=False)
    assert misbehaving(results(penalty_0=stays), "penalty_0") == (0, 4)
    judged = judge_penalty(results(penalty_0=stays))
    assert judged.status == "not decided"
    assert "λ = 0: 0 of 4" in judged.measured
    assert "λ = 0: 1 back at rest, 3 not back at rest" in judged.measured
    assert misbehaving(results(penalty_0=arm((MULTI, UNSTABLE, MONO, MULTI))), "penalty_0")[0] == 3


def test_networks_that_have_not_learnt_do_not_count():
    found = results(
        penalty_0=arm((MONO, MULTI, MULTI, MULTI), learnt=(1, 0, 0, 0)),
        published=arm((MONO, MULTI, MONO, MONO), learnt=(1, 0, 1, 1)),
    )
    assert kinds(found, "penalty_0") == {"monostable": 1, "not learnt": 3}
    assert misbehaving(found, "penalty_0") == (0, 1)
    assert judge_penalty(found).status == "not decided"
    assert "1 back at rest, 3 not learnt" in judge_penalty(found).measured


@pytest.mark.parametrize(
    ("equal", "rising", "status"),
    [
        ((1, 0, 0, 0), (0, 0, 0, 0), "reproduced"),
        ((1, 1, 1, 0), (1, 0, 0, 0), "partly"),
        ((0, 0, 0, 0), (0, 0, 0, 0), "not decided"),
        ((0, 0, 0, 0), (1, 0, 0, 0), "not reproduced"),
        ((1, 0, 0, 0), (1, 1, 0, 0), "not reproduced"),
    ],
)
def test_scale(equal, rising, status):
    found = results(scale_0=arm(transient=equal), published=arm(transient=rising))
    assert judge_scale(found).status == status


def test_a_network_that_never_learnt_is_not_transient():
    found = results(scale_0=arm(transient=(1, 1, 0, 0), learnt=(0, 1, 1, 1)))
    assert transients(found, "scale_0") == (1, 3)


def test_examine_gives_one_entry_per_network():
    digits = digit_images("test", size=8).subset(slice(6))
    models = [
        CordsNet("small-R2", 1, 10, image_size=8, generator=torch.Generator().manual_seed(seed))
        for seed in (0, 1)
    ]
    found = examine(models, digits.images, digits.labels)
    assert {len(values) for values in found.values()} == {2}
    assert [KINDS[k] for k in found["kind"]] == ["monostable"] * 2  # small random weights decay
    assert max(found["distance"]) < 1e-3
    norm = sum(layer.weights().square().sum() for layer in models[0].recurrent).sqrt()
    assert found["weight_norm"][0] == pytest.approx(norm.item())


@pytest.mark.slow
def test_the_smoke_tier_runs_and_resumes(tmp_path, monkeypatch: pytest.MonkeyPatch):
    few = {name: ARMS[name] for name in ("penalty_0", "direct")}
    monkeypatch.setattr(return_to_rest, "ARMS", few)
    monkeypatch.setattr(
        return_to_rest, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()}
    )
    first = return_to_rest.run("smoke", tmp_path)
    assert {len(arm["kind"]) for arm in first["metrics"].values()} == {2}
    assert first["metrics"]["penalty_0"] != first["metrics"]["direct"]
    weights = torch.load(tmp_path / "penalty_0" / "weights.pt", weights_only=True)
    linear = torch.load(tmp_path / "start" / "1.pt", weights_only=True)
    moved = (weights[1]["recurrent.0.direction"] - linear["recurrent.0.direction"]).abs().max()
    assert 0 < moved < 0.1  # each network goes on from the linear one of its own seed
    assert return_to_rest.run("smoke", tmp_path) == first  # read, not trained again
