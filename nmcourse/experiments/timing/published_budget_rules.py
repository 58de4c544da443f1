"""The rules of the timing comparison at the budget of the paper, written before its run.

A model is *lower* than another if its median error is lower and a one-sided rank-sum test (Mann and
Whitney) over the seeds gives p < 0.05. A claim about an order holds if every comparison that it
names comes out so, and fails if one comes out the other way round. Where neither is the case, or
where fewer than half of the networks of a model learned to measure, nothing is decided.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import scipy.stats

from nmcourse.evidence import Judgement, Results, Rule, format_number, summarise
from nmcourse.experiments.timing.networks import TEST_INTERVALS

# Under the name that it had when the run began: the fingerprint of a rule counts names.
from nmcourse.tasks import MEASURES_BELOW as STUCK
from nmcourse.tasks import TRAINED

ARM_LABELS = {
    "nm_rnn_released": "NM-RNN",
    "low_rank_rnn_released": "LR-RNN, 1/N",
    "vanilla_rnn_released": "vanilla RNN, 1/N",
    "lstm": "LSTM",
    "nm_rnn": "NM-RNN, continuous columns",
    "low_rank_rnn": "LR-RNN",
    "vanilla_rnn": "vanilla RNN",
}
PUBLISHED = {
    "nm_rnn": "nm_rnn_released",
    "low_rank_rnn": "low_rank_rnn_released",
    "vanilla_rnn": "vanilla_rnn_released",
    "lstm": "lstm.at_50_blocks",
}
FAIR = {name: name for name in ("nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm")}
LEVEL = 0.05
_INTERVALS = {"trained": "trained", "extrapolated": "untrained"}
# What N4 and N5 say: (lower, higher).
N4 = (
    ("lstm", "nm_rnn"),
    ("lstm", "vanilla_rnn"),
    ("nm_rnn", "low_rank_rnn"),
    ("vanilla_rnn", "low_rank_rnn"),
)
N5 = (("nm_rnn", "low_rank_rnn"), ("nm_rnn", "vanilla_rnn"), ("nm_rnn", "lstm"))
N6 = (("nm_rnn", "low_rank_rnn"),)


def lower(ours: Sequence[float], theirs: Sequence[float]) -> int:
    """1 if ours are lower, -1 if they are higher, 0 if the seeds cannot tell."""
    for sign, one, other in ((1, ours, theirs), (-1, theirs, ours)):
        p = scipy.stats.mannwhitneyu(one, other, alternative="less").pvalue
        if statistics.median(one) < statistics.median(other) and p < LEVEL:
            return sign
    return 0


def errors(results: Results, path: str, group: str) -> list[float]:
    """One error per seed; a network that diverged has an infinite one."""
    found = results.value(f"{path}.{group}")
    return [float("inf") if value is None else value for value in found]


def interval_errors(results: Results, path: str, _group: str = "") -> list[float]:
    """Mean difference of produced and asked untrained interval in ms, per seed.

    A ramp that never arrives counts with its whole interval.
    """
    return [
        statistics.mean(
            abs((0.0 if made is None else made) - asked)
            for made, asked in zip(produced, TEST_INTERVALS, strict=True)
            if asked not in TRAINED
        )
        for produced in results.value(f"{path}.produced")
    ]


def n_learned(results: Results, path: str) -> int:
    """Networks that learned to measure."""
    return sum(error < STUCK for error in errors(results, path, "trained"))


def verdict(results: Results, group: str, pairs: Sequence[tuple[str, str]], arms: dict) -> tuple:
    """Status and, where nothing is decided, its reason."""
    measure = interval_errors if group == "produced" else errors
    used = sorted({name for pair in pairs for name in pair})
    half = results.config["n_seeds"] / 2
    few = [name for name in used if n_learned(results, arms[name]) < half]
    found = {pair: lower(*(measure(results, arms[name], group) for name in pair)) for pair in pairs}
    if any(sign < 0 for sign in found.values()):
        return "not reproduced", ""
    if few:
        return "not decided", f"fewer than half of the networks learned to measure: {few}"
    open_pairs = [f"{a} below {b}" for (a, b), sign in found.items() if not sign]
    if open_pairs:
        return "not decided", f"the seeds do not tell these apart: {', '.join(open_pairs)}"
    return "reproduced", ""


def _listing(results: Results, group: str, arms: dict) -> str:
    return "; ".join(
        f"{ARM_LABELS[path.split('.')[0]]} "
        f"{format_number(results.summary(f'{path}.{group}').median)} "
        f"({n_learned(results, path)} of {results.config['n_seeds']} learned)"
        for path in arms.values()
    )


def _misses(results: Results, arms: dict) -> str:
    return "; ".join(
        f"{ARM_LABELS[path.split('.')[0]]} "
        f"{format_number(statistics.median(interval_errors(results, path)))}"
        for path in arms.values()
    )


def _judge(results: Results, group: str, pairs: Sequence[tuple[str, str]]) -> Judgement:
    published, why = verdict(results, group, pairs, PUBLISHED)
    fair, why_fair = verdict(results, group, pairs, FAIR)
    shown = "trained" if group == "produced" else group
    return Judgement(
        status=published,
        fair_status=fair,
        reason="; ".join(
            f"{which}: {text}"
            for which, text in (("as published", why), ("under a fair control", why_fair))
            if text
        ),
        measured=(
            f"mean miss of the produced untrained intervals in ms, medians, as published: "
            f"{_misses(results, PUBLISHED)}. Under a fair control: {_misses(results, FAIR)}"
            if group == "produced"
            else f"median error ({_INTERVALS[shown]} intervals), as published: "
            f"{_listing(results, shown, PUBLISHED)}. Under a fair control: "
            f"{_listing(results, shown, FAIR)}"
        ),
        spread="; ".join(
            f"{ARM_LABELS[path.split('.')[0]]} "
            + (
                f"{summarise(interval_errors(results, path))} ms"
                if group == "produced"
                else f"{results.summary(f'{path}.{group}')}"
            )
            for path in {**PUBLISHED, **{f"fair {k}": v for k, v in FAIR.items()}}.values()
        ),
        seeds=results.config["n_seeds"],
        would_change="More seeds, where the reason names pairs that these cannot tell apart",
        caveats=(
            "Published budgets: 70,000 steps (vanilla RNN and LSTM 50,000); fair ones: 70,000 for "
            "everybody at the rate 0.01. The NM-RNN keeps its three stages in both.",
            "No noise and a fixed delay, as in the released task.",
        ),
    )


def judge_n4(results: Results) -> Judgement:
    """Trained intervals: the LSTM lowest, the low-rank RNN highest."""
    return _judge(results, "trained", N4)


def judge_n5(results: Results) -> Judgement:
    """Untrained intervals: the NM-RNN lowest."""
    return _judge(results, "extrapolated", N5)


def judge_n6(results: Results) -> Judgement:
    """Produced intervals: those of the NM-RNN nearer to the asked ones than the low-rank RNN's."""
    return _judge(results, "produced", N6)


def judge_n8(results: Results) -> Judgement:
    """How much of the advantage over the low-rank RNN is scaling, at the published budget?"""
    medians = {
        path: results.summary(f"{path}.extrapolated").median
        for path in ("nm_rnn_released", "low_rank_rnn_released", "nm_rnn", "low_rank_rnn")
    }
    ratios = (
        medians["low_rank_rnn_released"] / medians["nm_rnn_released"],
        medians["low_rank_rnn"] / medians["nm_rnn"],
    )
    return Judgement(
        status="measured",
        measured="error of the low-rank RNN over that of the NM-RNN on untrained intervals: "
        f"{format_number(ratios[0])} as released, {format_number(ratios[1])} on equal terms",
        spread="; ".join(
            f"{ARM_LABELS[k]} {results.summary(f'{k}.extrapolated')}" for k in medians
        ),
        seeds=results.config["n_seeds"],
        would_change="Nothing was published to compare with",
    )


def judge_f2(results: Results) -> Judgement:
    """What the released recipe gives, every arm."""
    return Judgement(
        status="measured",
        measured="trained / extrapolated error, medians: "
        + "; ".join(
            f"{label} {format_number(results.summary(f'{arm}.trained').median)} / "
            f"{format_number(results.summary(f'{arm}.extrapolated').median)}"
            for arm, label in ARM_LABELS.items()
        ),
        spread="; ".join(
            f"{label} {results.summary(f'{arm}.trained')}" for arm, label in ARM_LABELS.items()
        ),
        seeds=results.config["n_seeds"],
        would_change="Nothing was published to compare with",
    )


_TEST = f"median lower and rank-sum p < {LEVEL}, for each pair"
RULES = {
    "N4": Rule(
        judge_n4,
        _TEST,
        "reproduced if on trained intervals the LSTM is lower than NM-RNN and vanilla RNN, and "
        "both are lower than the low-rank RNN; not reproduced if one pair is the other way round",
    ),
    "N5": Rule(
        judge_n5,
        _TEST,
        "reproduced if on untrained intervals the NM-RNN is lower than each of the other three; "
        "not reproduced if one of them is lower than the NM-RNN",
    ),
    "N6": Rule(
        judge_n6,
        _TEST,
        "reproduced if the produced untrained intervals of the NM-RNN are nearer to the asked ones "
        "than the low-rank RNN's; not reproduced if they are farther",
    ),
    "N8": Rule(judge_n8, "none: nothing was published", "measured: ratios of medians"),
    "F2": Rule(judge_f2, "none: nothing was published", "measured: medians of every arm"),
}
