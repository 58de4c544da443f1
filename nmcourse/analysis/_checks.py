"""Checks of the analysis tools: an error names the argument, its value and what is allowed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nmcourse.models import NMRNN


def check_finite(name: str, values: Tensor) -> None:
    """Raise ``ValueError`` if ``values`` holds NaN or infinity."""
    if not torch.isfinite(values).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def check_positive(**values: float) -> None:
    """Raise ``ValueError`` naming the first value that is not finite and above zero."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, got {value!r}")


def check_count(*, at_least: int = 1, **counts: int) -> None:
    """Raise ``ValueError`` naming the first count that is no integer of at least ``at_least``."""
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < at_least:
            raise ValueError(f"{name} must be an integer of at least {at_least}, got {count!r}")


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")


def check_nm_rnn(model: object) -> None:
    """Raise ``ValueError`` unless ``model`` is an NM-RNN."""
    if not isinstance(model, NMRNN):
        raise ValueError(f"model must be an NMRNN, got {type(model).__name__}")
