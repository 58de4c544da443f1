"""One process without Lightning Fabric: what ``fit_across`` asks of a Fabric, for one worker.

A reader without the extra trains through the same code as a cluster does, so a checkpoint of the
one is a checkpoint of the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn


class Alone:
    """One worker in this process, in the precision of the network.

    Args:
        device: where it computes.
    """

    world_size = 1
    global_rank = 0
    is_global_zero = True

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.strategy = SimpleNamespace(precision=SimpleNamespace(precision="32-true"))

    def setup(self, module: nn.Module, optimizer: Any) -> tuple[nn.Module, Any]:
        """The same two, on the device."""
        return module.to(self.device), optimizer

    @contextlib.contextmanager
    def no_backward_sync(self, module: nn.Module, enabled: bool = True) -> Iterator[None]:
        """Nothing is exchanged, so there is nothing to hold back."""
        yield

    def backward(self, loss: Tensor) -> None:
        """The gradient of a loss."""
        with torch.autocast(loss.device.type, enabled=False):
            loss.backward()

    def all_reduce(self, value: Tensor, reduce_op: str = "mean") -> Tensor:
        """The value: there is no other."""
        return value

    def broadcast(self, value: Any) -> Any:
        """The value: nobody else waits for it."""
        return value

    def barrier(self) -> None:
        """Nobody to wait for."""
