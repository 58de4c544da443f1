"""Training on images: the loop of ``fit`` with images in place of trials.

    fit_images(model, images, loss, n_steps=300, batch_size=32)       one network
    fit_many_images(build, images, loss, seeds=10, ...)               many as grouped convolutions

``loss`` shows images to a network and says how wrong it then is: ``loss(model, images, labels)``
gives a number. ``partial(trial_loss, trial=ImageTrial())`` is the loss of a whole trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nmcourse._inputs import all_finite, check_function, check_tensor, whole
from nmcourse.models import DivergingActivity
from nmcourse.tasks import ImageSet, ShardedImages
from nmcourse.training._networks import Networks
from nmcourse.training._reasons import reason_of
from nmcourse.training._run import data_generators
from nmcourse.training.fit import FitManyResult, FitResult, Start, train_many, train_one
from nmcourse.training.options import OptimiserOptions

ImageLoss = Callable[[nn.Module, Tensor, Tensor], Tensor]
Trainer = Callable[..., FitResult]  # called as ``fit_images`` is


def fit_images(
    model: nn.Module,
    images: ImageSet,
    loss: ImageLoss,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 50,
    progress: bool = True,
    max_shift: int = 0,
    **options: Any,
) -> FitResult:
    """Train one network in place.

    Args:
        model: the network.
        images: what it learns from.
        loss: ``loss(model, images, labels)`` -> loss, for images (batch, channel, height, width)
            and labels (batch,).
        seed: seed of the drawn images; the initial weights are the model's own.
        checkpoint: file to resume from and to save to, or None.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar.
        max_shift: each drawn batch is shifted by up to so many pixels each way; what comes in at
            the border is zero.
        **options: see ``OptimiserOptions``; ``n_steps`` must be given.

    Returns:
        The model with its history.

    Raises:
        ValueError: for bad settings.
        DivergenceError: when loss or gradient stop being finite; the model keeps its last good
            state. If the network can tell why (``DivergingActivity``, ``NoEquilibrium``), that is
            the error's cause, and its message has it.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    settings = OptimiserOptions(**options)
    objective = partial(_Images, images, loss, batch_size=settings.batch_size, max_shift=max_shift)
    return train_one(model, objective, seed, settings, checkpoint, checkpoint_every, progress)


def fit_many_images(
    build: Start,
    images: ImageSet,
    loss: ImageLoss,
    *,
    seeds: int | Iterable[int] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 50,
    progress: bool = True,
    max_shift: int = 0,
    **options: Any,
) -> FitManyResult:
    """Train one network per seed, all in one batch: their convolutions are one grouped convolution.

    Args:
        build: makes a network from a generator, which is seeded with the network's seed; or
            networks that exist, one per seed, which are trained in place.
        images: what they learn from; every network draws its own batches.
        loss: ``loss(model, images, labels)`` -> losses (seed,), for images
            (seed, batch, channel, height, width), labels (seed, batch), and a model whose
            parameters have the seed axis in front.
        seeds: the seeds, or how many (0, 1, ...); None for ten, or for one per given network.
        checkpoint: as in :func:`fit_images`, and so are the following ones.
        checkpoint_every: steps between two checkpoints.
        progress: show a progress bar.
        max_shift: pixels that batches are shifted by.
        **options: see ``OptimiserOptions``.

    Returns:
        The networks with their histories. A seed that diverges is stopped, keeps its last good
        state, and is reported in ``diverged`` and by a warning, which says why if the network can
        tell; the others go on.

    Raises:
        ValueError: for bad settings, no seed or a repeated one, or networks that are not one per
            seed.
        CheckpointError: for a damaged checkpoint or one of another run.
    """
    settings = OptimiserOptions(**options)
    objective = partial(_Images, images, loss, batch_size=settings.batch_size, max_shift=max_shift)
    return train_many(build, objective, seeds, settings, checkpoint, checkpoint_every, progress)


def shifted(images: Tensor, down: int, right: int) -> Tensor:
    """Images (.., height, width) shifted by whole pixels; what comes in is zero."""
    if not down and not right:
        return images
    moved = images.roll((down, right), (-2, -1))
    for axis, by in ((-2, down), (-1, right)):
        if by:
            start = 0 if by > 0 else max(0, moved.shape[axis] + by)
            moved.narrow(axis, start, min(abs(by), moved.shape[axis])).zero_()
    return moved


def check_draws(
    images: ImageSet | ShardedImages, batch_size: int | None, max_shift: int
) -> tuple[int, int]:
    """Images of a step and the largest shift, once they are known to fit the set."""
    if batch_size is not None and batch_size > len(images):
        raise ValueError(
            f"batch_size must be at most the {len(images)} images given, got {batch_size}"
        )
    most = min(images.size) - 1
    max_shift = whole("max_shift", max_shift, 0, most, f"from 0 to {most} pixels")
    return len(images) if batch_size is None else batch_size, max_shift


def chosen_images(
    n_images: int, batch_size: int, max_shift: int, generator: torch.Generator
) -> tuple[Tensor, tuple[int, int]]:
    """Numbers of the images of a step, (batch,), and by how many pixels they are shifted."""
    which = torch.randperm(n_images, generator=generator)[:batch_size]
    if not max_shift:
        return which, (0, 0)
    down, right = torch.randint(-max_shift, max_shift + 1, (2,), generator=generator).tolist()
    return which, (down, right)


def described(loss: ImageLoss, images: ImageSet | ShardedImages, max_shift: int) -> str:
    """Text that changes when loss, images or shift do."""
    return f"{_text(loss)} on images {images.digest()}, shift {max_shift}"


class _Images:
    """The objective of images: a fresh draw for each network."""

    def __init__(
        self,
        images: ImageSet,
        loss: ImageLoss,
        networks: Networks,
        seeds: list[int],
        batch_size: int | None,
        max_shift: int,
    ) -> None:
        if not isinstance(images, ImageSet):
            raise ValueError(f"images must be an ImageSet, got {type(images).__name__}")
        check_function("loss", loss, "trial_loss")
        self.batch_size, self.max_shift = check_draws(images, batch_size, max_shift)
        like = next(iter(networks.parameters.values()))
        images = images.to(like.dtype)
        self.images, self.loss = images.to(like.device), loss
        self.generators = data_generators(seeds)
        self.drawn: tuple[Tensor, ...] = ()
        self.failed: dict[int, tuple[dict[str, Tensor], tuple[Tensor, ...]]] = {}
        self.description = described(loss, images, self.max_shift)

    def draw(self, stay: bool = False) -> None:
        """Draw the images of the next step; with ``stay`` to where those of the last one lie."""
        each = [self._draw(generator) for generator in self.generators]
        new = each[0]
        if len(each) > 1:
            images, labels = (torch.stack(parts) for parts in zip(*each, strict=True))
            new = images, labels
        if stay and self.drawn:
            for place, values in zip(self.drawn, new, strict=True):
                place.copy_(values)
        else:
            self.drawn = new

    def losses(self, networks: Networks) -> Tensor:
        """Losses (seed,) on the images that were drawn last."""
        self.model, state = networks.models[0], networks.state()
        loss = self._call(self.model, state, *self.drawn)
        losses = loss.unsqueeze(0) if len(self.generators) == 1 else loss
        if not all_finite(losses) and losses.shape == (len(self.generators),):
            for number in torch.nonzero(~losses.isfinite()).flatten().tolist():
                self._keep_failure(number, state)
        return losses

    def reason(self, number: int) -> DivergingActivity | None:
        """Why the loss of a network was not finite, if the network can tell.

        It is asked for when training is over: the loss is computed once more, and what that may
        draw must not reach the other networks.
        """
        if number not in self.failed:
            return None
        state, data = self.failed[number]
        return reason_of(partial(self._call, self.model, state, *data))

    def _keep_failure(self, number: int, state: dict[str, Tensor]) -> None:
        """Keep what a loss that is not finite was computed from, the first time."""
        if number in self.failed:
            return
        several = len(self.generators) > 1
        alone = {name: (v[number] if several else v) for name, v in state.items()}
        data = tuple((v[number] if several else v).clone() for v in self.drawn)
        self.failed[number] = {name: v.detach().clone() for name, v in alone.items()}, data

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        which, shift = chosen_images(len(self.images), self.batch_size, self.max_shift, generator)
        images, labels = self.images.take(which)
        return shifted(images, *shift), labels

    def _call(self, model: nn.Module, state: dict[str, Tensor], *data: Tensor) -> Tensor:
        """What ``loss`` makes of the model with other parameters."""
        named = {f"model.{name}": values for name, values in state.items()}
        loss = functional_call(_LossOf(model, self.loss), named, data)
        check_tensor("loss(model, images, labels)", loss)
        return loss


class _LossOf(nn.Module):
    """``loss`` as a module, because ``functional_call`` calls modules only."""

    def __init__(self, model: nn.Module, loss: ImageLoss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.loss(self.model, images, labels)


def _text(function: Any) -> str:
    """A function by its name and its settings, without memory addresses."""
    if isinstance(function, partial):
        settings = [repr(value) for value in function.args]
        settings += [f"{name}={value!r}" for name, value in sorted(function.keywords.items())]
        return f"{_text(function.func)}({', '.join(settings)})"
    return getattr(function, "__qualname__", type(function).__qualname__)
