"""F2, N4, N5, N6 and N8 at the budget of the paper: ten seeds of every model.

*As published*: each model as the released scripts train it, with its own budget and rate,
elementwise clipping, moments of AdamW forgotten every 1,000 steps, the parameters of the best
block, columns of L that may turn round (``orthonormal="raw"``), and 1/N in the recurrence of the
low-rank and the vanilla RNN. The NM-RNN is trained in three stages.

*Under a fair control*: the same loop and 70,000 steps at one rate for everybody, continuous
columns, and a recurrence of equal strength at the start. The LSTM is the same
network in both, read after 50,000 steps and after 70,000.

After each of some numbers of steps the errors of every seed are kept: error against budget.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.timing.networks import WEIGHT_DECAY, evaluate
from nmcourse.experiments.timing.published_budget_rules import ARM_LABELS, RULES
from nmcourse.experiments.timing.released_training import RECIPE
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import count_parameters
from nmcourse.pretrained import BUILDERS
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit_many, load_tensors, save_tensors

Stages = list[tuple[int, float, tuple[str, ...]]]  # (steps, learning rate, frozen parts)
WHOLE: Stages = [(70_000, 1e-2, ())]
CURVE = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 60, 70)  # blocks after which errors are kept


@dataclass(frozen=True)
class Arm:
    """One model under one training.

    Attributes:
        builder: key of ``BUILDERS``.
        stages: how it is trained.
        kwargs: of the builder.
    """

    builder: str
    stages: Stages
    kwargs: dict[str, Any] = field(default_factory=dict)

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network with random initial weights."""
        return BUILDERS[self.builder](**self.kwargs, generator=generator)


RAW, OVER_N = {"orthonormal": "raw"}, {"recurrent_scaling": "1/N"}
_NM, _LOW = "measure_wait_go_nm_rnn", "measure_wait_go_low_rank_rnn"
_VANILLA, _LSTM = "measure_wait_go_vanilla_rnn", "measure_wait_go_lstm"
ARMS: dict[str, Arm] = {
    "lstm": Arm(_LSTM, WHOLE),
    "nm_rnn_released": Arm(_NM, RECIPE["nm_rnn"], RAW),
    "nm_rnn": Arm(_NM, RECIPE["nm_rnn"]),
    "low_rank_rnn_released": Arm(_LOW, RECIPE["low_rank_rnn_over_n"], RAW | OVER_N),
    "low_rank_rnn": Arm(_LOW, WHOLE),
    "vanilla_rnn": Arm(_VANILLA, WHOLE),
    "vanilla_rnn_released": Arm(_VANILLA, RECIPE["vanilla_rnn_over_n"], OVER_N),
}
assert set(ARMS) == set(ARM_LABELS)
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "block": 1000, "scale": 1.0},
    "smoke": {"n_seeds": 2, "block": 5, "scale": 1e-4},
}


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train every arm block by block; resumes after a kill.

    Raises:
        ValueError: There are no settings for the tier.
    """
    if tier not in SETTINGS:
        raise ValueError(f"tier must be one of {', '.join(SETTINGS)}, got {tier!r}")
    settings = SETTINGS[tier]
    jobs = {name: partial(_train, name, settings, str(run_dir)) for name in ARMS}
    metrics: dict[str, Any] = in_parallel(jobs)
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], run_dir: str) -> dict[str, Any]:
    """All seeds of one arm, measured when they are trained."""
    arm, folder = ARMS[name], Path(run_dir) / name
    folder.mkdir(parents=True, exist_ok=True)

    def measured() -> dict[str, Any]:
        return _measure(arm, _blocks_done(arm, settings, folder), settings)

    part: dict[str, Any] = remember(folder / "measured.json", measured, settings)
    return part


def _blocks_done(arm: Arm, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train what is left, and return what is kept: the state after the last block."""
    path, seeds = folder / "state.pt", list(range(settings["n_seeds"]))
    models = [arm.build(torch.Generator().manual_seed(seed)) for seed in seeds]
    blocks = _blocks(arm, settings)
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
        result = fit_many(
            models,
            MeasureWaitGo(),
            seeds=seeds,
            n_steps=settings["block"],
            learning_rate=rate,
            freeze=frozen,
            schedule="constant",
            clip_norm=None,
            clip_value=1.0,
            weight_decay=WEIGHT_DECAY,
            progress=False,
        )
        kept["done"] += 1
        kept["models"] = [model.state_dict() for model in models]
        kept["losses"].append(result.losses[-1].tolist())
        _keep_best(kept, f"{kept['done']}", settings)
        if kept["done"] in CURVE or kept["done"] == len(blocks):
            errors = plain(evaluate(models))
            kept["curve"][f"{kept['done']}"] = {g: errors[g] for g in ("trained", "extrapolated")}
        save_tensors(path, kept)
    return kept


def _blocks(arm: Arm, settings: dict[str, Any]) -> list[tuple[float, tuple[str, ...]]]:
    """Rate and frozen parts of each block."""
    return [
        (rate, frozen)
        for steps, rate, frozen in arm.stages
        for _ in range(max(1, round(steps * settings["scale"] / settings["block"])))
    ]


def _keep_best(kept: dict[str, Any], done: str, settings: dict[str, Any]) -> None:
    """For each seed the block with the lowest last loss so far, at 50,000 steps and at the end."""
    for seed in range(settings["n_seeds"]):
        history = [block[seed] for block in kept["losses"]]
        if history[-1] <= min(history):
            state = {k: v.clone() for k, v in kept["models"][seed].items()}
            kept["best"][f"{seed}"] = state
    if int(done) == 50:
        kept["best_at_50"] = {key: dict(state) for key, state in kept["best"].items()}


def _measure(arm: Arm, kept: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Errors of the best block of every seed, the curve, and the size of the network."""

    def of(states: dict[str, Any]) -> dict[str, Any]:
        models = []
        for seed in range(settings["n_seeds"]):
            model = arm.build(torch.Generator().manual_seed(seed))
            model.load_state_dict(states[f"{seed}"])
            models.append(model)
        found: dict[str, Any] = plain(evaluate(models))
        return found

    return {
        **of(kept["best"]),
        "at_50_blocks": of(kept.get("best_at_50", kept["best"])),
        "curve": {f"block_{block}": errors for block, errors in kept["curve"].items()},
        "loss_by_block": kept["losses"],
        "steps": kept["done"] * settings["block"],
        "n_parameters": count_parameters(arm.build(torch.Generator())),
    }


EXPERIMENTS = (Experiment(name="published_budget", run=run, rules=RULES),)
