r"""Do two networks compute alike? Distances between trajectories, and a null within one family.

Two networks do one task on the same trials. X (time x condition, unit) are the states of one, Y of
the other, both with their mean taken out and padded with zeros to as many units. A rotation (or
reflection) Q of the units is chosen so that Y Q comes as near to X as it can. With both scaled to
length 1 the likeness is

    s(X, Y) = max_Q <X, Y Q> = sum of the singular values of X^T Y       (orthogonal Q, Procrustes)

Two distances follow from one and the same s:

    procrustes   1 - s^2          SciPy's disparity: the sum of squares that is left after scaling
    angle        arccos s         the angle between the two shapes

The angle is a metric: d(X, X) = 0, d(X, Y) = d(Y, X), and d(X, Z) <= d(X, Y) + d(Y, Z). The
disparity is not: it violates the last, so a network may be near to two others that are far apart
from each other. Where distances are averaged or clustered, a metric is needed.

A distance between two networks says little alone: two seeds of one family differ, too. The *ratio*
compares families,

    ratio(A, B) = mean distance between A and B  /  mean of the distances within A and within B

and is 1 where two families differ no more than two seeds of one.

Reference: Williams et al. 2021 (shape metrics); Schoenemann 1966 (Procrustes); Soo et al. 2024,
Appendix B (mean Procrustes distances to a dense network).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, one_or_several
from nmcourse.analysis._checks import check_choice, check_finite

Measure = Literal["procrustes", "angle"]


def shape_likeness(first: Tensor, second: Tensor) -> float:
    """s(X, Y) of the module text, from 0 (nothing in common) to 1 (one is the other, turned).

    Args:
        first: states of one network, (.., unit); all leading axes are times and conditions.
        second: states of the other on the same trials; its number of units may be another.

    Raises:
        ValueError: for trajectories of other lengths or conditions, values that are not finite, or
            states that are all equal.
    """
    x, y = _points("first", first), _points("second", second)
    if first.shape[:-1] != second.shape[:-1]:
        raise ValueError(
            "first and second must have the same times and conditions, got "
            f"{tuple(first.shape[:-1])} and {tuple(second.shape[:-1])}"
        )
    return _likeness(x, y)


def shape_distance(first: Tensor, second: Tensor) -> float:
    """The angle arccos s between two trajectories, in radians: a metric.

    It does not change if one trajectory is moved, scaled, turned or reflected. It is 0 if that
    makes one the other, and at most pi / 2.

    Args:
        first: states of one network, (.., unit).
        second: states of another on the same trials, (.., unit).

    Raises:
        ValueError: as :func:`shape_likeness`.

    Reference:
        Williams et al. 2021, the angular distance of their Eq. 4 with orthogonal alignment.
    """
    return float(np.arccos(min(shape_likeness(first, second), 1.0)))


def procrustes_distance(first: Tensor, second: Tensor) -> float:
    """SciPy's Procrustes disparity of two trajectories, 1 - s^2: from 0 to 1, no metric.

    Args:
        first: states of one network, (.., unit).
        second: states of another on the same trials, (.., unit).

    Raises:
        ValueError: as :func:`shape_likeness`.

    Reference:
        ``scipy.spatial.procrustes``.
    """
    shape_likeness(first, second)  # names what does not fit
    from scipy.spatial import procrustes  # here, because its import takes a second

    width = max(first.shape[-1], second.shape[-1])
    padded = [
        np.pad(x.numpy(), ((0, 0), (0, width - x.shape[-1])))
        for x in (_points("first", first), _points("second", second))
    ]
    return float(procrustes(*padded)[2])


def distance_matrix(trajectories: Sequence[Tensor], measure: Measure = "angle") -> Tensor:
    """Distances between all pairs of networks, (network, network), float64.

    Args:
        trajectories: states of each network on the same trials, (.., unit) each.
        measure: ``"angle"`` or ``"procrustes"``.

    Raises:
        ValueError: for fewer than two networks, an unknown measure, or as :func:`shape_likeness`.
    """
    check_choice("measure", measure, get_args(Measure))
    if len(trajectories) < 2:
        raise ValueError(f"trajectories must be of two networks or more, got {len(trajectories)}")
    points = [_points(f"trajectories[{k}]", states) for k, states in enumerate(trajectories)]
    for k, states in enumerate(trajectories):
        if states.shape[:-1] != trajectories[0].shape[:-1]:
            raise ValueError(
                "trajectories must have the same times and conditions, got "
                f"{tuple(trajectories[0].shape[:-1])} and, at {k}, {tuple(states.shape[:-1])}"
            )
    found = torch.zeros(len(points), len(points), dtype=torch.float64)
    from_likeness: dict[str, Callable[[float], float]] = {
        "angle": lambda s: float(np.arccos(min(s, 1.0))),
        "procrustes": lambda s: 1.0 - s**2,
    }
    for i, j in combinations(range(len(points)), 2):
        found[i, j] = found[j, i] = from_likeness[measure](_likeness(points[i], points[j]))
    return found


class FamilyRatio(NamedTuple):
    """Two families of networks beside the seeds of one.

    Attributes:
        between: mean distance of a network of one family to one of the other.
        within: mean over both families of the distance of two of its networks.
        ratio: ``between / within``: 1 if families differ no more than seeds do.
        draws: the ratio for networks drawn again with replacement, (draw,).
    """

    between: float
    within: float
    ratio: float
    draws: Tensor

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval that holds this share of the draws."""
        tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
        low, high = self.draws.quantile(tails).tolist()
        return low, high


def family_ratio(
    distances: Tensor,
    first: Sequence[int],
    second: Sequence[int],
    *,
    n_draws: int = 2000,
    generator: torch.Generator | None = None,
) -> FamilyRatio:
    """Compare distances between two families with those within them.

    Networks, not pairs, are drawn again for the interval, since all pairs of a network share it. A
    network that is drawn twice is not paired with itself.

    Args:
        distances: (network, network), symmetric.
        first: places of the networks of one family, two or more.
        second: those of the other; none may be in both.
        n_draws: how often networks are drawn again.
        generator: source of the draws.

    Raises:
        ValueError: for distances that are no square, families that overlap or are too small, or a
            place that is not there.
    """
    check_finite("distances", distances)
    check_generator(generator)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise ValueError(
            f"distances must be (network, network), got shape {tuple(distances.shape)}"
        )
    families = []
    for name, family in (("first", first), ("second", second)):
        places = one_or_several(name, family, 0, len(distances) - 1)
        if len(set(places)) < 2:
            raise ValueError(
                f"{name} must be two or more places below {len(distances)}, got {places}"
            )
        families.append(places)
    if shared := sorted(set(families[0]) & set(families[1])):
        raise ValueError(f"first and second must not share a network, got {shared} in both")
    a, b = map(torch.tensor, families)
    between, within = _means(distances, a, b)
    draws = []
    for _ in range(count("n_draws", n_draws)):
        drawn = [
            family[torch.randint(len(family), (len(family),), generator=generator)]
            for family in (a, b)
        ]
        across, inside = _means(distances, *drawn)
        draws.append(across / inside)
    return FamilyRatio(
        between, within, between / within, torch.tensor(draws, dtype=torch.float64).nan_to_num(1.0)
    )


def _means(distances: Tensor, a: Tensor, b: Tensor) -> tuple[float, float]:
    """Mean distance between families, and within them (pairs of different networks alone)."""

    def inside(family: Tensor) -> float:
        different = family[:, None] != family
        pairs = distances[family][:, family][different]
        return float(pairs.mean()) if len(pairs) else float("nan")

    return float(distances[a][:, b].mean()), (inside(a) + inside(b)) / 2


def _points(name: str, states: Tensor) -> Tensor:
    """States (.., unit) as points (row, unit) with mean 0 and length 1, float64."""
    check_finite(name, states)
    if states.ndim < 2 or states[..., 0].numel() < 2:
        raise ValueError(
            f"{name} must have shape (.., unit) with two states or more, got {tuple(states.shape)}"
        )
    points = states.detach().double().cpu().reshape(-1, states.shape[-1])
    points = points - points.mean(dim=0)
    length = points.norm()
    if not length > 0:
        raise ValueError(f"{name} must vary, got states that are all equal")
    return points / length


def _likeness(x: Tensor, y: Tensor) -> float:
    """Sum of the singular values of X^T Y."""
    return float(torch.linalg.svdvals(x.mT @ y).sum())
