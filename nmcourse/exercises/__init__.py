"""Exercises that say why an answer is wrong.

    from nmcourse.exercises import check
    check("low-rank-2", my_function)

``check`` tries the function on random cases, compares it with a trusted reference, and answers
with a pass or with a diagnosis. It never shows the solution. ``complete`` looks through a homework
notebook before it is handed in.

    python -m nmcourse.exercises            the list of exercises
    python -m nmcourse.exercises --json     the same for programs
"""

from nmcourse.exercises._registry import PAGES, check, exercise, exercises
from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.checking.result import Result
from nmcourse.exercises.handing_in import Completeness, complete

__all__ = [
    "PAGES",
    "Completeness",
    "Exercise",
    "Result",
    "Wrong",
    "check",
    "complete",
    "exercise",
    "exercises",
]
