"""Sentences of this course about networks beside neurons and people."""

from __future__ import annotations

from nmcourse.evidence import Claim

_OURS = "question of this course"

CLAIMS = (
    Claim(
        "F11",
        "While a picture stays, the code of monkey IT keeps turning, and that of a CordsNet stands "
        "still.",
        _OURS,
        "not published",
        "book/vision/comparing_with_a_brain",
    ),
    Claim(
        "F12",
        "A bank of Gabor filters predicts macaque V4 better than small CordsNets do, and training "
        "helps these only if it is on photographs.",
        _OURS,
        "not published",
        "book/vision/comparing_with_a_brain",
    ),
    Claim(
        "F13",
        "Which of 92 photographs are alike for monkey IT is told better by their silhouettes than "
        "by small CordsNets, and two nulls disagree about what is there.",
        _OURS,
        "not published",
        "book/vision/comparing_with_a_brain",
    ),
    Claim(
        "F14",
        "Networks that learn to reproduce intervals from noisy measurements regress to the mean as "
        "an ideal observer does; so do people, all of them.",
        _OURS,
        "not published for these networks; that people do is long known (Jazayeri and Shadlen "
        "2010)",
        "book/neuromodulation/people_keep_time",
    ),
)
