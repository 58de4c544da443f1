"""F4: turns and spikes are found where they are, and both trainings start as one network."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.evidence.record import Results
from nmcourse.evidence.store import plain
from nmcourse.experiments.timing import column_signs
from nmcourse.experiments.timing.column_signs import WINDOW, build, describe, judge


def generator():
    return torch.Generator().manual_seed(3)


@torch.no_grad()
def test_both_choices_start_as_one_network():
    raw, continuous = build("raw", generator()), build(True, generator())
    for ours, theirs in zip(raw.parameters(), continuous.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    left = [model.output_network.factors()[0] for model in (raw, continuous)]
    assert torch.equal(*left)


@torch.no_grad()
def test_a_pivot_through_zero_changes_one_network_and_not_the_other():
    changes = {}
    for choice in ("raw", True):
        network = build(choice, generator()).output_network
        below, above = network.row_factors.clone(), network.row_factors.clone()
        below[0, 0], above[0, 0] = -1e-6, 1e-6
        made = []
        for factors in (below, above):
            network.row_factors.copy_(factors)
            made.append(network.connectivity())
        first, second = network.negative[-2:]
        assert (first != second).sum() == 1
        changes[choice] = float((made[1] - made[0]).abs().max())
    assert changes["raw"] > 0.1
    assert changes[True] < 1e-4


def course(jump=1000.0, back=400):
    """Losses and signs of two seeds; in the first a column turns at step 1300."""
    losses = torch.full((2000, 2), 1e-3, dtype=torch.float64)
    losses[:5] = 0.3  # the fall from the start is no spike
    losses[1300 : 1300 + back, 0] *= jump
    negative = torch.zeros(2000, 2, 3, dtype=torch.bool)
    negative[1300:, 0, 1] = True
    return losses, negative


def test_a_turn_a_spike_and_the_way_back():
    found = plain(describe(*course()))
    assert found["pivots_through_zero"] == [1, 0]
    assert found["spikes"] == [1, 0]
    assert (found["large_spikes"], found["large_spikes_at_turns"]) == ([1, 0], [1, 0])
    assert (found["turn_seed"], found["turn_step"]) == ([0], [1300])
    assert found["loss_at"][0] / found["loss_before"][0] == pytest.approx(1000.0)
    assert 400 <= found["steps_to_recover"][0] <= 400 + WINDOW
    assert found["largest_loss_of_block"][0][13] == pytest.approx(1.0)
    never = describe(*course(back=700))
    assert math.isnan(never["steps_to_recover"][0])


def test_a_spike_far_from_a_turn_is_not_its_own_and_a_small_one_is_not_large():
    losses, negative = course(jump=1.0)
    losses[1700:1720, 0] = 1.0
    losses[1800, 1] = 0.05
    found = plain(describe(losses, negative))
    assert found["spikes"] == [1, 1]
    assert (found["large_spikes"], found["large_spikes_at_turns"]) == ([1, 0], [0, 0])
    assert found["steps_to_recover"] == [WINDOW]


def results(raw, continuous):
    arms = {"raw": describe(*raw), "continuous": describe(*continuous)}
    metrics = plain({name: arm | {"trained": [1e-4, 2e-4]} for name, arm in arms.items()})
    config = {"n_seeds": 2, "n_steps": 2000, "learning_rate": 0.01}
    config |= {"window": WINDOW, "spike": 10.0, "large": 0.1, "early": 1000}
    return Results(metrics, config)


def test_what_is_said():
    found = judge(results(course(), course(jump=1.0)))
    assert found.status == "measured"
    assert "1 columns turned in 2 runs of 2,000 steps, in 1 of the runs" in found.measured
    assert "the loss grew by a factor of 1000 to 1000, and training was back" in found.measured
    assert "1 pivots passed through zero, with factors of 1" in found.measured
    assert "Large spikes of the loss: 1 (1 of them after a turn) against 0" in found.measured
    never = judge(results(course(back=700), course(jump=1.0)))
    assert "in 1 cases not by the end" in never.measured
    assert "training was back" not in never.measured


def test_smoke_run(tmp_path, monkeypatch):
    monkeypatch.setitem(
        column_signs.SETTINGS, "smoke", {"n_steps": 60, "n_seeds": 2, "learning_rate": 0.01}
    )
    monkeypatch.setattr(
        column_signs, "in_parallel", lambda jobs: {name: job() for name, job in jobs.items()}
    )
    outcome = column_signs.run("smoke", tmp_path)
    raw, continuous = (outcome["metrics"][name] for name in ("raw", "continuous"))
    assert raw["pivots_through_zero"] == continuous["pivots_through_zero"] == [0, 0]
    assert raw["final_loss"] == pytest.approx(continuous["final_loss"], rel=1e-3)
    assert judge(Results(outcome["metrics"], outcome["config"])).status == "measured"
