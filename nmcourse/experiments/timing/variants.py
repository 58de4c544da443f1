"""R2, R3 and R10: gains of another shape, fewer terms, sparse terms. What does the timing need?

The NM-RNN of the timing comparison (100 units, rank 3, five modulator units) and its relatives,
each with one thing changed, learn Measure-Wait-Go with one budget, shorter than in
``timing_comparison``. The peak learning rate of each is chosen on seeds that are not used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence.numbers import format_number
from nmcourse.evidence.record import Experiment, Judgement, Rule
from nmcourse.evidence.store import Results
from nmcourse.experiments.timing.networks import (
    STUCK,
    TEST_INTERVALS,
    TEST_TIME,
    WEIGHT_DECAY,
    evaluate,
    n_learned,
)
from nmcourse.experiments.training_runs import (
    in_parallel,
    is_lower,
    ship,
    trained_models,
    tune_and_train,
)
from nmcourse.models import NMRNN, count_parameters
from nmcourse.pretrained import measure_wait_go_nm_rnn
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run R2"
MAJORITY = 0.8  # of the seeds
AS_WELL = 2.0  # seeds of one network differ by more than this
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 2000,
        "n_seeds": 5,
        "rates": [1e-2, 3e-2],
        "tuning_steps": 300,
        "tuning_seeds": [1000, 1001],
    },
    "smoke": {
        "n_steps": 5,
        "n_seeds": 2,
        "rates": [1e-2],
        "tuning_steps": 5,
        "tuning_seeds": [1000],
    },
}


@dataclass(frozen=True)
class Variant:
    """An NM-RNN for the timing task.

    Attributes:
        label: what is different, in words.
        rank: number of terms K.
        n_modulator_units: M.
        gain_shape: ``"sigmoid"``, ``"tanh"`` or ``"softplus"``.
        sparse: sparse terms in place of rank-one terms, with as many weights.
    """

    label: str
    rank: int = 3
    n_modulator_units: int = 5
    gain_shape: str = "sigmoid"
    sparse: bool = False

    def kwargs(self) -> dict[str, Any]:
        """Arguments of the builder ``measure_wait_go_nm_rnn``."""
        return {name: value for name, value in vars(self).items() if name != "label"}

    def build(self, generator: torch.Generator) -> NMRNN:
        """The network with random initial weights."""
        return measure_wait_go_nm_rnn(**self.kwargs(), generator=generator)

    def n_parameters(self) -> int:
        """Number of trainable parameters."""
        return count_parameters(self.build(torch.Generator()))


PAPER = "paper"
VARIANTS = {
    PAPER: Variant("rank 3, 5 modulator units, sigmoid"),
    "sparse": Variant("3 sparse terms", sparse=True),
    "tanh": Variant("tanh", gain_shape="tanh"),
    "softplus": Variant("softplus", gain_shape="softplus"),
    "rank_1": Variant("rank 1", rank=1),
    "rank_2": Variant("rank 2", rank=2),
    "rank_5": Variant("rank 5", rank=5),
    "modulator_2": Variant("2 modulator units", n_modulator_units=2),
    "modulator_10": Variant("10 modulator units", n_modulator_units=10),
}
#: The other pairs of both sizes: with SIZES they fill the map of rank and modulator. Nothing is
#: judged by them and their weights are not kept.
PAIRS = {
    f"rank_{rank}_modulator_{units}": Variant(
        f"rank {rank}, {units} modulator units", rank=rank, n_modulator_units=units
    )
    for rank in (1, 2, 5)
    for units in (2, 10)
}
SHAPES = ("tanh", "softplus")
SIZES = ("rank_1", "rank_2", PAPER, "rank_5", "modulator_2", "modulator_10")
SMALLER = ("rank_1", "rank_2", "modulator_2")


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune and train every variant; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    names = [*VARIANTS, *PAIRS]
    metrics = in_parallel({name: partial(_train, name, settings, run_dir) for name in names})
    if tier != "smoke":
        for name, variant in VARIANTS.items():
            ship(
                f"mwg_variant_{name}",
                trained_models(variant.build, run_dir / name),
                builder="measure_wait_go_nm_rnn",
                kwargs=variant.kwargs(),
                command=COMMAND,
                metrics={"trained_mse_median": metrics[name]["trained"]},
            )
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


def _train(name: str, settings: dict[str, Any], run_dir: Path) -> dict[str, Any]:
    """Choose the peak learning rate of one variant, train its seeds, measure them."""
    variant = (VARIANTS | PAIRS)[name]
    measured = tune_and_train(
        variant.build,
        MeasureWaitGo(),
        _measure,
        settings=settings,
        folder=run_dir / name,
        weight_decay=WEIGHT_DECAY,
    )
    return measured | {"n_parameters": variant.n_parameters()}


@torch.no_grad()
def _measure(models: Sequence[nn.Module]) -> dict[str, Any]:
    """Errors, produced intervals, and the lowest and highest gain of each network."""
    trials = MeasureWaitGo(TEST_INTERVALS, measure_times=[TEST_TIME]).enumerate()
    gains = [model(trials.inputs).gains for model in models]
    return evaluate(models) | {
        "lowest_gain": [gain.min().item() for gain in gains],
        "highest_gain": [gain.max().item() for gain in gains],
    }


def does_as_well(results: Results, name: str) -> bool:
    """Did most networks learn to measure, with a median error near that of the paper's network?"""
    errors = {n: results.summary(f"{n}.trained") for n in (name, PAPER)}
    return _learned(results, name) and errors[name].median <= AS_WELL * errors[PAPER].median


def _learned(results: Results, name: str) -> bool:
    return n_learned(results, name) >= MAJORITY * len(results.value(f"{name}.trained"))


def judge_r2(results: Results) -> Judgement:
    """Do signed or unbounded gains reach a lower error?"""
    lower = sum(
        is_lower(results, f"{name}.trained", f"{PAPER}.trained", share=MAJORITY) for name in SHAPES
    )
    shapes = (PAPER, *SHAPES)
    ranges = "; ".join(
        f"{VARIANTS[n].gain_shape} {format_number(results.summary(f'{n}.lowest_gain').minimum)} to "
        f"{format_number(results.summary(f'{n}.highest_gain').maximum)}"
        for n in shapes
    )
    return Judgement(
        status={2: "reproduced", 1: "partly", 0: "not reproduced"}[lower],
        measured=_errors(results, shapes, {n: VARIANTS[n].gain_shape for n in shapes}),
        spread=_spread(results, shapes),
        seeds=results.config["n_seeds"],
        caveats=(
            f"Gains that the trained networks use, over all seeds: {ranges}.",
            "A negative gain turns an exciting loop into an inhibiting one; nothing in the task "
            "says whether neurons could do that.",
            *_caveats(results),
        ),
    )


def judge_r3(results: Results) -> Judgement:
    """Does a smaller rank or a smaller modulator do as well?"""
    as_well = [name for name in SMALLER if does_as_well(results, name)]
    learned = [name for name in SMALLER if _learned(results, name)]
    status = "reproduced" if as_well else "partly" if learned else "not reproduced"
    status = status if _learned(results, PAPER) else "measured"
    ranks = {variant.rank: name for name, variant in VARIANTS.items() if name in SIZES[:4]}
    sufficient = [rank for rank in sorted(ranks) if _learned(results, ranks[rank])]
    return Judgement(
        status=status,
        measured=(
            f"smallest rank with which most networks learn to measure: "
            f"{sufficient[0] if sufficient else 'none of ' + ', '.join(map(str, sorted(ranks)))}. "
            f"Does as well as rank 3 with 5 modulator units: "
            f"{', '.join(VARIANTS[n].label for n in as_well) or 'none of the smaller ones'}. "
            + _errors(results, SIZES, {n: VARIANTS[n].label for n in SIZES})
        ),
        spread=_spread(results, SIZES),
        seeds=results.config["n_seeds"],
        caveats=(
            "Only one size is changed at a time, around rank 3 and 5 modulator units, with 100 "
            "units throughout.",
            *_caveats(results),
        ),
    )


def judge_r10(results: Results) -> Judgement:
    """Do gains on sparse terms do as well as gains on rank-one terms?"""
    status = "not reproduced"
    if not _learned(results, PAPER):
        status = "measured"
    elif does_as_well(results, "sparse"):
        status = "reproduced"
    elif _learned(results, "sparse"):
        status = "partly"
    names = (PAPER, "sparse")
    return Judgement(
        status=status,
        measured=_errors(results, names, {PAPER: "3 rank-one terms", "sparse": "3 sparse terms"}),
        spread=_spread(results, names),
        seeds=results.config["n_seeds"],
        caveats=(
            f"Both have {results.value('sparse.n_parameters'):,} parameters: in each sparse term "
            "every unit listens to two others, drawn at random.",
            "A sparse network needs K N sums a step where a low-rank one needs K: equal "
            "parameters are not equal time.",
            *_caveats(results),
        ),
    )


def _errors(results: Results, names: Sequence[str], labels: dict[str, str]) -> str:
    return "median error on trained / untrained intervals, networks that learned: " + "; ".join(
        f"{labels[n]} {format_number(results.summary(f'{n}.trained').median)} / "
        f"{format_number(results.summary(f'{n}.extrapolated').median)}, "
        f"{n_learned(results, n)} of {len(results.value(f'{n}.trained'))}"
        for n in names
    )


def _spread(results: Results, names: Sequence[str]) -> str:
    return "trained: " + "; ".join(
        f"{VARIANTS[n].label} {results.summary(f'{n}.trained')}" for n in names
    )


def _caveats(results: Results) -> tuple[str, ...]:
    return (
        f"{results.config['n_steps']:,} one-cycle steps; a longer training may change the order. "
        f"The peak learning rate was chosen from "
        f"{', '.join(format_number(rate) for rate in results.config['rates'])}.",
    )


_LEARNED = (
    f"A network has learned to measure if its error on trained intervals is below "
    f"{format_number(STUCK)}, near half that of the best single ramp"
)
_WELL = f"{MAJORITY:.0%} of the seeds learn; median error at most {AS_WELL:g} times the paper's"

EXPERIMENTS = (
    Experiment(
        name="variants",
        run=run,
        rules={
            "R2": Rule(
                judge=judge_r2,
                tolerance=f"lower median, and lower in {MAJORITY:.0%} of the seeds",
                rule="by the error on trained intervals, seed by seed against the sigmoid: "
                "reproduced if both tanh and softplus are lower, partly if one is, else not "
                "reproduced",
            ),
            "R3": Rule(
                judge=judge_r3,
                tolerance=_WELL,
                rule=f"{_LEARNED}. Reproduced if rank 1, rank 2 or a modulator of 2 units does as "
                "well; partly if one of them learns but with a larger error; else not "
                "reproduced. Measured if the paper's size has not learned",
            ),
            "R10": Rule(
                judge=judge_r10,
                tolerance=_WELL,
                rule=f"{_LEARNED}. Reproduced if the sparse network does as well; partly if it "
                "learns but with a larger error; else not reproduced. Measured if the network "
                "with rank-one terms has not learned",
            ),
        },
    ),
)
