"""C14: does a prediction over time show that neurons do what the network does?

The neurons are made, so the answer is known. Each of ten trained networks has 30 *seeing* neurons,
random mixtures of its units over time, and 30 *blind* ones with the same time courses and nothing
of the image. Both are predicted, by partial least squares with whole images held out, from

    network     the network that the neurons are made of
    shuffled    its frames in another order, a new one for each image ("shuffled time")
    one_order   its frames in one order for all images
    still       its last frame with the image, at all times: no time course
    permuted    its activity with other images
    untrained   a network with random weights
    pixels, gabor   images as they are, and the energy of Gabor filters: no time course
    smooth      random smooth time courses that know no image

and scored as a whole ("all"), and by what is left when the mean over images is taken out at each
time ("image").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from scipy import stats
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import (
    gabor_bank,
    held_still,
    image_folds,
    noise_ceiling,
    permute_images,
    pixels_in_time,
    predict_neurons,
    prediction_score,
    shuffle_time,
    smooth_signal,
    synthetic_neurons,
    units_in_time,
)
from nmcourse.evidence import Experiment, remember
from nmcourse.experiments.neurons.made_neurons_rules import KINDS, PARTS, RULES
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import CordsNet
from nmcourse.tasks import digit_images
from nmcourse.training import for_tier

WEIGHTS = "digits_cordsnet_published"  # ten networks, trained as published, on 8x8 digits
DURATION = 100.0  # ms with the image; the trial goes on for as long without it
Measure = Callable[[int, dict[str, Any]], dict[str, Any]]
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_networks": 10,
        "n_images": 40,
        "n_times": 20,
        "n_neurons": 30,
        "n_repeats": 10,
        "n_components": 15,
        "n_folds": 5,
        "shared": 0.5,
        "noise": 2.0,
    },
    "smoke": {
        "n_networks": 2,
        "n_images": 6,
        "n_times": 4,
        "n_neurons": 3,
        "n_repeats": 4,
        "n_components": 2,
        "n_folds": 2,
        "shared": 0.5,
        "noise": 2.0,
    },
}
SETTINGS["gpu"] = at_paper_scale("made_neurons", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Predict the neurons of every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    found = of_each_network(measure, settings, run_dir)
    metrics: dict[str, Any] = {}
    for kind in KINDS:
        of_kind = [network[kind] for network in found]
        metrics[kind] = {
            name: {part: [one[name][part] for one in of_kind] for part in PARTS}
            for name in of_kind[0]
            if name != "each"
        }
        metrics[kind]["first_network"] = of_kind[0]["each"]
    return {"config": settings, "metrics": metrics}


def of_each_network(measure: Measure, settings: dict[str, Any], run_dir: Path) -> list[Any]:
    """What ``measure`` finds for each network; what is done is kept."""
    jobs = {
        f"network_{k}": partial(
            remember, run_dir / f"network_{k}.json", partial(measure, k, settings), settings
        )
        for k in range(settings["n_networks"])
    }
    return list(in_parallel(jobs).values())


def measure(network: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Everything about the neurons of one network.

    Returns:
        For each kind of neurons: for each predictor the median score over neurons, by part; so for
        the ``ceiling``, too. ``p_shuffled``: p of a paired t-test over neurons that the network
        is ahead of shuffled time (one-sided); ``p_untrained``: ahead of the untrained one.
        ``each``: the score of every neuron.
    """
    features, folds = features_and_folds(network, settings, seed=1000 + network)
    found: dict[str, Any] = {}
    for kind, trials in neurons_of(features["network"], settings, seed=network).items():
        scores = scores_of(features, trials, folds, settings["n_components"])
        ceilings = {
            part: noise_ceiling(
                trials, part=part, generator=torch.Generator().manual_seed(network)
            ).nanmedian()
            for part in PARTS
        }
        found[kind] = {
            name: {part: values.median() for part, values in by_part.items()}
            for name, by_part in scores.items()
        }
        found[kind] |= {"ceiling": ceilings, "each": scores}
        for other in ("shuffled", "untrained"):
            found[kind][f"p_{other}"] = {
                part: ahead(scores["network"][part], scores[other][part]) for part in PARTS
            }
    return found


def features_and_folds(
    network: int, settings: dict[str, Any], seed: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Predictors of one network, each (time, image, feature), and the fold of every image.

    Args:
        network: its number.
        settings: ``n_images``, ``n_times``, ``n_folds``.
        seed: of the images, the orders and the folds.
    """
    source = torch.Generator().manual_seed(seed)
    digits = digit_images("test", size=8).normalised(like=digit_images("train", size=8))
    images = digits.images[torch.randperm(len(digits), generator=source)[: settings["n_images"]]]
    n_times = settings["n_times"]
    times = 2 * DURATION / n_times * torch.arange(1, n_times + 1, dtype=torch.float64)
    model = pretrained.load_all(WEIGHTS, kind=CordsNet)[network]
    units = units_in_time(model, images, times, duration=DURATION)
    features = predictors(units, images, times, network, source)
    return features, image_folds(len(images), settings["n_folds"], generator=source)


def neurons_of(units: Tensor, settings: dict[str, Any], seed: int) -> dict[str, Tensor]:
    """Trials (repeat, time, image, neuron) of seeing neurons, and of blind ones."""
    return {
        kind: synthetic_neurons(
            units,
            settings["n_neurons"],
            shared=shared,
            n_repeats=settings["n_repeats"],
            noise=settings["noise"],
            generator=torch.Generator().manual_seed(seed),
        )
        for kind, shared in zip(KINDS, (settings["shared"], 1.0), strict=True)
    }


def predictors(
    units: Tensor, images: Tensor, times: Tensor, network: int, source: torch.Generator
) -> dict[str, Tensor]:
    """What neurons are predicted from, each (time, image, feature)."""
    fresh = CordsNet(
        "small-R2", 1, 10, image_size=8, generator=torch.Generator().manual_seed(500 + network)
    )
    n_times, n_images = units.shape[:2]
    bank = gabor_bank(images, wavelengths=(3.0, 5.0), stride=2)
    last = units[: int((times <= DURATION).sum())]
    return {
        "network": units,
        "shuffled": shuffle_time(units, generator=source),
        "one_order": shuffle_time(units, each_image=False, generator=source),
        "still": held_still(last)[:1].expand(n_times, -1, -1),
        "permuted": permute_images(units, generator=source),
        "untrained": units_in_time(fresh, images, times, duration=DURATION),
        "pixels": pixels_in_time(images, n_times),
        "gabor": bank.expand(n_times, -1, -1),
        "smooth": smooth_signal(times, n_images, generator=source),
    }


def scores_of(
    features: dict[str, Tensor], trials: Tensor, folds: Tensor, n_components: int
) -> dict[str, dict[str, Tensor]]:
    """Score of each neuron, by predictor and part."""
    mean = trials.mean(dim=0)
    found = {}
    for name, values in features.items():
        predicted = predict_neurons(values, mean, n_components=n_components, folds=folds)
        found[name] = {part: prediction_score(predicted, mean, part=part) for part in PARTS}
    return found


def ahead(first: Tensor, second: Tensor) -> float:
    """P of a one-sided paired t-test over neurons that the first is larger."""
    test = stats.ttest_rel(first.numpy(), second.numpy(), alternative="greater")
    return float(test.pvalue)


EXPERIMENTS = (Experiment(name="made_neurons", run=run, rules=RULES),)
