"""The stages of training: each does what it says, its check can fail, and it can be resumed."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch

from nmcourse.models import Area, CordsNet, Stem, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import ImageTrial, fit_images
from nmcourse.training.vision.cnn_stages import fold_cnn, train_cnn
from nmcourse.training.vision.stage_checks import accuracy, has_learnt
from nmcourse.training.vision.stages import (
    HELD_IMAGE,
    SLOPES,
    anneal_stage,
    fine_tune,
    inverse_stage,
    linear_stage,
    start_from_cnn,
)

AREAS, STEM = [Area(3), Area(3)], Stem(3, 3, 1, False)
SHORT = ImageTrial(blank=10, stimulus=40, after=20, window=10, rest_window=6)
HELD = ImageTrial(blank=0, stimulus=40, after=0, window=10, rest_window=0, rest_coefficient=0)
QUICK = {"batch_size": 8, "learning_rate": 2e-2, "progress": False}


def bars(seed: int, n: int = 24) -> ImageSet:
    """Upright and lying bars, with a little noise: two classes."""
    labels = torch.arange(n) % 2
    pictures = 0.1 * torch.rand(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed))
    pictures[labels == 0, :, :, 1] += 1.0
    pictures[labels == 1, :, 2, :] += 1.0
    return ImageSet(pictures, labels, ("upright", "lying"))


IMAGES, HELD_OUT = bars(0), bars(1)


def new_cnn(seed: int = 0) -> TwinCNN:
    generator = torch.Generator().manual_seed(seed)
    return TwinCNN(AREAS, 1, 2, image_size=4, stem=STEM, generator=generator)


def new_network(slope: float = 0.0) -> CordsNet:
    generator = torch.Generator().manual_seed(0)
    return CordsNet(AREAS, 1, 2, image_size=4, stem=STEM, slope=slope, generator=generator)


@pytest.fixture(scope="module")
def trained() -> TwinCNN:
    return train_cnn(new_cnn(), IMAGES, HELD_OUT, n_steps=40, **QUICK).model


@pytest.fixture(scope="module")
def folded(trained) -> TwinCNN:
    return fold_cnn(trained, HELD_OUT).model


def same(model, other) -> bool:
    ours, theirs = model.state_dict(), other.state_dict()
    return all(torch.equal(values, theirs[name]) for name, values in ours.items())


def test_the_cnn_learns():
    stage = train_cnn(new_cnn(), IMAGES, HELD_OUT, n_steps=40, **QUICK)
    assert stage.checks["accuracy"] == 1.0
    assert stage.passed
    assert not stage.model.training  # evaluated and folded with its running means
    assert stage.losses[-5:].mean() < 0.5 * stage.losses[:5].mean()


def test_a_cnn_that_has_learnt_nothing_does_not_pass():
    wrong = ImageSet(HELD_OUT.images, 1 - HELD_OUT.labels, HELD_OUT.class_names)
    assert not train_cnn(new_cnn(), IMAGES, wrong, n_steps=40, **QUICK).passed


def test_folding_keeps_the_accuracy(trained, monkeypatch):
    stage = fold_cnn(trained, HELD_OUT)
    assert stage.passed
    assert stage.checks["accuracy"] == stage.checks["accuracy_before"]
    assert stage.checks["changed_answers"] == 0
    assert stage.checks["largest_difference"] < 1e-5
    assert stage.model.folded
    assert not trained.folded
    with pytest.raises(ValueError, match="this one is folded already"):
        train_cnn(stage.model, IMAGES, HELD_OUT, n_steps=1, **QUICK)


def test_folding_in_training_mode_would_be_noticed(trained):
    """Normalised by the batch and not by running means: another function."""
    wrong = copy.deepcopy(trained).train()
    stage = fold_cnn(wrong, HELD_OUT)
    assert stage.checks["largest_difference"] > 1e-3
    assert not stage.passed


def test_the_start_is_the_cnn_but_for_what_the_inverse_stage_learns(folded):
    model = start_from_cnn(folded, generator=torch.Generator().manual_seed(3))
    assert model.slope == 1.0
    for name, values in model.named_parameters():
        if not name.startswith(("recurrent", "biases")):
            assert torch.equal(values, dict(folded.named_parameters())[name]), name
    assert torch.equal(model.biases[1], folded.feedforward_biases[1] + folded.biases[1])
    with pytest.raises(ValueError, match="fold the network first"):
        start_from_cnn(new_cnn())


def test_the_inverse_stage_learns_stable_areas(folded):
    stage = inverse_stage(folded, IMAGES, HELD_OUT, n_steps=150, **QUICK)
    assert stage.passed
    assert max(stage.checks["spectral_radius"]) < 1
    for before, after in zip(stage.checks["error_before"], stage.checks["error"], strict=True):
        assert after < before
    start = start_from_cnn(folded)
    trained = {n for n, p in stage.model.named_parameters()
               if not torch.equal(p, dict(start.named_parameters())[n])}  # fmt: skip
    assert trained == {n for n in dict(start.named_parameters()) if n.startswith(("rec", "bias"))}


def test_unstable_areas_do_not_pass(folded, monkeypatch):
    from nmcourse.training.vision import stages

    monkeypatch.setattr(stages, "recurrent_radii", lambda model: [0.5, 1.01])
    assert not inverse_stage(folded, IMAGES, HELD_OUT, n_steps=1, **QUICK).passed


def test_linear_annealed_fine_tuned():
    """From random weights, which is what the stages are there to avoid: bars are easy."""
    model = new_network(slope=1.0)
    linear = linear_stage(model, IMAGES, HELD_OUT, n_steps=30, trial=HELD, **QUICK)
    assert linear.model is model
    assert model.slope == 1.0
    assert linear.passed == (linear.checks["accuracy"] > 0.6)  # two classes: chance is a half
    assert "accuracy_as_relu" in linear.checks
    annealed = anneal_stage(
        model, IMAGES, HELD_OUT, n_steps=3, slopes=[0.5, 0.2, 0.0], trial=SHORT, **QUICK
    )
    assert model.slope == 0.0
    assert len(annealed.losses) == 9
    assert "accuracy_as_relu" not in annealed.checks
    tuned = fine_tune(model, IMAGES, HELD_OUT, n_steps=30, trial=SHORT, **QUICK)
    assert tuned.checks["accuracy"] > 0.9
    assert tuned.losses[-5:].mean() < annealed.losses[:5].mean()


def test_each_slope_is_trained_as_it_is():
    seen = []

    def note(model, images, loss, **settings):
        seen.append((model.slope, settings["seed"], settings["schedule"]))
        return fit_images(model, images, loss, **settings)

    model, slopes = new_network(slope=1.0), [0.3, 0.0]
    options = QUICK | {"trainer": note}
    anneal_stage(model, IMAGES, HELD_OUT, n_steps=1, slopes=slopes, trial=SHORT, **options)
    assert [slope for slope, _, _ in seen] == [0.3, 0.0]
    assert len({seed for _, seed, _ in seen}) == 2  # other images for every slope
    assert {schedule for _, _, schedule in seen} == {"constant"}


def test_published_slopes():
    """0.95 to 0 in 20 steps of 0.05; 1 is never trained here, it was the stage before."""
    assert len(SLOPES) == 20
    assert SLOPES[0] == 0.95
    assert SLOPES[-1] == 0.0
    steps = torch.tensor(SLOPES).diff()
    torch.testing.assert_close(steps, torch.full((19,), -0.05))
    assert HELD_IMAGE.steps(2.0) == (0, 100, 0, 30, 0)


@pytest.mark.parametrize("slopes", [[], [0.5], [0.5, 0.5, 0.0], [1.5, 0.0], [0.0, 0.5]], ids=str)
def test_slopes_that_make_no_sense(slopes):
    with pytest.raises(ValueError, match="slopes must fall from at most 1 to 0"):
        anneal_stage(new_network(), IMAGES, HELD_OUT, n_steps=1, slopes=slopes, **QUICK)


def test_a_leaky_network_is_not_fine_tuned():
    with pytest.raises(ValueError, match=r"slope 0 to be fine-tuned, got 0\.5"):
        fine_tune(new_network(slope=0.5), IMAGES, HELD_OUT, n_steps=1, **QUICK)


class Killed(Exception):
    pass


def killed_after(monkeypatch, n_calls: int) -> None:
    """Let the loop die in its ``n_calls``-th update."""
    from nmcourse.training._run import Run

    update, calls = Run._update, []

    def dies(self):
        calls.append(1)
        if len(calls) == n_calls:
            raise Killed
        update(self)

    monkeypatch.setattr(Run, "_update", dies)


STAGES = {
    "cnn": (new_cnn, partial(train_cnn, n_steps=6)),
    "linear": (partial(new_network, 1.0), partial(linear_stage, n_steps=6, trial=HELD)),
    "annealed": (
        partial(new_network, 1.0),
        partial(anneal_stage, n_steps=3, slopes=[0.5, 0.0], trial=SHORT),
    ),
    "fine-tuned": (new_network, partial(fine_tune, n_steps=6, trial=SHORT)),
}


@pytest.mark.parametrize("name", STAGES)
def test_a_killed_stage_ends_as_if_it_had_not_been_killed(name, tmp_path, monkeypatch):
    build, stage = STAGES[name]
    settings = {**QUICK, "checkpoint_every": 1}
    whole = stage(build(), IMAGES, HELD_OUT, **settings)
    with monkeypatch.context() as patch:
        killed_after(patch, 5)
        with pytest.raises(Killed):
            stage(build(), IMAGES, HELD_OUT, checkpoint=tmp_path / "run.pt", **settings)
    again = stage(build(), IMAGES, HELD_OUT, checkpoint=tmp_path / "run.pt", **settings)
    assert same(whole.model, again.model)
    assert torch.equal(whole.losses, again.losses)
    assert whole.checks == again.checks


def test_a_killed_inverse_stage_goes_on(folded, tmp_path, monkeypatch):
    settings = {**QUICK, "checkpoint_every": 1, "n_steps": 6}
    whole = inverse_stage(folded, IMAGES, HELD_OUT, **settings)
    with monkeypatch.context() as patch:
        killed_after(patch, 4)
        with pytest.raises(Killed):
            inverse_stage(folded, IMAGES, HELD_OUT, checkpoint=tmp_path / "run.pt", **settings)
    again = inverse_stage(folded, IMAGES, HELD_OUT, checkpoint=tmp_path / "run.pt", **settings)
    assert same(whole.model, again.model)


def test_accuracy_counts_the_last_step_with_the_image():
    model = new_network()
    outputs = model.respond(HELD_OUT.images, n_steps=20, n_blank=5).outputs[:, -1]
    expected = (outputs.argmax(dim=-1) == HELD_OUT.labels).double().mean().item()
    assert accuracy(model, HELD_OUT, trial=SHORT, batch_size=7) == expected
    assert 0 < expected < 1


def test_a_network_that_diverges_is_never_right():
    model = new_network()
    for layer in model.recurrent:
        layer.length.data.mul_(1e30)
    assert accuracy(model, HELD_OUT) == 0.0


def test_well_above_chance():
    assert has_learnt(0.29, 10)
    assert not has_learnt(0.27, 10)
    assert not has_learnt(0.5, 2)
