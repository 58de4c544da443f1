"""R20: what images that are made against a network cost it.

The networks of ``over_time`` (eight kinds, of one size, which learnt the same digits) meet images
in which every pixel is changed by at most epsilon standard deviations of a pixel:

    sign      one step along the sign of the network's own gradient
    repeated  several steps of the same kind
    transfer  made (one step) against another seed of its own kind
    noise     random signs: the same length, and nothing that is aimed

Repeated attacks meet the kinds that the rule compares.

The gradient goes back through all steps with the image. Each network is asked at its last trained
step, from the start that it was trained with.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse.analysis import adversarial_images, outputs_at_last
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.step_size import accuracy
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.reviewed_eye.attacks_rules import COMPARED, RULES, SIZES
from nmcourse.experiments.seeing.crossing import digits
from nmcourse.experiments.seeing.networks import NETWORKS, of_run
from nmcourse.experiments.seeing.networks import SETTINGS as TRAINED
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import Seeing, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import ImageTrial, for_tier

SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": TRAINED["cpu"]
    | {"n_shown": 60, "sizes": list(SIZES), "repeated": [0.1, 0.2], "n_iterations": 4},
    "smoke": TRAINED["smoke"]
    | {"n_shown": 4, "sizes": [0.1], "repeated": [0.1], "n_iterations": 2},
}
SETTINGS["gpu"] = at_paper_scale("attacks", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Attack every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_kind, name, tier, settings, run_dir / name) for name in NETWORKS}
    return {"config": settings, "metrics": in_parallel(jobs)}


def _kind(name: str, tier: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    models, _ = of_run(name, tier, for_tier(tier, TRAINED), folder)
    _, test = digits(settings["image_size"], settings["n_test"])
    shown, trial = test.subset(slice(settings["n_shown"])), NETWORKS[name].trial
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        remember(
            folder / f"attacked_{k}.json",
            partial(_attacked, models, k, shown, trial, settings, name in COMPARED),
            settings | {"network": k},
        )
        for k in range(len(models))
    ]
    return {key: [row[key] for row in rows] for key in rows[0]}


def _attacked(
    models: Sequence[Seeing],
    number: int,
    shown: ImageSet,
    trial: ImageTrial,
    settings: Any,
    again: bool,
) -> dict[str, Any]:
    """Share of right answers of one network under each attack, by size; and seconds."""
    model, start = models[number], time.process_time()
    other = models[(number + 1) % len(models)]
    n_blank, n_steps = _steps(model, trial)

    def make(one: Seeing, size: float, n_iterations: int = 1) -> Tensor:
        return adversarial_images(
            one,
            shown.images,
            shown.labels,
            size,
            n_blank=n_blank,
            n_steps=n_steps,
            n_iterations=n_iterations,
        )

    def right(images: Tensor) -> float:
        with torch.no_grad():
            return accuracy(outputs_at_last(model, images, n_blank, n_steps), shown.labels)

    sizes, source = settings["sizes"], torch.Generator().manual_seed(number)
    signs = torch.randint(0, 2, shown.images.shape, generator=source) * 2.0 - 1
    # a step of size 1 gives the signs of the gradient, which all sizes share
    own, others = (make(one, 1.0) - shown.images for one in (model, other))
    found = {
        "clean": right(shown.images),
        **{
            name: [right(shown.images + size * change) for size in sizes]
            for name, change in (("sign", own), ("transfer", others), ("noise", signs))
        },
        "repeated": [
            right(make(model, size, settings["n_iterations"]))
            for size in (settings["repeated"] if again else ())
        ],
    }
    return plain(found) | {"seconds": time.process_time() - start}


def _steps(model: Seeing, trial: ImageTrial) -> tuple[int, int]:
    """Blank steps and steps with the image; a network without time looks once."""
    n_blank, n_steps = (round(part / model.dt) for part in (trial.blank, trial.stimulus))
    return n_blank, 1 if isinstance(model, TwinCNN) else n_steps


EXPERIMENTS = (Experiment(name="attacks", run=run, rules=RULES),)
