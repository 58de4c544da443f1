"""Why training diverged, in the words of the network.

Losses let activity diverge without an error (``respond(check_finite=False)``), so that the loop can
take the network back to its last good state; a loss that is not finite then has lost what the
network knew: the area, and the step or the residual. So a loss that was not finite is computed once
more, when training is over, with every check on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from nmcourse.models import DivergingActivity, divergence_is_an_error
from nmcourse.training._run import DivergenceError


def reason_of(loss: Callable[[], Any]) -> DivergingActivity | None:
    """The error that a network has for a loss that is not finite, or None if it has none."""
    try:
        with divergence_is_an_error():
            loss()
    except DivergingActivity as error:
        return error
    return None


def in_words(reason: DivergingActivity | None) -> str:
    """The reason as the end of a message; nothing where there is none."""
    return "" if reason is None else f". The network's own error: {reason}"


def divergence(step: int, losses: Tensor, reason: DivergingActivity | None) -> DivergenceError:
    """The error of a training that diverged; its message and its cause say what is known."""
    error = DivergenceError(step, losses)
    error.args = (f"{error}{in_words(reason)}",)
    error.__cause__ = reason
    return error
