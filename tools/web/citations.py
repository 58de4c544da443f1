"""Works that a sentence names lead to the list of references, and show what they are.

The sources are also notebooks, so they say "Sussillo and Barak (2013)" in plain words, and the link
is made when a page is written. The paper that a part of the book is about is linked where a section
first says "the paper" or "the authors".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from pybtex.database import Entry, parse_file

from tools import pairs
from tools.web.glossary import LINKED_PAGES, prose

#: The paper that "the paper" means, by the folder of a chapter.
PAPERS = {"neuromodulation": "costacurta2024structured", "vision": "soo2024recurrent"}
THE_PAPER = re.compile(r"\b[Tt]he (?:paper|authors)\b")
# A letter that no surname ends in front of: "Beiran" is not in "Beirans".
_END = r"(?![\w-])"


@dataclass(frozen=True)
class Mention:
    """A place in a text that names a work."""

    start: int
    end: int
    key: str


@cache
def entries(root: Path = pairs.ROOT) -> dict[str, Entry]:
    """Return the works of the course by their keys."""
    return dict(parse_file(str(root / "references.bib")).entries)


def _names(entry: Entry) -> list[str]:
    return [" ".join(person.last_names) for person in entry.persons.get("author", [])]


@cache
def patterns(root: Path = pairs.ROOT) -> dict[str, re.Pattern[str]]:
    """Return, for each work, what names it: its authors, with the year where that is needed."""
    works = entries(root)
    first = [_names(entry)[0] for entry in works.values()]
    found = {}
    for key, entry in works.items():
        names = [re.escape(name) for name in _names(entry)]
        forms = [rf"{names[0]} and colleagues"]
        if len(names) > 1:
            forms.append(f"{', '.join(names[:-1])} and {names[-1]}")
        year = rf"(?: \({entry.fields['year']}\)|, {entry.fields['year']})"
        if first.count(_names(entry)[0]) == 1:
            year = rf"(?:{year}|(?!,? \(?\d{{4}}))"  # or none, but no other one
        found[key] = re.compile(rf"\b(?:{'|'.join(forms)}){_END}{year}")
    return found


def mentions(text: str) -> list[Mention]:
    """Return the places of a text that name a work, in their order; none overlaps another."""
    found = [
        Mention(use.start(), use.end(), key)
        for key, pattern in patterns().items()
        for use in pattern.finditer(text)
    ]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Mention] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _papers(text: str, key: str) -> Iterator[Mention]:
    if use := THE_PAPER.search(text):
        yield Mention(use.start(), use.end(), key)


def link(page: nodes.document, places: dict[str, tuple[str, str]], paper: str = "") -> list[str]:
    """Turn works that are named into links, in place; return their keys in order.

    Args:
        page: the page, resolved.
        places: the address of each work in the list of references, and what to show.
        paper: the work that "the paper" means; empty if no work is meant.
    """
    found: list[str] = []
    sections: set[nodes.Element] = set()  # those that have linked "the paper"
    for text in [*prose(page)]:
        named = mentions(text.astext())
        section = _section(text)
        if section is not None and section not in sections and paper:
            of_paper = [*_papers(text.astext(), paper)] if not named else []
            if of_paper or any(one.key == paper for one in named):
                sections.add(section)
            named += of_paper
        named = [one for one in named if one.key in places]
        if named:
            text.parent.replace(text, [*_linked(text.astext(), named, places)])
            found += [one.key for one in named]
    return found


def _section(text: nodes.Text) -> nodes.Element | None:
    parent = text.parent
    while parent is not None and not isinstance(parent, nodes.section):
        parent = parent.parent
    return parent


def _linked(
    text: str, named: Iterable[Mention], places: dict[str, tuple[str, str]]
) -> Iterator[nodes.Node]:
    end = 0
    for one in named:
        address, title = places[one.key]
        yield nodes.Text(text[end : one.start])
        word = nodes.reference(
            "", text[one.start : one.end], internal=True, refuri=address, reftitle=title
        )
        word["classes"].append("nm-cite")
        yield word
        end = one.end
    yield nodes.Text(text[end:])


def _places(app: Any, name: str) -> dict[str, tuple[str, str]]:
    found = {}
    for citation in app.env.get_domain("cite").citations:
        page = citation.bibliography_key.docname
        tooltip = getattr(citation, "tooltip_entry", None)
        shown = tooltip.text.render_as("text") if tooltip else citation.key
        address = f"{app.builder.get_relative_uri(name, page)}#{citation.citation_id}"
        found[citation.key] = (address, shown)
    return found


def _resolved(app: Any, page: nodes.document, name: str) -> None:
    if app.builder.format == "html" and LINKED_PAGES.match(name):
        link(page, _places(app, name), PAPERS.get(name.split("/")[1], ""))


def setup(app: Any) -> None:
    """Tell Sphinx when to ask."""
    # Before the words of the glossary: a name is not a word.
    app.connect("doctree-resolved", _resolved, priority=780)
