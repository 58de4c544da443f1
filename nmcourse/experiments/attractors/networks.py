"""Four families of networks on five cognitive tasks, tuned and trained alike.

Each family and task has its own peak learning rate, the better of the same few on seeds that are
not used again; the budget is one for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.experiments.contenders import Contender
from nmcourse.experiments.training_runs import trained_models, tune_and_train
from nmcourse.models import RecurrentModel
from nmcourse.tasks import (
    CognitiveTask,
    DelayedComparison,
    FlipFlop,
    MemoryGuided,
    MultisensoryDecision,
    PerceptualDecision,
)

FAMILIES = ("dense", "sparse", "low_rank", "conv")
TASKS: dict[str, CognitiveTask] = {
    "perceptual": PerceptualDecision(),
    "multisensory": MultisensoryDecision(),
    "memory_ring": MemoryGuided("ring"),
    "comparison": DelayedComparison(),
    "flip_flop": FlipFlop(),
}
MEMORIES: dict[str, MemoryGuided] = {
    f"memory_{stimuli}": MemoryGuided(stimuli) for stimuli in ("ring", "line", "points")
}
LONGER: dict[str, MemoryGuided] = {
    f"memory_{stimuli}_longer": MemoryGuided(stimuli, longest_delay=1800.0)
    for stimuli in ("ring", "line", "points")
}
_ALL: dict[str, CognitiveTask] = TASKS | MEMORIES | LONGER
NAMED = ("perceptual", "multisensory", "memory_ring")  # the paper names these; two are ours
N_TEST = 500
CPU: dict[str, Any] = {
    "n_units": 125,
    "n_seeds": 10,
    "n_steps": 300,
    "batch_size": 32,
    "rates": [1e-2, 2e-2],
    "tuning_seeds": [100, 101],
    "tuning_steps": 150,
}
SMOKE: dict[str, Any] = CPU | {
    "n_seeds": 2,
    "n_steps": 1,
    "batch_size": 2,
    "rates": [1e-2],
    "tuning_seeds": [100],
    "tuning_steps": 1,
}


def contender(task: str, family: str, n_units: int = 125) -> Contender:
    """A family on a task."""
    asked = _ALL[task]
    return Contender(
        f"{task}_{family}",
        "cognitive_rnn",
        family.replace("_", "-"),
        {
            "family": family,
            "n_inputs": asked.n_inputs,
            "n_outputs": asked.n_outputs,
            "n_units": n_units,
        },
        prefix="cognitive",
    )


def trained(task: str, family: str, settings: Mapping[str, Any], run_dir: Path) -> dict[str, Any]:
    """Tune and train one family on one task; a killed run goes on with what is left.

    Returns:
        ``right`` (share of right trials of each seed), ``learning_rate``, ``tuning``,
        ``n_parameters``; the networks are then in :func:`networks`.
    """
    entered = contender(task, family, settings["n_units"])
    folder = run_dir / entered.name
    folder.mkdir(parents=True, exist_ok=True)
    found = tune_and_train(
        entered.build,
        _ALL[task],
        partial(_measure, task),
        settings=settings,
        folder=folder,
        batch_size=settings["batch_size"],
    )
    return found | {"n_parameters": entered.n_parameters()}


def networks(
    task: str, family: str, settings: Mapping[str, Any], run_dir: Path
) -> list[RecurrentModel]:
    """The networks that :func:`trained` left, by seed."""
    entered = contender(task, family, settings["n_units"])
    models = trained_models(entered.build, run_dir / entered.name)
    return [model for model in models if isinstance(model, RecurrentModel)]


def untrained(task: str, family: str, settings: Mapping[str, Any]) -> list[RecurrentModel]:
    """The same networks with the weights that they started from."""
    build = contender(task, family, settings["n_units"]).build
    models = [build(torch.Generator().manual_seed(seed)) for seed in range(settings["n_seeds"])]
    return [model for model in models if isinstance(model, RecurrentModel)]


def learnt(task: str, right: Sequence[float]) -> list[int]:
    """Seeds that reach the level of the task, which was fixed beforehand."""
    level = _ALL[task].level
    return [seed for seed, share in enumerate(right) if share >= level]


@torch.no_grad()
def probe_states(model: RecurrentModel, task: str) -> Tensor:
    """States (condition, time, unit) on the probe of a task."""
    trials = TASKS[task].probe()
    states = model(trials.inputs.to(next(model.parameters()).dtype)).states
    assert states is not None
    return states


@torch.no_grad()
def _measure(task: str, models: Sequence[nn.Module]) -> dict[str, list[float]]:
    """Share of right trials of each network, on noisy trials that it did not learn from."""
    asked = _ALL[task]
    test = asked.sample(N_TEST, generator=torch.Generator().manual_seed(12345))
    return {
        "right": [
            float(asked.right(model(test.inputs).outputs, test).double().mean()) for model in models
        ]
    }
