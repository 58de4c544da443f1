"""How claims look: the "Is it true?" box of a chapter, and the ledger page.

Both bring their own style, take text and background colours from the page around them (light or
dark), and tell a status by a sign and a word, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from nmcourse.claims.ledger import Entry, entries, get
from nmcourse.evidence import STATUSES

SIGNS = {
    "reproduced": "✔",
    "partly": "◐",
    "not reproduced": "✘",
    "measured": "●",
    "not decided": "◇",
    "not attempted": "○",
}
_WORDS = {"partly": "partly reproduced"}
# Border colours, at least 3:1 on white and on the dark page; the text keeps the page's colour.
_COLOURS = {
    "reproduced": "#1a8f6c",
    "partly": "#b07a10",
    "not reproduced": "#d1495b",
    "measured": "#4a7fc1",
    "not decided": "#8a63b8",
    "not attempted": "#808080",
}
# What a reader is told about the age of a rule; nothing where nothing was measured.
_AGES = {
    "": "",
    "before the results": "before the run began",
    "amid the results": "while the run went on: a part of its results had been seen, see Caveats",
    "after earlier results": "when earlier results were known, see Caveats",
    "after the results": "after the results were known: it was changed since",
    "not recorded": "not recorded: these results are older than the fingerprints of rules",
}
_COLUMNS = ("Status", "What is claimed", "What we measured")
_STYLE = """<style>
.nm-claims { color: inherit; font-size: 1rem; line-height: 1.45; text-align: left; }
.nm-claims summary { cursor: pointer; font-weight: 600; }
.nm-claims p { margin: 0 0 .4rem; }
.nm-claims code { overflow-wrap: anywhere; white-space: normal; }
.nm-claims .nm-status { font-weight: 600; }
.nm-box { border: 1px solid rgba(128,128,128,.45); border-left-width: .35rem; border-radius: .3rem;
  padding: .7rem 1rem; background: rgba(128,128,128,.08); max-width: 48rem; }
.nm-box dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; }
.nm-box dt { font-weight: 600; margin: 0; }
.nm-box dd { margin: 0; min-width: 0; }
.nm-ledger table { border-collapse: collapse; width: 100%; margin: 0; font-size: .9rem; }
.nm-ledger caption { text-align: left; padding: .3rem 0; caption-side: top; color: inherit; }
.nm-ledger th, .nm-ledger td { vertical-align: top; text-align: left; padding: .5rem .6rem;
  border-bottom: 1px solid rgba(128,128,128,.45); color: inherit; background: none; }
.nm-ledger thead th { border-bottom-width: 2px; }
.nm-ledger tbody th { font-weight: 600; white-space: nowrap; }
@media (min-width: 721px) {
  .nm-ledger td:nth-of-type(1) { min-width: 9rem; }
  .nm-ledger td:nth-of-type(2) { width: 32%; }
  .nm-ledger td:nth-of-type(3) { width: 52%; }
}
@media (max-width: 720px) {
  .nm-box dl { grid-template-columns: 1fr; gap: 0; }
  .nm-box dd { margin-bottom: .4rem; }
  .nm-ledger table, .nm-ledger caption, .nm-ledger tbody, .nm-ledger tr, .nm-ledger th,
  .nm-ledger tbody td { display: block; width: auto; }
  .nm-ledger thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%); }
  .nm-ledger tr { border: 1px solid rgba(128,128,128,.45); border-radius: .3rem;
    margin: 0 0 1rem; padding: .4rem .2rem; }
  .nm-ledger th, .nm-ledger td { border: 0; padding: .25rem .6rem; }
  .nm-ledger td::before { content: attr(data-label); display: block; font-weight: 600; }
}
</style>"""


def style() -> str:
    """Return the style of boxes and tables, for others that look like them."""
    return _STYLE


def status_text(status: str) -> str:
    """Return a status as sign and words, such as "◐ partly reproduced"."""
    return f"{SIGNS[status]}\N{NO-BREAK SPACE}{_WORDS.get(status, status)}"


def verdict(entry: Entry) -> str:
    """Return the status of a claim, or both: as published, and under a fair control."""
    if not entry.fair_status:
        return status_text(entry.status)
    return (
        f"as published {status_text(entry.status)}; "
        f"under a fair control {status_text(entry.fair_status)}"
    )


def verdict_html(entry: Entry) -> str:
    """Return the verdict for a narrow column: two verdicts stand one below the other."""
    return escape(verdict(entry)).replace("; ", ";<br>")


def seeds_text(entry: Entry) -> str:
    """Return the number of seeds in words; empty if nothing was measured."""
    if not entry.evidence:
        return ""
    if entry.seeds == 0:
        return "deterministic, no seeds"
    return "1 seed" if entry.seeds == 1 else f"{entry.seeds} seeds"


def chapter_title(chapter: str) -> str:
    """Return the title of a page from its path."""
    return chapter.rsplit("/", 1)[-1].replace("_", " ").capitalize()


@dataclass(frozen=True)
class Box:
    """The "Is it true?" box of one claim. As the last value of a cell it displays itself."""

    entry: Entry

    def rows(self) -> list[tuple[str, str]]:
        """Label and text of each line; lines without text are left out."""
        entry = self.entry
        rows = [
            ("Claim", entry.statement),
            ("Published", f"{entry.published} ({entry.source})"),
            ("Measured here", entry.measured),
            ("Spread", entry.spread),
            ("Seeds", seeds_text(entry)),
            ("Judged by", entry.rule),
            ("Caveats", " ".join(entry.caveats)),
            ("Status", verdict(entry)),
            ("Not decided since", entry.reason),
            ("Would change it", entry.would_change),
            ("Rule fixed", _AGES[entry.rule_age]),
            ("Again with", entry.command),
        ]
        return [(label, text) for label, text in rows if text]

    def _repr_html_(self) -> str:
        lines = []
        for label, text in self.rows():
            shown = _code(text) if label == "Again with" else escape(text)
            css = ' class="nm-status"' if label == "Status" else ""
            lines.append(f"<dt>{label}</dt><dd{css}>{shown}</dd>")
        title = f"Is it true? Claim {escape(self.entry.id)}"
        return (
            f'{_STYLE}<div class="nm-claims nm-box" role="region" aria-label="{title}" '
            f'style="border-left-color: {_COLOURS[self.entry.status]}">'
            f"<p><strong>{title}</strong></p><dl>{''.join(lines)}</dl></div>"
        )

    def _repr_markdown_(self) -> str:
        lines = [f"**Is it true? Claim {self.entry.id}**", ""]
        for label, text in self.rows():
            lines.append(f"- **{label}:** " + (f"`{text}`" if label == "Again with" else text))
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        rows = [f"  {label}: {text}" for label, text in self.rows()]
        return "\n".join([f"Is it true? Claim {self.entry.id}", *rows])


@dataclass(frozen=True)
class Table:
    """Lines of the ledger as a table; on a narrow screen each line becomes a card."""

    entries: tuple[Entry, ...]
    caption: str

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col" role="columnheader">{text}</th>' for text in ("Claim", *_COLUMNS)
        )
        rows = "".join(_table_row(entry) for entry in self.entries)
        return (
            f'{_STYLE}<div class="nm-claims nm-ledger"><table role="table">'
            f'<caption>{escape(self.caption)}</caption><thead role="rowgroup"><tr role="row">'
            f'{head}</tr></thead><tbody role="rowgroup">{rows}</tbody></table></div>'
        )

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        lines = [self.caption]
        for entry in self.entries:
            lines.append(f"{entry.id:4} {verdict(entry):21} {entry.statement}")
            if entry.evidence:
                seeds = seeds_text(entry)
                lines.append(f"{'':27}{entry.measured}; {entry.spread} ({seeds})")
            if entry.command:
                lines.append(f"{'':27}{entry.command}")
        return "\n".join(lines)


def _table_row(entry: Entry) -> str:
    """One line of the ledger as a row; ``data-label`` names each cell when rows become cards."""
    paper = _paragraphs(
        ("", entry.statement), ("Published: ", entry.published), ("Source: ", entry.source)
    )
    if entry.chapter:
        address = entry.chapter.removeprefix("book/") + ".html"
        paper += f'<p>See <a href="{address}">{escape(chapter_title(entry.chapter))}</a>.</p>'
    measured = _paragraphs(
        ("", entry.measured),
        ("Spread: ", entry.spread),
        ("Seeds: ", seeds_text(entry)),
        ("Caveats: ", " ".join(entry.caveats)),
        ("Not decided since: ", entry.reason),
        ("What would change it: ", entry.would_change),
    )
    if entry.evidence:
        rule = _paragraphs(
            ("Tolerance: ", entry.tolerance),
            ("Rule: ", entry.rule),
            ("Rule fixed: ", _AGES[entry.rule_age]),
        )
        measured += f"<details><summary>How it was judged</summary>{rule}</details>"
    if entry.command:
        measured += f"<p><strong>Again with: </strong>{_code(entry.command)}</p>"
    status = f'<span class="nm-status">{verdict_html(entry)}</span>'
    body = "".join(
        f'<td role="cell" data-label="{label}">{cell}</td>'
        for label, cell in zip(_COLUMNS, (status, paper, measured), strict=True)
    )
    return (
        f'<tr role="row" id="claim-{escape(entry.id)}"><th scope="row" role="rowheader" '
        f'style="border-left: .35rem solid {_COLOURS[entry.status]}">{escape(entry.id)}</th>'
        f"{body}</tr>"
    )


@dataclass(frozen=True)
class Legend:
    """What each status means, as a list."""

    def _repr_html_(self) -> str:
        items = "".join(
            f'<dt class="nm-status">{escape(status_text(status))}</dt><dd>{escape(meaning)}</dd>'
            for status, meaning in STATUSES.items()
        )
        return f'{_STYLE}<div class="nm-claims nm-box"><dl>{items}</dl></div>'

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        return "\n".join(f"{status_text(status)}: {text}" for status, text in STATUSES.items())


def box(claim_id: str) -> Box:
    """Return the "Is it true?" box of a claim.

    Raises:
        ClaimError: There is no such claim.
    """
    return Box(get(claim_id))


def table(claim_ids: Iterable[str] | None = None) -> Table:
    """Return the ledger as a table.

    Args:
        claim_ids: Which claims; all of them by default.

    Raises:
        ClaimError: There is no such claim.
    """
    lines = tuple(entries(claim_ids))
    counts = [
        f"{count} {_WORDS.get(status, status)}"
        for status in STATUSES
        if (count := sum(entry.status == status for entry in lines))
    ]
    return Table(lines, f"Claim ledger, {len(lines)} claims: {', '.join(counts)}")


def _paragraphs(*parts: tuple[str, str]) -> str:
    return "".join(
        f"<p>{f'<strong>{label}</strong>' if label else ''}{escape(text)}</p>"
        for label, text in parts
        if text
    )


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
