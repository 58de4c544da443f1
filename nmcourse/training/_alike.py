"""Do networks differ in their numbers alone? Only then may one of them stand for all.

Networks that are trained as one batch share one equation: it is run once, with the parameters and
buffers of all of them. Any other setting (a time constant, a nonlinearity, a subclass, a hook) has
to be the same in all, or the settings of the others would be ignored.
"""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_BOOKKEEPING = vars(nn.Module()).keys()


def difference(one: nn.Module, other: nn.Module) -> str | None:
    """What, besides parameters and buffers, differs between two networks; None if nothing does."""
    parts, others = dict(one.named_modules()), dict(other.named_modules())
    if parts.keys() != others.keys():
        return f"part {min(parts.keys() ^ others.keys())!r}, which only one of them has"
    for name, part in parts.items():
        found = _of_parts(part, others[name])
        if found is not None:
            return f"{found} of {name}" if name else found
    return None


def settings_text(network: nn.Module) -> dict[str, str]:
    """The plain settings of every part as text: class, time constants, nonlinearities, sizes.

    Tensors, hooks and what a network keeps for itself (names with ``_``) are left out.

    Returns:
        ``"network.<part>.<setting>"`` -> text that is the same in every process.
    """
    found: dict[str, str] = {}
    for name, part in network.named_modules():
        place = f"network.{name}" if name else "network"
        found[f"{place}.class"] = repr(type(part).__qualname__)
        for key, value in vars(part).items():
            text = None if key.startswith("_") or key == "training" else _plain_text(value)
            if text is not None:
                found[f"{place}.{key}"] = text
    return found


def _plain_text(value: Any) -> str | None:
    """A number, text, function or a row of them, without addresses; None for anything else."""
    if isinstance(value, bool | int | float | str | torch.dtype) or value is None:
        return repr(value)
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return value.__qualname__
    if isinstance(value, list | tuple):
        texts = [_plain_text(one) for one in value]
        return None if None in texts else f"({', '.join(map(str, texts))})"
    return None


def _of_parts(one: nn.Module, other: nn.Module) -> str | None:
    if not _same(type(one), type(other)):
        return f"the class, {type(one).__name__} and {type(other).__name__}"
    settings, others = _settings(one), _settings(other)
    for name in sorted(settings.keys() | others.keys()):
        if name not in settings or name not in others:
            return f"{name}, which only one of them has"
        if not _same(settings[name], others[name]):
            return f"{name}, {settings[name]!r} and {others[name]!r}"
    return None


def _settings(part: nn.Module) -> dict[str, Any]:
    """Everything that belongs to a part and is no parameter, no buffer and no part of it."""
    own = {name: value for name, value in vars(part).items() if name not in _BOOKKEEPING}
    hooks = {name.strip("_"): list(getattr(part, name).values()) for name in _HOOKS}
    return own | {"training": part.training} | hooks


def _same(one: Any, other: Any, met: frozenset[tuple[int, int]] = frozenset()) -> bool:
    """Whether two settings are the same; functions are when their code and what they hold are."""
    pair = (id(one), id(other))
    if one is other or pair in met:
        return True
    if type(one) is not type(other):
        return False
    contents = _contents(one), _contents(other)
    if None not in contents:
        met |= {pair}
        mine, its = contents
        return len(mine) == len(its) and all(map(partial(_same, met=met), mine, its))
    if isinstance(one, nn.Module | nn.Parameter | torch.Generator | ref):  # each has its own
        return True
    if isinstance(one, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    return bool(one == other)


def _contents(value: Any) -> Any:
    """What a composed setting is made of, in order; None for one that is compared as a whole."""
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return [value.__code__, value.__defaults__, value.__kwdefaults__, *cells]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, type):
        own = {name: v for name, v in vars(value).items() if isinstance(v, FunctionType)}
        return [value.__module__, value.__qualname__, *value.__bases__, own]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    equality: object = type(value).__eq__
    plain = equality is object.__eq__ and hasattr(value, "__dict__")
    return [vars(value)] if plain and not isinstance(value, nn.Module) else None
