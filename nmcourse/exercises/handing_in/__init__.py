"""A notebook that is handed in: what is in it, what its answers need, and whether it is complete.

The student asks with ``complete``; the grader reads submissions with the same functions, so that
both see the same notebook.
"""

from nmcourse.exercises.handing_in.completeness import COMPLETE_HEADING, Completeness, complete
from nmcourse.exercises.handing_in.needs import PACKAGES, does_more, missing_packages, needed
from nmcourse.exercises.handing_in.notebook import (
    NotANotebook,
    TooLarge,
    code_cells,
    looks_like_notebook,
)
from nmcourse.exercises.handing_in.plain_python import plain

__all__ = [
    "COMPLETE_HEADING",
    "PACKAGES",
    "Completeness",
    "NotANotebook",
    "TooLarge",
    "code_cells",
    "complete",
    "does_more",
    "looks_like_notebook",
    "missing_packages",
    "needed",
    "plain",
]
