"""What the results of ``windows`` say: C9. Written before they were measured."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import stats

from nmcourse.evidence import ENOUGH, Judgement, Results, Rule, combined, format_number, pairs_power

LEVEL = 0.05  # of the signed-rank test
NEEDED = 0.8  # of the networks that have to change in one direction
EFFECTS = {"eigenvalue": 0.05, "rise": 5.0}  # differences that matter: a number, ms
LEARNT = 0.8  # share of right answers at the end of the window from which a network counts
LEAST = 8  # networks that have to count


def pairs(results: Results, first: str, second: str, what: str) -> tuple[list[float], list[float]]:
    """A measure of the networks that answer in both windows, one entry for each."""
    right = [results.value(f"{arm}.right") for arm in (first, second)]
    both = [k for k, shares in enumerate(zip(*right, strict=True)) if min(shares) >= LEARNT]
    one, other = (results.value(f"{arm}.{what}") for arm in (first, second))
    return [one[k] for k in both], [other[k] for k in both]


def differ(results: Results, first: str, second: str, what: str) -> bool | None:
    """Does a measure differ between two windows? None where it could not be seen."""
    one, other = pairs(results, first, second, what)
    if len(one) < LEAST:
        return None
    change = [b - a for a, b in zip(one, other, strict=True)]
    one_way = max(sum(c > 0 for c in change), sum(c < 0 for c in change)) >= NEEDED * len(change)
    if one_way and _p(change) < LEVEL:
        return True
    return None if pairs_power(one, other, EFFECTS[what], NEEDED) < ENOUGH else False


def _p(change: Sequence[float]) -> float:
    if not any(change):
        return 1.0
    return float(stats.wilcoxon(change).pvalue)


def _why_open(results: Results) -> str:
    """Why windows could not be compared, or with what power they were."""
    said = []
    for first in ("published", "early"):
        one, other = pairs(results, first, "late", "eigenvalue")
        if len(one) < LEAST:
            said.append(f"{len(one)} networks answer in both windows ({first} and late)")
        else:
            power = pairs_power(one, other, EFFECTS["eigenvalue"], NEEDED)
            said.append(f"the power for eigenvalues is {power:.0%} ({first} against late)")
    return ", ".join(said)


def judge(results: Results) -> Judgement:
    """Do windows differ: the two published ones, and one before settling from a late one?"""
    published = [differ(results, "published", "late", what) for what in EFFECTS]
    fair = [differ(results, "early", "late", what) for what in EFFECTS]
    status, fair_status = combined(published), combined(fair)
    undecided = "not decided" in (status, fair_status)
    words = {True: "differ", False: "do not differ", None: "are open"}
    arms = ("early", "published", "late")

    def medians(what: str) -> str:
        found = [f"{arm} {format_number(results.summary(f'{arm}.{what}').median)}" for arm in arms]
        return ", ".join(found)

    shares = ", ".join(f"{arm} {results.summary(f'{arm}.right').median:.0%}" for arm in arms)
    return Judgement(
        status=status,
        fair_status=fair_status,
        reason=_why_open(results) if undecided else "",
        measured=f"Published windows: eigenvalues {words[published[0]]}, rise times "
        f"{words[published[1]]}; early against late: eigenvalues {words[fair[0]]}, rise times "
        f"{words[fair[1]]}. Leading eigenvalue {medians('eigenvalue')}; rise time in ms "
        f"{medians('rise')}; right answers at the end of the window {shares}",
        spread="quartiles of the leading eigenvalue, late: "
        + " to ".join(
            format_number(value)
            for value in (
                results.summary("late.eigenvalue").lower_quartile,
                results.summary("late.eigenvalue").upper_quartile,
            )
        ),
        seeds=len(results.value("early.right")),
        caveats=(
            "The paper shows traces of activity and a hundred eigenvalues; here it is one "
            "eigenvalue, of one area, and the rise of the outputs.",
            "Small networks of two areas on digits of 8 by 8 pixels; the paper shows four areas on "
            "larger images, which have a longer way to settle.",
            "All arms go on from the same trained networks for "
            f"{results.config['n_steps']} steps, and do not begin from nothing.",
        ),
        would_change="Networks of four areas or more, trained from nothing in each window",
    )


RULES = {
    "C9": Rule(
        judge=judge,
        tolerance=f"{EFFECTS['eigenvalue']} of an eigenvalue, {EFFECTS['rise']:.0f} ms of a rise",
        rule="two sentences: leading eigenvalues differ, rise times differ. As published: between "
        "140-200 and 240-300 ms; fair: between 20-50 and 240-300 ms, on both sides of settling. "
        f"Networks that are right at the end of both windows ({LEARNT:.0%} of the images) are "
        f"pairs; they differ if {NEEDED:.0%} change one way and the signed-rank test gives p < "
        f"{LEVEL}; they do not if the power for "
        "a difference that matters is at least 80 %. Not decided else",
    )
}
