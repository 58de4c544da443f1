"""Answers to the exercises of *Attractors and ambiguity*, and cases for them."""

from __future__ import annotations

import cmath
import math

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw


def ring_order(place: Tensor, angle: Tensor) -> float:
    def agreement(turn: int) -> float:
        difference = place - turn * angle
        return float(torch.hypot(difference.cos().mean(), difference.sin().mean()))

    return max(agreement(1), agreement(-1))


def ring_order_by_complex_numbers(place: Tensor, angle: Tensor) -> float:
    pairs = list(zip(place.tolist(), angle.tolist(), strict=True))
    means = [sum(cmath.exp(1j * (p - turn * a)) for p, a in pairs) / len(pairs) for turn in (1, -1)]
    return max(abs(mean) for mean in means)


def places(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    """Rings that turn either way, begin anywhere, and are a little out of order; one by a swap."""
    found = []
    for k in range(4):
        angle = 6.28 * torch.arange(9).double() / 9
        turn = 1 if k % 2 else -1
        noise = 0.5 * draw.normal(9)
        found.append((turn * angle + draw.uniform(1.0, 2.5) + noise, angle))
    swapped = 6.28 * torch.arange(9).double() / 9
    place = -swapped  # its first two places say the other direction
    place[[0, 1]] = place[[1, 0]]
    return [*found, (place, swapped)]


def time_constant(eigenvalue: complex, dt: float) -> float:
    return -dt / math.log(abs(eigenvalue))


def time_constant_by_halving(eigenvalue: complex, dt: float) -> float:
    """How many steps until the modulus of a power is 1/e, between two whole numbers."""
    steps, low, high = 0.0, 0.0, 1e6
    for _ in range(200):
        steps = (low + high) / 2
        if abs(eigenvalue) ** steps > math.exp(-1):
            low = steps
        else:
            high = steps
    return dt * steps


def eigenvalues(draw: Draw) -> list[tuple[complex, float]]:
    return [
        (cmath.rect(draw.uniform(0.6, 0.95), draw.uniform(0.4, 1.2)), draw.uniform(3.0, 25.0))
        for _ in range(4)
    ]


def _unit(x: Tensor) -> Tensor:
    x = x - x.mean(dim=0)
    return x / x.norm()


def likeness(x: Tensor, y: Tensor) -> float:
    return float(torch.linalg.svdvals(_unit(x).mT @ _unit(y)).sum())


def likeness_by_turning(x: Tensor, y: Tensor) -> float:
    """The best rotation itself, and the product that it gives."""
    x, y = _unit(x), _unit(y)
    u, _, vh = torch.linalg.svd(y.mT @ x, full_matrices=False)
    return float((x * (y @ (u @ vh))).sum())


def shapes(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    return [(2.0 * draw.normal(9, 3) + 1.5, 0.6 * draw.normal(9, 3) - 2.0) for _ in range(4)]
