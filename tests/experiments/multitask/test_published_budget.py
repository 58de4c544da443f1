"""The multitask set at the paper's budget: arms as they are said to be, and rules that decide."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse.evidence import Results
from nmcourse.experiments.multitask.networks import NEW, TRAINED
from nmcourse.experiments.multitask.published_budget import SETTINGS, data
from nmcourse.experiments.multitask.published_budget_rules import (
    NETWORKS,
    RULES,
    if_learned,
    not_worse,
)

N = 10
CONFIG = {"n_steps": 100_000, "retraining_steps": 50_000, "n_learned": N}
LOW_RANK = {name for name in NETWORKS if name.startswith("low_rank")}


def judge(claim: str, n_learned: int = N, loss: float = 0.01, **changed: Any) -> Any:
    """Judge with 95 % for all networks and 60 % for low-rank ones, but for some."""
    metrics: dict[str, Any] = {}
    for name in NETWORKS:
        level = changed.get(name, 60.0 if name in LOW_RANK else 95.0)
        levels = level if isinstance(level, list) else [level + 0.1 * k for k in range(N)]
        errors = [loss if name == "nm_rnn" else 1.0 - value / 100 for value in levels]
        part = {"arctan2": levels, "arctan": levels, "loss": errors}
        metrics[name] = {"trained": dict.fromkeys(TRAINED, part), "retrained": {NEW: part}}
    return RULES[claim].judge(Results(metrics, CONFIG | {"n_learned": n_learned}))


WIDE = [60.0, 99.0] * 5


@pytest.mark.parametrize(
    ("claim", "changed", "status", "fair"),
    [
        ("N9", {}, "reproduced", "reproduced"),
        ("N9", {"lstm": 80.0}, "not reproduced", "reproduced"),
        ("N9", {"lstm_open": 80.0}, "reproduced", "not reproduced"),
        ("N9", {"vanilla_rnn_matched": 98.0}, "reproduced", "reproduced"),  # within five points
        ("N9", {"low_rank_rnn_over_n": 96.0}, "not reproduced", "reproduced"),
        ("N9", {"nm_rnn": WIDE}, "not decided", "not decided"),
        ("N10", {}, "reproduced", "reproduced"),
        ("N10", {"lstm": 80.0}, "reproduced", "reproduced"),  # the NM-RNN may be better
        ("N10", {"vanilla_rnn_over_n": 101.0}, "not reproduced", "reproduced"),
        ("N10", {"nm_rnn": WIDE}, "not decided", "not decided"),
    ],
    ids=str,
)
def test_rules(claim: str, changed: dict[str, Any], status: str, fair: str):
    outcome = judge(claim, **changed)
    assert (outcome.status, outcome.fair_status) == (status, fair)
    assert bool(outcome.reason) == ("not decided" in (status, fair))


def test_loss_and_accuracy_may_disagree():
    assert judge("R9", loss=0.05).measured.startswith("The sentence of this course holds.")
    assert "does not hold" in judge("R9", loss=0.9).measured


def test_worse_by_five_points_or_not():
    assert not_worse([91.0] * 10, [95.0] * 10) is True
    assert not_worse([89.0] * 10, [95.0] * 10) is False
    assert not_worse([80.0, 99.0] * 5, [95.0] * 10) is None


def test_states_of_networks_that_did_not_learn_decide_nothing():
    older = judge("R9")
    rule = if_learned(lambda results: older)
    assert rule(Results({}, {"n_learned": 5})) is older
    outcome = rule(Results({}, {"n_learned": 4}))
    assert (outcome.status, outcome.reason) == (
        "not decided",
        "4 NM-RNNs learned the three tasks",
    )


def test_arms_and_data_are_those_of_the_protocol():
    lstm: Any = NETWORKS["lstm_open"].build(torch.Generator().manual_seed(0))
    closed: Any = NETWORKS["lstm"].build(torch.Generator().manual_seed(0))
    opened = (lstm.bias - closed.bias).detach().unflatten(0, (4, 8))
    assert opened[1].tolist() == pytest.approx([3.0] * 8)
    assert not opened[[0, 2, 3]].any()
    matched = [NETWORKS[n].n_parameters() for n in NETWORKS if "matched" in n]
    assert all(abs(n / NETWORKS["nm_rnn"].n_parameters() - 1) < 0.05 for n in matched)
    trials = data(TRAINED, 4)
    assert len(trials) == 12
    assert trials.context is not None
    assert trials.context.shape[-1] == 3
    assert torch.equal(data(TRAINED, 4).inputs, trials.inputs)
    assert data([NEW], 2).context.shape[-1] == 4
    assert set(SETTINGS["cpu"]["seeds"]) == set(NETWORKS)
