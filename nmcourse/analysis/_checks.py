"""Checks of the analysis tools: an error names the argument, its value and what is allowed."""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse._inputs import check_tensor, number
from nmcourse.models import NMRNN


def check_finite(name: str, values: Tensor) -> None:
    """Raise ``ValueError`` unless ``values`` is a tensor without NaN and infinity."""
    check_tensor(name, values)
    if not torch.isfinite(values).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def check_positive(**values: float) -> None:
    """Raise ``ValueError`` naming the first value that is not finite and above zero."""
    for name, value in values.items():
        number(name, value, "a positive number", above=0)


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")


def check_nm_rnn(model: object) -> None:
    """Raise ``ValueError`` unless ``model`` is an NM-RNN."""
    if not isinstance(model, NMRNN):
        raise ValueError(f"model must be an NMRNN, got {type(model).__name__}")
