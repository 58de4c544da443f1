"""Tasks: what the networks are trained on. Times in ms, channels by name."""

from nmcourse.tasks._base import Task, Trials
from nmcourse.tasks.delayed_response import TASK_NAMES, DelayedResponse
from nmcourse.tasks.digits import RowByRowDigits, class_accuracy
from nmcourse.tasks.element_finder import ElementFinder
from nmcourse.tasks.measure_wait_go import (
    LONGER,
    SHORTER,
    TRAINED,
    MeasureWaitGo,
    produced_interval,
    ramp_slope,
)
from nmcourse.tasks.response_metrics import correct_trials, decode_angle, percent_correct

__all__ = [
    "LONGER",
    "SHORTER",
    "TASK_NAMES",
    "TRAINED",
    "DelayedResponse",
    "ElementFinder",
    "MeasureWaitGo",
    "RowByRowDigits",
    "Task",
    "Trials",
    "class_accuracy",
    "correct_trials",
    "decode_angle",
    "percent_correct",
    "produced_interval",
    "ramp_slope",
]
