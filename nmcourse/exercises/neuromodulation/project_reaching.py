"""Exercises of the project "A perturbed reaching task"."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/neuromodulation/project_reaching"
_BODY = "The body"
_TASK = "The task"


class Reaches(NamedTuple):
    """Trials as the project has them: target and push direction (trial, 2), step of the push."""

    target: Tensor
    push: Tensor
    when: Tensor


def _blind(forces: Tensor, trials: Reaches) -> Tensor:
    position = velocity = forces.new_zeros(len(forces), 2)
    positions = []
    for step, force in enumerate(forces.unbind(dim=1)):
        pushed = torch.logical_and(step >= trials.when, step < trials.when + 5)[:, None]
        velocity = velocity + 0.01 * (force + 30 * trials.push * pushed - velocity)
        position = position + 0.01 * velocity
        positions.append(position)
    return torch.stack(positions, dim=1)


def _path(
    strength: float = 30.0,
    friction: float = 1.0,
    scale: float = 1.0,
    steps: int = 5,
    late: bool = False,
) -> Callable[[Tensor, Reaches], Tensor]:
    """The same with one number changed; ``late``: the position takes the velocity before."""

    def positions(forces: Tensor, trials: Reaches) -> Tensor:
        time = torch.arange(forces.shape[1])
        since = time - trials.when[:, None]
        on = ((since >= 0) & (since < steps))[..., None]
        total = scale * forces + strength * trials.push[:, None] * on
        velocity = [torch.zeros_like(forces[:, 0])]
        for force in total.unbind(1):
            velocity.append((1 - 0.01 * friction) * velocity[-1] + 0.01 * force)
        taken = velocity[:-1] if late else velocity[1:]
        return 0.01 * torch.stack(taken, dim=1).cumsum(dim=1)

    return positions


def _by_filtering(forces: Tensor, trials: Reaches) -> np.ndarray:
    """The body is linear: each force acts on all later positions, with a kernel of its own."""
    n_steps = forces.shape[1]
    kernel = 0.01 * (1 - 0.99 ** np.arange(1, n_steps + 1))
    total = forces.numpy().astype(float)
    for trial, when in enumerate(trials.when.tolist()):
        total[trial, when : when + 5] += 30 * trials.push[trial].numpy()
    lag = np.arange(n_steps)[:, None] - np.arange(n_steps)
    weights = np.where(lag >= 0, kernel[lag.clip(min=0)], 0)
    return np.einsum("ts,nsk->ntk", weights, total)


def _pushes(draw: Draw) -> list[tuple[Tensor, Reaches]]:
    cases = []
    for n in (1, 3, 8):
        target, push = torch.nn.functional.normalize(draw.normal(2, n, 2), dim=-1)
        when = torch.tensor([draw.integer(20, 49) for _ in range(n)])
        cases.append((5 * draw.normal(n, 80, 2), Reaches(target, push, when)))
    return cases


EXERCISES = (
    Exercise(
        id="reach-1",
        label="ex-reach-no-feedback",
        chapter=_CHAPTER,
        title="What would a hand do that nobody steers?",
        kind="experiment",
        difficulty=2,
        importance=5,
        minutes=15,
        function="blind",
        arguments=("forces", "trials"),
        reference=_blind,
        cases=_pushes,
        wrong=(
            Wrong(
                "nobody pushes",
                _path(strength=0.0),
                "These are the free reaches. The world pushes the hand all the same.",
                _TASK,
            ),
            Wrong(
                "no friction",
                _path(friction=0.0),
                "Friction takes a part of the velocity away in every step. Use the body.",
                _BODY,
            ),
            Wrong(
                "the velocity before the step",
                _path(late=True),
                "The body moves the hand with the new velocity. Your path is one step late.",
                _BODY,
            ),
            Wrong(
                "a push without an end",
                _path(steps=100),
                "A push takes 50 ms. How many steps is that?",
                _TASK,
            ),
            Wrong(
                "a push of one step",
                _path(steps=1),
                "A push takes 50 ms, and a step takes 10.",
                _TASK,
            ),
            Wrong(
                "the force multiplied twice",
                _path(scale=20.0),
                "The forces that were recorded are forces already, not outputs of the network.",
                _TASK,
            ),
        ),
        another=_by_filtering,
        rubric=(
            "No function, or paths that nobody compared.",
            "Deviation and miss without feedback.",
            "Both measures with and without feedback, side by side.",
            "In addition why no feedback makes the deviation zero, and what one network and a few "
            "seconds of training cannot tell.",
        ),
    ),
    Exercise(
        id="reach-2",
        label="ex-reach-gains",
        chapter=_CHAPTER,
        title="Do the gains take part?",
        kind="experiment",
        difficulty=3,
        importance=5,
        minutes=15,
        rubric=(
            "No transplant.",
            "The pushed reaches under the gains of the free ones, and their measures.",
            "In addition the check that its own gains change nothing.",
            "In addition what follows if the two are close, and what one network cannot tell.",
        ),
    ),
)
