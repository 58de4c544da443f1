"""C11 and C12: what the loss of a CordsNet is for, shown by leaving parts of it out.

Small networks of two areas learn scikit-learn's digits, ten at a time as one grouped convolution.
They start where the linear stage of the training in stages ends, become ReLU networks slope by
slope, and are fine-tuned. From the first slope on they differ in one thing:

    penalty_*   coefficient of the return-to-rest penalty, from 0 to 0.1 (1e-3 as published)
    scale_*     decades by which the loss's weights rise over the answer window (3 as published)
    decay_*     no penalty, but weight decay: is the penalty only a way to keep weights small?

and ``direct`` starts from random weights, without penalty. Trained networks are held to their
image, left alone, and shown another image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.analysis import after_images, is_transient, kind_of_return
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.return_to_rest_arms import ARMS, PUBLISHED
from nmcourse.experiments.cordsnet.return_to_rest_rules import KINDS, LEARNT, RULES
from nmcourse.experiments.image_sets import learnt_from
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel, ship, trained_models
from nmcourse.models import CordsNet
from nmcourse.pretrained import digits_cordsnet
from nmcourse.tasks import ImageSet, digit_images
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

COMMAND = "python -m nmcourse.claims run C11 --course-budget"
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R2",
        "image_size": 8,
        "n_seeds": 10,
        "start": {"cnn": 400, "inverse": 300, "linear": 100},
        "slopes": list(SLOPES),
        "steps_per_slope": 6,
        "n_steps": 200,
        "direct_steps": 400,
        "batch_size": 16,
        "learning_rate": 1e-2,
        "direct_rate": 2e-2,
        "clip_norm": 1.0,
        "n_test": 100,
    },
    "smoke": {
        "areas": "small-R2",
        "image_size": 8,
        "n_seeds": 2,
        "start": {"cnn": 2, "inverse": 2, "linear": 2},
        "slopes": [0.5, 0.0],
        "steps_per_slope": 1,
        "n_steps": 1,
        "direct_steps": 2,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "direct_rate": 1e-2,
        "clip_norm": 1.0,
        "n_test": 10,
    },
}
SETTINGS["gpu"] = at_paper_scale("return_to_rest", SETTINGS["cpu"])
OTHER_IMAGES = 1000  # seeds of the images of one slope and of the next differ by this
SHIPPED = ("penalty_0", PUBLISHED, "scale_0")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and examine every arm; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    place = run_dir / "start"
    place.mkdir(parents=True, exist_ok=True)
    in_parallel(
        {f"start_{s}": partial(_start, s, settings, place) for s in range(settings["n_seeds"])}
    )
    metrics = in_parallel({name: partial(_arm, name, settings, run_dir) for name in ARMS})
    if tier != "smoke":
        for name in SHIPPED:
            ship(
                f"digits_cordsnet_{name}",
                trained_models(partial(_build, settings), run_dir / name),
                builder="digits_cordsnet",
                kwargs={},
                command=COMMAND,
                metrics={"accuracy_median": metrics[name]["accuracy"]},
                data=learnt_from(settings),
            )
    return {"config": settings, "metrics": metrics}


def _build(settings: dict[str, Any], generator: torch.Generator | None = None) -> CordsNet:
    return digits_cordsnet(settings["areas"], settings["image_size"], generator=generator)


def _start(seed: int, settings: dict[str, Any], place: Path) -> float:
    """A linear network of one seed, trained in stages up to there; returns its accuracy."""
    path = place / f"{seed}.pt"

    def train() -> float:
        steps = settings["start"]
        recipe = Recipe(
            cnn_steps=steps["cnn"], inverse_steps=steps["inverse"], linear_steps=steps["linear"]
        )
        linear = train_linear(
            *_digits(settings), recipe, areas=settings["areas"], seed=seed, progress=False
        )[-1]
        save_tensors(path, linear.model.state_dict())
        return float(linear.checks["accuracy"])

    shape = {key: settings[key] for key in ("areas", "image_size")}
    kept = {"start": settings["start"], "seed": seed} | shape
    found: float = remember(place / f"{seed}.json", train, kept)
    return found


def _arm(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    folder = run_dir / name
    folder.mkdir(exist_ok=True)
    found: dict[str, Any] = remember(
        folder / "measured.json", partial(_train, name, settings, run_dir), settings
    )
    return found


def _train(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Train the seeds of an arm, examine each."""
    arm, folder = ARMS[name], run_dir / name
    train, test = _digits(settings)
    test = test.subset(slice(settings["n_test"]))
    seeds = range(settings["n_seeds"])
    fit = partial(
        fit_many_images,
        images=train,
        loss=partial(trial_loss, trial=arm.trial()),
        batch_size=settings["batch_size"],
        weight_decay=arm.weight_decay,
        clip_norm=settings["clip_norm"],
        progress=False,
    )
    if arm.direct:
        result = fit(
            partial(_build, settings),
            seeds=seeds,
            n_steps=settings["direct_steps"],
            learning_rate=settings["direct_rate"],
            checkpoint=folder / "checkpoint.pt",
        )
    else:
        states = [load_tensors(run_dir / "start" / f"{seed}.pt") for seed in seeds]
        result = from_linear(fit, partial(_build, settings), states, settings, seeds, folder)
    save_tensors(folder / "weights.pt", [model.state_dict() for model in result.models])
    measured: dict[str, Any] = plain(examine(result.models, test.images, test.labels))
    return measured | {
        "training_loss": result.losses[-20:].mean(dim=0).tolist(),
        "diverged": [n for n, seed in enumerate(result.seeds) if seed in result.diverged],
    }


def from_linear(
    fit: Callable[..., FitManyResult],
    build: Callable[[], CordsNet],
    states: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    seeds: Sequence[int],
    folder: Path,
) -> FitManyResult:
    """Linear networks become ReLU networks slope by slope, and then learn on.

    Args:
        fit: ``fit_many_images`` with images, loss and batch.
        build: makes a network.
        states: of the linear networks, one for each seed.
        settings: ``slopes``, ``steps_per_slope``, ``n_steps`` and ``learning_rate``.
        seeds: of the images.
        folder: where checkpoints are kept.
    """
    fits: list[tuple[float, dict[str, Any]]] = [
        (slope, {"n_steps": settings["steps_per_slope"], "schedule": "constant"})
        for slope in settings["slopes"]
    ]
    fits.append((0.0, {"n_steps": settings["n_steps"]}))
    for number, (slope, options) in enumerate(fits):
        models = [build() for _ in seeds]
        for model, state in zip(models, states, strict=True):
            model.slope = slope
            model.load_state_dict(state)
        result = fit(
            models,
            seeds=[seed + OTHER_IMAGES * (number + 1) for seed in seeds],
            learning_rate=settings["learning_rate"],
            checkpoint=folder / f"checkpoint_{number}.pt",
            **options,
        )
        states = [model.state_dict() for model in result.models]
    return result


def _digits(settings: dict[str, Any]) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and others; a blank is a picture of mean brightness."""
    train, test = (digit_images(split, size=settings["image_size"]) for split in ("train", "test"))
    return train.normalised(), test.normalised(like=train)


def examine(
    models: Sequence[nn.Module],
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    learnt: float = LEARNT,
    **steps: int,
) -> dict[str, Any]:
    """What each network does while the image stays, when it goes, and with the next one.

    Args:
        models: the networks.
        images: images that nothing was learnt from.
        labels: their classes.
        learnt: accuracy from which a network has learnt.
        **steps: of ``after_images``.

    Returns:
        For each network: ``accuracy``, ``held_accuracy``, ``second_accuracy``, ``distance``
        (median over images of the distance from rest after the blank, over that with the image),
        ``weight_norm``, ``learnt``, ``kind`` (place in ``KINDS``) and ``transient``.
    """
    found: dict[str, list[float]] = {}
    for model in models:
        assert isinstance(model, CordsNet)
        seen = after_images(model, images, labels, **steps)
        recurrent = torch.cat([layer.weights().flatten() for layer in model.recurrent])  # type: ignore[operator]
        for key, value in {
            "accuracy": seen.accuracy,
            "held_accuracy": seen.held_accuracy,
            "second_accuracy": seen.second_accuracy,
            "distance": seen.distance.quantile(0.5).item(),
            "weight_norm": torch.linalg.vector_norm(recurrent).item(),
            "learnt": int(seen.accuracy >= learnt),
            "kind": KINDS.index(kind_of_return(seen)),
            "transient": int(is_transient(seen)),
        }.items():
            found.setdefault(key, []).append(value)
    return found


EXPERIMENTS = (
    Experiment(
        name="return_to_rest",
        run=run,
        rules=RULES,
        ships=tuple(f"digits_cordsnet_{name}" for name in SHIPPED),
    ),
)
