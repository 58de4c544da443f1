"""The page on which code stands beside code. It says what is shared, and nothing about anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .3rem .8rem; }
tbody tr { border-top: 1px solid #8888; }
.beside { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.beside > div { min-width: 0; }
pre { overflow-x: auto; border: 1px solid #8888; padding: .6rem; font-size: .85rem; }
mark { background: #ffd54a; color: #000; display: inline-block; min-width: 100%; }
summary { cursor: pointer; padding: .4rem 0; font-weight: 600; }
"""
_WORDS = """
<p>This page was made on your machine and is for your eyes. It marks lines that two notebooks share
and that neither the handed-out notebook nor the solutions of the course nor much of the class have.
Names, numbers, texts and comments do not count.</p>
<p><strong>It is no evidence of copying, and no number here would make it one.</strong></p>
<p>Short answers to one question are alike by nature. Two students who read the same page, asked the
same assistant, learned together as they may, or came over the same idea write the same lines. And
whoever copies and rewrites is not found. Read the code, and then talk with both: whoever
understands a line can say what happens if it changes.</p>
"""


class Shared(Protocol):
    """Two notebooks that share code, see ``similarity.Pair``."""

    @property
    def students(self) -> tuple[str, str]:
        """Who."""

    @property
    def shared(self) -> int:
        """Number of places that they share."""

    @property
    def share(self) -> float:
        """Share of the places of the shorter one."""

    @property
    def lines(self) -> tuple[frozenset[int], frozenset[int]]:
        """The lines of each that hold them."""


def page(
    title: str, codes: Mapping[str, str], pairs: Sequence[Shared], left_out: Sequence[str]
) -> str:
    """Return the page as HTML that needs nothing else.

    Args:
        title: Title of the homework.
        codes: Plain Python of each student.
        pairs: Notebooks that share code.
        left_out: What could not be compared.
    """
    heading = f"Shared code: {escape(title)}"
    rows = "".join(
        f'<tr><td><a href="#pair-{number}">{escape(" and ".join(pair.students))}</a></td>'
        f"<td>{pair.shared}</td><td>{pair.share:.0%}</td></tr>"
        for number, pair in enumerate(pairs, start=1)
    )
    table = (
        "<table><thead><tr><th>Notebooks</th><th>Places in common</th>"
        f"<th>of the shorter one</th></tr></thead><tbody>{rows}</tbody></table>"
        if pairs
        else "<p>No two notebooks share code that is not everybody's.</p>"
    )
    details = "".join(
        f'<details id="pair-{number}"><summary>{escape(" and ".join(pair.students))}</summary>'
        f'<div class="beside">{_code(pair, codes, 0)}{_code(pair, codes, 1)}</div></details>'
        for number, pair in enumerate(pairs, start=1)
    )
    missing = "".join(f"<li>{escape(one)}</li>" for one in left_out)
    missing = f"<h2>Not compared</h2><ul>{missing}</ul>" if missing else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<main><h1>{heading}</h1>{_WORDS}<p>{len(codes)} notebooks were compared.</p>{table}"
        f"<h2>Code beside code</h2>{details}{missing}</main></body></html>\n"
    )


def _code(pair: Shared, codes: Mapping[str, str], which: int) -> str:
    student, lines = pair.students[which], pair.lines[which]
    rows = [
        f"<mark>{escape(line) or ' '}</mark>" if number in lines else escape(line)
        for number, line in enumerate(codes[student].split("\n"), start=1)
    ]
    body = "\n".join(rows)
    return f'<div><h3>{escape(student)}</h3><pre tabindex="0">{body}</pre></div>'
