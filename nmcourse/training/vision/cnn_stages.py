"""The stages before there is time: a feed-forward twin learns the classes and is folded.

The later stages, of a CordsNet that starts from it, are in ``stages.py``.

Reference: Soo et al. 2024, "three-step initialisation"; released code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.models import TwinCNN
from nmcourse.tasks import ImageSet, ShardedImages
from nmcourse.training._networks import outputs_of
from nmcourse.training.vision.fit_images import Trainer, fit_images
from nmcourse.training.vision.stage_checks import accuracy, has_learnt

FOLDING_TOLERANCE = 1e-3  # of the logits' largest size, in single precision


@dataclass(frozen=True)
class Stage:
    """What a stage of training gave.

    Attributes:
        name: of the stage.
        model: the network after it.
        losses: (step,), loss before each update; empty for folding.
        checks: what was measured to see whether the stage did its work, by name.
        passed: whether it did.
    """

    name: str
    model: nn.Module
    losses: Tensor
    checks: dict[str, Any] = field(default_factory=dict)
    passed: bool = True


def train_cnn(
    cnn: TwinCNN,
    images: ImageSet | ShardedImages,
    held_out: ImageSet,
    *,
    n_steps: int,
    checkpoint: str | Path | None = None,
    trainer: Trainer = fit_images,
    **options: Any,
) -> Stage:
    """First stage: the feed-forward twin learns the classes, in place.

    Check: its ``accuracy`` on images held out is well above chance.

    Args:
        cnn: with normalisations, not folded.
        images: what it learns from.
        held_out: what the check is made with.
        n_steps: gradient steps.
        checkpoint: file to resume from and to save to, or None.
        trainer: ``fit_images``, or ``partial(fit_images_across, fabric)`` for several workers.
        **options: see ``fit_images``.

    Raises:
        ValueError: if the network is folded already.
        DivergenceError: if training diverges.

    Reference:
        Soo et al. 2024, released code (SGD there, AdamW here).
    """
    if cnn.folded:
        raise ValueError("cnn must have its normalisations: this one is folded already")
    cnn.train()
    result = trainer(cnn, images, class_loss, n_steps=n_steps, checkpoint=checkpoint, **options)
    cnn.eval()
    found = accuracy(cnn, held_out)
    passed = has_learnt(found, held_out.n_classes)
    return Stage("cnn", cnn, result.losses, {"accuracy": found}, passed)


def fold_cnn(cnn: TwinCNN, held_out: ImageSet) -> Stage:
    """Folding: normalisations become lengths of weights and bias maps.

    Check: of images held out none gets another answer (``changed_answers``), so
    ``accuracy_before`` equals ``accuracy``; and the logits differ by rounding only
    (``largest_difference``, relative to the largest one).

    Args:
        cnn: the trained twin, in evaluation mode: it stays as it is.
        held_out: what the check is made with.

    Raises:
        ValueError: if the network is folded already.

    Reference:
        Soo et al. 2024, released code.
    """
    folded = cnn.fold().eval()
    with torch.no_grad():
        before, after = (model(held_out.images) for model in (cnn, folded))
    difference = ((after - before).abs().max() / before.abs().max()).item()
    changed = int((after.argmax(dim=-1) != before.argmax(dim=-1)).sum())
    checks = {
        "accuracy_before": accuracy(cnn, held_out),
        "accuracy": accuracy(folded, held_out),
        "changed_answers": changed,
        "largest_difference": difference,
    }
    passed = changed == 0 and difference < FOLDING_TOLERANCE
    return Stage("fold", folded, torch.empty(0), checks, passed)


def class_loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of a network without time: what the CNN is trained with.

    Args:
        model: images -> outputs (batch, class).
        images: (batch, channel, height, width).
        labels: number of the right class, (batch,).
    """
    return nn.functional.cross_entropy(outputs_of(model, model(images)), labels)
