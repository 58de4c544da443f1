"""Training steps of this package, in turns with another program.

    python benchmarks/peers/nmcourse_steps.py NAME [--steps 40] [--threads 1]

NAME is nm_rnn, ten_nm_rnns, feedback_nm_rnn, low_rank_rnn, vanilla_rnn, lstm or gru: 100 units,
rank 3, 5 modulator units. A step is one of ``fit`` on all 40 trials of Measure-Wait-Go, each of 110
time steps. For each line on standard input, the program trains a new network for that many steps
and prints the seconds of processor time, the seconds, and the memory in MB that this takes; times
are those of one step. Memory is the peak above what the process holds once everything is imported
and the loops are compiled, which a tiny network sees to: libraries are no part of it. (The peak is
that of Linux, from /proc.) Only what the package has had since version 0.1 is used, so that
the program also runs beside an older checkout.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from nmcourse.models import GRU, LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit, fit_many

N_UNITS, TINY = 100, 4
Build = Callable[[int, torch.Generator], torch.nn.Module]

# of a number of units and a generator
NETWORKS: dict[str, Build] = {
    "nm_rnn": lambda n, g: NMRNN(
        LowRankRNN(3, n, 1, 3, generator=g), Modulator(3, 5, 3, generator=g)
    ),
    "feedback_nm_rnn": lambda n, g: NMRNN(
        LowRankRNN(3, n, 1, 3, generator=g), Modulator(3, 5, 3, n_feedback=n, generator=g)
    ),
    "low_rank_rnn": lambda n, g: LowRankRNN(3, n, 1, 3, generator=g),
    "vanilla_rnn": lambda n, g: VanillaRNN(3, n, 1, generator=g),
    "lstm": lambda n, g: LSTM(3, n, 1, generator=g),
    "gru": lambda n, g: GRU(3, n, 1, generator=g),
}
MANY = {"ten_nm_rnns": ("nm_rnn", 10)}


def train(name: str, n_steps: int, n_units: int = N_UNITS) -> None:
    """Train a new network, or several in one batch."""
    options = {"n_steps": n_steps, "learning_rate": 1e-3, "progress": False}
    if name in MANY:
        build, n_seeds = MANY[name]
        fit_many(partial(NETWORKS[build], n_units), MeasureWaitGo(), seeds=n_seeds, **options)
    else:
        generator = torch.Generator().manual_seed(0)
        fit(NETWORKS[name](n_units, generator), MeasureWaitGo(), **options)


def memory(field: str) -> float:
    """What this process holds in memory now (``VmRSS``) or has held (``VmHWM``), in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def main() -> None:
    """Compile or load what has to be, then train for each line on standard input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=[*NETWORKS, *MANY])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.name, 3, TINY)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak of compiling
    at_first = memory("VmRSS")
    train(arguments.name, 3)
    print("ready", torch.__version__, flush=True)
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        train(arguments.name, arguments.steps)
        seconds, used = time.perf_counter() - start, time.process_time() - processor
        taken = memory("VmHWM") - at_first
        print(used / arguments.steps, seconds / arguments.steps, taken, flush=True)


if __name__ == "__main__":
    main()
