"""From results and rules to the ledger: nothing is typed in.

Value, spread, seeds and status come from the results through the rule of each claim.
``ledger.json`` keeps the outcome, so that a change of a rule, a record or a results file shows in a
diff and is never silent; ``check`` proves that both still agree.
"""

from __future__ import annotations

import json

from nmcourse._files import locked, write_bytes
from nmcourse.claims import ledger
from nmcourse.claims.ledger import Entry
from nmcourse.claims.statements import cordsnet_paper, eye, neurons, nm_rnn_paper, reviewers
from nmcourse.evidence import (
    Claim,
    ClaimError,
    Experiment,
    LedgerError,
    Results,
    Rule,
    read_results,
    results_path,
)
from nmcourse.experiments.registry import EXPERIMENTS, SUCCESSORS, by_claim

CLAIMS: tuple[Claim, ...] = (
    *nm_rnn_paper.CLAIMS,
    *reviewers.CLAIMS,
    *cordsnet_paper.CLAIMS,
    *neurons.CLAIMS,
    *eye.CLAIMS,
)

# What can be said of a claim whose ``published`` begins with "not published".
UNPUBLISHED = {"measured", "not decided"}


def judge(claim: Claim, experiment: Experiment | None, results: Results | None) -> Entry:
    """Join a claim with the results that settle it.

    Args:
        claim: What the paper says.
        experiment: The experiment that settles it; None if there is none yet.
        results: What it measured; None if it was not run.

    Raises:
        LedgerError: The rule cannot judge these results, or compares with a paper that published
            nothing.
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
    verdicts = {outcome.status, outcome.fair_status} - {""}
    if claim.published.startswith("not published") and not verdicts <= UNPUBLISHED:
        raise LedgerError(
            f"claim {claim.id}: nothing was published to compare with, so its status can be "
            f"{' or '.join(sorted(UNPUBLISHED))}, not {', '.join(sorted(verdicts - UNPUBLISHED))}"
        )
    return Entry(
        **about,
        measured=outcome.measured,
        seeds=outcome.seeds,
        spread=outcome.spread,
        status=outcome.status,
        caveats=(*outcome.caveats, rule.again) if rule.again else outcome.caveats,
        command=command(claim.id, results.tier),
        fair_status=outcome.fair_status,
        reason=outcome.reason,
        would_change=outcome.would_change,
        rule_age=_age(claim.id, rule, results),
        tier=results.tier,
        evidence=f"results/{experiment.name}.json",
        evidence_sha256=results.sha256,
    )


def _age(claim_id: str, rule: Rule, results: Results) -> str:
    """Whether the rule that decides today was there before the run."""
    if claim_id not in results.rules:
        return "not recorded"
    if results.rules[claim_id] != rule.fingerprint():
        return "after the results"
    if rule.again:
        return "after earlier results"
    return "amid the results" if rule.amid_results else "before the results"


def command(claim_id: str, tier: str = "cpu") -> str:
    """Return the command that measures a claim from nothing."""
    words = f"python -m nmcourse.claims run {claim_id}"
    return words if tier == "cpu" else f"{words} --tier {tier}"


def find(claim_id: str) -> Claim:
    """Return what the paper claims.

    Raises:
        ClaimError: There is no such claim.
    """
    for claim in CLAIMS:
        if claim.id == claim_id:
            return claim
    known = ", ".join(claim.id for claim in CLAIMS)
    raise ClaimError(f"no claim {claim_id!r} in the ledger; there are {known}")


def judge_again(claim: Claim) -> Entry:
    """Judge the stored results of a claim.

    Raises:
        LedgerError: The results are damaged, or the rule cannot judge them.
    """
    experiment = by_claim().get(claim.id)
    return judge(claim, experiment, read_results(experiment.name) if experiment else None)


def update() -> None:
    """Judge every claim again and write the outcome to ``ledger.json``.

    Processes that do so at the same time wait for each other: the last one sees all results.
    """
    with locked(ledger.FOLDER):
        lines = [judge_again(claim).as_dict() for claim in CLAIMS]
        text = json.dumps(lines, indent=1, ensure_ascii=False)
        write_bytes(ledger.ledger_path(), (text + "\n").encode())


def check() -> list[str]:
    """Judge every claim again and compare with ``ledger.json``.

    Returns:
        Each disagreement in words; empty if there is none.
    """
    try:
        stored = ledger.stored()
    except LedgerError as error:
        return [str(error)]
    known = [claim.id for claim in CLAIMS]
    problems = [f"claim {claim}: stored, but has no record" for claim in set(stored) - set(known)]
    for claim in CLAIMS:
        try:
            now = judge_again(claim).as_dict()
        except LedgerError as error:
            problems.append(str(error))
            continue
        if claim.id not in stored:
            problems.append(f"claim {claim.id}: not in {ledger.ledger_path().name}")
            continue
        before = stored[claim.id].as_dict()
        for key in now:
            if before[key] != now[key]:
                problems.append(
                    f"claim {claim.id}: {key} is stored as {before[key]!r}, "
                    f"but judged as {now[key]!r}"
                )
    files = {results_path(experiment.name) for experiment in (*EXPERIMENTS, *SUCCESSORS)}
    for file in sorted(results_path("any").parent.glob("*.json")):
        if file not in files:
            problems.append(f"results/{file.name} belongs to no experiment")
    return problems
