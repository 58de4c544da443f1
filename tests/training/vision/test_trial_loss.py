"""The loss of a CordsNet against plain loops, closed forms and the published numbers."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch.func import functional_call

from nmcourse.models import Area, CordsNet, Stem
from nmcourse.training import (
    ImageTrial,
    rest_penalty,
    rising_weights,
    run_trial,
    trial_loss,
    windowed_cross_entropy,
)

AREAS = [Area(3), Area(4, 2), Area(4)]
TRIAL = ImageTrial(blank=6, stimulus=16, after=8, window=10, rest_window=6, rest_coefficient=0.5)


def network(seed=0) -> CordsNet:
    """In double precision, awake in the dark: biases are not zero."""
    generator = torch.Generator().manual_seed(seed)
    model = CordsNet(AREAS, 2, 3, image_size=5, stem=Stem(3, 3, 1, False), generator=generator)
    model = model.double()
    for bias in (*model.biases, model.output_bias):
        bias.data.normal_(std=0.5, generator=generator)
    return model


def images(*lead):
    return torch.rand(*lead, 2, 5, 5, dtype=torch.float64)


def test_published_weights():
    """Sum 4.714, mean 0.157; 70 % in the last 5 of 30 steps, 91 % in the last 10."""
    weights = rising_weights(30)
    assert weights[0] == pytest.approx(1e-3)
    assert weights[-1] == 1.0
    assert weights.sum().item() == pytest.approx(4.714, abs=5e-4)
    assert weights.mean().item() == pytest.approx(0.157, abs=5e-4)
    assert (weights[-5:].sum() / weights.sum()).item() == pytest.approx(0.70, abs=0.005)
    assert (weights[-10:].sum() / weights.sum()).item() == pytest.approx(0.91, abs=0.005)
    ratios = weights[1:] / weights[:-1]
    torch.testing.assert_close(ratios, ratios[:1].expand(29))


def test_equal_weights_and_a_single_step():
    assert torch.equal(rising_weights(4, 0.0), torch.ones(4))
    assert torch.equal(rising_weights(1), torch.ones(1))
    assert rising_weights(2, like=torch.zeros(1, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "n_steps must be a positive integer, got 0"), ((3, math.inf), "log_scale must be")],
)
def test_weights_that_make_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        rising_weights(*arguments)


def test_cross_entropy_of_a_window_by_hand():
    outputs, labels = torch.randn(4, 6, 3, dtype=torch.float64), torch.tensor([2, 0, 1, 1])
    expected = sum(
        10 ** (-2 + 2 * k / 5) * torch.nn.functional.cross_entropy(outputs[:, k], labels)
        for k in range(6)
    )
    found = windowed_cross_entropy(outputs, labels, log_scale=2.0)
    torch.testing.assert_close(found, expected / 6)


def test_equal_scores_have_the_entropy_of_a_guess():
    found = windowed_cross_entropy(torch.zeros(2, 30, 10), torch.tensor([3, 4]))
    assert found.item() == pytest.approx(math.log(10) * 4.714 / 30, rel=1e-3)


def test_the_last_steps_count_most():
    """Wrong early and right late is better than the other way round, but not with equal weights."""
    right, wrong = torch.tensor([4.0, 0.0]), torch.tensor([0.0, 4.0])
    late = torch.stack([*[wrong] * 5, *[right] * 5]).unsqueeze(0)
    label, loss = torch.tensor([0]), windowed_cross_entropy
    assert loss(late, label) < 0.1 * loss(late.flip(1), label)
    torch.testing.assert_close(
        loss(late, label, log_scale=0.0), loss(late.flip(1), label, log_scale=0.0)
    )


@pytest.mark.parametrize("own", [False, True], ids=["shared labels", "own labels"])
def test_networks_on_a_seed_axis_get_a_loss_each(own):
    outputs = torch.randn(3, 4, 6, 5)
    labels = torch.randint(5, (3, 4) if own else (4,))
    alone = [windowed_cross_entropy(outputs[s], labels[s] if own else labels) for s in range(3)]
    torch.testing.assert_close(windowed_cross_entropy(outputs, labels), torch.stack(alone))


@pytest.mark.parametrize(
    ("outputs", "labels"), [((4, 6, 5), (3,)), ((4, 6, 5), (4, 1)), ((2, 4, 6, 5), (2,))], ids=str
)
def test_labels_that_do_not_fit(outputs, labels):
    with pytest.raises(ValueError, match="labels"):
        windowed_cross_entropy(torch.zeros(outputs), torch.zeros(labels, dtype=torch.int64))


def test_penalty_is_a_mean_over_steps_and_images():
    departure = torch.tensor([[1.0, 3.0], [0.0, 4.0]])
    assert rest_penalty(departure, 0.5).item() == pytest.approx(1.0)
    assert rest_penalty(torch.zeros(3, 4, 0)).shape == (3,)


def plain_loss(model, shown, labels, trial=TRIAL):
    """The formula step by step: blank, image, blank; cross entropy of each counted step."""
    blank, stimulus, after, window, rest_window = (
        round(part / model.dt)
        for part in (trial.blank, trial.stimulus, trial.after, trial.window, trial.rest_window)
    )
    state, dark = model.initial_state(len(shown)), torch.zeros_like(shown)
    with torch.no_grad():
        for _ in range(blank):
            state = model.step(state, dark)
    rest, answer, away = state, 0.0, 0.0
    for step in range(stimulus):
        state = model.step(state, shown)
        k = step - (stimulus - window)
        if k >= 0:
            weight = 10 ** (-trial.log_scale * (1 - k / (window - 1)))
            entropy = torch.nn.functional.cross_entropy(model.readout(state), labels)
            answer = answer + weight * entropy / window
    for step in range(after):
        state = model.step(state, dark)
        if step >= after - rest_window:
            for r, r0 in zip(state, rest, strict=True):
                away = away + (r - r0).square().mean() / (rest_window * model.n_areas)
    return answer + trial.rest_coefficient * away


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_loss_and_gradient_of_a_trial_are_the_formula(slope):
    model, shown, labels = network(), images(4), torch.tensor([0, 2, 1, 1])
    model.slope = slope
    found, expected = trial_loss(model, shown, labels, TRIAL), plain_loss(model, shown, labels)
    torch.testing.assert_close(found, expected)
    assert rest_penalty(run_trial(model, shown, TRIAL).departure, 0.5) > 0.01 * found
    names = dict(model.named_parameters())
    ours, theirs = (torch.autograd.grad(loss, list(names.values())) for loss in (found, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)


def test_every_network_of_a_seed_axis_has_its_own_trial():
    models, labels = [network(seed) for seed in range(3)], torch.tensor([[0, 2], [1, 1], [2, 0]])
    shown = images(3, 2)
    stacked = {
        f"model.{name}": torch.stack([dict(m.named_parameters())[name] for m in models])
        for name, _ in models[0].named_parameters()
    }

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = models[0]

        def forward(self, shown, labels):
            return trial_loss(self.model, shown, labels, TRIAL)

    found = functional_call(Both(), stacked, (shown, labels))
    alone = [trial_loss(m, x, y, TRIAL) for m, x, y in zip(models, shown, labels, strict=True)]
    torch.testing.assert_close(found, torch.stack(alone))


def test_activity_that_diverges_gives_a_loss_that_is_not_finite():
    model = network()
    for layer in model.recurrent:
        layer.length.data.mul_(1e80)
    assert not trial_loss(model, images(2), torch.tensor([0, 1]), TRIAL).isfinite()


def test_a_trial_in_steps():
    assert ImageTrial().steps(2.0) == (100, 100, 100, 30, 10)
    assert ImageTrial().steps(10.0).window == 6
    with pytest.raises(ValueError, match=r"window must be a .*multiple of dt=7.0 ms, got 60.0 ms"):
        ImageTrial(blank=0, stimulus=70, after=70, rest_window=7).steps(7.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blank": -2.0}, "blank must be zero or positive, got -2.0"),
        ({"stimulus": 0.0}, "stimulus must be positive, got 0.0"),
        ({"log_scale": math.nan}, "log_scale must be zero or positive, got nan"),
        ({"window": 300.0}, "window must not exceed stimulus=200.0 ms, got 300.0 ms"),
        ({"after": 10.0}, "rest_window must not exceed after=10.0 ms, got 20.0 ms"),
        ({"rest_window": 0.0}, "rest_window must be positive where rest_coefficient is"),
    ],
    ids=str,
)
def test_trials_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        ImageTrial(**settings)


def test_memory_can_be_saved_on_the_way():
    """Options of ``respond`` reach it: a checkpointed trial has the same loss."""
    model, shown, labels = network(), images(2), torch.tensor([0, 1])
    whole, saving = (
        partial(trial_loss, model, shown, labels, TRIAL, **options)()
        for options in ({}, {"checkpoint_every": 3})
    )
    torch.testing.assert_close(whole, saving)
