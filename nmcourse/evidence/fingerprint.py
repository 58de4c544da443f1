"""The fingerprint of a rule: does it decide today as it did before its results were known?

A rule is a function, and the functions and constants that it uses to *decide*. What it uses to
*describe* the outcome (the words of ``measured``, ``spread``, ``caveats``, ``would_change`` and
``reason``) may be reworded at any time and does not count, nor do docstrings and comments.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from types import FunctionType
from typing import Any

from nmcourse._files import digest

DESCRIBING = {"measured", "spread", "caveats", "would_change", "reason"}
CONSTANT = bool | int | float | str | bytes | tuple | list | dict | set | frozenset | None


def fingerprint(judge: Callable[..., Any]) -> str:
    """Return the SHA-256 of everything by which ``judge`` decides, in hexadecimal.

    Functions of this package that ``judge`` calls count with their code, constants with their
    values; what comes from other packages counts with its name.

    Raises:
        ValueError: ``judge`` is not a function written in Python.
    """
    if not isinstance(judge, FunctionType):
        raise ValueError(f"judge must be a function, got {type(judge).__name__}")
    parts: dict[str, str] = {}
    _add(judge, parts)
    return digest("\n".join(f"{name}: {parts[name]}" for name in sorted(parts)).encode())


def _add(function: FunctionType, parts: dict[str, str]) -> None:
    """Add the code of a function, and of what it uses, under their full names."""
    key = f"{function.__module__}.{function.__qualname__}"
    if key in parts:
        return
    tree = _Deciding().visit(ast.parse(textwrap.dedent(inspect.getsource(function))))
    parts[key] = ast.dump(tree)
    known = function.__globals__ | _enclosed(function)
    for name in sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}):
        value = known.get(name)
        if isinstance(value, FunctionType) and value.__module__.startswith("nmcourse."):
            _add(value, parts)
        elif name in known and (isinstance(value, CONSTANT) or _is_record(value)):
            parts[f"{key}.{name}"] = _text(value)


def _is_record(value: Any) -> bool:
    """Whether a value is a dataclass filled in, such as a network in a comparison."""
    return is_dataclass(value) and not isinstance(value, type)


def _text(value: Any) -> str:
    """A value as its ``repr``, but the same in every run: no address, no order of a set."""
    if isinstance(value, FunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(k)}: {_text(v)}' for k, v in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_text, value)))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    names = [field.name for field in fields(value)] if _is_record(value) else None
    names = getattr(value, "_fields", names)
    if names is not None:
        own = ", ".join(f"{name}={_text(getattr(value, name))}" for name in names)
        return f"{type(value).__qualname__}({own})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' if len(value) == 1 else ''})"
    plain = type(value).__repr__ is not object.__repr__
    return repr(value) if plain else f"a {type(value).__qualname__}"


def _enclosed(function: FunctionType) -> dict[str, Any]:
    """Values that a function keeps from the function around it."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


class _Deciding(ast.NodeTransformer):
    """Leaves of a function what decides: no docstring, and no words for the reader."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop the docstring; an empty body keeps a ``pass``."""
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Drop the arguments that only describe."""
        node.keywords = [word for word in node.keywords if word.arg not in DESCRIBING]
        return self.generic_visit(node)
