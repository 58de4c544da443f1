"""Arnoldi, power iteration and bidiagonalisation against dense matrices."""

import numpy as np
import pytest
import torch

from nmcourse.analysis import (
    ConvolutionOperator,
    arnoldi,
    distance_to_nearest,
    leading_eigenvalues,
    leading_singular_values,
    partial_svd,
    power_iteration,
    qr_sweeps,
    ritz_values,
)

DOUBLE = torch.float64


@pytest.fixture
def operator(generator):
    return ConvolutionOperator(torch.randn(4, 4, 3, 3, generator=generator) / 6, 6, 5)


def with_eigenvalues(blocks, generator, spread=1.0):
    """A dense matrix with given diagonal blocks in a basis that is not orthogonal."""
    middle = torch.block_diag(
        *[
            torch.as_tensor(b, dtype=DOUBLE).reshape(-1, 1)
            if np.isscalar(b)
            else torch.as_tensor(b, dtype=DOUBLE)
            for b in blocks
        ]
    )
    size = len(middle)
    basis = torch.eye(size, dtype=DOUBLE)
    basis = basis + spread * torch.randn(size, size, dtype=DOUBLE, generator=generator) / size
    return basis @ middle @ torch.linalg.inv(basis)


def pair(modulus, angle):
    c, s = modulus * np.cos(angle), modulus * np.sin(angle)
    return [[c, -s], [s, c]]


def test_arnoldi_relation_and_orthonormal_basis(operator, generator):
    krylov = arnoldi(operator, 60, generator=generator)
    q, h = krylov.basis, krylov.hessenberg
    assert krylov.n_steps == 60
    assert (q.shape, h.shape) == ((120, 61), (61, 60))
    torch.testing.assert_close(q.mT @ q, torch.eye(61, dtype=DOUBLE), rtol=0, atol=1e-13)
    torch.testing.assert_close(operator.dense() @ q[:, :60], q @ h, rtol=0, atol=1e-13)
    assert (torch.tril(h, -2) == 0).all()


def test_all_steps_give_all_eigenvalues(operator, generator):
    ritz = ritz_values(arnoldi(operator, 120, generator=generator))
    dense = torch.linalg.eigvals(operator.dense())
    distance = (ritz.values.unsqueeze(1) - dense).abs()
    assert distance.min(dim=0).values.max() < 1e-8
    assert distance.min(dim=1).values.max() < 1e-8
    assert ritz.residuals.max() < 1e-8


def test_leading_ritz_values_agree_with_the_dense_matrix_and_arpack(operator, generator):
    ritz = ritz_values(arnoldi(operator, 80, generator=generator))
    dense = torch.linalg.eigvals(operator.dense())
    dense = dense[dense.abs().argsort(descending=True)]
    assert (ritz.values[:6].unsqueeze(1) - dense).abs().min(dim=1).values.max() < 1e-6
    arpack = leading_eigenvalues(operator, 6, generator=generator).values
    torch.testing.assert_close(ritz.values[:6].abs(), arpack.abs(), rtol=0, atol=1e-6)
    assert ritz.residuals[:6].max() < 1e-5 < ritz.residuals.max()


def test_residuals_are_those_of_the_ritz_vectors(operator, generator):
    krylov = arnoldi(operator, 25, generator=generator)
    for m in (1, 7, 25):
        ritz = ritz_values(krylov, m)
        theta, y = torch.linalg.eig(krylov.hessenberg[:m, :m])
        order = theta.abs().argsort(descending=True, stable=True)
        v = krylov.basis[:, :m].to(y.dtype) @ y[:, order]
        apart = operator.dense().to(y.dtype) @ v - v * theta[order]
        torch.testing.assert_close(ritz.residuals, apart.norm(dim=0), rtol=0, atol=1e-12)
        shorter = ritz_values(arnoldi(operator, m, start=krylov.basis[:, 0]))
        torch.testing.assert_close(ritz.values.abs(), shorter.values.abs(), rtol=0, atol=1e-12)


def test_qr_sweeps_do_not_move_ritz_values(operator, generator):
    krylov = arnoldi(operator, 40, generator=generator)
    h = krylov.hessenberg[:40].clone()
    for _ in range(100):
        q, r = torch.linalg.qr(h)
        h = r @ q
    swept = torch.linalg.eigvals(h)
    distance = (swept.unsqueeze(1) - ritz_values(krylov).values).abs()
    assert distance.min(dim=1).values.max() < 1e-10
    assert (h - krylov.hessenberg[:40]).abs().max() > 0.1  # and yet they were not idle


def test_arnoldi_ends_in_an_invariant_space(generator):
    matrix = torch.diag(torch.tensor([3.0, 2.0, 2.0, 2.0, 1.0], dtype=DOUBLE))
    krylov = arnoldi(matrix, 5, generator=generator)
    assert krylov.basis.shape == (5, 3)
    assert krylov.hessenberg.shape == (4, 3)
    assert ritz_values(krylov).values.real.tolist() == pytest.approx([3.0, 2.0, 1.0])  # 2.0 once
    start = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0])
    assert arnoldi(matrix, 4, start=start).n_steps == 1


def test_power_iteration_finds_a_single_real_leader(generator):
    matrix = with_eigenvalues([-2.0, *pair_free(generator)], generator)
    found = power_iteration(matrix, 60, generator=generator)
    assert found.values.shape == found.residuals.shape == (60,)
    assert abs(found.values[-1] - (-2.0)) < 1e-9
    assert found.residuals[-1] < 1e-9
    torch.testing.assert_close(
        (matrix @ found.vector.real), -2.0 * found.vector.real, rtol=0, atol=1e-9
    )
    # |lambda_2 / lambda_1| = 1/2: each step halves the error
    ratio = float(found.residuals[25] / found.residuals[15]) ** (1 / 10)
    assert ratio == pytest.approx(0.5, rel=0.1)


def pair_free(generator):
    return [1.0, *torch.linspace(-0.8, 0.8, 12).tolist()]


def test_one_vector_cannot_hold_a_complex_pair_and_two_can(generator):
    matrix = with_eigenvalues([pair(2.0, 0.7), *pair_free(generator)], generator)
    one = power_iteration(matrix, 300, generator=generator)
    assert one.residuals[-100:].min() > 0.1
    assert one.values.imag.abs().max() == 0
    two = power_iteration(matrix, 300, n_vectors=2, generator=generator)
    expected = complex(2 * np.cos(0.7), 2 * np.sin(0.7))
    found = complex(two.values[-1])
    assert min(abs(found - expected), abs(found - expected.conjugate())) < 1e-10
    assert two.residuals[-1] < 1e-10
    v = two.vector
    torch.testing.assert_close(matrix.to(v.dtype) @ v, found * v, rtol=0, atol=1e-10)
    assert float(v.norm()) == pytest.approx(1.0)


def test_a_block_of_two_also_finds_a_real_leader_before_a_pair(generator):
    matrix = with_eigenvalues([2.0, pair(1.5, 0.7), 0.3, -0.2, 0.1], generator)
    found = power_iteration(matrix, 200, n_vectors=2, generator=generator)
    assert abs(found.values[-1] - 2.0) < 1e-10


def test_power_iteration_agrees_with_arpack_on_a_convolution(operator, generator):
    lead = leading_eigenvalues(operator, 1, generator=generator).values[0]
    found = power_iteration(operator, 5000, n_vectors=2, generator=generator).values[-1]
    assert min(abs(found - lead), abs(found.conj() - lead)) < 1e-6


@pytest.mark.parametrize("shape", [(4, 4, 3, 3), (2, 5, 3, 3), (5, 2, 3, 3)])
def test_partial_svd_equals_arpack_and_the_dense_one(shape, generator):
    operator = ConvolutionOperator(torch.randn(shape, generator=generator), 5, 4)
    smaller = min(operator.shape)
    found = partial_svd(operator, 4, n_steps=smaller, generator=generator)
    dense = torch.linalg.svdvals(operator.dense())
    torch.testing.assert_close(found.values, dense[:4], rtol=1e-10, atol=0)
    assert found.residuals.max() < 1e-9
    arpack = leading_singular_values(operator, 4, generator=generator)
    overlap = (found.right.mT @ arpack.right).diagonal().abs()
    torch.testing.assert_close(overlap, torch.ones(4, dtype=DOUBLE), rtol=0, atol=1e-8)
    everything = partial_svd(operator, smaller, generator=generator)
    torch.testing.assert_close(everything.values, dense, rtol=0, atol=1e-9)
    rebuilt = everything.left * everything.values @ everything.right.mT
    torch.testing.assert_close(rebuilt, operator.dense(), rtol=0, atol=1e-9)


def test_a_1x1_convolution_has_each_singular_value_many_times(generator):
    weights = torch.randn(3, 3, 1, 1, generator=generator)
    operator = ConvolutionOperator(weights, 4, 4)
    found = partial_svd(operator, 10, generator=generator)
    expected = torch.linalg.svdvals(weights[:, :, 0, 0].double())
    torch.testing.assert_close(found.values, expected, rtol=0, atol=1e-10)
    dense = torch.linalg.svdvals(operator.dense())
    torch.testing.assert_close(dense, expected.repeat_interleave(16), rtol=0, atol=1e-12)


def test_errors_name_what_is_wrong(operator):
    with pytest.raises(ValueError, match="n_steps must be at most the size 120, got 121"):
        arnoldi(operator, 121)
    with pytest.raises(ValueError, match=r"start must have shape \(120,\), got \(3,\)"):
        arnoldi(operator, 5, start=torch.ones(3))
    with pytest.raises(ValueError, match="start must not be zero"):
        arnoldi(operator, 5, start=torch.zeros(120))
    with pytest.raises(ValueError, match="n_steps must be at most 5, got 6"):
        ritz_values(arnoldi(operator, 5), 6)
    with pytest.raises(ValueError, match="n_vectors must be at most the size 120, got 121"):
        power_iteration(operator, 5, n_vectors=121)
    with pytest.raises(ValueError, match=r"start must be \(120, 2\), got \(120, 1\)"):
        power_iteration(operator, 5, n_vectors=2, start=torch.ones(120, 1))
    with pytest.raises(ValueError, match="start must have independent columns"):
        power_iteration(operator, 5, n_vectors=2, start=torch.ones(120, 2))
    with pytest.raises(ValueError, match="n_steps must be from n = 4 to 120, got 3"):
        partial_svd(operator, 4, n_steps=3)
    with pytest.raises(ValueError, match="matrix must be square"):
        arnoldi(torch.ones(2, 3), 1)


def test_a_sweep_keeps_eigenvalues(generator):
    h = torch.triu(torch.randn(20, 20, dtype=DOUBLE, generator=generator), -1)
    swept = qr_sweeps(h, 5)
    assert (swept - h).abs().max() > 0.1
    torch.testing.assert_close(swept.trace(), h.trace())
    torch.testing.assert_close(swept.det(), h.det())
    ours, theirs = torch.linalg.eigvals(swept), torch.linalg.eigvals(h)
    assert distance_to_nearest(ours, theirs).max() < 1e-10


def test_distance_to_the_nearest():
    ours, theirs = torch.tensor([0.0, 3j, 5.0]), torch.tensor([1.0, 4.0, 3 + 3j])
    assert distance_to_nearest(ours, theirs).tolist() == [1, 3, 1]
