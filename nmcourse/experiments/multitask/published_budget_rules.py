"""Rules of the multitask set at the budget of the paper, written before the run.

One network is *below* another if its percent correct is lower than the other's less 5 points: a
lower median, and p < 0.05 in a one-sided rank-sum test over the seeds. It is *not below* if by that
test it is higher than the other's less 5 points. Two networks are *alike* if neither is below the
other. What the seeds do not tell stays open, and with more seeds every comparison closes.

What the states of the NM-RNN show is asked twice: of the trained networks, as published; and, as a
fair control, of the same networks before training too. There a network counts only if it passes
a test that it failed at its start.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    as_one,
    combined,
    every,
    expected,
    format_number,
)
from nmcourse.experiments.contenders import Contender, by_name
from nmcourse.experiments.multitask import states
from nmcourse.experiments.multitask.comparison_rules import same_order
from nmcourse.experiments.multitask.networks import (
    MATCHED,
    NEW,
    NM_RNN,
    PAPER,
    RELEASED,
    mean_over_tasks,
)
from nmcourse.experiments.multitask.states import CONSISTENT, MAJORITY, _is_ring
from nmcourse.experiments.multitask.states import judge_n11 as older_n11
from nmcourse.experiments.multitask.states import judge_n12 as older_n12
from nmcourse.experiments.timing.published_budget_rules import lower

POINTS = 5.0  # percent correct: a difference that matters
LEARNED, LEAST = 80.0, 5  # percent correct in the mean of three tasks; networks that learned
OPEN = {"forget_bias": 3.0}


def _released(network: Contender) -> Contender:
    """A network with the columns and the start of the released code."""
    return replace(
        network,
        name=f"{network.name}_released",
        label=f"{network.label}, as released",
        kwargs={**network.kwargs, "released": True},
    )


def _open(network: Contender) -> Contender:
    """The LSTM with an open forget gate at the start."""
    return replace(
        network,
        name=f"{network.name}_open",
        label=f"{network.label}, open forget gate",
        kwargs={**network.kwargs, **OPEN},
    )


SETS = {
    "as released": (*map(_released, RELEASED[:2]), *RELEASED[2:]),
    "paper sizes": (*PAPER[:3], _open(PAPER[3])),
    "matched sizes": (*MATCHED[:3], _open(MATCHED[3])),
}
_EVERY = by_name(network for networks in SETS.values() for network in networks)
# The quick ones first.
NETWORKS = {
    name: _EVERY[name]
    for name in (
        *(
            "vanilla_rnn_over_n",
            "vanilla_rnn",
            "lstm",
            "lstm_open",
            "vanilla_rnn_matched",
            "nm_rnn",
            "nm_rnn_released",
        ),
        *("lstm_matched_open", "low_rank_rnn_over_n_released"),
        *("low_rank_rnn", "low_rank_rnn_matched"),
    )
}
assert set(NETWORKS) == set(_EVERY)


def percents(results: Results, name: str, part: str, angle: str) -> list[float]:
    """Percent correct of each seed: mean of three tasks ("trained"), or the new one."""
    if part == "trained":
        return mean_over_tasks(results.value(f"{name}.trained"), angle)
    found: list[float] = results.value(f"{name}.retrained.{NEW}.{angle}")
    return found


def is_below(ours: Sequence[float], theirs: Sequence[float]) -> bool | None:
    """Whether ours are below theirs less ``POINTS``; None where the seeds do not tell."""
    sign = lower(ours, [value - POINTS for value in theirs])
    return {1: True, -1: False, 0: None}[sign]


# (is one network below another, should it be) in words -> whether that is so
Asked = dict[str, bool | None]


def _below(results: Results, part: str, angle: str, one: Contender, other: Contender) -> Asked:
    found = is_below(*(percents(results, n.name, part, angle) for n in (one, other)))
    return {f"{one.label} below {other.label}": found}


def _not_below(results: Results, part: str, angle: str, one: Contender, other: Contender) -> Asked:
    found = is_below(*(percents(results, n.name, part, angle) for n in (one, other)))
    return {f"{one.label} not below {other.label}": None if found is None else not found}


def n9_asks(results: Results, networks: Sequence[Contender], angle: str) -> Asked:
    """NM-RNN, vanilla RNN and LSTM alike, the low-rank RNN below each of them."""
    nm, low_rank, vanilla, lstm = networks
    asked: Asked = {}
    for one, other in permutations((nm, vanilla, lstm), 2):
        asked |= _not_below(results, "trained", angle, one, other)
    for other in (nm, vanilla, lstm):
        asked |= _below(results, "trained", angle, low_rank, other)
    return asked


def n10_asks(results: Results, networks: Sequence[Contender], angle: str) -> Asked:
    """The NM-RNN not below vanilla RNN and LSTM, and the low-rank RNN below it."""
    nm, low_rank, vanilla, lstm = networks
    asked: Asked = {}
    for other in (vanilla, lstm):
        asked |= _not_below(results, "retrained", angle, nm, other)
    return asked | _below(results, "retrained", angle, low_rank, nm)


def _judge(
    results: Results, part: str, asks: Callable[[Results, Sequence[Contender], str], Asked]
) -> Judgement:
    published = asks(results, SETS["as released"], "arctan")
    fair: Asked = {}
    for name in ("paper sizes", "matched sizes"):
        fair |= asks(results, SETS[name], "arctan2")
    verdicts = {"as published": published, "under a fair control": fair}
    as_published, fairly = (every(asked.values()) for asked in verdicts.values())
    return Judgement(
        status=as_one(as_published),
        fair_status=as_one(fairly),
        reason="; ".join(
            f"{title} the seeds do not tell: "
            + ", ".join(pair for pair, found in asked.items() if found is None)
            for title, asked in verdicts.items()
            if every(asked.values()) is None
        ),
        measured="median percent correct, full angle / as released, and seeds that learned the "
        f"three tasks{' / the new one' if part == 'retrained' else ''}: "
        + "; ".join(
            f"{network.label} "
            + " / ".join(
                format_number(statistics.median(percents(results, name, part, angle)), 3)
                for angle in ("arctan2", "arctan")
            )
            + f", {n_learned(results, name)}"
            + (f" / {n_learned(results, name, part)}" if part == "retrained" else "")
            + f" of {len(percents(results, name, part, 'arctan2'))}"
            for name, network in NETWORKS.items()
        ),
        spread="; ".join(
            f"{network.label} {format_number(min(found))} to {format_number(max(found))}"
            for name, network in NETWORKS.items()
            for found in [percents(results, name, part, "arctan2")]
        ),
        seeds=len(percents(results, NM_RNN.name, part, "arctan2")),
        would_change="Other networks than these, where "
        + (
            "; ".join(
                f"{title} it is not so: "
                + ", ".join(pair for pair, found in asked.items() if found is False)
                for title, asked in verdicts.items()
                if False in asked.values()
            )
            or "every comparison holds"
        )
        + ". More seeds, where a difference is open",
        caveats=(
            f"{results.config['n_steps']:,} steps, and {results.config['retraining_steps']:,} on "
            f"the new task, in batches of {results.config['batch_size']}, drawn from "
            f"{results.config['per_task']:,} fixed trials of each task. In the released code the "
            "old context channels get noise in retraining.",
            "No network has noise on its inputs. The released scripts add it, with a standard "
            "deviation of 0.1, to the inputs of the baselines unless told otherwise, and not to "
            "those of the NM-RNN.",
            f"Learned: at least {LEARNED:g} % correct, in the mean of the three tasks or on the "
            "new one.",
            "Every seed learns the same trials, and every block of steps draws the same batches, "
            "where in the released code the trials come with the seed. There the low-rank RNN is "
            "retrained on all trials at once; here on batches, as all others are.",
            "As released: L with the signs that the QR decomposition gives, and smaller input "
            "weights of the NM-RNN. Under the fair control L moves continuously.",
            "The LSTM of the paper's size was trained with and without an open forget gate, that "
            "of matched size only with one: neither verdict compares the other.",
        ),
    )


def n_learned(results: Results, name: str, part: str = "trained") -> int:
    """How many seeds of a network learned the three tasks, or the new one ("retrained")."""
    return sum(value >= LEARNED for value in percents(results, name, part, "arctan2"))


def judge_n9(results: Results) -> Judgement:
    """Do NM-RNN, vanilla RNN and LSTM answer alike, and the low-rank RNN less often right?"""
    return _judge(results, "trained", n9_asks)


def judge_n10(results: Results) -> Judgement:
    """Is retraining the modulator as good as retraining input weights?"""
    return _judge(results, "retrained", n10_asks)


def agreement(results: Results) -> dict[str, bool]:
    """Whether medians of loss and percent correct have one order, for each set and part."""
    found = {}
    for name, networks in SETS.items():
        for part in ("trained", "retrained"):
            percent, loss = (
                [statistics.median(percents(results, n.name, part, m)) for n in networks]
                for m in ("arctan2", "loss")
            )
            found[f"{name}, {part}"] = same_order(percent, loss)
    return found


def judge_r9(results: Results) -> Judgement:
    """Do loss and accuracy put the models in the same order?"""
    agree = agreement(results)
    return Judgement(
        status="measured",
        measured=f"{expected(combined(list(agree.values())))}. One order of the four medians: "
        + "; ".join(f"{where}: {'yes' if same else 'no'}" for where, same in agree.items()),
        spread="median loss, three tasks / the new one: "
        + "; ".join(
            f"{network.label} "
            + " / ".join(
                format_number(statistics.median(percents(results, name, part, "loss")))
                for part in ("trained", "retrained")
            )
            for name, network in NETWORKS.items()
        ),
        seeds=len(percents(results, NM_RNN.name, "trained", "arctan2")),
        would_change="More seeds, where two medians are near each other",
    )


def if_learned(judge: Callable[[Results], Judgement]) -> Callable[[Results], Judgement]:
    """A rule on the NM-RNNs that learned the three tasks, where there are enough of them."""

    def judged(results: Results) -> Judgement:
        outcome = judge(results)
        if results.config["n_learned"] >= LEAST:
            return outcome
        reason = f"{results.config['n_learned']} NM-RNNs learned the three tasks"
        fair = "not decided" if outcome.fair_status else ""
        return replace(outcome, status="not decided", fair_status=fair, reason=reason)

    return judged


def by_training(after: Sequence[bool], before: Sequence[bool]) -> list[bool]:
    """Which networks pass a test that they failed before they were trained."""
    return [now and not then for now, then in zip(after, before, strict=True)]


def standing(passed: Sequence[bool], in_part: Sequence[bool] = ()) -> str:
    """Reproduced if most networks pass; partly if some do, or do so in part."""
    if sum(passed) >= MAJORITY * len(passed):
        return "reproduced"
    return "partly" if any([*passed, *in_part]) else "not reproduced"


def flips(results: Results, group: str, component: int | None = None) -> list[bool]:
    """In which networks the sign of a component, or of any, follows sin(asked angle)."""
    rows: list[list[float]] = results.value(f"{group}.consistency")
    shares = [max(row) if component is None else row[component - 1] for row in rows]
    return [share >= CONSISTENT for share in shares]


def _with_control(outcome: Judgement, counted: Sequence[bool], fair: str) -> Judgement:
    """A judgement as published, and what is left of it under the fair control."""
    control = (
        "Under the fair control a network counts only if it fails the same test before training: "
        f"{sum(counted)} of {len(counted)} count."
    )
    return replace(outcome, fair_status=fair, caveats=(*outcome.caveats, control))


def judge_n11(results: Results) -> Judgement:
    """A ring in the stimulus period; and one that training has made?"""
    made = by_training(_is_ring(results, "trained"), _is_ring(results, "untrained"))
    return _with_control(older_n11(results), made, standing(made))


def judge_n12(results: Results) -> Judgement:
    """Does the fifth component flip; does it in networks whose start does not do so?"""
    fifth, some = (
        by_training(*(flips(results, group, component) for group in ("sign", "sign_untrained")))
        for component in (5, None)
    )
    return _with_control(older_n12(results), fifth, standing(fifth, some))


_CONTROL = (
    "That is as published; as a fair control, the same share of networks that pass now and fail "
    "the same test before training"
)


def _older(claim: str, judge: Callable[[Results], Judgement] | None = None) -> Rule:
    """The rule of ``multitask_states``, for networks that learned; with a control if given."""
    rule = states.EXPERIMENTS[0].rules[claim]
    return Rule(
        judge=if_learned(judge or rule.judge),
        tolerance=rule.tolerance,
        rule=f"{rule.rule}. {f'{_CONTROL}. ' if judge else ''}Only networks that learned the three "
        f"tasks; not decided with fewer than {LEAST}",
    )


_POINTS = (
    f"below: by more than {POINTS:g} points of percent correct, in a one-sided rank-sum test with "
    "p < 0.05; not below: by that test not so"
)
_TWICE = (
    "As published: released scaling, start and metric; fair: the full angle, and the sizes of the "
    "paper as well as matched ones, with an open forget gate. What the seeds do not tell is open"
)
RULES = {
    "N9": Rule(
        judge=judge_n9,
        tolerance=_POINTS,
        rule="reproduced if none of NM-RNN, vanilla RNN and LSTM is below another one, and the "
        f"low-rank RNN is below each of them; not reproduced if one of these is not so. {_TWICE}",
    ),
    "N10": Rule(
        judge=judge_n10,
        tolerance=_POINTS,
        rule="reproduced if on the new task the NM-RNN is not below vanilla RNN and LSTM, and the "
        f"low-rank RNN is below the NM-RNN; not reproduced if one of these is not so. {_TWICE}",
    ),
    "R9": Rule(
        judge=judge_r9,
        tolerance="order of the medians of the seeds; no tolerance",
        rule="the sentence holds if in each of three sets of networks, on the three tasks and on "
        "the new one, no two models of which one has more correct trials and the higher loss; in "
        "part if in some",
    ),
    "N11": _older("N11", judge_n11),
    "N12": _older("N12", judge_n12),
    "R8": _older("R8"),
}
