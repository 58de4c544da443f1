"""N9 to N12, R8 and R9 at the budget of the paper: 100,000 steps, and 50,000 on a fourth task.

*As published*: the sizes of the paper, recurrence of the baselines over N, the signs of L as the QR
decomposition gives them, percent correct with the arctan of the released code. *Under a fair
control*: recurrence of equal strength, the sizes of the paper and sizes with as many parameters,
LSTMs that start with an open forget gate, and the full angle. Every network learns 3,000 fixed
trials (1,000 of each task, as the authors say) without the input noise that the released scripts
give the baselines by default, in batches of 100, at a constant rate of 0.001 with elementwise
clipping and moments that are forgotten every 1,000 steps, and keeps its best block; the fourth task
has 1,000 trials and the rate 0.01. What the NM-RNNs that learned the three tasks hold in mind is
measured as in ``multitask_states``, and for N11 and N12 in the same networks before training too:
that is their fair control.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.block_training import Arm, Stages, networks_of, train_in_blocks
from nmcourse.experiments.contenders import Contender
from nmcourse.experiments.multitask.networks import (
    ALL,
    NEW,
    NM_RNN,
    TRAINED,
    accuracy_by_task,
    mean_over_tasks,
    n_retrained,
)
from nmcourse.experiments.multitask.published_budget_rules import LEARNED, NETWORKS, RULES
from nmcourse.experiments.multitask.states import gains, memory, ring, sign_pattern
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import WEIGHT_DECAY
from nmcourse.experiments.training_runs import in_parallel, ship
from nmcourse.tasks import DelayedResponse, Trials
from nmcourse.training import for_tier, kept_parts, load_tensors, with_new_context

COMMAND = "python -m nmcourse.claims run N9 --published-budget"
RATE, RETRAINING_RATE, PER_TASK, DATA_SEED = 1e-3, 1e-2, 1000, 13
CURVE = (1, 2, 5, 10, 20, 30, 50, 70, 100)
# The released code averages the loss over the three outputs, and this package adds them: gradients
# three times as large, which AdamW does not see, but clipping does.
CLIP = 3.0
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_seeds": 10,
        "n_steps": 100_000,
        "retraining_steps": 50_000,
        "block": 1000,
        "batch_size": 100,
        "per_task": PER_TASK,
    },
    "smoke": {
        "n_seeds": 2,
        "n_steps": 4,
        "retraining_steps": 2,
        "block": 2,
        "batch_size": 10,
        "per_task": 20,
    },
}
SETTINGS["gpu"] = at_paper_scale("multitask_published_budget", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and retrain every network block by block; resumes after a kill."""
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_train, name, settings, run_dir / name) for name in NETWORKS}
    metrics: dict[str, Any] = in_parallel(jobs)
    if tier != "smoke":
        for name in NETWORKS:
            _ship(NETWORKS[name], run_dir / name, metrics[name])
    percent = mean_over_tasks(metrics[NM_RNN.name]["trained"], "arctan2")
    learned = [k for k, value in enumerate(percent) if value >= LEARNED]
    used = learned or list(range(len(percent)))
    metrics |= remember(
        run_dir / "states.json", partial(_states, used, run_dir / NM_RNN.name), settings
    )
    return {"config": settings | {"n_learned": len(learned)}, "metrics": metrics}


def data(tasks: Sequence[str], per_task: int) -> Trials:
    """The fixed trials that a network learns from."""
    contexts = ALL if NEW in tasks else TRAINED
    task = DelayedResponse(tasks, contexts=contexts)
    return task.balanced(per_task, generator=torch.Generator().manual_seed(DATA_SEED))


def percents(models: Sequence[nn.Module], tasks: Sequence[str] = TRAINED) -> dict[str, Any]:
    """Percent correct with the full angle, for a curve: task -> one entry per network."""
    return {task: found["arctan2"] for task, found in accuracy_by_task(models, tasks).items()}


def _arm(network: Contender, stages: Stages, n_context: int = len(TRAINED)) -> Arm:
    kwargs = {**network.kwargs, "n_context": n_context}
    return Arm(network.name, network.builder, network.label, kwargs, stages=stages)


def _trained(name: str, settings: dict[str, Any]) -> tuple[Arm, dict[str, Any]]:
    """An arm of the three tasks, and the settings of its blocks."""
    own = {"n_seeds": settings["n_seeds"], "block": settings["block"], "scale": 1.0}
    return _arm(NETWORKS[name], [(settings["n_steps"], RATE, ())]), own


def _train(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Three tasks, then the fourth, with every seed of one network."""
    part: dict[str, Any] = remember(
        folder / "measured.json", partial(_measure, name, settings, folder), settings
    )
    return part


def _measure(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    network = NETWORKS[name]
    arm, own = _trained(name, settings)
    options = {
        "settings": own,
        "curve": CURVE,
        "batch_size": settings["batch_size"],
        "weight_decay": WEIGHT_DECAY,
        "clip_value": CLIP,
    }
    kept = train_in_blocks(
        arm, data(TRAINED, settings["per_task"]), percents, path=folder / "state.pt", **options
    )
    models: Any = networks_of(arm, kept["best"])
    wider: list[Any] = [with_new_context(model) for model in models]
    stages = [(settings["retraining_steps"], RETRAINING_RATE, kept_parts(wider[0]))]
    again = _arm(network, stages, len(ALL))
    before = accuracy_by_task(wider, [NEW])
    rekept = train_in_blocks(
        again,
        data([NEW], settings["per_task"]),
        partial(percents, tasks=[NEW]),
        path=folder / "retraining.pt",
        start=wider,
        **options,
    )
    return {
        "trained": accuracy_by_task(models),
        "before_retraining": before,
        "retrained": accuracy_by_task(networks_of(again, rekept["best"]), ALL),
        "curve": _curve(kept),
        "retraining_curve": _curve(rekept),
        "n_parameters": network.n_parameters(),
        "n_retrained": n_retrained(network),
    }


def _curve(kept: dict[str, Any]) -> dict[str, Any]:
    return {f"block_{block}": found for block, found in kept["curve"].items()}


def _stored(network: Contender, folder: Path) -> tuple[list[nn.Module], list[nn.Module]]:
    """The best networks of an arm, before and after the fourth task."""
    return (
        networks_of(_arm(network, ()), load_tensors(folder / "state.pt")["best"]),
        networks_of(_arm(network, (), len(ALL)), load_tensors(folder / "retraining.pt")["best"]),
    )


def _states(used: list[int], folder: Path) -> dict[str, Any]:
    """What the NM-RNNs hold in mind, and what their gains are worth."""
    before, after = ([models[k] for k in used] for models in _stored(NM_RNN, folder))
    untrained: Any = [NM_RNN.build(torch.Generator().manual_seed(seed)) for seed in used]
    models: Any = before
    return {
        "ring": {"trained": ring(models), "untrained": ring(untrained)},
        "memory": {
            "trained": memory(models),
            "untrained": memory(untrained),
            "mean_gains": memory(models, mean_gains=True),
            "modulator": memory(models, of="modulator_states"),
        },
        "sign": sign_pattern(models),
        "sign_untrained": sign_pattern(untrained),
        "gains": gains(models, after),  # type: ignore[arg-type]
    }


def weights_of(network: Contender) -> tuple[str, str]:
    """Names of the pretrained weights of a network, before and after the fourth task."""
    weights = f"mt_published_{network.name}"
    return weights, f"{weights}_retrained"


def _ship(network: Contender, folder: Path, measured: dict[str, Any]) -> None:
    """Weights before and after the fourth task."""
    for weights, models, n_context, part, tasks in zip(
        weights_of(network),
        _stored(network, folder),
        (len(TRAINED), len(ALL)),
        ("trained", "retrained"),
        (TRAINED, (NEW,)),
        strict=True,
    ):
        ship(
            weights,
            models,
            builder=network.stored_builder,
            kwargs=plain({**network.kwargs, "n_context": n_context}),
            command=COMMAND,
            metrics={
                f"{task}_percent_correct_median": measured[part][task]["arctan2"] for task in tasks
            },
        )


EXPERIMENTS = (
    Experiment(
        name="multitask_published_budget",
        run=run,
        rules=RULES,
        ships=tuple(weights for network in NETWORKS.values() for weights in weights_of(network)),
    ),
)
