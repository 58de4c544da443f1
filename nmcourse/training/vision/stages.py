r"""CordsNet trained in stages: each stage starts from what the one before has learnt.

    train_cnn        a feed-forward network with the same convolutions learns the classes
    fold_cnn         its normalisations become bias maps             (both in ``cnn_stages.py``)
    inverse_stage    each area's recurrent convolution learns to do in time what the second
                     convolution of the CNN does at once
    linear_stage     the areas, still linear, learn the classes together
    anneal_stage     the leaky ReLU becomes a ReLU, slope 0.95, 0.90, ... 0
    fine_tune        the network, now as it will be used, learns on

Each stage returns a ``Stage``: the network, its losses, and the check of that stage. Each goes on
where it was killed if it is given a ``checkpoint``.

Published optimisers and lengths are those of networks a thousand times larger; here every stage
has ``n_steps`` and ``**options`` of its own (AdamW, see ``OptimiserOptions``).

Reference: Soo et al. 2024, "three-step initialisation" and fine-tuning; released code.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse._files import user_path
from nmcourse._inputs import number, whole
from nmcourse.models import CordsNet, TwinCNN
from nmcourse.tasks import ImageSet, ShardedImages
from nmcourse.training.vision.cnn_stages import Stage
from nmcourse.training.vision.fit_images import Trainer, fit_images
from nmcourse.training.vision.inverse import InverseError, growth_rate, inverse_error, inverse_loss
from nmcourse.training.vision.stage_checks import accuracy, has_learnt
from nmcourse.training.vision.trial_loss import ImageTrial, trial_loss

#: Slopes of the leaky ReLU while it is annealed, as published.
SLOPES = tuple(round(0.05 * k, 2) for k in reversed(range(20)))
#: Only the image, from silence: the trial of the linear stage.
HELD_IMAGE = ImageTrial(blank=0.0, after=0.0, rest_window=0.0, rest_coefficient=0.0)


def start_from_cnn(
    folded: TwinCNN, *, dt: float = 2.0, generator: torch.Generator | None = None
) -> CordsNet:
    """A linear CordsNet with the folded CNN's way from image to areas and its readout.

    The recurrent convolutions are new. Area i gets the bias of both convolutions of the CNN: what
    it would need if its recurrent convolution did nothing.

    Args:
        folded: the folded twin.
        dt: time step in ms.
        generator: source of the recurrent weights.

    Raises:
        ValueError: if the network is not folded, or for a time step that is not positive or longer
            than the time constant.
    """
    if not folded.folded:
        raise ValueError("folded must have bias maps: fold the network first")
    wiring = folded.wiring
    model = CordsNet(
        wiring.areas,
        folded.n_inputs,
        folded.n_outputs,
        image_size=folded.image_size,
        stem=wiring.stem,
        slope=1.0,
        dt=dt,
        generator=generator,
    ).to(folded.output_bias)
    ours, theirs = dict(model.named_parameters()), dict(folded.named_parameters())
    with torch.no_grad():
        for name in ours:
            if not name.startswith(("recurrent.", "biases.")):
                ours[name].copy_(theirs[name])
        for area, bias in enumerate(model.biases):
            bias.copy_(folded.feedforward_biases[area] + folded.biases[area])
    return model


def inverse_stage(
    folded: TwinCNN,
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    *,
    n_steps: int,
    seed: int = 0,
    dt: float = 2.0,
    checkpoint: str | Path | None = None,
    trainer: Trainer = fit_images,
    **options: Any,
) -> Stage:
    """Second stage: recurrent convolutions and biases learn the CNN's second convolutions.

    Each area is trained for itself, with the input that it gets in the CNN; see
    ``nmcourse.training.vision.inverse`` for the loss.

    Check: the growth rate (the spectral radius) of every recurrent convolution is below one, so
    the linear areas are stable. Reported beside it: the relative error of what the areas settle
    at, before and after, for each area.

    Args:
        folded: the folded twin.
        images: what the areas learn from.
        held_out: what the check is made with.
        n_steps: gradient steps.
        seed: of the new recurrent weights and of the drawn images.
        dt: time step of the network in ms.
        checkpoint: file to resume from and to save to, or None.
        trainer: as in :func:`train_cnn`.
        **options: see ``fit_images``.

    Reference:
        Soo et al. 2024, released code.
    """
    seed = whole("seed", seed)
    model = start_from_cnn(folded, dt=dt, generator=torch.Generator().manual_seed(seed))
    before = inverse_error(model, folded, held_out.images)
    settings: dict[str, Any] = {
        "freeze": ("input weights", "feedforward weights", "readout"),
        "seed": seed,
        "checkpoint": checkpoint,
    } | options
    result = trainer(
        model, images, partial(inverse_loss, target=folded), n_steps=n_steps, **settings
    )
    after = inverse_error(model, folded, held_out.images)
    radii = recurrent_radii(model)
    checks = _inverse_checks(before, after) | {"spectral_radius": radii}
    return Stage("inverse", model, result.losses, checks, max(radii) < 1)


def linear_stage(
    model: CordsNet,
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    *,
    n_steps: int,
    trial: ImageTrial = HELD_IMAGE,
    checkpoint: str | Path | None = None,
    trainer: Trainer = fit_images,
    **options: Any,
) -> Stage:
    """Third stage: linear areas learn the classes together, in place.

    An area is linear inside; what other areas and the readout see of it is its positive part.

    Check: ``accuracy`` on images held out, still linear, well above chance. Beside it:
    ``accuracy_as_relu``, were the areas cut off at zero all at once.

    Args:
        model: what the inverse stage gave.
        images: what it learns from.
        held_out: what the check is made with.
        n_steps: gradient steps.
        trial: as published, no blank steps: the image is shown from silence.
        checkpoint: file to resume from and to save to, or None.
        trainer: as in :func:`train_cnn`.
        **options: see ``fit_images``.

    Raises:
        DivergenceError: if training diverges.

    Reference:
        Soo et al. 2024, released code.
    """
    model.slope = 1.0
    loss = partial(trial_loss, trial=trial)
    result = trainer(model, images, loss, n_steps=n_steps, checkpoint=checkpoint, **options)
    return _checked("linear", model, result.losses, held_out, trial)


def anneal_stage(
    model: CordsNet,
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    *,
    n_steps: int,
    slopes: Sequence[float] = SLOPES,
    trial: ImageTrial | None = None,
    checkpoint: str | Path | None = None,
    trainer: Trainer = fit_images,
    **options: Any,
) -> Stage:
    """Fourth stage: the slope of the leaky ReLU falls to zero, in place.

    Every slope has its own optimiser, as in the released code.

    Check: the last slope is zero, and ``accuracy`` on images held out is well above chance.

    Args:
        model: what the linear stage gave.
        images: what it learns from.
        held_out: what the check is made with.
        n_steps: gradient steps for each slope.
        slopes: falling, the last one 0.
        trial: with blank steps and penalty, as published by default.
        checkpoint: file whose name, with the number of the slope, resumes each of them.
        trainer: as in :func:`train_cnn`.
        **options: see ``fit_images``; ``schedule`` is ``"constant"`` if it is not given.

    Raises:
        ValueError: for slopes outside 0 to 1, that do not fall, or do not end at 0.
        DivergenceError: if training diverges.

    Reference:
        Soo et al. 2024, released code.
    """
    slopes = falling_slopes(slopes)
    trial = ImageTrial() if trial is None else trial
    settings: dict[str, Any] = {"schedule": "constant", "seed": 0} | options
    settings["seed"] = whole("seed", settings["seed"])
    losses = []
    for position, slope in enumerate(slopes):
        model.slope = float(slope)
        path = None if checkpoint is None else _numbered(checkpoint, position)
        settings["seed"] += 1  # other images for every slope
        loss = partial(trial_loss, trial=trial)
        result = trainer(model, images, loss, n_steps=n_steps, checkpoint=path, **settings)
        losses.append(result.losses)
    return _checked("annealed", model, torch.cat(losses), held_out, trial)


def falling_slopes(slopes: Sequence[float]) -> tuple[float, ...]:
    """Slopes of an annealing, as a tuple.

    Raises:
        ValueError: unless they fall from at most 1 to 0.
    """
    if not isinstance(slopes, Iterable):
        raise ValueError(f"slopes must be numbers that fall to 0, got {slopes!r}")
    found = tuple(number("slopes", slope, "numbers that fall to 0") for slope in slopes)
    falling = all(high > low for high, low in itertools.pairwise(found))
    if not found or found[0] > 1 or found[-1] != 0 or not falling:
        raise ValueError(f"slopes must fall from at most 1 to 0, got {list(found)}")
    return found


def fine_tune(
    model: CordsNet,
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    *,
    n_steps: int,
    trial: ImageTrial | None = None,
    checkpoint: str | Path | None = None,
    trainer: Trainer = fit_images,
    **options: Any,
) -> Stage:
    """Last stage: the network as it will be used learns on, in place.

    From random weights this is direct training, the control of all stages.

    Check: ``accuracy`` on images held out well above chance.

    Args:
        model: with slope 0.
        images: what it learns from.
        held_out: what the check is made with.
        n_steps: gradient steps.
        trial: as published by default.
        checkpoint: file to resume from and to save to, or None.
        trainer: as in :func:`train_cnn`.
        **options: see ``fit_images``.

    Raises:
        ValueError: if the slope is not 0.
        DivergenceError: if training diverges.

    Reference:
        Soo et al. 2024.
    """
    if getattr(model, "slope", 0.0) != 0:
        raise ValueError(f"model must have slope 0 to be fine-tuned, got {model.slope}")
    trial = ImageTrial() if trial is None else trial
    loss = partial(trial_loss, trial=trial)
    result = trainer(model, images, loss, n_steps=n_steps, checkpoint=checkpoint, **options)
    return _checked("fine-tuned", model, result.losses, held_out, trial)


def recurrent_radii(model: CordsNet) -> list[float]:
    """Spectral radius of every recurrent convolution, on the maps of its area."""
    shapes = model.wiring.shapes(model.image_size)
    return [
        growth_rate(layer.weights().detach(), shape[1:])  # type: ignore[operator]
        for layer, shape in zip(model.recurrent, shapes, strict=True)
    ]


def _inverse_checks(before: InverseError, after: InverseError) -> dict[str, Any]:
    return {
        "error_before": before.settled,
        "error": after.settled,
        "error_of_series": after.series,
    }


def _checked(
    name: str, model: CordsNet, losses: Tensor, held_out: ImageSet, trial: ImageTrial
) -> Stage:
    """A stage whose check is the accuracy; a network that is not a ReLU network yet gets both."""
    checks = {"accuracy": accuracy(model, held_out, trial=trial)}
    if getattr(model, "slope", 0.0):
        cut = copy.deepcopy(model)
        cut.slope = 0.0
        checks["accuracy_as_relu"] = accuracy(cut, held_out, trial=ImageTrial())
    passed = has_learnt(checks["accuracy"], held_out.n_classes)
    return Stage(name, model, losses, checks, passed)


def _numbered(checkpoint: str | Path, number: int) -> Path:
    path = user_path(checkpoint, "checkpoint")
    return path.with_name(f"{path.stem}_{number}{path.suffix}")
