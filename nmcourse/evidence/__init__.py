"""How a measurement is written down: records, numbers, and results on disk.

An experiment (``nmcourse.experiments``) writes with it; the ledger (``nmcourse.claims``) reads.
"""

from nmcourse.evidence.numbers import Summary, format_number, ratio_of_medians, summarise
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
from nmcourse.evidence.store import plain, read_results, remember, results_path, write_results

__all__ = [
    "STATUSES",
    "Claim",
    "ClaimError",
    "Experiment",
    "Judgement",
    "LedgerError",
    "Results",
    "Rule",
    "Summary",
    "format_number",
    "plain",
    "ratio_of_medians",
    "read_results",
    "remember",
    "results_path",
    "summarise",
    "write_results",
]
