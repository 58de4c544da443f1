"""A convolution as a matrix: equal to the matrix written out entry by entry."""

import numpy as np
import pytest
import torch

from nmcourse.analysis import (
    ConvolutionOperator,
    default_convolution,
    leading_eigenvalues,
    leading_singular_values,
)
from nmcourse.models import CordsNet


def by_hand(weights, height, width):
    """The matrix from its formula, one entry at a time."""
    n_out, n_in, k, _ = weights.shape
    matrix = torch.zeros(n_out, height, width, n_in, height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            for i in range(height):
                for j in range(width):
                    a, b = i - y + k // 2, j - x + k // 2
                    if 0 <= a < k and 0 <= b < k:
                        matrix[:, y, x, :, i, j] = weights[:, :, a, b]
    return matrix.flatten(3).flatten(0, 2)


@pytest.fixture
def operator(generator):
    return ConvolutionOperator(torch.randn(4, 4, 3, 3, generator=generator) / 6, 5, 6)


@pytest.mark.parametrize(
    ("n_out", "n_in", "k", "height", "width"),
    [(3, 3, 3, 5, 5), (2, 4, 5, 4, 6), (4, 2, 1, 3, 3), (2, 2, 9, 3, 4), (1, 1, 3, 1, 1)],
)
def test_dense_and_products_equal_the_formula(n_out, n_in, k, height, width, generator):
    weights = torch.randn(n_out, n_in, k, k, dtype=torch.float64, generator=generator)
    operator = ConvolutionOperator(weights, height, width)
    expected = by_hand(weights, height, width)
    assert operator.shape == tuple(expected.shape)
    torch.testing.assert_close(operator.dense(), expected, rtol=0, atol=1e-14)

    r = torch.randn(expected.shape[1], dtype=torch.float64, generator=generator)
    back = torch.randn(expected.shape[0], 3, dtype=torch.float64, generator=generator)
    np.testing.assert_allclose(operator @ r.numpy(), expected @ r, atol=1e-12)
    np.testing.assert_allclose(operator.T @ back.numpy(), expected.T @ back, atol=1e-12)
    np.testing.assert_allclose(operator.rmatvec(back[:, 0].numpy()), expected.T @ back[:, 0])


def test_it_is_the_recurrent_convolution_of_a_network(generator):
    model = CordsNet("small-R2", 1, 10, generator=generator).double()
    weights = model.recurrent[1].weights()
    operator = ConvolutionOperator(weights, 16, 16)
    assert operator.map_shape == (8, 16, 16)
    r = torch.randn(1, 8, 16, 16, dtype=torch.float64, generator=generator)
    moved = model.recurrent[1](r).detach().flatten()
    np.testing.assert_allclose(operator @ r.flatten().numpy(), moved, atol=1e-13)
    with torch.no_grad():
        weights.mul_(0)  # a later change of the network is not seen
    assert operator.weights.abs().max() > 0


@pytest.mark.parametrize("by", ["modulus", "real part"])
def test_leading_eigenvalues_equal_the_dense_ones(by, operator, generator):
    found = leading_eigenvalues(operator, 8, by=by, generator=generator)
    dense = torch.linalg.eigvals(operator.dense())
    key = torch.abs if by == "modulus" else torch.real
    nearest = (dense.unsqueeze(1) - found.values).abs().min(dim=0)
    assert nearest.values.max() < 1e-10
    assert len(nearest.indices.unique()) == 8
    torch.testing.assert_close(key(found.values), key(dense).sort(descending=True).values[:8])
    apart = operator.dense().to(torch.complex128) @ found.vectors - found.vectors * found.values
    torch.testing.assert_close(found.residuals, apart.norm(dim=0), rtol=0, atol=1e-13)
    assert found.residuals.max() < 1e-8
    torch.testing.assert_close(found.vectors.norm(dim=0), torch.ones(8, dtype=torch.float64))


def test_residuals_tell_when_a_tolerance_is_loose(operator, generator):
    loose = leading_eigenvalues(operator, 4, tolerance=1e-2, n_basis=12, generator=generator)
    assert loose.residuals.max() > 1e-6


@pytest.mark.parametrize("shape", [(4, 4, 3, 3), (2, 5, 3, 3), (5, 2, 3, 3)])
def test_leading_singular_values_equal_the_dense_ones(shape, generator):
    operator = ConvolutionOperator(torch.randn(shape, generator=generator), 5, 4)
    found = leading_singular_values(operator, 6, generator=generator)
    left, values, right = torch.linalg.svd(operator.dense())
    torch.testing.assert_close(found.values, values[:6], rtol=1e-10, atol=0)
    torch.testing.assert_close((left[:, :6] * found.left).sum(0).abs(), torch.ones(6).double())
    torch.testing.assert_close((right[:6].mT * found.right).sum(0).abs(), torch.ones(6).double())
    assert found.residuals.max() < 1e-8


def test_projection_on_singular_vectors(operator, generator):
    svd = leading_singular_values(operator, 2, generator=generator)
    maps = torch.randn(3, 7, 4, 5, 6, generator=generator)  # (batch, time, channel, height, width)
    flat = maps.flatten(-3).double()
    torch.testing.assert_close(svd.project(maps), flat @ svd.left)
    torch.testing.assert_close(svd.project(flat, "right"), flat @ svd.right)
    pattern = 3 * svd.left[:, 0] - 2 * svd.left[:, 1]
    expected = torch.tensor([3.0, -2.0], dtype=torch.float64)
    torch.testing.assert_close(svd.project(pattern), expected)


def test_errors_name_what_is_wrong(operator, generator):
    weights = torch.randn(2, 2, 3, 3, generator=generator)
    with pytest.raises(ValueError, match=r"weights must have shape \(out, in, k, k\) with k odd"):
        ConvolutionOperator(weights[..., :2, :2], 3, 3)
    with pytest.raises(ValueError, match="height must be a positive integer, got 0"):
        ConvolutionOperator(weights, 0, 3)
    with pytest.raises(ValueError, match="weights must be finite"):
        ConvolutionOperator(weights * torch.nan, 3, 3)
    with pytest.raises(ValueError, match="n must be at most size - 2 = 118, got 119"):
        leading_eigenvalues(operator, 119)
    with pytest.raises(ValueError, match="n_basis must be from n \\+ 2 = 6 to 120, got 5"):
        leading_eigenvalues(operator, 4, n_basis=5)
    with pytest.raises(ValueError, match="by must be one of"):
        leading_eigenvalues(operator, 4, by="size")
    with pytest.raises(ValueError, match="tolerance must be a positive number"):
        leading_eigenvalues(operator, 4, tolerance=0.0)
    with pytest.raises(ValueError, match=r"max_restarts must be larger: [0-9] of 6 eigenvalues"):
        leading_eigenvalues(operator, 6, n_basis=9, max_restarts=1, generator=generator)
    wide = ConvolutionOperator(weights[:1], 3, 3)
    with pytest.raises(ValueError, match=r"matrix must be square, got shape \(9, 18\)"):
        leading_eigenvalues(wide, 2)
    with pytest.raises(ValueError, match="n must be less than the smaller side 9, got 9"):
        leading_singular_values(wide, 9)
    with pytest.raises(ValueError, match="matrix must be finite"):
        leading_eigenvalues(torch.full((5, 5), torch.nan), 2)
    with pytest.raises(ValueError, match="matrix must be real and have two axes"):
        leading_eigenvalues(torch.zeros(5), 2)
    with pytest.raises(ValueError, match="got str"):
        leading_eigenvalues("a matrix", 2)
    svd = leading_singular_values(wide, 2, generator=generator)
    with pytest.raises(ValueError, match="states must have 9 units"):
        svd.project(torch.zeros(4, 10))
    with pytest.raises(ValueError, match="onto must be one of"):
        svd.project(torch.zeros(9), "middle")


def test_default_weights_are_those_of_a_new_layer():
    torch_layer = torch.nn.Conv2d(50, 50, 3)
    ours = default_convolution(50, 3, 0).weights
    assert float(ours.abs().max()) == pytest.approx(
        float(torch_layer.weight.detach().abs().max()), rel=0.01
    )
    assert float(ours.std()) == pytest.approx(float(torch_layer.weight.detach().std()), rel=0.02)
