"""What the results of ``new_lessons`` say: F19. Written before they were measured."""

from __future__ import annotations

import statistics

from nmcourse.evidence import Judgement, Results, Rule, combined, expected, most
from nmcourse.experiments.eye.rule_switch_rules import LEARNT, NEEDED, WORDS

LESSONS = ("curved", "mnist")
KNOWN = 0.82  # mean accuracy on the old rules from which on a network counts
SPOILT = 0.05  # share of right answers that an old rule has to lose
BACK = 0.01  # share of right answers that may be missing when gains are brought back


def counted(results: Results) -> list[int]:
    """Seeds that know the old rules before the lesson."""
    return [k for k, right in enumerate(results.value("old")) if right >= KNOWN]


def statements(results: Results) -> dict[str, bool | None]:
    """Three sentences about each lesson."""
    old, chosen = results.value("old"), counted(results)
    found = {}
    for lesson in LESSONS:
        before, after, left, stored = (
            results.value(f"{lesson}.{key}") for key in ("before", "after", "left", "stored")
        )
        parts = {
            "is learnt": [after[k] >= before[k] + LEARNT for k in chosen],
            "spoils the old rules": [left[k] <= old[k] - SPOILT for k in chosen],
            "stored gains bring them back": [stored[k] >= old[k] - BACK for k in chosen],
        }
        for what, true in parts.items():
            found[f"{lesson} {what}"] = most(true, needed=NEEDED)
    return found


def judge(results: Results) -> Judgement:
    """Is a lesson learnt by the modulator alone, and what becomes of the old ones?"""
    found, chosen = statements(results), counted(results)
    verdict = combined(list(found.values()))
    undecided = verdict == "not decided"

    def middle(path: str) -> str:
        values = [results.value(path)[k] for k in chosen]
        return f"{statistics.median(values):.0%}" if values else "none"

    return Judgement(
        status="not decided" if undecided else "measured",
        reason="too few networks know the old rules" if undecided else "",
        measured=f"{expected(verdict)}. Old rules before the lesson: {middle('old')}. "
        + "; ".join(
            f"{lesson} {middle(f'{lesson}.before')} to {middle(f'{lesson}.after')}, old rules then "
            f"{middle(f'{lesson}.left')}, under stored gains {middle(f'{lesson}.stored')}"
            for lesson in LESSONS
        )
        + ". "
        + "; ".join(f"{what}: {WORDS[holds]}" for what, holds in found.items()),
        spread=f"{len(chosen)} of {results.config['n_seeds']} networks count",
        seeds=results.config["n_seeds"],
        caveats=(
            f"{results.config['n_steps']} steps for each lesson, with "
            f"{results.config['batch_size']} images each; one learning rate, not tuned, and no "
            "losses stored: more training may win more.",
            "Stored gains are one course for all images, the mean over images of another set than "
            "the tested ones.",
        ),
        would_change="A modulator that listens to the areas, whose gains depend on the image",
    )


RULES = {
    "F19": Rule(
        judge=judge,
        tolerance=f"{LEARNT:.0%} won, {SPOILT:.0%} lost, {BACK:.0%} missing",
        rule=f"networks with {KNOWN:.0%} on the old rules count. For each of two lessons, three "
        f"sentences, each in {NEEDED:.0%} of them: the lesson wins {LEARNT:.0%}; the old rules "
        f"lose {SPOILT:.0%} or more; under gains stored before they are within {BACK:.0%} of what "
        "they were. The sentence of this course holds if all do, in part if some do",
    )
}
