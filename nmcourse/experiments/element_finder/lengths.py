"""N14, N15, R4 and R11: Element Finder by length, by length of training, and by schedule.

Variants of two trainings of ``element_finder``, at the peak rate that was best for both there: the
main NM-RNN on shorter lists, on lists of 15 for twice the steps, and with the released recurrence
on lists of 25 for twice the steps, which is the published budget; NM-RNN and LSTM on lists of 10 at
the published constant rate, with the schedule, and with normalised inputs as well. (On lists of 25
none of these would converge in the budget, so nothing could be said about who does.) For N14 the
NM-RNNs of every length are asked how they remember.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nmcourse import pretrained
from nmcourse.evidence import Experiment, LedgerError, plain, read_results
from nmcourse.experiments.element_finder import comparison
from nmcourse.experiments.element_finder.length_rules import TRAINING_RULES
from nmcourse.experiments.element_finder.networks import (
    BATCH,
    BETWEEN,
    LENGTH,
    MAIN,
    RELEASED,
    memories,
    weights_of,
)
from nmcourse.experiments.training_runs import in_parallel, ship, trained_models
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run N15 --course-budget"
LENGTHS, LONGER_LENGTH, SCHEDULE_LENGTH = [5, 10, 15, 20], 15, 10
PEAK_RATE, CONSTANT_RATE = 3e-2, 1e-2
TRAINED_ON_LONG_LISTS = {"released_longer": RELEASED, "free_factors": BETWEEN[0]}
SHIPPED = (*(f"length_{n}" for n in LENGTHS), "longer", *TRAINED_ON_LONG_LISTS)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train the variants; resumes after a kill.

    Raises:
        LedgerError: if there are no results of ``element_finder``.
    """
    settings = for_tier(tier, comparison.SETTINGS)
    metrics: dict[str, Any] = in_parallel(_jobs(settings, run_dir))
    base = read_results("element_finder")
    if base is None:
        raise LedgerError(f"no results of element_finder: first {comparison.COMMAND}")
    metrics |= {name: base.value(name) for name in (MAIN.name, RELEASED.name)}
    networks: dict[str, Any] = {
        name: trained_models(MAIN.build, run_dir / name)
        for name in SHIPPED
        if name not in TRAINED_ON_LONG_LISTS
    }
    for name, network in TRAINED_ON_LONG_LISTS.items():
        networks[name] = trained_models(network.build, run_dir / name)
    stored = {name: pretrained.load(f"ef_{name}") for name in (MAIN.name, RELEASED.name)}
    lengths = {f"length_{n}": n for n in LENGTHS} | {"longer": LONGER_LENGTH}
    for name, models in (networks | stored).items():
        metrics[name]["memory"] = plain(memories(models, lengths.get(name, LENGTH)))
    if tier != "smoke":
        _ship(networks, metrics)
    config = settings | {
        "batch": BATCH,
        "lengths": LENGTHS,
        "longer": 2 * settings["n_steps"],
        "longer_length": LONGER_LENGTH,
        "schedule_length": SCHEDULE_LENGTH,
        "peak_rate": PEAK_RATE,
        "constant_rate": CONSTANT_RATE,
    }
    return {"config": config, "metrics": metrics}


def _jobs(settings: dict[str, Any], run_dir: Path) -> dict[str, partial[dict[str, Any]]]:
    """Every training: name of the results -> what makes them."""

    def job(
        name: str, network: str, length: int, rate: float = PEAK_RATE, **options: Any
    ) -> partial[dict[str, Any]]:
        budget = settings | {"n_steps": options.pop("n_steps", settings["n_steps"])}
        return partial(
            comparison.train, network, rate, budget, run_dir / name, length=length, **options
        )

    jobs = {f"length_{n}": job(f"length_{n}", MAIN.name, n) for n in (10, 5, 15)}
    jobs["lstm_schedule"] = job("lstm_schedule", "lstm", SCHEDULE_LENGTH)
    for name in (MAIN.name, "lstm"):
        for variant, rate, options in (
            ("constant", CONSTANT_RATE, {"schedule": "constant", "clip_norm": None}),
            ("scaled", PEAK_RATE, {"scaled": True}),
        ):
            key = f"{name}_{variant}"
            jobs[key] = job(key, name, SCHEDULE_LENGTH, rate, **options)
    for network in (RELEASED, *BETWEEN):
        jobs[f"{network.name}_short"] = job(f"{network.name}_short", network.name, SCHEDULE_LENGTH)
    twice = 2 * settings["n_steps"]
    jobs["longer"] = job("longer", MAIN.name, LONGER_LENGTH, n_steps=twice)
    jobs["length_20"] = job("length_20", MAIN.name, 20)
    jobs["free_factors"] = job("free_factors", BETWEEN[0].name, LENGTH)
    longest = job("released_longer", RELEASED.name, LENGTH, n_steps=twice)
    return {"released_longer": longest, **jobs}  # the longest one first


def _ship(networks: dict[str, Any], metrics: dict[str, Any]) -> None:
    for name, models in networks.items():
        network = TRAINED_ON_LONG_LISTS.get(name, MAIN)
        ship(
            weights_of(name),
            models,
            builder=network.stored_builder,
            kwargs=plain(network.kwargs),
            command=COMMAND,
            metrics={key: metrics[name][key] for key in ("error", "exact")},
        )


EXPERIMENTS = (
    Experiment(
        name="element_finder_training",
        run=run,
        rules=TRAINING_RULES,
        ships=tuple(map(weights_of, SHIPPED)),
    ),
)
