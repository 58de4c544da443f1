import math

import numpy as np
import pytest
import torch

from nmcourse.analysis import principal_subspace, shared_variance, subspace_angles


def clouds(generator: torch.Generator) -> torch.Tensor:
    spread = torch.tensor([3.0, 1.0, 0.4, 0.1, 0.02], dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(5, 5, generator=generator).double())[0]
    noise = torch.randn(8, 40, 5, generator=generator).double()
    return 2.0 + (noise * spread) @ turn.mT


def test_components_are_the_eigenvectors_of_the_covariance(generator):
    states = clouds(generator)
    pcs = principal_subspace(states)
    flat = states.reshape(-1, 5).numpy()
    values, vectors = np.linalg.eigh(np.cov(flat.T))
    np.testing.assert_allclose(pcs.variances, values[::-1], rtol=1e-10)
    np.testing.assert_allclose(pcs.variance_ratios, values[::-1] / values.sum(), rtol=1e-10)
    np.testing.assert_allclose(
        np.abs(vectors[:, ::-1].T @ pcs.components.numpy()), np.eye(5), atol=1e-9
    )
    np.testing.assert_allclose(pcs.mean, flat.mean(axis=0))


def test_sign_does_not_depend_on_the_data_sign(generator):
    states = clouds(generator)
    one, other = principal_subspace(states), principal_subspace(-states)
    torch.testing.assert_close(one.components, other.components)
    largest = one.components.gather(0, one.components.abs().argmax(dim=0, keepdim=True))
    assert (largest > 0).all()


def test_projection_and_reconstruction(generator):
    states = clouds(generator)
    full = principal_subspace(states)
    torch.testing.assert_close(full.reconstruct(full.project(states)), states)
    two = principal_subspace(states, 2)
    lost = (states - two.reconstruct(two.project(states))).square().sum() / (8 * 40 - 1)
    torch.testing.assert_close(lost, full.variances[2:].sum())
    assert two.components.shape == (5, 2)
    assert two.variance_ratios.sum() < 1
    coordinates = two.project(states).reshape(-1, 2)
    torch.testing.assert_close(coordinates.mean(dim=0), torch.zeros(2).double(), atol=1e-12, rtol=0)


def test_number_of_components_for_a_share():
    # Variances 4 : 1 along two axes, so shares 0.8 and 1.0.
    points = torch.tensor([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    pcs = principal_subspace(points)
    assert pcs.n_components_for(0.8) == 1
    assert pcs.n_components_for(0.81) == 2
    with pytest.raises(ValueError, match=r"share must be at most 0\.8000, what the 1 kept"):
        principal_subspace(points, 1).n_components_for(0.9)
    with pytest.raises(ValueError, match=r"share must be above 0 and at most 1, got 1\.5"):
        pcs.n_components_for(1.5)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0])
def test_known_angles(degrees):
    turn = math.radians(degrees)
    first = torch.tensor([[1.0, 0], [0, 2], [0, 0], [0, 0]], dtype=torch.float64)
    second = torch.tensor([[1.0, 0], [0, math.cos(turn)], [0, math.sin(turn)], [0, 0]])
    angles = subspace_angles(first, second.double() @ torch.tensor([[1.0, 1], [1, -1]]).double())
    assert angles.tolist() == pytest.approx([0.0, turn], abs=1e-7)
    line = subspace_angles(first, second[:, 1:].double())
    assert line.tolist() == pytest.approx([turn], abs=1e-7)


def test_shared_variance_of_planted_axes():
    points = torch.tensor([[2.0, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0]])
    axes = torch.tensor([[5.0, 1], [0, 0], [0, 3]])  # spans the first and third axis
    assert shared_variance(points + 7.0, axes) == pytest.approx(0.8)
    assert shared_variance(points, torch.eye(3)) == pytest.approx(1.0)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="states must be finite"):
        principal_subspace(torch.full((3, 2), torch.nan))
    with pytest.raises(ValueError, match="states must hold at least two states, got 1"):
        principal_subspace(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="states that are all equal"):
        principal_subspace(torch.ones(4, 2))
    with pytest.raises(ValueError, match="n_components must be at most 2, got 3"):
        principal_subspace(torch.eye(4)[:, :2], 3)
    with pytest.raises(ValueError, match=r"first must have shape \(unit, axis\), got \(3,\)"):
        subspace_angles(torch.ones(3), torch.eye(3))
    with pytest.raises(ValueError, match="second must have linearly independent columns"):
        subspace_angles(torch.eye(3), torch.ones(3, 2))
    with pytest.raises(ValueError, match="must have the same units, got 3 and 4"):
        subspace_angles(torch.eye(3), torch.eye(4))
    with pytest.raises(ValueError, match=r"axes must have shape \(2, axis\), got \(3, 1\)"):
        shared_variance(torch.eye(2), torch.ones(3, 1))
