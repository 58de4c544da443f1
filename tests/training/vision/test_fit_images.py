"""Training on images: one network, many at once, and the loop that they share with trials."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from nmcourse.models import Area, CordsNet, Stem, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import (
    CheckpointError,
    DivergenceError,
    ImageTrial,
    fit_images,
    fit_many_images,
    trial_loss,
)
from nmcourse.training.vision.fit_images import shifted

AREAS, STEM = [Area(3), Area(3)], Stem(3, 3, 1, False)
TRIAL = ImageTrial(blank=4, stimulus=12, after=8, window=6, rest_window=4)
SEEN = partial(trial_loss, trial=TRIAL)
SETTINGS = {"n_steps": 6, "batch_size": 4, "learning_rate": 1e-2, "progress": False}


def build(generator: torch.Generator) -> CordsNet:
    return CordsNet(AREAS, 1, 2, image_size=4, stem=STEM, generator=generator).double()


def bars(n=12) -> ImageSet:
    """Upright and lying bars, with a little noise: two classes."""
    labels = torch.arange(n) % 2
    pictures = 0.1 * torch.rand(n, 1, 4, 4, dtype=torch.float64, generator=seed())
    pictures[labels == 0, :, :, 1] += 1.0
    pictures[labels == 1, :, 2, :] += 1.0
    return ImageSet(pictures, labels, ("upright", "lying"))


def seed(number=0):
    return torch.Generator().manual_seed(number)


def parameters(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_training_reduces_the_loss():
    settings = SETTINGS | {"n_steps": 60, "batch_size": 8, "learning_rate": 5e-2}
    result = fit_images(build(seed()), bars(), SEEN, **settings)
    assert result.losses.shape == (60,)
    assert result.losses[-5:].mean() < 0.6 * result.losses[:5].mean()


def test_a_step_is_adamw_on_the_clipped_gradient_of_the_drawn_images():
    """With all images at once nothing is left to chance but their order, which does not matter."""
    images, model, other = bars(), build(seed()), build(seed())
    settings = SETTINGS | {"n_steps": 1, "batch_size": None, "schedule": "constant"}
    result = fit_images(model, images, SEEN, clip_norm=0.01, **settings)
    loss = trial_loss(other, images.images, images.labels, TRIAL)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(other.parameters(), 0.01)
    torch.optim.AdamW(other.parameters(), lr=1e-2, weight_decay=0.0).step()
    torch.testing.assert_close(result.losses[0], loss.detach())
    torch.testing.assert_close(result.gradient_norms[0], norm)
    torch.testing.assert_close(parameters(model), parameters(other), rtol=1e-5, atol=1e-7)


def test_many_networks_end_where_each_would_have_ended_alone():
    together = fit_many_images(build, bars(), SEEN, seeds=[3, 5], max_shift=1, **SETTINGS)
    assert together.losses.shape == (6, 2)
    assert not torch.allclose(together.losses[:, 0], together.losses[:, 1])
    for number, model in zip(together.seeds, together.models, strict=True):
        alone = fit_images(build(seed(number)), bars(), SEEN, seed=number, max_shift=1,
                           **SETTINGS)  # fmt: skip
        torch.testing.assert_close(parameters(model), parameters(alone.model), rtol=1e-6, atol=1e-8)


def test_networks_that_exist_are_trained_as_those_that_are_built():
    built = fit_many_images(build, bars(), SEEN, seeds=[3, 5], **SETTINGS)
    given = [build(seed(3)), build(seed(5))]
    found = fit_many_images(given, bars(), SEEN, seeds=[3, 5], **SETTINGS)
    assert torch.equal(found.losses, built.losses)
    for one, two in zip(built.models, given, strict=True):
        assert torch.equal(parameters(one), parameters(two))


def test_a_killed_training_ends_as_if_it_had_not_been_killed(tmp_path):
    images, path = bars(), tmp_path / "run.pt"
    whole = fit_images(build(seed()), images, SEEN, **SETTINGS)

    class Killed(Exception):
        pass

    calls = []

    def dies(model, *data):
        calls.append(1)
        if len(calls) == 5:
            raise Killed
        return trial_loss(model, *data, TRIAL)

    dies.__qualname__ = "dies"
    kept = {"checkpoint": path, "checkpoint_every": 2}
    with pytest.raises(Killed):
        fit_images(build(seed()), images, dies, **kept, **SETTINGS)
    calls.extend([1] * 10)  # from now on it lives
    again = fit_images(build(seed(9)), images, dies, **kept, **SETTINGS)
    assert torch.equal(parameters(whole.model), parameters(again.model))
    assert torch.equal(whole.losses, again.losses)


def test_a_checkpoint_of_other_images_or_another_loss_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    settings = {"checkpoint": path, **SETTINGS}
    fit_images(build(seed()), bars(), SEEN, **settings)
    with pytest.raises(CheckpointError, match="belongs to another run"):
        fit_images(build(seed()), bars(10), SEEN, **settings)
    other = partial(trial_loss, trial=replace(TRIAL, window=4))
    with pytest.raises(CheckpointError, match="belongs to another run"):
        fit_images(build(seed()), bars(), other, **settings)


def cnn(generator):
    return TwinCNN(AREAS, 1, 2, image_size=4, stem=STEM, generator=generator).double()


def class_loss(model, images, labels):
    return torch.nn.functional.cross_entropy(model(images), labels)


def test_running_means_are_trained_and_resumed_too(tmp_path):
    """Batch normalisation changes buffers, which ``parameters`` does not hold."""
    images, path = bars(), tmp_path / "run.pt"
    whole = fit_images(cnn(seed()).train(), images, class_loss, **SETTINGS).model
    assert whole.stem_norm.num_batches_tracked == 6
    assert not torch.equal(whole.stem_norm.running_mean, torch.zeros(3))
    calls = []

    def dies(model, *data):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return class_loss(model, *data)

    kept = {"checkpoint": path, "checkpoint_every": 1}
    with pytest.raises(KeyboardInterrupt):
        fit_images(cnn(seed()).train(), images, dies, **kept, **SETTINGS)
    again = fit_images(cnn(seed(9)).train(), images, dies, **kept, **SETTINGS).model
    for name, values in whole.state_dict().items():
        assert torch.equal(values, again.state_dict()[name]), name


def test_a_network_that_diverges_says_when_and_the_others_go_on():
    with pytest.raises(DivergenceError, match="diverged at step 0"):
        fit_images(exploding(seed(1)), bars(), SEEN, **SETTINGS)
    with pytest.warns(UserWarning, match="seed 1 diverged at step 0"):
        result = fit_many_images(exploding, bars(), SEEN, seeds=2, **SETTINGS)
    assert result.diverged == {1: 0}
    alone = fit_images(build(seed(0)), bars(), SEEN, **SETTINGS)
    torch.testing.assert_close(parameters(result.models[0]), parameters(alone.model))


def exploding(generator):
    """Seed 1 has recurrent weights that no activity survives."""
    model = build(generator)
    if generator.initial_seed() == 1:
        for layer in model.recurrent:
            layer.length.data.mul_(1e120)
    return model


def test_frozen_parts_stay():
    model, before = build(seed()), parameters(build(seed()))
    fit_images(model, bars(), SEEN, freeze=("recurrent weights",), **SETTINGS)
    theirs = build(seed()).recurrent.parameters()
    kept = [torch.equal(p, q) for p, q in zip(model.recurrent.parameters(), theirs, strict=True)]
    assert all(kept)
    assert not torch.equal(parameters(model), before)


def test_shifts_move_whole_pixels_and_bring_in_zeros():
    image = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    down = torch.tensor([[0, 0, 0], [1, 2, 3], [4, 5, 6]])
    left = torch.tensor([[2, 3, 0], [5, 6, 0], [8, 9, 0]])
    assert torch.equal(shifted(image, 1, 0)[0, 0], down.float())
    assert torch.equal(shifted(image, 0, -1)[0, 0], left.float())
    assert torch.equal(shifted(image, 0, 0), image)
    assert shifted(image, -2, 2).sum() == 7
    assert image.sum() == 45  # the original is left alone


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 13}, "batch_size must be at most the 12 images given, got 13"),
        ({"max_shift": 4}, "max_shift must be from 0 to 3 pixels, got 4"),
        ({"max_shift": -1}, "max_shift must be from 0 to 3 pixels, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
    ],
    ids=str,
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        fit_images(build(seed()), bars(), SEEN, **SETTINGS | change)


def test_bad_data_and_bad_seeds():
    with pytest.raises(ValueError, match="images must be an ImageSet, got Tensor"):
        fit_images(build(seed()), bars().images, SEEN, **SETTINGS)
    with pytest.raises(ValueError, match="seeds must be at least one and all different"):
        fit_many_images(build, bars(), SEEN, seeds=[1, 1], **SETTINGS)
