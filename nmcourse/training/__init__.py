"""Training: one loop for every model and task, one or many networks at a time."""

from nmcourse.training.checkpoints import CheckpointError
from nmcourse.training.fit import DivergenceError, FitManyResult, FitResult, fit, fit_many
from nmcourse.training.losses import masked_mse
from nmcourse.training.options import FitOptions, frozen_parameters

__all__ = [
    "CheckpointError",
    "DivergenceError",
    "FitManyResult",
    "FitOptions",
    "FitResult",
    "fit",
    "fit_many",
    "frozen_parameters",
    "masked_mse",
]
