"""What the rules make of right answers; the arms change their own numbers and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from nmcourse.evidence import Results, plain
from nmcourse.experiments.eye.networks import arm_network, build, n_numbers, own_numbers, shown
from nmcourse.experiments.eye.rule_switch import (
    _pictures_switched,
    _readouts_switched,
    curve,
    following,
    run,
    told_trial,
)
from nmcourse.experiments.eye.rule_switch_rules import (
    ARMS,
    NEW_RULES,
    judge_switch,
    judge_told,
)
from nmcourse.tasks import digit_images, instructed
from nmcourse.training import instructed_outputs

N = 5
CONFIG = {"n_seeds": N, "n_steps": 9, "batch_size": 2}


def made(base: float = 0.97, told: Any = None, **arms: float) -> Results:
    """Five networks: 60 % untouched, 80 % with every arm unless said otherwise."""
    metrics: dict[str, Any] = {"base": {"odd": [base] * N} | {r: [0.6] * N for r in NEW_RULES}}
    for arm in ARMS:
        row = {rule: {"right": [arms.get(arm, 0.8)] * N} for rule in NEW_RULES}
        metrics[arm] = {"numbers": 48} | row
    names = ("gains_10", "gains_50", "bias_10", "picture", "readout", "untouched")
    metrics["told"] = {name: [[0.8] * 3] * N for name in names}
    metrics["told"] |= {"gains_100": [[0.8, 0.7, 0.7]] * N} | (told or {})
    metrics["controls"] = {
        "fitted": {rule: [0.8] * N for rule in NEW_RULES},
        "differing": {
            rule: {"n": 9, "gains": [0.5] * N, "untouched": [0.1] * N} for rule in NEW_RULES
        },
        "steady": [[0.8, 0.7, 0.6]] * N,
    }
    return Results(metrics, CONFIG)


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ({}, "course holds."),
        ({"bias": 0.83}, "course holds."),
        ({"bias": 0.84}, "as well as the bias: no"),
        ({"readout": 0.9}, "as well as the readout: no"),
        ({"gains": 0.69, "bias": 0.6, "picture": 0.6, "readout": 0.6}, "switch the rule: no"),
        ({"gains": 0.6}, "does not hold"),
    ],
)
def test_the_rule_of_f17(arms: dict[str, float], words: str):
    assert words in judge_switch(made(**arms)).measured


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "course holds."),
        ({"gains_10": [[0.8, 0.8, 0.76]] * N}, "the first rule returns: no"),
        ({"gains_10": [[0.8, 0.76, 0.8]] * N}, "as well as the first: no"),
        ({"gains_10": [[0.8, 0.76, 0.8]] * N}, "no more than biases: no"),
        ({"gains_10": [[0.8, 0.78, 0.8]] * N}, "course holds."),
        ({"gains_100": [[0.8] * 3] * N}, "100 ms is late: no"),
    ],
)
def test_the_rule_of_f18(told: Any, words: str):
    assert words in judge_told(made(told=told)).measured


def test_networks_that_do_not_know_the_base_rule_do_not_count():
    for judge in (judge_switch, judge_told):
        assert judge(made(base=0.85)).status == "not decided"


@pytest.mark.parametrize(
    ("arm", "numbers"), [("gains", 48), ("bias", 48), ("picture", 64), ("readout", 34)]
)
def test_an_arm_may_change_its_own_numbers_and_nothing_else(arm: str, numbers: int):
    model = arm_network(build("small-R4", torch.Generator().manual_seed(0)), arm)
    own = {id(parameter) for parameter in own_numbers(model, arm)}
    assert {id(p) for p in model.parameters() if p.requires_grad} == own
    assert n_numbers(model, arm) == numbers


def test_a_picture_is_added_to_the_image_and_to_no_blank():
    model = arm_network(build("small-R2", torch.Generator().manual_seed(0)), "picture")
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(shown(model, images), images)
    with torch.no_grad():
        model.picture.fill_(0.5)
    assert torch.equal(shown(model, images), images + 0.5)


def test_numbers_that_are_switched_are_those_of_the_rule_that_holds():
    """In the first phase, before anything is switched, each answers as the network of its rule."""
    trial, told = told_trial(), instructed(digit_images("test", size=8).subset(slice(3)), 6)
    base = build("small-R2", torch.Generator().manual_seed(0))
    first = trial.rules(told.labels)[:, 0]

    def followed(arm: str) -> Any:  # so fast that the gains are those of the rule at once
        return lambda networks, told, trial: instructed_outputs(
            following(networks, arm, 2.0, "small-R2"), told.images, told.labels, trial
        ).flatten(1, 2)

    for arm, answer in (
        ("gains", followed("gains")),
        ("bias", followed("bias")),
        ("picture", _pictures_switched),
        ("readout", _readouts_switched),
    ):
        networks = [arm_network(base, arm) for _ in range(3)]
        with torch.no_grad():
            for network, factor in zip(networks[1:], (0.5, 1.5), strict=True):
                for parameter in own_numbers(network, arm):
                    parameter.mul_(factor).add_(0.1 * factor)
        outputs = answer(networks, told, trial)
        assert outputs.shape == (18, 75, 2)
        for rule, network in enumerate(networks):
            images = shown(network, told.images[first == rule])
            with torch.no_grad():
                alone = network.respond(images, n_blank=10, n_steps=25).outputs
            torch.testing.assert_close(outputs[first == rule, :25], alone, rtol=1e-4, atol=1e-5)


def test_a_modulator_goes_from_one_row_of_its_table_to_another():
    base = build("small-R2", torch.Generator().manual_seed(0))
    networks = [arm_network(base, "gains") for _ in range(3)]
    with torch.no_grad():
        for network, factor in zip(networks[1:], (0.5, 2.0), strict=True):
            for layer in network.recurrent:
                layer.length.mul_(factor)
    model = following(networks, "gains", 10.0, "small-R2")
    cues = torch.eye(3)[[1] * 100 + [2] * 5].unsqueeze(0)
    z = model.record(torch.zeros(1, 1, 8, 8), n_blank=0, n_steps=105, cues=cues, areas=2)[0]
    gains = model.modulator.gain(z[0, :, :, 0, 0])
    torch.testing.assert_close(gains[99], torch.full((16,), 0.5))
    expected = 2.0 + (0.5 - 2.0) * 0.8**5  # five steps of 2 ms with a time constant of 10 ms
    torch.testing.assert_close(gains[104], torch.full((16,), expected), rtol=1e-4, atol=1e-4)


def test_a_curve_is_the_mean_over_stretches():
    losses = torch.arange(50.0).unsqueeze(1)
    assert curve(losses, 5)[0].tolist() == [4.5, 14.5, 24.5, 34.5, 44.5]


def test_a_small_run_measures_every_number_that_the_rules_ask_for(tmp_path: Path):
    outcome = plain(run("smoke", tmp_path))
    results = Results(outcome["metrics"], outcome["config"])
    assert judge_switch(results).status == judge_told(results).status == "not decided"
    assert plain(run("smoke", tmp_path)["metrics"]) == outcome["metrics"]  # from what was kept
