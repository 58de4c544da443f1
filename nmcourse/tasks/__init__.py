"""Tasks: what the networks are trained on. Times in ms, channels by name."""

from nmcourse.tasks._base import Task, Trials, whole_steps
from nmcourse.tasks.delayed_response import TASK_NAMES, DelayedResponse
from nmcourse.tasks.element_finder import ElementFinder
from nmcourse.tasks.measure_wait_go import (
    LONGER,
    MEASURES_BELOW,
    SHORTER,
    TRAINED,
    WINDOW,
    MeasureWaitGo,
    apparent_interval,
    learned_to_measure,
    produced_interval,
    ramp_slope,
    slope_against,
)
from nmcourse.tasks.response_metrics import correct_trials, decode_angle, percent_correct
from nmcourse.tasks.row_by_row_digits import RowByRowDigits, class_accuracy
from nmcourse.tasks.vision.image_downloads import fetch_images
from nmcourse.tasks.vision.image_files import FASHION_CLASSES, ImageFileError, read_cifar, read_idx
from nmcourse.tasks.vision.image_folder import ImageFolder, read_image_folder
from nmcourse.tasks.vision.images import ImageSet, digit_images

__all__ = [
    "FASHION_CLASSES",
    "LONGER",
    "MEASURES_BELOW",
    "SHORTER",
    "TASK_NAMES",
    "TRAINED",
    "WINDOW",
    "DelayedResponse",
    "ElementFinder",
    "ImageFileError",
    "ImageFolder",
    "ImageSet",
    "MeasureWaitGo",
    "RowByRowDigits",
    "Task",
    "Trials",
    "apparent_interval",
    "class_accuracy",
    "correct_trials",
    "decode_angle",
    "digit_images",
    "fetch_images",
    "learned_to_measure",
    "percent_correct",
    "produced_interval",
    "ramp_slope",
    "read_cifar",
    "read_idx",
    "read_image_folder",
    "slope_against",
    "whole_steps",
]
