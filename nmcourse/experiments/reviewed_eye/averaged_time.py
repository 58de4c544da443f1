"""R22: the score of a prediction with and without averaging over time, on neurons that we made.

The neurons of ``made_neurons`` (claim C14): of each network some *seeing* ones, mixtures of its
units over time, and some *blind* ones with the same time courses and nothing of the image. They
are predicted frame by frame, as there, and from means over all frames: one number for each image,
network unit and neuron. A mean has few rows, so its number of components is chosen inside the
training images. Each prediction is scored on whole images that were held out, and set against
what noise allows (the ceiling), the activity with other images, and a network with random weights.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse.analysis import (
    noise_ceiling,
    predict_neurons,
    prediction_score,
    tuned_prediction,
)
from nmcourse.evidence import Experiment, plain
from nmcourse.experiments.neurons.made_neurons import (
    ahead,
    features_and_folds,
    neurons_of,
    of_each_network,
)
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.reviewed_eye.averaged_time_rules import KINDS, RULES, WAYS
from nmcourse.training import for_tier

PREDICTORS = ("network", "permuted", "untrained")
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_networks": 10,
        "n_images": 100,
        "n_times": 20,
        "n_neurons": 30,
        "n_repeats": 10,
        "n_components": 15,
        "candidates": [1, 2, 5, 10, 15],
        "n_folds": 5,
        "shared": 0.5,
        "noise": 2.0,
    },
    "smoke": {
        "n_networks": 2,
        "n_images": 8,
        "n_times": 4,
        "n_neurons": 3,
        "n_repeats": 4,
        "n_components": 2,
        "candidates": [1, 2],
        "n_folds": 2,
        "shared": 0.5,
        "noise": 2.0,
    },
}
SETTINGS["gpu"] = at_paper_scale("averaged_time", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Predict the neurons of every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    found = of_each_network(measure, settings, run_dir)
    metrics = {
        kind: {
            way: {key: [one[kind][way][key] for one in found] for key in found[0][kind][way]}
            for way in WAYS
        }
        for kind in KINDS
    }
    return {"config": settings, "metrics": metrics | {"seconds": [one["seconds"] for one in found]}}


def measure(network: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Scores of the neurons of one network.

    Returns:
        For each kind of neurons and each way (in time, averaged): the median over neurons of the
        score from each predictor, of the ``ceiling``, and p of a one-sided paired t-test over
        neurons that the network is ahead of the other two.
    """
    start = time.process_time()
    made, folds = features_and_folds(network, settings, seed=2000 + network)
    features = {name: made[name] for name in PREDICTORS}
    found: dict[str, Any] = {}
    for kind, trials in neurons_of(made["network"], settings, seed=100 + network).items():
        found[kind] = {
            "in_time": _scores(features, trials, folds, settings, averaged=False),
            "averaged": _scores(
                {name: values.mean(dim=0, keepdim=True) for name, values in features.items()},
                trials.mean(dim=1, keepdim=True),
                folds,
                settings,
                averaged=True,
            ),
        }
    return plain(found) | {"seconds": time.process_time() - start}


def _scores(
    features: dict[str, Tensor],
    trials: Tensor,
    folds: Tensor,
    settings: dict[str, Any],
    *,
    averaged: bool,
) -> dict[str, Any]:
    """Scores of one kind of neurons, predicted in one way."""
    mean = trials.mean(dim=0)
    scores = {}
    for name, values in features.items():
        if averaged:
            predicted, _ = tuned_prediction(
                values,
                mean,
                candidates=settings["candidates"],
                n_folds=settings["n_folds"],
                folds=folds,
                generator=torch.Generator().manual_seed(0),
            )
        else:
            predicted = predict_neurons(
                values, mean, n_components=settings["n_components"], folds=folds
            )
        scores[name] = prediction_score(predicted, mean)
    ceiling = noise_ceiling(trials, generator=torch.Generator().manual_seed(0))
    return {
        **{name: values.median() for name, values in scores.items()},
        "ceiling": ceiling.nanmedian(),
        **{
            f"p_{other}": ahead(scores["network"], scores[other])
            for other in ("permuted", "untrained")
        },
    }


EXPERIMENTS = (Experiment(name="averaged_time", run=run, rules=RULES),)
