"""Files that are whole: written in one step, never half, and by one process at a time.

A file is written under another name in the same folder and then moved into place. Whoever reads,
and whatever stops the writer, there is the old file or the new one. A killed writer may leave a
file whose name begins with a dot and ends in ``.part``; nothing ever reads those.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


class Busy(RuntimeError):
    """Another process holds a lock that this one does not want to wait for."""


def digest(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def user_path(value: str | os.PathLike[str], name: str = "path") -> Path:
    """A path as a person gives it: ``~`` and ``~name`` stand for home folders.

    Every path that a caller hands over goes through here.

    Raises:
        ValueError: If it is no path, or there is no such home folder.
    """
    try:
        return Path(value).expanduser()
    except TypeError:
        raise ValueError(f"{name} must be a path, got {value!r}") from None
    except RuntimeError as error:
        raise ValueError(f"{name} must begin with a home folder that is there: {error}") from None


@contextlib.contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of a file when the block ends without an error.

    A link is replaced, not followed, so that nothing is written where it leads.

    Args:
        path: The file; its folder is made if need be.
        mode: Permissions. None keeps those of the file that is there, or takes the usual ones.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode is None:
        with contextlib.suppress(OSError):
            there = path.lstat().st_mode
            mode = stat.S_IMODE(there) if stat.S_ISREG(there) else None
    draft = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(draft, flags, 0o666 if mode is None else 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                draft.chmod(mode)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:  # an interrupt as well
        draft.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace a file by ``data`` in one step; see ``replacing``."""
    with replacing(path, mode=mode) as stream:
        stream.write(data)


def write_text(path: Path, text: str, *, mode: int | None = None) -> None:
    """Replace a file by ``text`` in UTF-8, line ends as they are, in one step."""
    write_bytes(path, text.encode(), mode=mode)


@contextlib.contextmanager
def locked(place: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a folder, or of a file that is made for it, while the block runs.

    The lock ends with the process, however that ends. On systems without such locks the block
    runs without one.

    Args:
        place: An existing folder, or a path for the file.
        wait: Whether to wait for other processes.

    Raises:
        Busy: Another process holds it, and ``wait`` is false.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    flags = os.O_RDONLY if place.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(place, flags, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Busy(f"another process is at work on {place}") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
