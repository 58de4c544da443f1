"""R1: how far does a trained modulator get with a random output network?

One NM-RNN in five ways. What is not named stays as it was drawn at random:

    everything              the whole network
    modulator               the modulator alone
    large_modulator         the same with 20 modulator units in place of 5
    modulator_and_readout   the modulator and the readout
    readout                 the readout alone: a reservoir, the control

All learn Measure-Wait-Go with one budget, shorter than in ``timing_comparison``. The peak learning
rate of each is chosen on seeds that are not used again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nmcourse.evidence import (
    ENOUGH,
    Experiment,
    Judgement,
    Results,
    Rule,
    expected,
    format_number,
    majority_power,
)
from nmcourse.experiments.contenders import Contender, by_name, compare, ship_all
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import WEIGHT_DECAY, errors_and_intervals, n_measuring
from nmcourse.tasks import MEASURES_BELOW, MeasureWaitGo
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run R1 --course-budget"
MAJORITY = 0.8
EASILY = 0.5  # of the error that counts as learned: what the whole network must reach
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 3000,
        "n_seeds": 5,
        "rates": [1e-2, 3e-2],
        "tuning_steps": 500,
        "tuning_seeds": [1000, 1001],
    },
    "smoke": {
        "n_steps": 10,
        "n_seeds": 2,
        "rates": [1e-2],
        "tuning_steps": 5,
        "tuning_seeds": [1000],
    },
}
SETTINGS["gpu"] = at_paper_scale("random_output_network", SETTINGS["cpu"])


def _arm(name: str, label: str, freeze: tuple[str, ...] = (), n_units: int = 5) -> Contender:
    """The NM-RNN with a modulator of ``n_units``, and the parts that stay random."""
    kwargs = {"n_modulator_units": n_units}
    return Contender(name, "measure_wait_go_nm_rnn", label, kwargs, "mwg_trained", freeze)


_RANDOM_NETWORK = ("recurrent weights", "input weights of the output network")
ARMS = by_name(
    (
        _arm("everything", "everything"),
        _arm("modulator", "modulator alone", ("output network",)),
        _arm("large_modulator", "modulator of 20 units alone", ("output network",), n_units=20),
        _arm("modulator_and_readout", "modulator and readout", _RANDOM_NETWORK),
        _arm("readout", "readout alone", (*_RANDOM_NETWORK, "modulator")),
    )
)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune and train every arm; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics = compare(
        ARMS.values(),
        MeasureWaitGo(),
        errors_and_intervals,
        settings=settings,
        run_dir=run_dir,
        weight_decay=WEIGHT_DECAY,
    )
    for name, arm in ARMS.items():
        metrics[name]["n_trained"] = arm.n_trained()
    if tier != "smoke":
        medians = {f"{group}_mse_median": group for group in ("trained", "extrapolated")}
        ship_all(ARMS.values(), run_dir, metrics, command=COMMAND, medians=medians)
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def judge(results: Results) -> Judgement:
    """Is the modulator alone enough, or the modulator with the readout, where that alone is not?"""
    n = len(results.value("modulator.trained"))
    enough = {arm: n_measuring(results, arm) >= MAJORITY * n for arm in ARMS}
    whole = results.summary("everything.trained").median
    power = majority_power(n, MAJORITY * n, n_measuring(results, "everything") / n)
    doubts = []
    if whole > EASILY * MEASURES_BELOW:
        doubts.append(
            f"in {results.config['n_steps']:,} steps the whole network itself just reaches "
            f"{format_number(whole)}, where {format_number(MEASURES_BELOW)} counts as learned, so "
            "that this budget cannot tell slow learning from none"
        )
    if power < ENOUGH:
        doubts.append(
            "had a part learned as often as the whole network "
            f"({n_measuring(results, 'everything')} of {n}), {n} seeds would "
            f"show it with a probability of {power:.0%} only"
        )
    if enough["modulator"] or enough["large_modulator"]:
        found = "reproduced"
    elif doubts or not enough["everything"]:
        found = "not decided"
    elif enough["modulator_and_readout"] and not enough["readout"]:
        found = "partly"
    else:
        found = "not reproduced"
    best = min(results.summary(f"{arm}.trained").median for arm in ("modulator", "large_modulator"))
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason="; ".join(doubts) if found == "not decided" else "",
        would_change=(
            f"The published 70,000 steps in place of {results.config['n_steps']:,}, and ten seeds "
            f"or more. The best modulator alone has a median error of {format_number(best)}, "
            f"{format_number(best / MEASURES_BELOW)} times the one that counts as learned"
        ),
        measured=f"{expected(found)}. "
        "Median error on trained intervals, and networks that learned to measure: "
        + "; ".join(
            f"{arm.label} ({results.value(f'{name}.n_trained'):,} numbers trained) "
            f"{format_number(results.summary(f'{name}.trained').median)}, "
            f"{n_measuring(results, name)} of {n}"
            for name, arm in ARMS.items()
        ),
        spread="; ".join(
            f"{arm.label} {results.summary(f'{name}.trained')}" for name, arm in ARMS.items()
        ),
        seeds=n,
        caveats=(
            f"{results.config['n_steps']:,} steps and one task; a longer training could teach more "
            "of these networks.",
            "Each network draws its random part once, with the weights of the published model at "
            "the start.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="random_output_network",
        run=run,
        ships=tuple(arm.weights for arm in ARMS.values()),
        rules={
            "R1": Rule(
                judge=judge,
                tolerance=f"error below {format_number(MEASURES_BELOW)} in {MAJORITY:.0%} of the "
                "seeds",
                rule=f"a network has learned to measure if its error on trained intervals is below "
                f"{format_number(MEASURES_BELOW)}, near half that of the best single ramp; an arm, "
                f"if at least {MAJORITY:.0%} of its networks have. The sentence holds if a "
                "modulator alone has; in part if only modulator and readout together have, and "
                "the readout alone has not; else it does not. Not decided, unless it holds, if the "
                f"median of the whole network is not below {EASILY:g} of that error, or if an arm "
                f"that learns as often as it would pass with a power below {ENOUGH:.0%}",
            ),
        },
    ),
)
