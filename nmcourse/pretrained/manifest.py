"""The list of pretrained files: what each one is, and how it came to be.

``manifest.json`` is a map from a name to one ``Entry``. It is read strictly: a missing field, a
field of the wrong type or an unknown field is an error that names the entry and the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from nmcourse._files import locked, user_path, write_bytes

FORMAT = 1
FOLDER = Path(__file__).resolve().parent
LARGEST = 2**30  # bytes of a weights file
LARGEST_MANIFEST = 2**24
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OPTIONAL = {"data"}  # younger than the first manifests
_CONFIG_FIELDS = {"build", "kwargs", "seeds"}


class PretrainedError(RuntimeError):
    """A pretrained file, or the manifest that lists it, is not as it should be."""


@dataclass(frozen=True)
class Entry:
    """One pretrained file.

    Attributes:
        name: What ``load`` is called with.
        file: Path of the weights, relative to the folder of the manifest.
        size: Size of the file in bytes.
        sha256: SHA-256 of the file, in hexadecimal.
        command: The command that makes the file again.
        metrics: What was measured on these weights when they were saved.
        config: How the models are built: ``build`` (a name in ``builders.BUILDERS``), ``kwargs`` of
            that builder, and the ``seeds`` of the models in their order.
        licence: Licence of the weights.
        n_models: Number of models stacked along the first axis of each tensor; None for one
            model whose tensors have no such axis.
        citation: What to cite for weights that are not our own; empty otherwise.
        data: What networks that see were trained on, in words; empty for others. An entry may
            leave it out.
    """

    name: str
    file: str
    size: int
    sha256: str
    command: str
    metrics: dict[str, Any]
    config: dict[str, Any]
    licence: str
    n_models: int | None = None
    citation: str = field(default="")
    data: str = field(default="")


def check_name(name: str) -> None:
    """Raise a ValueError unless ``name`` is lower-case letters, digits, ``_`` and ``-``."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"name {name!r} is not allowed: use lower-case letters, digits, '_' and '-', "
            "with a letter or a digit first"
        )


def check_config(config: Mapping[str, Any]) -> None:
    """Raise a ValueError unless ``config`` says how to build the models.

    Args:
        config: ``build`` (text), ``kwargs`` (mapping from text), and optionally ``seeds`` (list).
    """
    unknown = set(config) - _CONFIG_FIELDS
    if unknown:
        raise ValueError(
            f"config has unknown keys {sorted(unknown)}; allowed: build, kwargs, seeds"
        )
    if not isinstance(config.get("build"), str):
        raise ValueError(
            f"config['build'] must be the name of a builder, got {config.get('build')!r}"
        )
    if not isinstance(config.get("kwargs"), Mapping):
        raise ValueError(f"config['kwargs'] must be a mapping, got {config.get('kwargs')!r}")
    if not isinstance(config.get("seeds", []), list | tuple):
        raise ValueError(f"config['seeds'] must be a list, got {config['seeds']!r}")


def _entry(name: str, record: Any, where: Path) -> Entry:
    """Turn one JSON object into an ``Entry``, or say which field is wrong."""

    def wrong(problem: str) -> PretrainedError:
        return PretrainedError(f"{where}: entry {name!r}: {problem}")

    types: dict[str, tuple[type, ...]] = {
        "file": (str,),
        "size": (int,),
        "sha256": (str,),
        "command": (str,),
        "metrics": (dict,),
        "config": (dict,),
        "licence": (str,),
        "n_models": (int, type(None)),
        "citation": (str,),
        "data": (str,),
    }
    if not isinstance(record, dict):
        raise wrong(f"expected an object, found {type(record).__name__}")
    missing = sorted(set(types) - set(record) - _OPTIONAL)
    unknown = sorted(set(record) - set(types))
    if missing or unknown:
        raise wrong(f"missing fields {missing}, unknown fields {unknown}")
    for key, allowed in types.items():
        if key in _OPTIONAL and key not in record:
            continue
        if not isinstance(record[key], allowed) or isinstance(record[key], bool):
            raise wrong(f"field {key!r} has the wrong type: {record[key]!r}")
    if not 0 <= record["size"] <= LARGEST:
        raise wrong(f"field 'size' must be from 0 to {LARGEST} bytes, got {record['size']}")
    if not re.fullmatch("[0-9a-f]{64}", record["sha256"]):
        raise wrong(f"field 'sha256' is not 64 hexadecimal digits: {record['sha256']!r}")
    path = PureWindowsPath(record["file"])  # as every system may read it: / and \, and drives
    if path.anchor or ".." in path.parts or path.suffix != ".safetensors":
        raise wrong(f"field 'file' is not a relative .safetensors path: {record['file']!r}")
    try:
        check_name(name)
        check_config(record["config"])
    except ValueError as error:
        raise wrong(str(error)) from None
    return Entry(name=name, **record)


def read_manifest(folder: str | Path = FOLDER) -> dict[str, Entry]:
    """Read ``folder/manifest.json``.

    Returns:
        Entries by name, in alphabetical order.

    Raises:
        PretrainedError: The manifest is missing, is not JSON, or has a wrong entry.
    """
    path = user_path(folder, "folder") / "manifest.json"
    try:
        if (size := path.stat().st_size) > LARGEST_MANIFEST:
            raise PretrainedError(f"{path} must have at most {LARGEST_MANIFEST} bytes, got {size}")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretrainedError(f"{path} is missing: install the package again") from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, numbers or lists too long
        raise PretrainedError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise PretrainedError(f"{path}: expected an object with 'format': {FORMAT}")
    files = content.get("files")
    if not isinstance(files, dict):
        raise PretrainedError(f"{path}: 'files' must be an object, found {type(files).__name__}")
    return {name: _entry(name, files[name], path) for name in sorted(files)}


def write_entry(entry: Entry, data: bytes, folder: str | Path = FOLDER) -> None:
    """Write a weights file and its entry; the other entries stay as they are.

    Each file is replaced in one step, so a reader never meets half a file. Writers in other
    processes wait for their turn, so no entry is lost. Between the two files a reader may meet
    weights that are newer than their entry: ``weights`` then waits for the writer and reads again.
    """
    folder = user_path(folder, "folder")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        entries = read_manifest(folder) if (folder / "manifest.json").exists() else {}
        entries[entry.name] = entry
        files = {}
        for name in sorted(entries):
            record = asdict(entries[name])
            del record["name"]
            if not record["data"]:
                del record["data"]
            files[name] = record
        text = json.dumps({"format": FORMAT, "files": files}, indent=2, allow_nan=False)
        write_bytes(folder / entry.file, data)
        write_bytes(folder / "manifest.json", (text + "\n").encode())
