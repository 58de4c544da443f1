"""Training on images on several workers; see ``nmcourse.training.data_parallel``.

A worker reads its own share of the images of a step and no others, so a set that lies on disk in
shards (``nmcourse.tasks.ShardedImages``) is never in any worker's memory as a whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_function, whole
from nmcourse.tasks import ImageSet, ShardedImages
from nmcourse.training._run import data_generators
from nmcourse.training.data_parallel import Across, LossOf, Step
from nmcourse.training.fit import FitResult
from nmcourse.training.options import OptimiserOptions
from nmcourse.training.vision.fit_images import (
    ImageLoss,
    check_draws,
    chosen_images,
    described,
    shifted,
)


def fit_images_across(
    fabric: Any,
    model: nn.Module,
    images: ImageSet | ShardedImages,
    loss: ImageLoss,
    *,
    seed: int = 0,
    accumulate: int = 1,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 50,
    progress: bool = True,
    max_shift: int = 0,
    **options: Any,
) -> FitResult:
    """Train one network in place, on all workers of a Fabric.

    Batch normalisation takes its mean and variance over the images of all workers. With
    ``accumulate`` it takes them over one part of every worker at a time, as a smaller batch would.

    Args:
        fabric: ``lightning.fabric.Fabric``, launched; with one worker this is what
            :func:`nmcourse.training.fit_images` does.
        model: the network, equal on every worker.
        images: what it learns from; the shards of a sharded set must be readable by every worker.
        loss: ``loss(model, images, labels)`` -> mean loss of the images.
        seed: seed of the drawn images.
        accumulate: parts in which a worker takes its share, one after the other, to save memory.
        checkpoint: file to resume from and to save to, on the first worker; or None.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar, on the first worker.
        max_shift: as for ``fit_images``.
        **options: see ``OptimiserOptions``; ``device`` and ``keep_best`` are not among them here.

    Returns:
        The model, equal on every worker, with its history.

    Raises:
        ValueError: for bad settings, or more parts than images in a step.
        DivergenceError: when loss or gradient stop being finite.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    settings = OptimiserOptions(**options)
    source = _ImageSource(model, images, loss, settings.batch_size, max_shift, whole("seed", seed))
    run = Across(fabric, _OfImages(model, loss), source, settings, accumulate)
    return run.train(checkpoint, checkpoint_every, progress)


class _OfImages(LossOf):
    def __init__(self, model: nn.Module, loss: ImageLoss) -> None:
        super().__init__(model)
        self.loss = loss

    def share(self, *items: Tensor) -> Tensor:
        return self.loss(self.model, *items)


class _ImageSource:
    """Numbers of the images of each step, drawn exactly as ``fit_images`` draws them."""

    def __init__(
        self,
        model: nn.Module,
        images: ImageSet | ShardedImages,
        loss: ImageLoss,
        batch_size: int | None,
        max_shift: int,
        seed: int,
    ) -> None:
        if not isinstance(images, ImageSet | ShardedImages):
            raise ValueError(
                f"images must be an ImageSet or ShardedImages, got {type(images).__name__}"
            )
        check_function("loss", loss, "trial_loss")
        self.batch_size, self.max_shift = check_draws(images, batch_size, max_shift)
        dtype = next(model.parameters()).dtype
        self.images = images.to(dtype)
        self.generator = data_generators([seed])[0]
        self.description = described(loss, self.images, self.max_shift)

    def next(self) -> Step:
        """Which images come next, and how far they are shifted."""
        which, shift = chosen_images(
            len(self.images), self.batch_size, self.max_shift, self.generator
        )

        def take(items: Tensor, device: torch.device) -> tuple[Tensor, ...]:
            images, labels = self.images.take(which[items])
            return shifted(images, *shift).to(device), labels.to(device)

        return Step(torch.ones(len(which)), take)
