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

from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number
from nmcourse.experiments.contenders import Contender, by_name, compare, ship_all
from nmcourse.experiments.timing.networks import STUCK, WEIGHT_DECAY, evaluate, n_learned
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run R1"
MAJORITY = 0.8
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
        evaluate,
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
    enough = {arm: n_learned(results, arm) >= MAJORITY * n for arm in ARMS}
    if not enough["everything"]:
        status = "measured"
    elif enough["modulator"] or enough["large_modulator"]:
        status = "reproduced"
    elif enough["modulator_and_readout"] and not enough["readout"]:
        status = "partly"
    else:
        status = "not reproduced"
    return Judgement(
        status=status,
        measured="median error on trained intervals, and networks that learned to measure: "
        + "; ".join(
            f"{arm.label} ({results.value(f'{name}.n_trained'):,} numbers trained) "
            f"{format_number(results.summary(f'{name}.trained').median)}, "
            f"{n_learned(results, name)} of {n}"
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
        rules={
            "R1": Rule(
                judge=judge,
                tolerance=f"error below {format_number(STUCK)} in {MAJORITY:.0%} of the seeds",
                rule=f"a network has learned to measure if its error on trained intervals is below "
                f"{format_number(STUCK)}, near half that of the best single ramp; an arm, if at "
                f"least {MAJORITY:.0%} of its networks have. Reproduced if a modulator alone has; "
                "partly if only modulator and readout together have, and the readout alone has "
                "not; else not reproduced. Measured if the whole network has not",
            ),
        },
    ),
)
