"""Checkpoints that survive a kill: written beside, then moved into place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says which one, why, and what to do."""


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint so that at every instant the old or the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path, fingerprint: dict[str, str]) -> dict[str, Any]:
    """Read a checkpoint of a run with the same settings; no code in the file is executed.

    Raises:
        CheckpointError: if the file is damaged or belongs to a run with other settings.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        saved = dict(content["fingerprint"])
    except Exception as error:
        raise CheckpointError(
            f"checkpoint {path} cannot be read ({type(error).__name__}); delete it to start again"
        ) from error
    differing = sorted(
        key for key in saved.keys() | fingerprint.keys() if saved.get(key) != fingerprint.get(key)
    )
    if differing:
        lines = [f"{key}: {saved.get(key)} there, {fingerprint.get(key)} now" for key in differing]
        raise CheckpointError(
            f"checkpoint {path} belongs to another run ({'; '.join(lines)}); "
            "delete it or name another file"
        )
    return dict(content)
