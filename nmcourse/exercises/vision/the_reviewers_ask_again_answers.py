"""Answers to the exercises of *The reviewers ask, again*, and cases for them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw


def largest_fall(weights: Tensor, size: float) -> float:
    return size * weights.abs().sum().item()


def largest_fall_by_signs(weights: Tensor, size: float) -> float:
    """What the worst change itself does to the score."""
    change = -size * torch.sign(weights)
    return -(weights @ change).item()


def filters(draw: Draw) -> list[tuple[Tensor, float]]:
    return [
        (torch.tensor([0.5, -1.5, 0.0, 2.0], dtype=torch.float64), draw.uniform(0.1, 0.4)),
        (draw.normal(9), draw.uniform(0.05, 0.2)),
        (-draw.normal(64).abs(), draw.uniform(0.01, 0.1)),
        (draw.normal(196), draw.uniform(0.01, 0.1)),
    ]


def contraction(jacobian: Tensor, limit: float) -> float:
    return (jacobian.sum(dim=0) - limit).clamp(min=0).square().mean().item()


def contraction_by_product(jacobian: Tensor, limit: float) -> float:
    """The same with a row of ones from the left, as it is done where J is never built."""
    columns = torch.ones(len(jacobian), dtype=jacobian.dtype) @ jacobian
    excess = [max(0.0, column - limit) ** 2 for column in columns.tolist()]
    return sum(excess) / len(excess)


def jacobians(draw: Draw) -> list[tuple[Tensor, float]]:
    fixed = torch.tensor([[0.2, 1.5, -0.4], [0.9, 0.3, 0.8], [-1.6, 0.1, 1.1]], dtype=torch.float64)
    return [
        (fixed, 0.9),
        (draw.normal(4, 4), draw.uniform(0.7, 0.95)),
        (draw.normal(6, 6) / 2 + 0.1, draw.uniform(0.5, 0.8)),
    ]


def averaged_ceiling(signal: float, noise: float, n_frames: int, n_repeats: int) -> float:
    left = noise**2 / (n_frames * n_repeats)
    return math.sqrt(signal**2 / (signal**2 + left))


def averaged_ceiling_by_ratio(signal: float, noise: float, n_frames: int, n_repeats: int) -> float:
    """From the ratio of the standard deviation of the noise that is left to that of the signal."""
    ratio = noise / signal / math.sqrt(n_frames) / math.sqrt(n_repeats)
    return 1 / math.hypot(1.0, ratio)


def recordings(draw: Draw) -> list[tuple[float, float, int, int]]:
    return [
        (1.0, draw.uniform(1.5, 2.5), 1, draw.integer(5, 12)),
        (draw.uniform(0.3, 0.7), draw.uniform(1.0, 3.0), draw.integer(10, 30), draw.integer(3, 9)),
        (draw.uniform(1.2, 2.0), draw.uniform(4.0, 8.0), draw.integer(4, 9), draw.integer(12, 20)),
    ]


HOLDS, PARTLY, FAILS, OPEN = 1.0, 0.5, 0.0, -1.0


def verdict(yes: int, no: int, still_open: int) -> float:
    if yes and no:
        return PARTLY
    if still_open:
        return OPEN
    return HOLDS if yes else FAILS


def verdict_by_endings(yes: int, no: int, still_open: int) -> float:
    """Fill the open parts in with as many that hold as you like: does the verdict change?"""
    endings = {_closed(yes + more, no + still_open - more) for more in range(still_open + 1)}
    return endings.pop() if len(endings) == 1 else OPEN


def _closed(yes: int, no: int) -> float:
    return PARTLY if yes and no else HOLDS if yes else FAILS


def parts(draw: Draw) -> list[tuple[int, int, int]]:
    some = [draw.integer(1, 5) for _ in range(7)]
    return [
        (some[0], 0, 0),
        (0, some[1], 0),
        (some[2], 1, 0),
        (1, some[3] + 1, 0),
        (some[4], 0, 1),
        (0, some[5], 2),
        (1, 2, some[6]),
        (3, 1, 1),
        (0, 0, 2),
    ]
