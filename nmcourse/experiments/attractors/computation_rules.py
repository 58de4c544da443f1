"""What the results of ``same_computation`` say: C3. Written before they were measured."""

from __future__ import annotations

import statistics
from itertools import combinations

from nmcourse.evidence import Judgement, Results, Rule, combined, every, expected, format_number

FAMILIES = ("dense", "sparse", "low_rank", "conv")
TASKS = ("perceptual", "multisensory", "memory_ring", "comparison", "flip_flop")
LEAST = 8  # networks of a family that have to learn a task, of ten
LEVEL = 0.9  # share of right trials from which a network has learnt a task
MARGIN = 1.1  # families whose distance exceeds that of seeds by less than a tenth are alike


def enough(results: Results, task: str, family: str) -> bool:
    """Did enough seeds of a family learn a task?"""
    right = results.value(f"{task}.{family}.right")
    return sum(share >= LEVEL for share in right) >= min(LEAST, len(right))


def nearer_than_untrained(results: Results, task: str, family: str) -> bool | None:
    """Is a family nearer to the dense networks than before its training? None if not learnt.

    In the median, and for four networks in five nearer than the nearest untrained one.
    """
    if not (enough(results, task, family) and enough(results, task, "dense")):
        return None
    ours = results.value(f"{task}.to_dense.{family}")
    theirs = results.value(f"{task}.to_dense.untrained_{family}")
    return sum(one < min(theirs) for one in ours) >= 0.8 * len(ours)


def alike(results: Results, task: str, first: str, second: str) -> bool | None:
    """Do two families differ no more than two seeds of one, within the margin?

    True if the whole 95 % interval of the ratio lies below the margin, False if it lies above;
    None if it holds the margin, or too few seeds learnt the task.
    """
    if not (enough(results, task, first) and enough(results, task, second)):
        return None
    where = f"{task}.distances.angle.{first}-{second}"
    if results.value(f"{where}.high") < MARGIN:
        return True
    return False if results.value(f"{where}.low") > MARGIN else None


def judge(results: Results) -> Judgement:
    """Are three families as near to the dense one as training makes them, and as its own seeds?"""
    others = [family for family in FAMILIES if family != "dense"]
    published = {
        (task, family): nearer_than_untrained(results, task, family)
        for task in TASKS
        for family in others
    }
    pairs = {
        (task, one, other): alike(results, task, one, other)
        for task in TASKS
        for one, other in combinations(FAMILIES, 2)
    }
    status = combined([every(published[task, f] for f in others) for task in TASKS])
    fair = combined(
        [
            every(pairs[task, one, other] for one, other in combinations(FAMILIES, 2))
            for task in TASKS
        ]
    )
    undecided = "not decided" in (status, fair)
    counted = {verdict: sum(v is verdict for v in pairs.values()) for verdict in (True, False)}
    ratios = [
        results.value(f"{task}.distances.angle.{first}-{second}.ratio")
        for (task, first, second) in pairs
        if results.value(f"{task}.distances.angle").get(f"{first}-{second}")
    ]
    return Judgement(
        status=status,
        fair_status=fair,
        reason=_why_open(results) if undecided else "",
        measured="Mean Procrustes distance to the dense networks, over tasks: "
        + ", ".join(
            f"{name.replace('_', '-')} {_over_tasks(results, name):.2f} "
            f"(untrained {_over_tasks(results, f'untrained_{name}'):.2f})"
            for name in FAMILIES
        )
        + f". Nearer than before training: {sum(v is True for v in published.values())} of "
        f"{len(published)} pairs of a family and a task. By the metric, families differ no more "
        f"than seeds in {counted[True]} of {len(pairs)} comparisons, and more in {counted[False]}",
        spread="ratio of distances between and within families "
        + " to ".join(format_number(value) for value in (min(ratios), max(ratios))),
        seeds=len(results.value(f"{TASKS[0]}.dense.right")),
        caveats=(
            "Current form, tanh, and dense input weights in all families; the convolutional "
            "networks of the paper are rate networks with ReLU.",
            "Two of the five tasks are ours, since the list of the paper is not accessible; "
            "networks of 125 units only.",
            "Sparse, low-rank and convolutional networks have as many weights each; the dense one, "
            "as in the paper, has more than twelve times as many recurrent weights.",
        ),
        would_change="Longer training, or noise that leaves networks less freedom",
    )


def _why_open(results: Results) -> str:
    """What kept a statement from being decided."""
    few = [
        f"{family.replace('_', '-')} networks on {task.replace('_', ' ')}"
        for task in TASKS
        for family in FAMILIES
        if not enough(results, task, family)
    ]
    if few:
        return f"too few seeds learnt the task: {', '.join(few)}"
    return "an interval of a ratio holds the margin"


def _over_tasks(results: Results, name: str) -> float:
    """Mean over tasks of the median distance to the dense networks."""
    found = [results.value(f"{task}.to_dense").get(name) for task in TASKS]
    return statistics.fmean(statistics.median(values) for values in found if values)


def moves_alike(results: Results, first: str, second: str) -> bool | None:
    """Do two families move as alike as seeds do? As ``alike``, on the ring alone."""
    if results.value(f"{first}-{second}.high") < MARGIN:
        return True
    return False if results.value(f"{first}-{second}.low") > MARGIN else None


def judge_moving(results: Results) -> Judgement:
    """Do all families move as alike as two seeds of one do?"""
    pairs = list(combinations(FAMILIES, 2))
    found = [moves_alike(results, one, other) for one, other in pairs]
    verdict = combined(found)
    undecided = verdict == "not decided"
    ratios = {pair: results.value(f"{pair[0]}-{pair[1]}") for pair in pairs}
    return Judgement(
        status="not decided" if undecided else "measured",
        reason="an interval of a ratio holds the margin" if undecided else "",
        measured=f"{expected(verdict)}. Ratios of dynamical distances between and within families: "
        + ", ".join(
            f"{one} and {other} {of['ratio']:.2f}".replace("_", "-")
            for (one, other), of in ratios.items()
        ),
        spread="intervals "
        + ", ".join(f"{of['low']:.2f} to {of['high']:.2f}" for of in ratios.values()),
        seeds=min(results.value("n_networks").values()),
        caveats=(
            "One task, and at most five networks of each family.",
            "A linear map of ten principal components and five delays; its rotation is searched by "
            "descent, so distances are upper bounds.",
        ),
        would_change="More networks, more tasks, or maps of more delays",
    )


MOVING_RULES = {
    "F22": Rule(
        judge=judge_moving,
        tolerance=f"a ratio of {MARGIN}",
        rule="six sentences, one for each pair of families: the 95 % interval of the ratio of "
        f"dynamical distances between and within families lies below {MARGIN}; it does not hold "
        "if the interval lies above. The sentence of this course holds if all do, in part if some "
        "do",
    )
}
RULES = {
    "C3": Rule(
        judge=judge,
        tolerance="as published: nearer than every untrained network; fair: a ratio below "
        f"{MARGIN}",
        rule="as published: on a task, four in five networks of every family are nearer to the "
        "dense ones (Procrustes) than the nearest untrained network of that family. Fair: by the "
        "metric, the 95 % interval of the ratio of distances between two families to those within "
        f"them lies below {MARGIN}, for every pair of families. Reproduced if it holds on all "
        f"tasks, partly on some; a task counts if {LEAST} of ten seeds of each family learnt it",
    )
}
