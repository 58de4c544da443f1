"""Save trained models and load them again, each file verified against the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from nmcourse._files import digest, locked, user_path
from nmcourse.pretrained.builders.registry import BUILDERS
from nmcourse.pretrained.manifest import (
    FOLDER,
    Entry,
    PretrainedError,
    check_config,
    check_name,
    read_manifest,
    write_entry,
)

Model = TypeVar("Model", bound=nn.Module)


def available(*, folder: str | Path = FOLDER) -> tuple[str, ...]:
    """Return the names of all pretrained files."""
    return tuple(read_manifest(folder))


def info(name: str, *, folder: str | Path = FOLDER) -> Entry:
    """Return the manifest entry of a pretrained file.

    Raises:
        ValueError: There is no such name.
        PretrainedError: The manifest is missing or damaged.
    """
    entries = read_manifest(folder)
    if name not in entries:
        raise ValueError(f"no pretrained weights named {name!r}; available: {', '.join(entries)}")
    return entries[name]


def parameters(name: str, *, folder: str | Path = FOLDER) -> dict[str, Tensor]:
    """Return the stored tensors, for models that run as one batch of seeds.

    Args:
        name: Name of the file in the manifest.
        folder: Folder of the manifest.

    Returns:
        Tensors by parameter name. With several models stored, the first axis is the model.

    Raises:
        ValueError: There is no such name.
        PretrainedError: The file is missing or altered, or the manifest is damaged.
    """
    return _read(name, folder)[1]


@overload
def load(name: str, *, folder: str | Path = FOLDER) -> Any: ...


@overload
def load(name: str, *, kind: type[Model], folder: str | Path = FOLDER) -> Model | list[Model]: ...


def load(name: str, *, kind: type[nn.Module] = nn.Module, folder: str | Path = FOLDER) -> Any:
    """Load pretrained models.

    The size and the SHA-256 of the file are verified first. Nothing in the file or in the
    manifest is executed: the file holds numbers only, and the models come from ``BUILDERS``.

    Args:
        name: Name of the file in the manifest, see ``available``.
        kind: What the models are expected to be, such as ``NMRNN``; the result then has this type.
        folder: Folder of the manifest.

    Returns:
        A list of models in the order of ``info(name).config["seeds"]``, or one model if a single
        model was saved.

    Raises:
        ValueError: There is no such name.
        TypeError: The models are of another kind, or ``kind`` is no class.
        PretrainedError: The file is missing or altered, the manifest is damaged, or the weights
            do not fit the models that the manifest describes.
    """
    if not isinstance(kind, type):
        raise TypeError(f"kind must be a class of models, such as NMRNN, got {kind!r}")
    models = _models(*_read(name, folder))
    for model in models if isinstance(models, list) else [models]:
        if not isinstance(model, kind):
            raise TypeError(
                f"pretrained weights {name!r} are of kind {type(model).__name__}, "
                f"not {kind.__name__}"
            )
    return models


def load_all(name: str, *, kind: type[Model], folder: str | Path = FOLDER) -> list[Model]:
    """Load pretrained models as a list, also where a single one was saved.

    Arguments and errors are those of :func:`load`.
    """
    models = load(name, kind=kind, folder=folder)
    return models if isinstance(models, list) else [models]


def save(
    name: str,
    models: nn.Module | Sequence[nn.Module] | Mapping[str, Tensor],
    *,
    command: str,
    metrics: Mapping[str, Any],
    config: Mapping[str, Any],
    licence: str = "CC BY 4.0",
    citation: str = "",
    data: str = "",
    stacked: bool = False,
    folder: str | Path = FOLDER,
) -> Entry:
    """Write weights and their manifest entry; a file of the same name is replaced.

    Args:
        name: Name to load them by.
        models: One model, a sequence of models of one architecture, or a mapping from parameter
            names to tensors.
        command: The command that makes this file again.
        metrics: What was measured on these weights (anything JSON can hold).
        config: ``build`` (a name in ``BUILDERS``), ``kwargs`` for it, and optionally ``seeds``.
        licence: Licence of the weights.
        citation: What to cite, for weights that are not our own.
        data: What the models were trained on, such as ``"Fashion-MNIST, 28 by 28 pixels"``; for
            networks that see.
        stacked: For a mapping: whether the first axis of each tensor is the model.
        folder: Folder of the manifest.

    Returns:
        The manifest entry.

    Raises:
        ValueError: An argument is not allowed, or the weights do not fit the models that
            ``config`` describes. Nothing is written then.
    """
    check_name(name)
    check_config(config)
    if not command:
        raise ValueError("command must say how to make these weights again, got ''")
    for label, value in (("metrics", metrics), ("config", config)):
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{label} must be finite JSON data: {error}") from None
    tensors, n_models = _stack(models, stacked)
    seeds = list(config.get("seeds", []))
    if seeds and len(seeds) != (n_models or 1):
        raise ValueError(f"config['seeds'] has {len(seeds)} entries for {n_models or 1} models")
    content = safetensors.torch.save(tensors)
    entry = Entry(
        name=name,
        file=f"weights/{name}.safetensors",
        size=len(content),
        sha256=digest(content),
        command=command,
        metrics=dict(metrics),
        config={"build": config["build"], "kwargs": dict(config["kwargs"]), "seeds": seeds},
        licence=licence,
        n_models=n_models,
        citation=citation,
        data=data,
    )
    try:
        _models(entry, tensors)
    except PretrainedError as error:
        raise ValueError(f"models and config do not agree: {error}") from None
    write_entry(entry, content, folder)
    return entry


def verify(*, folder: str | Path = FOLDER) -> dict[str, str]:
    """Check every file of the manifest, and that no weights file is left out of it.

    Returns:
        The problem of each name that has one (an empty text for a name that has none). A weights
        file without an entry appears under its path.

    Raises:
        PretrainedError: The manifest itself is missing or damaged.
    """
    folder = user_path(folder, "folder")
    entries = read_manifest(folder)
    report = {}
    for name, entry in entries.items():
        try:
            _models(entry, _tensors(entry, folder))
            report[name] = ""
        except PretrainedError as error:
            report[name] = str(error)
    listed = {folder / entry.file for entry in entries.values()}
    for path in sorted((folder / "weights").glob("*.safetensors")):
        if path not in listed:
            report[str(path.relative_to(folder))] = "this file has no entry in the manifest"
    return report


def _problem(entry: Entry, problem: str) -> PretrainedError:
    return PretrainedError(
        f"pretrained weights {entry.name!r}: {problem}. Make the file again with: {entry.command}"
    )


def _read(name: str, folder: str | Path) -> tuple[Entry, dict[str, Tensor]]:
    """An entry and its tensors; what another process is just replacing is read once more."""
    folder = user_path(folder, "folder")
    entry = info(name, folder=folder)
    try:
        return entry, _tensors(entry, folder)
    except PretrainedError:
        with locked(folder):
            entry = info(name, folder=folder)
            return entry, _tensors(entry, folder)


def _tensors(entry: Entry, folder: Path) -> dict[str, Tensor]:
    """Read and verify one file; what is verified is what is used."""
    path = folder / entry.file
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size == entry.size else b""
    except OSError as error:
        raise _problem(entry, f"file {path} cannot be read ({error.strerror})") from None
    if len(data) != entry.size:
        raise _problem(entry, f"file {path} has {size} bytes, the manifest says {entry.size}")
    if digest(data) != entry.sha256:
        raise _problem(
            entry, f"file {path} has SHA-256 {digest(data)}, the manifest says {entry.sha256}"
        )
    try:
        return dict(safetensors.torch.load(data))
    except (SafetensorError, KeyError, ValueError, RuntimeError, OverflowError) as error:
        raise _problem(entry, f"file {path} is not in the safetensors format ({error})") from None


def _stack(
    models: nn.Module | Sequence[nn.Module] | Mapping[str, Tensor], stacked: bool
) -> tuple[dict[str, Tensor], int | None]:
    """Return contiguous tensors on the CPU, and the length of their model axis (None: no axis)."""
    n_models = None
    if isinstance(models, nn.Module):
        tensors = dict(models.state_dict())
    elif isinstance(models, Mapping):
        tensors = dict(models)
        lengths = {tensor.shape[0] if tensor.ndim else None for tensor in tensors.values()}
        if stacked:
            if len(lengths) != 1 or None in lengths:
                raise ValueError("models: the first axis of stacked tensors differs in length")
            n_models = lengths.pop()
    else:
        states = [model.state_dict() for model in models]
        if not states:
            raise ValueError("models is empty: there is nothing to save")
        shapes = [{key: tensor.shape for key, tensor in state.items()} for state in states]
        if any(other != shapes[0] for other in shapes):
            raise ValueError("models differ in their parameters: save them under separate names")
        tensors = {key: torch.stack([state[key] for state in states]) for key in states[0]}
        n_models = len(states)
    if not tensors:
        raise ValueError("models has no parameters: there is nothing to save")
    finite = [bool(torch.isfinite(tensor).all()) for tensor in tensors.values()]
    if not all(finite):
        raise ValueError("models: some parameters are not finite")
    return {
        key: tensor.detach().to("cpu").clone().contiguous() for key, tensor in tensors.items()
    }, n_models


def _models(entry: Entry, tensors: Mapping[str, Tensor]) -> Any:
    """Build the models of an entry and fill in their parameters."""
    build = BUILDERS.get(entry.config["build"])
    if build is None:
        raise _problem(
            entry, f"unknown builder {entry.config['build']!r}; known: {', '.join(BUILDERS)}"
        )

    stored = sum(tensor.numel() for tensor in tensors.values())
    for key, value in entry.config["kwargs"].items():
        if isinstance(value, int) and value > stored:  # refused before memory is taken for it
            raise _problem(
                entry, f"the weights do not fit its builder: {key}={value}, {stored} numbers stored"
            )

    def one(state: Mapping[str, Tensor]) -> nn.Module:
        try:
            # Its own generator: loading must not disturb the reader's random numbers.
            model = build(**entry.config["kwargs"], generator=torch.Generator().manual_seed(0))
            for tensor in state.values():
                if tensor.is_floating_point():
                    model = model.to(tensor.dtype)
            model.load_state_dict(state)
        except (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError) as error:
            raise _problem(entry, f"the weights do not fit its builder: {error}") from error
        return model

    if entry.n_models is None:
        return one(tensors)
    if any(tensor.ndim == 0 or len(tensor) != entry.n_models for tensor in tensors.values()):
        raise _problem(entry, f"not every tensor holds {entry.n_models} models")
    return [
        one({key: tensor[index] for key, tensor in tensors.items()})
        for index in range(entry.n_models)
    ]
