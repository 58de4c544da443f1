"""Percent correct: what each way of reading the angle lets through."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.tasks import DelayedResponse, correct_trials, decode_angle, percent_correct

TASK = DelayedResponse(("DelayPro", "DelayAnti", "MemoryPro", "MemoryAnti"))


@pytest.fixture
def trials():
    return TASK.balanced(50, generator=torch.Generator().manual_seed(1))


def always_pro(trials):
    """A network that answers with the stimulus angle, whatever the task."""
    angle = trials.conditions["angle"]
    outputs = trials.targets.clone()
    after_go = outputs[..., 0] == 0
    direction = torch.stack([angle.sin(), angle.cos()], dim=-1)[:, None]
    outputs[..., 1:] = torch.where(after_go[..., None], direction, 0.0)
    return outputs


def test_the_released_metric_cannot_fail_an_always_pro_network(trials):
    outputs = always_pro(trials)
    assert percent_correct(outputs, trials, by_task=True).tolist() == [100, 0, 100, 0]
    assert percent_correct(outputs, trials).item() == 50
    released = percent_correct(outputs, trials, angle="arctan", by_task=True)
    assert released.tolist() == [100, 100, 100, 100]


def test_targets_are_correct_and_a_seed_axis_is_kept(trials):
    outputs = torch.stack([trials.targets, always_pro(trials)])
    assert percent_correct(outputs, trials).tolist() == [100, 50]
    assert percent_correct(outputs, trials, by_task=True).shape == (2, 4)


@pytest.mark.parametrize(("error", "right"), [(0.31, True), (-0.31, True), (0.32, False)])
def test_tolerance_is_a_tenth_of_pi_also_across_the_cut(error, right):
    trials = TASK.arranged("DelayPro", torch.tensor([0.1, math.pi, 6.2]))
    shifted = TASK.arranged("DelayPro", trials.conditions["angle"] + error)
    assert correct_trials(shifted.targets, trials).tolist() == [right] * 3


def test_the_released_metric_also_fails_good_answers_near_a_right_angle():
    """arctan jumps by pi there, and the released wrap-around is 2 pi."""
    trials = TASK.arranged("DelayPro", torch.tensor([math.pi / 2 - 0.05]))
    shifted = TASK.arranged("DelayPro", torch.tensor([math.pi / 2 + 0.05]))
    assert percent_correct(shifted.targets, trials).item() == 100
    sines = DelayedResponse().arranged("DelayPro", torch.tensor([0.05, -0.05])).targets
    assert decode_angle(sines[:, -1], angle="arctan").tolist() == pytest.approx([0.05, -0.05])
    assert percent_correct(shifted.targets, trials, angle="arctan").item() == 0


def test_fixation_must_hold_until_go(trials):
    outputs = trials.targets.clone()
    last_before_go = (trials.conditions["go_time"] / TASK.dt).long() - 1
    outputs[torch.arange(100), last_before_go[:100], 0] = 0.4
    assert percent_correct(outputs, trials, by_task=True).tolist() == [0, 0, 100, 100]
    outputs[:, 0, 0] = 0.4
    assert percent_correct(outputs, trials).item() == 0


def test_bad_input(trials):
    targets = trials.targets
    with pytest.raises(ValueError, match="finite"):
        percent_correct(torch.full_like(targets, math.nan), trials)
    with pytest.raises(ValueError, match=r"outputs must have shape \(.., 200, 100, 3\)"):
        percent_correct(targets[:, :50], trials)
    with pytest.raises(ValueError, match="'arctan2' or 'arctan', got 'atan'"):
        percent_correct(targets, trials, angle="atan")
    with pytest.raises(ValueError, match="tolerance must be between 0 and pi, got 4"):
        percent_correct(targets, trials, tolerance=4)
    with pytest.raises(ValueError, match=r"channels \(.., 3\)"):
        decode_angle(targets[..., :2])
