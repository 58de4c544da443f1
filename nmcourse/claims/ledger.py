"""The claim ledger: what papers claim, joined with what was measured.

``ledger.json`` holds the outcome of the last judgement (``judging.update`` writes it), one line for
each claim. Here it is read; no experiment is loaded and nothing is judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from nmcourse.evidence import (
    ClaimError,
    LedgerError,
    Results,
    Summary,
    format_number,
    read_results,
)

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        id: Short name, such as "N1".
        statement: The claim in our own words.
        source: Paper, with figure or equation.
        published: The published value, a claim in words, or "not published".
        measured: Our value; "not measured" if there is none.
        seeds: Number of seeds; 0 for a deterministic claim, and where nothing was measured.
        spread: How far our value varies.
        tolerance: What still counts as agreement; "not fixed yet" for a claim not attempted.
        rule: When the claim counts as reproduced, in words.
        status: A key of ``evidence.STATUSES``: the claim as published.
        caveats: What limits the measurement.
        command: The command that measures again from nothing; empty if there is none yet.
        chapter: The page that discusses the claim; empty if none does.
        fair_status: The same for the claim under a fair control; empty where there is none.
        reason: Why a claim is not decided; empty where it is.
        would_change: What would change this verdict; empty for a claim not attempted.
        rule_age: "before the results", "amid the results", "after earlier results" (the same was
            measured again), "after the results" or "not recorded": whether the rule that decides
            today is the one that was fixed when the run began, and what had been seen by then;
            empty without results.
        tier: The tier the results were made at; empty without results.
        evidence: Results file, relative to ``nmcourse/evidence``; empty without results.
        evidence_sha256: SHA-256 of that file.
    """

    id: str
    statement: str
    source: str
    published: str
    measured: str
    seeds: int
    spread: str
    tolerance: str
    rule: str
    status: str
    caveats: tuple[str, ...]
    command: str
    chapter: str
    fair_status: str = ""
    reason: str = ""
    would_change: str = ""
    rule_age: str = ""
    tier: str = ""
    evidence: str = ""
    evidence_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON data."""
        return {**asdict(self), "caveats": list(self.caveats)}


def ledger_path() -> Path:
    """Return where the outcome of the last judgement is kept."""
    return FOLDER / "ledger.json"


def stored() -> dict[str, Entry]:
    """Return all lines of the ledger by claim, in their order.

    Raises:
        LedgerError: The file is damaged.
    """
    path = ledger_path()
    known = {field.name for field in fields(Entry)}
    try:
        lines = json.loads(path.read_bytes())
        for line in lines:
            if set(line) != known:
                raise ValueError(f"{line.get('id')}: fields {sorted(set(line) ^ known)}")
        return {line["id"]: Entry(**line | {"caveats": tuple(line["caveats"])}) for line in lines}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LedgerError(f"{path} cannot be read: {type(error).__name__}: {error}") from None


def ids() -> tuple[str, ...]:
    """Return the ids of all claims."""
    return tuple(stored())


def get(claim_id: str) -> Entry:
    """Return one line of the ledger.

    Raises:
        ClaimError: There is no such claim.
        LedgerError: The ledger is damaged.
    """
    (entry,) = entries([claim_id])
    return entry


def entries(claim_ids: Iterable[str] | None = None) -> list[Entry]:
    """Return lines of the ledger.

    Args:
        claim_ids: Which claims; all of them by default.

    Raises:
        ClaimError: There is no such claim.
        LedgerError: The ledger is damaged.
    """
    lines = stored()
    wanted = list(lines) if claim_ids is None else list(claim_ids)
    for claim_id in wanted:
        if claim_id not in lines:
            raise ClaimError(f"no claim {claim_id!r} in the ledger; there are {', '.join(lines)}")
    return [lines[claim_id] for claim_id in wanted]


def results(claim_id: str) -> Results:
    """Return everything that was measured for a claim.

    Raises:
        ClaimError: There is no such claim, or it was not measured.
        LedgerError: The ledger or the results are damaged.
    """
    evidence = get(claim_id).evidence
    found = read_results(Path(evidence).stem) if evidence else None
    if found is None:
        raise ClaimError(f"claim {claim_id} has no results yet")
    return found


def value(claim_id: str, path: str) -> Any:
    """Return a measured number, or a list of them, for use in a chapter.

    Args:
        claim_id: Such as "N8".
        path: Such as "nm_rnn.extrapolated.median": see ``Results.value``.

    Raises:
        ClaimError: There is no such claim, no result yet, or nothing at ``path``.
    """
    return results(claim_id).value(path)


def number(claim_id: str, path: str, digits: int = 2) -> str:
    """Return a measured number as text, written as everywhere in the course.

    Raises:
        ClaimError: As for ``value``, or the path ends at something that is not one number.
    """
    found = value(claim_id, path)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
        raise ClaimError(f"claim {claim_id}: {path!r} is not one number but {found!r}")
    return format_number(found, digits)


def summary(claim_id: str, path: str) -> Summary:
    """Return median, quartiles and outliers of a list with one number per seed.

    Raises:
        ClaimError: As for ``value``, or there is no such list at ``path``.
    """
    return results(claim_id).summary(path)
