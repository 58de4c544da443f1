"""A network whose step does not call ``velocity`` cannot be changed by overriding that alone.

LSTM, GRU, NM-RNN and networks in discrete time have such a step. A subclass that overrides only
``velocity`` would have one equation for analysis and another for its trials, so it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def decides(step: F) -> F:
    """Mark a ``step`` that does not call ``velocity``."""
    step.decides = True  # type: ignore[attr-defined]
    return step


def refuse_unused_velocity(model: type) -> None:
    """Raise ``TypeError`` if a class overrides ``velocity`` and inherits a step that ignores it.

    Such a network would have one equation for analysis and another for its trials.
    """
    owners = {
        name: next((place for place in model.__mro__ if name in vars(place)), None)
        for name in ("step", "velocity")
    }
    step, velocity = owners["step"], owners["velocity"]
    if step is None or velocity is None or not hasattr(vars(step)["step"], "decides"):
        return
    if model.__mro__.index(velocity) < model.__mro__.index(step):
        raise TypeError(
            f"{velocity.__name__} must override step, and not velocity alone, got velocity: a step "
            f"of {step.__name__} does not call it, so no trial would obey it"
        )
