"""C7: which ingredient lets a network hold an image, calm down, and see the next one?

The same CordsNet learns MNIST's digits with everything crossed that tells it from its rivals:

    step      dt / tau: 0.2 (CordsNet), 0.5, 1 (no leak is left: a network in discrete time)
    counting  the answer counts in a window, at the last step, or at every step with the image
    length    how long the image is shown: 5 or 10 time constants
    trial     whole: blank before and after, and a penalty on activity that stays; bare: the image
              alone, from silence

CordsNet's manner is (0.2, window, long, whole); CORnet-RT's (1, last, short, bare); BLT's
(1, every, short, bare). Nothing else differs: same weights at the start, same images.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.step_size import TAU, accuracy, build
from nmcourse.experiments.image_sets import learn_and_test
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.seeing.crossing_rules import HELD, RULES, cell_name
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import CordsNet
from nmcourse.tasks import ImageSet, mnist_images
from nmcourse.training import ImageTrial, fit_many_images, for_tier, trial_loss

LENGTHS = {"short": 50.0, "long": 100.0}  # ms with the image
AFTER = 60.0  # ms without image before the second one; part of the whole trial
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R2",
        "image_size": 14,
        "alphas": [0.2, 0.5, 1.0],
        "n_seeds": 5,
        "n_steps": 300,
        "batch_size": 16,
        "learning_rate": 3e-2,
        "clip_norm": 1.0,
        "n_test": 200,
    },
    "smoke": {
        "areas": "small-R1",
        "image_size": 6,
        "alphas": [0.5, 1.0],
        "n_seeds": 2,
        "n_steps": 1,
        "batch_size": 2,
        "learning_rate": 3e-2,
        "clip_norm": 1.0,
        "n_test": 4,
    },
}
SETTINGS["gpu"] = at_paper_scale("crossing", SETTINGS["cpu"])


class Cell(NamedTuple):
    """One combination: see the top of this file."""

    alpha: float
    counting: str
    length: str
    trial: str

    def image_trial(self) -> ImageTrial:
        """What the networks of this cell are trained with."""
        stimulus, dt = LENGTHS[self.length], self.alpha * TAU
        whole = self.trial == "whole"
        trial = ImageTrial(
            blank=100.0 if whole else 0.0,
            stimulus=stimulus,
            after=AFTER if whole else 0.0,
            window=0.4 * stimulus,
            rest_window=20.0 if whole else 0.0,
            rest_coefficient=1e-3 if whole else 0.0,
        )
        return trial.counting(self.counting, dt)  # type: ignore[arg-type]


def cells(alphas: Sequence[float]) -> list[Cell]:
    """All combinations."""
    ways = itertools.product(alphas, ("window", "last", "every"), LENGTHS, ("whole", "bare"))
    return [Cell(*way) for way in ways]


def run(tier: str, run_dir: Path, tiers: Mapping[str, dict[str, Any]] = SETTINGS) -> dict[str, Any]:
    """Train and examine every cell; resumes where it was killed.

    Args:
        tier: key of ``tiers``.
        run_dir: where unfinished work is kept.
        tiers: settings; what ``images_of`` reads of them names the images.
    """
    settings = for_tier(tier, tiers)
    jobs = {
        cell_name(*cell): partial(_cell, cell, settings, run_dir)
        for cell in cells(settings["alphas"])
    }
    return {"config": settings, "metrics": in_parallel(jobs)}


def _cell(cell: Cell, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    path = run_dir / cell_name(*cell)
    train_it = partial(_train, cell, settings, path.with_suffix(".pt"))
    found: dict[str, Any] = remember(path.with_suffix(".json"), train_it, settings)
    return found


def _train(cell: Cell, settings: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    train, test = images_of(settings)
    start, trial = time.process_time(), cell.image_trial()
    result = fit_many_images(
        partial(build, settings["areas"], settings["image_size"], cell.alpha),
        train,
        partial(trial_loss, trial=trial),
        seeds=settings["n_seeds"],
        n_steps=settings["n_steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        clip_norm=settings["clip_norm"],
        checkpoint=checkpoint,
        progress=False,
    )
    seconds = time.process_time() - start
    measured: dict[str, Any] = plain(examine(result.models, test, trial))
    return measured | {"seconds": seconds, "diverged": sorted(result.diverged)}


def images_of(settings: Mapping[str, Any]) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and ``n_test`` others: ``images`` of ``image_sets``, or digits."""
    if "images" not in settings:
        return digits(settings["image_size"], settings["n_test"])
    train, test = learn_and_test(settings["images"], settings["made_up"])
    return train, test.subset(slice(settings["n_test"]))


def digits(size: int, n_test: int) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and others; a blank is a picture of mean brightness."""
    train, test = (mnist_images(split, size=size) for split in ("train", "test"))
    return train.normalised(), test.normalised(like=train).subset(slice(n_test))


@torch.no_grad()
def examine(models: Sequence[nn.Module], test: ImageSet, trial: ImageTrial) -> dict[str, Any]:
    """What networks do beyond the trained part of a trial.

    Each is asked from the start that it was trained with: its rest after a blank, or silence.

    Args:
        models: networks of one cell.
        test: images that were not trained on.
        trial: what the networks were trained with.

    Returns:
        For each network in a list: ``accuracy`` at the last trained step with the image; ``held_2``
        .. when the image stays so many times as long; ``second``, on another image after 60 ms
        without one.
    """
    found: dict[str, list[float]] = {"accuracy": [], "second": []}
    found |= {f"held_{times}": [] for times in HELD}
    for model in models:
        assert isinstance(model, CordsNet)
        n_blank, n_steps = (round(part / model.dt) for part in (trial.blank, trial.stimulus))
        n_after = round(AFTER / model.dt)
        show = partial(model.respond, check_finite=False)
        outputs = show(test.images, n_blank=n_blank, n_steps=max(HELD) * n_steps).outputs
        found["accuracy"].append(accuracy(outputs[:, n_steps - 1], test.labels))
        for times in HELD:
            right = accuracy(outputs[:, times * n_steps - 1], test.labels)
            found[f"held_{times}"].append(right)
        first = show(test.images, n_blank=n_blank, n_steps=n_steps, n_after=n_after)
        second = test.images.roll(1, dims=0)
        outputs = show(second, n_blank=0, n_steps=n_steps, state=first.state).outputs
        found["second"].append(accuracy(outputs[:, -1], test.labels.roll(1)))
    return found


EXPERIMENTS = (Experiment(name="crossing", run=run, rules=RULES),)
