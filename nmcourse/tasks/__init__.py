"""Tasks: what the networks are trained on. Times in ms, channels by name."""

from nmcourse.tasks._base import Task, Trials, whole_steps
from nmcourse.tasks.cognitive._base import CognitiveTask
from nmcourse.tasks.cognitive.decisions import MultisensoryDecision, PerceptualDecision
from nmcourse.tasks.cognitive.holding import DelayedComparison, FlipFlop
from nmcourse.tasks.cognitive.memory_guided import MemoryGuided
from nmcourse.tasks.delayed_response import TASK_NAMES, DelayedResponse
from nmcourse.tasks.element_finder import ElementFinder
from nmcourse.tasks.measure_wait_go import (
    LONGER,
    MEASURES_BELOW,
    SHORTER,
    TEST_TIME,
    TRAINED,
    WINDOW,
    MeasureWaitGo,
    apparent_interval,
    at_mid_ramp,
    change_of_intervals,
    ideal_interval,
    learned_to_measure,
    produced_interval,
    ramp_slope,
    slope_against,
)
from nmcourse.tasks.neurogym_task import NeurogymTask, right_decisions
from nmcourse.tasks.response_metrics import correct_trials, decode_angle, percent_correct
from nmcourse.tasks.row_by_row_digits import RowByRowDigits, class_accuracy
from nmcourse.tasks.vision.digit_rules import (
    DIGIT_RULES,
    digit_answers,
    instructed,
    under_rule,
)
from nmcourse.tasks.vision.film_decisions import ChoiceTask, DotMotion, MorphCategories
from nmcourse.tasks.vision.films import FilmTask
from nmcourse.tasks.vision.image_downloads import fetch_images
from nmcourse.tasks.vision.image_files import FASHION_CLASSES, ImageFileError, read_cifar, read_idx
from nmcourse.tasks.vision.image_folder import ImageFolder, read_image_folder, read_picture
from nmcourse.tasks.vision.images import ImageSet, digit_images
from nmcourse.tasks.vision.numerosity import Numerosity
from nmcourse.tasks.vision.packaged_mnist import mnist_images
from nmcourse.tasks.vision.shards import ShardedImages, write_shards
from nmcourse.tasks.vision.spot_delayed_response import SpotDelayedResponse

__all__ = [
    "DIGIT_RULES",
    "FASHION_CLASSES",
    "LONGER",
    "MEASURES_BELOW",
    "SHORTER",
    "TASK_NAMES",
    "TEST_TIME",
    "TRAINED",
    "WINDOW",
    "ChoiceTask",
    "CognitiveTask",
    "DelayedComparison",
    "DelayedResponse",
    "DotMotion",
    "ElementFinder",
    "FilmTask",
    "FlipFlop",
    "ImageFileError",
    "ImageFolder",
    "ImageSet",
    "MeasureWaitGo",
    "MemoryGuided",
    "MorphCategories",
    "MultisensoryDecision",
    "NeurogymTask",
    "Numerosity",
    "PerceptualDecision",
    "RowByRowDigits",
    "ShardedImages",
    "SpotDelayedResponse",
    "Task",
    "Trials",
    "apparent_interval",
    "at_mid_ramp",
    "change_of_intervals",
    "class_accuracy",
    "correct_trials",
    "decode_angle",
    "digit_answers",
    "digit_images",
    "fetch_images",
    "ideal_interval",
    "instructed",
    "learned_to_measure",
    "mnist_images",
    "percent_correct",
    "produced_interval",
    "ramp_slope",
    "read_cifar",
    "read_idx",
    "read_image_folder",
    "read_picture",
    "right_decisions",
    "slope_against",
    "under_rule",
    "whole_steps",
    "write_shards",
]
