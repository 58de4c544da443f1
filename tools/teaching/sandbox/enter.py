"""Close this process in, and run the worker there: `python -m tools.teaching.sandbox.enter`.

A specification comes first over standard input: eight digits, its length, and then JSON. With
"namespaces", new ones are made: no network, processes of its own, and a file system of what "shown"
lists, read-only, and a small "home". Without, somebody else did that (bubblewrap, a container, or
nobody). Then come the limits, the filter of system calls, and the end of all privileges. Standard
input and output belong to the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from typing import Any

from tools.teaching.sandbox import kernel
from tools.teaching.sandbox.seccomp import filter_program

STUDENT = 1000  # user number inside
HOME = "/home/student"
_DEVICES = ("null", "zero", "full", "random", "urandom")
_NO_NAMESPACES = 97  # exit status: what was asked for cannot be had here


def specification() -> dict[str, Any]:
    """Read the specification, and not a byte more: what follows is for the worker."""
    found: dict[str, Any] = json.loads(_exactly(int(_exactly(8))))
    return found


def _exactly(count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            raise EOFError("standard input ended before the specification")
        data += part
    return data


def main(spec: dict[str, Any]) -> int:
    """Do what the specification says; return the exit status of the worker."""
    kernel.control(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if not spec["namespaces"]:
        close_in(spec)
        os.chdir(spec["folder"])
        os.execve(spec["command"][0], spec["command"], spec["environment"])
    try:
        new_namespaces(spec["uid"])
    except OSError as error:
        print(f"no namespaces: {error}", file=sys.stderr)
        return _NO_NAMESPACES
    child = os.fork()
    if child == 0:
        os._exit(first_process(spec))
    _close_pipes()
    return _status(os.waitpid(child, 0)[1])


def new_namespaces(uid: int | None) -> None:
    """Enter new namespaces of every kind.

    Args:
        uid: User number outside that the student gets; only root can choose. None: the own one.
    """
    user, group = os.getuid(), os.getgid()
    if uid is None:
        users, groups = f"{STUDENT} {user} 1", f"{STUDENT} {group} 1"
    else:
        users = f"0 {user} 1\n{STUDENT} {uid} 1"
        groups = f"0 {group} 1\n{STUDENT} {uid} 1"
        os.setgroups([])
    ours, theirs = socket.socketpair()
    helper = os.fork()
    if helper == 0:  # the maps are written from outside, where the right to do so is
        code = 1
        with contextlib.suppress(OSError):
            theirs.recv(1)
            own = f"/proc/{os.getppid()}"
            if uid is None:
                _write(f"{own}/setgroups", "deny")
            _write(f"{own}/uid_map", users)
            _write(f"{own}/gid_map", groups)
            code = 0
        os._exit(code)
    try:
        kernel.unshare(kernel.EVERYTHING)
    except OSError:
        os.kill(helper, signal.SIGKILL)
        os.waitpid(helper, 0)
        raise
    ours.send(b"x")
    if os.waitpid(helper, 0)[1] != 0:
        raise OSError("the numbers of users could not be mapped")


def first_process(spec: dict[str, Any]) -> int:
    """Be process 1 of the new namespaces: build the file system, start the worker, wait for it."""
    kernel.control(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        build_root(spec)
        kernel.forbid_privileges()  # while this process may
        if spec["uid"] is not None:
            os.setresgid(STUDENT, STUDENT, STUDENT)
            os.setresuid(STUDENT, STUDENT, STUDENT)
            kernel.control(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user ends it
        close_in(spec)
        worker = os.fork()
    except OSError as error:
        print(f"no sandbox: {error}", file=sys.stderr)
        return _NO_NAMESPACES
    if worker == 0:
        os.execve(spec["command"][0], spec["command"], spec["environment"])
    kernel.control(kernel.PR_SET_DUMPABLE, 0)
    _close_pipes()
    while True:  # adopt what is left behind; when this process ends, all others end
        process, status = os.wait()
        if process == worker:
            return _status(status)


def build_root(spec: dict[str, Any]) -> None:
    """Make a file system of what is shown, read-only, with a small home; then live in it."""
    shown = [(kernel.take(source), source, target) for source, target in spec["shown"]]
    devices = [(kernel.take(f"/dev/{name}"), f"/dev/{name}") for name in _DEVICES]
    root = "/tmp"
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    options = "size=1m,nr_inodes=2000,mode=755"
    kernel.mount("root", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    for folder in (HOME, "/tmp", "/proc", "/etc"):
        os.makedirs(root + folder)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    half = f"size={spec['home_mb'] * 512}k,nr_inodes={spec['files']},mode=777"
    for folder in (HOME, "/tmp"):  # before what is shown, which may lie in a folder of this name
        kernel.mount("home", root + folder, "tmpfs", flags, half)
    for source, target in spec["links"]:
        os.symlink(source, root + target)
    for tree, source, target in shown:
        _place(root + target, os.path.isdir(f"/proc/self/fd/{tree}"), source)
        attributes = kernel.ATTR_READ_ONLY | kernel.ATTR_NO_SUID | kernel.ATTR_NO_DEVICES
        kernel.put(tree, root + target, attributes)
    for tree, target in devices:
        _place(root + target, False, target)
        kernel.put(tree, root + target, kernel.ATTR_NO_SUID)
    _create(root + "/etc/passwd", f"student:x:{STUDENT}:{STUDENT}::{HOME}:/bin/sh\n")
    with contextlib.suppress(OSError):  # inside some containers it is not allowed, nor needed
        kernel.mount("proc", root + "/proc", "proc", flags | kernel.MS_NOEXEC)
    kernel.change_root(root)
    kernel.mount("", "/", "", 0x20 | 0x1000 | 0x1 | flags)  # MS_REMOUNT, MS_BIND, MS_RDONLY
    os.chdir(HOME)


def close_in(spec: dict[str, Any]) -> None:
    """Set the limits, drop every privilege, and filter the system calls."""
    with contextlib.suppress(OSError):
        _write("/proc/self/oom_score_adj", "1000")
    limits = spec["limits"]
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))
    os.umask(0o022)
    kernel.drop_privileges()
    if program := filter_program():
        kernel.install_filter(program)


def _place(path: str, folder: bool, source: str) -> None:
    """Make the place on which something is mounted."""
    if folder:
        os.makedirs(path, exist_ok=True)
        return
    if not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _create(path, "")


def _create(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _close_pipes() -> None:
    for number in (0, 1):
        with contextlib.suppress(OSError):
            os.close(number)


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(specification()))
