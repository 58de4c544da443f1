"""Images and trials that a CordsNet cannot have, and activity that diverges."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import DivergingActivity
from tests.models.vision.cordsnets import BATCH, network, pictures


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            torch.zeros(2, 3, 10, 10),
            r"images must have shape \(batch, 2, 10, 10\) or .* got \(2, 3",
        ),
        (torch.zeros(2, 2, 10, 11), r"got \(2, 2, 10, 11\)"),
        (torch.zeros(2, 4, 1, 10, 10), r"got \(2, 4, 1, 10, 10\)"),
        (torch.zeros(2, 10, 10), r"got \(2, 10, 10\)"),
        (torch.zeros(0, 2, 10, 10), r"got \(0, 2, 10, 10\)"),
        (torch.zeros(1, 2, 10, 10), "images must be torch.float64 as the model is"),
        (torch.full((1, 2, 10, 10), torch.nan).double(), "images must be finite"),
    ],
)
def test_images_that_do_not_fit(images, message):
    model = network()
    with pytest.raises(ValueError, match=message):
        model(images)
    if images.ndim == 4:
        with pytest.raises(ValueError, match=message.replace(" or .*", ".*")):
            model.step(model.initial_state(2), images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps must be a positive integer, got 0"),
        ({"n_blank": -1}, "n_blank must be zero or a positive integer, got -1"),
        ({"n_after": 1.5}, "n_after must be zero or a positive integer, got 1.5"),
        ({"n_departure": 101}, "n_departure must be at most 100 steps, got 101"),
        ({"checkpoint_every": 0}, "checkpoint_every must be a positive integer, got 0"),
        ({"gradient_steps": 0}, "gradient_steps must be a positive integer, got 0"),
        ({"state": (torch.zeros(1),)}, "state must have 4 areas, got 1"),
        (
            {"state": (torch.zeros(2, 8, 10, 10).double(),) * 4},
            r"state\[0\] must have shape \(3, 8, 10",
        ),
        ({"state": (torch.zeros(3, 8, 10, 10),) * 4}, r"state\[0\] must be torch.float64 as the"),
        ({"state": torch.zeros(4, 3)}, "state must be a tuple with one map for each of 4 areas"),
        ({"state": (torch.zeros(3, 8, 10, 10).numpy(),) * 4}, r"state\[0\] must be a torch.Tensor"),
    ],
)
def test_trials_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        network().respond(pictures(), **options)


def test_a_stream_has_its_own_length_and_context_has_no_place():
    with pytest.raises(ValueError, match="n_steps must be 5, the length of the stream, got 6"):
        network()(pictures(BATCH, 5), n_steps=6)
    with pytest.raises(ValueError, match="context must be None"):
        network()(pictures(), torch.zeros(1))
    with pytest.raises(ValueError, match=r"areas must be from 0 to 3, got 4"):
        network().record(pictures(), areas=[4])


@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 5}], ids=str)
@pytest.mark.parametrize("gradient", [True, False])
def test_diverging_activity_is_an_error_that_names_step_and_area(gradient, options):
    model, images = network().float(), pictures().float()
    with torch.no_grad():
        model.recurrent[2].length.mul_(1e3)
    state, step, blank = model.initial_state(BATCH), 0, torch.zeros_like(images)
    with torch.no_grad():
        while all(r.isfinite().all() for r in state):
            state = model.step(state, blank if step < 5 else images)
            step += 1
    diverged = [area for area, r in enumerate(state) if not r.isfinite().all()]
    assert diverged == [2]
    message = f"activity diverged in area 2 at step {step - 6} after image onset"
    with torch.set_grad_enabled(gradient), pytest.raises(DivergingActivity, match=message) as error:
        model(images, n_blank=5, **options)
    assert (error.value.step, error.value.area) == (step - 1, 2)
    with pytest.raises(DivergingActivity, match=r"in area 2 at blank step \d+ "):
        model(torch.zeros_like(images), **options)
    found = model.respond(images, n_blank=5, check_finite=False)
    assert not found.outputs[:, -1].isfinite().all()
