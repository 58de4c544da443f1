"""Nonlinearities phi of the written-out loops, and the way back through them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def identity(x: Tensor) -> Tensor:
    """phi(x) = x: makes a network linear."""
    return x


# phi -> (dL/dr, r) -> dL/dx, where r = phi(x). Other nonlinearities take the plain loop.
BACKWARD: dict[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]] = {
    torch.tanh: torch.ops.aten.tanh_backward,  # grad * (1 - r * r), in one pass
    torch.sigmoid: torch.ops.aten.sigmoid_backward,  # grad * r * (1 - r)
    torch.relu: lambda grad, r: grad * (r > 0),
    identity: lambda grad, r: grad,
}


def rate_into(phi: Callable[[Tensor], Tensor], x: Tensor, out: Tensor) -> Tensor:
    """phi(x), written to ``out``."""
    if phi is torch.tanh and x.is_cpu:  # tanh(x) = 2 sigmoid(2x) - 1 takes a third of the time
        return torch.add(x, x, out=out).sigmoid_().mul_(2.0).sub_(1.0)
    return out.copy_(phi(x))
