"""Small CordsNets that answer one question about digits, and four ways to teach them another.

The base network of four areas learns whether a digit is odd. Then it is frozen, and one kind of
number may change for a new rule:

    gains     48   the length of each recurrent convolution: a gain for each channel
    bias      48   one for each channel: what a cue that is added amounts to
    picture   64   pixels added to every image: a cue as extra input
    readout   34   the readout: sixteen weights for each of two answers, and two biases
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nmcourse.evidence import remember
from nmcourse.experiments.eye.rule_switch_rules import BASE_RULE, NEW_RULES
from nmcourse.models import CordsNet
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import ImageSet, digit_images, under_rule
from nmcourse.training import (
    ImageTrial,
    fit_many_images,
    load_tensors,
    run_trial,
    save_tensors,
    trial_loss,
)

ALL_RULES = (BASE_RULE, *NEW_RULES)
ASKED = ImageTrial(
    blank=20, stimulus=50, after=0, window=10, rest_window=0, log_scale=0, rest_coefficient=0
)
HELD = ImageTrial(
    blank=20, stimulus=200, after=0, window=10, rest_window=0, log_scale=0, rest_coefficient=0
)
LEARNING = ImageTrial(blank=20, stimulus=50, after=20, window=10, rest_window=10, log_scale=0)


class Pictured(CordsNet):
    """A CordsNet with a picture that the loss adds to its images; its equation is the same."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.picture = nn.Parameter(torch.zeros(1, 1, *self.image_size))


class Sets(NamedTuple):
    """Digits to learn from, to choose a learning rate by, and to test on."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet


def digit_sets(settings: Mapping[str, Any]) -> Sets:
    """Digits as scikit-learn has them; a blank is a picture of mean brightness."""
    train, test = (digit_images(split, size=8) for split in ("train", "test"))
    test = test.normalised(like=train).subset(slice(settings["n_test"]))
    train, n = train.normalised(), settings["n_validation"]
    return Sets(train.subset(slice(n, None)), train.subset(slice(n)), test)


def build(areas: str, generator: torch.Generator) -> CordsNet:
    """A base network with random weights."""
    model = BUILDERS["ruled_cordsnet"](areas=areas, generator=generator)
    assert isinstance(model, CordsNet)
    return model


def base_networks(
    settings: Mapping[str, Any], seeds: Sequence[int], folder: Path, name: str = "base"
) -> list[CordsNet]:
    """Networks that learnt the base rule, one per seed; a killed run goes on."""
    path = folder / f"{name}.pt"

    def train() -> list[int]:
        result = fit_many_images(
            partial(build, settings["areas"]),
            under_rule(digit_sets(settings).train, BASE_RULE),
            partial(trial_loss, trial=LEARNING),
            seeds=seeds,
            n_steps=settings["base_steps"],
            batch_size=settings["base_batch"],
            learning_rate=settings["base_rate"],
            checkpoint=folder / f"{name}_checkpoint.pt",
            progress=False,
        )
        save_tensors(path, [model.state_dict() for model in result.models])
        return sorted(result.diverged)

    folder.mkdir(parents=True, exist_ok=True)
    remember(folder / f"{name}.json", train, {"seeds": list(seeds), **settings})
    return loaded(load_tensors(path), settings["areas"])


def loaded(states: Sequence[Mapping[str, Tensor]], areas: str) -> list[CordsNet]:
    """Base networks of stored numbers."""
    models = []
    for state in states:
        model = build(areas, torch.Generator())
        model.load_state_dict(state)
        models.append(model)
    return models


def arm_network(base: CordsNet, arm: str) -> CordsNet:
    """A copy of a base network in which only the numbers of an arm may change."""
    model = copy.deepcopy(base)
    if arm == "picture":
        wiring = base.wiring
        model = Pictured(
            wiring.areas, 1, 2, image_size=base.image_size, stem=wiring.stem, bias="channel"
        )
        model.load_state_dict(base.state_dict(), strict=False)
    model.requires_grad_(False)
    for parameter in own_numbers(model, arm):
        parameter.requires_grad_(True)
    return model


def own_numbers(model: CordsNet, arm: str) -> list[nn.Parameter]:
    """The parameters that an arm may change."""
    if arm == "gains":
        return [layer.length for layer in model.recurrent]  # type: ignore[misc]
    if arm == "bias":
        return list(model.biases)
    if arm == "picture":
        assert isinstance(model, Pictured)
        return [model.picture]
    return [*model.output.parameters(), model.output_bias]


def n_numbers(model: CordsNet, arm: str) -> int:
    """How many numbers an arm has; the lengths of a normalised readout are not counted."""
    numbers = sum(parameter.numel() for parameter in own_numbers(model, arm))
    return numbers - (model.n_outputs if arm == "readout" else 0)


def shown(model: CordsNet, images: Tensor) -> Tensor:
    """Images (.., batch, channel, height, width) as an arm sees them, with its picture."""
    picture = getattr(model, "picture", None)
    return images if picture is None else images + picture


def arm_loss(model: Any, images: Tensor, labels: Tensor) -> Tensor:
    """The loss of a trial, of images as the arm sees them."""
    return trial_loss(model, shown(model, images), labels, ASKED)


@torch.no_grad()
def right_at_end(model: CordsNet, images: ImageSet, trial: ImageTrial = ASKED) -> float:
    """Share of right answers at the end of the image."""
    outputs = run_trial(model, shown(model, images.images), trial, check_finite=False).outputs
    return float((outputs[:, -1].argmax(dim=-1) == images.labels).double().mean())


def taught(
    bases: Sequence[CordsNet],
    arm: str,
    rule: str,
    *,
    images: ImageSet,
    seeds: Sequence[int],
    checkpoint: Path | None = None,
    **options: Any,
) -> tuple[list[CordsNet], Tensor]:
    """Networks of an arm that learnt a new rule, and their losses (step, seed)."""
    result = fit_many_images(
        [arm_network(base, arm) for base in bases],
        under_rule(images, rule),
        arm_loss,
        seeds=seeds,
        checkpoint=checkpoint,
        progress=False,
        **options,
    )
    return [m for m in result.models if isinstance(m, CordsNet)], result.losses


def chosen_rate(right: Mapping[float, Sequence[float]]) -> float:
    """The rate with the best median accuracy on validation images."""
    return max(right, key=lambda rate: statistics.median(right[rate]))
