"""What the results of ``mixtures`` say: F20. Written before they were measured."""

from __future__ import annotations

import statistics

import numpy as np

from nmcourse.evidence import Judgement, Results, Rule, combined, expected, format_number, most

STILL = 0.01  # of the distance between both states: less is no movement, and one end
HALF = 0.5  # of the distance of a third image from the line: nearer is between
MARGIN = 0.1  # shares of a third class that differ by less are alike


def third_interval(results: Results) -> tuple[float, float]:
    """95 % interval of the mean difference in shares of a third class, CordsNet minus CNN."""
    ours, theirs = (np.array(results.value(f"{name}.third")) for name in ("cordsnet", "cnn"))
    source = np.random.default_rng(0)
    draws = [
        source.choice(ours, len(ours)).mean() - source.choice(theirs, len(theirs)).mean()
        for _ in range(2000)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def statements(results: Results) -> dict[str, bool | None]:
    """What holds of mixtures."""

    def each(name: str) -> list[float]:
        values: list[float] = results.value(f"cordsnet.{name}")
        return values

    low, high = third_interval(results)
    alike = None if low <= MARGIN and high >= -MARGIN else False
    if low > -MARGIN and high < MARGIN:
        alike = True
    return {
        "activity comes to rest": most([value < STILL for value in each("moving")]),
        "the answer does not switch": most([value == 0 for value in each("switches")]),
        "one end, whichever image came before": most([value < STILL for value in each("memory")]),
        "between both states": most(
            [off < HALF * third for off, third in zip(each("off"), each("off_third"), strict=True)]
        ),
        "a third class as often as a CNN": alike,
    }


def judge(results: Results) -> Judgement:
    """Is there one steady state between both, and is a third class named as by a CNN?"""
    found = statements(results)
    verdict = combined(list(found.values()))
    words = {True: "yes", False: "no", None: "open"}
    undecided = verdict == "not decided"
    low, high = third_interval(results)
    n_pairs = sum(results.value("cordsnet.n_pairs"))

    def median(path: str) -> str:
        return format_number(results.summary(path).median)

    return Judgement(
        status="not decided" if undecided else "measured",
        reason="an interval holds its margin, or too few networks agree" if undecided else "",
        measured=f"{expected(verdict)}. "
        + "; ".join(f"{what}: {words[holds]}" for what, holds in found.items())
        + f". Of {n_pairs} pairs {sum(results.value('cordsnet.switches'))} switch; off the line "
        f"{median('cordsnet.off')} of the distance (a third image {median('cordsnet.off_third')}; "
        f"CNN {median('cnn.off')}); a third class in "
        f"{statistics.fmean(results.value('cordsnet.third')):.0%} (CNN "
        f"{statistics.fmean(results.value('cnn.third')):.0%})",
        spread=f"difference of shares of a third class {format_number(low)} to "
        f"{format_number(high)} (95 %)",
        seeds=len(results.value("cordsnet.third")),
        caveats=(
            "Digits of 8 by 8 pixels, half and half, in networks of two areas.",
            "Activity of all areas together, of which the first follows the pixels.",
            f"The interval of the difference reaches {format_number((high - low) / 2)} to each "
            f"side, as far as the margin of {MARGIN:g}: equal shares would hardly be seen as such.",
        ),
        would_change="Photographs, deeper networks, or mixtures that are learnt",
    )


RULES = {
    "F20": Rule(
        judge=judge,
        tolerance=f"{STILL:.0%} of the distance between both states; shares within {MARGIN:.0%}",
        rule="five sentences, four of which have to hold for most networks (80 %) over all pairs: "
        "activity moves by less than the tolerance in the last 100 ms; no answer changes after "
        "200 ms; ends after either image agree within the tolerance; mixtures lie less than half "
        "as far off the line as a third image does. The fifth: the 95 % interval of the "
        "difference in shares of a third class lies within the margin",
    )
}
