"""Trials: what belongs together stays together."""

from __future__ import annotations

import re

import pytest
import torch

from nmcourse.tasks import MeasureWaitGo, Task, Trials


@pytest.fixture
def trials() -> Trials:
    return Trials(
        torch.randn(5, 4, 3),
        torch.randn(5, 4, 2),
        torch.ones(5, 4, 1),
        torch.randn(5, 4, 6),
        {"number": torch.arange(5)},
    )


def parts(trials: Trials) -> list[torch.Tensor]:
    return [trials.inputs, trials.targets, trials.mask, trials.context, trials.conditions["number"]]


@pytest.mark.parametrize(
    "which",
    [slice(1, 3), torch.tensor([4, 0]), [2], torch.tensor([True, False, True, False, False])],
    ids=str,
)
def test_indexing_takes_the_same_trials_of_everything(trials, which):
    for taken, whole in zip(parts(trials[which]), parts(trials), strict=True):
        assert torch.equal(taken, whole[which])
    assert len(trials[which]) == len(torch.arange(5)[which])


def test_indexing_without_context():
    trials = Trials(torch.zeros(3, 4, 1), torch.zeros(3, 4, 1), torch.ones(3, 4, 1))
    assert trials[:2].context is None
    assert len(trials[:2]) == 2


def test_a_number_is_no_index(trials):
    with pytest.raises(
        ValueError, match="which must be a slice or an index tensor, got the number 3"
    ):
        trials[3]
    with pytest.raises(ValueError, match="which must be a slice or an index tensor"):
        next(iter(trials))


def test_to_changes_floats_and_leaves_conditions(trials):
    moved = trials.to(torch.float64)
    for name in ("inputs", "targets", "mask", "context"):
        assert getattr(moved, name).dtype == torch.float64
        assert torch.equal(getattr(moved, name), getattr(trials, name).double())
    assert moved.conditions["number"].dtype == torch.int64
    assert trials.inputs.dtype == torch.float32


def test_to_a_device_moves_everything(trials):
    moved = trials.to("meta")
    assert {part.device.type for part in parts(moved)} == {"meta"}


def test_to_leaves_a_missing_context_missing():
    trials = Trials(torch.zeros(3, 4, 1), torch.zeros(3, 4, 1), torch.ones(3, 4, 1))
    assert trials.to(torch.float64).context is None


@pytest.mark.parametrize("name", ["targets", "mask", "context"])
def test_parts_have_the_same_trials_and_steps(name):
    arguments = {part: torch.zeros(5, 4, 1) for part in ("inputs", "targets", "mask", "context")}
    Trials(**arguments)
    message = f"{name} must start with (trial, time) = (5, 4) as inputs do, got (5, 3, 1)"
    with pytest.raises(ValueError, match=re.escape(message)):
        Trials(**arguments | {name: torch.zeros(5, 3, 1)})


def test_mask_has_one_channel():
    with pytest.raises(
        ValueError, match=re.escape("mask must have one channel, got shape (5, 4, 2)")
    ):
        Trials(torch.zeros(5, 4, 3), torch.zeros(5, 4, 2), torch.ones(5, 4, 2))


def test_conditions_have_one_entry_per_trial():
    parts = (torch.zeros(5, 4, 3), torch.zeros(5, 4, 1), torch.ones(5, 4, 1))
    message = "conditions['interval'] must have shape (5,), one entry per trial, got (4,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        Trials(*parts, conditions={"interval": torch.zeros(4)})


def test_channels_are_counted_by_their_names():
    task = MeasureWaitGo()
    assert (task.n_inputs, task.n_outputs, task.n_context) == (3, 1, 0)
    assert task.input_names == ("measure", "wait", "go")
    assert task.output_names == ("ramp",)


def test_a_task_without_end_says_so():
    class Endless(Task):
        input_names, output_names, dt, n_steps = ("a",), ("b",), 10.0, 5

        def sample(self, n_trials, *, generator=None):
            return Trials(*(torch.zeros(n_trials, 5, 1) for _ in range(3)))

    with pytest.raises(NotImplementedError, match="Endless has no finite list of trials"):
        Endless().enumerate()
