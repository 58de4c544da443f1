"""Tasks: what the networks are trained on. Times in ms, channels by name."""

from nmcourse.tasks._base import Task, Trials
from nmcourse.tasks.delayed_response import TASK_NAMES, DelayedResponse
from nmcourse.tasks.digits import RowByRowDigits, class_accuracy
from nmcourse.tasks.element_finder import ElementFinder
from nmcourse.tasks.image_downloads import fetch_images
from nmcourse.tasks.image_files import FASHION_CLASSES, ImageFileError, read_cifar, read_idx
from nmcourse.tasks.image_folder import ImageFolder, read_image_folder
from nmcourse.tasks.images import ImageSet, digit_images
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
    "FASHION_CLASSES",
    "LONGER",
    "SHORTER",
    "TASK_NAMES",
    "TRAINED",
    "DelayedResponse",
    "ElementFinder",
    "ImageFileError",
    "ImageFolder",
    "ImageSet",
    "MeasureWaitGo",
    "RowByRowDigits",
    "Task",
    "Trials",
    "class_accuracy",
    "correct_trials",
    "decode_angle",
    "digit_images",
    "fetch_images",
    "percent_correct",
    "produced_interval",
    "ramp_slope",
    "read_cifar",
    "read_idx",
    "read_image_folder",
]
