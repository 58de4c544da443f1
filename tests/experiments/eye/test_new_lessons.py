"""What the rule of F19 makes of right answers, and what a small run measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nmcourse.evidence import Results, plain
from nmcourse.experiments.eye.new_lessons import _only_last, run
from nmcourse.experiments.eye.new_lessons_rules import LESSONS, judge
from nmcourse.tasks import digit_images, instructed

N = 5
CONFIG = {"n_seeds": N, "n_steps": 9, "batch_size": 2}


def made(old: float = 0.85, **changed: float) -> Results:
    """Lessons that are learnt, spoil, and are undone; ``changed`` for the first of them."""
    row = {"before": 0.5, "after": 0.7, "left": 0.6, "stored": 0.85}
    metrics: dict[str, Any] = {"old": [old] * N}
    for lesson in LESSONS:
        of_lesson = row | (changed if lesson == LESSONS[0] else {})
        metrics[lesson] = {key: [value] * N for key, value in of_lesson.items()}
    return Results(metrics, CONFIG)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "course holds."),
        ({"after": 0.55}, "curved is learnt: no"),
        ({"left": 0.84}, "curved spoils the old rules: no"),
        ({"stored": 0.8}, "curved stored gains bring them back: no"),
        ({"stored": 0.842}, "course holds."),
    ],
)
def test_the_rule_of_f19(changed: dict[str, float], words: str):
    found = judge(made(**changed))
    assert found.status == "measured"
    assert words in found.measured


def test_networks_that_never_knew_the_old_rules_decide_nothing():
    assert judge(made(old=0.81)).status == "not decided"


def test_a_lesson_is_under_the_last_cue():
    digits = digit_images("test", size=8).subset(slice(6))
    last = _only_last(instructed(digits, 3))
    assert (last.labels // 10).tolist() == [2] * 6
    assert (last.labels % 10).tolist() == digits.labels.tolist()


def test_a_small_run_measures_every_number_that_the_rule_asks_for(tmp_path: Path):
    outcome = plain(run("smoke", tmp_path))
    found = judge(Results(outcome["metrics"], outcome["config"]))
    assert found.status == "not decided"
    for lesson in LESSONS:
        assert all(len(values) == 2 for values in outcome["metrics"][lesson].values())
        # under stored gains the network answers as before the lesson, for it has not changed
        pairs = zip(outcome["metrics"][lesson]["stored"], outcome["metrics"]["old"], strict=True)
        assert all(abs(a - b) < 0.11 for a, b in pairs)
