"""What compiling the time loops gains: all figures of one network measured in turns, on one core.

    python benchmarks/bench_loops.py [--rounds 7] [--peers /path/to/python] [--strict]

For each network: milliseconds of processor time of one training step with compiled loops, the
same with the loops in Python, and, with ``--peers``, that of the jitted JAX peer of ``peers/``. The
Python given there is of an environment with ``peers/requirements-peers.txt``. Ten NM-RNNs in one
batch are also timed on two threads, in seconds as they pass. The ratios count: they are medians
over the rounds, and a busy machine changes them least. Results: ``benchmarks/results/loops.json``;
what is not measured now, as the peers without ``--peers``, stays there as it was measured last.
With ``--strict`` a missed target is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.turns import Measured, Program, take_turns  # noqa: E402

PEERS = ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm")
NETWORKS = (*PEERS, "feedback_nm_rnn", "gru")
# at most
TARGETS = {
    "nm_rnn_ms": 5.0,
    "ten_nm_rnns_ms_a_seed": 3.0,
    "ten_nm_rnns_ms_a_seed_on_two_threads": 1.7,
    **{f"{name}_over_jax": 0.5 for name in PEERS},
}


def program(name: str, compiled: bool = True, threads: int = 1) -> Program:
    """Training steps of this package."""
    command = [sys.executable, str(Path(__file__).parent / "peers/nmcourse_steps.py"), name]
    environment = {
        "NMCOURSE_COMPILED": str(int(compiled)),
        "OMP_NUM_THREADS": str(threads),
        "PYTHONPATH": str(ROOT),
    }
    if threads > 1:
        # torch's threads would otherwise keep a core busy while they wait for work, and the
        # threads of the compiled loop need that core
        environment["OMP_WAIT_POLICY"] = "passive"
    return Program([*command, "--threads", str(threads)], os.environ | environment, ROOT)


def peer(python: str, name: str) -> Program:
    """Training steps of the JAX peer."""
    command = [python, str(Path(__file__).parent / "peers/jax_steps.py"), name]
    return Program(command, os.environ | {"OMP_NUM_THREADS": "1"}, ROOT)


def ratio(one: Sequence[Measured], other: Sequence[Measured]) -> float:
    """Median over the rounds of processor time over processor time."""
    return statistics.median(a.processor / b.processor for a, b in zip(one, other, strict=True))


def measure(rounds: int, python: str | None) -> dict[str, float]:
    """Every figure of this benchmark."""
    figures: dict[str, float] = {}
    for name in NETWORKS:
        programs = [program(name), program(name, compiled=False)]
        if python is not None and name in PEERS:
            programs.append(peer(python, name))
        compiled, plain, *rest = take_turns(programs, rounds)
        figures[f"{name}_ms"] = 1e3 * statistics.median(one.processor for one in compiled)
        figures[f"{name}_over_python_loop"] = ratio(compiled, plain)
        for other in rest:
            figures[f"{name}_over_jax"] = ratio(compiled, other)
    one, two, plain = take_turns(
        [
            program("ten_nm_rnns"),
            program("ten_nm_rnns", threads=2),
            program("ten_nm_rnns", compiled=False),
        ],
        rounds,
    )
    figures["ten_nm_rnns_ms_a_seed"] = 1e2 * statistics.median(a.processor for a in one)
    figures["ten_nm_rnns_over_python_loop"] = ratio(one, plain)
    figures["ten_nm_rnns_ms_a_seed_on_two_threads"] = 1e2 * statistics.median(
        a.seconds for a in two
    )
    return figures


def store(figures: Mapping[str, float], path: Path) -> list[str]:
    """Add figures to those of a file; the names of those that are kept as they were there."""
    kept = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    record = {"figures": kept | dict(figures)}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return sorted(set(kept) - set(figures))


def main() -> None:
    """Measure, print and store every figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", metavar="PYTHON", help="measure the JAX peers with this Python")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds, arguments.peers)
    for name, value in figures.items():
        target = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
        print(f"{name:40s} {value:8.2f}{target}")
    if kept := store(figures, Path(__file__).parent / "results" / "loops.json"):
        print("measured another time, and kept:", ", ".join(kept))
    missed = [name for name, target in TARGETS.items() if figures.get(name, 0.0) > target]
    if missed:
        print("missed:", ", ".join(missed))
    if missed and arguments.strict:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
