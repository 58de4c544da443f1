"""C5 and C6: training CordsNet in stages, and without.

For every seed a network learns scikit-learn's digits in stages. Three controls learn from random
weights, in equal computing time:

    direct_initial  CordsNet, in the time of the stages before fine-tuning
    direct          CordsNet, in the time of all stages
    pixel_rnn       a fully connected rate network of as many parameters, in the time of all stages

Computing time is counted by what one more gradient step of each training costs, measured side by
side in one process before anything is trained; from it follow the steps of the controls.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse.analysis import after_images, seconds_of_further_steps
from nmcourse.evidence import Experiment, remember
from nmcourse.experiments.cordsnet.staged_training_rules import RULES
from nmcourse.experiments.image_sets import learn_and_test, learnt_from
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel, note_divergence, ship
from nmcourse.models import CordsNet, TwinCNN, count_parameters, matched_pixel_rnn
from nmcourse.pretrained import digits_cordsnet
from nmcourse.tasks import ImageSet, digit_images
from nmcourse.training import (
    HELD_IMAGE,
    DivergenceError,
    Recipe,
    class_loss,
    fit_images,
    for_tier,
    inverse_loss,
    load_tensors,
    save_tensors,
    start_from_cnn,
    train_in_stages,
    trial_loss,
)
from nmcourse.training import accuracy as share_right

COMMAND = "python -m nmcourse.claims run C6 --course-budget"
SHIPPED = "digits_cordsnet_staged"
INITIAL = ("cnn", "inverse", "linear", "annealed")  # the stages before fine-tuning
TIMED, TUNING = 2000, 1000  # not among the seeds that count
SMOKE_RECIPE: dict[str, Any] = {
    "cnn_steps": 3,
    "inverse_steps": 2,
    "linear_steps": 2,
    "steps_per_slope": 1,
    "fine_tune_steps": 2,
    "cnn_batch": 8,
    "batch_size": 4,
    "slopes": (0.5, 0.0),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R2",
        "image_size": 8,
        "dt": 2.0,
        "n_seeds": 5,
        "recipe": {},
        "rates": [3e-3, 1e-2, 3e-2],
        "tuning_share": 0.25,
        "timed_steps": 4,
        "n_images": None,
        "n_test": None,
    },
    "smoke": {
        "areas": "small-R1",
        "image_size": 6,
        "dt": 2.0,
        "n_seeds": 2,
        "recipe": SMOKE_RECIPE,
        "rates": [1e-2],
        "tuning_share": 0.25,
        "timed_steps": 1,
        "n_images": 40,
        "n_test": 20,
    },
}
SETTINGS["gpu"] = at_paper_scale("staged_training", SETTINGS["cpu"])
CONTROLS: dict[str, str] = {
    "direct_initial": "direct",
    "direct": "direct",
    "pixel_rnn": "pixel_rnn",
}


def run(
    tier: str,
    run_dir: Path,
    tiers: Mapping[str, dict[str, Any]] = SETTINGS,
    shipped: str = SHIPPED,
    command: str = COMMAND,
) -> dict[str, Any]:
    """Count costs, choose learning rates, train every seed both ways; resumes where killed.

    Args:
        tier: key of ``tiers``.
        run_dir: where unfinished work is kept.
        tiers: settings; with ``images`` among them, a set of ``image_sets`` in place of digits.
        shipped: name of the weights of the networks trained in stages.
        command: what makes them again.
    """
    settings = for_tier(tier, tiers)
    costs = remember(run_dir / "costs.json", partial(step_costs, settings), settings)
    steps = control_steps(Recipe(**settings["recipe"]), costs)
    plan = settings | {"control_steps": steps}
    rates = {
        kind: remember(
            run_dir / f"rate_{kind}.json", partial(_choose_rate, kind, settings, steps), plan
        )
        for kind in ("direct", "pixel_rnn")
    }
    plan |= {"chosen": rates}
    jobs: dict[str, partial[Any]] = {}
    for seed in range(settings["n_seeds"]):
        folder = run_dir / f"staged_{seed}"
        work = partial(_staged, seed, settings, folder)
        jobs[folder.name] = partial(_kept, folder / "measured.json", work, settings)
        for name, kind in CONTROLS.items():
            folder = run_dir / f"{name}_{seed}"
            work = partial(_control, name, seed, settings, steps[name], rates[kind], folder)
            jobs[folder.name] = partial(_kept, folder / "measured.json", work, plan)
    found = in_parallel(jobs)
    seeds = range(settings["n_seeds"])
    metrics: dict[str, Any] = {
        name: _by_key([found[f"{name}_{seed}"] for seed in seeds]) for name in ("staged", *CONTROLS)
    }
    if tier != "smoke":
        _ship(shipped, command, settings, run_dir, metrics)
    networks = {kind: new_network(kind, settings, 0) for kind in ("direct", "pixel_rnn")}
    metrics |= {
        "seconds_per_step": costs,
        "n_steps": Recipe(**settings["recipe"]).steps() | steps,
        "learning_rate": rates,
        "n_parameters": {kind: count_parameters(model) for kind, model in networks.items()},
    }
    return {"config": settings, "metrics": metrics}


def step_costs(settings: dict[str, Any]) -> dict[str, float]:
    """Processor seconds of a gradient step of each training."""
    recipe, (images, _) = Recipe(**settings["recipe"]), load(settings)
    cnn = TwinCNN(settings["areas"], 1, 10, image_size=images.size, generator=seeded(TIMED))
    folded, whole = cnn.fold(), partial(trial_loss, trial=recipe.trial)
    start = partial(start_from_cnn, folded, dt=settings["dt"])
    linear, leaky = start(), start()
    leaky.slope = 0.5
    early, late = recipe.cnn_batch, recipe.batch_size
    trainings: dict[str, tuple[nn.Module, Any, int]] = {
        "cnn": (cnn, class_loss, early),
        "inverse": (start(), partial(inverse_loss, target=folded), early),
        "linear": (linear, partial(trial_loss, trial=HELD_IMAGE), late),
        "annealed": (leaky, whole, late),
        "fine-tuned": (new_network("direct", settings, TIMED), whole, late),
        "pixel_rnn": (new_network("pixel_rnn", settings, TIMED), whole, late),
    }
    calls = {
        name: partial(_some_steps, model, images, loss, batch)
        for name, (model, loss, batch) in trainings.items()
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # processor seconds add up over threads
    try:
        seconds = seconds_of_further_steps(
            calls, settings["timed_steps"], 5, clock=time.process_time
        )
    finally:
        torch.set_num_threads(threads)
    return {name: statistics.median(rounds) for name, rounds in seconds.items()}


def _some_steps(
    model: nn.Module, images: ImageSet, loss: Any, batch_size: int, n_steps: int
) -> None:
    _fit(model, images, loss, n_steps, batch_size, 1e-6)


def control_steps(recipe: Recipe, costs: dict[str, float]) -> dict[str, int]:
    """Steps of each control that cost as much as the stages that it stands against."""
    spent = {name: n_steps * costs[name] for name, n_steps in recipe.steps().items()}
    initial, everything = sum(spent[name] for name in INITIAL), sum(spent.values())
    steps = {
        "direct_initial": initial / costs["fine-tuned"],
        "direct": everything / costs["fine-tuned"],
        "pixel_rnn": everything / costs["pixel_rnn"],
    }
    return {name: max(1, round(n)) for name, n in steps.items()}


def load(settings: dict[str, Any]) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and others."""
    if "images" in settings:
        train, test = learn_and_test(settings["images"], settings["made_up"])
    else:
        train, test = (digit_images(split, settings["image_size"]) for split in ("train", "test"))
    return train.subset(slice(settings["n_images"])), test.subset(slice(settings["n_test"]))


def seeded(seed: int) -> torch.Generator:
    """A generator for initial weights."""
    return torch.Generator().manual_seed(seed)


def new_network(kind: str, settings: dict[str, Any], seed: int) -> nn.Module:
    """A control with random weights: ``"direct"`` or ``"pixel_rnn"``."""
    shape = {key: settings[key] for key in ("areas", "image_size", "dt")}
    network = digits_cordsnet(**shape, generator=seeded(seed))
    return network if kind == "direct" else matched_pixel_rnn(network, generator=seeded(seed))


def measure(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Accuracy in time; of a CordsNet also what it does later (see ``after_images``)."""
    found = {"accuracy": share_right(model, test)}
    if isinstance(model, CordsNet):
        later = after_images(model, test.images, test.labels)
        found["held_accuracy"], found["second_accuracy"] = (
            later.held_accuracy,
            later.second_accuracy,
        )
        found["distance"] = later.distance.quantile(0.5).item()
    return found


def _fit(
    model: nn.Module,
    images: ImageSet,
    loss: Any,
    n_steps: int,
    batch_size: int,
    rate: float,
    **options: Any,
) -> Tensor:
    """Train in place, return the losses."""
    return fit_images(
        model,
        images,
        loss,
        n_steps=n_steps,
        batch_size=batch_size,
        learning_rate=rate,
        progress=False,
        **options,
    ).losses


def _choose_rate(kind: str, settings: dict[str, Any], steps: dict[str, int]) -> float:
    """The peak learning rate with the lowest loss after a part of the steps, on another seed."""
    n_steps = max(1, round(settings["tuning_share"] * steps[kind]))
    reached = {rate: _try_rate(kind, settings, rate, n_steps) for rate in settings["rates"]}
    return min(reached, key=reached.__getitem__)


def _try_rate(kind: str, settings: dict[str, Any], rate: float, n_steps: int) -> float:
    recipe, (images, _) = Recipe(**settings["recipe"]), load(settings)
    model, loss = new_network(kind, settings, TUNING), partial(trial_loss, trial=recipe.trial)
    more = {"max_shift": recipe.max_shift, "seed": TUNING}
    try:
        losses = _fit(model, images, loss, n_steps, recipe.batch_size, rate, **more)
    except DivergenceError:
        return float("inf")
    return losses[-max(1, n_steps // 10) :].mean().item()


def _staged(seed: int, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """All stages of one seed: the check of each, and what the last networks do later."""
    images, test = load(settings)
    recipe = Recipe(**settings["recipe"])
    stages = train_in_stages(
        *(images, test, recipe),
        areas=settings["areas"],
        seed=seed,
        dt=settings["dt"],
        folder=folder,
        progress=False,
    )
    save_tensors(folder / "weights.pt", stages[-1].model.state_dict())
    found: dict[str, Any] = {
        stage.name: stage.checks | {"passed": int(stage.passed)} for stage in stages
    }
    for name, stage in (("annealed", stages[-2]), ("fine-tuned", stages[-1])):
        found[name] |= measure(stage.model, test)
    return found


def _control(
    name: str, seed: int, settings: dict[str, Any], n_steps: int, rate: float, folder: Path
) -> dict[str, Any]:
    """One control of one seed, from random weights."""
    images, test = load(settings)
    recipe = Recipe(**settings["recipe"])
    model, loss = (
        new_network(CONTROLS[name], settings, seed),
        partial(trial_loss, trial=recipe.trial),
    )
    more = {"max_shift": recipe.max_shift, "seed": seed, "checkpoint": folder / "checkpoint.pt"}
    try:
        _fit(model, images, loss, n_steps, recipe.batch_size, rate, **more)
        diverged = 0
    except DivergenceError as error:  # it holds its last good state, and that is measured
        diverged = 1
        note_divergence(error, folder / "diverged.txt")
    return measure(model, test) | {"diverged": diverged}


def _kept(path: Path, compute: Callable[[], Any], settings: dict[str, Any]) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    return remember(path, compute, settings)


def _by_key(found: Sequence[Any]) -> Any:
    """Nested results of several seeds -> nested lists with one entry per seed."""
    if isinstance(found[0], dict):
        return {key: _by_key([one[key] for one in found]) for key in found[0]}
    return list(found)


def _ship(
    shipped: str, command: str, settings: dict[str, Any], run_dir: Path, metrics: dict[str, Any]
) -> None:
    """Store the networks trained in stages."""
    models = []
    for seed in range(settings["n_seeds"]):
        model = new_network("direct", settings, seed)
        path = run_dir / f"staged_{seed}" / "weights.pt"
        model.load_state_dict(load_tensors(path))
        models.append(model)
    ship(
        shipped,
        models,
        builder="digits_cordsnet",
        kwargs={key: settings[key] for key in ("areas", "image_size", "dt")},
        command=command,
        metrics={"accuracy_median": metrics["staged"]["fine-tuned"]["accuracy"]},
        data=learnt_from(settings),
    )


EXPERIMENTS = (Experiment(name="staged_training", run=run, rules=RULES, ships=(SHIPPED,)),)
