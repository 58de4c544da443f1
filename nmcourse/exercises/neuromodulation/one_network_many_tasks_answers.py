"""Chapter 7: gains of two recordings joined, and answers with one part changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmcourse.exercises.checking.compare import NotNumbers
from nmcourse.exercises.checking.record import Draw
from nmcourse.models import PrescribedGain

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
