"""F6, F7: what time does to the answers of eight networks, and to a CNN with a low-pass filter.

Every network is asked the same, in ms of its own time, from the start that it was trained with:

    accuracy      at the last trained step with the image (100 ms)
    shorter       after half of that time               longer    after one and a half of it
    held_2 ..     after 2, 5, 20 times as long          second    another image, after a blank
    at_once       another image, without a blank        stream    images that follow every 50 ms
    other_start   from silence where it was trained from its rest, and the other way round
    coarser       with steps of 5 ms, and coarsest with 10 ms, after training with 2 ms
    ready         ms until the answer no longer changes
    easy_sooner   rank correlation of margin and ``ready`` within a class, mean over classes
    course        share of right answers every 10 ms: image, blank, a second image, a third at once

The control is the CNN without time, whose outputs y pass a filter, tau y' = -y + CNN(image): it has
no recurrence, and answers in time all the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse.analysis import final_margin, low_passed, ready_after, within_classes
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.cordsnet.step_size import TAU, accuracy
from nmcourse.experiments.seeing.crossing import AFTER, images_of
from nmcourse.experiments.seeing.networks import (
    NETWORKS,
    SETTINGS,
    WHOLE,
    models_in,
    ship_network,
    shipped_name,
    trained,
)
from nmcourse.experiments.seeing.over_time_rules import RULES, WITHOUT
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import CNNThenRNN, CordsNet, Seeing, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import for_tier

SHOWN = WHOLE.stimulus  # ms with an image in training, the same for all networks
BLANK = WHOLE.blank  # ms without one that bring a network to its rest
EVERY = SHOWN / 2  # ms for which each image of a stream stays
IN_STREAM = 4
GRID = 10  # ms between two moments of a course
DURATIONS = {"shorter": 0.5, "accuracy": 1, "longer": 1.5, "held_2": 2, "held_5": 5, "held_20": 20}
COARSER = {"coarser": 5.0, "coarsest": 10.0}  # ms
Shown = Sequence[tuple[Tensor | None, float]]  # images (or none), and for how many ms


@dataclass
class Filtered:
    """A CNN without time, and the filter that its outputs pass.

    Attributes:
        cnn: the network.
        tau: time constant of the filter in ms.
        dt: its step in ms.
    """

    cnn: TwinCNN
    tau: float = TAU
    dt: float = 2.0


def run(tier: str, run_dir: Path, tiers: Mapping[str, dict[str, Any]] = SETTINGS) -> dict[str, Any]:
    """Train, examine and ship every network; resumes where it was killed.

    Args:
        tier: key of ``tiers``.
        run_dir: where unfinished work is kept.
        tiers: settings, see ``networks``.
    """
    settings = for_tier(tier, tiers)
    jobs = {name: partial(_network, name, settings, run_dir / name) for name in NETWORKS}
    metrics = in_parallel(jobs)
    if tier != "smoke":
        for name in NETWORKS:
            ship_network(name, settings, run_dir / name, metrics[name])
    metrics[WITHOUT] = metrics["twin"].pop("filtered")
    return {"config": settings, "metrics": metrics}


def _network(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    known = trained(name, settings, folder)
    asked = remember(
        folder / "asked.json",
        partial(_examine, name, settings, folder),
        {"rate": known["learning_rate"], **settings},
    )
    return asked | known


def _examine(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    _, test = images_of(settings)
    start, models = time.process_time(), models_in(name, settings, folder)
    silent = not NETWORKS[name].trial.blank
    found: dict[str, Any] = plain(examine(models, test, from_silence=silent))
    if name == "twin":
        controls = [Filtered(model) for model in models if isinstance(model, TwinCNN)]
        found["filtered"] = plain(examine(controls, test, from_silence=silent))
    return found | {"seconds_of_tests": time.process_time() - start}


def examine(
    models: Sequence[Seeing | Filtered], test: ImageSet, *, from_silence: bool
) -> dict[str, Any]:
    """What time does to the answers of networks of one kind; see the top of this file.

    Args:
        models: networks of one kind.
        test: images that were not trained on.
        from_silence: whether they were trained from silence, and not from their rest.

    Returns:
        For each network one entry in each list; None where it cannot be asked.
    """
    rows = [_asked(model, test, from_silence) for model in models]
    return {key: [row[key] for row in rows] for key in rows[0]}


def _asked(model: Seeing | Filtered, test: ImageSet, silence: bool) -> dict[str, Any]:
    dt, images = model.dt, test.images
    held = course(model, [(images, SHOWN * max(DURATIONS.values()))], from_silence=silence)

    def right(outputs: Tensor, at: float, rolled: int = 0) -> float:
        return accuracy(outputs[:, round(at / dt) - 1], test.labels.roll(rolled))

    found: dict[str, Any] = {name: right(held, of * SHOWN) for name, of in DURATIONS.items()}
    second = images.roll(1, dims=0)
    for name, blank in (("second", AFTER), ("at_once", 0.0)):
        shown: Shown = [(images, SHOWN), (None, blank), (second, SHOWN)]
        found[name] = right(course(model, shown, from_silence=silence), 2 * SHOWN + blank, 1)
    stream = course(
        model,
        [(images.roll(k, dims=0), EVERY) for k in range(IN_STREAM)],
        from_silence=silence,
    )
    later = [right(stream, EVERY * (k + 1), k) for k in range(1, IN_STREAM)]
    found["stream"] = sum(later) / len(later)
    found["other_start"] = right(course(model, [(images, SHOWN)], from_silence=not silence), SHOWN)
    found["course"] = _course_of_accuracy(model, test, silence)
    for name, step in COARSER.items():
        found[name] = _coarser(model, test, step, silence)
    return found | _settling(held[:, : round(SHOWN / dt)], test, dt)


def _course_of_accuracy(model: Seeing | Filtered, test: ImageSet, silence: bool) -> list[float]:
    """Share of right answers every 10 ms; in the blank the image before it counts."""
    shown: Shown = [
        (test.images, SHOWN),
        (None, AFTER),
        (test.images.roll(1, dims=0), SHOWN),
        (test.images.roll(2, dims=0), SHOWN),
    ]
    outputs, shares = course(model, shown, from_silence=silence), []
    ends = (SHOWN + AFTER, 2 * SHOWN + AFTER, 3 * SHOWN + AFTER)
    for at in range(GRID, int(ends[-1]) + 1, GRID):
        rolled = sum(at > end for end in ends)
        shares.append(accuracy(outputs[:, round(at / model.dt) - 1], test.labels.roll(rolled)))
    return shares


def _coarser(model: Seeing | Filtered, test: ImageSet, step: float, silence: bool) -> float | None:
    """Accuracy in time with another step; None where a network has no step in ms to change."""
    if not isinstance(model, CordsNet | CNNThenRNN | Filtered):
        return None
    with stepping(model, step):
        outputs = course(model, [(test.images, SHOWN)], from_silence=silence)
    return accuracy(outputs[:, -1], test.labels)


@contextmanager
def stepping(model: CordsNet | CNNThenRNN | Filtered, dt: float) -> Any:
    """The same weights with another step, for as long as the context lasts."""
    parts: list[Any] = [model, model.rates] if isinstance(model, CNNThenRNN) else [model]
    before = model.dt
    for part in parts:
        part.dt = dt
    try:
        yield model
    finally:
        for part in parts:
            part.dt = before


@torch.no_grad()
def course(model: Seeing | Filtered, shown: Shown, *, from_silence: bool = False) -> Tensor:
    """Outputs (batch, time, class) while images follow each other.

    Args:
        model: the network.
        shown: what is shown, in this order, for how many ms; the first is an image.
        from_silence: start at activity of zero; otherwise 100 ms without image come before.

    Returns:
        Scores at the end of every step; not finite where activity diverges.
    """
    network = model.cnn if isinstance(model, Filtered) else model
    first = shown[0][0]
    if first is None:
        raise ValueError("shown must begin with images, got None")
    found, state, n_blank = [], None, 0 if from_silence else round(BLANK / model.dt)
    for images, duration in shown:
        if n_steps := round(duration / model.dt):
            now = torch.zeros_like(first) if images is None else images
            trial = network.respond(
                now, n_steps=n_steps, n_blank=n_blank, state=state, check_finite=False
            )
            state, n_blank = trial.state, 0
            found.append(trial.outputs)
    outputs = torch.cat(found, dim=1)
    if not isinstance(model, Filtered):
        return outputs
    dark = network.respond(torch.zeros_like(first), n_steps=1, n_blank=0).outputs[:, 0]
    start = torch.zeros_like(dark) if from_silence else dark
    return low_passed(outputs, start, model.dt, model.tau)


def _settling(outputs: Tensor, test: ImageSet, dt: float) -> dict[str, float | None]:
    """When answers are ready, and whether those of easy images are ready sooner."""
    times, margins = ready_after(outputs, dt), final_margin(outputs)
    right = outputs[:, -1].argmax(dim=-1) == test.labels
    found = {"ready": float(times[right].median()) if right.any() else None}
    return found | {"easy_sooner": within_classes(margins[right], times[right], test.labels[right])}


EXPERIMENTS = (
    Experiment(name="over_time", run=run, rules=RULES, ships=tuple(map(shipped_name, NETWORKS))),
)
