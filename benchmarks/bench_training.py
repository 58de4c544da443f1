"""How fast training is: ratios measured in one run, medians of interleaved repetitions.

    python benchmarks/bench_training.py [--repetitions 5] [--strict]

Four questions:

    seeds     what ten NM-RNN seeds in one batch cost, as a multiple of one seed
    vmap      the same through ``torch.func.vmap`` of the plain loop
    scan      what the plain autograd loop costs, as a multiple of the written-out gradient
    scratch   seconds until one NM-RNN reaches an error of 1e-3 on trained trials (target: 4)

What compiling adds is measured by ``bench_loops.py``; here only the last question uses it.

A step is one gradient step on all 40 trials of Measure-Wait-Go. Results go to
``benchmarks/results/training.json``. With ``--strict`` a missed target is an error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.func import functional_call, vmap

from nmcourse.analysis import seconds_side_by_side
from nmcourse.models.loops import compiled_loops, leaky
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit, fit_many, masked_mse
from nmcourse.training._networks import Networks

TARGETS = {"scratch_seconds": 4.0, "scratch_error": 1e-3}
STEPS = 15  # of one repetition of a training
WRITTEN_OUT = ("nm_rnn", "low_rank_rnn", "vanilla_rnn")  # networks whose gradient is; no LSTM


def median_times(calls: dict[str, Callable[[], None]], repetitions: int) -> dict[str, float]:
    """Median seconds of each call; the calls take turns."""
    seconds = seconds_side_by_side(calls, repetitions)
    return {name: statistics.median(values) for name, values in seconds.items()}


def gradient_step(build: Callable[..., torch.nn.Module], n_seeds: int) -> Callable[[], None]:
    """Loss and gradient of networks in one batch, without the optimiser."""
    networks = Networks([build(generator=torch.Generator().manual_seed(s)) for s in range(n_seeds)])
    parameters = [values.requires_grad_() for values in networks.parameters.values()]
    trials = MeasureWaitGo().enumerate()

    def call() -> None:
        outputs = networks.outputs(trials)
        loss = masked_mse(outputs, trials.targets, trials.mask).sum()
        torch.autograd.grad(loss, parameters)

    return call


def plain_loop(call: Callable[[], None]) -> Callable[[], None]:
    """The same call with autograd in the time loop instead of the written-out gradient."""

    def without_scan() -> None:
        written_out = dict(leaky.BACKWARD)
        leaky.BACKWARD.clear()
        try:
            call()
        finally:
            leaky.BACKWARD.update(written_out)

    return without_scan


def mapped(build: Callable[..., torch.nn.Module], n_seeds: int) -> Callable[[], None]:
    """Many networks by vmap of the plain loop of one."""
    networks = Networks([build(generator=torch.Generator().manual_seed(s)) for s in range(n_seeds)])
    state = {name: values.requires_grad_() for name, values in networks.parameters.items()}
    model, trials = networks.models[0], MeasureWaitGo().enumerate()

    def call() -> None:
        # check_trial looks at values, which vmap does not allow: the parameters are mapped alone
        outputs = vmap(lambda one: functional_call(model, one, (trials.inputs,)).outputs)(state)
        loss = masked_mse(outputs, trials.targets, trials.mask).sum()
        torch.autograd.grad(loss, list(state.values()))

    return plain_loop(call)


def seconds_from_scratch() -> dict[str, float]:
    """Train one NM-RNN until its error on all trained trials is below 1e-3."""
    model = BUILDERS["measure_wait_go_nm_rnn"](generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    result = fit(model, MeasureWaitGo(), n_steps=2000, stop_below=1e-3, progress=False)
    seconds = time.perf_counter() - start
    trials = MeasureWaitGo().enumerate()
    with torch.no_grad():  # of the model as it is now, one update after the last loss
        error = masked_mse(model(trials.inputs).outputs, trials.targets, trials.mask).item()
    return {
        "scratch_seconds": seconds,
        "scratch_steps": float(len(result.losses)),
        "scratch_error": error,
    }


def measure(repetitions: int) -> dict[str, float]:
    """Every figure of this benchmark."""
    nm_rnn = BUILDERS["measure_wait_go_nm_rnn"]
    options = {"n_steps": STEPS, "progress": False}
    times = median_times(
        {
            "one": lambda: fit(nm_rnn(), MeasureWaitGo(), **options) and None,
            "ten": lambda: (
                fit_many(lambda generator: nm_rnn(generator=generator), MeasureWaitGo(), **options)
                and None
            ),
            "vmap": mapped(nm_rnn, 10),
            "ten, gradient only": gradient_step(nm_rnn, 10),
        },
        repetitions,
    )
    figures = {
        "one_seed_step_ms": 1e3 * times["one"] / STEPS,
        "ten_seeds_step_ms": 1e3 * times["ten"] / STEPS,
        "seeds": times["ten"] / times["one"],
        "vmap_over_batched": times["vmap"] / times["ten, gradient only"],
    }
    for name in WRITTEN_OUT:
        build = BUILDERS[f"measure_wait_go_{name}"]
        for n_seeds in (1, 10):
            call = gradient_step(build, n_seeds)
            pair = median_times({"scan": call, "loop": plain_loop(call)}, repetitions)
            figures[f"loop_over_scan_{name}_{n_seeds}"] = pair["loop"] / pair["scan"]
    return figures


def main() -> None:
    """Measure, print and store every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    with compiled_loops(False):
        figures = measure(arguments.repetitions)
    figures |= seconds_from_scratch()
    for name, value in figures.items():
        target = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
        print(f"{name:28s} {value:10.3g}{target}")
    path = Path(__file__).parent / "results" / "training.json"
    path.parent.mkdir(exist_ok=True)
    record = {"torch": torch.__version__, "threads": 1, "figures": figures}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    missed = [name for name, target in TARGETS.items() if figures[name] > target]
    if missed:
        print("missed:", ", ".join(missed))
    if missed and arguments.strict:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
