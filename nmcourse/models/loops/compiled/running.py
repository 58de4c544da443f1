"""How a kernel is called: made ready once, its jobs shared out among threads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse._files import digest, locked, write_text

ROWS = 32  # fewest trials in a part: products of thinner matrices are slow
WORTH_SHARING = 2**18  # numbers in the states from which a second thread gains

_ready: set[tuple[str, torch.dtype]] = set()  # kernels that this process has compiled or loaded


def n_parts_of(n_trials: int) -> int:
    """Equal parts that the trials of a seed are cut into, whatever the number of threads."""
    most = max(1, n_trials // ROWS)
    return next(number for number in range(most, 0, -1) if n_trials % number == 0)


def number(value: float, like: Tensor) -> Any:
    """A number of the type of a tensor: one of double precision would make all sums double."""
    return (np.float32 if like.dtype == torch.float32 else np.float64)(value)


def zeros_of_jobs(weights: Sequence[Tensor], n_parts: int) -> list[Tensor]:
    """Room for the gradients of weights (seed, ..), one for each job."""
    return [w.new_zeros(n_parts * w.shape[0], *w.shape[1:]) for w in weights]


def sums_of_jobs(gradients: Sequence[Tensor], n_parts: int) -> list[Tensor]:
    """Gradients of weights (seed, ..) from those of the jobs."""
    if n_parts == 1:
        return list(gradients)
    return [grad.unflatten(0, (-1, n_parts)).sum(dim=1) for grad in gradients]


def run(place: str, states: Tensor, *arguments: Any) -> None:
    """Call a kernel for all jobs, on as many threads as torch may use.

    Args:
        place: file and name of the kernel, ``"leaky.full"``.
        states: what the loop fills or has filled, (seed, time, trial, unit).
        *arguments: what the kernel takes after ``n_parts``; tensors must be contiguous.
    """
    module, name = place.split(".")
    kernel = getattr(import_module(f"nmcourse.models.loops.kernels.{module}"), name)
    n_parts = n_parts_of(states.shape[2])
    n_jobs = states.shape[0] * n_parts
    values = [_array(a) if isinstance(a, Tensor) else a for a in arguments]
    if (place, states.dtype) not in _ready:
        _make_ready(kernel, (0, n_jobs, n_parts, *values))
        _ready.add((place, states.dtype))
    n_threads = min(torch.get_num_threads(), n_jobs) if states.numel() >= WORTH_SHARING else 1
    with _one_thread_a_product():
        if n_threads == 1:
            kernel(0, n_jobs, n_parts, *values)
            return
        edges = [part * n_jobs // n_threads for part in range(n_threads + 1)]
        tasks = [
            _pool(n_threads).submit(kernel, first, last, n_parts, *values)
            for first, last in pairwise(edges)
        ]
        for task in tasks:
            task.result()


def _array(values: Tensor) -> Any:
    """The numbers of a tensor; not to ask for a copy without gradient saves a third of the time."""
    return (values.detach() if values.requires_grad else values).numpy()


def _make_ready(kernel: Any, arguments: tuple[Any, ...]) -> None:
    """Compile a kernel for such arguments, or load it from the folder where Numba keeps it.

    Processes take turns: two that write to the folder at once could mix up their files.
    """
    import numba

    signature = tuple(numba.typeof(argument) for argument in arguments)
    folder = kernel.stats.cache_path
    with nullcontext() if folder is None else locked(Path(folder) / "kernels.lock"):
        if folder is not None:
            _forget_other_text(Path(folder))
        kernel.compile(signature)


def _forget_other_text(folder: Path) -> None:
    """Drop what was compiled from another text of the kernels.

    Numba looks at the file of a kernel, but not at the files of what the kernel calls.
    """
    sources = sorted((Path(__file__).parents[1] / "kernels").glob("*.py"))
    now, note = digest(b"".join(source.read_bytes() for source in sources)), folder / "kernels.text"
    if not note.exists() or note.read_text(encoding="utf-8") != now:
        for file in (*folder.glob("*.nbi"), *folder.glob("*.nbc")):
            file.unlink()
        write_text(note, now)


@cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads, thread_name_prefix="nmcourse-loop")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=lambda: _pool.cache_clear())


@contextmanager
def _one_thread_a_product() -> Iterator[None]:
    """Let the linear algebra library compute what is inside a job on the thread of the job.

    (``limit`` of threadpoolctl does the same; it asks each library much more, at every call.)
    """
    libraries = _libraries()
    before = [library.get_num_threads() for library in libraries]
    for library in libraries:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, number in zip(libraries, before, strict=True):
            library.set_num_threads(number)


@cache
def _libraries() -> list[Any]:
    """The linear algebra that the kernels call."""
    import scipy.linalg.cython_blas  # noqa: F401  # so that it is loaded
    from threadpoolctl import ThreadpoolController

    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found
