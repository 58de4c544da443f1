"""What callers hand over: whole numbers, numbers, tensors, sources of random numbers.

A whole number may come as an ``int`` or as an integer of NumPy or torch: it is taken by
``operator.index``, as Python takes an index, and goes on as an ``int``. Truth values are refused,
although Python counts them among the integers, and so is text. Every error names the argument, its
value and what is allowed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor


def whole(
    name: str,
    value: Any,
    least: int | None = None,
    most: int | None = None,
    allowed: str | None = None,
) -> int:
    """A whole number as an ``int``.

    Args:
        name: of the argument.
        value: an ``int``, or an integer of NumPy or torch.
        least: the smallest number allowed; None for no limit.
        most: the largest number allowed; None for no limit.
        allowed: what the error says of the numbers allowed; by default it gives the limits.

    Raises:
        ValueError: for anything else, a truth value too.
    """
    found = _index(value)
    if found is None or _outside(found, least, most):
        raise ValueError(f"{name} must be {allowed or _allowed(least, most)}, got {value!r}")
    return found


def count(name: str, value: Any) -> int:
    """A whole number of at least one; see :func:`whole`."""
    return whole(name, value, least=1)


def counts(**values: Any) -> tuple[int, ...]:
    """Whole numbers of at least one, in the order given; see :func:`whole`."""
    return tuple(count(name, value) for name, value in values.items())


def one_or_several(name: str, value: Any, least: int, most: int) -> list[int]:
    """Whole numbers from one of them or from any iterable of them; see :func:`whole`."""
    one = not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0
    several = [value] if one or isinstance(value, str) else value
    return [whole(name, one, least, most) for one in several]


def is_whole(value: Any) -> bool:
    """Whether a value is one whole number, and no list or axis of them."""
    return _index(value) is not None and not getattr(value, "ndim", 0)


def pixels(name: str, value: Any) -> tuple[int, int]:
    """(height, width) from one whole number or a pair of them.

    Raises:
        ValueError: for anything else, or a number below one.
    """
    one = _index(value)
    sides = (one, one) if one is not None else value
    try:
        height, width = (_index(side) for side in sides)
    except (TypeError, ValueError):
        height = width = None
    if height is None or width is None or min(height, width) < 1:
        raise ValueError(
            f"{name} must be a positive integer or two of them, height and width, got {value!r}"
        )
    return height, width


def number(
    name: str,
    value: Any,
    allowed: str = "a finite number",
    *,
    above: float | None = None,
    least: float | None = None,
) -> float:
    """A finite number; one of NumPy or torch becomes a ``float``.

    Args:
        name: of the argument.
        value: the number.
        allowed: what the error says of the numbers allowed.
        above: it must be larger than this; None for no limit.
        least: it must be at least this; None for no limit.

    Raises:
        ValueError: for anything else: text and truth values too.
    """
    found = _float(value)
    if found is None or not math.isfinite(found) or not _within(found, above, least):
        raise ValueError(f"{name} must be {allowed}, got {value!r}{_quoted(value)}")
    return value if type(value) in (int, float) else found


def check_tensor(name: str, value: Any) -> None:
    """Raise ``ValueError`` unless a value is a tensor, saying how an array becomes one."""
    if isinstance(value, Tensor):
        return
    made = ""
    if hasattr(value, "__array__"):
        made = f"; torch.as_tensor({_readable(np.asarray(value))}) makes one of it"
    raise ValueError(f"{name} must be a torch.Tensor, got {type(value).__name__}{made}")


def all_finite(values: Tensor) -> bool:
    """Whether no entry is NaN or infinity, as far as entries can be looked at.

    A tensor on "meta" has none, those of ``torch.func.vmap`` are hidden, and while a CUDA graph is
    recorded there are none yet.
    """
    if not can_be_looked_at(values):
        return True
    # a sum of what is not finite is not finite; the other way round it may be too large
    return bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all())


def can_be_looked_at(values: Tensor) -> bool:
    """Whether the entries of a tensor are there to be asked for."""
    if values.is_meta or _batched(values):
        return False
    return not (values.is_cuda and torch.cuda.is_current_stream_capturing())


def as_tensor(name: str, value: Any, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers, an array of any byte order, or a tensor as a tensor.

    Raises:
        ValueError: for what holds no numbers, such as text.
    """
    if hasattr(value, "__array__") and not isinstance(value, Tensor):
        value = np.asarray(value)
        value = value.astype(value.dtype.newbyteorder("="))
    if isinstance(value, list | tuple) and any(isinstance(one, np.ndarray) for one in value):
        value = np.asarray(value)  # torch reads no list of arrays that hold one number each
    try:
        return torch.as_tensor(value, dtype=dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must hold numbers, got {value!r}") from error


def check_function(name: str, value: Any, such_as: str) -> None:
    """Raise ``ValueError`` unless a value can be called."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, such as {such_as}, got {value!r}")


def check_generator(generator: Any) -> None:
    """Raise ``ValueError`` unless a source of random numbers is one, or None."""
    if generator is None or isinstance(generator, torch.Generator):
        return
    seed = _index(generator)
    made = "" if seed is None else f"; torch.Generator().manual_seed({seed}) makes one of a seed"
    raise ValueError(f"generator must be a torch.Generator or None, got {generator!r}{made}")


def _batched(values: Tensor) -> bool:
    """Whether ``vmap`` hides an axis of a tensor, perhaps below other transforms."""
    within = torch._C._functorch
    while within.is_functorch_wrapped_tensor(values):
        if within.is_batchedtensor(values):
            return True
        values = within.get_unwrapped(values)
    return False


def _readable(array: np.ndarray) -> str:
    """What to write for an array, so that torch can read it: it knows one order of bytes alone."""
    return "array" if array.dtype.isnative else 'array.astype(array.dtype.newbyteorder("="))'


def _index(value: Any) -> int | None:
    """A whole number as an ``int``; None if it is none."""
    if isinstance(value, bool) or getattr(value, "dtype", None) == torch.bool:
        return None
    try:
        return operator.index(value)
    except (TypeError, RuntimeError):  # torch: a tensor of several numbers, or without values
        return None


def _outside(found: int, least: int | None, most: int | None) -> bool:
    return (least is not None and found < least) or (most is not None and found > most)


def _allowed(least: int | None, most: int | None) -> str:
    if most is not None:
        return f"from {least} to {most}"
    if least is None:
        return "a whole number"
    named = {0: "zero or a positive integer", 1: "a positive integer"}
    return named.get(least, f"an integer of at least {least}")


def _float(value: Any) -> float | None:
    """A real number as a ``float``; None if it is none. Text is none, whatever it says."""
    wrong = isinstance(value, bool | str | bytes | bytearray)
    if wrong or str(getattr(value, "dtype", "")) in ("bool", "torch.bool"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _within(found: float, above: float | None, least: float | None) -> bool:
    return (above is None or found > above) and (least is None or found >= least)


def _quoted(value: Any) -> str:
    """What to say of a number in quotes."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    return ", which is text: write it without quotes"
