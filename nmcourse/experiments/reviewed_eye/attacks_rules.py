"""What the results of ``attacks`` say: R20.

Written before the run. One network of each kind had been attacked before, to choose the sizes; it
is the first of the ten.
"""

from __future__ import annotations

import statistics

from nmcourse.evidence import (
    Interval,
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    larger,
    paired_interval,
)

SIZES = (0.05, 0.1, 0.2, 0.4)  # standard deviations of a pixel
RIVALS = ("twin", "discrete", "feedback")
COMPARED = ("cordsnet", *RIVALS)
ATTACKS = ("sign", "repeated")
ALIKE = 0.03  # accuracy on clean images in which two kinds may differ and still be compared
MATTERS = 0.05  # of the images: a difference that would matter
BROKEN = 0.2  # accuracy that the largest size has to leave at most: else the attack does not work


def lost(results: Results, name: str, attack: str) -> list[float]:
    """Accuracy that each network loses, mean over sizes."""
    rows = zip(results.value(f"{name}.clean"), results.value(f"{name}.{attack}"), strict=True)
    return [clean - statistics.fmean(row) for clean, row in rows]


def works(results: Results, name: str) -> bool:
    """Does the attack break a kind, and is it at least as strong as one made elsewhere?

    If not, the gradient may fail to show where a network is weak.
    """
    at_most = statistics.median(row[-1] for row in results.value(f"{name}.sign"))
    own, other = (statistics.median(lost(results, name, way)) for way in ("sign", "transfer"))
    return at_most <= BROKEN and own >= other


def comparable(results: Results, rival: str) -> bool:
    """Have both the same accuracy on clean images, and does the attack work on both?"""
    ours, theirs = (results.summary(f"{name}.clean").median for name in ("cordsnet", rival))
    return abs(ours - theirs) <= ALIKE and works(results, "cordsnet") and works(results, rival)


def difference(results: Results, rival: str, attack: str) -> Interval | None:
    """By how much more accuracy a rival loses than the CordsNet."""
    return paired_interval(lost(results, rival, attack), lost(results, "cordsnet", attack))


def loses_less(results: Results, rival: str, attack: str) -> bool | None:
    """Does the CordsNet lose less than a rival?"""
    if not comparable(results, rival):
        return None
    return larger(difference(results, rival, attack), MATTERS)


def judge(results: Results) -> Judgement:
    """Does the CordsNet lose less than each comparable rival, under both attacks?"""
    found = {
        (rival, attack): loses_less(results, rival, attack)
        for rival in RIVALS
        for attack in ATTACKS
    }
    verdict = combined(list(found.values()))
    undecided = verdict == "not decided"
    words = {True: "yes", False: "no", None: "open"}

    def points(name: str, attack: str) -> str:
        return f"{100 * statistics.median(lost(results, name, attack)):.0f}"

    intervals = [
        (rival, attack, interval)
        for rival, attack in found
        if (interval := difference(results, rival, attack)) is not None
    ]
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="accuracies on clean images differ, the attack does not work, or an interval holds "
        "both no difference and one that would matter"
        if undecided
        else "",
        measured=f"{expected(verdict)}. Points of accuracy lost, mean over sizes, medians (one "
        "step; repeated; made elsewhere; random signs): "
        + "; ".join(
            f"{name} "
            + ", ".join(
                points(name, way)
                for way in ("sign", "repeated", "transfer", "noise")
                if way != "repeated" or name in COMPARED
            )
            for name in results.metrics
        )
        + ". CordsNet loses less: "
        + "; ".join(
            f"than {rival}, {way}: {words[holds]}" for (rival, way), holds in found.items()
        ),
        spread="points that a rival loses more: "
        + "; ".join(
            f"{rival}, {attack} {100 * i.mean:+.0f} ({100 * i.low:+.0f} to {100 * i.high:+.0f})"
            for rival, attack, i in intervals
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            f"{results.config['n_shown']} digits of {results.config['image_size']} pixels, two "
            "areas; sizes in standard deviations of a pixel, held for the whole image.",
            f"Repeated: {results.config['n_iterations']} steps, at two of the sizes, from the "
            "image itself; more steps, or other starts, may find worse images.",
            "Kinds whose clean accuracies differ from the CordsNet's by more than "
            f"{ALIKE:.0%} were attacked, and are not compared.",
        ),
        would_change="Networks trained on such images, deeper networks, or photographs",
    )


RULES = {
    "R20": Rule(
        judge=judge,
        tolerance=f"{MATTERS:.0%} of the images; clean accuracies within {ALIKE:.0%}",
        rule="accuracy lost, mean over sizes, in pairs of one seed. CordsNet loses less than a "
        "rival if the 95 % interval of the mean difference lies above zero, and does not if it "
        f"lies below the tolerance. Open where the largest size leaves more than {BROKEN:.0%}, "
        "where images made against another seed cost more than a network's own, or where clean "
        "accuracies differ. Six sentences: CNN without time, discrete time, feedback from above, "
        "each under one step and under repeated ones. The sentence of this course holds if all "
        "do, in part if some do",
    ),
}
