"""Row-by-row digits: what is shown when, who is never trained on, and when a class is right."""

from __future__ import annotations

import re

import pytest
import torch
from sklearn.datasets import load_digits

from nmcourse.tasks import RowByRowDigits, class_accuracy


def complains(message: str):
    return pytest.raises(ValueError, match="^" + re.escape(message))


def test_every_image_is_in_one_split():
    train = RowByRowDigits("train", steps_per_row=1).enumerate()
    test = RowByRowDigits("test", steps_per_row=1).enumerate()
    assert (len(train), len(test)) == (1437, 360)
    images = torch.cat([train.inputs, test.inputs]).flatten(1)
    labels = torch.cat([train.conditions["label"], test.conditions["label"]])
    data = load_digits()
    ours = torch.cat([16 * images, labels[:, None].to(images)], dim=1)
    theirs = torch.as_tensor([[*x, y] for x, y in zip(data.data, data.target, strict=True)])
    assert sorted(ours.tolist()) == sorted(theirs.tolist())
    for labels in (train.conditions["label"], test.conditions["label"]):
        share = torch.bincount(labels, minlength=10) / len(labels)
        assert share.min() > 0.05  # every digit is in both
        assert share.max() < 0.14


def test_rows_are_held_from_top_to_bottom():
    task = RowByRowDigits(steps_per_row=3)
    trials = task.enumerate()[:4]
    one = RowByRowDigits(steps_per_row=1).enumerate()[:4].inputs
    assert trials.inputs.shape == (4, 24, 8)
    assert task.n_steps == 24
    for step in range(24):
        assert torch.equal(trials.inputs[:, step], one[:, step // 3])
    assert one.min() == 0
    assert 0.9 < one.max() <= 1


def test_only_the_last_step_counts_and_the_target_is_the_class():
    trials = RowByRowDigits("test").enumerate()
    assert (trials.mask[:, :-1] == 0).all()
    assert (trials.mask[:, -1] == 1).all()
    assert torch.equal(trials.targets[:, -1].argmax(-1), trials.conditions["label"])
    assert (trials.targets.sum(-1) == 1).all()


def test_drawn_images_differ_from_one_another_and_follow_the_generator():
    task = RowByRowDigits()
    draws = [task.sample(50, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(draws[0].inputs, draws[1].inputs)
    assert not torch.equal(draws[0].inputs, draws[2].inputs)
    which = draws[0].conditions["image"]
    assert len(which.unique()) == 50
    assert torch.equal(draws[0].inputs, task.enumerate()[which].inputs)


def test_accuracy_by_hand():
    targets = torch.eye(3)[[0, 1, 2, 0]][:, None].expand(4, 5, 3)
    outputs = torch.zeros(2, 4, 5, 3)
    outputs[0, :, -1] = torch.eye(3)[[0, 1, 2, 0]]  # all right
    outputs[1, :, -1] = torch.eye(3)[[0, 2, 2, 1]]  # half right
    outputs[:, :, 0] = torch.eye(3)[1]  # does not count
    assert class_accuracy(outputs, targets).tolist() == [1.0, 0.5]


def test_bad_input():
    with complains("split must be 'train' or 'test', got 'all'"):
        RowByRowDigits("all")
    with complains("steps_per_row must be a positive integer, got 0"):
        RowByRowDigits(steps_per_row=0)
    with complains("dt must be a positive time in ms, got -1"):
        RowByRowDigits(dt=-1)
    for wrong in (0, 361, 2.0):
        with complains(f"n_trials must be in 1..360, the images of the split, got {wrong!r}"):
            RowByRowDigits("test").sample(wrong)
    with complains("outputs must have shape (.., 4, 5, 3) as the targets do, got (4, 5, 2)"):
        class_accuracy(torch.zeros(4, 5, 2), torch.zeros(4, 5, 3))
    with complains("outputs must be finite at the last step, got NaN or infinity"):
        class_accuracy(torch.full((4, 5, 3), torch.nan), torch.zeros(4, 5, 3))
