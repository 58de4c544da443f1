"""What a chapter holds, read from its source: sections, titled cells, exercises, time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from myst_parser.mdit_to_docutils.base import default_slugify

from tools import pairs

COURSE_PARTS = re.compile(r"Start$|Part [IVX]+\b")
PIECE = re.compile(
    r"^```\{code-cell\}.*?\n(?P<code>.*?)^```[ \t]*$"
    r"|^```.*?^```[ \t]*$"  # another fence: what looks like a heading in it is none
    r"|^(?P<level>#{1,3}) (?P<title>[^\n]+)$"
    r"|^:::\{exercise\} [^\n]*\n:label: (?P<label>\S+)(?P<text>.*?)^:::$",
    re.MULTILINE | re.DOTALL,
)
CELL_TITLE = re.compile(r"^# @title (.+)$", re.MULTILINE)
TIME = re.compile(r"\*\*Time:\*\*(.*?)exercises", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A part of a chapter under one heading.

    Attributes:
        title: The heading, as it stands in the source.
        level: 1 for the title of the chapter, 2 for a section, 3 for a part of one.
        slug: The end of a link to it.
        cells: Titles of its cells: figures, questions, tables.
    """

    title: str
    level: int
    slug: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """A chapter of the course, or its project.

    Attributes:
        page: Its address, such as "book/dynamics/rate_networks".
        number: Its number on the map of the course; None for a project.
        title: Its title.
        sections: Its parts in order, the first one under the title.
        hints: For the label of each exercise, the number of folded hints.
        minutes: Reading, self-test and exercises, as the chapter states them.
    """

    page: str
    number: int | None
    title: str
    sections: tuple[Section, ...]
    hints: dict[str, int]
    minutes: int

    @property
    def name(self) -> str:
        """How the pages call it, such as "Chapter 1: Rate networks"."""
        return self.title if self.number is None else f"Chapter {self.number}: {self.title}"

    def section(self, title: str) -> Section:
        """Return the section under a heading.

        Raises:
            KeyError: If the chapter has no such heading.
        """
        for one in self.sections:
            if one.title == title:
                return one
        known = [one.title for one in self.sections]
        raise KeyError(f"{self.page}: no heading {title!r}; there are {known}")


def course(root: Path = pairs.ROOT) -> list[Chapter]:
    """Return the chapters and projects of the course, in the order of `_toc.yml`."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found: list[Chapter] = []
    number = 0
    for part in contents["parts"]:
        if not COURSE_PARTS.match(str(part["caption"])):
            continue
        for entry in part["chapters"]:
            found.append(read(root, entry["file"], number))
            number += 1
            found += [read(root, below["file"], None) for below in entry.get("sections", [])]
    return found


@cache
def read(root: Path, page: str, number: int | None) -> Chapter:
    """Read one chapter."""
    source = (root / f"{page}.md").read_text(encoding="utf-8")
    sections: list[Section] = []
    hints: dict[str, int] = {}
    slugs: set[str] = set()
    for piece in PIECE.finditer(source):
        if piece["level"]:
            slug = _slug(piece["title"], slugs)
            sections.append(Section(piece["title"].strip(), len(piece["level"]), slug, ()))
        elif piece["label"]:
            hints[piece["label"]] = piece["text"].count("<details><summary>Hint")
        elif piece["code"] and sections and (title := CELL_TITLE.search(piece["code"])):
            last = sections[-1]
            cells = (*last.cells, title[1].strip())
            sections[-1] = Section(last.title, last.level, last.slug, cells)
    stated = TIME.search(source)
    minutes = sum(map(int, re.findall(r"\d+", stated[1]))) if stated else 0
    return Chapter(page, number, sections[0].title, tuple(sections), hints, minutes)


def _slug(title: str, taken: set[str]) -> str:
    """Return what MyST makes of a heading: formulas do not count."""
    plain = re.sub(r"\$[^$]*\$|[`*]", "", title).strip()
    slug = base = default_slugify(plain)
    number = 1
    while slug in taken:
        slug = f"{base}-{number}"
        number += 1
    taken.add(slug)
    return slug


def link(chapter: Chapter, section: str = "", text: str = "") -> str:
    """Return a Markdown link from a page of book/teaching to a chapter, or to a section of it."""
    target = f"../{chapter.page.removeprefix('book/')}.md"
    if not section:
        return f"[{text or chapter.title}]({target})"
    found = chapter.section(section)
    return f"[{text or found.title}]({target}#{found.slug})"


def in_table(text: str) -> str:
    """Return a text on one line that does not end a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
