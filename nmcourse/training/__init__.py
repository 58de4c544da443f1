"""Training: one loop for every model and task, one or many networks at a time."""

from nmcourse.training.checkpoints import CheckpointError
from nmcourse.training.fit import DivergenceError, FitManyResult, FitResult, fit, fit_many
from nmcourse.training.losses import cross_entropy_at_end, masked_mse
from nmcourse.training.options import FitOptions, frozen_parameters
from nmcourse.training.retraining import kept_parts, with_new_context

__all__ = [
    "CheckpointError",
    "DivergenceError",
    "FitManyResult",
    "FitOptions",
    "FitResult",
    "cross_entropy_at_end",
    "fit",
    "fit_many",
    "frozen_parameters",
    "kept_parts",
    "masked_mse",
    "with_new_context",
]
