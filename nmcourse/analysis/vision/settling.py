"""When an answer is ready, whether easy images are answered sooner, and what a filter does to it.

    ready   the first moment from which the answer is the one at the end, and stays it
    easy    the margin at the end: the largest output minus the second largest

A network without recurrence, whose outputs pass a low-pass filter, answers easy images sooner, too:

    y(t) = y_1 + (y_0 - y_1) exp(-t / tau)

goes from its outputs y_0 without image to those with it, y_1, and the answer is ready when the
largest entry of y_1 has overtaken all others. It is the control for every claim about settling.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse._inputs import check_tensor, number

FEW = 4  # images of a class below which no correlation is taken


def ready_after(outputs: Tensor, dt: float) -> Tensor:
    """Time until the answer is the one at the end, and stays it.

    Args:
        outputs: scores (batch, time, class) at the end of every step.
        dt: step in ms.

    Returns:
        (batch,) in ms, at least one step.

    Raises:
        ValueError: for outputs of other axes, or a step that is not positive.
    """
    answers = _scores(outputs).argmax(dim=-1)
    other = answers != answers[:, -1:]
    steps = torch.arange(1, answers.shape[1] + 1)
    last = (other * steps).amax(dim=1)  # the last step with another answer
    return (last + 1).to(outputs.dtype) * number("dt", dt, "positive", above=0)


def final_margin(outputs: Tensor) -> Tensor:
    """Largest minus second largest score at the end, (batch,): how easy an image is.

    Args:
        outputs: as in :func:`ready_after`.

    Raises:
        ValueError: for outputs of other axes, or of one class.
    """
    if _scores(outputs).shape[-1] < 2:
        raise ValueError("outputs must have two classes or more, got 1")
    best = outputs[:, -1].topk(2, dim=-1).values
    return best[:, 0] - best[:, 1]


def low_passed(outputs: Tensor, start: Tensor, dt: float, tau: float = 10.0) -> Tensor:
    """Outputs behind a low-pass filter: y <- y + dt / tau (outputs - y), step by step.

    Args:
        outputs: scores (batch, time, class) of every step.
        start: y before the first step, (batch, class).
        dt: step in ms, at most ``tau``.
        tau: time constant in ms.

    Returns:
        y (batch, time, class) after every step.

    Raises:
        ValueError: for outputs of other axes, or a step that is not positive or exceeds ``tau``.
    """
    _scores(outputs)
    if number("dt", dt, "positive", above=0) > number("tau", tau, "positive", above=0):
        raise ValueError(f"dt must not exceed tau={tau} ms, got {dt} ms")
    found, y = [], start
    for now in outputs.unbind(dim=1):
        y = y + dt / tau * (now - y)
        found.append(y)
    return torch.stack(found, dim=1)


def within_classes(values: Tensor, times: Tensor, labels: Tensor) -> float | None:
    """Rank correlation of two numbers of an image within each class, mean over classes.

    Classes differ in how easy they are and in how soon they are answered; within a class only the
    images differ.

    Args:
        values: a number of each image, (batch,).
        times: another one.
        labels: the class of each image.

    Returns:
        -1 to 1; None if in no class both vary over at least four images.
    """
    from scipy.stats import spearmanr  # here, because its import takes a second

    found = []
    for label in labels.unique():
        a, b = values[labels == label], times[labels == label]
        if len(a) >= FEW and a.std() > 0 and b.std() > 0:
            found.append(float(spearmanr(a.numpy(), b.numpy()).statistic))
    return sum(found) / len(found) if found else None


def _scores(outputs: Tensor) -> Tensor:
    check_tensor("outputs", outputs)
    if outputs.ndim != 3:
        raise ValueError(f"outputs must be (batch, time, class), got {tuple(outputs.shape)}")
    return outputs
