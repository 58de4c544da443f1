"""A filter of system calls: what no homework needs, and what would get round the limits.

Memory that belongs to no process (``memfd_create``, shared memory of System V, what waits in a
socket that nobody has accepted or that is itself on its way through a socket) escapes a limit on
processes; new namespaces, tracing and the like are doors that have been used before. A virtual
machine's sockets lead to its host from every network namespace, so only two families are left.
"""

from __future__ import annotations

import errno
import platform
import struct

# audit architecture, numbers of the calls that are refused, and of those that depend on arguments
_REFUSED = {
    "x86_64": (
        0xC000003E,
        {
            "memfd_create": 319,
            "memfd_secret": 447,
            "shmget": 29,
            "msgget": 68,
            "semget": 64,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "unshare": 272,
            "setns": 308,
            "mount": 165,
            "umount2": 166,
            "open_tree": 428,
            "move_mount": 429,
            "fsopen": 430,
            "pivot_root": 155,
            "chroot": 161,
            "keyctl": 250,
            "add_key": 248,
            "request_key": 249,
            "bpf": 321,
            "userfaultfd": 323,
            "perf_event_open": 298,
            "io_uring_setup": 425,
            "mlock": 149,
            "mlockall": 151,
            "setpriority": 141,
            "sched_setscheduler": 144,
            "vmsplice": 278,
            "listen": 50,
            "sendmsg": 46,
            "sendmmsg": 307,
        },
        {"clone": 56, "socket": 41, "socketpair": 53, "setsockopt": 54, "fcntl": 72},
    ),
    "aarch64": (
        0xC00000B7,
        {
            "memfd_create": 279,
            "memfd_secret": 447,
            "shmget": 194,
            "msgget": 186,
            "semget": 190,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "unshare": 97,
            "setns": 268,
            "mount": 40,
            "umount2": 39,
            "open_tree": 428,
            "move_mount": 429,
            "fsopen": 430,
            "pivot_root": 41,
            "chroot": 51,
            "keyctl": 219,
            "add_key": 217,
            "request_key": 218,
            "bpf": 280,
            "userfaultfd": 282,
            "perf_event_open": 241,
            "io_uring_setup": 425,
            "mlock": 228,
            "mlockall": 230,
            "setpriority": 140,
            "sched_setscheduler": 119,
            "vmsplice": 75,
            "listen": 201,
            "sendmsg": 211,
            "sendmmsg": 269,
        },
        {"clone": 220, "socket": 198, "socketpair": 199, "setsockopt": 208, "fcntl": 25},
    ),
}
_CLONE3 = 435
_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW flag that clone takes
_X32 = 0x40000000

_UNIX, _INET = 1, 2  # families of sockets
_STREAM, _DATAGRAM, _KIND = 1, 2, 0xF
_PLAIN_PROTOCOLS = (0, 6, 17)  # of the internet: none named, TCP, UDP
_SOL_SOCKET, _BUFFER_SIZES = 1, (7, 8, 32, 33)  # how much may wait in a socket
_SET_PIPE_SIZE = 1031

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

Line = tuple[int, int, int, int]


def filter_program(machine: str | None = None) -> bytes:
    """Return the filter for a machine; empty where its numbers are not known.

    Args:
        machine: As ``platform.machine()`` names it; this one by default.
    """
    known = _REFUSED.get(machine or platform.machine())
    if known is None:
        return b""
    architecture, refused, calls = known
    program: list[Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        _no(errno.ENOSYS),
        # clone3 hides its flags in memory: refused as unknown, and libc takes clone instead
        (_EQUAL, 0, 1, _CLONE3),
        _no(errno.ENOSYS),
    ]
    for number in refused.values():
        program += [(_EQUAL, 0, 1, number), _no(errno.EPERM)]
    rules = {
        "clone": [_argument(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _no(errno.EPERM)],
        "socket": _socket(),
        "socketpair": _stream_pair(),
        "setsockopt": [
            _argument(1),
            *_unless(_SOL_SOCKET, [_allow()]),
            _argument(2),
            *(line for size in _BUFFER_SIZES for line in _if(size, [_no(errno.EPERM)])),
        ],
        "fcntl": [_argument(1), *_if(_SET_PIPE_SIZE, [_no(errno.EPERM)])],
    }
    for name, rule in rules.items():
        program += _if(calls[name], [*rule, _allow()])
    program.append(_allow())
    return b"".join(struct.pack("=HBBI", *line) for line in program)


def _socket() -> list[Line]:
    """Local streams, and the internet with its plain protocols; there is no network behind it."""
    refuse = _no(errno.EAFNOSUPPORT)
    local = [_argument(1), (_AND, 0, 0, _KIND), *_unless(_STREAM, [refuse]), _allow()]
    protocols = [line for one in _PLAIN_PROTOCOLS for line in _if(one, [_allow()])]
    internet = [_argument(2), *protocols, refuse]
    return [_argument(0), *_if(_UNIX, local), *_if(_INET, internet), refuse]


def _stream_pair() -> list[Line]:
    """Pairs of datagram sockets keep what was sent after both ends are closed."""
    kind = [_argument(1), (_AND, 0, 0, _KIND), *_if(_DATAGRAM, [_no(errno.EPERM)]), _allow()]
    return [_argument(0), *_if(_UNIX, kind), _no(errno.EAFNOSUPPORT)]


def _argument(number: int) -> Line:
    """Load the lower half of an argument."""
    return (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * number)


def _if(value: int, lines: list[Line]) -> list[Line]:
    """Lines that are done if what is loaded is a value; they must end or load it again."""
    return [(_EQUAL, 0, len(lines), value), *lines]


def _unless(value: int, lines: list[Line]) -> list[Line]:
    return [(_EQUAL, len(lines), 0, value), *lines]


def _no(number: int) -> Line:
    return (_RETURN, 0, 0, _ERROR | number)


def _allow() -> Line:
    return (_RETURN, 0, 0, _ALLOW)
