"""What the results on recordings say: F11, F12, F13. Written before they were measured."""

from __future__ import annotations

import statistics

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

STANDS = 0.95  # correlation over reliability, at the longest lag, from which on a code stands still
TRAINED_ON = ("mnist", "fashion_mnist", "cifar10")
NETWORKS = ("untrained", *TRAINED_ON)
PHOTOGRAPH_NETWORKS = ("untrained_early", "untrained_late", "mnist_early", "mnist_late")


def code_statements(results: Results) -> dict[str, bool | None]:
    """Three sentences about the code of a picture that stays, at the longest lag."""
    high, still = (results.value(f"monkey.{name}")[-1] for name in ("high", "stationary"))
    quiet = [stands(row[-1]) for row in results.value("cordsnet.quiet")]
    return {
        "the code of monkey IT turns": None if high is None else high < STANDS,
        "the stationary control stands still": stands(still),
        "CordsNet's stands still": every(quiet),
    }


def stands(correlation: float | None) -> bool | None:
    """Whether a code stands still; None where it is not reliable."""
    return None if correlation is None else correlation >= STANDS


def judge_code(results: Results) -> Judgement:
    """Does the code of IT turn while that of CordsNet stands still?"""
    verdict = combined(list(code_statements(results).values()))
    lags, turning = results.value("monkey.lags"), results.value("monkey.turning")
    low, high = results.value("monkey.low"), results.value("monkey.high")
    still = results.value("monkey.stationary")
    quiet = [row[-1] for row in results.value("cordsnet.quiet")]
    words = {True: "yes", False: "no", None: "open"}
    undecided = verdict == "not decided"
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="a code is not reliable at the longest lag" if undecided else "",
        measured=f"{expected(verdict)}. Correlation of codes over their reliability falls from "
        f"{format_number(turning[0])} at a lag of {lags[0]:.0f} ms to {format_number(turning[-1])} "
        f"at {lags[-1]:.0f} ms; stationary control "
        + ", ".join(map(format_number, still))
        + "; CordsNet at the longest lag "
        + ", ".join(format_number(value, 3) for value in quiet)
        + ". "
        + "; ".join(f"{what}: {words[holds]}" for what, holds in code_statements(results).items()),
        spread=f"at the longest lag {format_number(low[-1])} to {format_number(high[-1])} over "
        "recording sessions drawn again (95 %)",
        seeds=results.config["n_networks"],
        caveats=(
            f"{results.value('monkey.n_units')} units of {results.value('monkey.n_sessions')} "
            "sessions, put together as if they had been recorded at the same time.",
            "Objects at positions for the monkeys, digits for the networks; no image is known for "
            "the recording.",
            "Why the code turns is not shown: adaptation, feedback and a changing gain could.",
        ),
        would_change="Networks with adaptation or with gains that change in time, or a recording "
        "with images",
    )


def judge_v4(results: Results) -> Judgement:
    """Is a bank of Gabor filters ahead of networks, and does it matter what they learnt?"""

    def of(name: str) -> float:
        return statistics.median(results.value(f"{name}.over_ceiling"))

    statements = {
        "the Gabor bank is ahead of every network": all(
            results.value("gabor.low") > of(name) for name in NETWORKS
        ),
        "training on photographs helps": of("cifar10") > results.value("untrained.high"),
        "training on digits does not": of("mnist") <= results.value("untrained.high"),
    }
    words = {True: "yes", False: "no"}
    null = [
        value for name in ("pixels", "gabor", *NETWORKS) for value in results.value(f"{name}.null")
    ]
    return Judgement(
        status="measured",
        measured=f"{expected(combined(list(statements.values())))}. Of the ceiling: "
        + ", ".join(
            f"{name.replace('_', ' ')} {of(name):.2f}" for name in ("pixels", "gabor", *NETWORKS)
        )
        + ". "
        + "; ".join(f"{what}: {words[holds]}" for what, holds in statements.items()),
        spread=f"95 % over images drawn again: Gabor bank {results.value('gabor.low'):.2f} to "
        f"{results.value('gabor.high'):.2f}, untrained {results.value('untrained.low'):.2f} to "
        f"{results.value('untrained.high'):.2f}; pictures exchanged {min(null):.2f} to "
        f"{max(null):.2f}",
        seeds=results.config["n_seeds"],
        caveats=(
            "One session of one animal, grey pictures of 32 pixels, one bin of 100 ms: no time.",
            f"Networks of two areas, {results.config['n_steps']} training steps, far from their "
            "best accuracy: "
            + ", ".join(
                f"{name} {statistics.median(results.value(f'{name}.accuracy')):.0%}"
                for name in TRAINED_ON
            )
            + ".",
            "Large networks that learnt millions of photographs predict V4 better than this bank "
            "in published work; nothing is said of them.",
        ),
        would_change="Larger networks, or more and other photographs to learn from",
    )


def judge_alike(results: Results) -> Judgement:
    """Does a silhouette do as well as networks, and do two nulls agree?"""

    def of(name: str) -> float:
        return statistics.median(results.value(f"{name}.monkey"))

    names = ("pixels", "silhouette", "gabor", *PHOTOGRAPH_NETWORKS)
    ahead = all(of("silhouette") > of(name) for name in PHOTOGRAPH_NETWORKS)
    passes = {
        null: [name for name in names if of(name) > results.value(f"{name}.{null}")]
        for null in ("null_all", "null_within")
    }
    verdict = as_one(ahead and passes["null_all"] != passes["null_within"])
    return Judgement(
        status="measured",
        measured=f"{expected(verdict)}. Rank correlation with monkey IT: "
        + ", ".join(f"{name.replace('_', ' ')} {of(name):.2f}" for name in names)
        + f"; monkeys with people {results.value('monkey_and_people'):.2f}. Above the null of "
        f"exchanged images: {len(passes['null_all'])} of {len(names)}; above that of images "
        f"exchanged inside a category: {', '.join(passes['null_within']) or 'none'}",
        spread="silhouette "
        + format_number(results.value("silhouette.low"))
        + " to "
        + format_number(results.value("silhouette.high"))
        + " over images drawn again (95 %)",
        seeds=results.config["n_seeds"],
        caveats=(
            "92 photographs, many of them of faces and bodies; small networks that learnt digits.",
        ),
        would_change="Networks that learnt photographs, or images without a plain ground",
    )


CODE_RULES = {
    "F11": Rule(
        judge=judge_code,
        tolerance=f"correlation over reliability of {STANDS:g} at the longest lag",
        rule="three sentences at the longest lag: the 95 % interval of the recording ends below "
        "the tolerance, its stationary control reaches it, and so does every CordsNet without "
        "noise. The sentence of this course holds if all do, in part if some do",
    )
}
V4_RULES = {
    "F12": Rule(
        judge=judge_v4,
        tolerance="95 % intervals over images drawn again",
        rule="three sentences: the interval of the Gabor bank lies above the median of every kind "
        "of network; networks trained on CIFAR-10 lie above the interval of untrained ones, those "
        "trained on MNIST do not. The sentence of this course holds if all do, in part if some do",
    )
}
ALIKE_RULES = {
    "F13": Rule(
        judge=judge_alike,
        tolerance="the 95 % quantile of each null",
        rule="the sentence of this course holds if the silhouette is ahead of every network in the "
        "median, and the two nulls are passed by different features",
    )
}
