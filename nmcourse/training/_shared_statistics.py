"""Batch normalisation over the images of all workers, as if one process had them.

``torch.nn.SyncBatchNorm`` is for GPUs alone. This one computes mean and variance from sums over all
workers with any backend, and the sums have gradients.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _SumOverWorkers(torch.autograd.Function):
    """The sum of a tensor over all workers; what any of them makes of it flows back to each."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        found = mine.clone()
        dist.all_reduce(found)
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        found = gradient.contiguous().clone()
        dist.all_reduce(found)
        return found


class _SharedBatchNorm(nn.BatchNorm2d):
    """The layer while several workers train it; its numbers are those of the layer itself."""

    def forward(self, maps: Tensor) -> Tensor:
        """Normalised maps (batch, channel, height, width)."""
        if not self.training:
            return super().forward(maps)
        axes, over_workers = (0, 2, 3), _SumOverWorkers.apply
        count = over_workers(maps.new_tensor(maps.numel() / maps.shape[1]))
        mean = over_workers(maps.sum(dim=axes)) / count
        centred = maps - mean[:, None, None]
        variance = over_workers(centred.square().sum(dim=axes)) / count
        with torch.no_grad():
            assert self.num_batches_tracked is not None
            self.num_batches_tracked += 1
            rate = self.momentum or 0.1
            for kept, found in (
                (self.running_mean, mean),
                (self.running_var, variance * count / (count - 1)),
            ):
                assert kept is not None
                kept += rate * (found - kept)
        scaled = centred * (self.weight / (variance + self.eps).sqrt())[:, None, None]
        return scaled + self.bias[:, None, None]


@contextlib.contextmanager
def shared_statistics(model: nn.Module, n_workers: int) -> Iterator[None]:
    """Let the batch normalisations of a network see the images of all workers for a while."""
    layers = [part for part in model.modules() if type(part) is nn.BatchNorm2d]
    if n_workers == 1:
        layers = []
    for layer in layers:
        layer.__class__ = _SharedBatchNorm
    try:
        yield
    finally:
        for layer in layers:
            layer.__class__ = nn.BatchNorm2d
