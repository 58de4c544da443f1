"""The plan of each chapter for a class of 50 or 90 minutes, and the typical wrong answers in it.

A plan is a file ``plans/NAME.toml``, NAME being the last part of the chapter's address. What it
names (sections, figures, questions) must be there under just that name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomllib

from nmcourse.exercises import exercises
from tools import pairs
from tools.guide.chapters import Chapter, course, in_table, link

FOLDER = Path(__file__).parent / "plans"
LENGTHS = (50, 90)
_TO = "\u2060–\u2060"  # a dash between two numbers, at which no line ends


@dataclass(frozen=True)
class Step:
    """One step of a class.

    Attributes:
        minutes: How long it takes in a class of 50 and of 90 minutes; 0 where it is left out.
        do: What the teacher does, in Markdown.
        section: Heading of the section to be shown.
        show: Titles of the figures and questions in it to show.
    """

    minutes: tuple[int, int]
    do: str
    section: str
    show: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The plan of a chapter.

    Attributes:
        page: Address of the chapter.
        aim: What students leave with.
        before: What they do before class.
        steps: The steps of both classes.
        discuss: Questions, each with what a good answer contains.
        adapt: Needs, each with what to do.
    """

    page: str
    aim: str
    before: str
    steps: tuple[Step, ...]
    discuss: tuple[tuple[str, str], ...]
    adapt: tuple[tuple[str, str], ...]

    def total(self, length: int) -> int:
        """Return the minutes of a class of this length."""
        return sum(step.minutes[LENGTHS.index(length)] for step in self.steps)


def load(page: str, folder: Path = FOLDER) -> Plan:
    """Read the plan of a chapter.

    Raises:
        FileNotFoundError: If it has none.
    """
    path = folder / f"{page.rsplit('/', 1)[-1]}.toml"
    if not path.exists():
        raise FileNotFoundError(f"{page} has no plan: write {path.relative_to(pairs.ROOT)}")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    steps = tuple(
        Step(tuple(one["minutes"]), one["do"], one["section"], tuple(one.get("show", ())))
        for one in data["step"]
    )
    discuss = tuple((one["question"], one["good"]) for one in data["discuss"])
    adapt = tuple((one["need"], one["do"]) for one in data["adapt"])
    return Plan(data["page"], data["aim"], data["before"], steps, discuss, adapt)


def problems(plan: Plan, chapter: Chapter) -> list[str]:
    """Return what a plan names and the chapter does not have, and sums that are wrong."""
    found = []
    if plan.page != chapter.page:
        found.append(f"page is {plan.page}, not {chapter.page}")
    for length in LENGTHS:
        if plan.total(length) != length:
            found.append(f"the steps of {length} minutes take {plan.total(length)}")
    for step in plan.steps:
        try:
            chapter.section(step.section)
        except KeyError as error:
            found.append(str(error))
            continue
        cells = _cells_under(chapter, step.section)
        found += [
            f"no cell {name!r} under {step.section!r}; there are {cells}"
            for name in step.show
            if name not in cells
        ]
    return found


def _cells_under(chapter: Chapter, title: str) -> list[str]:
    """Return the titles of the cells of a section and of the parts below it."""
    cells: list[str] = []
    level = 0
    for section in chapter.sections:
        if section.title == title:
            level = section.level
        elif level and section.level <= level:
            break
        if level:
            cells += section.cells
    return cells


def _clock(plan: Plan, length: int) -> list[str]:
    """Return when each step begins and ends, such as "0-8"; a dash where it is left out."""
    times = []
    now = 0
    for step in plan.steps:
        minutes = step.minutes[LENGTHS.index(length)]
        times.append(f"{now}{_TO}{now + minutes}" if minutes else "–")
        now += minutes
    return times


def chapter_text(plan: Plan, chapter: Chapter) -> str:
    """Return the part of the guide about one chapter, in Markdown."""
    rows = [
        f"| {short} | {long} | {in_table(step.do)} | {_shown(step, chapter)} |"
        for short, long, step in zip(_clock(plan, 50), _clock(plan, 90), plan.steps, strict=True)
    ]
    talk = [f"- **{question}**\n  *A good answer:* {good}" for question, good in plan.discuss]
    needs = [f"- *{need}.* {do}" for need, do in plan.adapt]
    parts = [
        f"## {chapter.name}",
        f"{link(chapter, text='Open the chapter')}. **Aim.** {plan.aim}\n\n"
        f"**Before class.** {plan.before}",
        "| 50 min | 90 min | What you do | Show live |\n|---|---|---|---|\n" + "\n".join(rows),
        "**To discuss**\n\n" + "\n".join(talk),
        wrong_answers(chapter),
        "**For everybody to take part**\n\n" + "\n".join(needs),
    ]
    return "\n\n".join(part for part in parts if part)


def _shown(step: Step, chapter: Chapter) -> str:
    names = "".join(f" · *{in_table(name)}*" for name in step.show)
    return in_table(link(chapter, step.section)) + names


def wrong_answers(chapter: Chapter) -> str:
    """Return the typical wrong answers of a chapter's exercises, folded, in Markdown."""
    rows = [
        f"| {in_table(wrong.name)} | {in_table(wrong.hint)} | [{in_table(one.title)}](#{one.label})"
        f" | {in_table(link(chapter, wrong.read))} |"
        for one in exercises()
        if one.chapter == chapter.page
        for wrong in one.wrong
    ]
    if not rows:
        return ""
    head = "| What a student may think | What `check` replies | Exercise | Read again |"
    summary = f"Misconceptions to expect: {len(rows)} typical wrong answers"
    return (
        f"<details><summary>{summary}</summary>\n\n"
        + "\n".join([head, "|---|---|---|---|", *rows])
        + "\n\n</details>"
    )


def text(root: Path, *folders: str) -> str:
    """Return the plans of the chapters in these folders of the book, in Markdown.

    Raises:
        KeyError: If there is no chapter in them.
    """
    chosen = [one for one in course(root) if one.page.rsplit("/", 1)[0] in folders]
    if not chosen:
        raise KeyError(f"no chapter in {folders}")
    return "\n\n".join(chapter_text(load(one.page), one) for one in chosen)
