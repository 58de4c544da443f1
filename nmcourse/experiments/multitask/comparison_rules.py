"""What the results of ``multitask`` say: N9, N10 and R9."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import scipy.stats

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    as_one,
    every,
    expected,
    format_number,
    summarise,
)
from nmcourse.experiments.contenders import Contender
from nmcourse.experiments.multitask.networks import (
    MATCHED,
    NETWORKS,
    NEW,
    PAPER,
    RELEASED,
    SETS,
    TRAINED,
    mean_over_tasks,
)

POINTS = 5.0  # percent correct: what counts as a difference between two medians
LEARNED = 80.0  # percent correct in the mean of three tasks; two of them without the third: 67


def medians(
    results: Results, networks: Sequence[Contender], part: str, measure: str
) -> list[float]:
    """Median over seeds for each network: ``part`` is "trained" (mean of tasks) or "retrained"."""
    return [
        summarise(_per_seed(results, network.name, part, measure)).median for network in networks
    ]


def _per_seed(results: Results, name: str, part: str, measure: str) -> list[float]:
    if part == "trained":
        return mean_over_tasks(results.value(f"{name}.trained"), measure)
    values: list[float] = results.value(f"{name}.retrained.{NEW}.{measure}")
    return values


def _n9_holds(percent: Sequence[float], learned: Sequence[bool]) -> bool | None:
    """NM-RNN, vanilla RNN and LSTM within POINTS of each other, the low-rank RNN below them.

    Those of the three that did not learn the tasks are left out, and what holds of the others
    stays open.
    """
    low_rank = percent[1]
    others = [percent[i] for i in (0, 2, 3) if learned[i]]
    if not others:
        return None
    alike = max(others) - min(others) <= POINTS
    below = low_rank <= min(others) - POINTS
    return every([alike, below, True if len(others) == 3 else None])


def _n10_holds(percent: Sequence[float], learned: Sequence[bool]) -> bool | None:
    """The NM-RNN not below vanilla RNN and LSTM, and above the low-rank RNN.

    Open is what hangs on a network that had not learned the old tasks before.
    """
    nm, low_rank, vanilla, lstm = percent
    holds = (
        (learned[2], nm >= vanilla - POINTS),
        (learned[3], nm >= lstm - POINTS),
        (True, nm >= low_rank + POINTS),
    )
    return every(true if known else None for known, true in holds)


def _learned(results: Results, networks: Sequence[Contender], angle: str) -> list[bool]:
    """Whether the median network of each kind learned all three tasks."""
    return [percent >= LEARNED for percent in medians(results, networks, "trained", angle)]


def _judge(
    results: Results,
    part: str,
    holds: Callable[[Sequence[float], Sequence[bool]], bool | None],
) -> Judgement:
    """As published: released scaling and metric. Fair: both sizes, fair scaling, full angle."""
    verdict = {
        (name, angle): holds(
            medians(results, networks, part, angle), _learned(results, networks, angle)
        )
        for name, networks in SETS.items()
        for angle in ("arctan2", "arctan")
    }
    published = verdict["released scaling", "arctan"]
    fair = every(verdict[name, "arctan2"] for name in ("paper sizes", "matched sizes"))
    where = [f"{name} with {angle}" for (name, angle), true in verdict.items() if true]
    unlearned = [
        f"{network.label} {format_number(percent)} %"
        for network, percent in zip(
            NETWORKS.values(),
            medians(results, list(NETWORKS.values()), "trained", "arctan2"),
            strict=True,
        )
        if percent < LEARNED and not network.name.startswith("low_rank")
    ]
    nm, *others = medians(results, RELEASED, part, "arctan")
    steps = results.config["n_steps" if part == "trained" else "retraining_steps"]
    paper = "100,000" if part == "trained" else "50,000"
    return Judgement(
        status=as_one(published),
        fair_status=as_one(fair),
        reason=(
            "models that the comparison needs did not learn the three tasks in "
            f"{results.config['n_steps']:,} steps ({LEARNED:g} % correct counts as learned; median "
            f"{', '.join(unlearned)}), and what can be compared does not contradict the claim"
            if None in (published, fair)
            else ""
        ),
        would_change=(
            f"More than {steps:,} steps (the paper: {paper}): with the released scaling and metric "
            f"the NM-RNN has {format_number(nm)} % correct, "
            + ", ".join(
                f"{network.label} {format_number(percent)}"
                for network, percent in zip(RELEASED[1:], others, strict=True)
            )
            + f"; {POINTS:g} points decide"
        ),
        measured="median percent correct (arctan2): "
        + "; ".join(
            f"{network.label} {format_number(percent)}"
            for network, percent in zip(
                NETWORKS.values(),
                medians(results, list(NETWORKS.values()), part, "arctan2"),
                strict=True,
            )
        ),
        spread="; ".join(_range(results, network, part) for network in NETWORKS.values()),
        seeds=results.config["n_seeds"],
        caveats=(
            f"The claim holds for: {'; '.join(where) or 'no set of networks, no metric'}.",
            "The rule compares medians; where networks scatter widely it is no test over seeds.",
            f"{steps:,} one-cycle steps of {results.config['batch_size']} trials for every model; "
            f"the paper took {paper} steps. {_still_falling(results, part)}",
            *([_by_task(results)] if part == "trained" else []),
            "The paper's sizes are not matched: "
            + "; ".join(
                f"{n.label} {results.value(f'{n.name}.n_parameters'):,} parameters" for n in PAPER
            )
            + ".",
            "Read as in the released code (arctan), medians of the paper's sizes are "
            + "; ".join(
                f"{n.label} {format_number(percent)}"
                for n, percent in zip(PAPER, medians(results, PAPER, part, "arctan"), strict=True)
            )
            + ".",
        ),
    )


def judge_n9(results: Results) -> Judgement:
    """Do NM-RNN, vanilla RNN and LSTM answer alike, and the low-rank RNN less often right?"""
    return _judge(results, "trained", _n9_holds)


def judge_n10(results: Results) -> Judgement:
    """Is retraining the modulator as good as retraining input weights?"""
    return _judge(results, "retrained", _n10_holds)


def _by_task(results: Results) -> str:
    """Medians of the fair networks in each task, as a sentence."""
    parts = [
        f"{network.label} "
        + ", ".join(
            format_number(results.summary(f"{network.name}.trained.{task}.arctan2").median)
            for task in TRAINED
        )
        for network in (*PAPER, *MATCHED[1:])
    ]
    return f"Medians in {', '.join(TRAINED)}: {'; '.join(parts)}."


def _range(results: Results, network: Contender, part: str) -> str:
    values = _per_seed(results, network.name, part, "arctan2")
    return f"{network.label} {format_number(min(values))} to {format_number(max(values))}"


def _still_falling(results: Results, part: str) -> str:
    """How much the loss still fell over the last tenth, as a sentence."""
    key = "loss_at" if part == "trained" else "retraining_loss_at"
    ratios = []
    for name in NETWORKS:
        early, late = (
            summarise(results.value(f"{name}.{key}.percent_{share}")).median for share in (90, 100)
        )
        ratios.append(late / early)
    return (
        "Over the last tenth of them the median loss went to "
        f"{format_number(min(ratios))} to {format_number(max(ratios))} of its value, "
        "depending on the network; the one-cycle rate is almost zero there, so that this does not "
        "show what more steps would bring."
    )


def same_order(percent: Sequence[float], losses: Sequence[float]) -> bool:
    """No two networks of which one has more correct trials and the higher loss."""
    pairs = list(zip(percent, losses, strict=True))
    return all((p - q) * (a - b) <= 0 for p, a in pairs for q, b in pairs)


def _rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's; NaN where one of the two does not vary."""
    if len(set(first)) == 1 or len(set(second)) == 1:
        return math.nan
    return float(scipy.stats.spearmanr(first, second).statistic)


def judge_r9(results: Results) -> Judgement:
    """Do loss and accuracy put the models in the same order?"""
    agree = {
        f"{name}, {'three tasks' if part == 'trained' else 'the new task'}": same_order(
            medians(results, networks, part, "arctan2"), medians(results, networks, part, "loss")
        )
        for name, networks in SETS.items()
        for part in ("trained", "retrained")
    }
    rank = {
        part: _rank_correlation(
            *(medians(results, list(NETWORKS.values()), part, m) for m in ("arctan2", "loss"))
        )
        for part in ("trained", "retrained")
    }
    yes = sum(agree.values())
    found = "reproduced" if yes == len(agree) else "partly" if yes else "not reproduced"
    return Judgement(
        status="measured",
        would_change=f"Models that are further apart: the orders agree in {yes} of {len(agree)} "
        "comparisons, and two swapped medians are enough to break one",
        measured=f"{expected(found)}: same order in {yes} of {len(agree)} comparisons of four "
        "models; rank "
        f"correlation of the {len(NETWORKS)} medians {format_number(rank['trained'])} on the three "
        f"tasks and {format_number(rank['retrained'])} on the new one (-1: same order)",
        spread="median loss on three tasks / on the new one: "
        + "; ".join(
            f"{network.label} {format_number(old)} / {format_number(new)}"
            for network, old, new in zip(
                NETWORKS.values(),
                medians(results, list(NETWORKS.values()), "trained", "loss"),
                medians(results, list(NETWORKS.values()), "retrained", "loss"),
                strict=True,
            )
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            "Order of medians; where accuracies are near 100 % the order hangs on a few trials.",
            "The orders differ in: "
            f"{'; '.join(name for name, same in agree.items() if not same) or 'no comparison'}.",
        ),
    )


_TWICE = (
    "As published: the released scaling and the released angle; as a fair control: the paper's "
    "sizes and matched ones, both with fair scaling and the full angle. Not decided if it hangs on "
    f"a model that did not learn the three tasks (median below {LEARNED:g} %), unless the others "
    "contradict it"
)
_TOLERANCE = f"{POINTS:g} percentage points between medians"
RULES = {
    "N9": Rule(
        judge=judge_n9,
        tolerance=_TOLERANCE,
        rule="percent correct with the full angle, mean of three tasks, median of seeds: "
        f"NM-RNN, vanilla RNN and LSTM lie within {POINTS:g} points, and the low-rank RNN "
        f"{POINTS:g} points or more below all of them. {_TWICE}",
    ),
    "N10": Rule(
        judge=judge_n10,
        tolerance=_TOLERANCE,
        rule="percent correct on the new task with the full angle, median of seeds: the "
        f"NM-RNN is at most {POINTS:g} points below vanilla RNN and LSTM, and {POINTS:g} "
        f"points or more above the low-rank RNN. {_TWICE}",
    ),
    "R9": Rule(
        judge=judge_r9,
        tolerance="order of medians; no tolerance",
        rule="three sets of four models, on the three tasks and on the new one: the "
        "sentence "
        "holds if no two models of a set stand in one order by accuracy and in the other "
        "by "
        "loss; in part if so in some of the six comparisons",
    ),
}
