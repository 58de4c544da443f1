"""F20: where does a network go that sees two images at once?

Two digits of different classes, half and half, are held in front of CordsNets that learnt digits.
Where activity is at the end is compared with where each image alone would take it:

    along     where on the line between both states it lies, 0 at the first, 1 at the second
    off       its distance from the line, over the distance of both states; beside it the same for
              a third image, which was not shown
    moving    how far activity still moves in the last 100 ms, over the same distance
    memory    distance of two ends: once the first image was there before, once the second
    switches  changes of the answer after the first 200 ms
    third     the answer is neither of the two

A CNN without time (the twin: same convolutions, batch normalisation) is asked for a third class and
for its distance from the line as well.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse import pretrained
from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.attractors.mixture_rules import RULES
from nmcourse.experiments.attractors.windows import WEIGHTS, digits
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.models import CordsNet, Seeing, TwinCNN
from nmcourse.tasks import ImageSet
from nmcourse.training import class_loss, fit_images, for_tier

SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_networks": 10,
        "n_pairs": 28,
        "held": 800.0,
        "before": 200.0,
        "cnn_steps": 400,
        "cnn_rate": 1e-2,
        "batch_size": 32,
    },
    "smoke": {
        "n_networks": 2,
        "n_pairs": 3,
        "held": 300.0,
        "before": 20.0,
        "cnn_steps": 1,
        "cnn_rate": 1e-2,
        "batch_size": 4,
    },
}
SETTINGS["gpu"] = at_paper_scale("mixtures", SETTINGS["cpu"])
N_TEST = 200
LAST = 100.0  # ms in which activity may still move
EARLY = 200.0  # ms after which a changed answer is a switch


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Mix images in front of the shipped CordsNets and of CNNs trained here."""
    settings = for_tier(tier, SETTINGS)
    metrics = {
        "cordsnet": remember(run_dir / "cordsnet.json", partial(_cordsnets, settings), settings),
        "cnn": remember(run_dir / "cnn.json", partial(_cnns, settings), settings),
    }
    return {"config": settings, "metrics": metrics}


def _cordsnets(settings: dict[str, Any]) -> dict[str, Any]:
    models = pretrained.load_all(WEIGHTS, kind=CordsNet)[: settings["n_networks"]]
    _, test = digits(N_TEST)
    rows = [mixed(model, test, settings, seed=seed) for seed, model in enumerate(models)]
    return plain({name: [row[name] for row in rows] for name in rows[0]})


def _cnns(settings: dict[str, Any]) -> dict[str, Any]:
    """Twins of the CordsNets, trained here: share of a third class, and distance from the line."""
    train, test = digits(N_TEST)
    rows = []
    for seed in range(settings["n_networks"]):
        model = TwinCNN(
            "small-R2", 1, 10, image_size=8, generator=torch.Generator().manual_seed(seed)
        )
        fit_images(
            model,
            train,
            class_loss,
            seed=seed,
            n_steps=settings["cnn_steps"],
            batch_size=settings["batch_size"],
            learning_rate=settings["cnn_rate"],
            progress=False,
        )
        rows.append(mixed(model.eval(), test, settings, seed=seed))
    return plain({name: [row[name] for row in rows] for name in rows[0]})


@torch.no_grad()
def mixed(
    model: Seeing, test: ImageSet, settings: dict[str, Any], *, seed: int
) -> dict[str, float]:
    """Measures of one network, over pairs of images that it names rightly alone.

    Args:
        model: a network that sees.
        test: images.
        settings: ``n_pairs``, ``held``, ``before``.
        seed: of the choice of pairs.
    """
    held, before = (round(settings[name] / model.dt) for name in ("held", "before"))

    def show(images: Tensor, state: Any, n_steps: int) -> Any:
        return model.respond(images, n_steps=n_steps, n_blank=0, state=state, check_finite=False)

    rest = model.rest(100)
    alone = show(test.images, rest, held)
    answers = alone.outputs[:, -1].argmax(dim=-1)
    right = torch.nonzero(answers == test.labels).flatten()
    first, second, third = _triples(test.labels, right, settings["n_pairs"], seed)
    ends = _flat(alone.state)
    a, b, c = (ends[chosen] for chosen in (first, second, third))
    one, other = test.images[first], test.images[second]
    mixtures = (one + other) / 2
    shown = show(mixtures, rest, held)
    outputs, end = shown.outputs, _flat(shown.state)
    names = outputs.argmax(dim=-1)
    span = (b - a).norm(dim=-1)
    along, off = line_residual(end, a, b)
    late = names[:, round(EARLY / model.dt) :]
    earlier = show(mixtures, rest, held - round(LAST / model.dt))
    after = [show(mixtures, show(image, rest, before).state, held) for image in (one, other)]
    moved = (end - _flat(earlier.state)).norm(dim=-1) / span
    memory = (_flat(after[0].state) - _flat(after[1].state)).norm(dim=-1) / span
    called = names[:, -1]
    inside = (called == test.labels[first]) | (called == test.labels[second])
    return {
        "n_pairs": len(first),
        "accuracy": float((answers == test.labels).double().mean()),
        "along": float(along.median()),
        "off": float(off.median()),
        "off_third": float(line_residual(c, a, b)[1].median()),
        "moving": float(moved.max()),
        "memory": float(memory.max()),
        "switches": int((late[:, 1:] != late[:, :-1]).any(dim=1).sum()),
        "third": float((~inside).double().mean()),
    }


def line_residual(state: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Place along the line from one state to another, and distance from it over their distance.

    Args:
        state: (pair, unit).
        first: (pair, unit).
        second: (pair, unit), different from ``first``.
    """
    line = second - first
    length = line.norm(dim=-1)
    along = ((state - first) * line).sum(dim=-1) / length.square()
    off = (state - first - along[:, None] * line).norm(dim=-1) / length
    return along, off


def _triples(labels: Tensor, right: Tensor, n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Places of images of three different classes each, all of them named rightly if any are."""
    source = torch.Generator().manual_seed(seed)
    pool = right if len(labels[right].unique()) >= 3 else torch.arange(len(labels))
    rows: list[list[int]] = []
    while len(rows) < n:
        chosen = pool[torch.randperm(len(pool), generator=source)[:3]]
        if len(labels[chosen].unique()) == 3:
            rows.append(chosen.tolist())
    first, second, third = torch.tensor(rows).unbind(dim=1)
    return first, second, third


def _flat(state: tuple[Tensor, ...]) -> Tensor:
    """All areas side by side, (image, unit), float64."""
    return torch.cat([area.flatten(1) for area in state], dim=1).double()


EXPERIMENTS = (Experiment(name="mixtures", run=run, rules=RULES),)
