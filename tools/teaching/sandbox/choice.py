"""Which way to close submissions in works on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import NAMES, Method
from tools.teaching.sandbox.session import Session, Stopped

ACCEPTANCE = "I accept that submissions can read, change and send everything that I can"


class NoSandbox(RuntimeError):
    """Nothing on this machine can close a submission in."""


def choose(image: str = "", unprotected: str = "", only: str = "") -> Method:
    """Return the first way that works here.

    Args:
        image: A container image with Python 3.11 or later, NumPy and the course's package.
        unprotected: ``ACCEPTANCE``, word for word, if nothing else works.
        only: One of ``NAMES``: no other way is tried.

    Raises:
        NoSandbox: None works, and running unprotected was not accepted in words.
    """
    if only and only not in NAMES:
        raise ValueError(f"sandbox must be one of {', '.join(NAMES)}, got {only!r}")
    reasons = []
    for name in [only] if only else _order():
        found = _found(name, image)
        if isinstance(found, str):
            reasons.append(f"{name}: {found}")
            continue
        if problem := _problem(found):
            reasons.append(f"{name}: {problem}")
            continue
        return found
    tried = "\n  ".join(reasons)
    found_none = f"No way to run submissions safely was found:\n  {tried}\n"
    if sys.platform != "linux":
        raise NoSandbox(
            f"{found_none}Mark on Linux (a virtual machine or WSL is one), or install docker or "
            "podman and name an image in the settings. Here they cannot run unprotected either"
        )
    if unprotected == ACCEPTANCE:
        return Method("unprotected")
    raise NoSandbox(
        f"{found_none}Install bubblewrap, or docker or podman and name an image in the settings. "
        "To run them all the same, in a place that holds nothing of worth, give "
        f'--unprotected "{ACCEPTANCE}"'
    )


def _order() -> tuple[str, ...]:
    """Bubblewrap is known best, but as root it cannot give a submission another user."""
    first = ("namespaces", "bubblewrap") if os.getuid() == 0 else ("bubblewrap", "namespaces")
    return (*first, "container")


def _found(name: str, image: str) -> Method | str:
    if name != "container" and sys.platform != "linux":
        return "needs Linux"
    if name == "namespaces":
        return Method(name)
    programs = ("bwrap",) if name == "bubblewrap" else ("podman", "docker")
    program = next((path for one in programs if (path := shutil.which(one))), None)
    if program is None:
        return f"{' and '.join(programs)} not installed"
    if name == "container" and not image:
        return "no image is named in the settings"
    return Method(name, program, image)


def _problem(method: Method) -> str:
    """Why a way does not work here; empty if it does."""
    try:
        with Session(method, Limits(wall_s=60)) as session:
            session.cell(0, "import socket, os", seconds=20)
            return ""
    except Stopped as stopped:
        return session.said().strip() or str(stopped)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
