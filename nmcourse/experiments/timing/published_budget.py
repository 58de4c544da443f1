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

from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import Experiment, plain, remember
from nmcourse.experiments.block_training import Arm, Stages, networks_of, train_in_blocks
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import (
    WEIGHT_DECAY,
    errors_and_intervals,
    trained_and_extrapolated,
)
from nmcourse.experiments.timing.published_budget_rules import ARM_LABELS, RULES
from nmcourse.experiments.timing.released_training import RECIPE
from nmcourse.experiments.training_runs import in_parallel, ship
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import load_tensors

COMMAND = "python -m nmcourse.claims run N4 --published-budget"
WHOLE: Stages = [(70_000, 1e-2, ())]


def _arm(name: str, kind: str, stages: Stages, **kwargs: Any) -> Arm:
    builder = f"measure_wait_go_{kind}"
    return Arm(name, builder, ARM_LABELS[name], kwargs, stages=stages)


OVER_N = {"recurrent_scaling": "1/N"}
ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        _arm("lstm", "lstm", WHOLE),
        _arm("nm_rnn_released", "nm_rnn", RECIPE["nm_rnn"], orthonormal="raw"),
        _arm("nm_rnn", "nm_rnn", RECIPE["nm_rnn"]),
        _arm(
            "low_rank_rnn_released",
            "low_rank_rnn",
            RECIPE["low_rank_rnn_over_n"],
            orthonormal="raw",
            **OVER_N,
        ),
        _arm("low_rank_rnn", "low_rank_rnn", WHOLE),
        _arm("vanilla_rnn", "vanilla_rnn", WHOLE),
        _arm("vanilla_rnn_released", "vanilla_rnn", RECIPE["vanilla_rnn_over_n"], **OVER_N),
    )
}
assert set(ARMS) == set(ARM_LABELS)
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "block": 1000, "scale": 1.0},
    "smoke": {"n_seeds": 2, "block": 5, "scale": 1e-4},
}
SETTINGS["gpu"] = at_paper_scale("published_budget", SETTINGS["cpu"])


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
    if tier != "smoke":
        for name in ARMS:
            _ship(name, run_dir / name, metrics[name])
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def weights_of_arm(arm: str) -> str:
    """Name of the pretrained weights of an arm."""
    return f"mwg_published_{arm}"


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
    return train_in_blocks(
        arm,
        MeasureWaitGo(),
        trained_and_extrapolated,
        settings=settings,
        path=folder / "state.pt",
        snapshot=50,
        weight_decay=WEIGHT_DECAY,
    )


def _measure(arm: Arm, kept: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Errors of the best block of every seed, the curve, and the size of the network."""

    def of(states: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = plain(errors_and_intervals(networks_of(arm, states)))
        return found

    return {
        **of(kept["best"]),
        "at_50_blocks": of(kept.get("best_at_50", kept["best"])),
        "curve": {f"block_{block}": errors for block, errors in kept["curve"].items()},
        "loss_by_block": kept["losses"],
        "steps": kept["done"] * settings["block"],
        "n_parameters": arm.n_parameters(),
    }


def _ship(name: str, folder: Path, measured: dict[str, Any]) -> None:
    """Store the networks of an arm as they were after their best block."""
    arm = ARMS[name]
    ship(
        weights_of_arm(name),
        networks_of(arm, load_tensors(folder / "state.pt")["best"]),
        builder=arm.stored_builder,
        kwargs=arm.kwargs,
        command=COMMAND,
        metrics={f"{group}_mse_median": measured[group] for group in ("trained", "extrapolated")},
    )


EXPERIMENTS = (
    Experiment(
        name="published_budget",
        run=run,
        rules=RULES,
        ships=tuple(weights_of_arm(arm) for arm in ARMS),
    ),
)
