"""F8: who keeps time, and who extrapolates, after a short training on equal terms?

Four models of about 1,100 parameters learn Measure-Wait-Go with one optimiser and one budget. The
peak learning rate of each is chosen on three seeds that are not used again. Then ten other seeds
are trained. Low-rank and vanilla RNN are trained twice: with a recurrence as strong
at the start as the NM-RNN's (fair), and divided by N as in the released code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number
from nmcourse.experiments.contenders import compare, edge_caveat, ship_all
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import (
    DIVIDED_BY_N,
    FAIR,
    NETWORKS,
    WEIGHT_DECAY,
    errors_and_intervals,
    n_measuring,
)
from nmcourse.tasks import MEASURES_BELOW, MeasureWaitGo
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run F8"
# The stored results are older than the loop in models/loops/leaky.py; goes with the next run.
_ROUNDING = (
    "The stored networks were trained before the order of the sums in a time step was changed. "
    "Other rounding makes other networks of the same seeds: the command gives the experiment "
    "again, not these networks."
)
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 8000,
        "n_seeds": 10,
        "rates": [3e-3, 1e-2, 3e-2],
        "tuning_steps": 3000,
        "tuning_seeds": [1000, 1001, 1002],
    },
    "smoke": {
        "n_steps": 20,
        "n_seeds": 2,
        "rates": [3e-3, 1e-2],
        "tuning_steps": 10,
        "tuning_seeds": [1000],
    },
}
SETTINGS["gpu"] = at_paper_scale("timing_comparison", SETTINGS["cpu"])


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune and train every network; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics = compare(
        NETWORKS.values(),
        MeasureWaitGo(),
        errors_and_intervals,
        settings=settings,
        run_dir=run_dir,
        weight_decay=WEIGHT_DECAY,
    )
    if tier != "smoke":
        medians = {f"{group}_mse_median": group for group in ("trained", "extrapolated")}
        ship_all(NETWORKS.values(), run_dir, metrics, command=COMMAND, medians=medians)
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def judge_f8(results: Results) -> Judgement:
    """How much of the NM-RNN's advantage over the low-rank RNN is scaling, at this budget?"""
    low_rank = {
        n: results.summary(f"{n}.extrapolated").median
        for n in ("nm_rnn", "low_rank_rnn", "low_rank_rnn_over_n")
    }
    ratio = {n: value / low_rank["nm_rnn"] for n, value in low_rank.items()}
    return Judgement(
        status="measured",
        would_change=(
            f"Another budget than {results.config['n_steps']:,} steps would change these numbers: "
            "N4 to N6 and N8 ask the same at the published one"
        ),
        measured=(
            "extrapolated error of the low-rank RNN over that of the NM-RNN: "
            f"{format_number(ratio['low_rank_rnn_over_n'])} with 1/N as released, "
            f"{format_number(ratio['low_rank_rnn'])} on equal terms. "
            "Trained / extrapolated medians: "
            + "; ".join(
                f"{n.label} {format_number(results.summary(f'{n.name}.trained').median)} / "
                f"{format_number(results.summary(f'{n.name}.extrapolated').median)}"
                for n in FAIR + DIVIDED_BY_N
            )
        ),
        spread="; ".join(
            f"{n.label} {results.summary(f'{n.name}.extrapolated')}" for n in FAIR + DIVIDED_BY_N
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            _ROUNDING,
            "The peak learning rate of each network was chosen from "
            f"{', '.join(format_number(rate) for rate in results.config['rates'])} on "
            f"{len(results.config['tuning_seeds'])} other seeds over "
            f"{results.config['tuning_steps']:,} steps.",
            edge_caveat(results, FAIR + DIVIDED_BY_N),
            "Networks of each model that did not learn to measure (trained error above "
            f"{format_number(MEASURES_BELOW)}): {_stuck(results)}. A median of two groups "
            "describes neither.",
            "No noise and a fixed delay, as in the released task.",
        ),
    )


def _stuck(results: Results) -> str:
    """How many networks of each model did not learn to measure, as text."""
    return "; ".join(
        f"{n.label} {len(results.value(f'{n.name}.trained')) - n_measuring(results, n.name)}"
        for n in FAIR + DIVIDED_BY_N
    )


EXPERIMENTS = (
    Experiment(
        name="timing_comparison",
        run=run,
        ships=tuple(network.weights for network in NETWORKS.values()),
        rules={
            "F8": Rule(
                judge=judge_f8,
                tolerance="none: nothing was published",
                rule="measured: ratios of medians, with every seed in the results",
            ),
        },
    ),
)
