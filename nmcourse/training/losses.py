"""Losses as pure functions of outputs, targets and a mask.

Each reduces the last three axes (trial, time, output): one network gives a number, networks with
a seed axis give one number each.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse._inputs import can_be_looked_at, check_tensor


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
    _check_shapes(outputs, targets, mask)
    weight = mask.sum(dim=(-3, -2, -1))
    if can_be_looked_at(weight) and not (weight > 0).all():
        raise ValueError("mask must be positive somewhere: nothing would count")
    return (mask * (outputs - targets).square()).sum(dim=(-3, -2, -1)) / weight


def cross_entropy_at_end(outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Cross entropy of the scores at the last step: what a classification is trained with.

    Args:
        outputs: scores before the softmax, (.., trial, time, class).
        targets: probabilities, usually one-hot, (trial, time, class), or with the leading axes of
            ``outputs``.
        mask: (trial, time, 1), or with the leading axes; its last step weighs the trials.

    Returns:
        (..), in nats; log(number of classes) for scores that are all alike.

    Raises:
        ValueError: if the shapes do not fit or the mask is zero at the last step of every trial.
    """
    _check_shapes(outputs, targets, mask)
    weight = mask[..., -1, 0]
    total = weight.sum(dim=-1)
    if can_be_looked_at(total) and not (total > 0).all():
        raise ValueError("mask must be positive at the last step: nothing would count")
    scores = torch.log_softmax(outputs[..., -1, :], dim=-1)
    return -(weight * (targets[..., -1, :] * scores).sum(dim=-1)).sum(dim=-1) / total


def _check_shapes(outputs: Tensor, targets: Tensor, mask: Tensor) -> None:
    for name, values in (("outputs", outputs), ("targets", targets), ("mask", mask)):
        check_tensor(name, values)
    if outputs.shape[-3:] != targets.shape[-3:] or mask.shape[-3:] != (*targets.shape[-3:-1], 1):
        raise ValueError(
            "outputs and targets must agree in (trial, time, output), mask must be (trial, time, "
            f"1): got {tuple(outputs.shape)}, {tuple(targets.shape)}, {tuple(mask.shape)}"
        )
