"""All claims in one short table, which the reader can filter by status, paper and chapter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from nmcourse.claims.counting import PAPERS
from nmcourse.claims.display import (
    chapter_title,
    status_text,
    style,
    verdict,
    verdict_html,
)
from nmcourse.claims.ledger import Entry, entries

#: First letter of a claim, and who makes it.
MADE_BY = PAPERS | {"R": "Reviewers of both papers", "F": "This course"}
_COLUMNS = ("Status", "What is claimed", "Made by", "Chapter")
_STYLE = """<style>
.nm-overview form { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: end;
  margin: 0 0 .6rem; }
.nm-overview form[hidden], .nm-overview tr[hidden] { display: none; }
.nm-overview label { display: flex; flex-direction: column; font-size: .85rem; margin: 0;
  min-width: 0; }
.nm-overview select, .nm-overview button { font: inherit; color: inherit; background: none;
  border: 1px solid currentColor; border-radius: .25rem; padding: .2rem .4rem; max-width: 100%; }
.nm-overview option { color: #000; background: #fff; }
@media (min-width: 721px) {
  /* Two classes: the style of the records, which comes later on the page, has one. */
  .nm-ledger.nm-overview td:nth-of-type(n+1) { width: auto; }
  .nm-ledger.nm-overview td:nth-of-type(2) { width: 46%; }
}
</style>"""


@dataclass(frozen=True)
class Overview:
    """One row for each claim; its id leads to the record, where the page has it."""

    entries: tuple[Entry, ...]

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col" role="columnheader">{text}</th>' for text in ("Claim", *_COLUMNS)
        )
        statuses = [status for entry in self.entries for status in _statuses(entry)]
        form = "".join(
            _choice(label, name, values)
            for label, name, values in (
                ("Status", "status", {one: status_text(one) for one in statuses}),
                ("Made by", "paper", {made_by(e): made_by(e) for e in self.entries}),
                (
                    "Chapter",
                    "chapter",
                    {e.chapter: chapter_title(e.chapter) for e in self.entries if e.chapter},
                ),
            )
        )
        return (
            f'{style()}{_STYLE}<div class="nm-claims nm-ledger nm-overview" id="nm-overview">'
            f'<form hidden aria-label="Filter the claims">{form}'
            '<button type="reset">Show all</button><output></output></form>'
            '<table role="table"><caption>All claims; each id leads to its record</caption>'
            f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
            f'<tbody role="rowgroup">{"".join(map(_row, self.entries))}</tbody></table></div>'
            f'<script>{_script()}nmOverview("nm-overview");</script>'
        )

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        return "\n".join(f"{e.id:4} {verdict(e):21} {e.statement}" for e in self.entries)


def made_by(entry: Entry) -> str:
    """Return who makes a claim: one of the papers, the reviewers, or (any other) this course."""
    return MADE_BY.get(entry.id[0], MADE_BY["F"])


def overview(claim_ids: Iterable[str] | None = None) -> Overview:
    """Return the claims as a table that the reader can filter.

    Args:
        claim_ids: Which claims; all of them by default.

    Raises:
        ClaimError: There is no such claim.
    """
    return Overview(tuple(entries(claim_ids)))


@cache
def _script() -> str:
    return Path(__file__).with_name("overview.js").read_text(encoding="utf-8")


def _statuses(entry: Entry) -> list[str]:
    """Both verdicts: a claim is found under either."""
    return [status for status in (entry.status, entry.fair_status) if status]


def _choice(label: str, name: str, values: dict[str, str]) -> str:
    options = "".join(
        f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in values.items()
    )
    return (
        f'<label>{label}<select name="{name}"><option value="">all</option>{options}</select>'
        "</label>"
    )


def _row(entry: Entry) -> str:
    chapter = ""
    if entry.chapter:
        address = entry.chapter.removeprefix("book/") + ".html"
        chapter = f'<a href="{address}">{escape(chapter_title(entry.chapter))}</a>'
    texts = (verdict_html(entry), escape(entry.statement), escape(made_by(entry)), chapter)
    cells = "".join(
        f'<td role="cell" data-label="{label}">{text}</td>'
        for label, text in zip(_COLUMNS, texts, strict=True)
    )
    return (
        f'<tr role="row" data-status="{"|".join(_statuses(entry))}" '
        f'data-paper="{escape(made_by(entry))}" data-chapter="{escape(entry.chapter)}">'
        f'<th scope="row" role="rowheader"><a href="#claim-{escape(entry.id)}">'
        f"{escape(entry.id)}</a></th>{cells}</tr>"
    )
