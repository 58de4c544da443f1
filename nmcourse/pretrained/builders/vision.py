"""How the small CordsNets of the course are built: they look at scikit-learn's digits."""

from __future__ import annotations

import torch

from nmcourse.models import CordsNet


def digits_cordsnet(
    areas: str = "small-R2",
    image_size: int = 8,
    *,
    dt: float = 2.0,
    generator: torch.Generator | None = None,
) -> CordsNet:
    """CordsNet for digits in grey: ten classes, one of the small presets."""
    return CordsNet(areas, 1, 10, image_size=image_size, dt=dt, generator=generator)


CORDSNET_BUILDERS = (digits_cordsnet,)
