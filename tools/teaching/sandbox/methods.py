"""Ways to close a submission in: the command of each, and what a submission sees."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nmcourse
from tools.teaching.sandbox.enter import HOME
from tools.teaching.sandbox.limits import Limits

NAMES = ("namespaces", "bubblewrap", "container")
_ROOT = Path(__file__).resolve().parents[3]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_COURSE = "/course"
_FIRST_UID = 60_000  # users outside, one for each submission that runs at the same time
_ENTER = ["-S", "-P", "-B", "-m", "tools.teaching.sandbox.enter"]
_WORKER = ["-s", "-P", "-B", "-m", "tools.teaching.sandbox.worker"]


@dataclass(frozen=True)
class Start:
    """How a submission is started. What a command line says, every process inside can read.

    Attributes:
        line: The command line: it names no folder of the course.
        spec: What `enter` is told, over its standard input.
        more: Further arguments of bubblewrap, which it reads from a file.
    """

    line: list[str]
    spec: dict[str, Any]
    more: list[str]

    def first_input(self) -> bytes:
        """Return what `enter` reads first: the length of the specification, and it."""
        text = json.dumps(self.spec).encode()
        return b"%08d" % len(text) + text


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

    def start(self, limits: Limits, slot: int, folder: str, label: str, file: int) -> Start:
        """Return how the worker is started.

        Args:
            limits: What the submission may use.
            slot: 0, 1, ...: differs between submissions that run at the same time.
            folder: An empty folder, the home of an unprotected submission.
            label: A name for the container.
            file: Descriptor of the file for the further arguments of bubblewrap.
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
        line = [sys.executable, *_ENTER]
        if self.name != "bubblewrap":
            return Start(line, spec, [])
        return Start([self.program, "--args", str(file), *line], spec, self._bubblewrap(limits))

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
        line = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
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

    def _container(self, limits: Limits, label: str) -> Start:
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
        return Start([*line, self.image, *_ENTER], spec, [])


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
