"""Ways to close a submission in, best first, and which of them works on this machine."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nmcourse
from tools.teaching.sandbox.enter import HOME
from tools.teaching.sandbox.limits import Limits

NAMES = ("namespaces", "bubblewrap", "container")
ACCEPTANCE = "I accept that submissions can read, change and send everything that I can"
_ROOT = Path(__file__).resolve().parents[3]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_COURSE = "/course"
_FIRST_UID = 60_000  # users outside, one for each submission that runs at the same time
_ENTER = ["-S", "-P", "-B", "-m", "tools.teaching.sandbox.enter"]
_WORKER = ["-s", "-P", "-B", "-m", "tools.teaching.sandbox.worker"]


class NoSandbox(RuntimeError):
    """Nothing on this machine can close a submission in."""


@dataclass(frozen=True)
class Method:
    """A way to run a submission.

    Attributes:
        name: One of ``NAMES``, or "unprotected".
        program: The program that is used; empty if none is needed.
        image: Name of the container image.
    """

    name: str
    program: str = ""
    image: str = ""

    @property
    def protected(self) -> bool:
        """Whether a submission is closed in."""
        return self.name != "unprotected"

    def command(self, limits: Limits, slot: int, folder: str, label: str) -> list[str]:
        """Return the command that starts the worker.

        Args:
            limits: What the submission may use.
            slot: 0, 1, ...: differs between submissions that run at the same time.
            folder: An empty folder, the home of an unprotected submission.
            label: A name for the container.
        """
        if self.name == "container":
            return self._container(limits, label)
        spec: dict[str, Any] = {
            "namespaces": self.name == "namespaces",
            "uid": _FIRST_UID + slot if os.getuid() == 0 else None,
            "folder": HOME if self.protected else folder,
            "command": [sys.executable, *_WORKER],
            "environment": _environment(_COURSE if self.protected else str(_ROOT)),
            "limits": _resources(limits, count_processes=self.protected),
            "home_mb": limits.home_mb,
            "files": limits.files,
            "shown": [[str(source), target] for source, target in shown()],
            "links": links(),
        }
        if not self.protected:
            spec["environment"]["HOME"] = spec["environment"]["TMPDIR"] = folder
        inner = [sys.executable, *_ENTER, json.dumps(spec)]
        return [*self._bubblewrap(limits), *inner] if self.name == "bubblewrap" else inner

    def environment(self) -> dict[str, str]:
        """Return the environment of the command; the submission gets one of its own."""
        course = _COURSE if self.name == "bubblewrap" else str(_ROOT)
        found = {"PYTHONPATH": course, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        if self.name == "container":  # its client looks up settings and sockets of the user
            found |= {
                k: v for k, v in os.environ.items() if k.startswith(("DOCKER", "XDG", "HOME"))
            }
        return found

    def stop(self, label: str) -> list[str]:
        """Return the command that ends what killing the first process does not; often none."""
        return [self.program, "kill", label] if self.name == "container" else []

    def _bubblewrap(self, limits: Limits) -> list[str]:
        line = [self.program, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
        for name, value in self.environment().items():
            line += ["--setenv", name, value]
        half = str(limits.home_mb * 500_000)
        line += ["--proc", "/proc", "--dev", "/dev"]
        for target in (HOME, "/tmp", "/dev/shm"):
            line += ["--size", half if target != "/dev/shm" else "4096", "--tmpfs", target]
        for source, target in links():
            line += ["--symlink", source, target]
        for path, target in shown():
            line += ["--ro-bind", str(path), target]
        return [*line, "--remount-ro", "/", "--chdir", HOME]

    def _container(self, limits: Limits, label: str) -> list[str]:
        spec = {
            "namespaces": False,
            "folder": HOME,
            "command": ["/usr/bin/env", "python3", *_WORKER],
            "environment": _environment(_COURSE),
            "limits": _resources(limits, count_processes=False),
        }
        line = [self.program, "run", "--rm", "--interactive", "--name", label, "--network=none"]
        line += ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        line += [f"--memory={limits.memory_mb}m", f"--memory-swap={limits.memory_mb}m"]
        line += [f"--pids-limit={limits.processes + 2}", "--user=1000:1000", "--ipc=none"]
        for target in (HOME, "/tmp"):
            line.append(f"--tmpfs={target}:rw,nosuid,nodev,mode=777,size={limits.home_mb // 2}m")
        for path, target in _course():
            line.append(f"--volume={path}:{target}:ro")
        line += [f"--env=PYTHONPATH={_COURSE}", f"--workdir={HOME}", "--entrypoint=python3"]
        return [*line, self.image, *_ENTER, json.dumps(spec)]


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
    from tools.teaching.sandbox.session import Session, Stopped

    try:
        with Session(method, Limits(wall_s=60)) as session:
            session.cell(0, "import socket, os", seconds=20)
            return ""
    except Stopped as stopped:
        return session.said().strip() or str(stopped)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)


def links() -> list[tuple[str, str]]:
    """Return the links of the file system inside, such as /lib to usr/lib: target and place."""
    return [(str(Path(path).readlink()), path) for path in _SYSTEM if Path(path).is_symlink()]


def shown() -> list[tuple[Path, str]]:
    """Return what a submission can see, read-only: place outside and place inside."""
    paths = [Path(path) for path in _SYSTEM if Path(path).is_dir() and not Path(path).is_symlink()]
    paths += [Path(path) for path in _FILES if Path(path).exists()]
    for prefix in (sys.base_prefix, sys.prefix):
        path = Path(prefix)
        if not any(path.is_relative_to(other) for other in paths):
            paths.append(path)
    return [*((path, str(path)) for path in paths), *_course()]


def _course() -> list[tuple[Path, str]]:
    package = Path(nmcourse.__file__).resolve().parent
    sandbox = Path(__file__).resolve().parent
    return [
        (package, f"{_COURSE}/nmcourse"),
        (sandbox, f"{_COURSE}/tools/teaching/sandbox"),
    ]


def exposed(path: Path) -> Path | None:
    """Return the shown folder in which a path lies, or which lies in it; None if none does."""
    path = path.resolve()
    for folder, _ in shown():
        real = folder.resolve()
        if path.is_relative_to(real):
            return real
    return None


def _environment(course: str) -> dict[str, str]:
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        "HOME": HOME,
        "USER": "student",
        "LOGNAME": "student",
        "TMPDIR": "/tmp",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
        **dict.fromkeys(threads, "1"),
    }


def _resources(limits: Limits, *, count_processes: bool) -> dict[str, int]:
    """Limits for the kernel; processes only where those of other users are not counted too."""
    found = limits.resources()
    version = [int(part) for part in re.findall(r"\d+", platform.release())[:2]]
    if not count_processes or version < [5, 14]:
        del found["NPROC"]
    return found
