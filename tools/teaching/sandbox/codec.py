"""Values as JSON, both ways: numbers, text, arrays and lists of them. Nothing in it can run."""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
import re
import sys
from typing import Any

import numpy as np

_KINDS = "biufc"
_TYPE = re.compile(r"[<>=|]?[biufc][0-9]{1,2}")  # the types of arrays that are sent
_DEPTH = 6  # of nested lists
_ITEMS = 200_000  # numbers in one array
_LISTED = 5_000  # entries of all lists together

Wire = Any


class Malformed(ValueError):
    """What came over the pipe is no value that this module writes."""


class Other:
    """Stands for a value that cannot be sent, such as a function."""

    def __repr__(self) -> str:
        return "an object that holds no numbers"


def encode(value: Any, depth: int = _DEPTH) -> Wire:
    """Return a value in a form that JSON can hold; what is no number, text or list as "other"."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else encode(float(value) if abs(value) < 1e300 else None)
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, complex):
        return encode(np.asarray(value))
    if isinstance(value, str):
        return {"text": str(value[:1000])}
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, list | tuple):
        fits = depth and len(value) <= _LISTED
        return [encode(part, depth - 1) for part in value] if fits else {"other": True}
    array = _as_numbers(value)
    if array is not None:
        if array.dtype.kind not in _KINDS or array.size > _ITEMS:
            return {"other": True}
        array = array.astype(array.dtype.newbyteorder("<"))
        data = base64.b64encode(array.tobytes()).decode()
        return {"array": data, "type": array.dtype.str, "shape": list(array.shape)}
    return {"other": True}


def _as_numbers(value: Any) -> np.ndarray | None:
    """What another kind of number, array or table holds as an array; None if it holds none.

    A fraction, a decimal or an exact number of SymPy is one, and so is an array of these.
    """
    if isinstance(value, range):
        value = list(value)
    try:
        array = np.asarray(value)
        if array.dtype.kind != "O" or array.size > _ITEMS:
            return array
        for kind in (float, complex):
            with contextlib.suppress(TypeError, ValueError):
                if not any(isinstance(one, str) for one in array.ravel()):
                    flat = [kind(one) for one in array.ravel()]
                    return np.array(flat, dtype=kind).reshape(array.shape)
    except Exception:  # an object may raise anything when it is asked for its numbers
        return None
    return None


def decode(wire: Wire) -> Any:
    """Return the value that ``encode`` was given.

    Raises:
        Malformed: It was not written by ``encode``, or its lists are too long.
    """
    return _decode(wire, _DEPTH, [_LISTED])


def _decode(wire: Wire, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise Malformed("too many entries")
    if isinstance(wire, int) and not isinstance(wire, bool) and abs(wire) > 2**53:
        raise Malformed("not a number")
    if wire is None or isinstance(wire, bool | int):
        return wire
    if isinstance(wire, list) and depth:
        return [_decode(part, depth - 1, left) for part in wire]
    if isinstance(wire, dict):
        if wire.keys() == {"float"}:
            return _float(wire["float"])
        if wire.keys() == {"text"} and isinstance(wire["text"], str):
            return wire["text"]
        if wire.keys() == {"other"}:
            return Other()
        if wire.keys() == {"array", "type", "shape"}:
            return _array(wire["array"], wire["type"], wire["shape"])
    raise Malformed("not a value")


def _float(text: Any) -> float:
    try:
        return float.fromhex(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed("not a number") from error


def _array(data: Any, kind: Any, shape: Any) -> np.ndarray:
    good = isinstance(shape, list) and len(shape) <= 16
    if not good or not all(type(n) is int and 0 <= n <= _ITEMS for n in shape):
        raise Malformed("not a shape")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise Malformed("not a type of numbers")
    try:
        dtype = np.dtype(kind)
        if dtype.kind not in _KINDS or dtype.itemsize > 32 or math.prod(shape) > _ITEMS:
            raise Malformed("not an array of numbers")
        array = np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(shape)
        return array.astype(np.float64) if dtype == np.float16 else array.copy()
    except (TypeError, ValueError, binascii.Error) as error:
        raise Malformed("not an array") from error
