"""F22: do four families move alike on the ring task, by dynamical similarity analysis?

The shapes of C3 say where states are, not how they move. Here the networks that learnt the ring,
five of each family, are compared by the linear maps that take their past to their next state
(``analysis.dynamical_distances``), and families again by the ratio to seeds of one. The networks
are those that C3 ships. It needs the extra ``similarity``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import dynamical_distances
from nmcourse.evidence import Experiment, LedgerError, remember
from nmcourse.experiments.attractors.computation_rules import MOVING_RULES
from nmcourse.experiments.attractors.networks import FAMILIES, contender, learnt, probe_states
from nmcourse.experiments.attractors.same_computation import compare_families
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import RecurrentModel
from nmcourse.tasks import MemoryGuided
from nmcourse.training import for_tier

TASK = "memory_ring"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_networks": 5, "n_iterations": 300, "n_draws": 2000},
    "smoke": {"n_networks": 2, "n_iterations": 2, "n_draws": 20},
}
SETTINGS["gpu"] = at_paper_scale("moving_alike", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Compare the shipped networks.

    Raises:
        LedgerError: ``dsa-metric`` is not installed.
    """
    settings = for_tier(tier, SETTINGS)
    found = remember(run_dir / "compared.json", partial(_compared, settings), settings)
    return {"config": settings, "metrics": found}


@torch.no_grad()
def _compared(settings: dict[str, Any]) -> dict[str, Any]:
    task = MemoryGuided("ring")
    test = task.sample(500, generator=torch.Generator().manual_seed(12345))
    states: list[Tensor] = []
    members: dict[str, range] = {}
    for family in FAMILIES:
        models = pretrained.load_all(contender(TASK, family).weights, kind=RecurrentModel)  # type: ignore[type-abstract]
        right = [
            float(task.right(model(test.inputs).outputs, test).double().mean()) for model in models
        ]
        chosen = learnt(TASK, right)[: settings["n_networks"]]
        members[family] = range(len(states), len(states) + len(chosen))
        states += [probe_states(models[seed], TASK) for seed in chosen]
    try:
        distances = dynamical_distances(states, n_iterations=settings["n_iterations"])
    except ImportError as error:
        raise LedgerError(str(error)) from error
    counted = {"n_networks": {name: len(of) for name, of in members.items()}}
    return counted | compare_families(distances, members, settings["n_draws"])


EXPERIMENTS = (Experiment(name="moving_alike", run=run, rules=MOVING_RULES),)
