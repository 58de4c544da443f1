"""Which loop runs: compiled, written out, or plain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Literal

import torch
from torch import Tensor

from nmcourse.models.loops.derivatives import transformed
from nmcourse.models.loops.phi import BACKWARD, identity

Nonlinearity = Callable[[Tensor], Tensor]

# as the kernels number them
KINDS: dict[Nonlinearity, int] = {torch.tanh: 0, torch.sigmoid: 1, torch.relu: 2, identity: 3}

_allowed = ContextVar("allowed", default=os.environ.get("NMCOURSE_COMPILED", "1") != "0")


@contextmanager
def compiled_loops(allowed: bool) -> Iterator[None]:
    """Allow or forbid compiled loops within a block.

    They are allowed unless the environment variable ``NMCOURSE_COMPILED`` is 0.
    """
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def path_of(
    *tensors: Tensor | None, phi: Nonlinearity = torch.tanh
) -> Literal["compiled", "written out", "plain"]:
    """Which loop runs on tensors like these.

    Args:
        *tensors: inputs, states or weights; None stands for one that a network does not have.
        phi: the nonlinearity.

    Returns:
        ``"compiled"`` by Numba; ``"written out"``, a loop in Python with its gradient by hand;
        ``"plain"``, a loop in Python with autograd's gradient, for other nonlinearities and under
        the transforms of ``torch.func``. (LSTM and GRU have no loop that is written out: theirs is
        plain where it is not compiled.)
    """
    if phi not in BACKWARD or transformed():
        return "plain"
    given = [values for values in tensors if values is not None]
    allowed = _allowed.get() and phi in KINDS and _ordinary(given) and _has_numba()
    return "compiled" if allowed else "written out"


def _ordinary(tensors: list[Tensor]) -> bool:
    """Whether these are numbers in memory, of one type, and nothing else follows the operations."""
    dtypes = {values.dtype for values in tensors}
    return (
        len(dtypes) == 1
        and dtypes <= {torch.float32, torch.float64}
        and all(values.is_cpu and values.layout == torch.strided for values in tensors)
        and all(type(values) in (Tensor, torch.nn.Parameter) for values in tensors)
        and not any(values.is_neg() for values in tensors)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and torch._C._get_tracing_state() is None
        and torch._C._len_torch_dispatch_stack() == 0  # where operations are recorded
    )


@cache
def _has_numba() -> bool:
    """Whether Numba is installed and fits this NumPy."""
    try:
        import_module("nmcourse.models.loops.kernels.arithmetic")
    except ImportError:
        return False
    return True
