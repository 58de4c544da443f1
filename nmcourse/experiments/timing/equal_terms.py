"""F5: equal terms between NM-RNN and low-rank RNN, in three ways, at the budget of the paper.

What is equal at the start when one network has gains and the other has none?

    as now            both draw their factors alike; gains of 1/2 halve the recurrence of one
    gains near one    the gains start at 0.95, so that both recurrences are as strong
    matched radius    the effective recurrence of both has a spectral radius of 1

The networks of the first way, and the low-rank RNN of the second, are those of ``published_budget``
with continuous columns. All have 70,000 steps, the NM-RNN in the three stages of the released
recipe.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nmcourse.evidence import (
    ENOUGH,
    Experiment,
    Judgement,
    LedgerError,
    Results,
    Rule,
    combined,
    expected,
    format_number,
    most,
    plain,
    rank_sum_power,
    read_results,
    remember,
)
from nmcourse.experiments.block_training import networks_of, train_in_blocks
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import (
    WEIGHT_DECAY,
    errors_and_intervals,
    trained_and_extrapolated,
)
from nmcourse.experiments.timing.published_budget import ARMS as AS_NOW
from nmcourse.experiments.timing.published_budget import COMMAND
from nmcourse.experiments.timing.published_budget_rules import errors, lower
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.tasks import MeasureWaitGo, learned_to_measure
from nmcourse.training import for_tier

NEAR_ONE, RADIUS = 0.95, 1.0
_NM, _LOW = AS_NOW["nm_rnn"], AS_NOW["low_rank_rnn"]
ARMS = {
    arm.name: arm
    for arm in (
        replace(_NM, name="nm_rnn_near_one", kwargs={"first_gain": NEAR_ONE}),
        # under gains of 1/2 half as large
        replace(_NM, name="nm_rnn_radius", kwargs={"spectral_radius": 2 * RADIUS}),
        replace(_LOW, name="low_rank_rnn_radius", kwargs={"spectral_radius": RADIUS}),
    )
}
WAYS = {
    "as now": ("nm_rnn", "low_rank_rnn"),
    "gains near one": ("nm_rnn_near_one", "low_rank_rnn"),
    "matched radius": ("nm_rnn_radius", "low_rank_rnn_radius"),
}
MATTERS = 2.0  # an error so many times smaller
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_seeds": 10, "block": 1000, "scale": 1.0},
    "smoke": {"n_seeds": 2, "block": 3, "scale": 1e-4},
}
SETTINGS["gpu"] = at_paper_scale("equal_terms", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train the arms that are new, and take the others over; resumes after a kill.

    Raises:
        LedgerError: There are no results of ``published_budget``.
    """
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_train, name, settings, run_dir / name) for name in ARMS}
    metrics: dict[str, Any] = in_parallel(jobs)
    base = read_results("published_budget")
    if base is None and tier != "smoke":
        raise LedgerError(f"no results of published_budget: first {COMMAND}")
    for name in ("nm_rnn", "low_rank_rnn"):
        metrics[name] = metrics["nm_rnn_radius"] if base is None else base.value(name)
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    def measured() -> dict[str, Any]:
        kept = train_in_blocks(
            ARMS[name],
            MeasureWaitGo(),
            trained_and_extrapolated,
            settings=settings,
            path=folder / "state.pt",
            weight_decay=WEIGHT_DECAY,
        )
        curve = {f"block_{block}": found for block, found in kept["curve"].items()}
        return plain(errors_and_intervals(networks_of(ARMS[name], kept["best"]))) | {"curve": curve}

    part: dict[str, Any] = remember(folder / "measured.json", measured, settings)
    return part


def is_lower(results: Results, way: str) -> bool | None:
    """Whether the NM-RNN is lower on untrained intervals; None where that is open.

    It is open where one of the two did not learn to measure in most seeds, or where the seeds do
    not tell and would not have told an error half as large either.
    """
    for name in WAYS[way]:
        if (
            most([learned_to_measure(error) for error in errors(results, name, "trained")])
            is not True
        ):
            return None
    nm, low_rank = (errors(results, name, "extrapolated") for name in WAYS[way])
    sign = lower(nm, low_rank)
    if sign:
        return sign > 0
    enough = rank_sum_power([error / MATTERS for error in low_rank], low_rank) >= ENOUGH
    return False if enough else None


def judge(results: Results) -> Judgement:
    """In how many of the three ways is the NM-RNN lower?"""
    holds = {way: is_lower(results, way) for way in WAYS}
    found = combined(list(holds.values()))
    words = {True: "yes", False: "no", None: "open"}
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason="the seeds leave open: " + ", ".join(w for w, true in holds.items() if true is None)
        if found == "not decided"
        else "",
        measured=f"{expected(found)}. Median error on trained / untrained intervals: "
        + ". ".join(
            f"{way}, lower: {words[holds[way]]}; "
            + "; ".join(
                f"{name.replace('_', ' ')} "
                + " / ".join(
                    format_number(statistics.median(errors(results, name, group)))
                    for group in ("trained", "extrapolated")
                )
                for name in pair
            )
            for way, pair in WAYS.items()
        ),
        spread="untrained: "
        + "; ".join(
            f"{name.replace('_', ' ')} {results.summary(f'{name}.extrapolated')}"
            for name in {name: None for pair in WAYS.values() for name in pair}
        ),
        seeds=results.config["n_seeds"],
        would_change="More seeds where a way is open",
        caveats=("Equal at the start is not equal in training: gains can leave where they began.",),
    )


EXPERIMENTS = (
    Experiment(
        name="equal_terms",
        run=run,
        rules={
            "F5": Rule(
                judge=judge,
                tolerance="lower median, and p < 0.05 in a one-sided rank-sum test over the seeds",
                rule="the sentence holds if the NM-RNN is lower on untrained intervals in all "
                "three ways, in part if in some. A way in which the seeds do not tell fails if "
                f"they would have told an error {MATTERS:g} times smaller with a power of "
                f"{ENOUGH:.0%}; it is open if not, or if most networks of one kind have not "
                "learned to measure",
            )
        },
    ),
)
