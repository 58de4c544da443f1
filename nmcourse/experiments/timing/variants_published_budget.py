"""R2, R3 and R10 at a budget at which the paper's size learns: 20,000 steps of the released loop.

The networks of ``variants``: gains of another shape, sparse terms, and every pair of rank 1, 2, 3
or 5 with 2, 5 or 10 modulator units. All are trained as a whole, at a constant rate of 0.01, with
elementwise clipping and moments that are forgotten every 1,000 steps. The paper took 70,000 steps;
what a network reaches is measured after some of the blocks, so that the map can be read at any
budget up to here. Sparse terms have no compiled loop: five seeds of them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import Experiment, remember
from nmcourse.experiments.block_training import Arm, networks_of, train_in_blocks
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import WEIGHT_DECAY, trained_and_extrapolated
from nmcourse.experiments.timing.variants import PAIRS, VARIANTS, measure
from nmcourse.experiments.timing.variants_published_budget_rules import RULES
from nmcourse.experiments.training_runs import in_parallel, ship
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run R2 --published-budget"
WHOLE = [(20_000, 1e-2, ())]
_NAMES = [name for name in VARIANTS | PAIRS if name != "sparse"] + ["sparse"]  # the slow one last
ARMS = {
    name: Arm(name, network.builder, network.label, network.kwargs, stages=WHOLE)
    for name in _NAMES
    for network in [(VARIANTS | PAIRS)[name]]
}
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "n_sparse": 5, "block": 1000, "scale": 1.0},
    "smoke": {"n_seeds": 2, "n_sparse": 2, "block": 3, "scale": 3e-4},
}
SETTINGS["gpu"] = at_paper_scale("variants_published_budget", SETTINGS["cpu"])


def weights_of_variant(name: str) -> str:
    """Name of the pretrained weights of a variant."""
    return f"mwg_published_variant_{name}"


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train every network block by block; resumes after a kill."""
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_train, name, settings, run_dir / name, tier) for name in ARMS}
    metrics: dict[str, Any] = in_parallel(jobs)
    steps = WHOLE[0][0] if tier != "smoke" else settings["block"]
    config = settings | {"n_steps": steps, "weight_decay": WEIGHT_DECAY}
    return {"config": config, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], folder: Path, tier: str) -> dict[str, Any]:
    arm = ARMS[name]
    own = settings | {"n_seeds": settings["n_sparse" if name == "sparse" else "n_seeds"]}

    def measured() -> dict[str, Any]:
        kept = train_in_blocks(
            arm,
            MeasureWaitGo(),
            trained_and_extrapolated,
            settings=own,
            path=folder / "state.pt",
            weight_decay=WEIGHT_DECAY,
        )
        models = networks_of(arm, kept["best"])
        found = measure(models) | {
            "curve": {f"block_{block}": errors for block, errors in kept["curve"].items()},
            "n_parameters": arm.n_parameters(),
        }
        if tier != "smoke" and name in VARIANTS:
            ship(
                weights_of_variant(name),
                models,
                builder=arm.stored_builder,
                kwargs=arm.kwargs,
                command=COMMAND,
                metrics={"trained_mse_median": found["trained"]},
            )
        return found

    part: dict[str, Any] = remember(folder / "measured.json", measured, own)
    return part


EXPERIMENTS = (
    Experiment(
        name="variants_published_budget",
        run=run,
        rules=RULES,
        ships=tuple(map(weights_of_variant, VARIANTS)),
    ),
)
