"""Which derivatives a written-out gradient has, and what is said of the others.

It has the first derivative, for one gradient at a time. All others need loops that autograd can
follow step by step: the transforms of ``torch.func`` get them (``path_of``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

_INSTEAD = (
    "the gradient of this time loop is written out, for {}. torch.func ({}) passes through the "
    "steps themselves: with torch.func.functional_call a model is a function of its parameters"
)
_TWICE = _INSTEAD.format("first derivatives only", "hessian, or grad of grad")
_BATCHED = _INSTEAD.format("one gradient at a time", "jacrev, or vmap of grad")

Backward = Callable[..., tuple[Tensor | None, ...]]


def transformed() -> bool:
    """Whether a transform of ``torch.func``, or forward-mode differentiation, is at work."""
    if torch.compiler.is_compiling():  # who follows the operations then is not ours to ask
        return False
    return (
        torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0
    )


def first_order(backward: Backward) -> Backward:
    """Let a ``backward`` refuse what it cannot do.

    torch has a decorator for it, ``once_differentiable``. It lets a second derivative pass as zero
    where the gradient that comes in is a constant, as in ``outputs.sum()``.
    """

    @wraps(backward)
    def checked(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        if transformed() or any(_batched(grad) for grad in grads):
            raise RuntimeError(_BATCHED)
        with torch.no_grad():
            found = backward(ctx, *grads)
        if not torch.is_grad_enabled():
            return found
        refuse = torch._C._functions.DelayedError(_TWICE.encode(), len(found))
        free = [None if grad is None else grad.detach().requires_grad_() for grad in found]
        return tuple(refuse(*free))  # type: ignore[arg-type]  # takes None for no gradient

    return checked


def _batched(grad: Tensor | None) -> bool:
    """Whether these are several gradients, of ``is_grads_batched``."""
    return grad is not None and torch._C._functorch.is_legacy_batchedtensor(grad)
