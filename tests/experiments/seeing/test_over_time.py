"""F6, F7 and the networks behind them: what is asked over time, and what the rules make of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse import pretrained
from nmcourse.evidence import Results
from nmcourse.experiments.seeing import networks, over_time
from nmcourse.experiments.seeing.over_time_rules import ASKED, RULES

N = 10


def kept(share: float = 1.0, accuracy: float = 0.9, correlation: float = -0.5) -> dict[str, Any]:
    found: dict[str, Any] = {what: [share * accuracy] * N for what in ASKED}
    return found | {"accuracy": [accuracy] * N, "easy_sooner": [correlation] * N}


def results(**networks: dict[str, Any]) -> Results:
    config = {"n_seeds": N, "image_size": 14, "n_steps": 600, "n_test": 200}
    return Results(networks, config)


@pytest.mark.parametrize(
    ("ours", "rivals", "found"),
    [
        (kept(), {"a": kept(0.5), "b": kept() | {"stream": [0.1] * N}}, "holds."),
        (kept(), {"a": kept(0.5), "b": kept()}, "holds in part."),
        (kept(0.5), {"a": kept()}, "does not hold."),
        (kept(), {"a": kept(accuracy=0.4)}, "could not be decided."),
    ],
)
def test_the_rule_of_the_table(ours, rivals, found):
    judged = RULES["F6"].judge(results(cordsnet=ours, **rivals))
    assert judged.measured.startswith(f"The sentence of this course {found}")
    assert (judged.status == "not decided") == ("decided" in found)


@pytest.mark.parametrize(
    ("ours", "control", "found"),
    [
        ([-0.7] * N, [-0.3] * N, "holds."),
        ([-0.3] * N, [-0.7] * N, "does not hold."),
        ([-0.9, 0.9] * 5, [-0.3] * N, "could not be decided."),
        ([-0.9, -0.4] * 5, [-0.3] * N, "holds."),  # all pairs agree, whatever the power
        ([-0.3] * N, [-0.9, -0.4] * 5, "does not hold."),
        ([-0.31, -0.29] * 5, [-0.3] * N, "does not hold."),  # in between, and it would be seen
    ],
)
def test_the_rule_of_easy_images(ours, control, found):
    rows = {"cordsnet": kept() | {"easy_sooner": ours}}
    rows["twin_filtered"] = kept() | {"easy_sooner": control}
    judged = RULES["F7"].judge(results(**rows))
    assert judged.measured.startswith(f"The sentence of this course {found}")


def test_a_small_version_runs(tmp_path, monkeypatch):
    def one_after_the_other(jobs):
        return {name: job() for name, job in jobs.items()}

    monkeypatch.setattr(over_time, "in_parallel", one_after_the_other)
    settings = networks.SETTINGS["smoke"]
    found = over_time.run("smoke", tmp_path)
    names = [*networks.NETWORKS, "twin_filtered"]
    assert sorted(found["metrics"]) == sorted(names)
    for name in names:
        rows = found["metrics"][name]
        assert all(len(rows[what]) == settings["n_seeds"] for what in (*ASKED, "ready"))
        assert all(len(course) == 36 for course in rows["course"])
        assert [course[9] for course in rows["course"]] == rows["accuracy"]
        assert [course[25] for course in rows["course"]] == rows["second"]
        in_steps = name in ("cordsnet", "cnn_then_rnn", "twin_filtered")
        assert all((value is not None) == in_steps for value in rows["coarser"])
    for name in networks.NETWORKS:
        rows = found["metrics"][name]
        assert rows["learning_rate"] in settings["rates"]
        if name == "twin":
            assert rows["held_20"] == rows["accuracy"] == rows["at_once"]
    judged = {claim: rule.judge(Results(**found)) for claim, rule in RULES.items()}
    assert all(judgement.measured for judgement in judged.values())
    monkeypatch.setattr(networks, "fit_kind", None)  # nothing is trained a second time
    again = over_time.run("smoke", tmp_path)
    assert again == found


def test_a_filter_follows_the_cnn_with_its_time_constant():
    cnn = pretrained.BUILDERS[networks.BUILDER]("twin", "small-R1", 6).eval()
    images = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    control = over_time.Filtered(cnn, tau=10.0, dt=0.1)
    outputs = over_time.course(control, [(images, 10.0), (None, 200.0)])
    still = over_time.course(cnn, [(images, 2.0), (None, 2.0)])
    lit, dark = still[:, 0], still[:, 1]
    share = 1 - (1 - 0.01) ** 100
    torch.testing.assert_close(outputs[:, 99], dark + share * (lit - dark))
    torch.testing.assert_close(outputs[:, -1], dark, rtol=1e-4, atol=1e-5)


def test_other_steps_are_given_back():
    model = pretrained.BUILDERS[networks.BUILDER]("cnn_then_rnn", "small-R1", 6, dt=2.0)
    with over_time.stepping(model, 5.0):
        assert (model.dt, model.rates.dt) == (5.0, 5.0)
    assert (model.dt, model.rates.dt) == (2.0, 2.0)


def test_a_course_begins_with_an_image():
    model = pretrained.BUILDERS[networks.BUILDER]("discrete", "small-R1", 6, dt=10.0)
    with pytest.raises(ValueError, match="shown must begin with images"):
        over_time.course(model, [(None, 20.0)])
