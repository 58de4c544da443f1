"""Training computes on the device that is asked for, and gives the model back where it was.

The device "meta" has shapes and no values: a tensor that is left behind stops the computation.
"""

from __future__ import annotations

import importlib
from functools import partial

import pytest
import torch

from nmcourse.models import Area, CordsNet, PixelRNN, TwinCNN
from nmcourse.tasks import MeasureWaitGo
from nmcourse.tasks.vision.images import ImageSet
from nmcourse.training import ImageTrial, class_loss, fit, fit_images, fit_many, trial_loss
from nmcourse.training._networks import Networks
from nmcourse.training.fit import TrialStream
from nmcourse.training.options import FitOptions
from nmcourse.training.vision.fit_images import _Images

TRIAL = ImageTrial(blank=6.0, stimulus=12.0, after=6.0, window=6.0, rest_window=4.0)


@pytest.fixture
def images(seeded) -> ImageSet:
    return ImageSet(torch.rand(6, 1, 8, 8, generator=seeded(0)), torch.arange(6) % 3, tuple("abc"))


def squared_error(outputs: torch.Tensor, targets: torch.Tensor, mask: torch.Tensor):
    """``masked_mse`` would look whether the mask is empty, and there are no values to look at."""
    return ((outputs - targets).square() * mask).mean(dim=(-3, -2, -1))


def gradients(objective, networks: Networks) -> list[torch.Tensor]:
    trained = [values.requires_grad_() for values in networks.parameters.values()]
    objective.draw()
    losses = objective.losses(networks)
    assert losses.device.type == "meta"
    return list(torch.autograd.grad(losses.sum(), trained, allow_unused=True))


@pytest.mark.parametrize("n_seeds", [1, 3])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_trials_and_networks_meet_on_the_device(build, task, seeded, n_seeds, batch_size):
    networks = Networks([build(seeded(seed)) for seed in range(n_seeds)], "meta")
    options = FitOptions(n_steps=1, batch_size=batch_size, loss=squared_error)
    objective = TrialStream(task, networks, list(range(n_seeds)), options)
    found = gradients(objective, networks)
    assert {gradient.device.type for gradient in found if gradient is not None} == {"meta"}


@pytest.mark.parametrize("kind", ["cordsnet", "cnn", "pixel"])
def test_images_and_networks_meet_on_the_device(kind, images, seeded):
    if kind == "pixel":
        model = PixelRNN(5, 1, 3, image_size=(8, 8), generator=seeded(0))
    else:
        areas, size = [Area(3), Area(3, 2)], {"image_size": 8, "generator": seeded(0)}
        model = (CordsNet if kind == "cordsnet" else TwinCNN)(areas, 1, 3, **size)
    seen = class_loss if kind == "cnn" else partial(trial_loss, trial=TRIAL)
    networks = Networks([model], "meta")
    objective = _Images(images, seen, networks, [0], batch_size=4, max_shift=1)
    found = gradients(objective, networks)
    assert {gradient.device.type for gradient in found if gradient is not None} == {"meta"}


@pytest.mark.parametrize("train", [fit, fit_many])
def test_the_networks_are_made_on_the_device_that_is_asked_for(train, small, task, seeded):
    asked = []

    def made(models, device):
        asked.append(device)
        return Networks(models)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("nmcourse.training.fit"), "Networks", made)
        what = small(seeded(0)) if train is fit else small
        train(what, task, n_steps=1, progress=False, device="meta")
    assert asked == ["meta"]


def test_the_model_stays_where_it_is(small, task, seeded):
    alone, told = small(seeded(0)), small(seeded(0))
    fit(alone, task, n_steps=3, progress=False)
    fit(told, task, n_steps=3, progress=False, device="cpu")
    for one, two in zip(alone.parameters(), told.parameters(), strict=True):
        assert two.device.type == "cpu"
        assert torch.equal(one, two)


@pytest.mark.parametrize("device", ["cuda:99", "gpu"])
def test_a_device_that_is_not_there_is_named_before_anything_is_trained(device, small, seeded):
    model = small(seeded(0))
    before = [values.clone() for values in model.parameters()]
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used here: "):
        fit(model, MeasureWaitGo(), n_steps=3, progress=False, device=device)
    for one, two in zip(before, model.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_run_may_go_on_on_another_device(small, task, seeded, tmp_path):
    file, model = tmp_path / "run.ckpt", small(seeded(0))
    options = {"n_steps": 4, "progress": False, "checkpoint": file, "checkpoint_every": 2}
    fit(model, task, **options)
    again = small(seeded(0))
    fit(again, task, device="cpu", **options)  # reads the file, and has nothing left to do
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_settings_of_image_training_reach_the_device(images, seeded):
    model = TwinCNN([Area(3), Area(3, 2)], 1, 3, image_size=8, generator=seeded(0))
    with pytest.raises(ValueError, match="device 'gpu'"):
        fit_images(model, images, class_loss, n_steps=1, device="gpu")
