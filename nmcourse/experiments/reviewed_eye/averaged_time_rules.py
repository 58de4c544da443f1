"""What the results of ``averaged_time`` say: R22. Written before they were measured."""

from __future__ import annotations

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    format_number,
    most,
)
from nmcourse.experiments.neurons.made_neurons_rules import FEW, LEVEL, NEEDED, hardly_any

KINDS = ("seeing", "blind")
WAYS = ("in_time", "averaged")


def passes(results: Results, kind: str, way: str, other: str) -> list[bool]:
    """For each network: is it ahead of another predictor over its neurons?"""
    return [p is not None and p < LEVEL for p in results.value(f"{kind}.{way}.p_{other}")]


def higher(results: Results, *, of_ceiling: bool) -> list[bool]:
    """For each network: is the averaged score of seeing neurons the higher one?"""
    scores = []
    for way in WAYS:
        network, ceiling = (results.value(f"seeing.{way}.{key}") for key in ("network", "ceiling"))
        scores.append([n / c if of_ceiling else n for n, c in zip(network, ceiling, strict=True)])
    return [averaged > in_time for in_time, averaged in zip(*scores, strict=True)]


def statements(results: Results) -> dict[str, bool | None]:
    """Four sentences about averaging."""
    return {
        "the averaged score is higher": most(higher(results, of_ceiling=False), needed=NEEDED),
        "also in units of the ceiling": most(higher(results, of_ceiling=True), needed=NEEDED),
        "averaged, neurons that see no image are not predicted": hardly_any(
            passes(results, "blind", "averaged", "permuted")
        ),
        "averaged, the network is ahead of an untrained one": most(
            passes(results, "seeing", "averaged", "untrained"), needed=NEEDED
        ),
    }


def judge(results: Results) -> Judgement:
    """Does averaging raise the score, and what does it leave to be told?"""
    found = statements(results)
    verdict = combined(list(found.values()))
    undecided = verdict == "not decided"
    words = {True: "yes", False: "no", None: "open"}

    def middle(path: str) -> str:
        return format_number(results.summary(path).median)

    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks, or neither most nor few of them pass" if undecided else "",
        measured=f"{expected(verdict)}. "
        + "; ".join(
            f"{kind} neurons, {way.replace('_', ' ')}: "
            + ", ".join(
                f"{name} {middle(f'{kind}.{way}.{name}')}"
                for name in ("network", "untrained", "permuted")
            )
            + (f", ceiling {middle(f'{kind}.{way}.ceiling')}" if kind == "seeing" else "")
            for kind in KINDS
            for way in WAYS
        )
        + ". "
        + "; ".join(f"{what}: {words[holds]}" for what, holds in found.items()),
        spread=f"over networks: averaged {results.summary('seeing.averaged.network')}, in time "
        f"{results.summary('seeing.in_time.network')}; untrained, averaged "
        f"{results.summary('seeing.averaged.untrained')}",
        seeds=results.config["n_networks"],
        caveats=(
            "Neurons that were made, linear mixtures of the same network with independent noise: "
            "no recording was used.",
            "Averaged over all frames, with the image and after it. The number of components is "
            "chosen inside the training images there, and fixed in time.",
            f"{results.config['n_images']} digits of 8×8 pixels; half of the variance of a seeing "
            "neuron is a time course that all images share.",
        ),
        would_change="Another share of the shared time course, other noise, or recordings",
    )


RULES = {
    "R22": Rule(
        judge=judge,
        tolerance=f"one-sided paired t-test over neurons, p < {LEVEL:g}; most: {NEEDED:.0%} of the "
        f"networks; few: {FEW:.0%}",
        rule="four statements. Seeing neurons: in most networks the median score is higher when "
        "means over time are predicted; so it is in units of the ceiling; and, averaged, the "
        "network is ahead of one with random weights. Blind neurons: averaged, the network is "
        "ahead of its activity with other images in few networks. The sentence of this course "
        "holds if all do, in part if some do",
    ),
}
