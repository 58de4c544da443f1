"""All stages in a row: each hands on what it has learnt, and the whole goes on after a kill."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from nmcourse.models import Area, Stem
from nmcourse.tasks import digit_images
from nmcourse.training import CheckpointError, ImageTrial, Recipe, train_in_stages, train_linear

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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps_per_slope": 0}, "steps_per_slope must be a positive integer, got 0"),
        ({"cnn_steps": 0}, "cnn_steps must be a positive integer, got 0"),
        ({"inverse_steps": 2.5}, "inverse_steps must be a positive integer, got 2.5"),
        ({"linear_steps": -1}, "linear_steps must be a positive integer, got -1"),
        ({"fine_tune_steps": True}, "fine_tune_steps must be a positive integer, got True"),
        ({"cnn_batch": 0}, "cnn_batch must be a positive integer, got 0"),
        ({"batch_size": "16"}, "batch_size must be a positive integer, got '16'"),
        ({"cnn_rate": -1.0}, "cnn_rate must be positive, got -1.0"),
        ({"inverse_rate": 0.0}, "inverse_rate must be positive, got 0.0"),
        ({"linear_rate": "1e-2"}, "linear_rate must be positive, got '1e-2', which is text"),
        ({"anneal_rate": float("nan")}, "anneal_rate must be positive, got nan"),
        ({"fine_tune_rate": None}, "fine_tune_rate must be positive, got None"),
        ({"max_shift": -1}, "max_shift must be zero or a positive integer, got -1"),
        ({"slopes": ()}, "slopes must fall from at most 1 to 0, got []"),
        ({"slopes": (0.5, 0.6, 0.0)}, "slopes must fall from at most 1 to 0, got [0.5, 0.6, 0.0]"),
        ({"slopes": (0.5,)}, "slopes must fall from at most 1 to 0, got [0.5]"),
        ({"slopes": (0.5, "0")}, "slopes must be numbers that fall to 0, got '0'"),
        ({"slopes": 0.0}, "slopes must be numbers that fall to 0, got 0.0"),
        ({"trial": None}, "trial must be an ImageTrial, got None"),
    ],
    ids=str,
)
def test_settings_are_checked_when_they_are_made(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        Recipe(**settings)


def test_whole_numbers_of_other_libraries_and_a_list_of_slopes():
    recipe = Recipe(cnn_steps=np.int64(3), batch_size=torch.tensor(4), slopes=[0.5, 0.0])
    assert (recipe.cnn_steps, recipe.batch_size, recipe.slopes) == (3, 4, (0.5, 0.0))
    assert type(recipe.cnn_steps) is int


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 41}, "batch_size must be at most the 40 images given, got 41"),
        ({"cnn_batch": 41}, "cnn_batch must be at most the 40 images given, got 41"),
        ({"max_shift": 6}, "max_shift must be from 0 to 5 pixels, got 6"),
        (
            {"trial": replace(TINY.trial, blank=3.0)},
            "blank must be a non-negative multiple of dt=2.0 ms, got 3.0 ms",
        ),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused_before_training(tmp_path, settings, message):
    images, held_out = digits()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        train_in_stages(images, held_out, replace(TINY, **settings), folder=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_images_that_do_not_fit_are_refused_before_training():
    images, held_out = digits()
    with pytest.raises(ValueError, match=r"^held_out must have channels, pixels and classes as "):
        train_in_stages(images, held_out.resized(7), TINY)
    with pytest.raises(ValueError, match=r"^held_out must be an ImageSet, got Tensor"):
        train_in_stages(images, held_out.images, TINY)
    with pytest.raises(ValueError, match=r"^seed must be a whole number, got 0.5"):
        train_in_stages(images, held_out, TINY, seed=0.5)


def test_areas_may_be_given_in_place_of_a_name():
    images, held_out = digits()
    areas, stem = [Area(4), Area(4)], Stem(channels=4, kernel=3, stride=1, pool=False)
    stages = train_in_stages(images, held_out, TINY, areas=areas, stem=stem, progress=False)
    assert [stage.name for stage in stages] == NAMES
    network = stages[-1].model
    assert network.wiring.areas == tuple(areas)
    assert network.wiring.stem == stem
    linear = train_linear(images, held_out, TINY, areas=areas, stem=stem, progress=False)[-1]
    assert torch.equal(linear.losses, stages[3].losses)


@pytest.mark.parametrize("areas", [[3, 4], None, Area(3), {"a": Area(3)}])
def test_what_is_no_list_of_areas_is_refused_before_training(areas):
    images, held_out = digits()
    with pytest.raises(ValueError, match=r"^areas must be the name of a preset or a list of Area"):
        train_in_stages(images, held_out, TINY, areas=areas, progress=False)


def test_what_is_no_recipe_is_refused():
    images, held_out = digits()
    with pytest.raises(ValueError, match=r"^recipe must be a Recipe or None, got \{'cnn"):
        train_in_stages(images, held_out, {"cnn_steps": 3}, areas="small-R1", progress=False)


def test_stages_with_a_coarser_step(tmp_path):
    images, held_out = digits()
    settings = {"areas": "small-R1", "progress": False, "folder": tmp_path}
    coarse = replace(
        TINY, trial=ImageTrial(blank=5, stimulus=20, after=10, window=10, rest_window=5)
    )
    stages = train_in_stages(images, held_out, coarse, dt=5.0, **settings)
    assert [stage.model.dt for stage in stages[2:]] == [5.0] * 4
    with pytest.raises(CheckpointError, match="dt"):  # checkpoints of another equation
        train_in_stages(images, held_out, coarse, dt=2.5, **settings)


@pytest.mark.parametrize("dt", [0.0, -2.0, 20.0, float("nan"), "fast"])
def test_a_step_that_no_network_can_have_is_refused_before_training(dt, tmp_path):
    images, held_out = digits()
    with pytest.raises(ValueError, match="dt"):
        train_in_stages(images, held_out, TINY, areas="small-R1", dt=dt, folder=tmp_path)
    assert not list(tmp_path.iterdir())
