"""C13: which eye does a network need that decides from films? Five kinds, four tasks.

Every network of a task sees the same kind of films and is tuned, trained and asked alike:

    score        share of new trials that are right (the drawn mixture of difficulties)
    numerosity   share right for each number, and in trials of equal dots and of equal light
    morphs, dots share of choices of 1 for each strength; median time to the bound, and the share of
                 trials that pass it, for each size of the strength
    spot         median error of the angle in degrees, for delays inside and beyond training
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.analysis import chronometric_curve, reaction_times
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.from_pixels.networks import (
    KINDS,
    SHIPPED,
    as_recurrent,
    contender,
    ship_network,
    tasks,
    train_eyes,
)
from nmcourse.experiments.from_pixels.rules import RULES
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel, tune_and_train
from nmcourse.tasks import (
    ChoiceTask,
    FilmTask,
    Numerosity,
    SpotDelayedResponse,
    Trials,
    correct_trials,
    decode_angle,
)
from nmcourse.training import for_tier

BOUND = 0.5  # half of the target of a choice
DELAYS = (100.0, 200.0, 300.0, 600.0, 1200.0)  # ms; the last two are longer than any trained one
N_ANGLES = 64  # for each of them
SEED = 4242  # of the trials that networks are asked
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "size": 16,
        "n_seeds": 5,
        "n_steps": 500,
        "batch_size": 32,
        "rates": [1e-3, 3e-3, 1e-2],
        "tuning_seeds": [100],
        "tuning_steps": 150,
        "eye_steps": 300,
        "n_test": 400,
    },
    "smoke": {
        "size": 14,
        "n_seeds": 2,
        "n_steps": 2,
        "batch_size": 2,
        "rates": [3e-3],
        "tuning_seeds": [100],
        "tuning_steps": 1,
        "eye_steps": 1,
        "n_test": 12,
    },
}
SETTINGS["gpu"] = at_paper_scale("from_pixels", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train, ask and ship every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    eyes = remember(
        run_dir / "eyes.json", partial(train_eyes, settings, run_dir / "eyes"), settings
    )
    names = [(name, kind) for name in tasks(settings["size"]) for kind in KINDS]
    entries = {pair: contender(*pair, settings, run_dir) for pair in names}
    found = in_parallel(
        {
            entry.name: partial(
                tune_and_train,
                entry.build,
                tasks(settings["size"])[name].task,
                partial(ask, name, settings),
                settings=settings,
                folder=run_dir / entry.name,
                freeze=entry.freeze,
                loss=tasks(settings["size"])[name].loss,
                batch_size=settings["batch_size"],
                clip_norm=1.0,
            )
            for (name, _), entry in entries.items()
        }
    )
    metrics: dict[str, Any] = {"eyes": eyes}
    for (name, kind), entry in entries.items():
        size = {"n_parameters": entry.n_parameters(), "n_trained": entry.n_trained()}
        metrics.setdefault(name, {})[kind] = found[entry.name] | size
        if tier != "smoke" and kind in SHIPPED:
            ship_network(entry, run_dir, found[entry.name])
    return {"config": settings, "metrics": metrics}


@torch.no_grad()
def ask(name: str, settings: dict[str, Any], models: Sequence[nn.Module]) -> dict[str, Any]:
    """What networks of one kind do on new trials of a task; see the top of this file.

    Args:
        name: of the task.
        settings: ``size``, ``n_test``.
        models: trained networks.

    Returns:
        Name -> one entry for each network.
    """
    task = tasks(settings["size"])[name].task
    rows = [_asked(task, as_recurrent(model), settings["n_test"]) for model in models]
    found: dict[str, Any] = plain({key: [row[key] for row in rows] for key in rows[0]})
    return found


def _asked(task: FilmTask, model: Any, n_test: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(SEED)
    trials = task.sample(n_test, generator=generator)
    outputs = model(trials.inputs).outputs
    if isinstance(task, Numerosity):
        return _counted(task, trials, outputs)
    if isinstance(task, ChoiceTask):
        return _chosen(task, trials, outputs)
    assert isinstance(task, SpotDelayedResponse)
    angles = 2 * torch.pi * torch.rand(min(N_ANGLES, n_test), generator=generator)
    return {"score": _share(correct_trials(outputs, trials))} | _remembered(task, model, angles)


def _counted(task: Numerosity, trials: Trials, outputs: Tensor) -> dict[str, Any]:
    right = outputs[:, -1].argmax(dim=-1) == trials.targets[:, -1].argmax(dim=-1)
    number, same_light = (trials.conditions[key] for key in ("number", "equal_light"))
    return {
        "score": _share(right),
        "by_number": [_share(right[number == n]) for n in task.numbers],
        "equal_light": _share(right[same_light]),
        "equal_dots": _share(right[~same_light]),
    }


def _chosen(task: ChoiceTask, trials: Trials, outputs: Tensor) -> dict[str, Any]:
    strength = trials.conditions["strength"]
    final = outputs[:, -1, 0].sign()
    reactions = reaction_times(outputs, bound=BOUND, dt=task.dt, onset=task.onset)
    curve = chronometric_curve(strength, reactions.times)
    return {
        "score": _share(final == strength.sign()),
        "chosen": [_share(final[strength == level] > 0) for level in sorted(task.strengths)],
        "median_time": [None if t != t else t for t in curve.medians.tolist()],
        "answered": curve.answered.tolist(),
    }


def _remembered(task: SpotDelayedResponse, model: Any, angles: Tensor) -> dict[str, Any]:
    """Median error of the angle in degrees for each of ``DELAYS``."""
    asked = SpotDelayedResponse((task.dt, max(DELAYS)), size=task.size)
    errors = []
    for delay in DELAYS:
        trials = asked.arranged(angles, delay)
        after_go = round(float(trials.conditions["go_time"][0]) / task.dt) + 20
        answer = decode_angle(model(trials.inputs[:, :after_go]).outputs[:, -1])
        away = (answer - angles + torch.pi).remainder(2 * torch.pi) - torch.pi
        errors.append(float(away.abs().rad2deg().median()))
    return {"error_by_delay": errors}


def _share(true: Tensor) -> float:
    return float(true.double().mean())


EXPERIMENTS = (
    Experiment(
        name="from_pixels",
        run=run,
        rules=RULES,
        ships=tuple(
            contender(name, kind, SETTINGS["cpu"], Path()).weights
            for name in tasks(SETTINGS["cpu"]["size"])
            for kind in SHIPPED
        ),
    ),
)
