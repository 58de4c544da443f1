"""What the rules make of time constants and of signal and noise; and what a run measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from nmcourse.evidence import Results, plain
from nmcourse.experiments.eye.gain_clock import _margin, run
from nmcourse.experiments.eye.gain_clock_rules import (
    GAINS,
    HIGH,
    LOW,
    gain_name,
    is_close,
    judge_answer,
    judge_clock,
)

N = 10


def made(**changed: dict[float, Any]) -> Results:
    """Ten networks whose measured time constants are as expected, and F16's sentences true.

    ``changed``: key -> gain -> value for every network (a list: one for each network).
    """
    metrics: dict[str, Any] = {"n_right": [20] * N}
    for place, gain in enumerate(GAINS):
        tau = 10.0 + 5 * place
        row = {key: [[tau] * 5] * N for key in ("expected", "above_zero", "limit", "measured")}
        row |= {"window": [[tau] * 5] * N, "accuracy": [0.9] * N, "noisy_accuracy": [0.8] * N}
        row |= {"settled": [50.0 + 10 * place] * N, "ready": [20.0] * N}
        row |= {"noise": [1.0 + 0.1 * place] * N, "signal": [1.0 + place] * N}
        for key, by_gain in changed.items():
            if gain in by_gain:
                value = by_gain[gain]
                row[key] = value if isinstance(value, list) else [value] * N
        metrics[gain_name(gain)] = row
    return Results(metrics, {"n_networks": N})


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({}, "measured", "course holds."),
        ({"measured": {1.2: [[100.0] * 5] * N}}, "measured", "holds in part"),
        ({"measured": {g: [[300.0] * 5] * N for g in GAINS}}, "measured", "does not hold"),
        ({"measured": {1.2: [[None] * 5] * N}}, "not decided", "could not be decided"),
        ({"measured": {1.2: [[None] * 2 + [35.0] * 3] * N}}, "measured", "course holds."),
        # nine networks of ten are most, and seven are not
        ({"measured": {1.2: [[35.0] * 5] * 9 + [[90.0] * 5]}}, "measured", "course holds."),
        ({"measured": {1.2: [[35.0] * 5] * 7 + [[90.0] * 5] * 3}}, "measured", "holds in part"),
    ],
)
def test_the_rule_of_f15(changed: Any, status: str, words: str):
    found = judge_clock(made(**changed))
    assert found.status == status
    assert words in found.measured


@pytest.mark.parametrize(("tau", "close"), [(38.0, True), (39.0, False), (32.0, True)])
def test_ten_percent_are_the_tolerance(tau: float, close: bool):
    assert is_close(made(measured={1.2: [[tau] * 5] * N}), 1.2) is close


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "course holds."),
        ({"settled": {HIGH: 75.0}}, "holds in part"),
        ({"ready": {HIGH: 30.0}}, "the answer does not: no"),
        ({"noise": {HIGH: 0.5}}, "noisier: no"),
        ({"noise": {HIGH: 9.0}}, "grows more: no"),
        ({"noise": {HIGH: 9.0}, "settled": {HIGH: 60.0}, "ready": {HIGH: 90.0}}, "holds in part"),
    ],
)
def test_the_rule_of_f16(changed: Any, words: str):
    found = judge_answer(made(**changed))
    assert found.status == "measured"
    assert words in found.measured
    assert made().value(f"{gain_name(LOW)}.settled")[0] == 70.0


def test_networks_that_do_not_answer_at_both_gains_are_not_counted():
    results = made()
    results.metrics["n_right"] = [20] * 4 + [9] * 6
    found = judge_answer(results)
    assert found.status == "not decided"
    assert "4 of 10 networks" in found.spread


def test_a_margin_is_taken_from_the_rival_of_the_quiet_network():
    quiet = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    loud = torch.tensor([[3.0, 9.0, 2.5], [0.0, 5.0, 4.0]])
    labels = torch.tensor([0, 2])
    assert _margin(quiet, quiet, labels).tolist() == [1.0, -1.0]
    assert _margin(loud, quiet, labels).tolist() == [0.5, -1.0]


def test_a_small_run_measures_every_number_that_the_rules_ask_for(tmp_path: Path):
    outcome = plain(run("smoke", tmp_path))
    results = Results(outcome["metrics"], outcome["config"])
    for judge in (judge_clock, judge_answer):
        assert judge(results).status == "not decided"  # one network
    kept = results.value(gain_name(1.0))
    assert kept["accuracy"][0] > 0.8
    assert kept["noise"][0] > 0
    assert run("smoke", tmp_path)["metrics"] == outcome["metrics"]  # from what was kept
