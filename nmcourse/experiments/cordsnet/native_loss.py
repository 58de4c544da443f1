"""C11 and C12 on Fashion-MNIST at 28 pixels: what the loss is for, where something can go wrong.

Networks of two areas (preset ``native-R2``) with a step of 5 ms, in two trainings:

    staged_*   as published: in stages, an image for 200 ms; ten networks an arm
    short_*    from random weights, an image for 50 ms; sixty networks an arm

The first training gives no network that misbehaves, in tries with other seeds; the second one gives
some. Penalty, weights over the answer window and weight decay are left out or changed as in
``return_to_rest``. Beside each network stands what the linear theory looks at, the leading
eigenvalue of its recurrent convolutions: with 1 the leak is made up for, above 1 activity grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nmcourse.analysis import ConvolutionOperator, leading_eigenvalues
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.native_loss_rules import ARMS, LEARNT, RULES, Arm
from nmcourse.experiments.cordsnet.return_to_rest import examine, from_linear
from nmcourse.experiments.image_sets import learn_and_test, learnt_from
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel, ship
from nmcourse.models import CordsNet
from nmcourse.pretrained import digits_cordsnet
from nmcourse.tasks import ImageSet
from nmcourse.training import (
    SLOPES,
    FitManyResult,
    Recipe,
    fit_many_images,
    for_tier,
    load_tensors,
    save_tensors,
    train_linear,
    trial_loss,
)

COMMAND = "python -m nmcourse.claims run C11 --published-budget"
IMAGES = "fashion_mnist"
HELD, AFTER, BLANK = 800.0, 600.0, 200.0  # ms of the test
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "native-R2",
        "image_size": 28,
        "dt": 5.0,
        "seeds": {"staged": 10, "short": 60},
        "at_once": 20,  # networks in one batch
        "start": {"cnn": 1500, "inverse": 300, "linear": 200, "batch": 64, "rate": 1e-2},
        "slopes": list(SLOPES),
        "steps_per_slope": 8,
        "n_steps": {"staged": 200, "short": 300},
        "batch_size": {"staged": 16, "short": 32},
        "learning_rate": {"staged": 1e-2, "short": 3e-2},
        "clip_norm": 1.0,
        "n_test": 100,
        "made_up": None,
    },
    "smoke": {
        "areas": "small-R1",
        "image_size": 6,
        "dt": 5.0,
        "seeds": {"staged": 2, "short": 2},
        "at_once": 2,
        "start": {"cnn": 2, "inverse": 2, "linear": 2, "batch": 8, "rate": 1e-2},
        "slopes": [0.5, 0.0],
        "steps_per_slope": 1,
        "n_steps": {"staged": 1, "short": 2},
        "batch_size": {"staged": 4, "short": 4},
        "learning_rate": {"staged": 1e-2, "short": 1e-2},
        "clip_norm": 1.0,
        "n_test": 10,
        "made_up": 6,
    },
}
SETTINGS["gpu"] = at_paper_scale("native_loss", SETTINGS["cpu"])
SHIPPED = ("short_0", "short_published")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and examine every arm, some networks at a time; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    place = run_dir / "start"
    place.mkdir(parents=True, exist_ok=True)
    seeds = {way: range(n) for way, n in settings["seeds"].items()}
    in_parallel({f"start_{s}": partial(_start, s, settings, place) for s in seeds["staged"]})
    groups = {
        (name, first): list(seeds[arm.way])[first : first + settings["at_once"]]
        for name, arm in ARMS.items()
        for first in range(0, len(seeds[arm.way]), settings["at_once"])
    }
    found = in_parallel(
        {
            f"{name}_{first}": partial(_group, name, some, settings, run_dir)
            for (name, first), some in groups.items()
        }
    )
    metrics: dict[str, dict[str, list[Any]]] = {name: {} for name in ARMS}
    for name, first in groups:
        for key, values in found[f"{name}_{first}"].items():
            metrics[name].setdefault(key, []).extend(values)
    if tier != "smoke":
        _ship(settings, run_dir, metrics)
    return {"config": settings | {"images": IMAGES}, "metrics": metrics}


def _build(settings: dict[str, Any], generator: torch.Generator | None = None) -> CordsNet:
    shape = {key: settings[key] for key in ("areas", "image_size", "dt")}
    return digits_cordsnet(**shape, generator=generator)


def _start(seed: int, settings: dict[str, Any], place: Path) -> float:
    """A linear network of one seed, trained in stages up to there; returns its accuracy."""
    steps = settings["start"]

    def train() -> float:
        recipe = Recipe(
            cnn_steps=steps["cnn"],
            inverse_steps=steps["inverse"],
            linear_steps=steps["linear"],
            cnn_batch=steps["batch"],
            batch_size=settings["batch_size"]["staged"],
            cnn_rate=steps["rate"],
        )
        images, test = _images(settings)
        linear = train_linear(
            *(images, test, recipe),
            areas=settings["areas"],
            seed=seed,
            dt=settings["dt"],
            progress=False,
        )[-1]
        save_tensors(place / f"{seed}.pt", linear.model.state_dict())
        return float(linear.checks["accuracy"])

    kept = {key: settings[key] for key in ("start", "areas", "image_size", "dt")} | {"seed": seed}
    found: float = remember(place / f"{seed}.json", train, kept)
    return found


def _images(settings: dict[str, Any]) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and those of the test."""
    images, test = learn_and_test(IMAGES, settings["made_up"])
    return images, test.subset(slice(settings["n_test"]))


def _group(name: str, seeds: Sequence[int], settings: dict[str, Any], run_dir: Path) -> Any:
    folder = run_dir / name / f"from_{seeds[0]}"
    folder.mkdir(parents=True, exist_ok=True)
    work = partial(_train, ARMS[name], seeds, settings, run_dir / "start", folder)
    return remember(folder / "measured.json", work, settings)


def _train(
    arm: Arm, seeds: Sequence[int], settings: dict[str, Any], start: Path, folder: Path
) -> dict[str, Any]:
    """Train some networks of an arm, and examine each."""
    images, test = _images(settings)
    n_steps, batch_size, rate = (
        settings[key][arm.way] for key in ("n_steps", "batch_size", "learning_rate")
    )
    fit = partial(
        fit_many_images,
        images=images,
        loss=partial(trial_loss, trial=arm.trial()),
        batch_size=batch_size,
        weight_decay=arm.weight_decay,
        clip_norm=settings["clip_norm"],
        progress=False,
    )
    build = partial(_build, settings)
    result: FitManyResult
    if arm.way == "staged":
        own = settings | {"n_steps": n_steps, "learning_rate": rate}
        states = [load_tensors(start / f"{seed}.pt") for seed in seeds]
        result = from_linear(fit, build, states, own, seeds, folder)
    else:
        result = fit(
            build,
            seeds=seeds,
            n_steps=n_steps,
            learning_rate=rate,
            checkpoint=folder / "checkpoint.pt",
        )
    save_tensors(folder / "weights.pt", [model.state_dict() for model in result.models])
    steps = {
        name: round(time / settings["dt"])
        for name, time in (
            *(("n_steps", arm.trial().stimulus), ("n_held", HELD)),
            *(("n_after", AFTER), ("n_blank", BLANK)),
        )
    }
    found: dict[str, Any] = plain(
        examine(result.models, test.images, test.labels, learnt=LEARNT, **steps)
    )
    return found | {
        "leading": [leading(model) for model in result.models],  # type: ignore[arg-type]
        "diverged": [int(seed in result.diverged) for seed in result.seeds],
    }


def leading(model: CordsNet) -> float:
    """Largest real part of an eigenvalue of the recurrent convolutions.

    Areas send forwards only, so that the eigenvalues of the whole linear network are those of its
    areas.
    """
    shapes = model.wiring.shapes(model.image_size)
    found = []
    for layer, (_, height, width) in zip(model.recurrent, shapes, strict=True):
        matrix = ConvolutionOperator(layer.weights().detach(), height, width)  # type: ignore[operator]
        source = torch.Generator().manual_seed(0)
        values = leading_eigenvalues(
            matrix, 2, by="real part", n_basis=30, tolerance=1e-4, generator=source
        ).values
        found.append(float(values.real.max()))
    return max(found)


def _ship(settings: dict[str, Any], run_dir: Path, metrics: dict[str, Any]) -> None:
    """Store the first networks of some arms."""
    kwargs = {key: settings[key] for key in ("areas", "image_size", "dt")}
    for name in SHIPPED:
        states = load_tensors(run_dir / name / "from_0" / "weights.pt")
        models = []
        for state in states:
            models.append(_build(settings))
            models[-1].load_state_dict(state)
        ship(
            f"fashion_cordsnet_{name}",
            models,
            builder="digits_cordsnet",
            kwargs=kwargs,
            command=COMMAND,
            metrics={"accuracy_median": metrics[name]["accuracy"][: len(models)]},
            data=learnt_from(settings | {"images": IMAGES}),
        )


EXPERIMENTS = (
    Experiment(
        name="native_loss",
        run=run,
        rules=RULES,
        images=(IMAGES,),
        ships=tuple(f"fashion_cordsnet_{name}" for name in SHIPPED),
    ),
)
