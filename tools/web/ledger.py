"""Marks beside what a chapter takes from the claim ledger: each leads to the record of its claim.

Three things get one when a page is made, so that the sources, which are also notebooks, hold
plain text and code:

- a cell that reads the ledger: `claims.value("N8", ...)`, or a box;
- the prose beside a cell that the page leaves out and that compares it with the ledger. Such a cell
  follows the sentences that it checks; where no prose stands before it, it is the prose after it;
- the id of a claim in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from docutils import nodes

from nmcourse import claims
from tools import pairs
from tools.web.glossary import LINKED_PAGES, prose

PAGE = "book/claims"
READS = re.compile(
    r"\bclaims\.(?:value|number|summary|results|box|get)\(\s*[\"']([A-Z]\d{1,2})[\"']"
)
NAMED = re.compile(r"\b[A-Z]\d{1,2}\b")
ROLE = re.compile(r" \{ledger\}`([^`]*)`")
REMOVED = re.compile(r"^:?\s*tags:.*\bremove-cell\b", re.MULTILINE)
DEPTHS = re.compile(r"book/vision/")  # there R2 to R8 are networks and no questions of reviewers
# What a mark may end: a sentence, or a list. Not a heading, a table, a formula, a tag, or a fence.
NO_SENTENCE = re.compile(r"^(?:[#|<:`$]|\(\S+\)=)")


def read_by(code: str) -> list[str]:
    """Return the claims that some code reads, in their order, each once."""
    return [*dict.fromkeys(READS.findall(code))]


def mark_prose(text: str) -> str:
    """Return the text of a chapter with roles beside the prose that removed cells check."""
    cells = [*pairs.CODE_CELL.finditer(text)]
    marks: dict[int, list[str]] = {}  # where a mark goes, and of which claims
    for k, cell in enumerate(cells):
        found = read_by(cell[0])
        if not found or not REMOVED.search(cell[0]):
            continue
        before = _sentences(text, cells[k - 1].end() if k else 0, cell.start())
        after = _sentences(
            text, cell.end(), cells[k + 1].start() if k + 1 < len(cells) else len(text)
        )
        if before or after:
            marks.setdefault(before[-1] if before else after[0], []).extend(found)
    for place in sorted(marks, reverse=True):
        of = " ".join(dict.fromkeys(marks[place]))
        text = f"{text[:place]} {{ledger}}`{of}`{text[place:]}"
    return text


def _sentences(text: str, start: int, end: int) -> list[int]:
    """Return the ends of the paragraphs between two places of a text."""
    ends = []
    for block in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text[start:end]):
        if not NO_SENTENCE.match(block[0]) and not block[0].rstrip().endswith((">", "$$", ":::")):
            ends.append(start + block.start() + len(block[0].rstrip()))
    return ends


def _mark(claim: str) -> nodes.reference:
    entry = claims.get(claim)
    title = f"Claim {claim}, {claims.display.verdict(entry)}: {entry.statement}"
    mark = nodes.reference("", claim, internal=True, refuri=f"#claim-{claim}", reftitle=title)
    mark["classes"].append("nm-from")
    return mark


def role(
    name: str, raw: str, text: str, line: int, inliner: Any, options: Any = None, content: Any = ()
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Make the marks of `{ledger}` and some claims: links, completed when the page is written."""
    return [_mark(claim) for claim in text.split()], []


def link(page: nodes.document, address: Callable[[str], str], known: set[str]) -> None:
    """Put the marks of a page in their places, and complete them, in place.

    Args:
        page: the page, resolved.
        address: from a claim to an address that works on this page.
        known: the claims that have a record.
    """
    for cell in page.findall(nodes.container):
        if cell.get("nb_element") == "cell_code":
            source = [n for n in cell if n.get("nb_element") == "cell_code_source"]
            code = "\n".join(part.astext() for part in source)
            if found := read_by(code):
                line = nodes.paragraph("", "", classes=["nm-from-ledger"])
                line += [nodes.inline("", "From the ledger: "), *map(_mark, found)]
                cell += line
    for text in [*prose(page)]:
        named = [use for use in NAMED.finditer(text.astext()) if use[0] in known]
        if named:
            parts: list[nodes.Node] = []
            end = 0
            for use in named:
                word = _mark(use[0])
                word["classes"] = ["nm-claim"]
                parts += [nodes.Text(text.astext()[end : use.start()]), word]
                end = use.end()
            text.parent.replace(text, [*parts, nodes.Text(text.astext()[end:])])
    for mark in page.findall(nodes.reference):
        if {"nm-from", "nm-claim"} & {*mark["classes"]}:
            mark["refuri"] = address(mark.astext())


def _source_read(app: Any, docname: str, content: list[str]) -> None:
    if LINKED_PAGES.match(docname):
        content[0] = mark_prose(content[0])


def _resolved(app: Any, page: nodes.document, name: str) -> None:
    if app.builder.format != "html" or not LINKED_PAGES.match(name):
        return
    there = app.builder.get_relative_uri(name, PAGE) if PAGE in app.env.found_docs else ""
    known = {one for one in claims.ids() if not (one[0] == "R" and DEPTHS.match(name))}
    link(page, lambda claim: f"{there}#claim-{claim}" if there else "#", known)


def setup(app: Any) -> None:
    """Tell Sphinx when to ask."""
    app.add_role("ledger", role)
    app.connect("source-read", _source_read)
    app.connect("doctree-resolved", _resolved, priority=790)
