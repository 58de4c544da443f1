"""Compare an answer with the reference: equal, equal in another form, or how it differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from numbers import Integral
from typing import Any

import numpy as np
import torch

LOOSE = {"float32": 1e-3, "complex64": 1e-3, "float16": 2e-2, "bfloat16": 2e-2}
WHOLE = 1e-6  # a relative tolerance below this is one for whole numbers
NUMBERS_DIFFER = "The two numbers differ."
SMALL = 0.01  # of the relative tolerance: what is forgiven relative to the largest entry
ACROSS = 0.1  # of the relative tolerance: what is forgiven relative to the scale of all cases


@dataclass(frozen=True)
class Verdict:
    """How an answer compares with the reference.

    Attributes:
        same: Whether it is accepted.
        note: What is worth saying about an accepted answer.
        reason: How a wrong one differs, in words.
    """

    same: bool
    note: str = ""
    reason: str = ""


class NotNumbers(TypeError):
    """An answer that cannot be read as numbers; the message says what it is."""


def as_array(value: Any) -> tuple[np.ndarray, float]:
    """Return an answer as an array in double precision, and the tolerance that its type needs.

    Args:
        value: A number, an array, a tensor, or a nested list or tuple of them.

    Returns:
        The array, and the relative tolerance that its own precision asks for (0 for double).

    Raises:
        NotNumbers: It is nothing of the kind.
    """
    if value is None:
        raise NotNumbers("None")
    loose = 0.0
    if isinstance(value, torch.Tensor):
        loose = LOOSE.get(str(value.dtype).removeprefix("torch."), 0.0)
        try:
            found = value.detach().cpu().resolve_conj()
            found = found.float() if found.dtype == torch.bfloat16 else found
            return _double(found.numpy()), loose
        except Exception as error:
            raise NotNumbers(f"a tensor that holds no plain numbers ({value.layout})") from error
    if isinstance(value, list | tuple):
        parts = [as_array(part) for part in value]
        try:
            return np.stack([part for part, _ in parts]), max([0.0, *(p for _, p in parts)])
        except ValueError:
            if not parts:
                raise NotNumbers(f"an empty {type(value).__name__}") from None
            raise NotNumbers(f"a {type(value).__name__} of parts of different shapes") from None
    if isinstance(value, np.ndarray | np.generic):
        loose = LOOSE.get(value.dtype.name, 0.0)
        return _double(np.asarray(value)), loose
    if hasattr(type(value), "__array__"):
        return as_array(np.asarray(value))
    if isinstance(value, bool | int | float | complex) or hasattr(type(value), "__float__"):
        return _double(np.asarray(_plain(value))), 0.0  # fractions and decimals are numbers, too
    raise NotNumbers(f"an object of type {type(value).__name__}")


def _plain(value: Any) -> complex | float:
    if isinstance(value, complex):
        return value
    try:
        return float(value)
    except Exception as error:
        raise NotNumbers(f"an object of type {type(value).__name__}") from error


def _double(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "O":
        array = np.array([_plain(entry) for entry in array.ravel()]).reshape(array.shape)
    if array.dtype.kind not in "biufc":
        raise NotNumbers(f"an array of {array.dtype}")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def scale_of(expected: Sequence[Any]) -> float:
    """Return the typical size of the results of all cases: the median of those that are not 0.

    It sets the tolerance where 0 is expected, which a relative one would leave without any.
    """
    sizes = [np.abs(array[np.isfinite(array)]).max(initial=0.0) for array in map(_read, expected)]
    return float(np.median([size for size in sizes if size > 0] or [0.0]))


def _read(value: Any) -> np.ndarray:
    return as_array(value)[0]


def equal(found: np.ndarray, expected: np.ndarray, rtol: float, scale: float = 0.0) -> bool:
    """Return whether two arrays of one shape agree; NaN agrees with NaN."""
    if found.shape != expected.shape:
        return False
    finite = np.abs(expected[np.isfinite(expected)])
    atol = rtol * max(SMALL * float(finite.max(initial=0.0)), ACROSS * scale)
    return bool(np.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True))


def integers(value: Any) -> bool:
    """Return whether a value is of a type for whole numbers."""
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() and not value.is_complex()
    if isinstance(value, list | tuple):
        return all(integers(part) for part in value)
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "iu"
    return isinstance(value, Integral)


def compare(
    answer: Any, expected: Any, rtol: float, axes: tuple[str, ...] = (), scale: float = 0.0
) -> Verdict:
    """Compare an answer with the expected result.

    Args:
        answer: What an answer returned.
        expected: What the reference returned.
        rtol: Relative tolerance. An answer in single precision gets a larger one, unless this one
            is below ``WHOLE``: then the result is a whole number, and exact in any precision.
        axes: Names of the axes of the result; with names, another order is accepted.
        scale: Typical size of the results of all cases, for those that are 0.

    Returns:
        Whether it is accepted, and a note or a reason.

    Raises:
        NotNumbers: The answer cannot be read as numbers.
    """
    found, loose = as_array(answer)
    wanted, _ = as_array(expected)
    rtol = max(rtol, loose) if rtol > WHOLE else rtol
    if equal(found, wanted, rtol, scale):
        return Verdict(True)
    if found.squeeze().shape == wanted.squeeze().shape and equal(
        found.squeeze(), wanted.squeeze(), rtol, scale
    ):
        note = f"Shape {found.shape} instead of {wanted.shape}: axes of size 1 do not matter here."
        return Verdict(True, note="" if wanted.ndim == 0 and found.ndim <= 1 else note)
    if order := _order(found, wanted, rtol):
        if axes:
            yours = ", ".join(axes[k] for k in order)
            note = f"The axes stand in another order: yours is ({yours}), the course has "
            return Verdict(True, note=note + f"({', '.join(axes)}).")
        word = "transposed" if wanted.ndim == 2 else "right, but with its axes in another order"
        return Verdict(False, reason=f"Your result is {word}: rows and columns are exchanged.")
    return Verdict(False, reason=_difference(found, wanted, rtol))


def _order(found: np.ndarray, wanted: np.ndarray, rtol: float) -> tuple[int, ...]:
    """The order of the wanted axes in which an answer has them; empty if no order fits."""
    if found.ndim != wanted.ndim or found.ndim < 2 or found.ndim > 5:
        return ()
    for order in permutations(range(wanted.ndim)):
        if order != tuple(range(wanted.ndim)) and equal(found, wanted.transpose(order), rtol):
            return order
    return ()


def _difference(found: np.ndarray, wanted: np.ndarray, rtol: float) -> str:
    """How a wrong result differs, in one sentence."""
    if found.shape != wanted.shape:
        return f"Your result has shape {found.shape}, expected was {wanted.shape}."
    missing = np.isnan(found) & ~np.isnan(wanted)
    if missing.any():
        many = "" if missing.size == 1 else f" in {int(missing.sum())} of {missing.size} places"
        return f"Your result is NaN (not a number){many}."
    if (np.isinf(found) & ~np.isinf(wanted)).any():
        return "Your result is infinite where it should not be."
    if np.iscomplexobj(found) and not np.iscomplexobj(wanted) and equal(found.real, wanted, rtol):
        return "Your result has an imaginary part and should have none."
    if equal(-found, wanted, rtol):
        return "Your result has the wrong sign."
    if found.ndim and wanted.size > 1 and not found.any():
        return "Your result is zero everywhere."
    if said := _factor_or_offset(found, wanted, rtol):
        return said
    for axis in range(found.ndim):
        if equal(np.flip(found, axis), wanted, rtol):
            return f"Your result is in reverse order along axis {axis}."
        if _shifted(found, wanted, axis, rtol):
            return f"Your result is shifted by one step along axis {axis}."
    if found.ndim == 0:
        return NUMBERS_DIFFER
    gap = np.where(np.isnan(found), 0, np.abs(found - wanted))
    where = tuple(int(k) for k in np.unravel_index(np.nanargmax(gap), gap.shape))
    return f"The largest difference is {np.nanmax(gap):.3g}, at index {where}."


def _factor_or_offset(found: np.ndarray, wanted: np.ndarray, rtol: float) -> str:
    if found.size < 2 or np.ptp(np.abs(wanted)) == 0:
        return ""
    usable = np.isfinite(wanted) & np.isfinite(found) & (np.abs(wanted) > 0)
    if not usable.any():
        return ""
    factors = found[usable] / wanted[usable]
    factor = complex(np.median(factors.real))
    if factor and equal(found / factor, wanted, rtol):
        return f"Each entry of your result is {factor.real:.4g} times the expected one."
    offset = complex(np.median((found - wanted)[usable].real))
    if offset and equal(found - offset, wanted, rtol):
        return f"Each entry of your result is off by {offset.real:.4g}."
    return ""


def _shifted(found: np.ndarray, wanted: np.ndarray, axis: int, rtol: float) -> bool:
    if found.shape[axis] < 3:
        return False
    first, last = np.moveaxis(found, axis, 0), np.moveaxis(wanted, axis, 0)
    return equal(first[1:], last[:-1], rtol) or equal(first[:-1], last[1:], rtol)
