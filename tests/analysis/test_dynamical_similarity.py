"""Dynamical similarity: rotations do not count, another speed does; and a missing package."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from nmcourse.analysis import dynamical_distances


def spiral(turn: float, seed: int = 0) -> torch.Tensor:
    """Six decaying spirals in a plane of five units: (condition, time, unit)."""
    step = 0.97 * torch.tensor(
        [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], dtype=torch.float64
    )
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    states = [x]
    for _ in range(39):
        states.append(states[-1] @ step.mT)
    plane = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=source))[0][:, :2]
    return torch.stack(states, dim=1) @ plane.mT


def test_a_rotation_is_no_difference_and_another_speed_is():
    pytest.importorskip("DSA")
    shapes = [spiral(0.3), spiral(0.3, seed=5), spiral(0.9)]
    found = dynamical_distances(shapes, n_components=2, n_delays=2, rank=2, n_iterations=500)
    assert found.shape == (3, 3)
    assert found[0, 1] < 0.05
    assert found[0, 2] > 5 * found[0, 1]


def test_without_the_package_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "DSA", None)
    with pytest.raises(ImportError, match=r"pip install 'nmcourse\[similarity\]'"):
        dynamical_distances([spiral(0.3), spiral(0.9)])


def test_what_does_not_fit_is_named():
    x = spiral(0.3)
    with pytest.raises(ValueError, match="two networks or more, got 1"):
        dynamical_distances([x])
    with pytest.raises(ValueError, match=r"same conditions and times.* at 1, "):
        dynamical_distances([x, x[:, :-1]])
    with pytest.raises(ValueError, match="n_delays must be below 40 times, got 40"):
        dynamical_distances([x, x], n_delays=40)
