"""The bill of each experiment: how many training steps of which kind, and what they come to.

Counted are training steps, those that choose a learning rate too. What is measured afterwards is
not: it takes minutes where training takes hours. Where an experiment trains variants of a network,
each counts as the network itself. So a bill is right within a factor of about two
(``tests/experiments/scale/test_bill.py`` compares it with what runs took).

Seconds are those of one core of the machine that measured the steps; the paper's scale is
arithmetic from there, on the same core. Nothing here says how long a GPU takes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from nmcourse.evidence import Experiment, Results, read_results
from nmcourse.experiments.block_training import Arm, blocks_of
from nmcourse.experiments.contenders import Contender
from nmcourse.experiments.element_finder.lengths import LENGTHS
from nmcourse.experiments.registry import by_claim
from nmcourse.experiments.scale.costs import (
    CNN_BATCH,
    LARGE,
    NAME,
    PLACE,
    SHORT,
    SMALL,
    SMALL_BATCH,
    adds_of_stage,
    network_sizes,
)
from nmcourse.experiments.timing.published_budget import ARMS as TIMING_ARMS
from nmcourse.training import Recipe


class Work(NamedTuple):
    """Training steps of one kind.

    Attributes:
        kind: a builder of a recurrent network, or a stage of CordsNet.
        steps: steps, over all networks.
        areas: of CordsNet; "" for a recurrent network.
        size: pixels of its images.
        batch: images of a step.
    """

    kind: str
    steps: float
    areas: str = ""
    size: int = 0
    batch: int = 0


class Price(NamedTuple):
    """What one step of some work costs.

    Attributes:
        seconds: on one core here.
        multiply_adds: forward and back.
        megabytes: the largest memory of the process.
    """

    seconds: float
    multiply_adds: float
    megabytes: float


def bill(tier: str, watts: float) -> list[dict[str, str | float]]:
    """What each experiment costs at a tier.

    Args:
        tier: "cpu" for the scale of this course, "gpu" for that of the papers.
        watts: that a busy core takes, with its share of memory and supply.

    Returns:
        For each experiment its name, its claims, the command, and ``seconds``, ``multiply_adds``,
        ``megabytes`` and ``kilowatt_hours``; the most expensive first. Experiments without
        training have zeros.

    Raises:
        ValueError: for another tier, or watts that are not positive.
    """
    if tier not in ("cpu", "gpu"):
        raise ValueError(f"tier must be 'cpu' or 'gpu', got {tier!r}")
    if not watts > 0:
        raise ValueError(f"watts must be positive, got {watts!r}")
    prices = _stored()
    settled: dict[str, tuple[Experiment, list[str]]] = {}
    for claim, experiment in by_claim(at_published_budget=tier == "gpu").items():
        settled.setdefault(experiment.name, (experiment, []))[1].append(claim)
    found: list[dict[str, str | float]] = []
    for experiment, claims in settled.values():
        works = works_of(experiment, tier)
        costs = [(work, price(work, prices)) for work in works]
        seconds = sum(work.steps * one.seconds for work, one in costs)
        found.append(
            {
                "experiment": experiment.name,
                "claims": ", ".join(claims),
                "command": f"python -m nmcourse.experiments run {claims[0]} --tier {tier}",
                "seconds": seconds,
                "multiply_adds": sum(work.steps * one.multiply_adds for work, one in costs),
                "megabytes": max((one.megabytes for _, one in costs), default=0.0),
                "kilowatt_hours": seconds * watts / 3.6e6,
            }
        )
    return sorted(found, key=lambda row: -float(row["seconds"]))


def works_of(experiment: Experiment, tier: str) -> list[Work]:
    """The training steps of an experiment; none if it trains nothing."""
    module = sys.modules[getattr(experiment.run, "func", experiment.run).__module__]
    settings = getattr(module, "SETTINGS", {}).get(tier, {})
    if experiment.name in VISION:
        return VISION[experiment.name](settings)
    if experiment.name in SINGLE:
        kind, count = SINGLE[experiment.name]
        steps = settings.get("n_steps", settings.get("reset_steps", 70_000))
        return [Work(kind, steps * count * _seeds(settings, ""))]
    if not settings:
        return []
    if experiment.name == "equal_terms":  # the first seeds of two networks are there already
        fewer = settings | {"n_seeds": settings["n_seeds"] - settings["n_stored"]}
        return [
            Work(_kind(arm), _steps(arm, fewer if name in TIMING_ARMS else settings))
            for name, arm in module.ARMS.items()
        ]
    return [Work(_kind(arm), _steps(arm, settings)) for arm in contenders_of(module).values()]


def contenders_of(module: Any) -> dict[str, Contender]:
    """Every contender that a module names in its constants, by name."""
    found: dict[str, Contender] = {}

    def look(value: Any, depth: int) -> None:
        if isinstance(value, Contender):
            found.setdefault(value.name, value)
        elif depth and isinstance(value, Mapping | tuple | list):
            for one in value.values() if isinstance(value, Mapping) else value:
                look(one, depth - 1)

    for name, value in vars(module).items():
        if name.isupper():
            look(value, 2)
    return found


def _kind(arm: Contender) -> str:
    """The network whose steps are measured; variants count as the network of the paper."""
    if not isinstance(arm.builder, str):
        return "multitask_nm_rnn"
    return arm.builder.replace("_gain_driven_", "_linear_")


def _steps(arm: Contender, settings: Mapping[str, Any]) -> float:
    """Steps of all networks of a contender, those that tune its rate too."""
    seeds = _seeds(settings, arm.name)
    if "block" in settings and "n_steps" not in settings:
        stages = arm.stages if isinstance(arm, Arm) and arm.stages else [(70_000, 1e-2, ())]
        return len(blocks_of(stages, settings)) * settings["block"] * seeds
    training = settings["n_steps"] + settings.get("retraining_steps", 0)
    tuning = settings.get("tuning_steps", 0) * len(settings.get("tuning_seeds", ()))
    return training * seeds + tuning * len(settings.get("rates", ()))


def _seeds(settings: Mapping[str, Any], name: str) -> float:
    seeds = settings.get("seeds", settings.get("n_seeds", 0))
    return float(seeds.get(name, 0) if isinstance(seeds, Mapping) else seeds)


#: Experiments that train one kind of network: kind, and how many for each seed.
SINGLE: dict[str, tuple[str, int]] = {
    "gain_prediction": ("measure_wait_go_linear_nm_rnn", 3),
    "released_training": ("measure_wait_go_nm_rnn", 2),
    "column_signs": ("measure_wait_go_nm_rnn", 2),
    "people_keep_time": ("measure_wait_go_nm_rnn", 6),
    "resets_published_budget": ("measure_wait_go_nm_rnn", 2),
}


def _of_stages(settings: Mapping[str, Any], times: float) -> list[Work]:
    recipe = Recipe(**settings["recipe"])
    steps = recipe.steps()
    common = settings["areas"], settings["image_size"]
    return [
        Work("cnn", steps["cnn"] * times, *common, recipe.cnn_batch),
        Work("inverse", steps["inverse"] * times, *common, recipe.cnn_batch),
        Work("linear", steps["linear"] * times, *common, recipe.batch_size),
        Work(
            "trial", (steps["annealed"] + steps["fine-tuned"]) * times, *common, recipe.batch_size
        ),
    ]


def _trials(settings: Mapping[str, Any], times: float) -> list[Work]:
    steps = settings["n_steps"] * times * settings["n_seeds"]
    common = settings["areas"], settings["image_size"], settings["batch_size"]
    return [Work("together", steps, *common)]


def _return_to_rest(settings: Mapping[str, Any]) -> list[Work]:
    seeds, start = settings["n_seeds"], settings["start"]
    common = settings["areas"], settings["image_size"]
    annealed = len(settings["slopes"]) * settings["steps_per_slope"] + settings["n_steps"]
    trials = seeds * (12 * annealed + settings["direct_steps"])  # 12 arms and a direct one
    return [
        Work("cnn", start["cnn"] * seeds, *common, CNN_BATCH),
        Work("inverse", start["inverse"] * seeds, *common, CNN_BATCH),
        Work("linear", start["linear"] * seeds, *common, SMALL_BATCH),
        Work("together", trials, *common, settings["batch_size"]),
    ]


def _native_loss(settings: Mapping[str, Any]) -> list[Work]:
    seeds, start, steps = settings["seeds"], settings["start"], settings["n_steps"]
    areas, size = settings["areas"], settings["image_size"]
    late = settings["batch_size"]["staged"]
    annealed = len(settings["slopes"]) * settings["steps_per_slope"] + steps["staged"]
    fewer = 2.0 / settings["dt"]  # time steps
    trials = 3 * seeds["staged"] * annealed * fewer  # three arms
    # nine arms of trials that are about a tenth as long as the published one, twice the images
    trials += 9 * seeds["short"] * steps["short"] * fewer * 0.2
    return [
        Work("cnn", start["cnn"] * seeds["staged"], areas, size, start["batch"]),
        Work("inverse", start["inverse"] * seeds["staged"], areas, size, start["batch"]),
        Work("linear", start["linear"] * seeds["staged"] * fewer, areas, size, late),
        Work("together", trials, areas, size, late),
    ]


#: Experiments on images. Trials with longer time steps have fewer of them.
VISION: dict[str, Any] = {
    # as many trials of dt/tau 0.2, 0.5 and 1, and one of five steps
    **dict.fromkeys(("step_size", "native_step_size"), lambda s: _trials(s, 1 + 0.4 + 0.2 + 0.03)),
    "return_to_rest": _return_to_rest,
    "native_loss": _native_loss,
    # stages, and two controls that take as long as they do, one as long as the first three
    "staged_training": lambda s: _of_stages(s, 3.5 * s["n_seeds"]),
    "native_stages": lambda s: _of_stages(s, 3.5 * s["n_seeds"] * 2.0 / s["dt"]),
    "lasting_answers": lambda s: _of_stages(s, s["n_seeds"]),
    # a step of 5 ms has two fifths of the time steps
    "native_images": lambda s: _of_stages(
        {**s, "image_size": 28}, sum(s["seeds"].values()) * 2.0 / s["dt"]
    ),
    # 12 cells for each of dt/tau 0.2, 0.5 and 1; half of them begin at rest
    **dict.fromkeys(
        ("crossing", "native_crossing"), lambda s: _trials(s, 12 * (1 + 0.4 + 0.2) * 0.6)
    ),
    **dict.fromkeys(("over_time", "native_over_time"), lambda s: _trials(s, 8)),
    # five eyes for each of four tasks, each counted as a small CordsNet for one trial
    "from_pixels": lambda s: [
        Work("together", 20 * s["n_steps"] * s["n_seeds"], SMALL, s["size"], s["batch_size"])
    ],
    **dict.fromkeys(("noise", "native_noise"), lambda s: []),
    "v4_prediction": lambda s: [
        Work("together", 3 * s["n_steps"] * s["n_seeds"], SMALL, 14, s["batch_size"])
    ],
    "alike_images": lambda s: [],
    "conv_spectra": lambda s: [],
    "conv_regimes": lambda s: [],
    "made_neurons": lambda s: [],
    "turning_code": lambda s: [],
    # these train too, but a step of theirs has not been measured
    "same_computation": lambda s: [],
    "memory_shapes": lambda s: [],
    "answer_windows": lambda s: [],
    "mixtures": lambda s: [],
    "longer_delays": lambda s: [],
    "moving_alike": lambda s: [],
    "gain_clock": lambda s: [],
    "rule_switch": lambda s: [],
    "new_lessons": lambda s: [],
    # five arms, from networks that are there
    "in_place_of_rest": lambda s: _trials(s | {"areas": SMALL}, 5),
    "attacks": lambda s: [],
    "averaged_time": lambda s: [],
    "element_finder_training_published_budget": lambda s: [
        Work("element_finder_nm_rnn", s["n_steps"] * len(LENGTHS) * max(s["seeds"].values()))
    ],
}


def price(work: Work, stored: Results) -> Price:
    """What one step of a work costs, from the steps that were measured."""
    kinds = stored.value("kinds")
    if not work.areas:
        found = kinds[work.kind]
        return Price(found["seconds"], found["multiply_adds"], found["megabytes"])
    sizes = network_sizes(work.areas, work.size)
    adds = adds_of_stage(work.kind, sizes, work.batch)
    few, many = (kinds[f"{LARGE}_{steps}"] for steps in SHORT)
    more = {key: many[key] - few[key] for key in few}
    an_add = more["seconds"] / more["multiply_adds"]  # where a network waits for nothing else
    if work.areas.startswith("small"):  # most of a step is spent between the products
        found = kinds[f"{SMALL}_{work.kind}"]
        beyond = (adds - found["multiply_adds"]) * an_add
        return Price(max(found["seconds"] + beyond, adds * an_add), adds, found["megabytes"])
    units = stored.value(f"networks.{LARGE}.n_units")
    a_step = more["megabytes"] / (SHORT[1] - SHORT[0]) / units  # of one image and one neuron
    kept = {"cnn": 2, "inverse": 5, "linear": 100, "trial": 200, "together": 200}[work.kind]
    megabytes = few["megabytes_before"] + a_step * kept * sizes["n_units"] * work.batch
    return Price(adds * an_add, adds, megabytes)


def _stored() -> Results:
    found = read_results(NAME, path=PLACE)
    if found is None:
        raise ValueError("no step has been measured: python -m nmcourse.experiments costs")
    return found
