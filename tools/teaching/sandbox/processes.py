"""What the processes of a sandbox use, read from /proc."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_WAITING_MB = {"socket": 0.22, "pipe": 0.07}  # as the kernel has it; the filter allows no more


@dataclass(frozen=True)
class Usage:
    """What a process and all its descendants use.

    Attributes:
        processes: Processes and threads.
        memory_mb: Resident megabytes; what several processes share counts for each.
        cpu_s: Seconds of computing, also of processes that have ended and were waited for.
    """

    processes: int
    memory_mb: float
    cpu_s: float


def usage(root: int) -> Usage:
    """Return what the tree of processes below and with ``root`` uses."""
    threads = resident = ticks = 0
    for process in tree(root):
        try:
            stat = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):  # it has just ended
            continue
        ticks += sum(int(field) for field in stat[11:15])
        threads += int(stat[17])
        resident += int(stat[21])
    return Usage(threads, resident * _PAGE / 1e6, ticks / _TICK)


def private_mb(root: int) -> float:
    """Return the megabytes of a tree, shared memory counted once; slower than ``usage``."""
    total = 0
    for process in tree(root):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended, or may not be read: then count all that is resident
            total += int(1e3 * _resident_mb(process))
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1e3


def waiting_mb(root: int) -> float:
    """Return the megabytes that may wait in the sockets and pipes of a tree.

    They belong to the kernel and to no process. How full each one is cannot be seen from outside,
    so each counts as full.
    """
    found = set()
    for process in tree(root):
        with contextlib.suppress(OSError):  # it has ended
            for file in os.listdir(f"/proc/{process}/fd"):  # noqa: PTH208 - names suffice
                with contextlib.suppress(OSError):
                    found.add(os.readlink(f"/proc/{process}/fd/{file}"))  # noqa: PTH115
    kinds = [name.split(":", 1)[0] for name in found]  # such as socket:[1234], one for all owners
    return sum(_WAITING_MB.get(kind, 0.0) for kind in kinds)


def _resident_mb(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / 1e6
    except (OSError, IndexError):
        return 0.0


def tree(root: int) -> list[int]:
    """Return the numbers of a process and of all its descendants."""
    found, open_ones = [], [root]
    while open_ones:
        process = open_ones.pop()
        found.append(process)
        try:
            for task in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208 - names suffice
                children = Path(f"/proc/{process}/task/{task}/children").read_text()
                open_ones.extend(int(child) for child in children.split())
        except OSError:
            continue
    return found
