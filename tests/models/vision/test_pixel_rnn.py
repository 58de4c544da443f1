"""The fully connected control: the trials of a CordsNet, without convolutions."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import (
    CordsNet,
    DivergingActivity,
    PixelRNN,
    count_parameters,
    matched_pixel_rnn,
)
from nmcourse.tasks import ImageSet
from nmcourse.training import ImageTrial, fit_images, trial_loss


def network(n_units=5) -> PixelRNN:
    generator = torch.Generator().manual_seed(0)
    model = PixelRNN(n_units, 2, 3, image_size=(4, 3), generator=generator).double()
    model.network.bias.data.normal_(generator=generator)
    return model


def images(n=4):
    return torch.rand(n, 2, 4, 3, dtype=torch.float64)


def test_it_is_the_rate_form_of_the_vanilla_rnn():
    model, shown = network(), images()
    response = model.respond(shown, n_blank=3, n_steps=4, n_after=5, n_departure=2)
    stream = torch.zeros(4, 12, 24, dtype=torch.float64)
    stream[:, 3:7] = shown.flatten(1)[:, None]
    trajectory = model.network(stream)
    torch.testing.assert_close(response.outputs, trajectory.outputs[:, 3:])
    rest = trajectory.states[:, 2:3]
    expected = (trajectory.states[:, -2:] - rest).square().mean(dim=-1)
    torch.testing.assert_close(response.departure, expected)
    torch.testing.assert_close(response.state[0][..., 0, 0], trajectory.states[:, -1])


def test_no_gradient_passes_through_the_blank_steps_before():
    model, shown = network(), images()
    rest = model.respond(shown, n_blank=9, n_steps=1).state[0].detach()
    gradients = []
    for options in ({"n_blank": 10}, {"n_blank": 1, "state": (model.respond(shown * 0, n_blank=8,
                    n_steps=1).state[0].detach(),)}):  # fmt: skip
        response = model.respond(shown, n_steps=3, **options)
        gradients.append(torch.autograd.grad(response.outputs.sum(), list(model.parameters())))
    torch.testing.assert_close(*gradients)
    assert rest.abs().sum() > 0


def test_it_has_as_many_parameters_as_a_cordsnet():
    cordsnet = CordsNet("small-R2", 1, 10)
    control = matched_pixel_rnn(cordsnet, generator=torch.Generator().manual_seed(0))
    one_unit = count_parameters(network(6)) - count_parameters(network(5))
    assert one_unit > 0
    assert count_parameters(control) == pytest.approx(count_parameters(cordsnet), rel=0.03)
    assert control.dt == cordsnet.dt
    assert control.respond(torch.zeros(1, 1, 16, 16), n_steps=2).outputs.shape == (1, 2, 10)


def test_it_is_trained_like_a_cordsnet():
    trial = ImageTrial(blank=4, stimulus=20, after=8, window=6, rest_window=4)
    labels = torch.arange(12) % 2
    pictures = torch.rand(12, 2, 4, 3) + 2.0 * labels.view(-1, 1, 1, 1)
    data = ImageSet(pictures, labels, ("dark", "bright"))
    losses = fit_images(
        network().float(),
        data,
        lambda model, x, y: trial_loss(model, x, y, trial),
        n_steps=30,
        batch_size=6,
        learning_rate=3e-2,
        progress=False,
    ).losses
    assert losses[-5:].mean() < 0.5 * losses[:5].mean()


def test_activity_that_diverges():
    model = network()
    model.network.recurrent_weights.data.fill_(1e100)
    with pytest.raises(DivergingActivity, match="activity diverged in area 0 at blank step"):
        model.respond(images(), n_steps=10)
    found = model.respond(images(), n_steps=10, check_finite=False)
    assert not found.outputs.isfinite().all()


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 2, 3, 4), {}, r"images must have shape \(batch, 2, 4, 3\) or .*, got \(2, 2, 3, 4\)"),
        ((2, 2, 4, 3), {"n_departure": 6}, "n_departure must be at most 5 steps, got 6"),
    ],
    ids=str,
)
def test_images_and_steps_that_do_not_fit(shape, options, message):
    with pytest.raises(ValueError, match=message):
        network().respond(torch.zeros(shape, dtype=torch.float64), n_steps=5, **options)
