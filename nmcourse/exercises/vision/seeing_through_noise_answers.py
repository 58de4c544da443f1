"""Answers to the exercises of *Seeing through noise*, and examples to try them on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw


def variance_of_unit(strength: float, dt: float, tau: float) -> float:
    return strength**2 / (2 * tau - dt)


def variance_of_unit_by_steps(strength: float, dt: float, tau: float) -> float:
    """Let the variance itself take the steps, until it stays."""
    alpha, variance = dt / tau, 0.0
    for _ in range(10_000):
        variance = (1 - alpha) ** 2 * variance + alpha**2 * strength**2 / dt
    return variance


def steps(draw: Draw) -> list[tuple[float, float, float]]:
    return [
        (draw.uniform(0.3, 0.8), draw.uniform(2.0, 4.5), draw.uniform(5.0, 15.0)) for _ in range(5)
    ] + [(1.6, 0.5, 8.0)]


def frames_averaged(recurrence: float, alpha: float) -> float:
    leak = alpha * (1 - recurrence)
    return (2 - leak) / leak


def frames_averaged_by_weights(recurrence: float, alpha: float) -> float:
    """Each frame has a weight in the rate; as many equal weights average as well."""
    factor, weight = 1 - alpha + alpha * recurrence, alpha
    total = squares = 0.0
    for _ in range(5_000):
        total, squares, weight = total + weight, squares + weight**2, weight * factor
    return total**2 / squares


def recurrences(draw: Draw) -> list[tuple[float, float]]:
    near = [(0.5, 0.2), (0.8, 0.4), (-0.5, 0.3), (-0.6, 0.9), (0.3, 1.0), (0.7, 0.15)]
    return [(mu + draw.uniform(-0.05, 0.05), a - draw.uniform(0.0, 0.05)) for mu, a in near]


def margin_in_noise(outputs: Tensor, label: int) -> float:
    others = [k for k in range(outputs.shape[1]) if k != label]
    ahead = outputs[:, [label]] - outputs[:, others]
    return float((ahead.mean(dim=0) / ahead.std(dim=0)).min())


def margin_in_noise_by_hand(outputs: Tensor, label: int) -> float:
    rows, margins = outputs.tolist(), []
    for k in range(len(rows[0])):
        ahead = [row[label] - row[k] for row in rows]
        if k != label:
            mean = math.fsum(ahead) / len(ahead)
            squares = math.fsum((value - mean) ** 2 for value in ahead)
            margins.append(mean / math.sqrt(squares / (len(ahead) - 1)))
    return min(margins)


def margin_of_all_trials(outputs: Tensor, label: int) -> float:
    """The same with n in place of n - 1."""
    return margin_in_noise(outputs, label) * math.sqrt(len(outputs) / (len(outputs) - 1))


def ratios(outputs: Tensor, label: int, spread: Callable[[Tensor, Tensor], Tensor]) -> list[float]:
    """How far the right class is ahead of each other one, over a spread of the two."""
    right, others = outputs[:, label], [k for k in range(outputs.shape[1]) if k != label]
    return [float((right - outputs[:, k]).mean() / spread(right, outputs[:, k])) for k in others]


def of_difference(right: Tensor, other: Tensor) -> Tensor:
    return (right - other).std()


def margin_to_second(outputs: Tensor, label: int) -> float:
    """The margin to the class that is second on average, whatever its noise."""
    means = outputs.mean(dim=0).tolist()
    second = max((k for k in range(len(means)) if k != label), key=means.__getitem__)
    return ratios(outputs[:, [label, second]], 0, of_difference)[0]


def trials(draw: Draw) -> list[tuple[Any, ...]]:
    """Outputs with noise that classes share; the second best on average is not the nearest."""
    found: list[tuple[Any, ...]] = []
    for n_trials, n_classes, label in ((12, 2, 0), (30, 3, 1), (25, 4, 3), (40, 5, 0)):
        means = -2.0 - torch.arange(n_classes, dtype=torch.float64) / 2
        means[label] = 0.0
        spread = torch.full((n_classes,), 0.4, dtype=torch.float64)
        if n_classes > 2:
            last = max(k for k in range(n_classes) if k != label)
            spread[last] = 4.0  # far behind on average, and often ahead
        shared = 3.0 * draw.normal(n_trials, 1)
        found.append((means + shared + spread * draw.normal(n_trials, n_classes), label))
    losing = found[1][0].clone()
    losing[:, 1] -= 4.0  # the right class is behind
    return [*found, (losing, 1)]
