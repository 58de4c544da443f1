"""N9, N10 and R9: three tasks with one network, then a fourth.

Every network learns DelayPro, DelayAnti and MemoryPro with one optimiser and one budget; its peak
learning rate is chosen on two seeds that are not used again. Then a context channel for MemoryAnti
is added, and a part of the network is retrained: the modulator of the NM-RNN, the input weights of
the others. Accuracy is read with the full angle (arctan2) and as in the released code (arctan),
which takes opposite answers for equal; the loss stands beside both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.contenders import Contender
from nmcourse.experiments.multitask.comparison_rules import RULES
from nmcourse.experiments.multitask.networks import (
    ALL,
    NETWORKS,
    NEW,
    TRAINED,
    accuracy_by_task,
    n_retrained,
)
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel, ship, trained_models, tune_and_train
from nmcourse.tasks import DelayedResponse
from nmcourse.training import (
    fit_many,
    for_tier,
    kept_parts,
    load_tensors,
    save_tensors,
    with_new_context,
)

COMMAND = "python -m nmcourse.claims run N9 --course-budget"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 20000,
        "retraining_steps": 10000,
        "n_seeds": 10,
        "rates": [3e-3, 1e-2, 3e-2],
        "tuning_steps": 2000,
        "tuning_seeds": [1000, 1001],
        "batch_size": 30,
        "retraining_rate": 1e-2,
    },
    "smoke": {
        "n_steps": 20,
        "retraining_steps": 10,
        "n_seeds": 2,
        "rates": [1e-2],
        "tuning_steps": 5,
        "tuning_seeds": [1000],
        "batch_size": 5,
        "retraining_rate": 1e-2,
    },
}
SETTINGS["gpu"] = at_paper_scale("multitask", SETTINGS["cpu"])
_LONGEST_FIRST = (
    *("nm_rnn", "lstm_matched", "low_rank_rnn", "low_rank_rnn_matched", "low_rank_rnn_over_n"),
    *("lstm", "vanilla_rnn_matched", "vanilla_rnn", "vanilla_rnn_over_n"),
)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune, train and retrain every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_train, name, settings, str(run_dir)) for name in _LONGEST_FIRST}
    metrics: dict[str, Any] = in_parallel(jobs)
    if tier != "smoke":
        for name, network in NETWORKS.items():
            _ship(network, metrics[name], run_dir / name)
    return {"config": settings, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], run_dir: str) -> dict[str, Any]:
    """Three tasks, then the fourth, with every seed of one network."""
    network, folder = NETWORKS[name], Path(run_dir) / name
    trained = tune_and_train(
        network.build,
        DelayedResponse(TRAINED),
        lambda models: {"tasks": accuracy_by_task(models)},
        settings=settings,
        folder=folder,
        batch_size=settings["batch_size"],
    )
    retrained = remember(
        folder / "retrained.json", partial(_retrain, network, settings, folder), settings
    )
    return {
        "trained": trained.pop("tasks"),
        **trained,
        "loss_at": _late_losses(folder / "checkpoint.pt", settings["n_steps"]),
        **retrained,
        "n_parameters": network.n_parameters(),
        "n_retrained": n_retrained(network),
    }


def _retrain(network: Contender, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The new task: a context channel more, and only some weights free."""
    models: Sequence[Any] = trained_models(network.build, folder)
    wider: list[nn.Module] = [with_new_context(model) for model in models]
    before = accuracy_by_task(wider, [NEW])
    path = folder / "retraining.pt"
    result = fit_many(
        wider,
        DelayedResponse([NEW], contexts=ALL),
        n_steps=settings["retraining_steps"],
        learning_rate=settings["retraining_rate"],
        batch_size=settings["batch_size"],
        freeze=kept_parts(wider[0]),
        checkpoint=path,
        progress=False,
    )
    (folder / "retrained").mkdir(exist_ok=True)
    save_tensors(folder / "retrained" / "weights.pt", [m.state_dict() for m in result.models])
    measured: dict[str, Any] = plain(
        {
            "before_retraining": before,
            "retrained": accuracy_by_task(result.models, ALL),
            "retraining_loss_at": _late_losses(path, settings["retraining_steps"]),
            "retraining_diverged": sorted(result.diverged),
        }
    )
    return measured


def _late_losses(checkpoint: Path, n_steps: int) -> dict[str, list[float]]:
    """Training loss of each seed at 80, 90 and 100 % of the steps, mean of the 50 steps before."""
    losses = load_tensors(checkpoint)["losses"]
    ends = {f"percent_{share}": n_steps * share // 100 for share in (80, 90, 100)}
    return {name: losses[max(0, end - 50) : end].mean(dim=0).tolist() for name, end in ends.items()}


def weights_of(network: Contender) -> tuple[str, str]:
    """Names of the pretrained weights of a network, before and after the fourth task."""
    return network.weights, f"{network.weights}_retrained"


def _ship(network: Contender, measured: dict[str, Any], folder: Path) -> None:
    """Weights before and after the fourth task."""
    for weights, suffix, n_context, part in zip(
        weights_of(network), ("", "retrained"), (3, 4), ("trained", "retrained"), strict=True
    ):
        wide = replace(network, kwargs={**network.kwargs, "n_context": n_context})
        names = {"trained": TRAINED, "retrained": (NEW,)}[part]
        ship(
            weights,
            trained_models(wide.build, folder / suffix),
            builder=wide.stored_builder,
            kwargs=wide.kwargs,
            command=COMMAND,
            metrics={
                f"{task}_percent_correct_median": measured[part][task]["arctan2"] for task in names
            },
        )


EXPERIMENTS = (
    Experiment(
        name="multitask",
        run=run,
        ships=tuple(weights for network in NETWORKS.values() for weights in weights_of(network)),
        rules=RULES,
    ),
)
