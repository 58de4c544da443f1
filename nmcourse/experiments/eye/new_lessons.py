"""F19: the modulator of a CordsNet is retrained alone; are the old rules lost, and found again?

The base networks of ``rule_switch`` stay as they are. A modulator holds the gains of two rules that
were learnt there, one cue each. Its gains are stored, one course for each cue. Then a cue is added,
and the modulator alone learns one of two lessons under it:

    curved   a new rule about the same images
    mnist    the first rule about other images, of MNIST
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.analysis import store_image_gains
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.eye.networks import build, digit_sets
from nmcourse.experiments.eye.new_lessons_rules import LESSONS, RULES
from nmcourse.experiments.eye.rule_switch import following
from nmcourse.experiments.eye.rule_switch_rules import TAUS
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import CordsNet, NMCordsNet, PrescribedGain
from nmcourse.tasks import ImageSet, digit_answers, instructed, mnist_images
from nmcourse.training import (
    InstructedTrial,
    fit_many_images,
    for_tier,
    instructed_accuracy,
    instructed_loss,
    with_new_context,
)

OLD = ("odd", "large")
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "areas": "small-R4",
        "n_seeds": 5,
        "n_steps": 200,
        "batch_size": 16,
        "learning_rate": 0.03,
        "n_validation": 200,
        "n_test": 200,
    },
    "smoke": {
        "areas": "small-R2",
        "n_seeds": 2,
        "n_steps": 2,
        "batch_size": 4,
        "learning_rate": 0.03,
        "n_validation": 6,
        "n_test": 10,
    },
}
SETTINGS["gpu"] = at_paper_scale("new_lessons", SETTINGS["cpu"])


def trial_of(*rules: str) -> InstructedTrial:
    """One phase of one rule for each cue, in this order."""
    answers = tuple(tuple(row) for row in digit_answers(rules).tolist())
    return InstructedTrial(answers=answers, instructions=tuple((k,) for k in range(len(rules))))


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and ask all networks; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics = remember(run_dir / "all.json", partial(_measure, tier, settings, run_dir), settings)
    return {"config": settings, "metrics": metrics}


def _pairs(tier: str, settings: Mapping[str, Any]) -> list[list[CordsNet]]:
    """For each seed the base network, and the same with the gains of the second rule."""
    if tier != "smoke":
        networks = [pretrained.load_all(f"eye_{name}", kind=CordsNet) for name in ("base", OLD[1])]
    else:
        sources = [torch.Generator().manual_seed(seed) for seed in range(settings["n_seeds"])]
        networks = [[build(settings["areas"], source) for source in sources]] * 2
    return [list(pair) for pair in zip(*networks, strict=True)]


def _measure(tier: str, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    sets, trial = digit_sets(settings), trial_of(*OLD)
    pairs = _pairs(tier, settings)
    models = [following(pair, "gains", TAUS[0], settings["areas"]) for pair in pairs]
    test = instructed(sets.test, len(OLD))
    found: dict[str, Any] = {"old": [_right(model, test, trial) for model in models]}
    stored = [_stored(model, sets.validation, trial) for model in models]
    for lesson in LESSONS:
        found[lesson] = _lesson(lesson, models, stored, settings, folder)
    return plain(found)


def _lesson(
    lesson: str,
    models: list[NMCordsNet],
    stored: list[list[PrescribedGain]],
    settings: Mapping[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """What a lesson brings, and what it does to the old rules."""
    sets = digit_sets(settings)
    train, test, rule = sets.train, sets.test, lesson
    if lesson == "mnist":
        train, test, rule = *_mnist(settings["n_test"]), OLD[0]
    trial = trial_of(*OLD, rule)
    lessons, asked = (_only_last(instructed(s, 3)) for s in (train, test))
    wider = [with_new_context(copy.deepcopy(model)) for model in models]
    for model in wider:
        model.network.requires_grad_(False)
    found = {"before": [_right(model, asked, trial) for model in wider]}
    _learn(wider, lessons, trial, settings, folder / f"{lesson}.pt")
    old = instructed(sets.test, len(OLD))
    return found | {
        "after": [_right(model, asked, trial) for model in wider],
        "left": [_right(model, old, trial) for model in wider],
        "stored": [
            sum(_under(model, gains, k, sets.test) for k, gains in enumerate(courses)) / len(OLD)
            for model, courses in zip(wider, stored, strict=True)
        ],
    }


def _mnist(n_test: int) -> tuple[ImageSet, ImageSet]:
    """MNIST's digits, made as small as the others."""
    train, test = (mnist_images(split, size=8) for split in ("train", "test"))
    return train.normalised(), test.normalised(like=train).subset(slice(n_test))


def _only_last(images: ImageSet) -> ImageSet:
    """Images under the last instruction alone."""
    return images.subset(images.labels >= 20)


def _learn(
    models: list[NMCordsNet],
    images: ImageSet,
    trial: InstructedTrial,
    settings: Mapping[str, Any],
    checkpoint: Path,
) -> None:
    """Train the modulators alone."""
    fit_many_images(
        models,
        images,
        partial(instructed_loss, trial=trial),
        seeds=range(len(models)),
        n_steps=settings["n_steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        checkpoint=checkpoint,
        progress=False,
    )


def _right(model: NMCordsNet, images: ImageSet, trial: InstructedTrial) -> float:
    """Share of right answers at the end of the image."""
    return float(instructed_accuracy(model, images.images, images.labels, trial).mean())


def _stored(model: NMCordsNet, images: ImageSet, trial: InstructedTrial) -> list[PrescribedGain]:
    """Mean gains of each cue, for the whole trial."""
    blank, phase, _ = trial.steps(model.dt)
    eye = torch.eye(model.n_cues)
    return [
        store_image_gains(
            model,
            images.images,
            mean=True,
            n_blank=blank,
            n_steps=phase,
            cues=cue.expand(len(images), -1),
        )
        for cue in eye
    ]


@torch.no_grad()
def _under(model: NMCordsNet, gains: PrescribedGain, rule: int, images: ImageSet) -> float:
    """Share of right answers of the network under stored gains, whatever its modulator is now."""
    blank, phase, _ = trial_of(*OLD).steps(model.dt)
    played = model.with_gains(gains)
    outputs: Tensor = played.respond(images.images, n_blank=blank, n_steps=phase).outputs[:, -1]
    answers = digit_answers(OLD)[rule][images.labels]
    return float((outputs.argmax(dim=-1) == answers).double().mean())


EXPERIMENTS = (Experiment(name="new_lessons", run=run, rules=RULES),)
