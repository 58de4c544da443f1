"""The inverse stage against dense matrices and a case in which it can succeed."""

from __future__ import annotations

import pytest
import torch

from nmcourse.models import Area, CordsNet, Stem, TwinCNN
from nmcourse.models.vision.layers import convolve
from nmcourse.training.vision.inverse import (
    growth_rate,
    inverse_error,
    inverse_loss,
    neumann_series,
)
from nmcourse.training.vision.stages import recurrent_radii, start_from_cnn

AREAS = [Area(3), Area(3), Area(4, 2), Area(4)]


def folded(areas=AREAS, seed=0) -> TwinCNN:
    """In double precision, with normalisations that are nowhere trivial."""
    generator = torch.Generator().manual_seed(seed)
    cnn = TwinCNN(areas, 1, 2, image_size=5, stem=Stem(3, 3, 1, False), generator=generator)
    for module in cnn.double().modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean):
                values.data.normal_(generator=generator)
            module.running_var.uniform_(0.2, 2.0, generator=generator)
    return cnn.eval().fold()


def images(n=3):
    return torch.rand(n, 1, 5, 5, dtype=torch.float64)


def dense(weights, height, width):
    """The matrix of a convolution, column by column."""
    n = weights.shape[1] * height * width
    unit = torch.eye(n, dtype=weights.dtype).view(n, -1, height, width)
    return convolve(unit, weights).flatten(1).T


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_growth_rate_is_the_spectral_radius(seed, scale):
    weights = torch.randn(4, 4, 3, 3, dtype=torch.float64) * scale / 6
    radius = torch.linalg.eigvals(dense(weights, 5, 6)).abs().max().item()
    assert growth_rate(weights, (5, 6)) == pytest.approx(radius, rel=0.02)


def test_growth_rate_of_a_rotation_and_of_nothing():
    """A leading pair of complex eigenvalues, where no single vector is ever repeated."""
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]]).view(2, 2, 1, 1)
    assert growth_rate(0.9 * turn, (3, 3)) == pytest.approx(0.9, rel=1e-4)
    assert growth_rate(torch.zeros(2, 2, 3, 3), (3, 3)) == 0.0


def test_the_series_is_the_inverse():
    weights = 0.05 * torch.randn(3, 3, 3, 3, dtype=torch.float64)
    current = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    matrix, flat = dense(weights, 4, 5), current.flatten(1).T
    four, last = neumann_series(weights, current, 3)
    expected = sum(torch.linalg.matrix_power(matrix, k) @ flat for k in range(4))
    torch.testing.assert_close(four.flatten(1).T, expected)
    torch.testing.assert_close(last.flatten(1).T, torch.linalg.matrix_power(matrix, 3) @ flat)
    settled, _ = neumann_series(weights, current, 200)
    solved = torch.linalg.solve(torch.eye(60, dtype=torch.float64) - matrix, flat)
    torch.testing.assert_close(settled.flatten(1).T, solved)


def test_the_areas_settle_where_the_series_ends():
    """A linear area of the CordsNet, left alone with its input, goes to the same rates."""
    model = CordsNet([Area(3)], 1, 2, image_size=5, stem=Stem(3, 3, 1, False), slope=1.0).double()
    model.biases[0].data.normal_()
    shown = images(2)
    state = model.respond(shown, n_steps=400, n_blank=0).state[0]
    current = model.feedforward[0](model.stem(shown)) + model.biases[0]
    settled, _ = neumann_series(model.recurrent[0].weights(), current, 400)
    torch.testing.assert_close(state, settled)


def test_the_loss_is_the_formula():
    target = folded()
    model = start_from_cnn(target, generator=torch.Generator().manual_seed(1))
    shown, terms = images(), []
    x, stem = target.activities(shown), target.stem(shown)
    inputs = [stem, x[0] + target.skips["1"](stem), x[1] + x[0], x[2] + target.skips["3"](x[1])]
    for area, h in enumerate(inputs):
        current = target.feedforward[area](h)
        c, d = target.feedforward_biases[area], target.biases[area]
        outer = target.recurrent[area]
        wanted = outer(current) + outer(c.unsqueeze(0)) + d
        weights, r = model.recurrent[area], model.biases[area] + current
        for _ in range(3):
            r = weights(r) + model.biases[area] + current
        last = weights(weights(weights(model.biases[area] + current)))
        terms.append((wanted - r).square().mean() + 10 * last.square().mean())
    found = inverse_loss(model, shown, torch.zeros(3, dtype=torch.int64), target=target)
    torch.testing.assert_close(found, torch.stack(terms).mean())


def test_w_is_the_identity_minus_an_inverse():
    """Where the CNN's second convolution is 2 times the identity, W is 0.5 times the identity."""
    target = folded([Area(3)])
    with torch.no_grad():
        outer = target.recurrent[0]
        outer.direction.zero_()
        outer.direction[range(3), range(3), 1, 1] = 1.0
        outer.length.fill_(2.0)
    model = start_from_cnn(target)
    with torch.no_grad():
        layer = model.recurrent[0]
        layer.direction.copy_(outer.direction)
        layer.length.fill_(0.5)
        # (I - W) applied to what the CNN makes of its biases
        model.biases[0].copy_(target.feedforward_biases[0] + 0.5 * target.biases[0])
    error = inverse_error(model, target, images())
    assert error.settled[0] < 1e-20
    assert error.series[0] == pytest.approx((1 / 16) ** 2, rel=1e-6)  # 2 - 15/8, of 2
    assert recurrent_radii(model) == pytest.approx([0.5])


def test_an_area_that_does_not_settle_has_an_infinite_error():
    target = folded([Area(3)])
    model = start_from_cnn(target)
    with torch.no_grad():
        model.recurrent[0].length.mul_(100.0)
    error = inverse_error(model, target, images())
    assert error.settled == [float("inf")]
    assert recurrent_radii(model)[0] > 1
