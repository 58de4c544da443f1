"""The claim ledger: what the papers claim, what we measured, and whether it reproduces.

``python -m nmcourse.claims`` prints it; ``python -m nmcourse.claims run N1`` measures a claim again
from nothing. In a chapter, ``box("N1")`` shows one claim, ``value("N1", "order.median")`` gives a
measured number, ``overview()`` is a table to filter, ``both_verdicts()`` has a column for each
verdict, ``table()`` is the whole ledger; ``comparisons()`` makes ratios of stored numbers. All of
these read; what judges and what measures is in ``nmcourse.claims.judging`` and
``nmcourse.claims.runner``.
"""

from nmcourse.claims.both_verdicts import BothVerdicts, both_verdicts
from nmcourse.claims.comparisons import Comparison, compared, comparisons
from nmcourse.claims.counting import Counts, InShort, Outcome, counts, in_short
from nmcourse.claims.display import Box, Legend, Table, box, table
from nmcourse.claims.ledger import Entry, entries, get, ids, number, results, summary, value
from nmcourse.claims.overview import MADE_BY, Overview, overview
from nmcourse.evidence import STATUSES, ClaimError, LedgerError, Results, Summary

__all__ = [
    "MADE_BY",
    "STATUSES",
    "BothVerdicts",
    "Box",
    "ClaimError",
    "Comparison",
    "Counts",
    "Entry",
    "InShort",
    "LedgerError",
    "Legend",
    "Outcome",
    "Overview",
    "Results",
    "Summary",
    "Table",
    "both_verdicts",
    "box",
    "compared",
    "comparisons",
    "counts",
    "entries",
    "get",
    "ids",
    "in_short",
    "number",
    "overview",
    "results",
    "summary",
    "table",
    "value",
]
