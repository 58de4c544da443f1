"""The trusted answers, the cases to try, and answers with one part changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse.exercises.checking.compare import NotNumbers
from nmcourse.exercises.checking.record import Draw
from nmcourse.models import PrescribedGain
from nmcourse.tasks import DelayedResponse

Case = tuple[PrescribedGain, PrescribedGain, int]


def gains_of(answer: Any, case: Case) -> Tensor:
    """The gains that a returned source plays back."""
    if not isinstance(getattr(answer, "gains", None), Tensor):
        raise NotNumbers(f"an object of type {type(answer).__name__}, and no PrescribedGain")
    gains: Tensor = answer.gains
    return gains


def spliced(first: PrescribedGain, second: PrescribedGain, k: int) -> PrescribedGain:
    return PrescribedGain(torch.cat([first.gains[:, :k], second.gains[:, k:]], dim=1))


def spliced_by_a_mask(first: PrescribedGain, second: PrescribedGain, k: int) -> PrescribedGain:
    """The same without cutting anything."""
    early = torch.arange(first.gains.shape[1])[:, None] < k
    return PrescribedGain(torch.where(early, first.gains, second.gains))


def joined(
    join: Callable[[Tensor, Tensor, int], Tensor],
) -> Callable[[PrescribedGain, PrescribedGain, int], PrescribedGain]:
    """Gains joined in another way; ``join`` gets both and the step."""
    return lambda first, second, k: PrescribedGain(join(first.gains, second.gains, k))


def recordings(draw: Draw) -> list[Case]:
    """Two recordings and the step of the splice, both ends included."""
    cases = []
    for k in (draw.integer(3, 9), 0, draw.integer(20, 25), 30):
        shape = (draw.integer(2, 4), 30, 3)
        first, second = (PrescribedGain(torch.sigmoid(draw.normal(*shape)).float()) for _ in "ab")
        cases.append((first, second, k))
    return cases


def chance(tolerance: float) -> tuple[float, float]:
    share = tolerance / math.pi
    return 100 * share, 100 * (1 - (1 - share) ** 2)


def chance_by_areas(tolerance: float) -> np.ndarray:
    triangle = (math.pi - tolerance) ** 2 / 2
    return np.array([2 * tolerance / (2 * math.pi), 1 - 2 * triangle / math.pi**2]) * 100


def released(outputs: Tensor) -> Tensor:
    return outputs[:, -1, 0] < 0.5


def subjects(draw: Draw) -> list[tuple[Tensor]]:
    """Noisy outputs; about half of the trials keep fixation after go."""
    cases = []
    for n in (12, 25, 40):
        trials = DelayedResponse().sample(n, generator=draw.source())
        keeps = (draw.normal(n, 1) > 0).double()
        outputs = trials.targets.double() + 0.3 * draw.normal(*trials.targets.shape)
        outputs[..., 0] = outputs[..., 0].maximum(keeps)
        outputs[:, -1, 0] += 0.3 * draw.normal(n)
        outputs[0, -1, 0] = -0.8  # let go, and further than to zero
        outputs[1, -1, 0] = 0.5  # at the border, which is not below it
        cases.append((outputs,))
    return cases


def flips(phase: float) -> tuple[float, float]:
    flips = np.mod([phase + math.pi / 2, phase + 3 * math.pi / 2], 2 * math.pi)
    return float(min(flips)), float(max(flips))


def flips_by_sides(phase: float) -> np.ndarray:
    """The directions at right angles to the phase, as angles of complex numbers."""
    sides = np.exp(1j * phase) * np.array([1j, -1j])
    return np.sort(np.angle(sides) + 2 * np.pi * (np.angle(sides) < 0))


def bias(share: float, n: int) -> float:
    kept = share ** (1 / n)
    return math.log(kept / (1 - kept))


def memories(draw: Draw) -> list[tuple[float, int]]:
    soon = (draw.uniform(0.02, 0.1), 2)  # its gate is below one half, and its bias below zero
    return [soon, *((draw.uniform(0.02, 0.6), draw.integer(3, 120)) for _ in range(6))]
