"""Say in words what was tried, what came out, and where an answer failed."""

from __future__ import annotations

import dis
import linecache
import traceback
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.compare import NotNumbers, as_array
from nmcourse.exercises.checking.record import Exercise

_FEW = 8  # entries of an array that are shown in full
_NETWORKS = 3  # of a list that are named
_LONG = 200  # characters of anything else
_EMPTY = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP", "POP_TOP", "CACHE"}


def in_words(value: Any) -> str:
    """Return a value as short text: a number, a small array, or its shape and first entries."""
    if isinstance(value, torch.nn.Module):
        return f"{type(value).__name__} with {_size(value)}"
    if isinstance(value, NotNumbers):
        return str(value)
    if value is None or isinstance(value, str | bool):
        return repr(value)
    try:
        array, _ = as_array(value)
    except NotNumbers as error:
        return str(error) if str(error).startswith("a") else _short(value)
    if array.ndim == 0:
        return _number(array[()])
    if array.size <= _FEW:
        return _nested(array)
    first = ", ".join(_number(entry) for entry in array.ravel()[:3])
    return f"shape {array.shape}, first entries {first}, ..."


def _size(model: torch.nn.Module) -> str:
    units = getattr(model, "n_units", None)
    return f"{units} units" if units else "parameters of its own"


def _number(value: Any) -> str:
    if isinstance(value, complex | np.complexfloating):
        return f"{value.real:.5g}{value.imag:+.5g}i"
    return f"{float(value):.6g}"


def _nested(array: np.ndarray) -> str:
    if array.ndim == 0:
        return _number(array[()])
    return "[" + ", ".join(_nested(part) for part in array) + "]"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= _LONG else text[:_LONG] + "..."


def call_text(exercise: Exercise, case: tuple[Any, ...]) -> str:
    """Return a call of the exercise's function with these arguments, as text."""
    if exercise.kind == "number":
        return "your number"
    pairs = zip(exercise.arguments, case, strict=False)
    arguments = ", ".join(f"{name}={_argument(value)}" for name, value in pairs)
    return f"{exercise.function}({arguments})"


def _argument(value: Any) -> str:
    if isinstance(value, torch.nn.Module):
        return f"<{in_words(value)}>"
    if fields := getattr(value, "_fields", ()):  # of a tuple with names
        inside = zip(fields, value, strict=True)
        named = ", ".join(f"{name}={_argument(one)}" for name, one in inside)
        return f"{type(value).__name__}({named})"
    if isinstance(value, list) and value and isinstance(value[0], torch.nn.Module):
        more = ", ..." if len(value) > _NETWORKS else ""
        return f"[{', '.join(map(_argument, value[:_NETWORKS]))}{more}]"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = in_words(value)
    return f"<{text}>" if text.startswith("shape") else text


def mistake(function: Any, error: BaseException) -> list[tuple[str, str]]:
    """Return what an answer raised, and the line of its own code in which it did."""
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return [("Came out", "It ended the program (SystemExit). Return the result instead.")]
    try:
        text = str(error)
    except Exception:
        text = ""
    first = text.strip().splitlines()[0] if text.strip() else ""
    lines = [("Came out", f"{name}: {first[:_LONG]}" if first else name)]
    if where := _line(function, error):
        lines.append(("In your line", where))
    if isinstance(error, TypeError | AttributeError) and "'NoneType'" in text:
        why = "Something in this line is None: a gradient that was not asked for with "
        lines.append(("Why", why + "`requires_grad=True`, or what a function did not return."))
    if isinstance(error, RecursionError):
        lines.append(("Why", "The function calls itself without an end."))
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        lines.append(
            ("Why", "A name is not known here. Is it spelt as above? Has its cell been run?")
        )
    return lines


def _line(function: Any, error: BaseException) -> str:
    """The last line of the answer's own file that the error passed through."""
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    if code is None:
        return ""
    frames = traceback.walk_tb(error.__traceback__)
    numbers = [line for frame, line in frames if frame.f_code.co_filename == code.co_filename]
    if not numbers:
        return ""
    text = linecache.getline(code.co_filename, numbers[-1]).strip()
    return f"{numbers[-1]}: {text}" if text else str(numbers[-1])


def stub(function: Any) -> bool:
    """Return whether a function has no body yet: nothing but a docstring, ``pass`` or ``...``."""
    code = getattr(function, "__code__", None)
    return code is not None and {step.opname for step in dis.get_instructions(code)} <= _EMPTY
