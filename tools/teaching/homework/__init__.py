"""The homework problems, one file per chapter.

These files hold families of problems. Which version a class gets, and what it is tested with, comes
from the seed of the course, and is written where the instructor says.
"""

from importlib import import_module
from pathlib import Path

from nmcourse.exercises import PAGES
from tools.teaching.homework._record import Homework, Mistake, Part, Version

PROBLEMS: dict[str, Homework] = {
    one.name: one
    for page in PAGES
    if (Path(__file__).parent / f"{page}.py").exists()
    for one in [import_module(f"{__name__}.{page.replace('/', '.')}").HOMEWORK]
}

__all__ = ["PROBLEMS", "Homework", "Mistake", "Part", "Version", "problem"]


def problem(name: str) -> Homework:
    """Return a homework problem.

    Raises:
        ValueError: There is none of this name.
    """
    if name not in PROBLEMS:
        raise ValueError(f"homework must be one of {', '.join(PROBLEMS)}, got {name!r}")
    return PROBLEMS[name]
