r"""Principal subspaces of activity, and angles between subspaces.

States x of a trial (batch, time, unit) are points in N dimensions that often fill only a few:

    x ~ mean + V c        c = V^T (x - mean)

with V (unit, component) the directions of largest variance, from the singular value
decomposition of the centred states. Axes of a subspace always stand in the columns, so that
principal components compare directly with row factors L (N, K) or input weights (N, P).
"""

from __future__ import annotations

from dataclasses import dataclass

import scipy.linalg
import torch
from torch import Tensor

from nmcourse._inputs import count
from nmcourse.analysis._checks import check_finite


@dataclass(frozen=True)
class PrincipalSubspace:
    """The directions of largest variance of a set of states.

    Attributes:
        mean: (unit,).
        components: orthonormal columns (unit, component), largest variance first. The entry of
            largest modulus of each is positive, so the sign does not depend on the machine.
        variances: variance along each component, (component,); divisor n - 1.
        variance_ratios: share of the total variance, (component,).
    """

    mean: Tensor
    components: Tensor
    variances: Tensor
    variance_ratios: Tensor

    def project(self, states: Tensor) -> Tensor:
        """Coordinates (.., component) of states (.., unit)."""
        return (states - self.mean) @ self.components

    def reconstruct(self, coordinates: Tensor) -> Tensor:
        """States (.., unit) in the subspace with given coordinates (.., component)."""
        return self.mean + coordinates @ self.components.mT

    def n_components_for(self, share: float) -> int:
        """Smallest number of components that hold ``share`` of the total variance.

        Raises:
            ValueError: if ``share`` is not in (0, 1], or more than the kept components hold.
        """
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
        held = self.variance_ratios.cumsum(dim=0)
        enough = (held >= share - 1e-12).nonzero()
        if len(enough) == 0:
            raise ValueError(
                f"share must be at most {held[-1]:.4f}, what the {len(held)} kept components hold, "
                f"got {share!r}"
            )
        return int(enough[0]) + 1


def principal_subspace(states: Tensor, n_components: int | None = None) -> PrincipalSubspace:
    """Principal components of states, over all trials and times together.

    Args:
        states: (.., unit), at least two states.
        n_components: how many to keep, at most min(number of states, units); None keeps all.

    Returns:
        The subspace, in the dtype of ``states``.

    Raises:
        ValueError: for fewer than two states, NaN or infinity, too many components, or states
            that are all equal.

    Reference:
        Chapter *Low-rank networks*.
    """
    check_finite("states", states)
    points = states.detach().reshape(-1, states.shape[-1])
    if len(points) < 2:
        raise ValueError(f"states must hold at least two states, got {len(points)}")
    most = min(points.shape)
    n_components = most if n_components is None else count("n_components", n_components)
    if n_components > most:
        raise ValueError(f"n_components must be at most {most}, got {n_components}")

    mean = points.mean(dim=0)
    _, singular_values, rows = torch.linalg.svd(points - mean, full_matrices=False)
    variances = singular_values.square() / (len(points) - 1)
    if not variances.sum() > 0:
        raise ValueError("states must vary, got states that are all equal")
    directions = rows[:n_components].mT
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return PrincipalSubspace(
        mean=mean,
        components=directions * torch.sign(largest),
        variances=variances[:n_components],
        variance_ratios=(variances / variances.sum())[:n_components],
    )


def subspace_angles(first: Tensor, second: Tensor) -> Tensor:
    """Principal angles between the spans of two sets of columns.

    Args:
        first: (unit, m); columns need not be orthonormal.
        second: (unit, n).

    Returns:
        min(m, n) angles in radians, smallest first: 0 is a shared direction, pi/2 an orthogonal
        one.

    Raises:
        ValueError: for shapes that do not fit, NaN or infinity, or linearly dependent columns.

    Reference:
        ``scipy.linalg.subspace_angles``; chapter *Low-rank networks*.
    """
    for name, axes in (("first", first), ("second", second)):
        if axes.ndim != 2 or 0 in axes.shape:
            raise ValueError(f"{name} must have shape (unit, axis), got {tuple(axes.shape)}")
        check_finite(name, axes)
        if int(torch.linalg.matrix_rank(axes.detach())) < axes.shape[1]:
            raise ValueError(f"{name} must have linearly independent columns")
    if first.shape[0] != second.shape[0]:
        raise ValueError(
            f"first and second must have the same units, got {first.shape[0]} and {second.shape[0]}"
        )
    angles = scipy.linalg.subspace_angles(
        first.detach().cpu().numpy(), second.detach().cpu().numpy()
    )
    return torch.as_tensor(angles[::-1].copy(), dtype=first.dtype)


def shared_variance(states: Tensor, axes: Tensor) -> float:
    """Share of the variance of states that lies in the span of ``axes``.

    Args:
        states: (.., unit).
        axes: (unit, m), linearly independent columns.

    Returns:
        A number between 0 and 1.

    Raises:
        ValueError: for shapes that do not fit, NaN or infinity, or states that are all equal.
    """
    check_finite("states", states)
    check_finite("axes", axes)
    if axes.ndim != 2 or axes.shape[0] != states.shape[-1]:
        raise ValueError(
            f"axes must have shape ({states.shape[-1]}, axis), got {tuple(axes.shape)}"
        )
    points = states.detach().reshape(-1, states.shape[-1])
    centred = points - points.mean(dim=0)
    total = centred.square().sum()
    if not total > 0:
        raise ValueError("states must vary, got states that are all equal")
    basis = torch.linalg.qr(axes.detach())[0]
    return float((centred @ basis).square().sum() / total)
