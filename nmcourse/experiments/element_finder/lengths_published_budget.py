"""N15, R4 and R11 at the budget of the paper: Element Finder by length, and by schedule.

The NM-RNN with the released recurrence, at the constant rate of the released code: on lists of 10,
15 and 20 for 20,000 steps, on lists of 30 for 40,000. The error after some steps is the mean loss
of the batches before it, each of fresh lists. On lists of 25 the NM-RNN and the LSTM of
``element_finder_published_budget`` are trained again with one cycle of the rate and a clipped
gradient, and with inputs divided by 10 as well.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import Experiment, LedgerError, read_results
from nmcourse.experiments.element_finder import comparison
from nmcourse.experiments.element_finder.lengths_published_budget_rules import (
    CONSTANT,
    LENGTHS,
    LONGEST,
    RULES,
)
from nmcourse.experiments.element_finder.networks import BATCH, LENGTH, RELEASED
from nmcourse.experiments.element_finder.published_budget import COMMAND, RATE, SETTINGS
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.training import for_tier

PEAK_RATE, TWICE = 3e-2, 2
AT_A_CONSTANT_RATE: dict[str, Any] = {"schedule": "constant", "clip_norm": None}


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train every variant; resumes after a kill.

    Raises:
        LedgerError: There are no results of ``element_finder_published_budget``.
    """
    settings = for_tier(tier, SETTINGS)
    budget = {"n_steps": settings["n_steps"], "n_seeds": min(settings["seeds"].values())}

    def job(name: str, network: str, rate: float, **options: Any) -> partial[dict[str, Any]]:
        steps = budget["n_steps"] * options.pop("times", 1)
        own = budget | {"n_steps": steps}
        return partial(comparison.train, network, rate, own, run_dir / name, **options)

    jobs = {
        f"length_{n}": job(f"length_{n}", RELEASED.name, RATE, length=n, **AT_A_CONSTANT_RATE)
        for n in LENGTHS
        if n != LENGTH
    }
    for name in CONSTANT.values():
        jobs[f"{name}_schedule"] = job(f"{name}_schedule", name, PEAK_RATE)
        jobs[f"{name}_scaled"] = job(f"{name}_scaled", name, PEAK_RATE, scaled=True)
    longest = f"length_{LONGEST}"
    jobs[longest] = job(
        longest, RELEASED.name, RATE, length=LONGEST, times=TWICE, **AT_A_CONSTANT_RATE
    )
    metrics: dict[str, Any] = in_parallel(jobs)
    base = read_results("element_finder_published_budget")
    if base is None and tier != "smoke":
        raise LedgerError(f"no results of element_finder_published_budget: first {COMMAND}")
    for network, name in CONSTANT.items():
        found = metrics[f"{name}_schedule"] if base is None else base.value(name)
        metrics[network] = found
    config = budget | {"batch": BATCH, "rate": RATE, "peak_rate": PEAK_RATE, "times": TWICE}
    return {"config": config, "metrics": metrics}


EXPERIMENTS = (Experiment(name="element_finder_training_published_budget", run=run, rules=RULES),)
