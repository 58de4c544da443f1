"""What the results of ``gain_clock`` say: F15, F16. Written before they were measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    format_number,
    most,
)

GAINS = (0.25, 0.5, 0.75, 1.0, 1.1, 1.2)
LOW, HIGH = 0.75, 1.1  # gains that F16 compares
CLOSE = 0.1  # of a time constant
SETTLED = 3  # images that have to settle before a network counts at a gain
RIGHT = 10  # images that are answered right at both gains before a network counts
SLOWER = 1.2  # factor by which a state settles later
SOONER = 10.0  # ms: an answer that is later by less is not later
NEEDED = 0.8  # share of the networks


def gain_name(gain: float) -> str:
    """A gain as the results call it."""
    return f"gain_{gain:g}".replace(".", "_")


def ratio(measured: Sequence[float | None], theory: Sequence[float | None]) -> float | None:
    """Median over images of measured over expected; None with too few images that settle."""
    found = [m / t for m, t in zip(measured, theory, strict=True) if m is not None and t]
    return statistics.median(found) if len(found) >= SETTLED else None


def ratios(results: Results, gain: float, measured: str, theory: str) -> list[float | None]:
    """The same for each network at a gain."""
    rows = (results.value(f"{gain_name(gain)}.{key}") for key in (measured, theory))
    return [ratio(m, t) for m, t in zip(*rows, strict=True)]


def is_close(results: Results, gain: float) -> bool | None:
    """Is the measured time constant the expected one in most networks at a gain?"""
    found = [r for r in ratios(results, gain, "measured", "expected") if r is not None]
    return most([abs(r - 1.0) <= CLOSE for r in found], needed=NEEDED)


def rises(results: Results) -> bool | None:
    """Does the measured time constant rise from one gain to the next, in most networks?"""
    at = {g: results.value(f"{gain_name(g)}.measured") for g in (0.5, LOW, 1.0, HIGH)}
    rising = []
    for network in range(len(at[1.0])):
        values = [[v for v in at[g][network] if v is not None] for g in at]
        if all(len(v) >= SETTLED for v in values):
            medians = [statistics.median(v) for v in values]
            rising.append(medians == sorted(set(medians)))
    return most(rising, needed=NEEDED)


def judge_clock(results: Results) -> Judgement:
    """Is the time constant that of the active units at every gain?"""
    close = {gain: is_close(results, gain) for gain in GAINS}
    verdict = combined([*close.values(), rises(results)])
    undecided = verdict == "not decided"
    words = {True: "yes", False: "no", None: "open"}

    def middle(gain: float, measured: str, theory: str) -> str:
        found = [r for r in ratios(results, gain, measured, theory) if r is not None]
        return format_number(statistics.median(found)) if found else "none"

    def late(gain: float) -> str:
        rows = results.value(f"{gain_name(gain)}.measured")
        found = [v for row in rows for v in row if v is not None]
        return format_number(statistics.median(found)) if found else "none"

    within = [
        abs(r - 1.0)
        for gain in GAINS
        for r in ratios(results, gain, "measured", "expected")
        if r is not None
    ]
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks settle at a gain" if undecided else "",
        measured=f"{expected(verdict)}. Late time constant in ms: "
        + ", ".join(f"gain {g:g} {late(g)}" for g in GAINS)
        + ". Measured over expected: "
        + ", ".join(
            f"gain {g:g} {middle(g, 'measured', 'expected')} ({words[close[g]]})" for g in GAINS
        )
        + f"; rises with the gain: {words[rises(results)]}. From 100 to 200 ms: "
        + ", ".join(f"gain {g:g} {middle(g, 'window', 'expected')}" for g in GAINS)
        + ". With every unit whose rate is above zero counted as active: "
        + ", ".join(f"gain {g:g} {middle(g, 'measured', 'above_zero')}" for g in GAINS),
        spread=f"networks off by at most {format_number(max(within))}" if within else "none",
        seeds=results.config["n_networks"],
        caveats=(
            "Small networks of two areas, images of 8 pixels; one gain for all recurrent drives.",
            "The distance is measured in float64, between 10⁻⁶ and 10⁻¹⁰ of its first value: no "
            "answer waits for that.",
            "Expected is what Euler's step of 2 ms implies, −Δt/ln of a step's largest factor. "
            "τ/(1 − Re λ) is up to a step longer where λ is real, and far shorter where the mode "
            "turns.",
            "Second run: the first counted as active also units whose drive is what rounding "
            "leaves of zero, and held in part. The definition was corrected after that was known; "
            "rule and measured values are the same.",
        ),
        would_change="Networks whose slowest mode does not take part, or that never settle",
    )


def counted(results: Results) -> list[int]:
    """Networks with enough images that are right at both gains."""
    right = results.value("n_right")
    return [k for k, n in enumerate(right) if n >= RIGHT]


def answer_statements(results: Results) -> dict[str, bool | None]:
    """Four sentences about a low and a high gain."""
    names = ("settled", "ready", "noise", "signal")
    low, high = (
        {name: results.value(f"{gain_name(g)}.{name}") for name in names} for g in (LOW, HIGH)
    )
    chosen = counted(results)

    def mostly(true: list[bool]) -> bool | None:
        return most(true, needed=NEEDED)

    return {
        "the state settles later": mostly(
            [high["settled"][k] >= SLOWER * low["settled"][k] for k in chosen]
        ),
        "the answer does not": mostly(
            [high["ready"][k] - low["ready"][k] < SOONER for k in chosen]
        ),
        "the outputs are noisier": mostly([high["noise"][k] > low["noise"][k] for k in chosen]),
        "the signal grows more": mostly(
            [
                high["signal"][k] / low["signal"][k] > high["noise"][k] / low["noise"][k]
                for k in chosen
            ]
        ),
    }


def judge_answer(results: Results) -> Judgement:
    """What does a higher recurrent gain buy?"""
    statements = answer_statements(results)
    verdict, chosen = combined(list(statements.values())), counted(results)
    undecided = verdict == "not decided"
    words = {True: "yes", False: "no", None: "open"}

    def middle(gain: float, name: str) -> str:
        found = [results.value(f"{gain_name(gain)}.{name}")[k] for k in chosen]
        return format_number(statistics.median(found)) if found else "none"

    def both(name: str, unit: str = "") -> str:
        return f"{middle(LOW, name)} to {middle(HIGH, name)}{unit}"

    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks answer at both gains" if undecided else "",
        measured=f"{expected(verdict)}. From a gain of {LOW:g} to {HIGH:g}: state settled after "
        f"{both('settled', ' ms')}, answer ready after {both('ready', ' ms')}; signal "
        f"{both('signal')}, noise {both('noise')}; right without noise {both('accuracy')}, with "
        f"noise {both('noisy_accuracy')}. "
        + "; ".join(f"{what}: {words[holds]}" for what, holds in statements.items()),
        spread=f"{len(chosen)} of {results.config['n_networks']} networks count",
        seeds=results.config["n_networks"],
        caveats=(
            "The networks were trained at a gain of 1 and were not retrained.",
            "Signal: right output minus the best other one, without noise; noise: its standard "
            "deviation over repeats. Both over images that are right at both gains.",
        ),
        would_change="Networks that were trained at each gain",
    )


RULES = {
    "F15": Rule(
        judge=judge_clock,
        tolerance=f"{CLOSE:.0%} of the expected time constant",
        rule=f"at each of the gains {', '.join(f'{g:g}' for g in GAINS)}: the median over images "
        f"of measured over expected is within the tolerance in {NEEDED:.0%} of the networks of "
        f"which at least {SETTLED} images settle; and the measured time constant rises from 0.5 "
        "over 0.75 and 1 to 1.1 in as many. The sentence of this course holds if all do, in part "
        "if some do",
    ),
    "F16": Rule(
        judge=judge_answer,
        tolerance=f"a state {SLOWER:g} times as late, an answer less than {SOONER:g} ms later",
        rule=f"four sentences about gains of {LOW:g} and {HIGH:g}, each in {NEEDED:.0%} of the "
        f"networks with at least {RIGHT} images that are right at both: the state settles later, "
        "the answer does not (tolerance), the noise of the outputs grows, the signal grows by a "
        "larger factor. The sentence of this course holds if all do, in part if some do",
    ),
}
