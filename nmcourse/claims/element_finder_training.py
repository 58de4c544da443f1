"""N15, R4 and R11: Element Finder by length, by length of training, and by schedule.

Variants of two trainings of ``element_finder``, whose results this experiment reads: the main
NM-RNN on shorter lists and for twice the steps; NM-RNN and LSTM at the published constant rate, and
with normalised inputs. Peak rates are those of ``element_finder``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.claims import element_finder
from nmcourse.claims.element_finder_judges import TRAINING_RULES
from nmcourse.claims.element_finder_networks import MAIN
from nmcourse.claims.record import Experiment, LedgerError
from nmcourse.claims.store import read_results
from nmcourse.claims.training_runs import in_parallel

LENGTHS, CONSTANT_RATE = [5, 10, 15, 20], 1e-2
NAMES = (MAIN.name, "lstm")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train the variants; resumes after a kill.

    Raises:
        LedgerError: if there are no results of ``element_finder``.
    """
    base = read_results("element_finder")
    if base is None:
        raise LedgerError(f"no results of element_finder: first {element_finder.COMMAND}")
    settings = base.config
    if tier == "smoke":
        settings = settings | {"n_steps": element_finder.SETTINGS["smoke"]["n_steps"]}
    longer = settings | {"n_steps": 2 * settings["n_steps"]}
    rates = {name: base.value(f"{name}.learning_rate") for name in NAMES}
    train, rate = element_finder.train, rates[MAIN.name]
    jobs: dict[str, partial[dict[str, Any]]] = {
        "longer": partial(train, MAIN.name, rate, longer, run_dir / "longer")
    }
    for name in NAMES:
        constant, scaled = f"{name}_constant", f"{name}_scaled"
        jobs[constant] = partial(
            train,
            name,
            CONSTANT_RATE,
            settings,
            run_dir / constant,
            schedule="constant",
            clip_norm=None,
        )
        jobs[scaled] = partial(train, name, rates[name], settings, run_dir / scaled, scaled=True)
    for length in reversed(LENGTHS):
        key = f"length_{length}"
        jobs[key] = partial(train, MAIN.name, rate, settings, run_dir / key, length=length)
    metrics: dict[str, Any] = {name: base.value(name) for name in NAMES}
    return {
        "config": settings
        | {"lengths": LENGTHS, "longer": longer["n_steps"], "constant_rate": CONSTANT_RATE},
        "metrics": metrics | in_parallel(jobs),
    }


EXPERIMENTS = (Experiment(name="element_finder_training", run=run, rules=TRAINING_RULES),)
