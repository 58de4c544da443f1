"""Losses as pure functions of outputs, targets and a mask.

Each reduces the last three axes (trial, time, output): one network gives a number, networks with
a seed axis give one number each.
"""

from __future__ import annotations

from torch import Tensor


def masked_mse(outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Sum of masked squared errors over the sum of the mask.

    Args:
        outputs: (.., trial, time, output).
        targets: (trial, time, output), or with the leading axes of ``outputs``.
        mask: (trial, time, 1), or with the leading axes; it is counted once, not once an output.

    Returns:
        (..), the leading axes.

    Raises:
        ValueError: if the shapes do not fit or the mask is zero everywhere.
    """
    if outputs.shape[-3:] != targets.shape[-3:] or mask.shape[-3:] != (*targets.shape[-3:-1], 1):
        raise ValueError(
            "outputs and targets must agree in (trial, time, output), mask must be (trial, time, "
            f"1): got {tuple(outputs.shape)}, {tuple(targets.shape)}, {tuple(mask.shape)}"
        )
    weight = mask.sum(dim=(-3, -2, -1))
    if not (weight > 0).all():
        raise ValueError("mask must be positive somewhere: nothing would count")
    return (mask * (outputs - targets).square()).sum(dim=(-3, -2, -1)) / weight
