"""Training: one loop for every model and task, one or many networks at a time."""

from nmcourse.training._run import DivergenceError
from nmcourse.training.checkpoints import CheckpointError, load_tensors, save_tensors
from nmcourse.training.data_parallel import PRECISIONS, fit_across
from nmcourse.training.fit import FitManyResult, FitResult, fit, fit_many
from nmcourse.training.losses import cross_entropy_at_end, masked_mse
from nmcourse.training.options import FitOptions, OptimiserOptions, frozen_parameters
from nmcourse.training.retraining import kept_parts, with_new_context
from nmcourse.training.tiers import TIERS, by_tier, for_tier, tier, tier_device
from nmcourse.training.vision.cnn_stages import Stage, class_loss, fold_cnn, train_cnn
from nmcourse.training.vision.contraction import column_sums, contraction_penalty
from nmcourse.training.vision.fit_images import fit_images, fit_many_images
from nmcourse.training.vision.images_across import fit_images_across
from nmcourse.training.vision.instructed_loss import (
    InstructedTrial,
    instructed_accuracy,
    instructed_loss,
    instructed_outputs,
)
from nmcourse.training.vision.inverse import (
    InverseError,
    growth_rate,
    inverse_error,
    inverse_loss,
    neumann_series,
)
from nmcourse.training.vision.recipe import STAGES, Recipe, train_in_stages, train_linear
from nmcourse.training.vision.stage_checks import accuracy, has_learnt
from nmcourse.training.vision.stages import (
    HELD_IMAGE,
    SLOPES,
    anneal_stage,
    fine_tune,
    inverse_stage,
    linear_stage,
    recurrent_radii,
    start_from_cnn,
)
from nmcourse.training.vision.trial_loss import (
    ImageTrial,
    TrialSteps,
    rest_penalty,
    rising_weights,
    run_trial,
    trial_loss,
    windowed_cross_entropy,
)

__all__ = [
    "HELD_IMAGE",
    "PRECISIONS",
    "SLOPES",
    "STAGES",
    "TIERS",
    "CheckpointError",
    "DivergenceError",
    "FitManyResult",
    "FitOptions",
    "FitResult",
    "ImageTrial",
    "InstructedTrial",
    "InverseError",
    "OptimiserOptions",
    "Recipe",
    "Stage",
    "TrialSteps",
    "accuracy",
    "anneal_stage",
    "by_tier",
    "class_loss",
    "column_sums",
    "contraction_penalty",
    "cross_entropy_at_end",
    "fine_tune",
    "fit",
    "fit_across",
    "fit_images",
    "fit_images_across",
    "fit_many",
    "fit_many_images",
    "fold_cnn",
    "for_tier",
    "frozen_parameters",
    "growth_rate",
    "has_learnt",
    "instructed_accuracy",
    "instructed_loss",
    "instructed_outputs",
    "inverse_error",
    "inverse_loss",
    "inverse_stage",
    "kept_parts",
    "linear_stage",
    "load_tensors",
    "masked_mse",
    "neumann_series",
    "recurrent_radii",
    "rest_penalty",
    "rising_weights",
    "run_trial",
    "save_tensors",
    "start_from_cnn",
    "tier",
    "tier_device",
    "train_cnn",
    "train_in_stages",
    "train_linear",
    "trial_loss",
    "windowed_cross_entropy",
    "with_new_context",
]
