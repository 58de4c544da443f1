"""N13, R6 and R16: who remembers one element of many?

Seven networks of about 500 parameters, an attention reader and two variants learn Element Finder
on fresh sequences, all with one schedule and one budget. The peak learning rate of each is chosen
on lists of ten, with seeds that are not used again: on lists of 25 nothing is learnt in the time
that tuning can take. What counts are the parameters at the end of the training, on one fixed test
set; the released code keeps the best of 20,000 noisy batches instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import Experiment, remember
from nmcourse.experiments.contenders import Contender, ship_all
from nmcourse.experiments.element_finder.networks import (
    ALL_GAINS,
    ALL_NETWORKS,
    ATTENTION,
    BATCH,
    LENGTH,
    MAIN,
    NETWORKS,
    ScaledFinder,
    errors_on_lists,
    thinned,
)
from nmcourse.experiments.element_finder.rules import RULES
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.tasks import ElementFinder
from nmcourse.training import FitManyResult, fit_many, for_tier, save_tensors

COMMAND = "python -m nmcourse.claims run N13 --course-budget"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 10_000,
        "n_seeds": 5,
        "rates": [1e-2, 3e-2, 1e-1],
        "tuning_length": 10,
        "tuning_steps": 2000,
        "tuning_seeds": [1000, 1001],
    },
    "smoke": {
        "n_steps": 20,
        "n_seeds": 2,
        "rates": [3e-3, 1e-2],
        "tuning_length": 10,
        "tuning_steps": 10,
        "tuning_seeds": [1000],
    },
}
SETTINGS["gpu"] = at_paper_scale("element_finder", SETTINGS["cpu"])
AS_THE_MAIN_ONE = ("nm_rnn_5_13_12", "nm_rnn_10_12_7", ALL_GAINS.name)  # in their peak rate


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune each kind of network, train every one; resumes after a kill."""
    settings = for_tier(tier, SETTINGS)
    tuned = [name for name in NETWORKS if name not in AS_THE_MAIN_ONE]
    tuning = in_parallel({name: partial(_tune, name, settings, run_dir) for name in tuned})
    rates = {name: best_rate(tuning.get(name, tuning[MAIN.name])) for name in NETWORKS}
    metrics: dict[str, Any] = in_parallel(
        {name: partial(train, name, rates[name], settings, run_dir / name) for name in NETWORKS}
    )
    for name, network in NETWORKS.items():
        metrics[name]["n_parameters"] = network.n_parameters()
        if name in tuning:
            metrics[name]["tuning"] = tuning[name]
    if tier != "smoke":
        medians = {key: key for key in ("error", "exact")}
        ship_all(NETWORKS.values(), run_dir, metrics, command=COMMAND, medians=medians)
    return {"config": settings | {"batch": BATCH, "length": LENGTH}, "metrics": metrics}


def best_rate(tuning: Mapping[str, Sequence[float]]) -> float:
    """The rate with the smallest mean loss of the tuning seeds."""
    means = {rate: sum(losses) / len(losses) for rate, losses in tuning.items()}
    return float(min(means, key=means.__getitem__).removeprefix("rate_").replace("_", "."))


def _tune(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, list[float]]:
    """Loss of each tuning seed under each rate, on short lists.

    The attention reader, cheap as it is, is tuned on lists of 25 for the whole budget: a rate that
    suits it on short lists, or for a short time, ruins it here. The loss is the mean over the last
    tenth of the steps; a seed that diverges counts as 1e9.
    """
    length, n_steps = settings["tuning_length"], settings["tuning_steps"]
    if name == ATTENTION.name:
        length, n_steps = LENGTH, settings["n_steps"]

    def losses_under(rate: float) -> list[float]:
        result = _fit(
            NETWORKS[name],
            ElementFinder(length),
            rate,
            seeds=settings["tuning_seeds"],
            n_steps=n_steps,
        )
        losses = result.losses[-max(1, n_steps // 10) :].mean(dim=0).tolist()
        return [
            1e9 if seed in result.diverged else loss
            for seed, loss in zip(result.seeds, losses, strict=True)
        ]

    what_counts = {
        "tuning_length": length,
        "tuning_steps": n_steps,
        "tuning_seeds": settings["tuning_seeds"],
    }
    return {
        f"rate_{rate:g}".replace(".", "_"): remember(
            run_dir / name / f"tuning_{rate:g}.json",
            partial(losses_under, rate),
            {"rate": rate, **what_counts},
        )
        for rate in settings["rates"]
    }


def train(
    name: str,
    rate: float,
    settings: Mapping[str, Any],
    folder: Path,
    *,
    length: int = LENGTH,
    scaled: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Train the seeds that count of one network and measure them.

    Weights and checkpoint stay in ``folder``. With ``keep_best=True`` the parameters of the best
    batch are measured and kept as well, under ``best``.
    """
    network = ALL_NETWORKS[name]
    what_counts = {key: settings[key] for key in ("n_steps", "n_seeds")}

    def measured() -> dict[str, Any]:
        result = _fit(
            network,
            (ScaledFinder if scaled else ElementFinder)(length),
            rate,
            seeds=settings["n_seeds"],
            n_steps=settings["n_steps"],
            checkpoint=folder / f"checkpoint_{rate:g}.pt",
            **options,
        )
        save_tensors(folder / "weights.pt", [model.state_dict() for model in result.models])
        found = errors_on_lists(result.models, length=length, scaled=scaled) | {
            "curve": thinned(result.losses),
            "diverged": sorted(result.diverged),
            "learning_rate": rate,
        }
        if options.get("keep_best"):
            for model, best in zip(result.models, result.best, strict=True):
                model.load_state_dict(best, strict=False)
            states = [model.state_dict() for model in result.models]
            save_tensors(folder / "best" / "weights.pt", states)
            found["best"] = errors_on_lists(result.models, length=length, scaled=scaled)
        return found

    part: dict[str, Any] = remember(
        folder / "measured.json",
        measured,
        {"rate": rate, "length": length, "scaled": scaled, **what_counts, **options},
    )
    return part


def _fit(
    network: Contender,
    task: ElementFinder,
    rate: float,
    *,
    seeds: Sequence[int] | int,
    **options: Any,
) -> FitManyResult:
    return fit_many(
        network.build,
        task,
        seeds=seeds,
        learning_rate=rate,
        batch_size=BATCH,
        progress=False,
        **options,
    )


EXPERIMENTS = (
    Experiment(
        name="element_finder",
        run=run,
        rules=RULES,
        ships=tuple(network.weights for network in NETWORKS.values()),
    ),
)
