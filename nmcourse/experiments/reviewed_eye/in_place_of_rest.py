"""R19, R23: may weight decay, or a contraction, stand in place of the return-to-rest penalty?

Ten networks that ``return_to_rest`` trained without the penalty come back to rest slowly, and two
of them not within 600 ms. Each learns on for some steps, with one thing added to the cross entropy:

    none         nothing: the control, as many steps
    published    the return-to-rest penalty, coefficient 1e-3
    strong       the same with 0.1
    decay        weight decay 0.5
    contraction  the penalty of C-RBP: column sums of the Jacobian above 0.9

Each then sees an image, and a blank: how far from rest is it 600 ms later?
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from nmcourse import pretrained
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.return_to_rest import examine
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.reviewed_eye.in_place_of_rest_rules import RULES
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import CordsNet
from nmcourse.tasks import digit_images
from nmcourse.training import (
    ImageTrial,
    contraction_penalty,
    fit_many_images,
    for_tier,
    run_trial,
    trial_loss,
    windowed_cross_entropy,
)

SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "image_size": 8,
        "n_seeds": 10,
        "n_steps": 40,
        "batch_size": 8,
        "learning_rate": 1e-2,
        "clip_norm": 1.0,
        "decay": 0.5,
        "strong": 0.1,
        "contraction": 1.0,
        "limit": 0.9,
        "n_test": 60,
    },
    "smoke": {
        "image_size": 8,
        "n_seeds": 3,
        "n_steps": 1,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "clip_norm": 1.0,
        "decay": 0.5,
        "strong": 0.1,
        "contraction": 1.0,
        "limit": 0.9,
        "n_test": 6,
    },
}
SETTINGS["gpu"] = at_paper_scale("in_place_of_rest", SETTINGS["cpu"])
START = "digits_cordsnet_penalty_0"
FIRST_SEED = 900  # of the images that are seen: others than in the first training
BARE = ImageTrial(after=0, rest_window=0, rest_coefficient=0)  # nothing is asked after the image
ARMS = ("none", "published", "strong", "decay", "contraction")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train on and examine every arm; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_arm, name, settings, run_dir) for name in ("before", *ARMS)}
    return {"config": settings, "metrics": in_parallel(jobs)}


def loss_of(name: str, settings: Mapping[str, Any]) -> Callable[..., Tensor]:
    """The loss of an arm."""
    if name == "contraction":
        coefficient, limit = settings["contraction"], settings["limit"]
        return partial(contracting_loss, trial=BARE, coefficient=coefficient, limit=limit)
    penalties = {"published": ImageTrial().rest_coefficient, "strong": settings["strong"]}
    trial = ImageTrial(rest_coefficient=penalties[name]) if name in penalties else BARE
    return partial(trial_loss, trial=trial)


def contracting_loss(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    trial: ImageTrial,
    coefficient: float,
    limit: float,
) -> Tensor:
    """Cross entropy in the window, and a coefficient times the contraction at its last step."""
    assert isinstance(model, CordsNet)
    response, steps = run_trial(model, images, trial, check_finite=False), trial.steps(model.dt)
    answers = response.outputs[..., -steps.window :, :]
    loss = windowed_cross_entropy(answers, labels, log_scale=trial.log_scale)
    return loss + coefficient * contraction_penalty(model, response.state, images, limit=limit)


def _arm(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = remember(
        run_dir / f"{name}.json", partial(_measure, name, settings, run_dir), settings
    )
    return found


def _measure(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Train the networks of an arm on (none of them ``before``), examine each."""
    start = time.process_time()
    train, test = (digit_images(split, size=settings["image_size"]) for split in ("train", "test"))
    train, test = train.normalised(), test.normalised(like=train).subset(slice(settings["n_test"]))
    models: Sequence[nn.Module] = pretrained.load_all(START, kind=CordsNet)[: settings["n_seeds"]]
    if name != "before":
        result = fit_many_images(
            models,
            train,
            loss_of(name, settings),
            seeds=[FIRST_SEED + k for k in range(len(models))],
            n_steps=settings["n_steps"],
            batch_size=settings["batch_size"],
            weight_decay=settings["decay"] if name == "decay" else 0.0,
            clip_norm=settings["clip_norm"],
            learning_rate=settings["learning_rate"],
            checkpoint=run_dir / f"{name}.pt",
            progress=False,
        )
        models = result.models
    measured: dict[str, Any] = plain(examine(models, test.images, test.labels))
    return measured | {"seconds": time.process_time() - start}


EXPERIMENTS = (Experiment(name="in_place_of_rest", run=run, rules=RULES),)
