"""Delayed-response tasks against their definition."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.tasks import TASK_NAMES, DelayedResponse

FOUR = TASK_NAMES[:4]


def draw(n_trials: int = 400, tasks=FOUR, **settings):
    return DelayedResponse(tasks, **settings).sample(
        n_trials, generator=torch.Generator().manual_seed(0)
    )


def test_one_arranged_trial_by_hand():
    task = DelayedResponse(FOUR, n_steps=10)
    trials = task.arranged(
        "MemoryAnti", torch.tensor([0.5]), stimulus_time=20, stimulus_end=40, go_time=70
    )
    sin, cos = math.sin(0.5), math.cos(0.5)
    on = [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
    go = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    inputs = torch.tensor([[1.0 - g, sin * o, cos * o] for o, g in zip(on, go, strict=True)])
    targets = torch.tensor([[0.8 - 0.8 * g, -sin * g, -cos * g] for g in go])
    torch.testing.assert_close(trials.inputs[0], inputs)
    torch.testing.assert_close(trials.targets[0], targets)
    assert trials.context[0].tolist() == [[0, 0, 0, 1]] * 10
    assert (trials.mask == 1).all()


def test_delay_stimulus_stays_and_memory_stimulus_goes_before_go():
    trials = draw()
    which, times = trials.conditions["task"], trials.conditions
    delayed = which < 2
    assert (times["stimulus_end"][delayed] == 1000).all()
    assert (times["stimulus_end"][~delayed] < times["go_time"][~delayed]).all()
    shown = trials.inputs[:, -1, 1:].norm(dim=-1)
    torch.testing.assert_close(shown, delayed.float())


@pytest.mark.parametrize(
    ("kind", "on", "go"), [("Delay", (12, 59), (42, 89)), ("Memory", (7, 50), (50, 93))]
)
def test_times_keep_the_proportions_of_the_phases(kind, on, go):
    """Bounds: shortest phase over the longest trial with it, and the other way round."""
    trials = draw(2000, [f"{kind}Pro", f"{kind}Anti"])
    for name, (low, high) in (("stimulus_time", on), ("go_time", go)):
        steps = trials.conditions[name] / 10
        assert steps.min() >= low
        assert steps.max() <= high
    if kind == "Delay":  # median of the released sampler: step 74; Memory: 82
        assert abs(steps.median() - 74) <= 2
    else:
        assert abs(steps.median() - 82) <= 2


def test_anti_is_opposite_and_context_alone_tells_the_tasks_apart():
    angles = torch.linspace(0, 6, 7)
    pro, anti = (DelayedResponse(FOUR).arranged(name, angles) for name in ("DelayPro", "DelayAnti"))
    assert torch.equal(pro.inputs, anti.inputs)
    torch.testing.assert_close(pro.targets[:, -1, 1:], -anti.targets[:, -1, 1:])
    assert not torch.equal(pro.context, anti.context)


def test_contexts_leave_room_for_a_task_to_come():
    trials = draw(50, FOUR[:3], contexts=FOUR)
    assert trials.context.shape == (50, 100, 4)
    assert (trials.context[..., 3] == 0).all()
    assert torch.equal(trials.context[:, 0].argmax(-1), trials.conditions["task"])
    later = draw(5, ["MemoryAnti"], contexts=FOUR)
    assert (later.context.argmax(-1) == 3).all()


def test_decision_tasks_ask_for_the_stronger_stimulus():
    trials = draw(300, ("DM1", "DM2", "DelayPro"))
    assert trials.inputs.shape[-1] == 5
    conditions = trials.conditions
    which, coherence = conditions["task"], conditions["coherence"]
    decides = which < 2
    assert (coherence[~decides] == 0).all()
    size = coherence[decides].abs()
    assert size.min() >= 0.1
    assert size.max() <= 0.8
    # size and sign are drawn independently
    assert abs(size[coherence[decides] > 0].mean() - size[coherence[decides] < 0].mean()) < 0.06
    first, second = conditions["angle"], conditions["second_angle"]
    asked = torch.where(coherence >= 0, first, second)
    torch.testing.assert_close(conditions["asked_angle"], asked)
    apart = (second - first).remainder(2 * math.pi)[decides]
    assert apart.min() >= math.pi / 2 - 1e-4
    assert apart.max() <= 3 * math.pi / 2 + 1e-4
    strengths = trials.inputs[..., 1:3].norm(dim=-1).amax(-1)[which == 0]
    torch.testing.assert_close(strengths, 1 + coherence[which == 0].abs())
    assert (trials.inputs[which == 1][..., 1:3] == 0).all()
    assert (trials.inputs[which == 0][..., 3:] == 0).all()


def test_balanced_trials_and_reproducible_draws():
    task = DelayedResponse(FOUR, input_noise=0.1)
    first, second = (task.balanced(3, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert first.conditions["task"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert torch.equal(first.inputs, second.inputs)
    assert first.inputs[:, 0, 1:].std() > 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ["DelayPro", "Delay"]}, "tasks must be different names of DelayPro"),
        ({"tasks": []}, "tasks must be"),
        ({"tasks": "DelayPro"}, "sequence of names, got the text 'DelayPro'"),
        ({"tasks": ["DelayPro", "DelayPro"]}, "different"),
        ({"contexts": ["DelayPro", "Up"]}, "contexts must be different names"),
        ({"contexts": ["DelayPro"]}, "contexts must hold every task"),
        ({"n_steps": 5}, "n_steps must be an integer of at least 10, got 5"),
        ({"input_noise": -1.0}, "input_noise must be zero or positive, got -1.0"),
        ({"dt": 0.0}, "dt must be a positive time"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        DelayedResponse(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"angles": torch.tensor([0.0, math.nan])}, "angles must be finite"),
        ({"task": "MemoryAnti"}, "task must be one of"),
        ({"go_time": 2000.0}, "times must keep the order"),
        ({"stimulus_time": 800.0}, "times must keep the order"),
        ({"stimulus_time": 15.0}, "multiple of dt"),
        ({"stimulus_end": 900.0}, "times must keep the order"),
    ],
)
def test_bad_arrangements(arguments, message):
    arguments = {"task": "MemoryPro", "angles": torch.zeros(2)} | arguments
    with pytest.raises(ValueError, match=message):
        DelayedResponse().arranged(**arguments)


@pytest.mark.parametrize("count", [0, 2.5])
def test_bad_counts(count):
    with pytest.raises(ValueError, match="n_trials must be a positive integer"):
        DelayedResponse().sample(count)
    with pytest.raises(ValueError, match="n_per_task must be a positive integer"):
        DelayedResponse().balanced(count)
