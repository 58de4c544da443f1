"""Training steps of this package, in turns with another program.

    python benchmarks/peers/nmcourse_steps.py NAME [--steps 40] [--threads 1]

NAME is nm_rnn, ten_nm_rnns, feedback_nm_rnn, low_rank_rnn, vanilla_rnn, lstm or gru: 100 units,
rank 3, 5 modulator units. A step is one of ``fit`` on all 40 trials of Measure-Wait-Go, each of 110
time steps. For each line on standard input, the program trains a new network for that many steps
and prints the seconds of processor time, the seconds, and the peak memory in MB of this process so
far; times are those of one step. Only what the package has had since version 0.1 is used, so that
the program also runs beside an older checkout.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable

import torch

from nmcourse.models import GRU, LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit, fit_many

SIZES = (3, 100, 1)  # inputs, units, outputs
Build = Callable[[torch.Generator], torch.nn.Module]

NETWORKS: dict[str, Build] = {
    "nm_rnn": lambda g: NMRNN(LowRankRNN(*SIZES, 3, generator=g), Modulator(3, 5, 3, generator=g)),
    "feedback_nm_rnn": lambda g: NMRNN(
        LowRankRNN(*SIZES, 3, generator=g), Modulator(3, 5, 3, n_feedback=100, generator=g)
    ),
    "low_rank_rnn": lambda g: LowRankRNN(*SIZES, 3, generator=g),
    "vanilla_rnn": lambda g: VanillaRNN(*SIZES, generator=g),
    "lstm": lambda g: LSTM(*SIZES, generator=g),
    "gru": lambda g: GRU(*SIZES, generator=g),
}
MANY = {"ten_nm_rnns": ("nm_rnn", 10)}


def train(name: str, n_steps: int) -> None:
    """Train a new network, or several in one batch."""
    options = {"n_steps": n_steps, "learning_rate": 1e-3, "progress": False}
    if name in MANY:
        build, n_seeds = MANY[name]
        fit_many(NETWORKS[build], MeasureWaitGo(), seeds=n_seeds, **options)
    else:
        fit(NETWORKS[name](torch.Generator().manual_seed(0)), MeasureWaitGo(), **options)


def main() -> None:
    """Compile or load what has to be, then train for each line on standard input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=[*NETWORKS, *MANY])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.name, 3)
    print("ready", torch.__version__, flush=True)
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        train(arguments.name, arguments.steps)
        seconds, used = time.perf_counter() - start, time.process_time() - processor
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(used / arguments.steps, seconds / arguments.steps, memory, flush=True)


if __name__ == "__main__":
    main()
