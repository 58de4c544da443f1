"""Both verdicts of many claims on one page: as published, and under a fair control."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from nmcourse.claims.display import status_text, style
from nmcourse.claims.ledger import Entry, entries

_STYLE = """<style>
@media (min-width: 721px) {
  .nm-both td:nth-of-type(n+1) { width: auto; }
  .nm-both td:nth-of-type(1) { width: 58%; }
}
</style>"""
NO_CONTROL = "–"  # the published comparison is fair already, or no other was made


@dataclass(frozen=True)
class BothVerdicts:
    """One row for each claim.

    Attributes:
        entries: the claims.
        ledger: address of the ledger, seen from the page.
    """

    entries: tuple[Entry, ...]
    ledger: str

    @property
    def standing(self) -> Counter[str]:
        """How many claims have which last word, that of the fair control where there is one."""
        return Counter(entry.fair_status or entry.status for entry in self.entries)

    def _repr_html_(self) -> str:
        columns = ("Claim", "What is claimed", "As published", "Under a fair control")
        head = "".join(f'<th scope="col" role="columnheader">{text}</th>' for text in columns)
        rows = "".join(self._row(entry, columns[1:]) for entry in self.entries)
        return (
            f'{style()}{_STYLE}<div class="nm-claims nm-ledger nm-both"><table role="table">'
            f"<caption>{len(self.entries)} claims; each id leads to its record</caption>"
            f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
            f'<tbody role="rowgroup">{rows}</tbody></table></div>'
        )

    def _row(self, entry: Entry, columns: tuple[str, ...]) -> str:
        texts = (entry.statement, *_verdicts(entry))
        cells = "".join(
            f'<td role="cell" data-label="{label}">{escape(text)}</td>'
            for label, text in zip(columns, texts, strict=True)
        )
        return (
            f'<tr role="row"><th scope="row" role="rowheader">'
            f'<a href="{escape(self.ledger)}#claim-{escape(entry.id)}">{escape(entry.id)}</a></th>'
            f"{cells}</tr>"
        )

    def __repr__(self) -> str:
        """Plain text, for a terminal."""
        return "\n".join(
            f"{e.id:4} {' / '.join(_verdicts(e)):42} {e.statement}" for e in self.entries
        )


def both_verdicts(
    claim_ids: Iterable[str] | None = None, *, ledger: str = "../claims.html"
) -> BothVerdicts:
    """Return claims with both verdicts, as a table.

    Args:
        claim_ids: which claims; all of them by default.
        ledger: address of the page with the records, seen from the page with the table.

    Raises:
        ClaimError: there is no such claim.
    """
    return BothVerdicts(tuple(entries(claim_ids)), ledger)


def _verdicts(entry: Entry) -> tuple[str, str]:
    fair = status_text(entry.fair_status) if entry.fair_status else NO_CONTROL
    return status_text(entry.status), fair
