"""N3 at the budget of the paper: does a trained gain follow the one that the target asks for?

Ten linear NM-RNNs of rank one learn Measure-Wait-Go by the released recipe (three stages, 70,000
steps, columns of L with the signs of the released code). Ten more start where Eq. 8 holds and get
their inputs through the modulator alone, so that the gain has to make the ramp: the fair control.
Ten of rank one with tanh say what that rank can do in the model that the paper compares.

What is compared, and how, is that of ``gain_prediction``; only networks that learned count.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import (
    ENOUGH,
    Experiment,
    Judgement,
    Results,
    Rule,
    combined,
    format_number,
    most,
    remember,
)
from nmcourse.experiments.block_training import Arm, networks_of, train_in_blocks
from nmcourse.experiments.gains.prediction import BUILDER as LINEAR
from nmcourse.experiments.gains.prediction import (
    CORRELATION,
    GAIN_DRIVEN,
    GROUPS,
    RMSE,
    WEIGHTS,
    WEIGHTS_GAIN_DRIVEN,
    compare_gains,
)
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import (
    WEIGHT_DECAY,
    errors_and_intervals,
    trained_and_extrapolated,
)
from nmcourse.experiments.timing.released_training import RECIPE
from nmcourse.experiments.training_runs import in_parallel, ship
from nmcourse.tasks import MEASURES_BELOW, MeasureWaitGo, learned_to_measure
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run N3 --published-budget"
_INPUTS = ("input weights of the output network",)
ARMS = {
    arm.name: arm
    for arm in (
        Arm(
            "linear",
            LINEAR,
            "linear, rank 1",
            {"orthonormal": "raw"},
            stages=RECIPE["nm_rnn"],
        ),
        Arm(
            "gain_driven",
            GAIN_DRIVEN,
            "linear, rank 1, inputs to the modulator alone",
            stages=[(70_000, 1e-2, _INPUTS)],
        ),
        Arm(
            "rank_one",
            "measure_wait_go_nm_rnn",
            "rank 1 with tanh",
            {"rank": 1, "orthonormal": "raw"},
            stages=RECIPE["nm_rnn"],
        ),
    )
}
STORED = {
    "linear": f"{WEIGHTS}_published",
    "gain_driven": f"{WEIGHTS_GAIN_DRIVEN}_published",
    "rank_one": "mwg_published_nm_rnn_rank_one_tanh",
}
MAJORITY = 0.8  # of the networks that learned
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "block": 1000, "scale": 1.0},
    "smoke": {"n_seeds": 2, "block": 5, "scale": 1e-4},
}
SETTINGS["gpu"] = at_paper_scale("gain_prediction_published_budget", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train every arm block by block and compare its gains; resumes after a kill."""
    settings = for_tier(tier, SETTINGS)
    metrics = in_parallel(
        {name: partial(_train, name, settings, run_dir / name, tier) for name in ARMS}
    )
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], folder: Path, tier: str) -> dict[str, Any]:
    """All seeds of one arm: errors, curve, and where the network is linear its gains."""
    arm = ARMS[name]

    def measured() -> dict[str, Any]:
        kept = train_in_blocks(
            arm,
            MeasureWaitGo(),
            trained_and_extrapolated,
            settings=settings,
            path=folder / "state.pt",
            weight_decay=WEIGHT_DECAY,
        )
        models = networks_of(arm, kept["best"])
        found = errors_and_intervals(models) | {
            "curve": {f"block_{block}": errors for block, errors in kept["curve"].items()}
        }
        if name != "rank_one":
            found |= compare_gains(models)
        if tier != "smoke":
            ship(
                STORED[name],
                models,
                builder=arm.stored_builder,
                kwargs=arm.kwargs,
                command=COMMAND,
                metrics={f"{group}_mse_median": found[group] for group in GROUPS},
            )
        return found

    part: dict[str, Any] = remember(folder / "measured.json", measured, settings)
    return part


def learned(results: Results, arm: str) -> list[int]:
    """Which networks of an arm learned to measure."""
    errors = results.value(f"{arm}.trained")
    return [i for i, error in enumerate(errors) if learned_to_measure(error)]


def close(results: Results, arm: str, form: str, group: str) -> list[bool]:
    """Whether the gain follows the prediction, for each network that learned to measure."""
    found = results.value(f"{arm}.{form}.{group}")
    return [
        (found["correlation"][i] or 0.0) >= CORRELATION
        and (math.inf if found["rmse"][i] is None else found["rmse"][i]) <= RMSE
        for i in learned(results, arm)
    ]


def verdict(results: Results, arm: str) -> tuple[str, str]:
    """Status of N3 in an arm; where it is not decided, the reason."""
    found = combined([most(close(results, arm, "eq8", group)) for group in GROUPS])
    n = len(learned(results, arm))
    why = f"{n} of {results.config['n_seeds']} networks learned to measure, too few to tell"
    return found, why if found == "not decided" else ""


def judge(results: Results) -> Judgement:
    """Does the gain of most networks that learned follow Eq. 8, on both groups of intervals?"""
    verdicts = {name: verdict(results, arm) for name, arm in _VERDICTS.items()}
    status, fair = (found for found, _ in verdicts.values())
    return Judgement(
        status=status,
        fair_status=fair,
        reason="; ".join(f"{name}: {why}" for name, (_, why) in verdicts.items() if why),
        measured=". ".join(_matches(results, name, arm) for name, arm in _VERDICTS.items())
        + f". Networks of rank one with tanh that learned: {len(learned(results, 'rank_one'))} of "
        f"{results.config['n_seeds']}, median error "
        f"{format_number(results.summary('rank_one.trained').median)} trained, "
        f"{format_number(results.summary('rank_one.extrapolated').median)} extrapolated",
        spread="; ".join(
            f"{name}, Eq. 8, {group}: correlation "
            f"{results.summary(f'{arm}.eq8.{group}.correlation')}, RMSE "
            f"{results.summary(f'{arm}.eq8.{group}.rmse')}"
            for name, arm in _VERDICTS.items()
            for group in GROUPS
        ),
        seeds=results.config["n_seeds"],
        would_change=f"{MAJORITY:.0%} of the networks that learned with a correlation of "
        f"{CORRELATION:g} and an RMSE of {RMSE:g}",
        caveats=(
            f"Learned: trained error below {format_number(MEASURES_BELOW)}. Median errors, trained "
            "/ extrapolated: "
            + "; ".join(
                f"{name} {format_number(results.summary(f'{arm}.trained').median)} / "
                f"{format_number(results.summary(f'{arm}.extrapolated').median)}"
                for name, arm in _VERDICTS.items()
            ),
            "Without what the go pulse left beside l the output gains "
            f"{format_number(results.summary('linear.rise_along_l').median)} in the 300 ms after "
            f"go, in place of {format_number(results.summary('linear.rise').median)}; in the "
            f"control {format_number(results.summary('gain_driven.rise_along_l').median)} in place "
            f"of {format_number(results.summary('gain_driven.rise').median)}.",
            "Eq. 7 with the output that the network really makes, in place of the target, is an "
            "identity; size and training of the published network are not stated.",
        ),
    )


_VERDICTS = {"inputs to both networks": "linear", "inputs to the modulator alone": "gain_driven"}


def _matches(results: Results, name: str, arm: str) -> str:
    n = len(learned(results, arm))
    return f"{name}, of {n} networks that learned, " + "; ".join(
        f"{label} matches in {sum(close(results, arm, form, group))} ({group})"
        for form, label in (("eq8", "Eq. 8"), ("eq7", "Eq. 7"))
        for group in GROUPS
    )


EXPERIMENTS = (
    Experiment(
        name="gain_prediction_published_budget",
        run=run,
        ships=tuple(STORED.values()),
        rules={
            "N3": Rule(
                judge=judge,
                tolerance=f"correlation at least {CORRELATION:g} and RMSE at most {RMSE:g} over "
                f"all steps of the ramps, in {MAJORITY:.0%} of the networks",
                rule="of the networks that learned to measure, the best block of each: reproduced "
                f"if at least {MAJORITY:.0%} meet both against Eq. 8, on trained and on "
                "extrapolated intervals; partly if on one of the two; else not reproduced. As "
                "published: inputs to both networks; fair: to the modulator alone. Not decided "
                "with fewer than five such networks, or where nine networks in ten would bring "
                f"so few in more than {1 - ENOUGH:.0%} of the experiments",
            ),
        },
    ),
)
