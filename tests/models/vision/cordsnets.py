"""Small CordsNets in double precision, and images for them."""

from __future__ import annotations

import torch

from nmcourse.models import CordsNet, Stem

BATCH, CHANNELS, CLASSES, SIZE = 3, 2, 4, 10


def network(areas="small-R4", *, seed=0, size=SIZE, **options) -> CordsNet:
    """In double precision, with biases that are not zero."""
    generator = torch.Generator().manual_seed(seed)
    if not isinstance(areas, str):
        options = {"stem": Stem(2, kernel=5)} | options
    model = CordsNet(areas, CHANNELS, CLASSES, image_size=size, generator=generator, **options)
    with torch.no_grad():
        for bias in model.biases:
            bias.copy_(0.3 * torch.randn(bias.shape, generator=generator))
    return model.double()


def pictures(*shape, size=SIZE, seed=1):
    generator = torch.Generator().manual_seed(seed)
    shape = shape or (BATCH,)
    return torch.randn(*shape, CHANNELS, size, size, dtype=torch.float64, generator=generator)
