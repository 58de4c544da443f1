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

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nmcourse.evidence.numbers import format_number
from nmcourse.evidence.record import Experiment, Judgement, Rule
from nmcourse.evidence.store import Results
from nmcourse.experiments.timing.networks import STUCK, WEIGHT_DECAY, evaluate, n_learned
from nmcourse.experiments.training_runs import in_parallel, ship, trained_models, tune_and_train
from nmcourse.models import NMRNN
from nmcourse.pretrained import measure_wait_go_nm_rnn
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import for_tier
from nmcourse.training.options import frozen_parameters

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


@dataclass(frozen=True)
class Arm:
    """One way to train the NM-RNN.

    Attributes:
        label: what is trained, in words.
        freeze: parts that stay random.
        n_modulator_units: size of the modulator.
    """

    label: str
    freeze: tuple[str, ...] = ()
    n_modulator_units: int = 5

    def build(self, generator: torch.Generator) -> NMRNN:
        """The network with random initial weights."""
        return measure_wait_go_nm_rnn(n_modulator_units=self.n_modulator_units, generator=generator)

    def n_trained(self) -> int:
        """How many numbers are trained."""
        model = self.build(torch.Generator())
        frozen = frozen_parameters(model, self.freeze)
        return sum(p.numel() for name, p in model.named_parameters() if name not in frozen)


_RANDOM_NETWORK = ("recurrent weights", "input weights of the output network")
ARMS = {
    "everything": Arm("everything"),
    "modulator": Arm("modulator alone", ("output network",)),
    "large_modulator": Arm(
        "modulator of 20 units alone", ("output network",), n_modulator_units=20
    ),
    "modulator_and_readout": Arm("modulator and readout", _RANDOM_NETWORK),
    "readout": Arm("readout alone", (*_RANDOM_NETWORK, "modulator")),
}


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune and train every arm; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics = in_parallel({name: partial(_train, name, settings, run_dir) for name in ARMS})
    if tier != "smoke":
        for name, arm in ARMS.items():
            ship(
                f"mwg_trained_{name}",
                trained_models(arm.build, run_dir / name),
                builder="measure_wait_go_nm_rnn",
                kwargs={"n_modulator_units": arm.n_modulator_units},
                command=COMMAND,
                metrics={f"{g}_mse_median": metrics[name][g] for g in ("trained", "extrapolated")},
            )
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Choose the peak learning rate of one arm, train its seeds, measure them."""
    arm = ARMS[name]
    measured = tune_and_train(
        arm.build,
        MeasureWaitGo(),
        evaluate,
        settings=settings,
        folder=run_dir / name,
        weight_decay=WEIGHT_DECAY,
        freeze=arm.freeze,
    )
    return measured | {"n_trained": arm.n_trained()}


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
