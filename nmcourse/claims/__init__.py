"""The claim ledger: what the papers claim, what we measured, and whether it reproduces.

``python -m nmcourse.claims`` prints it; ``python -m nmcourse.claims run N1`` measures a claim again
from nothing. In a chapter, ``box("N1")`` shows one claim, ``value("N1", "order.median")`` gives a
measured number, and ``table()`` the whole ledger.
"""

from nmcourse.claims.display import Box, Legend, Table, box, table
from nmcourse.claims.ledger import (
    Entry,
    check,
    entries,
    get,
    ids,
    number,
    results,
    summary,
    update,
    value,
)
from nmcourse.claims.runner import run
from nmcourse.evidence.numbers import Summary
from nmcourse.evidence.record import (
    STATUSES,
    Claim,
    ClaimError,
    Experiment,
    Judgement,
    LedgerError,
    Results,
    Rule,
)

__all__ = [
    "STATUSES",
    "Box",
    "Claim",
    "ClaimError",
    "Entry",
    "Experiment",
    "Judgement",
    "LedgerError",
    "Legend",
    "Results",
    "Rule",
    "Summary",
    "Table",
    "box",
    "check",
    "entries",
    "get",
    "ids",
    "number",
    "results",
    "run",
    "summary",
    "table",
    "update",
    "value",
]
