"""All stages in a row, at a size for one or two processor cores.

    stages = train_in_stages(digit_images("train"), digit_images("test"), areas="small-R2")
    stages[-1].model, [stage.checks for stage in stages]

The published lengths and learning rates belong to networks a thousand times larger; those of
``Recipe`` were chosen for `small-R2` and digits of 8 pixels, on a seed that no result uses.

Reference: Soo et al. 2024 (the order of the stages).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nmcourse._files import user_path
from nmcourse.models import CordsNet, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training.vision.stages import (
    SLOPES,
    Stage,
    anneal_stage,
    fine_tune,
    fold_cnn,
    inverse_stage,
    linear_stage,
    train_cnn,
)
from nmcourse.training.vision.trial_loss import ImageTrial


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Lengths, batches and learning rates of the stages.

    Attributes:
        cnn_steps: gradient steps of the CNN.
        inverse_steps: gradient steps of the inverse stage.
        linear_steps: gradient steps of the linear stage.
        steps_per_slope: gradient steps of the annealing for each slope.
        fine_tune_steps: gradient steps of the fine-tuning.
        cnn_batch: images of a step of CNN and inverse stage, which have no time.
        batch_size: images of a step of the other stages.
        cnn_rate: learning rate of AdamW for the CNN; the peak of a one-cycle schedule.
        inverse_rate: the same for the inverse stage.
        linear_rate: the same for the linear stage.
        anneal_rate: learning rate of the annealing, constant.
        fine_tune_rate: peak learning rate of the fine-tuning.
        max_shift: pixels that training images are shifted by.
        slopes: of the annealing.
        trial: of annealing and fine-tuning.
    """

    cnn_steps: int = 400
    inverse_steps: int = 300
    linear_steps: int = 150
    steps_per_slope: int = 10
    fine_tune_steps: int = 300
    cnn_batch: int = 64
    batch_size: int = 16
    cnn_rate: float = 2e-2
    inverse_rate: float = 2e-2
    linear_rate: float = 1e-2
    anneal_rate: float = 1e-2
    fine_tune_rate: float = 1e-2
    max_shift: int = 0
    slopes: tuple[float, ...] = SLOPES
    trial: ImageTrial = field(default_factory=ImageTrial)

    def steps(self) -> dict[str, int]:
        """Gradient steps of every trained stage, by its name."""
        return {
            "cnn": self.cnn_steps,
            "inverse": self.inverse_steps,
            "linear": self.linear_steps,
            "annealed": self.steps_per_slope * len(self.slopes),
            "fine-tuned": self.fine_tune_steps,
        }


def train_linear(
    images: ImageSet,
    held_out: ImageSet,
    recipe: Recipe | None = None,
    *,
    areas: str = "small-R4",
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
) -> list[Stage]:
    """The first stages: from a new CNN to linear areas that have learnt together.

    Args:
        images: what is learnt from.
        held_out: what each stage is checked with.
        recipe: lengths, batches and learning rates.
        areas: the name of a preset.
        seed: of initial weights and drawn images.
        folder: where checkpoints are kept, to go on after a kill; None for none.
        progress: show progress bars.

    Returns:
        ``cnn``, ``fold``, ``inverse``, ``linear``, each with a network of its own.

    Raises:
        DivergenceError: if a stage diverges.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    recipe = Recipe() if recipe is None else recipe
    options = partial(_options, recipe, seed=seed, folder=folder, progress=progress)
    cnn = TwinCNN(
        areas,
        images.n_channels,
        images.n_classes,
        image_size=images.size,
        generator=torch.Generator().manual_seed(seed),
    ).to(images.images.dtype)
    settings = options("cnn", recipe.cnn_rate, recipe.cnn_batch)
    stages = [train_cnn(cnn, images, held_out, n_steps=recipe.cnn_steps, **settings)]
    stages.append(fold_cnn(cnn, held_out))

    settings = options("inverse", recipe.inverse_rate, recipe.cnn_batch)
    folded = stages[-1].model
    assert isinstance(folded, TwinCNN)
    steps = recipe.inverse_steps
    stages.append(inverse_stage(folded, images, held_out, n_steps=steps, **settings))

    settings = options("linear", recipe.linear_rate, recipe.batch_size)
    steps = recipe.linear_steps
    stages.append(linear_stage(_copy(stages[-1]), images, held_out, n_steps=steps, **settings))
    return stages


def train_in_stages(
    images: ImageSet,
    held_out: ImageSet,
    recipe: Recipe | None = None,
    *,
    areas: str = "small-R4",
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
) -> list[Stage]:
    """All stages: from a new CNN to a fine-tuned CordsNet.

    Args:
        images: as in :func:`train_linear`, and so are the following ones.
        held_out: what each stage is checked with.
        recipe: lengths, batches and learning rates.
        areas: the name of a preset.
        seed: of initial weights and drawn images.
        folder: where checkpoints are kept.
        progress: show progress bars.

    Returns:
        ``cnn``, ``fold``, ``inverse``, ``linear``, ``annealed``, ``fine-tuned``, each with a
        network of its own.

    Raises:
        DivergenceError: if a stage diverges.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    recipe = Recipe() if recipe is None else recipe
    kept: dict[str, Any] = {"seed": seed, "folder": folder, "progress": progress}
    stages = train_linear(images, held_out, recipe, areas=areas, **kept)

    settings = _options(recipe, "annealed", recipe.anneal_rate, recipe.batch_size, **kept)
    settings |= {"slopes": recipe.slopes, "trial": recipe.trial}
    steps = recipe.steps_per_slope
    stages.append(anneal_stage(_copy(stages[-1]), images, held_out, n_steps=steps, **settings))

    settings = _options(recipe, "fine-tuned", recipe.fine_tune_rate, recipe.batch_size, **kept)
    settings |= {"trial": recipe.trial}
    steps = recipe.fine_tune_steps
    stages.append(fine_tune(_copy(stages[-1]), images, held_out, n_steps=steps, **settings))
    return stages


def _options(
    recipe: Recipe,
    name: str,
    rate: float,
    batch_size: int,
    *,
    seed: int,
    folder: str | Path | None,
    progress: bool,
) -> dict[str, Any]:
    """What ``fit_images`` is told in a stage."""
    return {
        "learning_rate": rate,
        "batch_size": batch_size,
        "max_shift": recipe.max_shift,
        "seed": seed,
        "checkpoint": None if folder is None else user_path(folder, "folder") / f"{name}.pt",
        "progress": progress,
    }


def _copy(stage: Stage) -> CordsNet:
    """A copy of the network so far, so that each stage keeps its own."""
    model = copy.deepcopy(stage.model)
    assert isinstance(model, CordsNet)
    return model
