"""The system calls of Linux that closing a process in needs and Python does not offer."""

from __future__ import annotations

import ctypes
import os
import platform

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
EVERYTHING = (
    CLONE_NEWNS
    | CLONE_NEWCGROUP
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWUSER
    | CLONE_NEWPID
    | CLONE_NEWNET
)

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2

ATTR_READ_ONLY, ATTR_NO_SUID, ATTR_NO_DEVICES = 1, 2, 4

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22

# These three have one number on every machine; pivot_root is older and has not.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_CAPSET = {"x86_64": 126, "aarch64": 91, "riscv64": 91, "ppc64le": 184, "s390x": 185}
_AT_FDCWD, _AT_RECURSIVE, _AT_EMPTY_PATH = -100, 0x8000, 0x1000
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _done(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(number: int, what: str, *arguments: object) -> int:
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _done(_libc.syscall(ctypes.c_long(number), *given), what)


def unshare(flags: int) -> None:
    """Leave the namespaces of the machine for new ones."""
    _done(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system."""
    words = [text.encode() for text in (source, target, kind)]
    result = _libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None)
    _done(result, f"mount {kind or source} on {target}")


def detach(target: str) -> None:
    """Take a file system out of the tree."""
    _done(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def take(path: str) -> int:
    """Return a copy of the tree at a path, mounted nowhere yet, as a file descriptor."""
    flags = 1 | os.O_CLOEXEC | _AT_RECURSIVE
    return _call(_OPEN_TREE, f"open_tree {path}", _AT_FDCWD, path.encode(), flags)


def put(tree: int, target: str, attributes: int) -> None:
    """Mount what ``take`` returned, with these attributes on all of it."""
    _call(_MOVE_MOUNT, f"move_mount to {target}", tree, b"", _AT_FDCWD, target.encode(), 4)
    os.close(tree)
    restrict(target, attributes)


def restrict(target: str, attributes: int) -> None:
    """Add attributes to a mounted tree."""
    wanted = _MountAttributes(attributes, 0, 0, 0)
    arguments = (_AT_FDCWD, target.encode(), _AT_RECURSIVE, ctypes.byref(wanted))
    _call(_MOUNT_SETATTR, f"mount_setattr {target}", *arguments, ctypes.sizeof(wanted))


def change_root(folder: str) -> None:
    """Make a folder the root of everything this process can name."""
    os.chdir(folder)
    _call(_number(_PIVOT_ROOT, "pivot_root"), "pivot_root", b".", b".")
    detach(".")
    os.chdir("/")


def control(option: int, value: int = 0) -> None:
    """Set an attribute of this process (prctl)."""
    zero = ctypes.c_ulong(0)
    result = _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero)
    _done(result, f"prctl {option}")


def forbid_privileges() -> None:
    """See to it that no program started from here on gains a capability."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            control(PR_CAPBSET_DROP, capability)
        except OSError:  # a kernel that has fewer, or a process that may drop none
            break
    control(PR_SET_NO_NEW_PRIVS, 1)


def drop_privileges() -> None:
    """Give up every capability, for this process and whatever it starts."""
    forbid_privileges()
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _call(_number(_CAPSET, "capset"), "capset", ctypes.byref(header), ctypes.byref(nothing))


def install_filter(program: bytes) -> None:
    """Install a filter of system calls (classic BPF) for this process and its children."""
    count = len(program) // 8
    buffer = ctypes.create_string_buffer(program, len(program))

    class _Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    wanted = _Program(count, ctypes.cast(buffer, ctypes.c_void_p))
    zero = ctypes.c_ulong(0)
    result = _libc.prctl(
        ctypes.c_int(PR_SET_SECCOMP), ctypes.c_ulong(2), ctypes.byref(wanted), zero, zero
    )
    _done(result, "seccomp")


def _number(table: dict[str, int], name: str) -> int:
    machine = platform.machine()
    if machine not in table:
        raise OSError(f"{name}: no number known for {machine}; known are {', '.join(table)}")
    return table[machine]
