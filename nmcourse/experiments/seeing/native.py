"""C7, F6, F7, C8 and F31 on Fashion-MNIST at 28 pixels: the same questions, images of native size.

Two areas of 16 channels (preset ``native-R2``), and rivals with as many parameters. The rules are
those of the small digits and were fixed before. What the small digits had left open is asked with
more: ten networks in each cell of the crossing, five learning rates with two tuning networks for
each kind, and a thousand images for the time to an answer.

The images are in the folder ``NMCOURSE_IMAGES``, see ``image_sets``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from nmcourse.evidence import Experiment
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.seeing import (
    crossing,
    crossing_rules,
    equal_accuracy,
    networks,
    noise,
    noise_rules,
    over_time,
    over_time_rules,
)

_IMAGES: dict[str, Any] = {"images": "fashion_mnist", "made_up": None}
_NATIVE = _IMAGES | {"areas": "native-R2", "image_size": 28, "batch_size": 32}
_SMOKE: dict[str, Any] = {"images": "fashion_mnist", "made_up": 6}
CROSSING: dict[str, dict[str, Any]] = {
    "cpu": crossing.SETTINGS["cpu"] | _NATIVE | {"n_seeds": 10, "n_test": 500},
    "smoke": crossing.SETTINGS["smoke"] | _SMOKE,
}
CROSSING["gpu"] = at_paper_scale("native_crossing", CROSSING["cpu"])
NETWORKS: dict[str, dict[str, Any]] = {
    "cpu": networks.SETTINGS["cpu"]
    | _NATIVE
    | {
        "rates": [5e-3, 1e-2, 2e-2, 4e-2, 8e-2],
        "tuning_seeds": [100, 101],
        "n_test": 1000,
    },
    "smoke": networks.SETTINGS["smoke"] | _SMOKE,
}
NETWORKS["gpu"] = at_paper_scale("native_over_time", NETWORKS["cpu"])
NOISE = {  # fewer images, since each is shown under 35 noises
    tier: settings | {"n_test": min(settings["n_test"], 500)} for tier, settings in NETWORKS.items()
}
EQUAL = {
    "cpu": NOISE["cpu"] | {"ladder": equal_accuracy.LADDER, "trained_in": "native_over_time"},
    "smoke": equal_accuracy.SETTINGS["smoke"] | _SMOKE,
}
EQUAL["gpu"] = at_paper_scale("native_equal_accuracy", EQUAL["cpu"])
EXPERIMENTS = (
    Experiment(
        name="native_crossing",
        run=partial(crossing.run, tiers=CROSSING),
        rules=crossing_rules.RULES,
    ),
    Experiment(
        name="native_over_time",
        run=partial(over_time.run, tiers=NETWORKS),
        ships=tuple(networks.shipped_name(name, NETWORKS["cpu"]) for name in networks.NETWORKS),
        rules=over_time_rules.RULES,
    ),
    Experiment(
        name="native_noise",
        run=partial(noise.run, tiers=NOISE),
        rules=noise_rules.RULES,
    ),
    Experiment(
        name="native_equal_accuracy",
        run=partial(equal_accuracy.run, tiers=EQUAL),
        rules=equal_accuracy.RULES,
    ),
)
