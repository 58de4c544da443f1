"""F3: the rule on made-up networks, every verdict; and the smoke tier."""

from __future__ import annotations

import pytest
import torch

from nmcourse.evidence.store import Results
from nmcourse.experiments.cordsnet import lasting_answers
from nmcourse.experiments.cordsnet.lasting_answers import judge, measure
from nmcourse.pretrained import load
from nmcourse.tasks import digit_images


def results(**changes: list[float]) -> Results:
    metrics = {
        "accuracy": [0.96, 0.98, 0.99],
        "doubled_accuracy": [0.5, 0.975, 0.99],
        "held_accuracy": [0.9, 0.97, 0.98],
        "second_accuracy": [0.9, 0.98, 0.98],
        "distance": [0.01, 0.02, 0.5],
        "cnn_accuracy": [0.98, 0.985, 0.99],
        "seconds": [300.0, 600.0, 900.0],
    }
    config = {"image_size": 8, "areas": "small-R2", "n_seeds": 3}
    return Results(metrics | changes, config)


@pytest.mark.parametrize(
    ("changes", "status", "missed"),
    [
        ({}, "holds.", None),
        ({"accuracy": [0.96, 0.969, 0.98]}, "holds in part.", "reach 97%"),
        ({"doubled_accuracy": [0.96] * 3}, "holds in part.", "keep their answers"),
        ({"distance": [0.1, 0.11, 0.01]}, "holds in part.", "return to rest"),
        ({"second_accuracy": [0.96] * 3, "distance": [1.0] * 3}, "holds in part.", "nor classify"),
        (
            {"accuracy": [0.9] * 3, "doubled_accuracy": [0.8] * 3, "second_accuracy": [0.8] * 3},
            "does not hold.",
            "reach 97%, nor keep",
        ),
    ],
    ids=str,
)
def test_the_rule_says_every_verdict(changes, status, missed):
    found = judge(results(**changes))
    assert found.status == "measured"  # nothing was published for digits
    assert found.measured.startswith(f"The sentence of this course {status}")
    assert (missed or "Missed") in found.measured or missed is None
    assert ("Missed" in found.measured) == (missed is not None)
    assert "10 minutes" in found.caveats[-1]


def test_each_accuracy_is_that_of_its_own_moment():
    model, test = load("digits_cordsnet_staged")[0], digit_images("test", 8).subset(slice(30))
    with torch.no_grad():
        for layer in model.recurrent:  # too strong: it goes on changing while the image stays
            layer.length.mul_(1.5)
        outputs = model.respond(test.images, n_steps=500, n_blank=100, check_finite=False).outputs
    right = (outputs.argmax(dim=-1) == test.labels[:, None]).double().mean(dim=0)
    found = measure(model, test)
    moments = {"accuracy": 100, "doubled_accuracy": 200, "held_accuracy": 500}
    assert {name: found[name] for name in moments} == pytest.approx(
        {name: float(right[step - 1]) for name, step in moments.items()}
    )
    assert len({found[name] for name in moments}) == 3


@pytest.mark.slow
def test_the_smoke_tier_runs_and_resumes(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        lasting_answers, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()}
    )
    first = lasting_answers.run("smoke", tmp_path)
    assert len(first["metrics"]["accuracy"]) == 2
    assert lasting_answers.run("smoke", tmp_path) == first  # read, not trained again
