"""Checkpoints that survive a kill: written beside, then moved into place.

A file of tensors is a zip archive. PyTorch reads one without comparing its checksums, so that a
flipped bit in a weight would pass; here they are compared first.
"""

from __future__ import annotations

import zipfile
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from nmcourse._files import replacing, user_path

_ZIP, _HEADER_OF_SAFETENSORS = b"PK\x03\x04", 8  # first bytes of an archive; bytes of a length

NETWORK = "network."  # keys of a fingerprint that say which equation was trained


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says which one, why, and what to do."""


def save_tensors(path: str | PathLike[str], content: Any) -> None:
    """Write what ``torch.save`` can hold; at every instant the old or the new file is whole."""
    with replacing(user_path(path)) as stream:
        torch.save(content, stream)


def load_tensors(path: str | PathLike[str]) -> Any:
    """Read what ``save_tensors`` wrote, onto the CPU; no code in the file is executed.

    Raises:
        CheckpointError: if the file is damaged, or of another kind; the message says which.
        FileNotFoundError: if there is none.
    """
    path = user_path(path)
    other = _other_kind(path)
    if other:
        raise CheckpointError(f"{path} is no file of save_tensors: {other}; name another file")
    try:
        _check_archive(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file makes PyTorch raise almost anything
        raise _unreadable(path, error) from error


def load_checkpoint(path: Path, fingerprint: dict[str, str]) -> dict[str, Any]:
    """Read a checkpoint of a run with the same settings; no code in the file is executed.

    Raises:
        CheckpointError: if the file is damaged or belongs to a run with other settings.
    """
    try:
        content = load_tensors(path)
        saved = dict(content["fingerprint"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error
    keys = saved.keys() | fingerprint.keys()
    if not any(key.startswith(NETWORK) for key in saved):  # files of older runs have no such keys
        keys = {key for key in keys if not key.startswith(NETWORK)}
    differing = sorted(key for key in keys if saved.get(key) != fingerprint.get(key))
    if differing:
        lines = [f"{key}: {saved.get(key)} there, {fingerprint.get(key)} now" for key in differing]
        raise CheckpointError(
            f"checkpoint {path} belongs to another run ({'; '.join(lines)}); "
            "move it away or name another file"
        )
    return dict(content)


def _other_kind(path: Path) -> str:
    """What a file or folder is that was never an archive of tensors; empty if it may be one.

    An archive that is damaged in its first bytes still ends as one does, and is called damaged.
    """
    if path.is_dir():
        return "it is a folder"
    with path.open("rb") as stream:
        start = stream.read(4096)
    if not start or start.startswith(_ZIP) or zipfile.is_zipfile(path):
        return ""  # an empty one is what is left of a write that failed
    if start[_HEADER_OF_SAFETENSORS : _HEADER_OF_SAFETENSORS + 2] == b'{"':
        return "it is a safetensors file, which safetensors.torch.load_file reads"
    if start.startswith(b"\x80\x02"):
        return "it is a pickle, as old versions of torch.save wrote, and is not read"
    readable = b"\0" not in start and "\ufffd" not in start.decode(errors="replace")[:-1]
    return "it holds text" if readable else ""


def _check_archive(path: Path) -> None:
    """Raise an error unless a file is an archive whose parts are whole, and as large as they say.

    Parts are stored as they are. So a part that says it is larger than the file is damaged, and
    is refused before memory is taken for it.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
            raise zipfile.BadZipFile("its parts are packed")
        if sum(part.file_size for part in parts) > path.stat().st_size:
            raise zipfile.BadZipFile("its parts are larger than the file")
        damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} differs from its checksum")


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"checkpoint {path} cannot be read ({type(error).__name__}: {error}); "
        "move it away or name another file to start again"
    )
