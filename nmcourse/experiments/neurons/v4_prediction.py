"""F12: which features predict macaque V4, and what does training add?

50 units, 640 grey pictures of 32 pixels, six repeats of 100 ms. Features: pixels; the energy of a
bank of Gabor filters; the last activity of a small CordsNet with random weights, or trained to
classify MNIST, Fashion-MNIST or (grey) CIFAR-10, with the same budget. All are reduced to as many
directions and predicted by partial least squares, the number of components chosen inside the
training images of each fold. Scores are over the ceiling; the null has the pictures exchanged.

The recording (public data of Cowley et al. 2023) is in the folder ``NMCOURSE_RECORDINGS``;
Fashion-MNIST and CIFAR-10 are in the folder ``NMCOURSE_IMAGES``, see ``image_sets``. MNIST's digits
come with the environment of the course.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse.analysis import (
    V4Session,
    bootstrap_score,
    gabor_bank,
    image_folds,
    noise_ceiling,
    permute_images,
    pixels_in_time,
    prediction_score,
    read_v4,
    recordings_folder,
    tuned_prediction,
)
from nmcourse.evidence import Experiment, LedgerError, remember
from nmcourse.experiments.image_sets import image_set
from nmcourse.experiments.neurons.neurons_rules import TRAINED_ON, V4_RULES
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import Area, CordsNet, Stem
from nmcourse.tasks import ImageSet, mnist_images
from nmcourse.training import ImageTrial, fit_many_images, for_tier, trial_loss

SIZE = 32  # pixels, of the pictures and of what networks learn from
TRIAL = ImageTrial(blank=50, stimulus=80, after=0, window=30, rest_window=0, rest_coefficient=0)
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_seeds": 3,
        "n_steps": 300,
        "batch_size": 32,
        "learning_rate": 1e-2,
        "n_directions": 100,
        "candidates": [2, 5, 10, 20],
        "n_folds": 5,
        "n_draws": 200,
        "n_nulls": 5,
    },
    "smoke": {
        "n_seeds": 1,
        "n_steps": 1,
        "batch_size": 2,
        "learning_rate": 1e-2,
        "n_directions": 5,
        "candidates": [1, 2],
        "n_folds": 2,
        "n_draws": 2,
        "n_nulls": 1,
    },
}
SETTINGS["gpu"] = at_paper_scale("v4_prediction", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train the networks, and predict the neurons from all features; resumes after a kill.

    Raises:
        LedgerError: There is no folder of recordings or of images; the smoke tier makes some up.
    """
    settings = for_tier(tier, SETTINGS)
    session = _session(tier)
    mean = session.trials.mean(dim=0)
    source = torch.Generator().manual_seed(0)
    ceiling = noise_ceiling(session.trials, n_splits=50, generator=source)
    folds = image_folds(len(session.images), settings["n_folds"], generator=source)
    metrics: dict[str, Any] = {}
    for name in ("pixels", "gabor", "untrained", *TRAINED_ON):
        compute = partial(_of, name, session.images, mean, ceiling, folds, settings, tier)
        metrics[name] = remember(run_dir / f"{name}.json", compute, settings)
    metrics["ceiling"] = ceiling.tolist()
    return {"config": settings, "metrics": metrics}


def _session(tier: str) -> V4Session:
    if tier == "smoke":
        source = torch.Generator().manual_seed(0)
        images = torch.rand(12, 1, SIZE, SIZE, generator=source)
        signal = images.flatten(1)[:, :4].double() * 5
        noise = torch.randn(6, 1, 12, 4, dtype=torch.float64, generator=source)
        return V4Session(images, signal + noise)
    folder = recordings_folder()
    if folder is None:
        raise LedgerError("set NMCOURSE_RECORDINGS to the folder with v4_cowley.npz")
    return read_v4(folder)


def _of(
    name: str,
    images: Tensor,
    mean: Tensor,
    ceiling: Tensor,
    folds: Tensor,
    settings: Mapping[str, Any],
    tier: str,
) -> dict[str, Any]:
    """Scores of one kind of features: for each seed the median over units of score / ceiling.

    ``low``, ``high``: of the first seed, over images drawn again. ``null``: pictures exchanged.
    ``accuracy``: of trained networks, on the images of their last batches.
    """
    features, accuracy = features_of(name, images, settings, tier)
    found: dict[str, Any] = {"over_ceiling": [], "accuracy": accuracy, "components": []}
    options = {key: settings[key] for key in ("candidates", "n_directions", "n_folds")}
    for seed, values in enumerate(features):
        source = torch.Generator().manual_seed(seed)
        predicted, chosen = tuned_prediction(values, mean, folds=folds, generator=source, **options)
        found["over_ceiling"].append((prediction_score(predicted, mean) / ceiling).nanmedian())
        found["components"].append(chosen)
        if seed:
            continue
        found["units"] = prediction_score(predicted, mean) / ceiling
        draws = bootstrap_score(predicted, mean, n_draws=settings["n_draws"], generator=source)
        medians = (draws / ceiling).nanmedian(dim=1).values
        found["low"], found["high"] = (medians.quantile(q) for q in (0.025, 0.975))
        found["null"] = []
        for _ in range(settings["n_nulls"]):
            other = permute_images(values, generator=source)
            wrong, _ = tuned_prediction(other, mean, folds=folds, generator=source, **options)
            found["null"].append((prediction_score(wrong, mean) / ceiling).nanmedian())
    return found


def features_of(
    name: str, images: Tensor, settings: Mapping[str, Any], tier: str
) -> tuple[list[Tensor], list[float]]:
    """Features (1, image, feature) for each seed, and the accuracy of what was trained."""
    if name == "pixels":
        return [pixels_in_time(images, 1)], []
    if name == "gabor":
        return [gabor_bank(images).unsqueeze(0)], []
    seeds = range(settings["n_seeds"])
    if name == "untrained":
        models = [network(torch.Generator().manual_seed(seed)) for seed in seeds]
        accuracy = []
    else:
        train = images_to_learn(name, tier)
        result = fit_many_images(
            network,
            train,
            partial(trial_loss, trial=TRIAL),
            seeds=seeds,
            progress=False,
            **{key: settings[key] for key in ("n_steps", "batch_size", "learning_rate")},
        )
        models = [model for model in result.models if isinstance(model, CordsNet)]
        accuracy = [_accuracy(model, train) for model in models]
    shown = (images - images.mean()) / images.std()
    return [_last_activity(model, shown) for model in models], accuracy


def network(generator: torch.Generator) -> CordsNet:
    """A small CordsNet for pictures of 32 pixels, which also takes other sizes."""
    stem = Stem(channels=16, kernel=5, stride=2, pool=False)
    areas = [Area(16, stride=2), Area(16)]
    return CordsNet(
        areas, 1, 10, image_size=SIZE, stem=stem, bias="channel", dt=5.0, generator=generator
    )


def images_to_learn(name: str, tier: str) -> ImageSet:
    """Grey images of 32 pixels with ten classes, of mean 0 and standard deviation 1."""
    if tier == "smoke":
        source = torch.Generator().manual_seed(0)
        labels = torch.arange(8) % 10
        names = tuple(map(str, range(10)))
        return ImageSet(torch.rand(8, 1, SIZE, SIZE, generator=source), labels, names).normalised()
    if name == "mnist":
        return mnist_images("train", size=SIZE).normalised()
    if name == "fashion_mnist":
        found = image_set(name, "train")
        return found.subset(slice(20_000)).resized(SIZE).normalised()
    found = image_set(name, "train")
    colours = (255.0 * found.images).round().to(torch.uint8).numpy()
    pixels = torch.from_numpy(colours.mean(axis=1).astype(np.float32) / 255.0)
    return ImageSet(pixels.unsqueeze(1), found.labels, found.class_names).normalised()


@torch.no_grad()
def _last_activity(model: CordsNet, images: Tensor) -> Tensor:
    """Activity of all areas at the last trained step, (1, image, unit)."""
    n_blank, n_steps = (round(part / model.dt) for part in (TRIAL.blank, TRIAL.stimulus))
    state = model.respond(images, n_steps=n_steps, n_blank=n_blank).state
    return torch.cat([r.flatten(1) for r in state], dim=1).unsqueeze(0)


@torch.no_grad()
def _accuracy(model: CordsNet, train: ImageSet) -> float:
    """On the last thousand images that were learnt from: training has drawn a part of them."""
    some = train.subset(slice(max(0, len(train) - 1000), len(train)))
    n_blank, n_steps = (round(part / model.dt) for part in (TRIAL.blank, TRIAL.stimulus))
    outputs = model.respond(some.images, n_steps=n_steps, n_blank=n_blank).outputs[:, -1]
    return float((outputs.argmax(dim=-1) == some.labels).double().mean())


EXPERIMENTS = (
    Experiment(
        name="v4_prediction",
        run=run,
        rules=V4_RULES,
        images=tuple(name for name in TRAINED_ON if name != "mnist"),
    ),
)
