"""Rivals learn as a CordsNet does: in every manner of counting, from both starts, side by side."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from nmcourse.models import RIVALS, Area, CordsNet, Stem, rival
from nmcourse.tasks import ImageSet
from nmcourse.training import (
    DivergenceError,
    ImageTrial,
    fit_images,
    fit_many_images,
    run_trial,
    trial_loss,
)

TRIAL = ImageTrial(blank=20, stimulus=40, after=20, window=20, rest_window=10)
AREAS, STEM = (Area(3), Area(3)), Stem(channels=2, kernel=3, stride=1, pool=False)
TRAINED_SIDE_BY_SIDE = [name for name in RIVALS if name != "twin"]  # its normalisation is not


def build(name: str, generator: torch.Generator):
    options = {"image_size": 4, "stem": STEM, "dt": 10.0, "generator": generator}
    if name == "equilibrium":
        options["tolerance"] = 1e-10
    return rival(name, AREAS, 1, 2, **options).double()


def two_classes(n: int = 24) -> ImageSet:
    """Bright above or bright below, with noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    images = 0.3 * torch.randn(n, 1, 4, 4, generator=generator, dtype=torch.float64)
    for label in (0, 1):
        images[labels == label, :, 2 * label : 2 * label + 2] += 1.0
    return ImageSet(images, labels, ("above", "below"))


@pytest.mark.parametrize("name", [n for n in RIVALS if n != "equilibrium"])
def test_every_rival_learns(name):
    model = build(name, torch.Generator().manual_seed(1))
    loss = partial(trial_loss, trial=TRIAL.counting("every", 10.0))
    result = fit_images(model, two_classes(), loss, n_steps=40, batch_size=12, learning_rate=3e-2,
                        progress=False)  # fmt: skip
    assert result.losses[-5:].mean() < 0.7 * result.losses[:5].mean()


def test_the_equilibrium_network_learns_until_it_stands_still_no_more():
    """Nothing in the loss keeps a fixed point: when it is lost, training stops and says so."""
    model = build("equilibrium", torch.Generator().manual_seed(1))
    loss = partial(trial_loss, trial=TRIAL.counting("every", 10.0))
    options = {"n_steps": 40, "batch_size": 12, "learning_rate": 5e-3, "progress": False}
    with pytest.raises(DivergenceError) as stopped:
        fit_images(model, two_classes(), loss, **options)
    assert stopped.value.losses[-1] < 0.8 * stopped.value.losses[0]
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("which", ["window", "last", "every"])
@pytest.mark.parametrize("where", ["rest", "silence"])
def test_many_at_once_learn_what_each_learns_alone(which, where):
    loss = partial(trial_loss, trial=TRIAL.counting(which, 10.0).beginning(where))
    options = {"n_steps": 2, "batch_size": 6, "learning_rate": 1e-2, "progress": False}
    for name in TRAINED_SIDE_BY_SIDE:
        many = fit_many_images(partial(build, name), two_classes(), loss, seeds=2, **options)
        model = build(name, torch.Generator().manual_seed(1))
        alone = fit_images(model, two_classes(), loss, seed=1, **options)
        torch.testing.assert_close(many.losses[:, 1], alone.losses, atol=1e-6, rtol=1e-6, msg=name)
        ours, theirs = (list(m.parameters()) for m in (many.models[1], alone.model))
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_all_networks_of_a_seed_see_the_same_images():
    seen: dict[str, list[torch.Tensor]] = {}

    def watched(name, model, images, labels):
        seen.setdefault(name, []).append(images)
        return trial_loss(model, images, labels, trial=TRIAL)

    options = {"n_steps": 3, "batch_size": 6, "seed": 4, "max_shift": 1, "progress": False}
    for name in ("discrete", "cnn_then_rnn"):
        model = build(name, torch.Generator().manual_seed(1))
        fit_images(model, two_classes(), partial(watched, name), **options)
    torch.testing.assert_close(*seen.values())


def test_where_the_answer_counts():
    model = CordsNet(AREAS, 1, 2, image_size=4, stem=STEM, dt=5.0).double()
    images, labels = two_classes().images, two_classes().labels
    outputs = run_trial(model, images, TRIAL).outputs[:, :8]
    wanted = labels[:, None].expand(-1, 8)
    entropies = -outputs.log_softmax(dim=-1).gather(-1, wanted[..., None])[..., 0].mean(dim=0)
    plain = ImageTrial(blank=20, stimulus=40, after=0, window=20, rest_window=0, rest_coefficient=0)
    for which, expected in (("last", entropies[-1]), ("every", entropies.mean())):
        loss = trial_loss(model, images, labels, plain.counting(which, 5.0))
        torch.testing.assert_close(loss, expected)
    assert plain.counting("window", 5.0) == plain


def test_where_a_trial_begins():
    model = CordsNet(AREAS, 1, 2, image_size=4, stem=STEM).double()
    torch.nn.init.normal_(model.biases[0], generator=torch.Generator().manual_seed(0))
    images = two_classes().images
    silent = run_trial(model, images, TRIAL.beginning("silence"))
    by_hand = model.respond(images, n_blank=0, n_steps=20).outputs
    torch.testing.assert_close(silent.outputs[:, :20], by_hand)
    rested = run_trial(model, images, TRIAL.beginning("rest")).outputs
    assert not torch.allclose(rested, silent.outputs)


def test_words_that_are_none():
    with pytest.raises(ValueError, match=r"which must be one of \('window', 'last', 'every'\)"):
        TRIAL.counting("first", 2.0)
    with pytest.raises(ValueError, match=r"where must be one of \('rest', 'silence'\)"):
        TRIAL.beginning("noise")
    with pytest.raises(ValueError, match="dt must be positive"):
        TRIAL.counting("last", 0.0)
    with pytest.raises(ValueError, match="window must not exceed stimulus"):
        TRIAL.counting("last", 50.0)
