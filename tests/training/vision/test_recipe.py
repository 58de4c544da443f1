"""All stages in a row: each hands on what it has learnt, and the whole goes on after a kill."""

from __future__ import annotations

from itertools import pairwise

import torch

from nmcourse.tasks import digit_images
from nmcourse.training import ImageTrial, Recipe, train_in_stages

NAMES = ["cnn", "fold", "inverse", "linear", "annealed", "fine-tuned"]
TINY = Recipe(
    cnn_steps=3,
    inverse_steps=3,
    linear_steps=2,
    steps_per_slope=1,
    fine_tune_steps=2,
    cnn_batch=8,
    batch_size=4,
    slopes=(0.5, 0.0),
    trial=ImageTrial(blank=8, stimulus=20, after=12, window=10, rest_window=6),
)


def digits():
    images, held_out = digit_images("train", 6), digit_images("test", 6)
    return images.subset(slice(40)), held_out.subset(slice(20))


def weights(model):
    return {name: p.detach() for name, p in model.named_parameters()}


def test_every_stage_starts_where_the_one_before_ended(tmp_path):
    images, held_out = digits()
    settings = {"areas": "small-R1", "progress": False}
    stages = train_in_stages(images, held_out, TINY, folder=tmp_path, **settings)
    assert [stage.name for stage in stages] == NAMES
    lengths = [len(stage.losses) for stage in stages if stage.name != "fold"]
    assert lengths == list(TINY.steps().values()) == [3, 3, 2, 2, 2]
    assert [getattr(stage.model, "slope", None) for stage in stages] == [None] * 2 + [1, 1, 0, 0]
    networks = [weights(stage.model) for stage in stages[1:]]
    assert torch.equal(networks[0]["stem.direction"], networks[1]["stem.direction"])
    for before, after in pairwise(networks):  # a network of its own, changed but a little
        moved = (after["recurrent.0.direction"] - before["recurrent.0.direction"]).abs().max()
        assert moved > 0
    step = (networks[-1]["stem.direction"] - networks[-2]["stem.direction"]).abs().max()
    assert 0 < step <= 2 * 3 * TINY.fine_tune_rate

    again = train_in_stages(images, held_out, TINY, folder=tmp_path, **settings)  # from checkpoints
    for stage, same in zip(stages, again, strict=True):
        assert torch.equal(stage.losses, same.losses)
        assert stage.checks == same.checks


def test_another_seed_is_another_network():
    images, held_out = digits()
    settings = {"areas": "small-R1", "progress": False}
    first, second = (train_in_stages(images, held_out, TINY, seed=s, **settings) for s in (0, 1))
    for stage, other in zip(first, second, strict=True):
        if len(stage.losses):
            assert not torch.equal(stage.losses, other.losses)


def test_the_published_number_of_slopes():
    assert Recipe().steps()["annealed"] == 20 * Recipe().steps_per_slope
