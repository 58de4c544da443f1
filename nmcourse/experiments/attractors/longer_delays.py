"""F21: do memories become attractors when the training asks them to last?

The convolutional networks of C4 knew delays of 600 ms at most, and what they held was gone after
ten of these. Here delays go up to 1800 ms, and the training has twice as many steps; all else is as
it was. The networks are then held for as long as those of C4, 6 s.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.attractors.memory_shapes import FAMILY, line, points, ring
from nmcourse.experiments.attractors.networks import (
    CPU,
    LONGER,
    SMOKE,
    contender,
    networks,
    trained,
)
from nmcourse.experiments.attractors.shape_rules import LONGER_RULES
from nmcourse.experiments.contenders import ship_all
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run F21"
HELD = 6000.0  # ms, ten of the longest delays of C4
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": CPU
    | {
        "n_seeds": 6,
        "n_steps": 600,
        "n_places": 24,
        "n_iterations": 60,
        "n_rates": 8,
        "held": HELD,
    },
    "smoke": SMOKE | {"n_places": 6, "n_iterations": 2, "n_rates": 3, "held": 200.0},
}
SETTINGS["gpu"] = at_paper_scale("longer_delays", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train on longer delays and hold; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics: dict[str, Any] = {}
    for task in LONGER:
        found = trained(task, FAMILY, settings, run_dir)
        measure = partial(_measured, task, settings, run_dir)
        metrics[task.removesuffix("_longer")] = found | remember(
            run_dir / f"{task}.json", measure, settings
        )
        if tier != "smoke":
            entered = contender(task, FAMILY, settings["n_units"])
            ship_all(
                [entered],
                run_dir,
                {entered.name: found},
                command=COMMAND,
                medians={"right_median": "right"},
            )
    return {"config": settings, "metrics": metrics}


def _measured(task: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Each measure of a set of stimuli, one entry for each network."""
    asked = LONGER[task]
    measure = {"ring": ring, "line": line, "points": points}[asked.stimuli]
    held = settings | {"n_delays": settings["held"] / asked.longest_delay}
    rows = [measure(model, asked, held) for model in networks(task, FAMILY, settings, run_dir)]
    return {name: plain([row[name] for row in rows]) for name in rows[0]}


EXPERIMENTS = (
    Experiment(
        name="longer_delays",
        run=run,
        rules=LONGER_RULES,
        ships=tuple(contender(task, FAMILY).weights for task in LONGER),
    ),
)
