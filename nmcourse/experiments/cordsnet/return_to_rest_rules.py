"""What the results of ``return_to_rest`` say: C11 and C12."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from nmcourse.evidence import Judgement, Results, Rule, fisher_power, format_number, majority_power
from nmcourse.experiments.cordsnet.return_to_rest_arms import (
    DECAYS,
    DIRECT,
    PENALTIES,
    PUBLISHED,
    SCALES,
    Arm,
)

LEARNT = 0.8  # accuracy in time below which a network has not learnt, and is not counted
KINDS = ("monostable", "multistable", "unstable")
# What our measurement, which looks at distances from rest, calls the three kinds.
WORDS = {"monostable": "back at rest", "multistable": "not back at rest", "unstable": "unstable"}
MISREAD = 0.8  # of the accuracy in time: below it the second image counts as misclassified
COMMON, RARE = 0.3, 0.1  # shares of networks that would be worth preventing


def kinds(results: Results, name: str) -> Counter[str]:
    """How many networks of an arm are of each kind, and how many have not learnt."""
    learnt, kind = (results.value(f"{name}.{key}") for key in ("learnt", "kind"))
    return Counter(
        KINDS[int(k)] if ok else "not learnt" for ok, k in zip(learnt, kind, strict=True)
    )


def misbehaving(results: Results, name: str) -> tuple[int, int]:
    """Networks that are unstable, or multistable as the authors define it, and all that learnt.

    Multistable, in the authors' words, is a network that does not return to baseline and as such
    misclassifies a second image.
    """
    count = 0
    columns = ("learnt", "kind", "accuracy", "second_accuracy")
    rows = list(zip(*(results.value(f"{name}.{key}") for key in columns), strict=True))
    for learnt, kind, first, second in rows:
        stays = KINDS[int(kind)] == "multistable" and second < MISREAD * first
        count += int(bool(learnt) and (stays or KINDS[int(kind)] == "unstable"))
    return count, sum(int(row[0]) for row in rows)


def transients(results: Results, name: str) -> tuple[int, int]:
    """Networks of an arm that learnt and lose their answer, and networks that learnt."""
    learnt, lost = (results.value(f"{name}.{key}") for key in ("learnt", "transient"))
    return sum(int(ok and gone) for ok, gone in zip(learnt, lost, strict=True)), sum(learnt)


def judge_penalty(results: Results) -> Judgement:
    """Are none unstable or multistable at 1e-3, and some without the penalty?"""
    (bad, n), (bad_without, n_without) = (
        misbehaving(results, name) for name in (PUBLISHED, "penalty_0")
    )
    status = _prevented(bad, n, bad_without, n_without)
    stay = _n_learnt(kinds(results, "penalty_0")) - kinds(results, "penalty_0")["monostable"]
    return Judgement(
        status=status,
        reason=_nothing_to_prevent("unstable or multistable", bad, bad_without, n_without)
        if status == "not decided"
        else "",
        would_change="Networks that misclassify a second image when they are trained without the "
        f"penalty: deeper ones, harder images or larger learning rates. {stay} of {n_without} do "
        f"not get back to rest there, but {bad_without} of them misclassify one or are unstable. "
        + _more_networks(n_without, n),
        measured="unstable, or multistable as the authors define it (not back, and a second image "
        f"misclassified): {_counts(misbehaving, results, PENALTIES)}. By distance alone: "
        f"{_kinds_of(results, PENALTIES)}. Weight decay in place of the penalty: "
        f"{_kinds_of(results, DECAYS)}. {_kinds_of(results, DIRECT)}",
        spread="median distance from rest after the blank, over that with the image: "
        + "; ".join(
            f"{arm.label} {results.summary(f'{n}.distance')}" for n, arm in PENALTIES.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            *_caveats(results),
            "Not back at rest is a count of our own: bounded, and further away than a tenth 600 ms "
            "after the image. That does not tell a state which holds an image from activity which "
            "never rests. A second image counts as misclassified if the accuracy on it is below "
            f"{MISREAD:.0%} of that on the first.",
            "The experiment was changed after a first plan had shown nothing: from random weights "
            "all networks return, whatever the loss. One arm of it is kept.",
            _accuracies(results, PENALTIES | DECAYS | DIRECT),
        ),
    )


def judge_scale(results: Results) -> Judgement:
    """Are some answers transient with equal weights, and none with rising ones?"""
    lost = {name: transients(results, name) for name in SCALES}
    (without, n_without), (bad, n), (steeper, _) = (
        lost[name] for name in ("scale_0", PUBLISHED, "scale_4")
    )
    status = _prevented(bad, n, without, n_without)
    if status == "reproduced" and steeper:
        status = "partly"
    return Judgement(
        status=status,
        reason=_nothing_to_prevent("transient", bad, without, n_without)
        if status == "not decided"
        else "",
        would_change="Networks that lose their answer when they are trained with equal weights: "
        f"larger or more of them, or harder images. There are {without} of {n_without}. "
        + _more_networks(n_without, n),
        measured="transient networks, of those that learnt: "
        + "; ".join(f"{arm.label} {lost[n][0]} of {lost[n][1]}" for n, arm in SCALES.items()),
        spread="accuracy when the image stays five times as long: "
        + "; ".join(
            f"{arm.label} {results.summary(f'{n}.held_accuracy')}" for n, arm in SCALES.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(*_caveats(results), _accuracies(results, SCALES)),
    )


def _prevented(bad: int, n: int, bad_without: int, n_without: int) -> str:
    """Whether what some networks do without a part of the loss is prevented by that part."""
    if bad_without == 0 and bad == 0:
        return "not decided"
    if bad == 0 and n > 0:
        return "reproduced"
    return "partly" if bad * n_without < bad_without * n else "not reproduced"


def _nothing_to_prevent(what: str, bad: int, bad_without: int, n_without: int) -> str:
    """Why an arm in which nothing goes wrong says nothing about what prevents it."""
    return (
        f"{bad_without} of {n_without} networks are {what} even without this part of the loss, so "
        f"that nothing was there to prevent; were one network in {1 / RARE:.0f}, {n_without} "
        f"networks would show it with a probability of {majority_power(n_without, 1, RARE):.0%} "
        "only"
        if n_without
        else "no network learnt without this part of the loss"
    )


def _more_networks(n_without: int, n: int) -> str:
    """How well two arms of this size would be told apart, as a sentence."""
    if not (n and n_without):
        return ""
    power = fisher_power(n_without, n, COMMON, 0.0)
    return (
        f"Even {COMMON:.0%} without this part and none with it would be told apart with a "
        f"probability of {power:.0%} by {n_without} and {n} networks (Fisher's exact test, 5%)"
    )


def _counts(count: Callable[..., tuple[int, int]], results: Results, arms: dict[str, Arm]) -> str:
    found = {arm.label: count(results, name) for name, arm in arms.items()}
    return "; ".join(f"{label}: {bad} of {n}" for label, (bad, n) in found.items())


def _n_learnt(counted: Counter[str]) -> int:
    return sum(counted[kind] for kind in KINDS)


def _kinds_of(results: Results, arms: dict[str, Arm]) -> str:
    parts = []
    for name, arm in arms.items():
        counted = kinds(results, name)
        found = [
            f"{counted[kind]} {WORDS.get(kind, kind)}"
            for kind in (*KINDS, "not learnt")
            if counted[kind]
        ]
        parts.append(f"{arm.label}: {', '.join(found)}")
    return "; ".join(parts)


def _caveats(results: Results) -> tuple[str, ...]:
    config = results.config
    return (
        "Two areas of 8 channels, digits of 8 pixels; from the linear stage on "
        f"{config['steps_per_slope'] * len(config['slopes'])} steps of annealing and "
        f"{config['n_steps']} of fine-tuning with {config['batch_size']} images; the paper "
        "fine-tuned R2 on CIFAR-10, and its initial weights are not published.",
        "One learning rate for all arms. Arms with the same seed start from the same network and "
        "see the same images.",
        f"The values but 0 and 10⁻³ are ours. A network counts if it has learnt: {LEARNT:.0%} of "
        "the test images right at the end of the trained stimulus.",
    )


def _accuracies(results: Results, arms: dict[str, Arm]) -> str:
    parts = []
    for name, arm in arms.items():
        first, second = (
            format_number(results.summary(f"{name}.{key}").median, 3)
            for key in ("accuracy", "second_accuracy")
        )
        parts.append(f"{arm.label} {first}, {second}")
    return (
        "Median accuracy at the end of the trained stimulus, and on a second image: "
        + "; ".join(parts)
    )


TOLERANCE = (
    "back at rest: a tenth of the distance with the image, for 95% of the images, 600 ms after it; "
    "unstable: ten times that distance; transient: accuracy below 80% of that in time, 800 ms later"
)

RULES = {
    "C11": Rule(
        judge=judge_penalty,
        tolerance=TOLERANCE,
        rule="among networks that learnt, with the authors' definitions: reproduced if none is "
        "unstable or multistable at 10⁻³ and some are without penalty; partly if fewer at 10⁻³ "
        "than "
        "without; not decided if none is without, since nothing was there to prevent",
    ),
    "C12": Rule(
        judge=judge_scale,
        tolerance=TOLERANCE,
        rule="among networks that learnt: reproduced if some are transient with equal "
        "weights and none with weights that rise by 3 or 4 decades; partly if fewer with 3 "
        "decades than with equal weights; not decided if none is with equal weights, since nothing "
        "was there to prevent",
    ),
}
