"""F1: what the resets in the training loops of the released code change.

The released loops forget the moments of AdamW every 1,000 steps. Two models are trained with and
without that, everything else equal.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number, plain, remember
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import (
    NETWORKS,
    WEIGHT_DECAY,
    errors_and_intervals,
)
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import NMRNN, LowRankRNN
from nmcourse.tasks import MEASURES_BELOW, MeasureWaitGo, learned_to_measure
from nmcourse.training import fit_many, for_tier

BLOCK = 1000  # steps between two resets in the released code
# Stages of the released scripts: (steps, learning rate, parts that are frozen).
RECIPE: dict[str, list[tuple[int, float, tuple[str, ...]]]] = {
    "nm_rnn": [
        (10_000, 1e-2, ("modulator",)),
        (10_000, 1e-2, ("output network",)),
        (50_000, 1e-2, ()),
    ],
    "low_rank_rnn_over_n": [(70_000, 1e-2, ())],
    "vanilla_rnn_over_n": [(50_000, 1e-3, ())],
    "lstm": [(50_000, 1e-2, ())],
}
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"reset_steps": 3000, "n_seeds": 10, "block": BLOCK},
    "smoke": {"reset_steps": 20, "n_seeds": 2, "block": 10},
}
SETTINGS["gpu"] = at_paper_scale("released_training", SETTINGS["cpu"])
RESET_MODELS = ("nm_rnn", "lstm")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train with and without resets; resumes after a kill."""
    settings = for_tier(tier, SETTINGS)
    jobs: dict[str, Any] = {
        f"{name}-{kind}": partial(
            _train_with_resets, name, kind == "resets", settings, str(run_dir)
        )
        for name in RESET_MODELS
        for kind in ("no_resets", "resets")
    }
    done = in_parallel(jobs)
    metrics: dict[str, Any] = {name: {} for name in RESET_MODELS}
    for job, part in done.items():
        name, _, kind = job.partition("-")
        metrics[name][kind] = part
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def _released(name: str, seed: int) -> nn.Module:
    """A network at its start; orthonormal columns have the released signs, see ``column_signs``."""
    model = NETWORKS[name].build(torch.Generator().manual_seed(seed))
    network = model.output_network if isinstance(model, NMRNN) else model
    if isinstance(network, LowRankRNN):
        network.orthonormal = "raw"
    return model


def _train_block(models: list[nn.Module], seeds: list[int], **options: Any) -> torch.Tensor:
    """Train networks on, in place, with fresh moments; returns the losses (step, seed)."""
    result = fit_many(
        models,
        MeasureWaitGo(),
        seeds=seeds,
        schedule="constant",
        clip_norm=None,
        clip_value=1.0,
        weight_decay=WEIGHT_DECAY,
        progress=False,
        **options,
    )
    return result.losses


def _train_with_resets(
    name: str, resets: bool, settings: dict[str, Any], run_dir: str
) -> dict[str, Any]:
    """Ten seeds at a constant rate, in one run or in blocks that forget the moments."""

    def compute() -> dict[str, Any]:
        seeds = list(range(settings["n_seeds"]))
        models = [_released(name, s) for s in seeds]
        block = settings["block"] if resets else settings["reset_steps"]
        losses = [
            _train_block(models, seeds, n_steps=block, learning_rate=1e-2)
            for _ in range(settings["reset_steps"] // block)
        ]
        median = torch.cat(losses).quantile(0.5, dim=1)
        part: dict[str, Any] = plain(errors_and_intervals(models))
        return part | {"median_loss_every_50_steps": median[::50].tolist()}

    path = Path(run_dir) / f"{name}_{'resets' if resets else 'no_resets'}.json"
    own = {key: settings[key] for key in ("reset_steps", "n_seeds", "block")}
    part: dict[str, Any] = remember(path, compute, {"resets": resets} | own)
    return part


def judge_resets(results: Results) -> Judgement:
    """How much do the resets change the error on trained intervals?"""
    texts, spreads = [], []
    for name in RESET_MODELS:
        label = NETWORKS[name].label
        pair = {k: results.summary(f"{name}.{k}.trained") for k in ("no_resets", "resets")}
        ratio = pair["resets"].median / pair["no_resets"].median
        texts.append(
            f"{label}: median trained error {format_number(pair['resets'].median)} with resets, "
            f"{format_number(pair['no_resets'].median)} without (ratio {format_number(ratio)})"
        )
        spreads += [f"{label}, {k.replace('_', ' ')} {summary}" for k, summary in pair.items()]
    stuck = {
        k: sum(not learned_to_measure(e) for e in results.value(f"lstm.{k}.trained"))
        for k in ("no_resets", "resets")
    }
    return Judgement(
        status="measured",
        would_change=(
            f"More than {results.config['reset_steps']:,} steps, or another rate than 0.01, would "
            "change these numbers; there is no threshold"
        ),
        measured="; ".join(texts),
        spread="; ".join(spreads),
        seeds=results.config["n_seeds"],
        caveats=(
            f"{results.config['reset_steps']:,} steps at a constant rate of 0.01 with elementwise "
            "clipping, as the released loops have it.",
            f"LSTMs that stay above {format_number(MEASURES_BELOW)} and have not learned to "
            f"measure: {stuck['no_resets']} without and {stuck['resets']} with resets. The median "
            "jumps between the two groups; read the quartiles.",
            "The task is trained on all its trials at once, so that the repeated random key of the "
            "released loops changes nothing here.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="released_training",
        run=run,
        rules={
            "F1": Rule(
                judge=judge_resets,
                tolerance="none: nothing was published",
                rule="measured: medians with and without resets",
            ),
        },
    ),
)
