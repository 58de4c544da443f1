"""Answers to the exercises of *What can a comparison with a brain tell?*, and cases for them."""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw


def image_part(values: Tensor) -> Tensor:
    return values - values.mean(dim=1, keepdim=True)


def image_part_by_time(values: Tensor) -> Tensor:
    return torch.stack([frame - frame.mean(dim=0) for frame in values])


def responses(draw: Draw) -> list[tuple[Tensor]]:
    return [(draw.normal(draw.integer(3, 6), draw.integer(7, 9), 2) + 3.0,) for _ in range(4)]


def ceiling(r_half: float) -> float:
    return (2 * r_half / (1 + r_half)) ** 0.5


def ceiling_by_variances(r_half: float) -> float:
    """Signal of variance r, noise of variance 1 - r in each half."""
    signal, noise = r_half, (1 - r_half) / 2
    return (signal / (signal + noise)) ** 0.5


def halves(draw: Draw) -> list[tuple[float]]:
    return [(draw.uniform(0.1, 0.45),), (draw.uniform(0.55, 0.9),), (draw.uniform(0.2, 0.8),)]


def frame_folds(n_times: int, folds: Tensor) -> Tensor:
    return folds.repeat(n_times, 1).flatten()


def frame_folds_by_index(n_times: int, folds: Tensor) -> Tensor:
    n_images = len(folds)
    return torch.tensor([int(folds[row % n_images]) for row in range(n_times * n_images)])


def foldings(draw: Draw) -> list[tuple[int, Tensor]]:
    return [(draw.integer(3, 5), torch.tensor([0, 2, 1, 1, 0, 2, 0][: 5 + k])) for k in range(3)]


def left_out(x: Tensor, y: Tensor, penalty: float) -> Tensor:
    centred = x - x.mean(dim=0)
    inverse = torch.linalg.inv(centred.mT @ centred + penalty * torch.eye(x.shape[1]).to(x))
    hat = centred @ inverse @ centred.mT + 1.0 / len(x)
    fitted = hat @ y
    return y - (y - fitted) / (1 - hat.diagonal())


def left_out_by_fitting(x: Tensor, y: Tensor, penalty: float) -> Tensor:
    found = []
    for k in range(len(x)):
        kept = torch.arange(len(x)) != k
        mean, level = x[kept].mean(dim=0), y[kept].mean()
        a = x[kept] - mean
        matrix = a.mT @ a + penalty * torch.eye(x.shape[1]).to(x)
        found.append(level + (x[k] - mean) @ torch.linalg.solve(matrix, a.mT @ (y[kept] - level)))
    return torch.stack(found)


def with_leverage(
    x: Tensor, y: Tensor, penalty: float, *, intercept: float, divide: bool
) -> Tensor:
    """The same with another leverage of the intercept, or without the division."""
    centred = x - x.mean(dim=0)
    inverse = torch.linalg.inv(centred.mT @ centred + penalty * torch.eye(x.shape[1]).to(x))
    hat = centred @ inverse @ centred.mT
    fitted = y.mean() + hat @ y
    if not divide:
        return fitted
    return y - (y - fitted) / (1 - hat.diagonal() - intercept)


def regressions(draw: Draw) -> list[tuple[Tensor, Tensor, float]]:
    return [
        (draw.normal(8, 3) + 2.0, draw.normal(8) + 1.0, draw.uniform(0.5, 20.0)) for _ in range(4)
    ]


def corrected(between: float, first: float, second: float) -> float:
    return between / (first * second) ** 0.5


def corrected_by_logarithms(between: float, first: float, second: float) -> float:
    half = torch.tensor([first, second], dtype=torch.float64).log().mean().exp()
    return between / float(half)


def correlations(draw: Draw) -> list[tuple[float, float, float]]:
    cases = []
    for k in range(4):
        low, high = draw.uniform(0.25, 0.4), draw.uniform(0.6, 0.75)
        first, second = (low, high) if k % 2 else (high, low)
        cases.append((draw.uniform(0.05, 0.2), first, second))
    return cases
