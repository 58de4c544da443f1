"""The feed-forward twin: the wiring of a CordsNet, and normalisations that fold away."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import Area, CordsNet, Stem, TwinCNN

SEVEN = [Area(3), Area(3), Area(4, 2), Area(4), Area(4), Area(5, 2), Area(5)]


def trained_looking(areas, **options) -> TwinCNN:
    """In double precision, with normalisations that are nowhere trivial."""
    generator = torch.Generator().manual_seed(0)
    model = TwinCNN(areas, 2, 3, generator=generator, **options).double()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean):
                values.data.normal_(generator=generator)
            module.running_var.uniform_(0.2, 2.0, generator=generator)
    model.output_bias.data.normal_(generator=generator)
    return model.eval()


def images(size, batch=4):
    return torch.randn(batch, 2, *size, dtype=torch.float64)


def test_it_is_the_published_feed_forward_network():
    model = trained_looking("small-R4", image_size=12)
    x = images((12, 12))

    def area(number, h):
        inner = model.feedforward_norms[number](model.feedforward[number](h))
        return model.recurrent_norms[number](model.recurrent[number](inner)).relu()

    stem = model.stem_norm(model.stem(x))
    x0 = area(0, stem)
    x1 = area(1, x0 + model.skips["1"](stem))
    x2 = area(2, x1 + x0)
    x3 = area(3, x2 + model.skip_norms["3"](model.skips["3"](x1)))
    for found, expected in zip(model.activities(x), (x0, x1, x2, x3), strict=True):
        torch.testing.assert_close(found, expected)
    expected = (x3 + x2).mean(dim=(2, 3)) @ model.output.weights().mT + model.output_bias
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize(
    ("areas", "options"),
    [
        ("small-R1", {}),
        ("small-R6", {"image_size": 13}),
        (SEVEN, {"image_size": (14, 11), "stem": Stem(4, kernel=7, stride=2, pool=True)}),
        (SEVEN, {"image_size": 9, "stem": Stem(4, kernel=5, stride=1, pool=True)}),
    ],
    ids=str,
)
def test_folding_changes_nothing(areas, options):
    model = trained_looking(areas, **options)
    before, x = {k: v.clone() for k, v in model.state_dict().items()}, images(model.image_size)
    folded = model.fold()
    torch.testing.assert_close(folded(x), model(x), rtol=1e-10, atol=1e-10)
    for found, expected in zip(folded.activities(x), model.activities(x), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert all(torch.equal(values, before[key]) for key, values in model.state_dict().items())
    with pytest.raises(ValueError, match="folded already"):
        folded.fold()


def test_a_folded_bias_differs_at_the_border():
    bias = trained_looking("small-R2").fold().feedforward_biases[0]
    assert torch.allclose(bias[:, 2:-2, 2:-2], bias[:, 5:6, 5:6].expand(-1, 12, 12))
    assert not torch.allclose(bias[:, 0], bias[:, 5])


def test_the_convolutions_fit_a_cordsnet():
    folded, model = trained_looking("small-R4").fold().float(), CordsNet("small-R4", 2, 3)
    theirs, ours = dict(folded.named_parameters()), dict(model.named_parameters())
    assert set(theirs) - set(ours) == {f"feedforward_biases.{area}" for area in range(4)}
    assert set(ours) <= set(theirs)
    assert all(values.shape == theirs[name].shape for name, values in ours.items())


def test_gradients_reach_every_parameter():
    model = trained_looking("small-R4").train()
    model(images((16, 16))).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def test_images_that_do_not_fit():
    model = trained_looking("small-R4")
    with pytest.raises(ValueError, match=r"images must have shape \(batch, 2, 16, 16\), got"):
        model(torch.zeros(1, 3, 16, 16))
    with pytest.raises(ValueError, match=r"images must have shape \(batch, 2, 16, 16\), got"):
        model.fold()(torch.zeros(1, 2, 16, 15))
