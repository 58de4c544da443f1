"""What a check says: text in a terminal, accessible HTML in a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

# Sign, words, and a border colour (at least 3:1 on white and on the dark page).
STATUSES = {
    "correct": ("✔", "Correct", "#1a8f6c"),
    "not right": ("✘", "Not right yet", "#d1495b"),
    "not yet": ("○", "Not answered yet", "#808080"),
    "your turn": ("☐", "You mark this one", "#4a7fc1"),
}
_STYLE = """<style>
.nm-check { color: inherit; font-size: 1rem; line-height: 1.45; text-align: left; max-width: 48rem;
  border: 1px solid rgba(128,128,128,.45); border-left-width: .35rem; border-radius: .3rem;
  padding: .7rem 1rem; background: rgba(128,128,128,.08); }
.nm-check p { margin: 0 0 .4rem; }
.nm-check dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
.nm-check dt { font-weight: 600; margin: 0; }
.nm-check dd { margin: 0; min-width: 0; overflow-wrap: anywhere; white-space: pre-line; }
@media (max-width: 720px) {
  .nm-check dl { grid-template-columns: 1fr; gap: 0; }
  .nm-check dd { margin-bottom: .4rem; }
}
</style>"""


@dataclass(frozen=True)
class Result:
    """What ``check`` found. As the last value of a cell it displays itself.

    Attributes:
        id: The exercise.
        title: Its title.
        status: A key of ``STATUSES``.
        lines: Label and text of each line.
        misconception: Name of the typical wrong answer that it agrees with; empty if none does.
        case: Arguments of the call that failed, to try it by hand: ``answer(*result.case)``. Empty
            if none failed.
    """

    id: str
    title: str
    status: str
    lines: tuple[tuple[str, str], ...] = ()
    misconception: str = ""
    case: tuple[Any, ...] = field(default=(), compare=False)

    @property
    def passed(self) -> bool:
        """Whether the answer is correct."""
        return self.status == "correct"

    def __bool__(self) -> bool:
        """Whether the answer is correct, so that ``assert check(...)`` works."""
        return self.passed

    def heading(self) -> str:
        """Return status and exercise in one line."""
        sign, words, _ = STATUSES[self.status]
        name = f"{self.id}, {self.title}" if self.title else self.id
        return f"{sign} {words}: {name}"

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        rows = [f"  {label}: {text}".replace("\n", "\n    ") for label, text in self.lines]
        return "\n".join([self.heading(), *rows])

    def _repr_html_(self) -> str:
        rows = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in self.lines)
        label = escape(f"Check of exercise {self.id}", quote=True)
        return (
            f'{_STYLE}<div class="nm-check" role="region" aria-label="{label}" '
            f'style="border-left-color: {STATUSES[self.status][2]}">'
            f"<p><strong>{escape(self.heading())}</strong></p><dl>{rows}</dl></div>"
        )
