"""The loops of ``kernels.py`` as operations of torch, and when they are taken.

They give what the loops in Python give, up to rounding, several times as fast. Where Numba is
missing or cannot help, the loops in Python run as ever; ``path_of`` tells which it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nmcourse._files import locked
from nmcourse.models.loops.phi import BACKWARD, identity

Nonlinearity = Callable[[Tensor], Tensor]

# as the kernels number them
KINDS: dict[Nonlinearity, int] = {torch.tanh: 0, torch.sigmoid: 1, torch.relu: 2, identity: 3}

ROWS = 16  # fewest trials in a part: products of thinner matrices are slow
WORTH_SHARING = 2**18  # numbers in the states from which a second thread gains

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
        ``"plain"``, a loop in Python with autograd's gradient, for other nonlinearities.
    """
    if phi not in BACKWARD:
        return "plain"
    given = [values for values in tensors if values is not None]
    allowed = _allowed.get() and phi in KINDS and _all_plain(given) and _kernels() is not None
    return "compiled" if allowed else "written out"


def _all_plain(tensors: list[Tensor]) -> bool:
    """Whether these are ordinary numbers in memory, of one type, and nobody looks on."""
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
        # torch.func's transforms and modes that record operations see no numbers
        and torch._C._functorch.peek_interpreter_stack() is None
        and torch._C._len_torch_dispatch_stack() == 0
    )


@cache
def _kernels() -> ModuleType | None:
    """The compiled loops, or None without Numba or with one that does not fit this NumPy."""
    try:
        from nmcourse.models.loops import kernels
    except ImportError:
        return None
    return kernels


@cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="nmcourse-loop")


@cache
def _libraries() -> Any:
    """The linear algebra that the kernels call, whose own threads can be limited."""
    import scipy.linalg.cython_blas  # noqa: F401  # so that it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def _forget_threads() -> None:
    _pool.cache_clear()  # a forked process has none of its parent's threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


_ready: set[tuple[str, torch.dtype]] = set()  # kernels that this process has compiled or loaded


def _make_ready(kernel: Any, arguments: tuple[Any, ...]) -> None:
    """Compile a kernel for such arguments, or load it from the folder where Numba keeps it.

    Processes take turns: two that write to the folder at once could mix up their files.
    """
    import numba

    signature = tuple(numba.typeof(argument) for argument in arguments)
    folder = kernel.stats.cache_path
    with nullcontext() if folder is None else locked(Path(folder) / "kernels.lock"):
        kernel.compile(signature)


def n_parts_of(n_trials: int) -> int:
    """Parts that the trials of a seed are cut into, whatever the number of threads."""
    return max(1, n_trials // ROWS)


def _run(name: str, states: Tensor, *arguments: Any) -> None:
    """Call a kernel for all jobs, on as many threads as torch may use."""
    kernel = getattr(_kernels(), name)
    n_parts = n_parts_of(states.shape[2])
    n_jobs = states.shape[0] * n_parts
    values = [a.detach().numpy() if isinstance(a, Tensor) else a for a in arguments]
    if (name, states.dtype) not in _ready:
        _make_ready(kernel, (0, n_jobs, n_parts, *values))
        _ready.add((name, states.dtype))
    n_threads = min(torch.get_num_threads(), n_jobs) if states.numel() >= WORTH_SHARING else 1
    with _libraries().limit(limits=1):
        if n_threads == 1:
            kernel(0, n_jobs, n_parts, *values)
            return
        edges = [number * n_jobs // n_threads for number in range(n_threads + 1)]
        tasks = [
            _pool(n_threads).submit(kernel, first, last, n_parts, *values)
            for first, last in pairwise(edges)
        ]
        for task in tasks:
            task.result()


class LowRankLoop(torch.autograd.Function):
    """``kernels.low_rank``; arguments as those of ``leaky_scan``, all with a seed axis."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        keep: float,
        phi: Nonlinearity,
        start: Tensor,
        inputs: Tensor,
        weights: Tensor,
        right: Tensor,
        left: Tensor,
        gains: Tensor | None,
    ) -> Tensor:
        given = [a.contiguous() for a in (start, inputs, weights, right, left)]
        latents = inputs.new_empty(*inputs.shape[:-1], right.shape[-1])
        ctx.has_gains = gains is not None
        gains = torch.ones_like(latents) if gains is None else gains.contiguous()
        states = inputs.new_empty(*inputs.shape[:-1], start.shape[-1])
        ctx.keep, ctx.phi = _number(keep, states), KINDS[phi]
        _run("low_rank", states, ctx.keep, ctx.phi, *given, gains, latents, states)
        ctx.save_for_backward(*given, gains, latents, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(  # noqa: D102
        ctx: Any, grad_states: Tensor
    ) -> tuple[Tensor | None, ...]:
        start, inputs, weights, right, left, gains, _, states = saved = ctx.saved_tensors
        n_parts = n_parts_of(start.shape[1])
        grad_start, grad_inputs = torch.zeros_like(start), torch.empty_like(inputs)
        grad_gains = torch.empty_like(gains)
        sums = [a.new_zeros(n_parts * a.shape[0], *a.shape[1:]) for a in (weights, right, left)]
        _run(
            "low_rank_back",
            states,
            *(ctx.keep, ctx.phi, *saved, grad_states.contiguous()),
            *(grad_start, grad_inputs, *sums, grad_gains),
        )
        of_weights, of_right, of_left = (a.unflatten(0, (-1, n_parts)).sum(dim=1) for a in sums)
        of_gains = grad_gains if ctx.has_gains else None
        return None, None, grad_start, grad_inputs, of_weights, of_right, of_left, of_gains


class FullLoop(torch.autograd.Function):
    """``kernels.full``; arguments as those of ``leaky_scan``, all with a seed axis."""

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any,
        keep: float,
        phi: Nonlinearity,
        start: Tensor,
        inputs: Tensor,
        weights: Tensor,
        right: Tensor,
    ) -> Tensor:
        start, inputs, weights, right = (a.contiguous() for a in (start, inputs, weights, right))
        states = inputs.new_empty(*inputs.shape[:-1], start.shape[-1])
        rates = torch.empty_like(states)
        ctx.keep, ctx.phi = _number(keep, states), KINDS[phi]
        _run("full", states, ctx.keep, ctx.phi, start, inputs, weights, right, rates, states)
        ctx.save_for_backward(inputs, weights, right, rates)
        return states

    @staticmethod
    @once_differentiable
    def backward(  # noqa: D102
        ctx: Any, grad_states: Tensor
    ) -> tuple[Tensor | None, ...]:
        inputs, weights, right, rates = ctx.saved_tensors
        grads, grad_start = torch.empty_like(rates), torch.zeros_like(rates[:, 0])
        _run(
            "full_back",
            rates,
            *(ctx.keep, ctx.phi, right, rates, grad_states.contiguous(), grads, grad_start),
        )
        rows = grads.flatten(1, 2)
        grad_inputs = (rows @ weights.mT).view_as(inputs) if ctx.needs_input_grad[3] else None
        grad_weights = inputs.flatten(1, 2).mT @ rows
        grad_right = rates.flatten(1, 2).mT @ rows
        return None, None, grad_start, grad_inputs, grad_weights, grad_right


def _number(value: float, like: Tensor) -> Any:
    """A number of the type of a tensor: in single precision all arithmetic is to be single."""
    return (np.float32 if like.dtype == torch.float32 else np.float64)(value)
