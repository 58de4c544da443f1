"""Tasks: what the networks are trained on. Times in ms, channels by name."""

from nmcourse.tasks._base import Task, Trials
from nmcourse.tasks.measure_wait_go import (
    LONGER,
    SHORTER,
    TRAINED,
    MeasureWaitGo,
    produced_interval,
    ramp_slope,
)

__all__ = [
    "LONGER",
    "SHORTER",
    "TRAINED",
    "MeasureWaitGo",
    "Task",
    "Trials",
    "produced_interval",
    "ramp_slope",
]
