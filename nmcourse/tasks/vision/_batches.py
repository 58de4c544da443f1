"""Batches in an order that is drawn again for every epoch: one method for every set of images."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count


class Batched(Protocol):
    """A set of images that gives those of some numbers: in memory, as pictures, or in shards."""

    def __len__(self) -> int:
        """Number of images."""

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Images (batch, channel, height, width) and labels (batch,) of these numbers."""

    def batches(
        self,
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
        epochs: int | None = 1,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (batch, channel, height, width) and labels (batch,), batch after batch.

        Every image comes once in an epoch. Images on disk are read when their batch comes; the
        arguments are checked at once.

        Args:
            batch_size: images of a batch.
            generator: source of the order.
            epochs: how often every image comes; None for ever.
            shuffle: draw another order for each epoch; otherwise that of the set.
            drop_last: leave out what is left at the end of an epoch if it is less than a batch.

        Raises:
            ValueError: for a batch size or a number of epochs below one, or a whole batch that
                is larger than the set with ``drop_last``.
            ImageFileError: for a picture or a shard on disk that cannot be read.
        """
        batch_size = count("batch_size", batch_size)
        epochs = None if epochs is None else count("epochs", epochs)
        check_generator(generator)
        n_images = len(self)
        if drop_last and batch_size > n_images:
            raise ValueError(
                f"batch_size must be at most the {n_images} images of the set where an incomplete "
                f"batch is left out, got {batch_size}"
            )

        def run() -> Iterator[tuple[Tensor, Tensor]]:
            for _ in itertools.count() if epochs is None else range(epochs):
                order = torch.arange(n_images)
                if shuffle:
                    order = torch.randperm(n_images, generator=generator)
                for which in order.split(batch_size):
                    if not drop_last or len(which) == batch_size:
                        yield self.take(which)

        return run()
