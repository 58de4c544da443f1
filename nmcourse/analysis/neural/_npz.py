"""Arrays of an ``.npz`` file that a reader names: nothing in it is run, and errors name it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def arrays_of(file: Path, names: Sequence[str]) -> list[np.ndarray]:
    """The arrays of these names.

    Raises:
        ValueError: if the file is not there, is no archive, or lacks one of them.
    """
    try:
        archive = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise ValueError(f"there is no file {file}") from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file} is no .npz file of arrays ({error})") from None
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError(f"{file} is no .npz file of arrays, but a single one")
    with archive:
        missing = [name for name in names if name not in archive.files]
        if missing:
            there = ", ".join(archive.files)
            raise ValueError(f"{file}: no array {missing[0]!r}; there is {there}")
        try:
            return [archive[name] for name in names]
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{file} is damaged ({error})") from None
