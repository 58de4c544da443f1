"""What the results of ``return_to_rest`` say: C11 and C12."""

from __future__ import annotations

from collections import Counter

from nmcourse.evidence import Judgement, Results, Rule, format_number
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


def kinds(results: Results, name: str) -> Counter[str]:
    """How many networks of an arm are of each kind, and how many have not learnt."""
    learnt, kind = (results.value(f"{name}.{key}") for key in ("learnt", "kind"))
    return Counter(
        KINDS[int(k)] if ok else "not learnt" for ok, k in zip(learnt, kind, strict=True)
    )


def transients(results: Results, name: str) -> tuple[int, int]:
    """Networks of an arm that learnt and lose their answer, and networks that learnt."""
    learnt, lost = (results.value(f"{name}.{key}") for key in ("learnt", "transient"))
    return sum(int(ok and gone) for ok, gone in zip(learnt, lost, strict=True)), sum(learnt)


def judge_penalty(results: Results) -> Judgement:
    """Are all networks monostable at 1e-3, and not all without the penalty?"""
    with_it, without = (kinds(results, name) for name in (PUBLISHED, "penalty_0"))
    all_return = with_it["monostable"] == _n_learnt(with_it) > 0
    some_stay = without["monostable"] < _n_learnt(without)
    status = "not reproduced"
    if all_return and some_stay:
        status = "reproduced"
    elif some_stay and _share(with_it) > _share(without):
        status = "partly"
    return Judgement(
        status=status,
        measured=f"{_kinds_of(results, PENALTIES)}. Weight decay in place of the penalty: "
        f"{_kinds_of(results, DECAYS)}. {_kinds_of(results, DIRECT)}",
        spread="median distance from rest after the blank, over that with the image: "
        + "; ".join(
            f"{arm.label} {results.summary(f'{n}.distance')}" for n, arm in PENALTIES.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(
            *_caveats(results),
            "Multistable: bounded, and not back. That does not tell a state which holds an image "
            "from activity which never rests.",
            "The experiment was changed after a first plan had shown nothing: from random weights "
            "all networks return, whatever the loss. One arm of it is kept.",
            _accuracies(results, PENALTIES | DECAYS | DIRECT),
        ),
    )


def judge_scale(results: Results) -> Judgement:
    """Are some answers transient with equal weights, and none with rising ones?"""
    lost = {name: transients(results, name) for name in SCALES}
    status = "not reproduced"
    if lost["scale_0"][0] and not any(lost[name][0] for name in (PUBLISHED, "scale_4")):
        status = "reproduced"
    elif lost["scale_0"][0] > lost[PUBLISHED][0]:
        status = "partly"
    return Judgement(
        status=status,
        measured="transient networks, of those that learnt: "
        + "; ".join(f"{arm.label} {lost[n][0]} of {lost[n][1]}" for n, arm in SCALES.items()),
        spread="accuracy when the image stays five times as long: "
        + "; ".join(
            f"{arm.label} {results.summary(f'{n}.held_accuracy')}" for n, arm in SCALES.items()
        ),
        seeds=results.config["n_seeds"],
        caveats=(*_caveats(results), _accuracies(results, SCALES)),
    )


def _n_learnt(counted: Counter[str]) -> int:
    return sum(counted[kind] for kind in KINDS)


def _share(counted: Counter[str]) -> float:
    return counted["monostable"] / max(1, _n_learnt(counted))


def _kinds_of(results: Results, arms: dict[str, Arm]) -> str:
    parts = []
    for name, arm in arms.items():
        counted = kinds(results, name)
        found = [f"{counted[kind]} {kind}" for kind in (*KINDS, "not learnt") if counted[kind]]
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


_TOLERANCE = (
    "back at rest: a tenth of the distance with the image, for 95% of the images, 600 ms after it; "
    "unstable: ten times that distance; transient: accuracy below 80% of that in time, 800 ms later"
)

RULES = {
    "C11": Rule(
        judge=judge_penalty,
        tolerance=_TOLERANCE,
        rule="among networks that learnt: reproduced if all are monostable at 10⁻³ and not "
        "all without penalty; partly if more of them at 10⁻³ than without",
    ),
    "C12": Rule(
        judge=judge_scale,
        tolerance=_TOLERANCE,
        rule="among networks that learnt: reproduced if some are transient with equal "
        "weights and none with weights that rise by 3 or 4 decades; partly if fewer with 3 "
        "decades than with equal weights",
    ),
}
