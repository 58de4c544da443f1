"""Gains of a network that sees, stored and played back."""

from __future__ import annotations

import pytest
import torch

from nmcourse.analysis import store_image_gains
from tests.models.vision.conftest import cordsnet, images, modulated, seeded


@pytest.mark.parametrize("listens", [False, True])
def test_stored_gains_bring_back_the_trial(listens: bool):
    model, shown = modulated(n_cues=2, listens=listens), images()
    cues = torch.randn(3, 9, 2, generator=seeded(8), dtype=torch.float64)
    trial = {"n_blank": 4, "n_steps": 5}
    stored = store_image_gains(model, shown, cues=cues, **trial)
    assert stored.gains.shape == (3, 9, 28)
    wanted = model.respond(shown, cues=cues, **trial)
    with torch.no_grad():
        for parameter in model.modulator.parameters():  # retrained, and worse than that: lost
            parameter.zero_()
    again = model.with_gains(stored).respond(shown, **trial)
    torch.testing.assert_close(again.outputs, wanted.outputs)
    assert not torch.allclose(model.respond(shown, cues=cues, **trial).outputs, wanted.outputs)


def test_the_mean_is_one_course_for_all_images():
    model, shown = modulated(), images()
    stored = store_image_gains(model, shown, mean=True, n_blank=2, n_steps=3)
    every = store_image_gains(model, shown, n_blank=2, n_steps=3).gains
    torch.testing.assert_close(stored.gains, every.mean(dim=0))
    response = model.with_gains(stored).respond(images(5), n_blank=2, n_steps=3)
    assert response.outputs.shape == (5, 3, 3)


def test_another_number_of_images_does_not_fit():
    model = modulated()
    stored = store_image_gains(model, images(), n_blank=2, n_steps=3)
    with pytest.raises(ValueError, match=r"inputs have 5 trials, but gains are prescribed for 3"):
        model.with_gains(stored).respond(images(5), n_blank=2, n_steps=3)


def test_only_a_modulated_network_has_gains_to_store():
    with pytest.raises(ValueError, match="model must be an NMCordsNet, got CordsNet"):
        store_image_gains(cordsnet(), images())
