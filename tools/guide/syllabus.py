"""The syllabi (syllabi.toml): weeks, meetings, and the hours that they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomllib

from tools.guide.chapters import Chapter, course, in_table, link
from tools.guide.plans import FOLDER, LENGTHS

SOURCE = Path(__file__).parent / "syllabi.toml"


@dataclass(frozen=True)
class Week:
    """One week: its topic, its meetings (minutes, address of a chapter or words), what is due."""

    topic: str
    meetings: tuple[tuple[int, str], ...]
    due: str


@dataclass(frozen=True)
class Syllabus:
    """A course over some weeks, and the hours in class that its description promises."""

    name: str
    for_whom: str
    contact_hours: float
    weeks: tuple[Week, ...]

    def pages(self) -> list[str]:
        """Return the addresses of the chapters that are taught, in order."""
        words = [what for week in self.weeks for _, what in week.meetings]
        return [what for what in words if what.startswith("book/")]

    def hours(self) -> float:
        """Return the hours in class."""
        return sum(minutes for week in self.weeks for minutes, _ in week.meetings) / 60


def load(source: Path = SOURCE) -> list[Syllabus]:
    """Read the syllabi."""
    data = tomllib.loads(source.read_text(encoding="utf-8"))["syllabus"]
    return [
        Syllabus(
            one["name"],
            one["for_whom"],
            one["contact_hours"],
            tuple(
                Week(week["topic"], tuple((m, what) for m, what in week["meetings"]), week["due"])
                for week in one["week"]
            ),
        )
        for one in data
    ]


def problems(one: Syllabus, chapters: list[Chapter]) -> list[str]:
    """Return what a syllabus says that does not hold."""
    found = []
    if abs(one.hours() - one.contact_hours) > 1e-9:
        found.append(f"says {one.contact_hours} hours in class, and they are {one.hours():.2f}")
    known = {chapter.page for chapter in chapters}
    for page in one.pages():
        # A chapter that is being written has a plan before it is in the contents.
        coming = (FOLDER / f"{page.rsplit('/', 1)[-1]}.toml").exists()
        if page not in known and not coming:
            found.append(f"names {page}, which is no chapter")
    found += [
        f"week {number}: there is no plan of {minutes} minutes for {what}"
        for number, week in enumerate(one.weeks, 1)
        for minutes, what in week.meetings
        if what.startswith("book/") and minutes not in LENGTHS
    ]
    found += [f"teaches {page} twice" for page in set(one.pages()) if one.pages().count(page) > 1]
    return found


def text(root: Path) -> str:
    """Return all syllabi in Markdown, with the hours computed from chapters and meetings."""
    chapters = {chapter.page: chapter for chapter in course(root)}
    return "\n\n".join(_one(one, chapters) for one in load())


def _one(one: Syllabus, chapters: dict[str, Chapter]) -> str:
    rows = []
    for number, week in enumerate(one.weeks, 1):
        meetings = "; ".join(
            f"{minutes} min: {_what(what, chapters)}" for minutes, what in week.meetings
        )
        taught = [chapters[what] for _, what in week.meetings if what in chapters]
        home = sum(chapter.minutes for chapter in taught) / 60
        rows.append(
            f"| {number} | {in_table(week.topic)} | {in_table(meetings)} | "
            f"{f'{home:.1f} h' if taught else '–'} | {in_table(week.due)} |"
        )
    home = sum(chapters[page].minutes for page in one.pages() if page in chapters) / 60
    return "\n".join(
        [
            f"### {one.name}\n",
            f"*For:* {one.for_whom} *Left out:* {_left_out(one, chapters)}. "
            f"**{one.hours():g} hours in class**, and {home:.0f} hours at home if students read "
            "every chapter taught and do all of its exercises (half is a fair demand).\n",
            "| Week | Topic | Meetings | Chapters at home | Due |\n|---|---|---|---|---|",
            *rows,
        ]
    )


def _left_out(one: Syllabus, chapters: dict[str, Chapter]) -> str:
    rest = [chapter for page, chapter in chapters.items() if page not in one.pages()]
    numbers = [str(chapter.number) for chapter in rest if chapter.number is not None]
    others = [chapter.title for chapter in rest if chapter.number is None]
    named = ([f"chapters {', '.join(numbers)}"] if numbers else []) + others
    return "; ".join(named) or "nothing"


def _what(what: str, chapters: dict[str, Chapter]) -> str:
    if what in chapters:
        chapter = chapters[what]
        number = "" if chapter.number is None else f"{chapter.number}. "
        return number + link(chapter)
    if what.startswith("book/"):  # a chapter that this version of the book does not have yet
        return f"*{what.rsplit('/', 1)[-1].replace('_', ' ')}* (to come)"
    return what
