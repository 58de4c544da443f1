"""What lies around the parameters in a saved file, and which tools put it there.

    torch.save({"state_dict": ..., "epoch": ...})     an entry among others
    DataParallel, DistributedDataParallel             ``module.`` before each name, also twice
    torch.compile                                     ``_orig_mod.`` before a name or within it
    AveragedModel                                     ``module.``, and a count ``n_averaged``
    torch.nn.utils.weight_norm, the older one         ``weight_g`` and ``weight_v``
    a module that holds the network                   its name for it before each name, and
                                                      arrays of other things that it holds

All of this is taken away; the numbers stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

# Parts of names that tools of torch put in front of a module, or between two parts of it.
WRAPPERS = {
    "module",
    "_orig_mod",
    "_forward_module",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
}
COUNTS = {"n_averaged"}  # of an averaged model: how many were averaged
OLDER = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}


def parameters_of(state_dict: Any, layers: Collection[str]) -> dict[str, Any]:
    """Name -> array, without anything that lies around it.

    Args:
        state_dict: what was saved.
        layers: first parts of the names that are looked for.

    Raises:
        ValueError: for what is no state dict and holds none, or more than one; for two entries
            that have the same name once the wrapping is off; for weights without normalisation.
    """
    found = _entry(state_dict, layers)
    named: dict[str, Any] = {}
    came_from: dict[str, str] = {}
    for name, array in found.items():
        short = _short(str(name))
        if short in COUNTS:
            continue
        if short in named:
            raise ValueError(
                f"state_dict has two arrays for {short!r}: {came_from[short]!r} and {name!r}"
            )
        named[short], came_from[short] = array, str(name)
    named = _without_owner(named, layers)
    fused = [name for name in named if name.endswith(".weight") and name.split(".")[0] in layers]
    if fused:
        raise ValueError(
            f"state_dict has whole weights such as {fused[0]!r} in place of lengths and "
            "directions: the weight normalisation was removed; save the network before that"
        )
    return named


def _entry(state_dict: Any, layers: Collection[str], depth: int = 3) -> Mapping[Any, Any]:
    """The state dict itself, or the entry of it that is one; not deeper than a few entries."""
    if isinstance(state_dict, nn.Module):
        raise ValueError("state_dict is a whole module: give the state_dict() of it")
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            f"state_dict must map names to arrays, got {type(state_dict).__name__}; a file is read "
            "by torch.load(path, weights_only=True) first"
        )
    if _names_layers(state_dict, layers):
        return state_dict
    modules = [key for key, value in state_dict.items() if isinstance(value, nn.Module)]
    if modules:
        raise ValueError(
            f"state_dict[{modules[0]!r}] is a whole module: give the state_dict() of it"
        )
    inside = {
        key: value
        for key, value in state_dict.items()
        if isinstance(value, Mapping) and _holds_layers(value, layers)
    }
    if len(inside) > 1:
        raise ValueError(
            f"state_dict holds several networks, {', '.join(map(repr, inside))}: give one of them"
        )
    if not inside or not depth:
        return state_dict
    return _entry(next(iter(inside.values())), layers, depth - 1)


def _names_layers(state_dict: Mapping[Any, Any], layers: Collection[str]) -> bool:
    """Whether a layer that is looked for stands among the names, whatever is before it."""
    return any(set(str(name).split(".")) & set(layers) for name in state_dict)


def _holds_layers(state_dict: Mapping[Any, Any], layers: Collection[str], depth: int = 3) -> bool:
    """Whether a mapping, or a mapping in it, names such a layer; one may hold itself."""
    return _names_layers(state_dict, layers) or any(
        isinstance(value, Mapping) and depth > 0 and _holds_layers(value, layers, depth - 1)
        for value in state_dict.values()
    )


def _short(name: str) -> str:
    """A name without what tools of torch add, and in today's words of weight normalisation."""
    parts = [part for part in name.split(".") if part not in WRAPPERS]
    return ".".join([*parts[:-1], OLDER.get(parts[-1], parts[-1])]) if parts else name


def _without_owner(named: dict[str, Any], layers: Collection[str]) -> dict[str, Any]:
    """Names without the module that holds the network, and without what it holds besides.

    Raises:
        ValueError: if two modules hold one each.
    """
    owners = {owner for name in named if (owner := _owner(name, layers)) is not None}
    if len(owners) > 1 and "" not in owners:
        several = ", ".join(repr(owner.removesuffix(".")) for owner in sorted(owners))
        raise ValueError(f"state_dict holds several networks, {several}: give one of them")
    if len(owners) != 1 or owners == {""}:
        return named
    (owner,) = owners
    return {
        name.removeprefix(owner): array for name, array in named.items() if name.startswith(owner)
    }


def _owner(name: str, layers: Collection[str]) -> str | None:
    """What stands before the first layer in a name, "" or with its point; None without a layer."""
    parts = name.split(".")
    first = next((place for place, part in enumerate(parts) if part in layers), None)
    return None if first is None else "".join(f"{part}." for part in parts[:first])
