"""Numbers, arrays and lists of them as Python code, for the cells of a notebook."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_PLAIN = ("float64", "int64", "bool", "complex128")  # what np.array makes of lists by itself


def literal(value: Any, digits: int | None = None) -> str:
    """Return a value as an expression that gives it back where ``np`` is NumPy.

    Args:
        value: None, a number, text, an array, or a list or tuple of them.
        digits: Significant digits of numbers; all by default.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        kind = value.dtype.name
        if value.dtype.kind not in "biufc":
            raise TypeError(f"value must hold numbers, got an array of {kind}")
        sort = "" if kind in _PLAIN and value.size else f", dtype=np.{kind}"
        if value.size:
            return f"np.array({literal(value.tolist(), digits)}{sort})"
        return f"np.zeros({value.shape}{sort})"
    if isinstance(value, list | tuple):
        inside = ", ".join(literal(one, digits) for one in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if value is None or isinstance(value, bool | int | str):
        return repr(value)
    if isinstance(value, float):
        return _real(value, digits)
    if isinstance(value, complex):
        return f"complex({_real(value.real, digits)}, {_real(value.imag, digits)})"
    raise TypeError(f"value must be a number, text, array or list, got {type(value).__name__}")


def _real(value: float, digits: int | None) -> str:
    if math.isnan(value):
        return "np.nan"
    if math.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return repr((value if digits is None else float(f"{value:.{digits}g}")) + 0.0)  # no -0.0
