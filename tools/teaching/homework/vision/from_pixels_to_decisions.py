"""Homework of *From pixels to decisions*.

More than two answers, films without an answer, and an angle that is counted in another way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_OFTEN = "How often"
_SOON = "How soon"
_KEPT = "A place that is kept"
_ZERO = {"left": 180, "bottom": 270}  # degrees, counter-clockwise from the right


def _build(n_answers: int, share: float, zero: str) -> Version:
    return Version(
        homework="decisions",
        chapter="book/vision/from_pixels_to_decisions",
        title="Choices, times and angles, measured otherwise",
        statement=(
            "A network watches films and decides. Chapter 17 measured two choices, medians of "
            "times, and angles. Here each is measured in another way. All arrays are NumPy arrays."
        ),
        common="",
        parts=(_right(str(n_answers)), _passed(repr(share)), _errors(zero)),
    )


def _right(m: str) -> Part:
    def share(
        seen: str = "1 - np.exp(-((strength / width) ** 2))",
        right: str = f"seen + (1 - seen) / {m}",
        all_: str = f"lapses / {m} + (1 - lapses) * right",
    ) -> str:
        return f"seen = {seen}\nright = {right}\nreturn {all_}"

    return Part(
        name="a",
        title="More than two answers",
        points=3,
        task=(
            f"In another task one of {m} answers is right. The stimulus has a `strength` "
            "$c \\ge 0$, an array of shape (level,). It is *seen* with the probability "
            r"$1 - e^{-(c/w)^2}$ ($w$ is `width`), and then the right answer is known. If it is "
            f"not seen, one of the {m} answers is guessed. Besides, in a share of all films, "
            "`lapses`, the film is not attended to at all and one of the answers is guessed. "
            "Return the expected share of right answers, (level,)."
        ),
        function="share_right",
        arguments=("strength", "width", "lapses"),
        describes="Return the expected share of right answers, (level,).",
        body=share(),
        another=(
            "found = []\n"
            "for c in strength:\n"
            "    guessed = lapses + (1 - lapses) * np.exp(-(c / width) * (c / width))\n"
            f"    found.append((1 - guessed) + guessed / {m})\n"
            "return np.array(found)"
        ),
        mistakes=(
            Mistake(
                "guesses are never right",
                share(right="seen"),
                "What share of the guesses is right by chance?",
                _OFTEN,
            ),
            Mistake(
                "two answers",
                share(right="seen + (1 - seen) / 2", all_="lapses / 2 + (1 - lapses) * right"),
                "Among how many answers is guessed here?",
                _OFTEN,
            ),
            Mistake(
                "lapses are never right",
                share(all_="(1 - lapses) * right"),
                "Who does not attend guesses too. How often is that right?",
                _OFTEN,
            ),
            Mistake(
                "lapses on both sides",
                share(all_="lapses + (1 - 2 * lapses) * right"),
                "That is the form for two choices. What is a lapse here?",
                _OFTEN,
            ),
            Mistake(
                "no lapses",
                share(all_="right + 0 * lapses"),
                "With the strongest stimulus, is every film answered rightly?",
                _OFTEN,
            ),
            Mistake(
                "the logistic curve",
                share(seen="1 / (1 + np.exp(-strength / width))"),
                "Put in a strength of zero. Is anything seen then?",
                _OFTEN,
            ),
            Mistake(
                "no square",
                share(seen="1 - np.exp(-strength / width)"),
                "Compare your exponent with that of the text.",
                _OFTEN,
            ),
        ),
        cases=_levels,
        example=(np.array([0.0, 0.1, 0.3]), 0.15, 0.06),
    )


def _passed(q: str) -> Part:
    def when(
        times: str = "np.sort(times[~np.isnan(times)])",
        needed: str = f"int(np.ceil({q} * len(times) - 1e-9))",
        end: str = "return known[needed - 1] if needed <= len(known) else np.nan",
    ) -> str:
        return f"known = {times}\nneeded = {needed}\n{end}"

    return Part(
        name="b",
        title="When most have answered",
        points=3,
        task=(
            "`times`, of shape (film,), holds times from onset to the bound in ms, and NaN where "
            f"the bound was not reached. Return the smallest time by which {q} of *all* films, or "
            "more, have reached the bound. Return NaN if so many never do."
        ),
        function="time_of_share",
        arguments=("times",),
        describes="Return the time in ms by which that share of films has answered, or NaN.",
        body=when(),
        another=(
            "for t in sorted(time for time in times if time == time):\n"
            f"    if sum(time <= t for time in times) >= {q} * len(times) - 1e-9:\n"
            "        return t\n"
            "return np.nan"
        ),
        mistakes=(
            Mistake(
                "of those that answered",
                when(needed=f"int(np.ceil({q} * len(known) - 1e-9))"),
                "You take the share of the films with an answer. Of which films is it asked?",
                _SOON,
            ),
            Mistake(
                "an answer at once",
                when(times="np.sort(np.nan_to_num(times))"),
                "Films without an answer are the fastest ones here.",
                _SOON,
            ),
            Mistake(
                "the slowest for all that are missing",
                when(end="return known[min(needed, len(known)) - 1]"),
                "If too few films ever reach the bound, is the slowest of them the answer?",
                _SOON,
            ),
            Mistake(
                "the median",
                when(needed="int(np.ceil(0.5 * len(times) - 1e-9))"),
                "Which share of the films is asked for?",
                _SOON,
            ),
            Mistake(
                "unknown as soon as one is missing",
                when(
                    end="if len(known) < len(times):\n    return np.nan\nreturn known[needed - 1]"
                ),
                "One film without an answer is later than all others. Does it change this time?",
                _SOON,
            ),
            Mistake(
                "counted from the slow end",
                when(
                    end="if needed > len(known):\n    return np.nan\n"
                    "return known[len(known) - needed]"
                ),
                "You count from the slowest film. By which time have the fast ones answered?",
                _SOON,
            ),
            Mistake(
                "one too late",
                when(end="return known[needed] if needed < len(known) else np.nan"),
                "Arrays are counted from zero. How many films have answered by your time?",
                _SOON,
            ),
        ),
        cases=_reactions,
        example=(np.array([150.0, 110.0, 320.0, 200.0, 180.0, 240.0, 90.0, 400.0, np.nan, 130.0]),),
    )


def _errors(zero: str) -> Part:
    at = _ZERO[zero]

    def errors(
        given: str = "np.degrees(np.arctan2(outputs[:, 1], outputs[:, 0]))",
        angle: str = f"{at} - given",
        end: str = "(angle - shown + 180) % 360 - 180",
    ) -> str:
        return f"given = {given}\nangle = {angle}\nreturn {end}"

    return Part(
        name="c",
        title="An angle counted in another way",
        points=4,
        task=(
            "`outputs`, of shape (trial, 2), points to a place: $x$ grows to the right, $y$ "
            f"upwards. `shown`, (trial,), holds the angles of the spots in degrees, from 0 to 360, "
            f"counted *clockwise from the {zero}*. Return the errors of the answers, (trial,), in "
            "degrees: positive where the answer lies clockwise of the spot, and between −180 and "
            "180. How far an output is from zero does not matter."
        ),
        function="angle_errors",
        arguments=("outputs", "shown"),
        describes="Return the signed errors in degrees, (trial,).",
        body=errors(),
        another=(
            f"target = np.radians({at} - shown)\n"
            "x, y = outputs[:, 0], outputs[:, 1]\n"
            "along = x * np.cos(target) + y * np.sin(target)\n"
            "clockwise = x * np.sin(target) - y * np.cos(target)\n"
            "return np.degrees(np.arctan2(clockwise, along))"
        ),
        mistakes=(
            Mistake(
                "not wrapped",
                errors(end="angle % 360 - shown"),
                "A spot at 350 and an answer at 10 degrees: how far apart are they?",
                _KEPT,
            ),
            Mistake(
                "counter-clockwise",
                errors(angle=f"given - {at}"),
                "In which direction do the angles of the spots grow?",
                _KEPT,
            ),
            Mistake(
                "from the right",
                errors(angle="-given"),
                "Where does an angle of zero point to in this task?",
                _KEPT,
            ),
            Mistake(
                "the angle of mathematics",
                errors(angle="given"),
                "Zero and direction of your angle are those of mathematics, not of this task.",
                _KEPT,
            ),
            Mistake(
                "x and y exchanged",
                errors(given="np.degrees(np.arctan2(outputs[:, 0], outputs[:, 1]))"),
                "arctan2 takes the upward part first.",
                _KEPT,
            ),
            Mistake(
                "the sign turned",
                errors(end="(shown - angle + 180) % 360 - 180"),
                "On which side of the spot does an answer with a positive error lie?",
                _KEPT,
            ),
            Mistake(
                "without a sign",
                errors(end="np.abs((angle - shown + 180) % 360 - 180)"),
                "A drift to one side cannot be told from scatter any more.",
                _KEPT,
            ),
            Mistake(
                "from 0 to 360",
                errors(end="(angle - shown) % 360"),
                "An answer a little beside the spot on one side has an error of nearly 360 here.",
                _KEPT,
            ),
        ),
        cases=_answers,
        example=(np.array([[-1.0, 0.2], [2.0, 0.0], [-0.5, -0.5]]), np.array([350.0, 80.0, 15.0])),
    )


def _levels(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n in (1, 4, 7, 12):
        width = draw.uniform(0.1, 0.3)
        strength = np.sort([draw.uniform(0.0, 3 * width) for _ in range(n)])
        found.append((strength, width, draw.uniform(0.03, 0.15)))
    return found


def _reactions(draw: Draw) -> list[tuple[Any, ...]]:
    """All films answered, most, and too few."""
    found = []
    for n, missing in ((10, 0), (13, 1), (20, 3), (12, 9), (17, 2)):
        times = np.array([draw.uniform(80, 500) for _ in range(n)])
        order = np.argsort([draw.uniform(0, 1) for _ in range(n)])
        times[order[:missing]] = np.nan
        found.append((times,))
    return found


def _answers(draw: Draw) -> list[tuple[Any, ...]]:
    """Answers on both sides of their spots, some of them across zero."""
    found = []
    for n in (3, 6, 12):
        outputs = draw.normal(n, 2).numpy()
        shown = np.array([draw.uniform(0, 360) for _ in range(n)])
        shown[:2] = draw.uniform(350, 359), draw.uniform(1, 10)
        found.append((outputs, shown))
    return found


HOMEWORK = Homework(
    name="decisions",
    settings={
        "n_answers": (3, 4, 5, 6),
        "share": (0.6, 0.7, 0.75),
        "zero": ("left", "bottom"),
    },
    build=_build,
)
