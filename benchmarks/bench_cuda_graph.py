"""What recording a training step as a CUDA graph gains, where there is a GPU.

    python benchmarks/bench_cuda_graph.py [--rounds 7]

Milliseconds of one training step of each network with ``capture=True`` and without, in turns, and
the quotient. Results: ``benchmarks/results/cuda_graph.json``. Without a CUDA device nothing is
measured, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nmcourse.pretrained import BUILDERS  # noqa: E402
from nmcourse.tasks import MeasureWaitGo  # noqa: E402
from nmcourse.training import fit  # noqa: E402

NETWORKS = ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm")
STEPS = 100


def milliseconds(name: str, capture: bool) -> float:
    """Of one step, with the data of Measure-Wait-Go."""
    generator = torch.Generator().manual_seed(0)
    model = BUILDERS[f"measure_wait_go_{name}"](generator=generator)
    torch.cuda.synchronize()
    start = time.perf_counter()
    fit(model, MeasureWaitGo(), n_steps=STEPS, device="cuda", capture=capture, progress=False)
    torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start) / STEPS


def main() -> int:
    """Measure; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    if not torch.cuda.is_available():
        print("no CUDA device here: the gain of CUDA graphs is not measured")
        return 0
    found = {}
    for name in NETWORKS:
        times = {capture: [] for capture in (False, True)}
        for number in range(rounds + 1):
            for capture, kept in times.items():
                took = milliseconds(name, capture)
                if number:  # the first round warms up
                    kept.append(took)
        pairs = zip(times[False], times[True], strict=True)
        found[name] = {
            "ms": statistics.median(times[False]),
            "ms_recorded": statistics.median(times[True]),
            "gain": statistics.median(without / recorded for without, recorded in pairs),
        }
        print(name, found[name])
    record = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "found": found}
    (ROOT / "benchmarks/results/cuda_graph.json").write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
