"""C15 on Fashion-MNIST at 28 pixels: the comparison of ``step_size`` on images of native size.

Ten networks with two areas of 16 channels (preset ``native-R2``) in each condition, from random
weights. The learning rate was chosen with other seeds.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from nmcourse.evidence import Experiment
from nmcourse.experiments.cordsnet import step_size
from nmcourse.experiments.paper_scale import at_paper_scale

SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": step_size.SETTINGS["cpu"]
    | {
        "images": "fashion_mnist",
        "made_up": None,
        "areas": "native-R2",
        "image_size": 28,
        "n_seeds": 10,
        "n_steps": 400,
        "batch_size": 32,
        "n_test": 500,
    },
    "smoke": step_size.SETTINGS["smoke"] | {"images": "fashion_mnist", "made_up": 8},
}
SETTINGS["gpu"] = at_paper_scale("native_step_size", SETTINGS["cpu"])
EXPERIMENTS = (
    Experiment(
        name="native_step_size",
        run=partial(step_size.run, tiers=SETTINGS),
        rules=step_size.RULES,
    ),
)
