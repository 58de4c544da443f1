"""All stages in a row, at a size for one or two processor cores.

    stages = train_in_stages(digit_images("train"), digit_images("test"), areas="small-R2")
    stages[-1].model, [stage.checks for stage in stages]

The published lengths and learning rates belong to networks a thousand times larger; those of
``Recipe`` were chosen for `small-R2` and digits of 8 pixels, on a seed that no result uses.

Reference: Soo et al. 2024 (the order of the stages).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nmcourse._files import user_path
from nmcourse._inputs import count, number, whole
from nmcourse.models import Area, CordsNet, Stem, TwinCNN
from nmcourse.tasks import ImageSet, ShardedImages
from nmcourse.training.vision.cnn_stages import Stage, fold_cnn, train_cnn
from nmcourse.training.vision.fit_images import Trainer, fit_images
from nmcourse.training.vision.stages import (
    SLOPES,
    anneal_stage,
    falling_slopes,
    fine_tune,
    inverse_stage,
    linear_stage,
)
from nmcourse.training.vision.trial_loss import ImageTrial

#: All stages by name, in their order.
STAGES = ("cnn", "fold", "inverse", "linear", "annealed", "fine-tuned")
_STAGES = ("cnn", "inverse", "linear", "anneal", "fine_tune")
_STEPS = ("cnn_steps", "inverse_steps", "linear_steps", "fine_tune_steps")


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

    Raises:
        ValueError: for a number of steps or images below one, a rate that is not positive, a
            negative shift, slopes that do not fall to 0, or another kind of trial.
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

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            name: count(name, getattr(self, name))
            for name in (*_STEPS, "steps_per_slope", "cnn_batch", "batch_size")
        }
        for name in (f"{stage}_rate" for stage in _STAGES):
            checked[name] = number(name, getattr(self, name), "positive", above=0)
        checked["max_shift"] = whole("max_shift", self.max_shift, least=0)
        checked["slopes"] = falling_slopes(self.slopes)
        if not isinstance(self.trial, ImageTrial):
            raise ValueError(f"trial must be an ImageTrial, got {self.trial!r}")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def check(self, images: ImageSet | ShardedImages, held_out: ImageSet, dt: float) -> None:
        """Raise ``ValueError`` unless these settings fit the images, before hours of training.

        Args:
            images: what is learnt from.
            held_out: what is checked with.
            dt: time step of the network in ms.
        """
        if not isinstance(images, ImageSet | ShardedImages):
            raise ValueError(f"images must be an ImageSet, got {type(images).__name__}")
        if not isinstance(held_out, ImageSet):
            raise ValueError(f"held_out must be an ImageSet, got {type(held_out).__name__}")
        for name in ("cnn_batch", "batch_size"):
            whole(
                name, getattr(self, name), 1, len(images), f"at most the {len(images)} images given"
            )
        most = min(images.size) - 1
        whole("max_shift", self.max_shift, 0, most, f"from 0 to {most} pixels")
        of_training = (images.n_channels, images.size, images.n_classes)
        of_checks = (held_out.n_channels, held_out.size, held_out.n_classes)
        if of_checks != of_training:
            raise ValueError(
                "held_out must have channels, pixels and classes as images do, "
                f"{of_training}, got {of_checks}"
            )
        self.trial.steps(dt)

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
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    recipe: Recipe | None = None,
    *,
    areas: str | Sequence[Area] = "small-R4",
    stem: Stem | None = None,
    seed: int = 0,
    dt: float = 2.0,
    folder: str | Path | None = None,
    progress: bool = True,
    until: str = "linear",
    trainer: Trainer = fit_images,
) -> list[Stage]:
    """The first stages: from a new CNN to linear areas that have learnt together.

    Args:
        images: what is learnt from.
        held_out: what each stage is checked with.
        recipe: lengths, batches and learning rates.
        areas: the name of a preset, or the areas themselves, from shallow to deep.
        stem: what the image passes first; a preset brings its own.
        seed: of initial weights and drawn images.
        dt: time step of the network in ms; a coarser one costs less.
        folder: where checkpoints are kept, to go on after a kill; None for none.
        progress: show progress bars.
        until: the last stage to train.
        trainer: ``fit_images``, or ``partial(fit_images_across, fabric)`` for several workers.

    Returns:
        ``cnn``, ``fold``, ``inverse``, ``linear``, each with a network of its own.

    Raises:
        ValueError: for settings that do not fit the images, before anything is trained.
        DivergenceError: if a stage diverges.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    recipe = _recipe(recipe)
    seed = whole("seed", seed)
    recipe.check(images, held_out, _time_step(dt))
    last = STAGES.index(_stage(until, STAGES[:4]))
    options = partial(
        _options, recipe, seed=seed, folder=folder, progress=progress, trainer=trainer
    )
    cnn = TwinCNN(
        areas,
        images.n_channels,
        images.n_classes,
        image_size=images.size,
        stem=stem,
        generator=torch.Generator().manual_seed(seed),
    ).to(images.dtype)
    settings = options("cnn", recipe.cnn_rate, recipe.cnn_batch)
    stages = [train_cnn(cnn, images, held_out, n_steps=recipe.cnn_steps, **settings)]
    if last == 0:
        return stages
    stages.append(fold_cnn(cnn, held_out))
    if last == 1:
        return stages

    settings = options("inverse", recipe.inverse_rate, recipe.cnn_batch)
    folded = stages[-1].model
    assert isinstance(folded, TwinCNN)
    steps = recipe.inverse_steps
    stages.append(inverse_stage(folded, images, held_out, n_steps=steps, dt=dt, **settings))
    if last == 2:
        return stages

    settings = options("linear", recipe.linear_rate, recipe.batch_size)
    steps = recipe.linear_steps
    stages.append(linear_stage(_copy(stages[-1]), images, held_out, n_steps=steps, **settings))
    return stages


def train_in_stages(
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    recipe: Recipe | None = None,
    *,
    areas: str | Sequence[Area] = "small-R4",
    stem: Stem | None = None,
    seed: int = 0,
    dt: float = 2.0,
    folder: str | Path | None = None,
    progress: bool = True,
    until: str = "fine-tuned",
    trainer: Trainer = fit_images,
) -> list[Stage]:
    """All stages: from a new CNN to a fine-tuned CordsNet.

    Args:
        images: as in :func:`train_linear`, and so are the following ones.
        held_out: what each stage is checked with.
        recipe: lengths, batches and learning rates.
        areas: the name of a preset, or the areas themselves, from shallow to deep.
        stem: what the image passes first; a preset brings its own.
        seed: of initial weights and drawn images.
        dt: time step of the network in ms; a coarser one costs less.
        folder: where checkpoints are kept.
        progress: show progress bars.
        until: the last stage to train.
        trainer: as in :func:`train_linear`.

    Returns:
        ``cnn``, ``fold``, ``inverse``, ``linear``, ``annealed``, ``fine-tuned``, each with a
        network of its own.

    Raises:
        ValueError: for settings that do not fit the images, before anything is trained.
        DivergenceError: if a stage diverges.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    recipe = _recipe(recipe)
    kept: dict[str, Any] = {"seed": whole("seed", seed), "folder": folder, "progress": progress}
    kept |= {"trainer": trainer}
    until = _stage(until, STAGES)
    early = until if until in STAGES[:4] else "linear"
    stages = train_linear(
        images, held_out, recipe, areas=areas, stem=stem, dt=dt, until=early, **kept
    )
    if until == early:
        return stages

    settings = _options(recipe, "annealed", recipe.anneal_rate, recipe.batch_size, **kept)
    settings |= {"slopes": recipe.slopes, "trial": recipe.trial}
    steps = recipe.steps_per_slope
    stages.append(anneal_stage(_copy(stages[-1]), images, held_out, n_steps=steps, **settings))
    if until == "annealed":
        return stages

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
    trainer: Trainer,
) -> dict[str, Any]:
    """What ``fit_images`` is told in a stage."""
    return {
        "learning_rate": rate,
        "batch_size": batch_size,
        "max_shift": recipe.max_shift,
        "seed": seed,
        "checkpoint": None if folder is None else user_path(folder, "folder") / f"{name}.pt",
        "progress": progress,
        "trainer": trainer,
    }


def _stage(name: str, allowed: Sequence[str]) -> str:
    """The name of a stage, if it is one of these."""
    if name not in allowed:
        raise ValueError(f"until must be one of {', '.join(allowed)}, got {name!r}")
    return name


def _time_step(dt: float) -> float:
    """The time step, if a network can have it: asked before the CNN is trained for hours."""
    return CordsNet("small-R1", 1, 1, image_size=1, dt=dt).dt


def _copy(stage: Stage) -> CordsNet:
    """A copy of the network so far, so that each stage keeps its own."""
    model = copy.deepcopy(stage.model)
    assert isinstance(model, CordsNet)
    return model


def _recipe(given: Recipe | None) -> Recipe:
    """The recipe that is given, or the usual one."""
    if given is not None and not isinstance(given, Recipe):
        raise ValueError(f"recipe must be a Recipe or None, got {given!r}")
    return Recipe() if given is None else given
