"""C7, F6, F7, C8, F31 on images of native size: the same questions, asked of other images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nmcourse.evidence import Results
from nmcourse.experiments.registry import EXPERIMENTS, by_claim
from nmcourse.experiments.seeing import crossing, equal_accuracy, native, networks, noise, over_time

SMALL = {
    of.name: of
    for module in (crossing, over_time, noise, equal_accuracy)
    for of in module.EXPERIMENTS
}


@pytest.mark.parametrize("experiment", native.EXPERIMENTS, ids=lambda one: one.name)
def test_the_rules_are_those_of_the_digits(experiment):
    before = SMALL[experiment.name.removeprefix("native_")]
    # but for the digits having been measured twice
    once = {claim: replace(rule, again="") for claim, rule in before.rules.items()}
    assert experiment.rules == once
    for claim in experiment.rules:
        assert by_claim(EXPERIMENTS, at_published_budget=True)[claim] is experiment


@pytest.mark.parametrize("experiment", native.EXPERIMENTS, ids=lambda one: one.name)
def test_a_small_version_runs_and_resumes(experiment, tmp_path, monkeypatch: pytest.MonkeyPatch):
    for module in (crossing, over_time, noise, equal_accuracy):
        monkeypatch.setattr(
            module, "in_parallel", lambda jobs: {name: job() for name, job in jobs.items()}
        )
    some = {name: networks.NETWORKS[name] for name in ("cordsnet", "discrete", "twin")}
    monkeypatch.setattr(over_time, "NETWORKS", some)
    monkeypatch.setattr(noise, "ASKED", tuple(some))
    first = experiment.run("smoke", tmp_path)
    assert first["config"]["images"] == "fashion_mnist"
    assert experiment.run("smoke", tmp_path) == first  # read, not trained again
    if experiment.name == "native_over_time":  # other rules need what the small version leaves out
        for rule in experiment.rules.values():
            assert "Fashion-MNIST at 6 pixels" in " ".join(rule.judge(Results(**first)).caveats)


def test_networks_of_named_images_have_names_of_their_own():
    assert networks.shipped_name("gated") == "seeing_gated"
    assert networks.shipped_name("gated", native.NETWORKS["cpu"]) == "seeing_fashion_mnist_gated"
