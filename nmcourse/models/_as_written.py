"""Is a model still the network that its class describes? Only then is its fast path taken.

A fast path knows the equation of a class of this package and nothing else. A subclass, a part put
in the place of another, or a hook on a part may change the equation; such a model takes the general
path, which is its own ``step`` repeated.
"""

from __future__ import annotations

from functools import cache
from inspect import getattr_static

from torch import nn

_CONTAINERS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
_OF_TORCH = (nn.BatchNorm2d,)  # layers of PyTorch that networks of this package are made of
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def as_written(model: nn.Module) -> bool:
    """Whether every verb of a model, and every part of it, is as its class in this package has it.

    Parameters, buffers and settings may have any value: a fast path reads them.
    """
    names, unchanged = _verbs(type(model))  # type: ignore[arg-type]
    if not unchanged or names & vars(model).keys():
        return False
    return all(_plain(part) for part in model.modules() if part is not model)


@cache
def _verbs(kind: type) -> tuple[frozenset[str], bool]:
    """Names that a class of this package adds to a module, and whether ``kind`` keeps them all."""
    home = next((cls for cls in kind.__mro__ if _ours(cls)), None)
    if home is None:
        return frozenset(), False
    names = frozenset(
        name
        for name in dir(home)
        if not name.startswith(("__", "_abc_")) and not hasattr(nn.Module, name)
    )
    kept = all(getattr_static(kind, name) is getattr_static(home, name) for name in names)
    return names, kept


def _plain(part: nn.Module) -> bool:
    """Whether a part is of this package (or a list of parts), unchanged, and without hooks."""
    kind = type(part)
    foreign = kind in _CONTAINERS or kind in _OF_TORCH
    if not foreign and not _ours(kind):
        return False
    if any(getattr(part, hooks, None) for hooks in _HOOKS) or "forward" in vars(part):
        return False
    return foreign or not (_verbs(kind)[0] & vars(part).keys())  # type: ignore[arg-type]


def _ours(kind: type) -> bool:
    return kind.__module__.startswith("nmcourse.")
