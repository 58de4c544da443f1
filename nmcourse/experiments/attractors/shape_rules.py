"""What the results of ``memory_shapes`` say: C4. Written before they were measured."""

from __future__ import annotations

import math
from collections.abc import Callable

from nmcourse.evidence import Judgement, Results, Rule, combined, expected, format_number, most

LEVEL = 0.9  # share of right trials from which a network has learnt
LEAST = 5  # networks that have to learn
ORDER = 0.95  # of places, on a ring or a line
SHARE = 0.8  # of the variance in the plane of the ring, on the line
HOLLOW = 0.95  # a Gaussian cloud has 0.89, a ring 1
TIGHT = 0.1  # spread of a cluster over the distance of both
NEAR = math.pi / 10  # rad: within it an answer is right
KEPT = 0.8  # of the differences between places on a line
APART = 10.0  # the slowest time constant over the second, on a ring or a line
ALONG = 0.9  # |cosine| of the slowest direction with the curve
DELAY = 600.0  # ms, the longest delay of the training
LONGEST = 1800.0  # ms, the longest delay of the training in F21
SETS = ("memory_ring", "memory_line", "memory_points")


def learnt(results: Results, task: str) -> list[int]:
    """Places of the networks that learnt a task."""
    right = results.value(f"{task}.right")
    return [seed for seed, share in enumerate(right) if share >= LEVEL]


def has_shape(results: Results, task: str) -> bool | None:
    """Do most networks end the delay on the shape of their stimuli?"""

    def of(name: str, seed: int) -> float:
        return float(results.value(f"{task}.{name}.{seed}"))

    found = []
    for seed in learnt(results, task):
        if task == "memory_points":
            found.append(of("spread", seed) <= TIGHT)
        else:
            share = "plane" if task == "memory_ring" else "line"
            hollow = task == "memory_line" or of("hollowness", seed) >= HOLLOW
            found.append(of("order", seed) >= ORDER and of(share, seed) >= SHARE and hollow)
    return most(found, least=LEAST)


def lasts(results: Results, task: str) -> bool | None:
    """Are most networks still there after ten delays: is the shape an attractor?"""

    def of(name: str, seed: int) -> float:
        value = results.value(f"{task}.{name}.{seed}")
        return math.inf if value is None else float(value)  # written as null

    found = []
    for seed in learnt(results, task):
        if task == "memory_ring":
            found.append(of("change", seed) <= NEAR and _slow_along(of, seed))
        elif task == "memory_line":
            found.append(KEPT <= of("kept", seed) <= 1 / KEPT and _slow_along(of, seed))
        else:
            tight = of("spread_last", seed) <= TIGHT and of("distance_kept", seed) >= 0.5
            found.append(tight and of("slowest", seed) <= DELAY)
    return most(found, least=LEAST)


def _slow_along(of: Callable[[str, int], float], seed: int) -> bool:
    """Is one direction, along the curve, far slower than all others?"""
    slow = of("slowest", seed) >= APART * of("second", seed)
    return bool(slow and of("alignment", seed) >= ALONG)


def judge(results: Results) -> Judgement:
    """Is the shape there, and is it an attractor?"""
    shapes = [has_shape(results, task) for task in SETS]
    lasting = [lasts(results, task) for task in SETS]
    status, fair = combined(shapes), combined(lasting)
    undecided = "not decided" in (status, fair)
    words = {True: "yes", False: "no", None: "open"}

    def median(path: str) -> str:
        return format_number(results.summary(path).median)

    return Judgement(
        status=status,
        fair_status=fair,
        reason="too few networks learnt a task, or too few agree" if undecided else "",
        measured="The shape at the end of the delay: "
        + ", ".join(
            f"{task.removeprefix('memory_')} {words[holds]}"
            for task, holds in zip(SETS, shapes, strict=True)
        )
        + "; as an attractor, after ten delays: "
        + ", ".join(
            f"{task.removeprefix('memory_')} {words[holds]}"
            for task, holds in zip(SETS, lasting, strict=True)
        )
        + f". Order {median('memory_ring.order')} on the ring, {median('memory_line.order')} on "
        f"the line; change after ten delays {median('memory_ring.change')} rad, differences kept "
        f"on the line {median('memory_line.kept')}; largest gap {median('memory_ring.gap')} of the "
        f"ring, {median('memory_line.gap')} of the line",
        spread="change on the ring "
        f"{format_number(results.summary('memory_ring.change').lower_quartile)} to "
        f"{format_number(results.summary('memory_ring.change').upper_quartile)} rad (quartiles)",
        seeds=len(results.value("memory_ring.right")),
        caveats=(
            "Networks of 125 units in current form with tanh, kernels of 7 by 7 on maps of 5 by 5.",
            "Stimulus sets are named in the paper, their places and times are ours; delays of the "
            "training last 600 ms at most. F21 asks about longer ones.",
            "As published: shapes at the end of the delay. The delays of the published networks "
            "are not known, and whether theirs last is not tested.",
        ),
        would_change="Longer delays in training, as in F21; more noise is not tested",
    )


def _points_within(results: Results, limit: float) -> int:
    """Networks that keep two tight points, with nothing slower than a limit in ms."""
    kept = 0
    for seed in learnt(results, "memory_points"):
        tight, apart, slow = (
            results.value(f"memory_points.{name}.{seed}")
            for name in ("spread_last", "distance_kept", "slowest")
        )
        slowest = math.inf if slow is None else slow
        kept += tight <= TIGHT and apart >= 0.5 and slowest <= limit
    return kept


def judge_longer(results: Results) -> Judgement:
    """Do memories last that were trained with delays three times as long?"""
    lasting = {task.removeprefix("memory_"): lasts(results, task) for task in SETS}
    verdict = combined(list(lasting.values()))
    words = {True: "yes", False: "no", None: "open"}
    undecided = verdict == "not decided"

    def median(path: str) -> str:
        return format_number(results.summary(path).median)

    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks learnt a task, or too few agree" if undecided else "",
        measured=f"{expected(verdict)}. After 6 s: "
        + ", ".join(f"{shape} {words[holds]}" for shape, holds in lasting.items())
        + f". Change on the ring {median('memory_ring.change')} rad, differences kept on the line "
        f"{median('memory_line.kept')}, distance kept of the points "
        f"{median('memory_points.distance_kept')}; slowest time constants in ms: ring "
        f"{median('memory_ring.slowest')}, line {median('memory_line.slowest')}, points "
        f"{median('memory_points.slowest')}",
        spread="change on the ring "
        f"{format_number(results.summary('memory_ring.change').lower_quartile)} to "
        f"{format_number(results.summary('memory_ring.change').upper_quartile)} rad (quartiles)",
        seeds=len(results.value("memory_ring.right")),
        caveats=(
            "Twice as many steps as the networks of C4, and delays three times as long: both may "
            "matter.",
            "Infinite time constants count as long ones: a push then grows.",
            f"At the points the limit of {DELAY:.0f} ms is that of C4. With the longest delay of "
            f"these networks, {LONGEST:.0f} ms, {_points_within(results, LONGEST)} of "
            f"{len(results.value('memory_points.right'))} would pass in place of "
            f"{_points_within(results, DELAY)}, and the sentence would hold in part.",
        ),
        would_change="More seeds, still longer delays, or a longer training",
    )


LONGER_RULES = {
    "F21": Rule(
        judge=judge_longer,
        tolerance=f"{NEAR:.2f} rad, {KEPT} kept, a cluster of {TIGHT}",
        rule="three sentences, one for each set of stimuli: after 6 s most networks (80 %) that "
        "learnt the task are still there, by the fair rule of C4. The sentence of this course "
        "holds if all do, in part if some do",
    )
}
RULES = {
    "C4": Rule(
        judge=judge,
        tolerance=f"order {ORDER}, share {SHARE}; after ten delays {NEAR:.2f} rad, {KEPT} kept, a "
        f"cluster of {TIGHT}",
        rule="as published: at the end of the delay most networks (80 %) that learnt the task have "
        f"places in order ({ORDER}) on a hollow ring in a plane with {SHARE:.0%} of the variance, "
        f"on a line with {SHARE:.0%} of it, or in two clusters of {TIGHT:.0%} of their distance. "
        f"Fair: ten delays later the ring has turned by less than {NEAR:.2f} rad in the median "
        f"place, the line has kept {KEPT:.0%} of its differences, the clusters are as tight; the "
        f"slowest direction lies along ring or line and is {APART:.0f} times as slow as the next, "
        "and at the points nothing is slower than a delay. Three sentences each",
    )
}
