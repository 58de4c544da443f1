"""What the stages of training are checked with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from nmcourse._inputs import count
from nmcourse.models import DivergingActivity, SeeingNetwork
from nmcourse.tasks import ImageSet
from nmcourse.training._networks import outputs_of
from nmcourse.training.vision.trial_loss import ImageTrial, run_trial

LEARNT = 0.2  # of the way from chance to always right


def has_learnt(accuracy: float, n_classes: int) -> bool:
    """Whether an accuracy is well above chance: a fifth of the way up to 1."""
    chance = 1.0 / count("n_classes", n_classes)
    return accuracy > chance + LEARNT * (1.0 - chance)


@torch.no_grad()
def accuracy(
    model: nn.Module,
    images: ImageSet,
    *,
    trial: ImageTrial | None = None,
    batch_size: int = 256,
) -> float:
    """Share of images whose largest output is the right one.

    Args:
        model: a network that sees (``SeeingNetwork``): the outputs of the last step with the image
            count; or any other module that maps images to outputs.
        images: the images and their classes.
        trial: when the image is shown; as published by default. What comes after it is left out.
        batch_size: images at a time.

    Returns:
        From 0 to 1. An output that is not finite is a wrong answer, on purpose and without an
        error: of a network that sees, 0 if its activity diverges for any image.
    """
    trial = ImageTrial() if trial is None else trial
    trial = replace(trial, after=0.0, rest_window=0.0, rest_coefficient=0.0)
    right = 0
    for shown, labels in images.batches(batch_size, shuffle=False):
        if isinstance(model, SeeingNetwork):
            try:
                outputs = run_trial(model, shown, trial).outputs[..., -1, :]
            except DivergingActivity:
                return 0.0
        else:
            outputs = outputs_of(model, model(shown))
        right += int(((outputs.argmax(dim=-1) == labels) & outputs.isfinite().all(dim=-1)).sum())
    return right / len(images)
