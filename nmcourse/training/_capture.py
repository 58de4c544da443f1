"""A computation on a GPU, recorded once and replayed: a CUDA graph.

A small network waits for the launches of its thousand small operations, not for the operations. A
graph launches all of them at once. What is recorded reads and writes the same memory each time, so
the data of a step are copied to where those of the last one lay; and it may not ask for a value,
because nothing is computed while it is recorded.

On a CPU there is nothing to launch. The computation then is called, with data at the same places.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # calls before the recording, in which libraries take the memory that they work with


class Replayed:
    """A function of tensors that stay where they are.

    Args:
        compute: reads them, and returns new tensors.
        device: where it computes.

    Attributes:
        recorded: whether calls are replayed.
    """

    def __init__(self, compute: Callable[[], tuple[Tensor, ...]], device: torch.device) -> None:
        self.compute, self.device = compute, device
        self.graph: torch.cuda.CUDAGraph | None = None
        self.found: tuple[Tensor, ...] = ()
        self.calls = 0
        self.gave_up = device.type != "cuda"

    @property
    def recorded(self) -> bool:
        """Whether calls are replayed."""
        return self.graph is not None

    def __call__(self) -> tuple[Tensor, ...]:
        """What the function gives; the same tensors each time once it is recorded."""
        self.calls += 1
        if self.graph is None and not self.gave_up and self.calls > WARM_UP:
            self._record()
        if self.graph is None:
            return self.compute()
        self.graph.replay()
        return self.found

    def _record(self) -> None:
        """Record the function; where it asks for a value on the way, go on without."""
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize(self.device)
        try:
            with torch.cuda.graph(graph):
                self.found = self.compute()
        except RuntimeError as error:
            self.gave_up, self.found = True, ()
            reason = str(error).splitlines()[0]
            warnings.warn(
                f"a step of this network cannot be recorded as a CUDA graph ({reason}); it is "
                "trained operation by operation",
                stacklevel=2,
            )
            return
        self.graph = graph
