"""C3: do four families of networks find the same solution of five tasks, or only one each?

Dense, sparse, low-rank and convolutional networks of 125 units learn five tasks, ten seeds each.
On the probe of a task (every condition, no noise) their states are trajectories, and the distance
of two networks is taken after the best rotation of units: SciPy's Procrustes disparity, as in the
paper, and the angle between shapes, a metric. Two kinds of network give these numbers a meaning:

    untrained  the same networks with the weights they started from: what inputs alone make alike
    seeds      two networks of one family: what families that do the same would differ by
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from nmcourse.analysis import distance_matrix, family_ratio
from nmcourse.evidence import Experiment, remember
from nmcourse.experiments.attractors.computation_rules import RULES
from nmcourse.experiments.attractors.networks import (
    CPU,
    FAMILIES,
    SMOKE,
    TASKS,
    contender,
    learnt,
    networks,
    probe_states,
    trained,
    untrained,
)
from nmcourse.experiments.contenders import ship_all
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run C3"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": CPU | {"n_draws": 2000},
    "smoke": SMOKE | {"n_draws": 20},
}
SETTINGS["gpu"] = at_paper_scale("same_computation", SETTINGS["cpu"])
MEASURES: tuple[Literal["angle", "procrustes"], ...] = ("procrustes", "angle")
SHIPPED = (
    *(("memory_ring", family) for family in FAMILIES),
    ("perceptual", "low_rank"),
    ("perceptual", "conv"),
)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train every family on every task, then compare; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics: dict[str, Any] = {}
    for task in TASKS:
        found: dict[str, Any] = {
            family: trained(task, family, settings, run_dir) for family in FAMILIES
        }
        compared = partial(_compared, task, found, settings, run_dir, everybody=tier == "smoke")
        metrics[task] = found | remember(run_dir / f"{task}.json", compared, settings)
    if tier != "smoke":
        for task, family in SHIPPED:
            entered = contender(task, family, settings["n_units"])
            ship_all(
                [entered],
                run_dir,
                {entered.name: metrics[task][family]},
                command=COMMAND,
                medians={"right_median": "right"},
            )
    return {"config": settings, "metrics": metrics}


def _compared(
    task: str,
    found: Mapping[str, Any],
    settings: Mapping[str, Any],
    run_dir: Path,
    *,
    everybody: bool,
) -> dict[str, Any]:
    """Distances of the networks that learnt a task, and of untrained ones.

    Args:
        task: of ``TASKS``.
        found: family -> what its training gave.
        settings: of the experiment.
        run_dir: where the networks are.
        everybody: also take networks that have not learnt the task.
    """
    states: list[Tensor] = []
    members: dict[str, range] = {}
    for family in FAMILIES:
        models = networks(task, family, settings, run_dir)
        seeds = list(range(len(models))) if everybody else learnt(task, found[family]["right"])
        members[family] = range(len(states), len(states) + len(seeds))
        states += [probe_states(models[seed], task) for seed in seeds]
    n_trained = len(states)
    for family in FAMILIES:
        models = untrained(task, family, settings)
        members[f"untrained_{family}"] = range(len(states), len(states) + len(models))
        states += [probe_states(model, task) for model in models]
    if n_trained < 2:
        return {"distances": {}, "to_dense": {}}
    distances = {name: distance_matrix(states, name) for name in MEASURES}
    return {
        "distances": {
            name: compare_families(matrix, members, settings["n_draws"])
            for name, matrix in distances.items()
        },
        "to_dense": {
            name: _to_dense(distances["procrustes"], family, members["dense"])
            for name, family in members.items()
        },
    }


def compare_families(
    matrix: Tensor, members: Mapping[str, Sequence[int]], n_draws: int
) -> dict[str, dict[str, float]]:
    """Every pair of families beside the seeds of one; families with a pair of networks or more.

    Args:
        matrix: distances of all networks, (network, network).
        members: family -> the places of its networks.
        n_draws: how often networks are drawn again.
    """
    found = {}
    for first, second in combinations(FAMILIES, 2):
        if min(len(members[first]), len(members[second])) < 2:
            continue
        source = torch.Generator().manual_seed(0)
        ratio = family_ratio(
            matrix, members[first], members[second], n_draws=n_draws, generator=source
        )
        low, high = ratio.interval()
        found[f"{first}-{second}"] = {
            "between": ratio.between,
            "within": ratio.within,
            "ratio": ratio.ratio,
            "low": low,
            "high": high,
        }
    return found


def _to_dense(matrix: Tensor, family: Sequence[int], dense: Sequence[int]) -> list[float]:
    """Mean distance of each network of a family to the dense ones, itself left out."""
    rows = [[float(matrix[k, j]) for j in dense if j != k] for k in family]
    return [sum(row) / len(row) for row in rows if row]


EXPERIMENTS = (
    Experiment(
        name="same_computation",
        run=run,
        rules=RULES,
        ships=tuple(contender(*pair).weights for pair in SHIPPED),
    ),
)
