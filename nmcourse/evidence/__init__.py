"""How a measurement is written down: records, numbers, and results on disk.

An experiment (``nmcourse.experiments``) writes with it; the ledger (``nmcourse.claims``) reads.
"""

from nmcourse.evidence.numbers import Summary, format_number, ratio_of_medians, summarise
from nmcourse.evidence.pairs import Interval, larger, no_larger, paired_interval
from nmcourse.evidence.power import (
    ENOUGH,
    fisher_power,
    majority_power,
    most,
    pairs_power,
    rank_sum_power,
)
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
from nmcourse.evidence.verdicts import as_one, combined, every, expected

__all__ = [
    "ENOUGH",
    "STATUSES",
    "Claim",
    "ClaimError",
    "Experiment",
    "Interval",
    "Judgement",
    "LedgerError",
    "Results",
    "Rule",
    "Summary",
    "as_one",
    "combined",
    "every",
    "expected",
    "fisher_power",
    "format_number",
    "larger",
    "majority_power",
    "most",
    "no_larger",
    "paired_interval",
    "pairs_power",
    "plain",
    "rank_sum_power",
    "ratio_of_medians",
    "read_results",
    "remember",
    "results_path",
    "summarise",
    "write_results",
]
