"""Was the response right? Percent correct of a delayed-response task.

A trial counts as correct if the network held fixation (output above 0.5 at every step before go)
and answered, at the last step, within pi/10 of the asked angle.

The angle can be read in two ways. ``"arctan2"`` is the full angle. ``"arctan"`` is the formula of
the released code of Costacurta et al. 2024, arctan(sin/cos): it lies in (-pi/2, pi/2) and is the
same for opposite angles, so that it cannot tell Pro from Anti (chapter *One network, many tasks*).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from nmcourse.tasks._base import Trials

AngleMethod = Literal["arctan2", "arctan"]


def decode_angle(outputs: Tensor, *, angle: AngleMethod = "arctan2") -> Tensor:
    """Angle that outputs (.., 3) or targets express, in radians; channels fixation, sin, cos.

    Args:
        outputs: (.., 3), finite.
        angle: ``"arctan2"`` gives an angle in (-pi, pi], ``"arctan"`` one in (-pi/2, pi/2).

    Returns:
        (..).

    Raises:
        ValueError: for another method, another number of channels, NaN or infinity.
    """
    if angle not in ("arctan2", "arctan"):
        raise ValueError(f"angle must be 'arctan2' or 'arctan', got {angle!r}")
    if outputs.shape[-1] != 3:
        raise ValueError(f"outputs must have channels (.., 3), got {tuple(outputs.shape)}")
    if not torch.isfinite(outputs).all():
        raise ValueError("outputs must be finite to express an angle, got NaN or infinity")
    sin, cos = outputs[..., 1], outputs[..., 2]
    return torch.atan2(sin, cos) if angle == "arctan2" else torch.atan(sin / cos)


def correct_trials(
    outputs: Tensor,
    trials: Trials,
    *,
    angle: AngleMethod = "arctan2",
    tolerance: float = math.pi / 10,
) -> Tensor:
    """Which trials are correct: fixation held, and the last angle near the asked one.

    Args:
        outputs: (.., trial, time, 3).
        trials: of a ``DelayedResponse`` task; only their ``targets`` are used.
        angle: how both angles are read, see ``decode_angle``.
        tolerance: largest angular error in radians.

    Returns:
        (.., trial), booleans.

    Raises:
        ValueError: for shapes that do not fit, outputs that are not finite, a tolerance outside
            (0, pi).
    """
    if outputs.shape[-3:] != trials.targets.shape:
        raise ValueError(
            f"outputs must have shape (.., {', '.join(map(str, trials.targets.shape))}) as the "
            f"targets do, got {tuple(outputs.shape)}"
        )
    if not 0 < tolerance < math.pi:
        raise ValueError(f"tolerance must be between 0 and pi, got {tolerance!r}")
    before_go = trials.targets[..., 0] > 0.5  # the target of fixation is 0.8, then 0
    held = ((outputs[..., 0] > 0.5) | ~before_go).all(dim=-1)
    answered = decode_angle(outputs[..., -1, :], angle=angle)
    error = (answered - decode_angle(trials.targets[..., -1, :], angle=angle)).abs()
    return held & (torch.minimum(error, 2 * math.pi - error) < tolerance)


def percent_correct(
    outputs: Tensor,
    trials: Trials,
    *,
    angle: AngleMethod = "arctan2",
    tolerance: float = math.pi / 10,
    by_task: bool = False,
) -> Tensor:
    """Share of correct trials in percent.

    Args:
        outputs: (.., trial, time, 3).
        trials: see ``correct_trials``.
        angle: how both angles are read, see ``decode_angle``.
        tolerance: largest angular error in radians.
        by_task: one number for each task among the trials, in the order of their index.

    Returns:
        (..), or (.., task).
    """
    correct = correct_trials(outputs, trials, angle=angle, tolerance=tolerance)
    if not by_task:
        return 100.0 * correct.double().mean(dim=-1)
    which = trials.conditions["task"]
    return torch.stack(
        [100.0 * correct[..., which == task].double().mean(dim=-1) for task in which.unique()],
        dim=-1,
    )
