"""Images made against a network: bounded, aimed, and equal to a gradient found by differences."""

from __future__ import annotations

import pytest
import torch

from nmcourse.analysis import adversarial_images, outputs_at_last
from nmcourse.models import CordsNet, TwinCNN

STEPS = {"n_blank": 3, "n_steps": 6}


@pytest.fixture(scope="module")
def model() -> CordsNet:
    source = torch.Generator().manual_seed(0)
    return CordsNet("small-R2", 1, 4, image_size=6, generator=source).double()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    source = torch.Generator().manual_seed(1)
    return torch.randn(5, 1, 6, 6, generator=source, dtype=torch.float64)


LABELS = torch.tensor([0, 1, 2, 3, 0])


def loss(model: CordsNet, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        outputs = outputs_at_last(model, images, **STEPS)
    return torch.nn.functional.cross_entropy(outputs, LABELS, reduction="none")


def test_the_sign_is_that_of_finite_differences(model: CordsNet, images: torch.Tensor):
    signs = adversarial_images(model, images, LABELS, 1.0, **STEPS) - images
    for row, column in ((0, 0), (2, 3), (5, 4)):
        nudge = torch.zeros_like(images)
        nudge[..., row, column] = 1e-5
        slopes = (loss(model, images + nudge) - loss(model, images - nudge)) / 2e-5
        clear = slopes.abs() > 1e-8
        assert clear.any()
        torch.testing.assert_close(signs[:, 0, row, column][clear], slopes.sign()[clear])


@pytest.mark.parametrize("n_iterations", [1, 4])
def test_no_pixel_changes_by_more_than_the_size_and_the_loss_rises(
    model: CordsNet, images: torch.Tensor, n_iterations: int
):
    found = adversarial_images(model, images, LABELS, 0.1, **STEPS, n_iterations=n_iterations)
    assert (found - images).abs().max() <= 0.1 + 1e-12
    assert (loss(model, found) > loss(model, images)).all()
    source = torch.Generator().manual_seed(2)
    signs = torch.randint(0, 2, images.shape, generator=source) * 2.0 - 1
    assert loss(model, found).mean() > loss(model, images + 0.1 * signs).mean()


def test_the_network_stays_as_it_was(model: CordsNet, images: torch.Tensor):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adversarial_images(model, images, LABELS, 0.1, **STEPS)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_network_without_time_is_attacked_at_one_look(images: torch.Tensor):
    source = torch.Generator().manual_seed(0)
    cnn = TwinCNN("small-R2", 1, 4, image_size=6, generator=source).double().eval()
    found = adversarial_images(cnn, images, LABELS, 0.2, n_blank=0, n_steps=1)
    assert not torch.equal(found, images)


def test_nothing_changes_without_a_size(model: CordsNet, images: torch.Tensor):
    assert torch.equal(adversarial_images(model, images, LABELS, 0.0, **STEPS), images)


def test_bad_input_is_named(model: CordsNet, images: torch.Tensor):
    with pytest.raises(ValueError, match=r"labels must have shape \(5,\), got \(4,\)"):
        adversarial_images(model, images, LABELS[:4], 0.1, **STEPS)
    with pytest.raises(ValueError, match="size must be"):
        adversarial_images(model, images, LABELS, -0.1, **STEPS)
    with pytest.raises(ValueError, match="n_iterations must be"):
        adversarial_images(model, images, LABELS, 0.1, **STEPS, n_iterations=0)
