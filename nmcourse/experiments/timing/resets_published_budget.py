"""F1 at the budget of the paper: 70,000 steps with the released resets, and without them.

With resets: the networks of ``published_budget``, whose errors after the last block are stored;
only under other settings than those of the stored results are they trained again. Without: the same
networks, each stage in one run, with moments that are kept from the first step of a stage to its
last. Both are read at the end and not at the best block, which differs between them in more than
the resets.
"""

from __future__ import annotations

import statistics
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nmcourse.evidence import (
    Experiment,
    Judgement,
    Results,
    Rule,
    format_number,
    plain,
    read_results,
    remember,
)
from nmcourse.experiments.block_training import (
    BLOCK,
    RELEASED,
    build_all,
    train_in_blocks,
)
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import (
    WEIGHT_DECAY,
    trained_and_extrapolated,
)
from nmcourse.experiments.timing.published_budget import ARMS
from nmcourse.experiments.timing.published_budget_rules import ARM_LABELS, errors, lower
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.tasks import MeasureWaitGo, learned_to_measure
from nmcourse.training import fit_many, for_tier

NETWORKS = {"nm_rnn": "nm_rnn_released", "lstm": "lstm"}
KINDS = ("resets", "no_resets")
GROUPS = ("trained", "extrapolated")
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "scale": 1.0, "block": BLOCK},
    "smoke": {"n_seeds": 2, "scale": 1e-4, "block": 3},
}
SETTINGS["gpu"] = at_paper_scale("resets_published_budget", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train without resets, and take the networks with resets over; resumes after a kill."""
    settings = for_tier(tier, SETTINGS)
    stored = {f"{name}_resets": stored_with_resets(name, settings) for name in NETWORKS}
    jobs = {
        f"{name}_{kind}": partial(train, name, settings, run_dir)
        for kind, train in (("no_resets", _without), ("resets", _with))
        for name in NETWORKS
        if stored.get(f"{name}_{kind}") is None
    }
    found = stored | in_parallel(jobs)
    metrics: dict[str, Any] = {
        name: {kind: found[f"{name}_{kind}"] for kind in KINDS} for name in NETWORKS
    }
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def stored_with_resets(name: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What ``published_budget`` measured after the last block; None under other settings.

    Args:
        name: Key of ``NETWORKS``.
        settings: Of this experiment.

    Returns:
        ``trained`` and ``extrapolated``, one error for each seed, and ``loss_by_block``
        (block, seed), the last loss of each block.
    """
    base = read_results("published_budget")
    if base is None or any(base.config.get(key) != value for key, value in settings.items()):
        return None
    arm = NETWORKS[name]
    last = base.value(f"{arm}.steps") // settings["block"]
    errors_then: dict[str, Any] = base.value(f"{arm}.curve.block_{last}")
    return errors_then | {"loss_by_block": base.value(f"{arm}.loss_by_block")}


def _with(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """The same as ``stored_with_resets``, from networks that are trained now."""
    arm = ARMS[NETWORKS[name]]

    def measured() -> dict[str, Any]:
        kept = train_in_blocks(
            arm,
            MeasureWaitGo(),
            trained_and_extrapolated,
            settings=settings,
            path=run_dir / f"{name}_resets" / "state.pt",
            weight_decay=WEIGHT_DECAY,
        )
        errors_then: dict[str, Any] = kept["curve"][f"{kept['done']}"]
        return errors_then | {"loss_by_block": kept["losses"]}

    part: dict[str, Any] = remember(run_dir / f"{name}_resets.json", measured, settings)
    return part


def _without(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """All seeds of one network, stage after stage, measured at the end.

    Beside the errors: ``loss_by_block`` as with resets, and the median loss at every 50th step.
    """
    arm, folder = ARMS[NETWORKS[name]], run_dir / name

    def measured() -> dict[str, Any]:
        models = build_all(arm, settings["n_seeds"])
        losses = []
        for number, (steps, rate, frozen) in enumerate(arm.stages):
            result = fit_many(
                models,
                MeasureWaitGo(),
                n_steps=max(1, round(steps * settings["scale"])),
                learning_rate=rate,
                freeze=frozen,
                weight_decay=WEIGHT_DECAY,
                checkpoint=folder / f"stage_{number}.pt",
                checkpoint_every=settings["block"],
                progress=False,
                **RELEASED,
            )
            losses.append(result.losses)
        every = torch.cat(losses)
        return trained_and_extrapolated(models) | {
            "loss_by_block": plain(every[settings["block"] - 1 :: settings["block"]]),
            "median_loss_every_50_steps": plain(every.nanquantile(0.5, dim=1)[::50]),
        }

    part: dict[str, Any] = remember(folder / "measured.json", measured, settings)
    return part


def judge(results: Results) -> Judgement:
    """How much do the resets change the error at the end?"""
    words = {1: "lower with resets", -1: "lower without", 0: "the seeds do not tell"}
    texts, spreads = [], []
    for name, arm in NETWORKS.items():
        for group in GROUPS:
            pair = [errors(results, f"{name}.{kind}", group) for kind in KINDS]
            with_resets, without = map(statistics.median, pair)
            texts.append(
                f"{ARM_LABELS[arm]}, {group} intervals: {format_number(with_resets)} with resets, "
                f"{format_number(without)} without ({words[lower(*pair)]})"
            )
        spreads += [
            f"{ARM_LABELS[arm]}, {kind.replace('_', ' ')} "
            f"{results.summary(f'{name}.{kind}.trained')}, "
            f"{sum(map(learned_to_measure, errors(results, f'{name}.{kind}', 'trained')))} learned"
            for kind in KINDS
        ]
    return Judgement(
        status="measured",
        measured="; ".join(texts),
        spread="; ".join(spreads),
        seeds=results.config["n_seeds"],
        would_change="Another rate than 0.01 would change these numbers; there is no threshold",
        caveats=(
            "The task is trained on all its trials at once, so that the repeated random key of the "
            "released loops changes nothing here.",
            "Read at the last step, not at the best block as the released code does.",
            "Those with resets are the networks of N4 at the budget of the paper, after their last "
            "block; those without start from the same weights.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="resets_published_budget",
        run=run,
        rules={
            "F1": Rule(
                judge=judge,
                tolerance="none: nothing was published",
                rule="measured: medians at the end with and without resets, and whether a "
                "one-sided rank-sum test over the seeds with p < 0.05 tells them apart",
            ),
        },
    ),
)
