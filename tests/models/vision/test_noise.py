"""Noise on the areas and on the image, in every network that sees."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nmcourse.models import Area, CordsNet, DivergingActivity, FeedbackNet, TwinCNN
from nmcourse.models.vision.planning import Asked
from nmcourse.models.vision.stepwise import respond_by_steps, step_under_noise
from tests.models.vision.conftest import NETWORKS, STEM, STEPS, cordsnet, images, same, seeded, twin

WITHIN_THE_STEP = ("twin", "feedback", "cnn_then_rnn")  # an area reads others in the same step


@pytest.mark.parametrize("name", NETWORKS)
def test_noise_is_drawn_from_its_generator(name: str):
    model, shown = NETWORKS[name](), images()
    for noise in ({"noise_std": 0.2}, {"image_noise_std": 0.5}):
        one, other = (model.respond(shown, generator=seeded(2), **noise, **STEPS) for _ in range(2))
        same(one, other)
        quiet = model.respond(shown, **STEPS)
        assert not torch.allclose(one.outputs[:, 4], quiet.outputs[:, 4])


@pytest.mark.parametrize("gradient", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_noisy_trial_is_a_step_and_a_draw_repeated(name: str, gradient: bool):
    model, shown, draw = NETWORKS[name](), images(), seeded(2)
    leak = model.leak()
    asked = {"n_blank": 2, "n_steps": 3, "n_after": 1}
    with torch.set_grad_enabled(gradient):
        found = model.respond(
            shown, noise_std=0.2, image_noise_std=0.5, generator=seeded(2), **asked
        )
        state, outputs = model.initial_state(3), []
        for step in range(6):
            image = 0 * shown
            if 2 <= step < 5:
                image = shown + 0.5 * torch.randn(shown.shape, generator=draw, dtype=shown.dtype)
            with torch.set_grad_enabled(gradient and step >= 2):
                alphas = leak if isinstance(leak, tuple) else (leak,) * len(state)

                def noisy(place, r, alphas=alphas):
                    return r + alphas[place] * 0.2 * torch.randn(
                        r.shape, generator=draw, dtype=r.dtype
                    )

                state = step_under_noise(model, state, image, noisy)
            outputs.append(model.readout(state))
        expected = torch.stack(outputs[2:], dim=1)
    torch.testing.assert_close(found.outputs, expected)
    if gradient:
        parameters = list(model.parameters())
        ours, theirs = (
            torch.autograd.grad(read.square().sum(), parameters, allow_unused=True)
            for read in (found.outputs, expected)
        )
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_noise_goes_where_rates_go(name: str):
    """An area that reads another one within the step reads it with its noise; others do not."""
    model, shown = NETWORKS[name](), images()
    state = model.initial_state(3)

    def in_the_first_area(place, r):
        return r + 1.0 if place == 0 else r

    with torch.no_grad():
        quiet = model.step(state, shown)
        noisy = step_under_noise(model, state, shown, in_the_first_area)
    torch.testing.assert_close(noisy[0], quiet[0] + 1.0)
    at_once = len(state) > 1 and not torch.equal(noisy[1], quiet[1])
    assert at_once == (name in WITHIN_THE_STEP)


def test_a_subclass_with_a_step_of_its_own_gets_noise_after_it():
    class Halved(FeedbackNet):
        def step(self, state, image):
            return tuple(r / 2 for r in super().step(state, image))

    model = Halved([Area(2), Area(2)], 2, 2, image_size=6, stem=STEM, generator=seeded()).double()
    shown, state = images(), model.initial_state(3)
    noisy = step_under_noise(model, state, shown, lambda place, r: r + place + 1.0)
    for place, (r, quiet) in enumerate(zip(noisy, model.step(state, shown), strict=True)):
        torch.testing.assert_close(r, quiet + place + 1.0)


def test_a_twin_with_activities_of_its_own_gets_noise_after_them():
    class Halved(TwinCNN):
        def activities(self, images):
            return [x / 2 for x in super().activities(images)]

    model = Halved([Area(2), Area(2)], 2, 2, image_size=6, stem=STEM, generator=seeded()).double()
    model.eval()
    shown, state = images(), model.initial_state(3)
    noisy = step_under_noise(model, state, shown, lambda place, r: r + place + 1.0)
    for place, (r, quiet) in enumerate(zip(noisy, model.step(state, shown), strict=True)):
        torch.testing.assert_close(r, quiet + place + 1.0)


@pytest.mark.parametrize("n_seeds", [None, 2])
@pytest.mark.parametrize(
    "noise",
    [{"noise_std": 0.2}, {"image_noise_std": 0.5}, {"noise_std": 0.2, "image_noise_std": 0.5}],
)
def test_noise_without_gradient_is_fast_and_the_same(noise, n_seeds, monkeypatch):
    model, shown = cordsnet(), images()
    if n_seeds:  # two networks side by side
        for parameter in model.parameters():
            parameter.data = torch.stack([parameter.data, 0.9 * parameter.data])
    asked = noise | STEPS
    with torch.no_grad():
        slow = respond_by_steps(model, shown, Asked(generator=seeded(2), **asked))
        monkeypatch.setattr("nmcourse.models.vision.cordsnet.respond_by_steps", None)
        same(model.respond(shown, generator=seeded(2), **asked), slow)


def test_a_noisy_trial_that_diverges_says_where():
    model, shown = cordsnet(), images()
    with torch.no_grad():
        model.biases[1].fill_(float("inf"))
        for noise in ({"noise_std": 0.1}, {"image_noise_std": 0.1}):
            with pytest.raises(DivergingActivity, match="area 1 at blank step 0"):
                model.respond(shown, generator=seeded(), **noise, **STEPS)


def test_noise_of_the_areas_has_the_variance_of_the_leak():
    model = CordsNet([Area(20)], 1, 2, image_size=12, stem=STEM, slope=1.0).double()
    for part in (model.recurrent[0], model.feedforward[0]):
        nn.init.zeros_(part.length)
    dark = torch.zeros(4, 1, 12, 12, dtype=torch.float64)
    (rates,) = model.record(dark, 40, 20, noise_std=0.7, generator=seeded())
    alpha = model.dt / model.tau
    expected = 0.7**2 * alpha / (2.0 - alpha)
    assert rates[:, 40:].var().item() == pytest.approx(expected, rel=0.03)


def test_noise_on_the_image_is_new_at_each_step_and_falls_on_no_blank_one():
    model, shown = twin(), images()
    response = model.respond(shown, image_noise_std=0.3, generator=seeded(), **STEPS)
    first, second = response.outputs[:, 0], response.outputs[:, 1]
    assert not torch.allclose(first, second)
    torch.testing.assert_close(response.outputs[:, -1], response.outputs[:, -2])
    noise = torch.randn(shown.shape, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(first, model(shown + 0.3 * noise))


@pytest.mark.parametrize("value", [-1.0, float("nan")])
@pytest.mark.parametrize("name", ["noise_std", "image_noise_std"])
def test_noise_that_makes_no_sense(name: str, value: float):
    with pytest.raises(ValueError, match=f"{name} must be finite and not negative"):
        cordsnet().respond(images(), **{name: value})
