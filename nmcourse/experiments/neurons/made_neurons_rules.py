"""What the results of ``made_neurons`` say: C14. Written before they were measured."""

from __future__ import annotations

import statistics

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    as_one,
    combined,
    format_number,
    most,
)

KINDS = ("seeing", "blind")
PARTS = ("all", "image")
LEVEL = 1e-4  # the larger of the two levels that were published
NEEDED = 0.8  # of the networks
FEW = 0.2  # of the networks: so few may pass a test that should not be passed


def passes(results: Results, kind: str, part: str, other: str) -> list[bool]:
    """For each network: is it ahead of another predictor over its neurons?"""
    found = results.value(f"{kind}.p_{other}.{part}")
    return [p is not None and p < LEVEL for p in found]


def hardly_any(true: list[bool]) -> bool | None:
    """Whether something is true of few networks; None between few and most, or of few networks."""
    if most(true, needed=NEEDED):
        return False
    return True if len(true) >= 5 and sum(true) <= FEW * len(true) else None


def specific(results: Results, part: str) -> bool | None:
    """Do neurons that see no image fail the test against shuffled time?"""
    return hardly_any(passes(results, "blind", part, "shuffled"))


def holds(results: Results, part: str, other: str) -> bool | None:
    """Do seeing neurons pass the test in most networks?"""
    return most(passes(results, "seeing", part, other), needed=NEEDED)


def kept_by_untrained(results: Results) -> list[float]:
    """Share of the network's image part that random weights reach, for each network."""
    pairs = zip(
        results.value("seeing.untrained.image"), results.value("seeing.network.image"), strict=True
    )
    return [random / trained for random, trained in pairs]


def judge(results: Results) -> Judgement:
    """Is real time better than shuffled time, and do neurons that see nothing fail that test?"""
    status = as_one(holds(results, "all", "shuffled"))
    fair = {
        "neurons that see no image fail the published test": specific(results, "all"),
        "in the image part seeing neurons pass it": holds(results, "image", "shuffled"),
        "and those that see no image fail it": specific(results, "image"),
        "the image part is predicted better than by random weights": holds(
            results, "image", "untrained"
        ),
    }
    fair_status = combined(list(fair.values()))
    n = results.config["n_networks"]

    def middle(path: str) -> str:
        return format_number(statistics.median(results.value(path)))

    words = {True: "yes", False: "no", None: "open"}
    return Judgement(
        status=status,
        fair_status=fair_status,
        reason="too few networks, or neither most nor few of them pass"
        if "not decided" in (status, fair_status)
        else "",
        measured="; ".join(
            f"{kind} neurons, {'all' if part == 'all' else 'image part'}: real time "
            f"{middle(f'{kind}.network.{part}')}, shuffled {middle(f'{kind}.shuffled.{part}')}, "
            f"smooth signal {middle(f'{kind}.smooth.{part}')}"
            for kind in KINDS
            for part in PARTS
        )
        + ". "
        + "; ".join(f"{what}: {words[answer]}" for what, answer in fair.items())
        + f". Random weights reach {statistics.median(kept_by_untrained(results)):.0%} of the "
        "image part",
        spread=f"medians over {n} networks of the median over neurons; correlation with real "
        f"time, seeing neurons {results.summary('seeing.network.all')}, blind ones "
        f"{results.summary('blind.network.all')}",
        seeds=n,
        caveats=(
            "Neurons that were made: linear mixtures of the same network with independent noise, "
            "which is the best that any network can hope for. No recording was used, so nothing "
            "is said of V4 or IT; that real time is ahead as published was to be expected.",
            "Whether the published result rests on a time course that all images share is not "
            "known: scores, nulls and the way of shuffling are not accessible.",
            "Shuffled anew for each image; with one order for all images the score of seeing "
            f"neurons is {middle('seeing.one_order.all')}, of blind ones "
            f"{middle('blind.one_order.all')}.",
            "Small networks that learnt digits of 8×8 pixels; "
            f"{results.config['n_images']} images, {results.config['n_times']} times.",
        ),
        would_change="Another share of the shared time course "
        f"({results.config['shared']:.0%} of the variance here), or recordings with images and "
        "time",
    )


RULES = {
    "C14": Rule(
        judge=judge,
        tolerance=f"one-sided paired t-test over neurons, p < {LEVEL:g}; most: {NEEDED:.0%} of the "
        f"networks; few: {FEW:.0%}",
        rule="as published: reproduced if in most networks seeing neurons are predicted better "
        "with real than with shuffled time. Under a fair null four statements: blind neurons pass "
        "this in few networks; scored by the image part, seeing neurons pass it in most, blind "
        "ones in few; and the image part is predicted better by the network than by random "
        "weights in most. Reproduced if all hold, not reproduced if none does, partly otherwise",
    ),
}
