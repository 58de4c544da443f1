"""Training as the released loops do it: in blocks, each with fresh moments of AdamW.

After each block the state of the networks is written down, so that a killed run goes on with the
next block. The parameters of the block with the lowest last loss are kept for each seed, and after
some blocks the networks are measured: error against budget.

A task that draws its trials gives each block the same ones, since the released loops hand every
block the same random key; ``fresh_data=True`` draws new ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.experiments.contenders import Contender
from nmcourse.tasks import Task, Trials
from nmcourse.training import fit_many, load_tensors, save_tensors

Stages = Sequence[tuple[int, float, tuple[str, ...]]]  # (steps, learning rate, frozen parts)
BLOCK = 1000  # steps between two resets in the released code
CURVE = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 60, 70)  # blocks after which networks are measured
RELEASED: dict[str, Any] = {"schedule": "constant", "clip_norm": None, "clip_value": 1.0}
FRESH = 100_000  # between the seeds of the data of two blocks


@dataclass(frozen=True)
class Arm(Contender):
    """One model under one training.

    Attributes:
        stages: how it is trained.
    """

    stages: Stages = ()


def train_in_blocks(
    arm: Arm,
    data: Task | Trials,
    measure: Callable[[Sequence[nn.Module]], Mapping[str, Any]],
    *,
    settings: Mapping[str, Any],
    path: Path,
    curve: Container[int] = CURVE,
    snapshot: int | None = None,
    fresh_data: bool = False,
    start: Sequence[nn.Module] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Train what is left of an arm, and return what is kept: the state after the last block.

    Args:
        arm: What is trained, and how.
        data: What it is trained on.
        measure: Networks -> numbers or lists, kept after the blocks of ``curve`` and the last one.
        settings: ``n_seeds``, ``block`` (steps), and ``scale`` on the steps of every stage.
        path: Where the state is kept.
        curve: Blocks after which to measure.
        snapshot: Also keep what was best after so many blocks, as ``best_at_<blocks>``.
        fresh_data: Draw new trials in each block.
        start: Networks to begin with, one per seed, in place of new ones; they are trained.
        **options: Of ``nmcourse.training.FitOptions``, beside ``RELEASED``.

    Returns:
        ``done``: number of blocks; ``models``: state of each network at the end; ``losses``:
        (block, seed), last loss of each block; ``curve``: block -> what ``measure`` gave;
        ``best``: seed -> state after the block with the lowest last loss.
    """
    seeds = list(range(settings["n_seeds"]))
    models = list(start) if start else build_all(arm, settings["n_seeds"])
    blocks = blocks_of(arm.stages, settings)
    kept: dict[str, Any] = {
        "done": 0,
        "models": [model.state_dict() for model in models],
        "losses": [],
        "curve": {},
        "best": {},
    }
    if path.exists():
        kept = load_tensors(path)
        for model, state in zip(models, kept["models"], strict=True):
            model.load_state_dict(state)
    for rate, frozen in blocks[kept["done"] :]:
        drawn = kept["done"] * FRESH if fresh_data else 0
        result = fit_many(
            models,
            data,
            seeds=[seed + drawn for seed in seeds],
            n_steps=settings["block"],
            learning_rate=rate,
            freeze=frozen,
            progress=False,
            **RELEASED | options,
        )
        kept["done"] += 1
        kept["models"] = [model.state_dict() for model in models]
        kept["losses"].append(result.losses[-1].tolist())
        keep_best(kept)
        if kept["done"] == snapshot:
            kept[f"best_at_{snapshot}"] = {key: dict(state) for key, state in kept["best"].items()}
        if kept["done"] in curve or kept["done"] == len(blocks):
            kept["curve"][f"{kept['done']}"] = measure(models)
        save_tensors(path, kept)
    return kept


def build_all(arm: Arm, seeds: int | Sequence[int]) -> list[nn.Module]:
    """One network for each seed, with random initial weights; a number n means 0 to n - 1."""
    seeds = range(seeds) if isinstance(seeds, int) else seeds
    return [arm.build(torch.Generator().manual_seed(seed)) for seed in seeds]


def blocks_of(stages: Stages, settings: Mapping[str, Any]) -> list[tuple[float, tuple[str, ...]]]:
    """Rate and frozen parts of each block."""
    return [
        (rate, frozen)
        for steps, rate, frozen in stages
        for _ in range(max(1, round(steps * settings["scale"] / settings["block"])))
    ]


def keep_best(kept: dict[str, Any]) -> None:
    """For each seed keep the state after the block with the lowest last loss so far."""
    for seed, state in enumerate(kept["models"]):
        # A loss without a value is the worst; a minimum over it would never be reached again.
        losses = [block[seed] for block in kept["losses"]]
        history = [math.inf if math.isnan(loss) else loss for loss in losses]
        if history[-1] <= min(history):
            kept["best"][f"{seed}"] = {name: values.clone() for name, values in state.items()}


def networks_of(arm: Arm, states: Mapping[str, Mapping[str, Any]]) -> list[nn.Module]:
    """The networks whose states were kept, by seed."""
    models = build_all(arm, len(states))
    for seed, model in enumerate(models):
        model.load_state_dict(states[f"{seed}"])
    return models
