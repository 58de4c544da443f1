"""What the results of ``in_place_of_rest`` say: R19 and R23.

Written before the run, from what ``return_to_rest`` had found with ten other seeds.
"""

from __future__ import annotations

import math
from collections import Counter

from nmcourse.evidence import (
    Interval,
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    format_number,
    larger,
    no_larger,
    paired_interval,
)
from nmcourse.experiments.cordsnet.return_to_rest_rules import KINDS, WORDS

FACTOR = 10.0  # of the distance from rest: one that matters; networks differ by a thousand
SMALLER = 0.05  # of the size of recurrent weights: one that matters
LOST = 0.02  # of the images: accuracy that would matter
NEVER = 1e-12  # a distance that is none, so that it has a logarithm


def distances(results: Results, name: str) -> list[float | None]:
    """Logarithm of each network's distance from rest after the blank; None if it has not learnt."""
    rows = zip(results.value(f"{name}.learnt"), results.value(f"{name}.distance"), strict=True)
    return [math.log(max(d, NEVER)) if learnt and d is not None else None for learnt, d in rows]


def further(results: Results, first: str, second: str) -> Interval | None:
    """By how much (log) the networks of one arm stay further from rest than those of another."""
    return paired_interval(distances(results, first), distances(results, second))


def smaller_weights(results: Results, name: str) -> Interval | None:
    """By what share (log) the recurrent weights of an arm are smaller than without any penalty."""
    sizes = [
        [math.log(size) for size in results.value(f"{arm}.weight_norm")] for arm in ("none", name)
    ]
    return paired_interval(*sizes)


def as_near(results: Results, name: str) -> bool | None:
    """Do the networks of an arm come as near to rest as under the strong penalty?

    None where that penalty itself brings them no nearer: there is then nothing to come up to.
    """
    if not nearer(results, "strong"):
        return None
    return no_larger(further(results, name, "strong"), math.log(FACTOR))


def nearer(results: Results, name: str) -> bool | None:
    """Do the networks of an arm come nearer to rest than without any penalty?"""
    return larger(further(results, "none", name), math.log(FACTOR))


def decay_statements(results: Results) -> dict[str, bool | None]:
    """Four sentences on weight decay."""
    matters = -math.log(1 - SMALLER)
    return {
        "the penalty makes recurrent weights smaller": larger(
            smaller_weights(results, "strong"), matters
        ),
        "weight decay does": larger(smaller_weights(results, "decay"), matters),
        "weight decay brings networks nearer to rest": nearer(results, "decay"),
        "as near as the penalty": as_near(results, "decay"),
    }


def contraction_statements(results: Results) -> dict[str, bool | None]:
    """Three sentences on the contraction."""
    accuracies = [results.value(f"{name}.accuracy") for name in ("strong", "contraction")]
    return {
        "the contraction brings networks nearer to rest": nearer(results, "contraction"),
        "as near as the penalty": as_near(results, "contraction"),
        "at no cost in accuracy": no_larger(paired_interval(*accuracies), LOST),
    }


def judge_decay(results: Results) -> Judgement:
    """Is the penalty weight decay under another name?"""
    return _judgement(results, decay_statements(results), "decay")


def judge_contraction(results: Results) -> Judgement:
    """May a contraction stand in place of the penalty?"""
    return _judgement(results, contraction_statements(results), "contraction")


def _judgement(results: Results, found: dict[str, bool | None], arm: str) -> Judgement:
    verdict = combined(list(found.values()))
    undecided = verdict == "not decided"
    words = {True: "yes", False: "no", None: "open"}
    shown = ("before", "none", "published", "strong", arm)
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="an interval holds both no difference and one that would matter, or the penalty "
        "itself brings networks no nearer to rest"
        if undecided
        else "",
        measured=f"{expected(verdict)}. "
        + "; ".join(f"{what}: {words[holds]}" for what, holds in found.items())
        + ". Medians of distance from rest, size of the recurrent weights, accuracy: "
        + "; ".join(
            f"{name.replace('_', ' ')} "
            + ", ".join(
                format_number(results.summary(f"{name}.{key}").median, digits)
                for key, digits in (("distance", 2), ("weight_norm", 3), ("accuracy", 3))
            )
            for name in shown
        ),
        spread="; ".join(
            f"distance, {name.replace('_', ' ')} over strong penalty "
            f"{_factor(further(results, name, 'strong'))}"
            for name in shown
            if name != "strong"
        )
        + "; "
        + "; ".join(f"{name.replace('_', ' ')}: {_kinds(results, name)}" for name in shown),
        seeds=results.config["n_seeds"],
        caveats=(
            f"Two areas of 8 channels, digits of {results.config['image_size']} pixels, "
            f"{results.config['n_steps']} further steps of networks that were trained without the "
            "penalty: what brings a network nearer to rest, and not what a whole training makes.",
            "Rest is the state after 200 ms of blank. Most networks have not quite reached it "
            "then, so that a distance tells how settled a network is without an image, too.",
            f"The strong penalty has a coefficient of {results.config['strong']:g}, a hundred "
            "times the published one, so that there is an effect to compare with. Weight decay is "
            f"{results.config['decay']:g}. Neither was tuned.",
            "A network that is no longer right on most images is left out of the pairs of its arm: "
            + "; ".join(f"{name} {_lost(results, name)}" for name in shown if name != "before")
            + ".",
            "The strong penalty, says the rule, makes weights smaller if an interval leaves out "
            "zero, however little that is: here "
            f"{_share(smaller_weights(results, 'strong'))}, beside "
            f"{_share(smaller_weights(results, 'decay'))} under weight decay.",
            "The contraction is asked of the last step with the image, as a mean of squares, with "
            f"a coefficient of {results.config['contraction']:g}, not tuned; no gradient passes "
            "into the state.",
        ),
        would_change="Networks that stay away from rest and misread the next image, of which there "
        "are too few here: "
        f"{sum(_stay(results, 'before'))} of {results.config['n_seeds']} are not back before",
    )


def _stay(results: Results, name: str) -> list[bool]:
    return [KINDS[int(kind)] != "monostable" for kind in results.value(f"{name}.kind")]


def _lost(results: Results, name: str) -> int:
    """How many networks of an arm are left out."""
    return results.value(f"{name}.learnt").count(0)


def _share(interval: Interval | None) -> str:
    return "none" if interval is None else f"{1 - math.exp(-interval.mean):.1%}"


def _factor(interval: Interval | None) -> str:
    if interval is None:
        return "none"
    mean, low, high = (format_number(math.exp(value)) for value in interval[:3])
    return f"{mean} ({low} to {high})"


def _kinds(results: Results, name: str) -> str:
    counted = Counter(KINDS[int(kind)] for kind in results.value(f"{name}.kind"))
    return ", ".join(f"{counted[kind]} {WORDS.get(kind, kind)}" for kind in KINDS if counted[kind])


_TOLERANCE = f"a factor of {FACTOR:g} of the distance from rest"

RULES = {
    "R19": Rule(
        judge=judge_decay,
        tolerance=f"{_TOLERANCE}; {SMALLER:.0%} of the size of the weights",
        rule="four sentences in pairs of one seed, each with the 95 % interval of a mean "
        "difference of logarithms: the strong penalty makes the recurrent weights smaller than "
        "none; weight decay does; weight decay brings networks nearer to rest than none (in each "
        "the interval lies above zero; not so if it lies below the tolerance); and as near as the "
        "strong penalty (it lies below the tolerance; not so if it lies above zero; "
        "open where that penalty itself brings them no nearer). The sentence "
        "of this course holds if all do, in part if some do",
    ),
    "R23": Rule(
        judge=judge_contraction,
        tolerance=f"{_TOLERANCE}; {LOST:.0%} of the images",
        rule="three sentences in pairs of one seed, judged by 95 % intervals as in R19: the "
        "contraction brings networks nearer to rest than no penalty; as near as the strong "
        "penalty; and its accuracy is no more below that of the strong penalty than the "
        "tolerance. The sentence of this course holds if all do, in part if some do",
    ),
}
