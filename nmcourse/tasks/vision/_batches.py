"""Batches in an order that is drawn again for every epoch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count

T = TypeVar("T")


def _epochs(epochs: int | None) -> int | None:
    return None if epochs is None else count("epochs", epochs)


def batches_of(
    take: Callable[[Tensor], T],
    n_images: int,
    batch_size: int,
    *,
    generator: torch.Generator | None,
    epochs: int | None,
    shuffle: bool,
    drop_last: bool,
) -> Iterator[T]:
    """What ``take`` makes of the image numbers of each batch; see ``ImageSet.batches``.

    The arguments are checked at once, and not when the first batch is asked for.
    """
    batch_size, epochs = count("batch_size", batch_size), _epochs(epochs)
    check_generator(generator)
    if drop_last and batch_size > n_images:
        raise ValueError(
            f"batch_size must be at most the {n_images} images of the set where an incomplete "
            f"batch is left out, got {batch_size}"
        )

    def run() -> Iterator[T]:
        for _ in itertools.count() if epochs is None else range(epochs):
            order = torch.arange(n_images)
            if shuffle:
                order = torch.randperm(n_images, generator=generator)
            for which in order.split(batch_size):
                if not drop_last or len(which) == batch_size:
                    yield take(which)

    return run()
