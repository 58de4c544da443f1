"""Gains of a network that sees, stored and handed over, as in ``analysis.gains.gain_swap``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nmcourse.models import NMCordsNet, PrescribedGain


@torch.no_grad()
def store_image_gains(
    model: NMCordsNet, images: Tensor, *, mean: bool = False, **options: Any
) -> PrescribedGain:
    """Record the gains of whole trials; ``model.with_gains`` plays them back.

    Args:
        model: whose gains.
        images: as in ``respond``, and so are the options.
        mean: keep their mean over images, the same s(t) for all of them.
        **options: ``n_blank``, ``n_steps``, ``cues`` and whatever else ``respond`` takes.

    Returns:
        A gain source with an entry for every step of the trial, blank ones included.

    Raises:
        ValueError: if the model is no NM-CordsNet.
    """
    if not isinstance(model, NMCordsNet):
        raise ValueError(f"model must be an NMCordsNet, got {type(model).__name__}")
    z = model.record(images, areas=len(model.channels), **options)[0]
    gains = model.modulator.gain(z[..., 0, 0])
    return PrescribedGain(gains.mean(dim=0) if mean else gains, dt=model.dt)
