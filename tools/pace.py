"""How fast this machine is, as a ratio: limits in seconds were set on a machine of pace 1.

    python -m tools.pace        print the ratio: 2 is a machine that takes twice as long

A limit in seconds alone would say as much about a busy machine as about what ran on it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import torch

REFERENCE_S = 0.5  # of `work`, two processes at once with one thread each, where limits were set
#: One thread each: what notebooks run with, too.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PROCESSES, ROUNDS = 2, 3
SLOWEST = 4.0  # a limit is stretched no further


def work() -> None:
    """What chapters spend their time with: small convolutions through time, and their gradient."""
    source = torch.Generator().manual_seed(0)
    images = torch.randn(16, 8, 16, 16, generator=source)
    kernel = (0.1 * torch.randn(8, 8, 3, 3, generator=source)).requires_grad_()
    for _ in range(40):
        rates = torch.zeros_like(images)
        for _ in range(20):
            driven = torch.nn.functional.conv2d(rates, kernel, padding=1) + images
            rates = rates + 0.2 * (driven.relu() - rates)
        rates.square().mean().backward()


def seconds() -> float:
    """Median seconds of `work` in this process."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def side_by_side() -> list[float]:
    """`seconds` of processes that run at once."""
    variables = os.environ | THREADS
    command = [sys.executable, __file__, "--seconds"]
    running = [
        subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    return [float(process.communicate()[0]) for process in running]


def pace() -> float:
    """How many times longer this machine takes than the one of the limits: 1 to `SLOWEST`."""
    return min(max(statistics.mean(side_by_side()) / REFERENCE_S, 1.0), SLOWEST)


if __name__ == "__main__":
    print(seconds() if "--seconds" in sys.argv[1:] else f"{pace():.2f}")
