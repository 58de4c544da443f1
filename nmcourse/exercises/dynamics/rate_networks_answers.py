"""The trusted answers, the cases to try, and answers with one part changed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.record import Draw
from nmcourse.exercises.dynamics.chaos import exponents


def exact_step(x: float, u: float, dt: float, tau: float) -> float:
    beta = 1 - math.exp(-dt / tau)
    return (1 - beta) * x + beta * u


def leaks(draw: Draw) -> list[tuple[float, float, float, float]]:
    random = [
        (draw.uniform(-2, 2), draw.uniform(-2, 2), tau * draw.uniform(0.05, 3), tau)
        for tau in (7.0, 20.0, 100.0, 450.0)
    ]
    return [(0.0, 1.0, 50.0, 100.0), *random]


def smooth(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(v[-1] + dt / tau * (-v[-1] + inputs[:, k]))
    return torch.stack(v, dim=1)


def smooth_from_next(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(1, inputs.shape[1]):
        v.append(v[-1] + dt / tau * (-v[-1] + inputs[:, k]))
    return torch.stack(v, dim=1)


def smooth_from_zero(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [0 * inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(v[-1] + dt / tau * (-v[-1] + inputs[:, k]))
    return torch.stack(v, dim=1)


def smooth_without_leak(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(v[-1] + dt / tau * inputs[:, k])
    return torch.stack(v, dim=1)


def smooth_too_fast(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(dt / tau * v[-1] + (1 - dt / tau) * inputs[:, k])
    return torch.stack(v, dim=1)


def smooth_by_kernel(inputs: Any, dt: float, tau: float) -> np.ndarray:
    u, alpha = np.asarray(inputs), dt / tau
    late = np.subtract.outer(np.arange(u.shape[1]), np.arange(u.shape[1]))  # steps since u
    kernel = np.where(late > 0, alpha * (1 - alpha) ** np.maximum(late - 1, 0), 0.0)
    kernel[:, 0] += (1 - alpha) ** np.arange(u.shape[1])
    return np.einsum("tk,bkp->btp", kernel, u)


def input_cases(draw: Draw) -> list[tuple[torch.Tensor, float, float]]:
    small = torch.tensor([[[1.0], [0.0], [0.0], [2.0], [0.0]]], dtype=torch.float64)
    shapes = [(draw.integer(2, 3), draw.integer(20, 30), draw.integer(4, 6)) for _ in range(3)]
    return [
        (small, 10.0, 100.0),
        *((draw.normal(*shape), draw.uniform(1, 10), draw.uniform(20, 80)) for shape in shapes),
    ]


def longest_step(eigenvalues: torch.Tensor) -> float:
    limits = -2 * eigenvalues.real / eigenvalues.abs() ** 2
    return float(limits.min())


def spectra(draw: Draw) -> list[tuple[torch.Tensor]]:
    def some(n: int) -> torch.Tensor:
        real = torch.tensor([-draw.uniform(0.001, 0.03) for _ in range(n)], dtype=torch.float64)
        return torch.complex(real, 0.03 * draw.normal(n))

    # In each of these another eigenvalue decides: neither the slowest, nor the fastest, nor the
    # first, but once the one that turns fastest, and once not.
    turning = torch.tensor([-0.02, -0.01 + 0.05j, -0.002 + 0.004j], dtype=torch.complex128)
    light = torch.tensor([-0.05, -0.001 + 0.012j, -0.03 + 0.03j], dtype=torch.complex128)
    chosen = [draw.uniform(0.5, 2) * both for both in (turning, light)]
    return [(some(1),), (some(2),), *((one,) for one in chosen), (some(draw.integer(6, 40)),)]


def chaotic_share(W: torch.Tensor, strength: float) -> float:
    return float((exponents(W, strength) > 0.01).double().mean())


def chaotic_share_by_parting(W: Any, strength: float) -> float:
    """The share of networks in which two nearly equal states part, brought together each step."""
    W, found = strength * np.asarray(W), []
    for matrix in W:
        pair = np.random.default_rng(1).standard_normal((len(matrix), 1)) * np.ones(2)
        pair[0, 1] += 1e-6
        apart = []
        for _ in range(600):
            pair = pair + 0.1 * (-pair + matrix @ np.tanh(pair))
            between = pair[:, 1] - pair[:, 0]
            apart.append(np.linalg.norm(between) / 1e-6)
            pair[:, 1] = pair[:, 0] + between / apart[-1]
        found.append(np.log(apart[200:]).mean() / 0.1 > 0.01)
    return sum(found) / len(found)


def stacks(draw: Draw) -> list[tuple[torch.Tensor, float]]:
    """Networks of which nobody doubts what they do: silent, held, turning in a circle, chaotic.

    Finite networks may stop being chaotic after a long time. ``wild`` does not at strength 6, from
    none of 40 starts in 8,000 steps; each check has it in two other orders of units and signs. Once
    the first network of a stack is chaotic, and once the last, and once there are two.
    """
    n = 150
    known, other = (Draw(seed).normal(n, n) / math.sqrt(n) for seed in (0, 2))

    def in_another_order() -> torch.Tensor:
        order, sign = torch.randperm(n, generator=draw.source()), draw.normal(n).sign()
        return (sign[:, None] * known * sign)[order][:, order]

    wild, again = in_another_order(), in_another_order()
    plane = torch.linalg.qr(draw.normal(n, 2))[0]
    turn = plane @ torch.tensor([[1.0, -0.6], [0.6, 1.0]], dtype=torch.float64) @ plane.T
    hold = plane[:, :1] @ plane[:, :1].T
    return [
        (wild[None], 6.0),
        (torch.stack([hold, wild, turn, 0.1 * other, again]), 6.0),
        (other[None], 0.6),
        (torch.stack([1.2 * wild, 0.17 * other]), 5.0),
    ]
