"""C11 and C12: what the loss of a CordsNet is for, shown by leaving parts of it out.

Small networks of two areas learn scikit-learn's digits from random weights, ten at a time as one
grouped convolution. They differ in one thing:

    penalty_*   coefficient of the return-to-rest penalty, from 0 to 0.1 (1e-3 as published)
    scale_*     decades by which the loss's weights rise over the answer window (3 as published)
    decay_*     no penalty, but weight decay: is the penalty only a way to keep weights small?

Trained networks are held to their image, left alone, and shown another image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.analysis import after_images, is_transient, kind_of_return
from nmcourse.claims.numbers import format_number
from nmcourse.claims.record import Experiment, Judgement, Rule
from nmcourse.claims.store import Results, plain, remember
from nmcourse.claims.training_runs import in_parallel, ship, trained_models
from nmcourse.models import CordsNet
from nmcourse.models._convolution import weights_of
from nmcourse.pretrained.cordsnet import digits_cordsnet
from nmcourse.tasks import digit_images
from nmcourse.training import ImageTrial, fit_many_images, trial_loss

COMMAND = "python -m nmcourse.claims run C11"
LEARNT = 0.8  # accuracy in time below which a network has not learnt, and is not counted
KINDS = ("monostable", "multistable", "unstable")
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_seeds": 10,
        "n_steps": 400,
        "batch_size": 16,
        "learning_rate": 2e-2,
        "n_test": 100,
    },
    "smoke": {
        "n_seeds": 2,
        "n_steps": 2,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "n_test": 10,
    },
}


@dataclass(frozen=True)
class Arm:
    """What a group of networks is trained with.

    Attributes:
        label: how texts call it.
        rest_coefficient: of the return-to-rest penalty.
        log_scale: decades by which the weights over the answer window rise.
        weight_decay: of AdamW.
    """

    label: str
    rest_coefficient: float = 1e-3
    log_scale: float = 3.0
    weight_decay: float = 0.0

    def trial(self) -> ImageTrial:
        """The published trial with this arm's loss."""
        return ImageTrial(rest_coefficient=self.rest_coefficient, log_scale=self.log_scale)


PUBLISHED = "published"
PENALTIES = {
    "penalty_0": Arm("λ = 0", 0.0),
    "penalty_1e-5": Arm("λ = 10⁻⁵", 1e-5),
    "penalty_1e-4": Arm("λ = 10⁻⁴", 1e-4),
    PUBLISHED: Arm("λ = 10⁻³"),
    "penalty_1e-2": Arm("λ = 10⁻²", 1e-2),
    "penalty_1e-1": Arm("λ = 0.1", 1e-1),
}
SCALES = {
    "scale_0": Arm("0 decades", log_scale=0.0),
    "scale_1": Arm("1 decade", log_scale=1.0),
    "scale_2": Arm("2 decades", log_scale=2.0),
    PUBLISHED: Arm("3 decades"),
    "scale_4": Arm("4 decades", log_scale=4.0),
}
DECAYS = {
    "decay_1e-2": Arm("λ = 0, weight decay 0.01", 0.0, weight_decay=1e-2),
    "decay_1e-1": Arm("λ = 0, weight decay 0.1", 0.0, weight_decay=1e-1),
}
ARMS = PENALTIES | SCALES | DECAYS
SHIPPED = ("penalty_0", PUBLISHED, "scale_0")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train and examine every arm; resumes where it was killed."""
    settings = SETTINGS.get(tier, SETTINGS["cpu"])
    metrics = in_parallel({name: partial(_arm, name, settings, run_dir / name) for name in ARMS})
    if tier != "smoke":
        for name in SHIPPED:
            ship(
                f"digits_cordsnet_{name}",
                trained_models(_build, run_dir / name),
                builder="digits_cordsnet",
                kwargs={},
                command=COMMAND,
                metrics={"accuracy_median": metrics[name]["accuracy"]},
            )
    return {"config": settings, "metrics": metrics}


def _build(generator: torch.Generator) -> nn.Module:
    return digits_cordsnet(generator=generator)


def _arm(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = remember(
        folder / "measured.json", partial(_train, name, settings, folder), settings
    )
    return found


def _train(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train the seeds of an arm, examine each."""
    train = digit_images("train", size=8)
    test = digit_images("test", size=8).normalised(like=train).subset(slice(settings["n_test"]))
    result = fit_many_images(
        _build,
        train.normalised(),
        partial(trial_loss, trial=ARMS[name].trial()),
        seeds=settings["n_seeds"],
        n_steps=settings["n_steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        weight_decay=ARMS[name].weight_decay,
        checkpoint=folder / "checkpoint.pt",
        progress=False,
    )
    torch.save([model.state_dict() for model in result.models], folder / "weights.pt")
    measured: dict[str, Any] = plain(examine(result.models, test.images, test.labels))
    return measured | {
        "training_loss": result.losses[-20:].mean(dim=0).tolist(),
        "diverged": sorted(result.diverged),
    }


def examine(
    models: Sequence[nn.Module], images: torch.Tensor, labels: torch.Tensor
) -> dict[str, Any]:
    """What each network does while the image stays, when it goes, and with the next one.

    Returns:
        For each network: ``accuracy``, ``held_accuracy``, ``second_accuracy``, ``distance``
        (median over images of the distance from rest after the blank, over that with the image),
        ``weight_norm``, ``learnt``, ``kind`` (place in ``KINDS``) and ``transient``.
    """
    found: dict[str, list[float]] = {}
    for model in models:
        assert isinstance(model, CordsNet)
        seen = after_images(model, images, labels)
        recurrent = torch.cat([weights.flatten() for weights in weights_of(model.recurrent)])
        for key, value in {
            "accuracy": seen.accuracy,
            "held_accuracy": seen.held_accuracy,
            "second_accuracy": seen.second_accuracy,
            "distance": seen.distance.quantile(0.5).item(),
            "weight_norm": torch.linalg.vector_norm(recurrent).item(),
            "learnt": int(seen.accuracy >= LEARNT),
            "kind": KINDS.index(kind_of_return(seen)),
            "transient": int(is_transient(seen)),
        }.items():
            found.setdefault(key, []).append(value)
    return found


def kinds(results: Results, name: str) -> Counter[str]:
    """How many networks of an arm are of each kind, and how many have not learnt."""
    learnt, kind = (results.value(f"{name}.{key}") for key in ("learnt", "kind"))
    return Counter(
        KINDS[int(k)] if ok else "not learnt" for ok, k in zip(learnt, kind, strict=True)
    )


def transients(results: Results, name: str) -> tuple[int, int]:
    """Networks of an arm that learnt and lose their answer, and networks that learnt."""
    learnt, lost = (results.value(f"{name}.{key}") for key in ("learnt", "transient"))
    return sum(int(ok and gone) for ok, gone in zip(learnt, lost, strict=True)), sum(learnt)


def judge_penalty(results: Results) -> Judgement:
    """Are all networks monostable at 1e-3, and not all without the penalty?"""
    with_it, without = (kinds(results, name) for name in (PUBLISHED, "penalty_0"))
    all_return = with_it["monostable"] == _n_learnt(with_it) > 0
    some_stay = without["monostable"] < _n_learnt(without)
    status = "not reproduced"
    if all_return and some_stay:
        status = "reproduced"
    elif some_stay and _share(with_it) > _share(without):
        status = "partly"
    return Judgement(
        status=status,
        measured=f"{_kinds_of(results, PENALTIES)}. Weight decay in place of the penalty: "
        f"{_kinds_of(results, DECAYS)}",
        spread="median distance from rest after the blank, over that with the image: "
        + "; ".join(
            f"{arm.label} {results.summary(f'{n}.distance')}" for n, arm in PENALTIES.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(*_caveats(results), _accuracies(results, PENALTIES | DECAYS)),
    )


def judge_scale(results: Results) -> Judgement:
    """Are some answers transient with equal weights, and none with rising ones?"""
    lost = {name: transients(results, name) for name in SCALES}
    status = "not reproduced"
    if lost["scale_0"][0] and not any(lost[name][0] for name in (PUBLISHED, "scale_4")):
        status = "reproduced"
    elif lost["scale_0"][0] > lost[PUBLISHED][0]:
        status = "partly"
    return Judgement(
        status=status,
        measured="transient networks, of those that learnt: "
        + "; ".join(f"{arm.label} {lost[n][0]} of {lost[n][1]}" for n, arm in SCALES.items()),
        spread="accuracy when the image stays five times as long: "
        + "; ".join(
            f"{arm.label} {results.summary(f'{n}.held_accuracy')}" for n, arm in SCALES.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(*_caveats(results), _accuracies(results, SCALES)),
    )


def _n_learnt(counted: Counter[str]) -> int:
    return sum(counted[kind] for kind in KINDS)


def _share(counted: Counter[str]) -> float:
    return counted["monostable"] / max(1, _n_learnt(counted))


def _kinds_of(results: Results, arms: dict[str, Arm]) -> str:
    parts = []
    for name, arm in arms.items():
        counted = kinds(results, name)
        found = [f"{counted[kind]} {kind}" for kind in (*KINDS, "not learnt") if counted[kind]]
        parts.append(f"{arm.label}: {', '.join(found)}")
    return "; ".join(parts)


def _caveats(results: Results) -> tuple[str, ...]:
    config = results.config
    return (
        f"Two areas of 8 channels, digits of 8 pixels, trained from random weights for "
        f"{config['n_steps']} steps of {config['batch_size']} images; the paper trained R2 on "
        "CIFAR-10 (for the penalty), from weights that are not published.",
        "One learning rate for all arms. Arms with the same seed start from the same weights and "
        "see the same images.",
        f"The values but 0 and 10⁻³ are ours. A network counts if it has learnt: {LEARNT:.0%} of "
        "the test images right at the end of the trained stimulus.",
    )


def _accuracies(results: Results, arms: dict[str, Arm]) -> str:
    parts = []
    for name, arm in arms.items():
        first, second = (
            format_number(results.summary(f"{name}.{key}").median, 3)
            for key in ("accuracy", "second_accuracy")
        )
        parts.append(f"{arm.label} {first}, {second}")
    return (
        "Median accuracy at the end of the trained stimulus, and on a second image: "
        + "; ".join(parts)
    )


_TOLERANCE = (
    "back at rest: a tenth of the distance with the image, for 95% of the images, 600 ms after it; "
    "unstable: ten times that distance; transient: accuracy below 80% of that in time, 800 ms later"
)
EXPERIMENTS = (
    Experiment(
        name="return_to_rest",
        run=run,
        rules={
            "C11": Rule(
                judge=judge_penalty,
                tolerance=_TOLERANCE,
                rule="among networks that learnt: reproduced if all are monostable at 10⁻³ and not "
                "all without penalty; partly if more of them at 10⁻³ than without",
            ),
            "C12": Rule(
                judge=judge_scale,
                tolerance=_TOLERANCE,
                rule="among networks that learnt: reproduced if some are transient with equal "
                "weights and none with weights that rise by 3 or 4 decades; partly if fewer with 3 "
                "decades than with equal weights",
            ),
        },
    ),
)
