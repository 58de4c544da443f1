"""F4, column signs: what a jump in the parameterisation does to training.

The released code makes the row factors orthonormal by a QR decomposition and uses its Q as it
comes. When a pivot (an entry of the triangular factor's diagonal) passes through zero, the
decomposition turns that column of L round, and the column factors stay: the network of the next
step is another one. ``nmcourse`` uses Q sign(diag T), see ``nmcourse.models.orthonormal_columns``.

NM-RNNs are trained twice, with either choice, from the same start and on the same trials (all of
them in each step), as the released loops do but for their resets. Nothing is drawn at random
after the start. So both trainings of a seed are one and the same until a column turns.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number, plain, remember
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.networks import WEIGHT_DECAY, errors_and_intervals
from nmcourse.experiments.training_runs import in_parallel
from nmcourse.models import NMRNN, LowRankRNN, Modulator
from nmcourse.tasks import MeasureWaitGo
from nmcourse.training import fit_many, for_tier, save_tensors

ARMS: dict[str, bool | Literal["raw"]] = {"raw": "raw", "continuous": True}
WINDOW = 50  # steps: the level of the loss is the median of so many
SPIKE = 10.0  # a loss this many times the level before it is a spike
LARGE = 0.1  # a loss above this is a large spike; an output of zero has 0.23
EARLY = 1000  # steps in which the loss still falls from there: they have no large spikes
BACK = 2.0  # training is back once the level is this many times the level before
BLOCK = 100  # steps between two points of the stored curves
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {"n_steps": 15_000, "n_seeds": 8, "learning_rate": 1e-2},
    "smoke": {"n_steps": 120, "n_seeds": 2, "learning_rate": 1e-2},
}
SETTINGS["gpu"] = at_paper_scale("column_signs", SETTINGS["cpu"])


class WatchedRNN(LowRankRNN):
    """A low-rank RNN that notes which pivots are negative each time its factors are made.

    Attributes:
        negative: one entry for each forward pass, (.., K).
    """

    def __init__(self, *sizes: int, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.negative: list[Tensor] = []

    def factors(self) -> tuple[Tensor, Tensor]:
        """The factors in use, L and R, each (N, K)."""
        self.negative.append(pivots(self.row_factors.detach()) < 0)
        return super().factors()


def pivots(matrix: Tensor) -> Tensor:
    """Diagonal of the triangular factor as the decomposition gives it, (.., K)."""
    return torch.linalg.qr(matrix)[1].diagonal(dim1=-2, dim2=-1)


@torch.no_grad()
def build(orthonormal: bool | Literal["raw"], generator: torch.Generator) -> NMRNN:
    """The NM-RNN of the timing comparison; at the start it is the same with either choice."""
    network = WatchedRNN(3, 100, 1, 3, orthonormal=orthonormal, generator=generator)
    row_factors = network.row_factors
    row_factors.copy_(torch.where(pivots(row_factors) < 0, -row_factors, row_factors))
    return NMRNN(network, Modulator(3, 5, 3, generator=generator))


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Train the networks with either choice; an arm that is done is not trained again."""
    settings = for_tier(tier, SETTINGS)
    jobs = {name: partial(_train, name, settings, str(run_dir)) for name in ARMS}
    rule = {
        "window": WINDOW,
        "spike": SPIKE,
        "large": LARGE,
        "early": EARLY,
        "back": BACK,
        "block": BLOCK,
    }
    return {
        "config": settings | rule | {"weight_decay": WEIGHT_DECAY},
        "metrics": in_parallel(jobs),
    }


def _train(arm: str, settings: dict[str, Any], run_dir: str) -> dict[str, Any]:
    def compute() -> dict[str, Any]:
        result = fit_many(
            partial(build, ARMS[arm]),
            MeasureWaitGo(),
            seeds=settings["n_seeds"],
            n_steps=settings["n_steps"],
            learning_rate=settings["learning_rate"],
            schedule="constant",
            clip_norm=None,
            clip_value=1.0,
            weight_decay=WEIGHT_DECAY,
            progress=False,
        )
        model = result.models[0]  # it stands for all networks: they are trained as one batch
        assert isinstance(model, NMRNN)
        assert isinstance(model.output_network, WatchedRNN)
        negative = torch.stack(model.output_network.negative)
        course = {"losses": result.losses, "negative": negative}
        save_tensors(Path(run_dir) / f"{arm}.pt", course)  # to look at it again in another way
        measured: dict[str, Any] = plain(errors_and_intervals(result.models))
        return measured | describe(result.losses.double(), negative)

    found: dict[str, Any] = remember(Path(run_dir) / f"{arm}.json", compute, settings)
    return found


def describe(losses: Tensor, negative: Tensor) -> dict[str, Any]:
    """Turns and spikes of a training run.

    A spike is a loss above ``SPIKE`` times the median of the ``WINDOW`` steps before it, a large
    one a loss above ``LARGE`` later than step ``EARLY``. What follows within a window belongs to
    the same spike.

    Args:
        losses: (step, seed).
        negative: sign of each pivot, (step, seed, column).

    Returns:
        For each seed the number of ``pivots_through_zero``, of ``spikes`` and of ``large_spikes``,
        how many of the large ones begin at such a passage or within a window after it, the median
        loss at the end and the largest loss of each block. For each passage its ``turn_seed`` and
        ``turn_step``, the loss one step before and at it, and the steps until training is back
        (NaN: not in this run).
    """
    through = negative[1:] != negative[:-1]
    turns = [(seed, step + 1) for step, seed, _ in through.nonzero().tolist()]
    levels = losses[:-1].unfold(0, WINDOW, 1).median(dim=-1).values  # of the steps before each
    high = torch.zeros_like(losses, dtype=torch.bool)
    high[WINDOW:] = losses[WINDOW:] > SPIKE * levels
    large = losses > LARGE
    large[:EARLY] = False
    beginnings = [_beginnings(column) for column in large.mT]
    at_turns = [
        sum(any(s == seed and 0 <= step - turn < WINDOW for s, turn in turns) for step in steps)
        for seed, steps in enumerate(beginnings)
    ]
    return {
        "pivots_through_zero": through.sum(dim=(0, 2)),
        "spikes": [len(_beginnings(column)) for column in high.mT],
        "large_spikes": [len(steps) for steps in beginnings],
        "large_spikes_at_turns": at_turns,
        "final_loss": losses[-WINDOW:].median(dim=0).values,
        "largest_loss_of_block": torch.stack([b.amax(dim=0) for b in losses.split(BLOCK)]).mT,
        "turn_seed": [seed for seed, _ in turns],
        "turn_step": [step for _, step in turns],
        "loss_before": [float(losses[step - 1, seed]) for seed, step in turns],
        "loss_at": [float(losses[step, seed]) for seed, step in turns],
        "steps_to_recover": [
            _steps_to_recover(
                losses[step:, seed], BACK * losses[max(0, step - WINDOW) : step, seed].median()
            )
            for seed, step in turns
        ],
    }


def _beginnings(marked: Tensor) -> list[int]:
    """The marked steps that have no marked step less than a window before them."""
    steps = marked.nonzero().flatten().tolist()
    return [
        step
        for before, step in zip([-WINDOW, *steps], steps, strict=False)
        if step - before >= WINDOW
    ]


def _steps_to_recover(curve: Tensor, level: Tensor) -> float:
    """Steps until the median of the window that ends there is below a level; NaN if never."""
    if len(curve) < WINDOW:
        return float("nan")
    below = (curve.unfold(0, WINDOW, 1).median(dim=1).values <= level).nonzero()
    return float(below[0] + WINDOW) if len(below) else float("nan")


def judge(results: Results) -> Judgement:
    """How often do columns turn, what does the loss do there, and what does it do without?"""
    n, n_steps = results.config["n_seeds"], results.config["n_steps"]
    turned = results.value("raw.pivots_through_zero")
    factors = {}
    for arm in ARMS:
        before, at = (results.value(f"{arm}.loss_{when}") for when in ("before", "at"))
        factors[arm] = [b / a for a, b in zip(before, at, strict=True)]
    waits = results.value("raw.steps_to_recover")
    back = [wait for wait in waits if wait is not None]
    large, spikes = (
        {arm: results.value(f"{arm}.{kind}") for arm in ARMS} for kind in ("large_spikes", "spikes")
    )
    errors = {arm: results.summary(f"{arm}.trained") for arm in ARMS}
    text = (
        f"with the signs of the decomposition {sum(turned)} columns turned in {n} runs of "
        f"{n_steps:,} steps, in {sum(count > 0 for count in turned)} of the runs"
    )
    if factors["raw"]:
        text += f"; in that step the loss grew by a factor of {_range(factors['raw'])}"
    if back:
        text += f", and training was back after {_range(back)} steps"
    if len(back) < len(waits):
        text += f", in {len(waits) - len(back)} cases not by the end"
    text += f". With continuous signs {len(factors['continuous'])} pivots passed through zero"
    if factors["continuous"]:
        text += f", with factors of {_range(factors['continuous'])}"
    text += (
        f". Large spikes of the loss: {sum(large['raw'])} "
        f"({sum(results.value('raw.large_spikes_at_turns'))} of them after a turn) against "
        f"{sum(large['continuous'])}; all spikes: {sum(spikes['raw'])} against "
        f"{sum(spikes['continuous'])}"
    )
    return Judgement(
        status="measured",
        measured=text,
        spread=f"columns turned in each run: {', '.join(map(str, turned))}; large spikes: "
        + "; ".join(f"{arm} {', '.join(map(str, counts))}" for arm, counts in large.items())
        + "; trained error: "
        + "; ".join(f"{arm} {summary}" for arm, summary in errors.items()),
        seeds=n,
        caveats=(
            "NM-RNN(100, 5, 3) at a constant rate of "
            f"{results.config['learning_rate']:g} with elementwise clipping, without resets and "
            "without the three stages of the released recipe.",
            "Both runs of a seed are the same until a column turns; where none turns they are the "
            "same to the end.",
            f"A spike is a loss above {results.config['spike']:g} times the median of the "
            f"{results.config['window']} steps before, a large one a loss above "
            f"{results.config['large']:g} after the first {results.config['early']:,} steps. "
            "Constant rates have many small spikes of their own, with either choice.",
            "The size of the jump and the large spikes were chosen as measures after a first look "
            "at the courses of these runs.",
            "A pivot near zero may pass it several times: with continuous signs nothing keeps it "
            "from there, and a turn throws it away from there.",
        ),
        would_change=f"More seeds than {n}, or more steps than {n_steps:,}: {sum(turned)} turns "
        "are too few to say how the final errors differ, which have medians of "
        + " and ".join(format_number(errors[arm].median, 2) for arm in ARMS),
    )


def _range(values: list[float]) -> str:
    """Smallest and largest value, as text."""
    return f"{format_number(min(values), 3)} to {format_number(max(values), 3)}"


EXPERIMENTS = (
    Experiment(
        name="column_signs",
        run=run,
        rules={
            "F4": Rule(
                judge=judge,
                tolerance="none: nothing was published",
                rule="measured: turns, spikes and recovery with either choice of signs",
            ),
        },
    ),
)
