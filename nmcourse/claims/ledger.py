"""The claim ledger: what papers claim, joined with what was measured.

Nothing here is typed in: value, spread, seeds and status come from the results files through the
rule of each claim. ``ledger.json`` keeps the outcome of the last judgement, so that a change of a
rule, a record or a results file shows in a diff and is never silent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nmcourse._files import locked, write_bytes
from nmcourse.claims.statements import cordsnet_paper, nm_rnn_paper, reviewers
from nmcourse.evidence import store
from nmcourse.evidence.numbers import Summary, format_number
from nmcourse.evidence.record import Claim, ClaimError, Experiment, LedgerError
from nmcourse.evidence.store import Results, read_results, results_path
from nmcourse.experiments.registry import EXPERIMENTS, by_claim

CLAIMS: tuple[Claim, ...] = (
    *nm_rnn_paper.CLAIMS,
    *reviewers.CLAIMS,
    *cordsnet_paper.CLAIMS,
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
        status: A key of ``record.STATUSES``.
        caveats: What limits the measurement.
        command: The command that measures again from nothing; empty if there is none yet.
        chapter: The page that discusses the claim; empty if none does.
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
    tier: str = ""
    evidence: str = ""
    evidence_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON data."""
        return {**asdict(self), "caveats": list(self.caveats)}


def judge(claim: Claim, experiment: Experiment | None, results: Results | None) -> Entry:
    """Join a claim with the results that settle it.

    Args:
        claim: What the paper says.
        experiment: The experiment that settles it; None if there is none yet.
        results: What it measured; None if it was not run.

    Raises:
        LedgerError: The rule cannot judge these results.
    """
    rule = experiment.rules[claim.id] if experiment else None
    about = {
        "id": claim.id,
        "statement": claim.statement,
        "source": claim.source,
        "published": claim.published,
        "chapter": claim.chapter,
        "tolerance": rule.tolerance if rule else "not fixed yet",
        "rule": rule.rule if rule else "not fixed yet",
    }
    if experiment is None or rule is None or results is None:
        return Entry(
            **about,
            measured="not measured",
            seeds=0,
            spread="",
            status="not attempted",
            caveats=(),
            command=command(claim.id) if experiment else "",
        )
    try:
        outcome = rule.judge(results)
    except Exception as error:
        raise LedgerError(
            f"claim {claim.id}: its rule cannot judge the results of {experiment.name!r}: "
            f"{type(error).__name__}: {error}"
        ) from error
    return Entry(
        **about,
        measured=outcome.measured,
        seeds=outcome.seeds,
        spread=outcome.spread,
        status=outcome.status,
        caveats=outcome.caveats,
        command=command(claim.id, results.tier),
        tier=results.tier,
        evidence=f"results/{experiment.name}.json",
        evidence_sha256=results.sha256,
    )


def command(claim_id: str, tier: str = "cpu") -> str:
    """Return the command that measures a claim from nothing."""
    words = f"python -m nmcourse.claims run {claim_id}"
    return words if tier == "cpu" else f"{words} --tier {tier}"


def ids() -> tuple[str, ...]:
    """Return the ids of all claims."""
    return tuple(claim.id for claim in CLAIMS)


def find(claim_id: str) -> Claim:
    """Return what the paper claims.

    Raises:
        ClaimError: There is no such claim.
    """
    for claim in CLAIMS:
        if claim.id == claim_id:
            return claim
    raise ClaimError(f"no claim {claim_id!r} in the ledger; there are {', '.join(ids())}")


def get(claim_id: str) -> Entry:
    """Return one line of the ledger.

    Raises:
        ClaimError: There is no such claim.
        LedgerError: Its results are damaged.
    """
    claim, experiment = find(claim_id), by_claim().get(claim_id)
    return judge(claim, experiment, read_results(experiment.name) if experiment else None)


def entries(claim_ids: Iterable[str] | None = None) -> list[Entry]:
    """Return lines of the ledger.

    Args:
        claim_ids: Which claims; all of them by default.
    """
    return [get(claim_id) for claim_id in (ids() if claim_ids is None else claim_ids)]


def results(claim_id: str) -> Results:
    """Return everything that was measured for a claim.

    Raises:
        ClaimError: There is no such claim, or it was not measured.
    """
    find(claim_id)
    experiment = by_claim().get(claim_id)
    found = read_results(experiment.name) if experiment else None
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


def ledger_path() -> Path:
    """Return where the outcome of the last judgement is kept."""
    return FOLDER / "ledger.json"


def update() -> None:
    """Judge every claim again and write the outcome to ``ledger.json``.

    Processes that do so at the same time wait for each other: the last one sees all results.
    """
    with locked(FOLDER):
        text = json.dumps([entry.as_dict() for entry in entries()], indent=1, ensure_ascii=False)
        write_bytes(ledger_path(), (text + "\n").encode())


def check() -> list[str]:
    """Judge every claim again and compare with ``ledger.json``.

    Returns:
        Each disagreement in words; empty if there is none.
    """
    path = ledger_path()
    try:
        stored = {entry["id"]: entry for entry in json.loads(path.read_bytes())}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        return [f"{path} cannot be read: {type(error).__name__}: {error}"]
    problems = [f"claim {claim}: stored, but has no record" for claim in set(stored) - set(ids())]
    for claim in ids():
        try:
            now = get(claim).as_dict()
        except LedgerError as error:
            problems.append(str(error))
            continue
        if claim not in stored:
            problems.append(f"claim {claim}: not in {path.name}")
            continue
        for key in now:
            if stored[claim].get(key) != now[key]:
                problems.append(
                    f"claim {claim}: {key} is stored as {stored[claim].get(key)!r}, "
                    f"but judged as {now[key]!r}"
                )
    known = {results_path(experiment.name).name for experiment in EXPERIMENTS}
    for file in sorted(store.FOLDER.glob("*.json")):
        if file.name not in known:
            problems.append(f"results/{file.name} belongs to no experiment")
    return problems
