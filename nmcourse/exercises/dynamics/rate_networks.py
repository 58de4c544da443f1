"""Exercises of *Rate networks as dynamical systems*."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/dynamics/rate_networks"


def _exact_step(x: float, u: float, dt: float, tau: float) -> float:
    beta = 1 - math.exp(-dt / tau)
    return (1 - beta) * x + beta * u


def _leaks(draw: Draw) -> list[tuple[float, float, float, float]]:
    random = [
        (draw.uniform(-2, 2), draw.uniform(-2, 2), tau * draw.uniform(0.05, 3), tau)
        for tau in (7.0, 20.0, 100.0, 450.0)
    ]
    return [(0.0, 1.0, 50.0, 100.0), *random]


def _smooth(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(v[-1] + dt / tau * (-v[-1] + inputs[:, k]))
    return torch.stack(v, dim=1)


def _smooth_from_next(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(1, inputs.shape[1]):
        v.append(v[-1] + dt / tau * (-v[-1] + inputs[:, k]))
    return torch.stack(v, dim=1)


def _smooth_from_zero(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [0 * inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(v[-1] + dt / tau * (-v[-1] + inputs[:, k]))
    return torch.stack(v, dim=1)


def _smooth_without_leak(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(v[-1] + dt / tau * inputs[:, k])
    return torch.stack(v, dim=1)


def _smooth_too_fast(inputs: torch.Tensor, dt: float, tau: float) -> torch.Tensor:
    v = [inputs[:, 0]]
    for k in range(inputs.shape[1] - 1):
        v.append(dt / tau * v[-1] + (1 - dt / tau) * inputs[:, k])
    return torch.stack(v, dim=1)


def _smooth_by_kernel(inputs: Any, dt: float, tau: float) -> np.ndarray:
    u, alpha = np.asarray(inputs), dt / tau
    late = np.subtract.outer(np.arange(u.shape[1]), np.arange(u.shape[1]))  # steps since u
    kernel = np.where(late > 0, alpha * (1 - alpha) ** np.maximum(late - 1, 0), 0.0)
    kernel[:, 0] += (1 - alpha) ** np.arange(u.shape[1])
    return np.einsum("tk,bkp->btp", kernel, u)


def _inputs(draw: Draw) -> list[tuple[torch.Tensor, float, float]]:
    small = torch.tensor([[[1.0], [0.0], [0.0], [2.0], [0.0]]], dtype=torch.float64)
    shapes = [(draw.integer(2, 3), draw.integer(20, 30), draw.integer(4, 6)) for _ in range(3)]
    return [
        (small, 10.0, 100.0),
        *((draw.normal(*shape), draw.uniform(1, 10), draw.uniform(20, 80)) for shape in shapes),
    ]


def _longest_step(eigenvalues: torch.Tensor) -> float:
    limits = -2 * eigenvalues.real / eigenvalues.abs() ** 2
    return float(limits.min())


def _eigenvalues(draw: Draw) -> list[tuple[torch.Tensor]]:
    def some(n: int) -> torch.Tensor:
        real = torch.tensor([-draw.uniform(0.001, 0.03) for _ in range(n)], dtype=torch.float64)
        return torch.complex(real, 0.03 * draw.normal(n))

    return [(some(1),), (some(2),), (some(3),), (some(draw.integer(6, 40)),)]


EXERCISES = (
    Exercise(
        id="rates-1",
        label="ex-exact-leak",
        chapter=_CHAPTER,
        title="A step without error",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="exact_step",
        arguments=("x", "u", "dt", "tau"),
        reference=_exact_step,
        cases=_leaks,
        example=(1.0, 0.5, 250.0, 100.0),
        wrong=(
            Wrong(
                "Euler's step",
                lambda x, u, dt, tau: x + dt / tau * (-x + u),
                "This holds the velocity during the step. Here the input is held, and the velocity "
                "changes while x moves.",
                "Euler and its limits",
            ),
            Wrong(
                "the two weights exchanged",
                lambda x, u, dt, tau: (1 - math.exp(-dt / tau)) * x + math.exp(-dt / tau) * u,
                "After a very long step, which of the two should be left: x or u?",
                "One leaky unit",
            ),
            Wrong(
                "the input forgotten",
                lambda x, u, dt, tau: math.exp(-dt / tau) * x,
                "Your unit always decays to zero. It should decay to its input.",
                "One leaky unit",
            ),
            Wrong(
                "growth instead of decay",
                lambda x, u, dt, tau: u + (x - u) * math.exp(dt / tau),
                "Try a long step: the distance to the fixed point should shrink.",
                "One leaky unit",
            ),
            Wrong(
                "the time constant forgotten",
                lambda x, u, dt, tau: u + (x - u) * math.exp(-dt),
                "An exponent has no unit. Yours is in ms.",
                "One leaky unit",
            ),
        ),
        another=lambda x, u, dt, tau: np.float64(u - (u - x) / np.exp(dt / tau)),
    ),
    Exercise(
        id="rates-2",
        label="ex-changing-input",
        chapter=_CHAPTER,
        title="What does the current form see of a changing input?",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="smooth",
        arguments=("inputs", "dt", "tau"),
        reference=_smooth,
        cases=_inputs,
        wrong=(
            Wrong(
                "the input of the next step",
                _smooth_from_next,
                "Your v of a step already knows the input that arrives in this step. Euler's "
                "method uses the velocity at the beginning.",
                "Why the two forms are the same network",
            ),
            Wrong(
                "a start from zero",
                _smooth_from_zero,
                "Everything is right but the beginning: the exercise gives the first value.",
                "Why the two forms are the same network",
            ),
            Wrong(
                "a forgotten leak",
                _smooth_without_leak,
                "Your v adds up its input for ever. What should it do when the input is constant?",
                "One leaky unit",
            ),
            Wrong(
                "the two weights exchanged",
                _smooth_too_fast,
                "With a long time constant v should follow its input slowly. Yours is fast.",
                "Euler and its limits",
            ),
            Wrong(
                "no smoothing",
                lambda inputs, dt, tau: inputs,
                "This is the input itself. With it, the two forms part.",
                "Why the two forms are the same network",
            ),
        ),
        another=_smooth_by_kernel,
        axes=("batch", "time", "input"),
        example=(torch.tensor([[[1.0], [0.0], [0.0], [1.0]]], dtype=torch.float64), 10.0, 100.0),
    ),
    Exercise(
        id="rates-3",
        label="ex-when-two-choose",
        chapter=_CHAPTER,
        title="When do two units choose?",
        kind="derivation",
        difficulty=2,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or a statement about the numbers of this page only.",
            "The sum and the difference are found to be eigenvectors, or both eigenvalues are "
            "given without a reason.",
            "Both eigenvalues are derived, and so is the condition under which only the "
            "difference grows; one of the two limits is missing or unexplained.",
            "In addition, both limits are explained in words: below the first nothing is chosen, "
            "above the second the sum grows as well, and the time constant of the choice is given.",
        ),
    ),
    Exercise(
        id="rates-4",
        label="ex-longest-step",
        chapter=_CHAPTER,
        title="The longest step",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="longest_step",
        arguments=("eigenvalues",),
        reference=_longest_step,
        cases=_eigenvalues,
        example=(torch.tensor([-0.01 + 0j], dtype=torch.complex128),),
        wrong=(
            Wrong(
                "the direction that asks least",
                lambda z: float((-2 * z.real / z.abs() ** 2).max()),
                "Each eigenvalue allows its own steps. A step must suit all of them at once.",
                "Eigenvalues of a step",
            ),
            Wrong(
                "the rotation forgotten",
                lambda z: float((-2 / z.real).min()),
                "This is right for real eigenvalues. How large is 1 + Δt λ for a complex one?",
                "Eigenvalues of a step",
            ),
            Wrong(
                "a circle around the origin",
                lambda z: float((2 / z.abs()).min()),
                "You made |Δt λ| small. What must be small is |1 + Δt λ|: a circle around −1.",
                "Eigenvalues of a step",
            ),
            Wrong(
                "a factor of two lost",
                lambda z: float((-z.real / z.abs() ** 2).min()),
                "Test your formula on the bare leak, where the limit is 2 τ.",
                "Euler and its limits",
            ),
            Wrong(
                "the stability of the equation",
                lambda z: float((-1 / z.real).min()),
                "These are time constants of the decay. The limit of Euler's method is another.",
                "What the eigenvalues mean",
            ),
        ),
        another=lambda z: min(
            2 * abs(value.real) / (value.real**2 + value.imag**2)
            for value in np.atleast_1d(np.asarray(z)).tolist()
        ),
    ),
    Exercise(
        id="rates-5",
        label="ex-network-size",
        chapter=_CHAPTER,
        title="Do larger networks become chaotic earlier?",
        kind="experiment",
        difficulty=2,
        importance=4,
        minutes=25,
        rubric=(
            "No measurement, or one network only.",
            "Shares for at least two sizes, without a prediction or with so few networks that "
            "the difference means nothing.",
            "A prediction, shares for three sizes with several networks each, and a comparison "
            "of the two.",
            "In addition: says how sure a share of so few networks is, and that the threshold of "
            "0.01 and the length of the run are choices.",
        ),
    ),
)
