"""F13: which photographs are alike, for monkey IT and for simple features? With two nulls.

92 photographs; dissimilarities of 674 units of monkey IT, and of IT of people. Compared with them,
by the rank correlation over pairs: pixels, a silhouette (where the picture differs from its grey
ground), the energy of Gabor filters, and CordsNets with random weights and trained on MNIST, after
the image came and late. The nulls exchange images: all of them, or only inside a category (face,
body, other animate, natural or artificial object), which keeps what the categories alone give.

The dissimilarities are public data of Kriegeskorte et al. 2008, in the folder that
``NMCOURSE_RECORDINGS`` names; photographs are analysed and not printed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nmcourse.analysis import (
    Photographs,
    bootstrap_over_images,
    compare_dissimilarities,
    dissimilarities,
    gabor_bank,
    permuted_over_images,
    read_photographs,
    recordings_folder,
    units_in_time,
)
from nmcourse.evidence import Experiment, LedgerError, remember
from nmcourse.experiments.neurons.neurons_rules import ALIKE_RULES
from nmcourse.experiments.neurons.v4_prediction import (
    SETTINGS as TRAINING,
)
from nmcourse.experiments.neurons.v4_prediction import (
    TRIAL,
    images_to_learn,
    network,
)
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.training import fit_many_images, for_tier, trial_loss

SIDE = 32  # pixels
FIGURE = 0.02  # brightness by which a figure differs from the grey ground
TIMES = (10.0, 80.0)  # ms after the image came
GROUPS = ("face", "body", "animate", "natObj", "artiObj")
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_draws": 500, "n_seeds": 3, "training": TRAINING["cpu"]},
    "smoke": {"n_draws": 3, "n_seeds": 1, "training": TRAINING["smoke"]},
}
SETTINGS["gpu"] = at_paper_scale("alike_images", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Compare all features with the monkeys and the people.

    Raises:
        LedgerError: There is no folder of recordings; the smoke tier makes some up.
    """
    settings = for_tier(tier, SETTINGS)
    found = remember(run_dir / "alike.json", partial(_measure, tier, settings), settings)
    return {"config": settings, "metrics": found}


def _photographs(tier: str) -> Photographs:
    if tier == "smoke":
        source = torch.Generator().manual_seed(0)
        images = torch.rand(10, 1, SIDE, SIDE, generator=source)
        one = dissimilarities(torch.randn(10, 8, dtype=torch.float64, generator=source))
        groups = {name: torch.arange(10) % len(GROUPS) == k for k, name in enumerate(GROUPS)}
        return Photographs(images, one, one.flip(0, 1), groups)
    folder = recordings_folder()
    if folder is None:
        raise LedgerError("set NMCOURSE_RECORDINGS to the folder with it_kriegeskorte92.npz")
    return read_photographs(folder)


def _measure(tier: str, settings: dict[str, Any]) -> dict[str, Any]:
    seen = _photographs(tier)
    group = torch.zeros(len(seen.images), dtype=torch.int64)
    for k, name in enumerate(reversed(GROUPS)):  # a face is animate as well: the first name counts
        group[seen.categories[name]] = k + 1
    found: dict[str, Any] = {"monkey_and_people": compare_dissimilarities(seen.monkey, seen.human)}
    for name, patterns in patterns_of(seen.images, tier, settings).items():
        matrices = [dissimilarities(values.double()) for values in patterns]
        source = torch.Generator().manual_seed(0)
        options: dict[str, Any] = {"n_draws": settings["n_draws"], "generator": source}
        draws = bootstrap_over_images(matrices[0], seen.monkey, **options)
        nulls = {
            "null_all": permuted_over_images(matrices[0], seen.monkey, **options),
            "null_within": permuted_over_images(matrices[0], seen.monkey, within=group, **options),
        }
        found[name] = {
            "monkey": [compare_dissimilarities(matrix, seen.monkey) for matrix in matrices],
            "people": [compare_dissimilarities(matrix, seen.human) for matrix in matrices],
            "low": draws.quantile(0.025),
            "high": draws.quantile(0.975),
        } | {kind: values.quantile(0.95) for kind, values in nulls.items()}
    return found


def patterns_of(images: Tensor, tier: str, settings: dict[str, Any]) -> dict[str, list[Tensor]]:
    """Features (image, feature) by name, one entry for each seed."""
    small = F.interpolate(images, size=(SIDE, SIDE), mode="area")
    ground = images.flatten(1).median(dim=1).values[:, None, None, None]
    silhouette = ((images - ground).abs() > FIGURE).to(images.dtype)
    silhouette = F.interpolate(silhouette, size=(SIDE, SIDE), mode="area")
    found = {
        "pixels": [small.flatten(1)],
        "silhouette": [silhouette.flatten(1)],
        "gabor": [gabor_bank(small)],
    }
    shown = (small - small.mean()) / small.std()
    options = settings["training"]
    seeds = range(settings["n_seeds"])
    fresh = [network(torch.Generator().manual_seed(seed)) for seed in seeds]
    learnt = fit_many_images(
        network,
        images_to_learn("mnist", tier),
        partial(trial_loss, trial=TRIAL),
        seeds=seeds,
        progress=False,
        **{key: options[key] for key in ("n_steps", "batch_size", "learning_rate")},
    ).models
    for name, models in (("untrained", fresh), ("mnist", learnt)):
        at = torch.tensor(TIMES)
        units = [units_in_time(model, shown, at, areas=[1], n_blank=10) for model in models]  # type: ignore[arg-type]
        found[f"{name}_early"] = [values[0] for values in units]
        found[f"{name}_late"] = [values[1] for values in units]
    return found


EXPERIMENTS = (Experiment(name="alike_images", run=run, rules=ALIKE_RULES),)
