"""Measure a claim again from nothing, and go on where a killed run stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from nmcourse._files import Busy, locked, user_path
from nmcourse.claims.judging import command, find, judge, update
from nmcourse.claims.ledger import Entry
from nmcourse.evidence import (
    ClaimError,
    Experiment,
    read_results,
    remember,
    results_path,
    write_results,
)
from nmcourse.experiments.image_sets import IMAGES, fetching, needed_by, set_in_words
from nmcourse.experiments.registry import by_claim, own_option
from nmcourse.training import TIERS


def run(
    claim_id: str,
    *,
    tier: str = "cpu",
    resume_dir: str | Path = "runs",
    fresh: bool = False,
    at_published_budget: bool = False,
    at_course_budget: bool = False,
) -> list[Entry]:
    """Run the experiment that settles a claim, and judge every claim that it settles.

    A run that was killed goes on where it stopped; a run that had finished starts from nothing.
    The ledger holds what was measured at the tier cpu. The smoke tier only shows that the code
    works, and the tier gpu runs the experiment at the scale of its paper: their results stay in
    ``resume_dir``, and are judged by the same rules.

    Args:
        claim_id: Such as "N1".
        tier: "smoke", "cpu" or "gpu".
        resume_dir: Unfinished work is kept in ``resume_dir/<experiment>/<tier>``.
        fresh: Throw unfinished work away first.
        at_published_budget: Run the experiment at the budget of the paper that takes the claim
            over when its results are there; at the tier gpu it is run unless the next one is given.
        at_course_budget: Run the experiment that settled the claim first, also where another one
            has taken the claim over.

    Returns:
        The lines of the ledger for all claims of that experiment.

    Raises:
        ValueError: ``tier`` is unknown, or the experiment has no settings for it.
        ClaimError: There is no such claim, no such experiment for it, or another process is
            running it in the same folder.
    """
    if tier not in TIERS:
        raise ValueError(f"tier must be one of {', '.join(TIERS)}, got {tier!r}")
    find(claim_id)
    published = (at_published_budget or tier == "gpu") and not at_course_budget
    experiment = _experiment(claim_id, published, at_course_budget)
    if experiment is None and at_course_budget:
        raise ClaimError(f"claim {claim_id} has no experiment at the budget of this course")
    if experiment is None:
        raise ClaimError(f"claim {claim_id} has no experiment yet: its status is 'not attempted'")
    if tier not in experiment.tiers:
        raise ValueError(
            f"tier must be one of {', '.join(experiment.tiers)} for claim {claim_id}: its "
            f"experiment, {experiment.name}, has no settings for {tier!r}"
        )
    run_dir = user_path(resume_dir, "resume_dir") / experiment.name / tier
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        with locked(run_dir.with_name(f"{tier}.lock"), wait=False), _said(tier):
            return _run(experiment, tier, run_dir, fresh)
    except Busy:
        raise ClaimError(
            f"another process is running {experiment.name} in {run_dir}: wait for it, or name "
            "another folder for unfinished work"
        ) from None


def images_needed() -> str:
    """Which claims need images that a reader has to have, as a text; from what experiments say.

    The flag ``--published-budget`` stands where another experiment is then run, which needs them.
    """
    plain = {claim: needed_by(experiment) for claim, experiment in by_claim().items()}
    commands = {f"run {claim}": names for claim, names in plain.items() if names}
    for claim, experiment in by_claim(at_published_budget=True).items():
        if (names := needed_by(experiment)) != plain.get(claim, ()):
            commands[f"run {claim} --published-budget"] = names
    sets = sorted({name for names in commands.values() for name in names}, key=set_in_words)
    wide = max(map(len, commands), default=0)
    lines = [
        f"{command:{wide}}  {', '.join(map(set_in_words, commands[command])) or 'none'}"
        for command in sorted(commands, key=_in_order)
    ]
    lines += ["", f"They are read from the folder that {IMAGES} names. To put them into data:", ""]
    lines += [f"{set_in_words(name):{wide}}  {fetching(name, 'data')}" for name in sets]
    return "\n".join(lines)


def _in_order(command: str) -> tuple[str, int, str]:
    """``run C2`` before ``run C15``."""
    claim = command.split()[1]
    return claim[:1], int(claim[1:]), command


def _experiment(
    claim_id: str, at_published_budget: bool, at_course_budget: bool
) -> Experiment | None:
    found = by_claim(at_published_budget=at_published_budget, at_course_budget=at_course_budget)
    return found.get(claim_id)


@contextlib.contextmanager
def _said(tier: str) -> Iterator[None]:
    """Name the tier for all that trains, in other processes too: it says on which device."""
    before = os.environ.get("NMCOURSE_TIER")
    os.environ["NMCOURSE_TIER"] = tier
    try:
        yield
    finally:
        del os.environ["NMCOURSE_TIER"]
        if before is not None:
            os.environ["NMCOURSE_TIER"] = before


def _run(experiment: Experiment, tier: str, run_dir: Path, fresh: bool) -> list[Entry]:
    finished = run_dir / "finished"
    if run_dir.exists() and (fresh or finished.exists()):
        shutil.rmtree(run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)

    # Kept from the first start on: a rule that changes while the run goes on is then noticed.
    rules = remember(
        run_dir / "rules.json",
        lambda: {claim: rule.fingerprint() for claim, rule in experiment.rules.items()},
        {"experiment": experiment.name},
    )
    outcome = experiment.run(tier, run_dir)
    path = results_path(experiment.name) if tier == "cpu" else run_dir / "results.json"
    again = command(min(experiment.rules), tier) + own_option(experiment)
    write_results(experiment.name, outcome, tier=tier, command=again, path=path, rules=rules)
    results = read_results(experiment.name, path=path)
    lines = [judge(find(claim), experiment, results) for claim in experiment.rules]
    if tier == "cpu":
        update()
    finished.touch()
    return lines
