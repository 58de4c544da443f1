"""Training: one loop for every model and task, one or many networks at a time."""

from nmcourse.training._run import DivergenceError
from nmcourse.training.checkpoints import CheckpointError
from nmcourse.training.fit import FitManyResult, FitResult, fit, fit_many
from nmcourse.training.fit_images import fit_images, fit_many_images
from nmcourse.training.image_losses import (
    ImageTrial,
    rest_penalty,
    rising_weights,
    show,
    trial_loss,
    windowed_cross_entropy,
)
from nmcourse.training.losses import cross_entropy_at_end, masked_mse
from nmcourse.training.options import FitOptions, OptimiserOptions, frozen_parameters
from nmcourse.training.retraining import kept_parts, with_new_context

__all__ = [
    "CheckpointError",
    "DivergenceError",
    "FitManyResult",
    "FitOptions",
    "FitResult",
    "ImageTrial",
    "OptimiserOptions",
    "cross_entropy_at_end",
    "fit",
    "fit_images",
    "fit_many",
    "fit_many_images",
    "frozen_parameters",
    "kept_parts",
    "masked_mse",
    "rest_penalty",
    "rising_weights",
    "show",
    "trial_loss",
    "windowed_cross_entropy",
    "with_new_context",
]
