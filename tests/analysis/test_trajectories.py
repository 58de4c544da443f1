"""Distances between trajectories: the axioms of a metric, SciPy's Procrustes, and a null."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import procrustes

from nmcourse.analysis import (
    distance_matrix,
    family_ratio,
    procrustes_distance,
    shape_distance,
    shape_likeness,
)

EXACT = 3e-8  # arccos turns an error of 1e-16 in s near 1 into 1.5e-8


def draw(seed: int, units: int = 4, rows: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, units, dtype=torch.float64, generator=generator)


def turned(x: torch.Tensor, seed: int) -> torch.Tensor:
    """Moved, scaled, turned or reflected."""
    rotation = torch.linalg.qr(draw(seed, x.shape[1], x.shape[1]))[0]
    return 3.7 * x @ rotation + draw(seed + 1, x.shape[1], 1)


SEEDS = st.integers(0, 2**31)
UNITS = st.integers(1, 6)


@given(SEEDS, UNITS)
def test_a_shape_is_at_no_distance_from_itself(seed, units):
    x = draw(seed, units)
    assert shape_distance(x, x) <= EXACT
    assert shape_distance(x, turned(x, seed + 1)) <= EXACT


@given(SEEDS, UNITS, UNITS)
def test_it_is_symmetric_and_other_shapes_are_apart(seed, m, n):
    x, y = draw(seed, m), draw(seed + 1, n)
    assert shape_distance(x, y) == pytest.approx(shape_distance(y, x), abs=1e-12)
    assert shape_distance(x, y) > 1e-3  # two random shapes
    assert shape_distance(x, y) <= math.pi / 2


@given(SEEDS, UNITS, UNITS, UNITS, st.floats(0, 2))
def test_the_way_round_is_never_shorter(seed, a, b, c, near):
    x, z = draw(seed, a), draw(seed + 1, c)
    y = draw(seed + 2, b)
    if a == b:
        y = x + near * y  # near triples test the inequality where it is tight
    through = shape_distance(x, y) + shape_distance(y, z)
    assert shape_distance(x, z) <= through + 2 * EXACT


@given(SEEDS, UNITS, UNITS)
def test_units_are_only_names(seed, m, n):
    """A common turn of one of the two changes nothing."""
    x, y = draw(seed, m), draw(seed + 1, n)
    assert shape_distance(turned(x, seed + 2), y) == pytest.approx(shape_distance(x, y), abs=1e-7)


def test_the_disparity_breaks_the_triangle_inequality():
    """Two orthogonal directions and one between them: the way by the middle is too short."""
    rows = torch.linspace(-1, 1, 8, dtype=torch.float64)
    one, other = rows, rows.square() - rows.square().mean()
    one, other = (v.unsqueeze(1) / v.norm() for v in (one, other))
    middle = one + other
    way_round = procrustes_distance(one, middle) + procrustes_distance(middle, other)
    assert procrustes_distance(one, other) == pytest.approx(1.0)
    assert way_round == pytest.approx(1.0)  # 1/2 + 1/2: on the verge
    first, second = one + 0.4 * other, other + 0.4 * one
    short = procrustes_distance(first, middle) + procrustes_distance(middle, second)
    assert procrustes_distance(first, second) > short + 0.1
    assert shape_distance(first, second) <= (
        shape_distance(first, middle) + shape_distance(middle, second) + EXACT
    )


@given(SEEDS, UNITS, UNITS)
def test_the_disparity_is_that_of_scipy(seed, m, n):
    """Oracle: ``scipy.spatial.procrustes`` on shapes padded by hand, and 1 - s^2."""
    x, y = draw(seed, m), draw(seed + 1, n)
    pads = [torch.nn.functional.pad(v, (0, 6 - v.shape[1])).numpy() for v in (x, y)]
    ours = procrustes_distance(x, y)
    assert ours == pytest.approx(procrustes(*pads)[2], abs=1e-10)
    assert ours == pytest.approx(1 - shape_likeness(x, y) ** 2, abs=1e-10)
    assert ours == pytest.approx(math.sin(shape_distance(x, y)) ** 2, abs=1e-10)


def test_a_matrix_holds_the_distance_of_every_pair():
    shapes = [draw(seed, units) for seed, units in ((0, 3), (1, 5), (2, 4))]
    for measure, distance in (("angle", shape_distance), ("procrustes", procrustes_distance)):
        found = distance_matrix(shapes, measure)
        for i, x in enumerate(shapes):
            for j, y in enumerate(shapes):
                expected = 0.0 if i == j else distance(x, y)
                assert found[i, j].item() == pytest.approx(expected, abs=1e-10)


def family(center: torch.Tensor, spread: float, n: int, seed: int) -> list[torch.Tensor]:
    return [center + spread * draw(seed + k, center.shape[1], len(center)) for k in range(n)]


def test_the_ratio_is_one_for_two_halves_of_one_family_and_more_for_two():
    one, other = draw(0, rows=30), draw(1, rows=30)
    alike = distance_matrix(family(one, 0.3, 12, 100))
    found = family_ratio(alike, range(6), range(6, 12), generator=torch.Generator().manual_seed(0))
    low, high = found.interval()
    assert low < 1 < high
    assert found.ratio == pytest.approx(1.0, abs=0.15)
    apart = distance_matrix(family(one, 0.3, 6, 100) + family(other, 0.3, 6, 200))
    found = family_ratio(apart, range(6), range(6, 12), generator=torch.Generator().manual_seed(0))
    assert found.interval()[0] > 1.5
    assert found.ratio == pytest.approx(found.between / found.within)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Two halves of one family, drawn again and again: a true ratio of 1."""
    covered = 0
    for trial in range(40):
        shapes = family(draw(0, rows=30), 0.3, 16, 1000 * (trial + 1))
        found = family_ratio(
            distance_matrix(shapes),
            range(8),
            range(8, 16),
            n_draws=200,
            generator=torch.Generator().manual_seed(trial),
        )
        low, high = found.interval()
        covered += low <= 1 <= high
    assert covered >= 33


def test_what_does_not_fit_is_named():
    x = draw(0)
    with pytest.raises(ValueError, match=r"same times and conditions, got \(7,\) and \(6,\)"):
        shape_distance(x, x[:6])
    with pytest.raises(ValueError, match=r"same times and conditions.*at 1"):
        distance_matrix([x, x[:6]])
    with pytest.raises(ValueError, match="second must vary"):
        shape_distance(x, torch.ones_like(x))
    with pytest.raises(ValueError, match="first must be finite"):
        procrustes_distance(x / 0, x)
    with pytest.raises(ValueError, match=r"measure must be one of .* got 'euclid'"):
        distance_matrix([x, x], "euclid")
    with pytest.raises(ValueError, match="two networks or more, got 1"):
        distance_matrix([x])
    square = distance_matrix([draw(s) for s in range(4)])
    with pytest.raises(ValueError, match="second must be from 0 to 3, got 4"):
        family_ratio(square, [0, 1], [4, 5])
    with pytest.raises(ValueError, match=r"must not share a network, got \[1\]"):
        family_ratio(square, [0, 1], [1, 2])
