"""What a claim is, how it is settled, and what came of it.

Four things are kept apart on purpose. A ``Claim`` is what a paper says. A ``Rule``, written beside
the experiment, says before any number is seen when the claim counts as reproduced. ``Results`` are
what the experiment measured. A ``Judgement`` is what the rule makes of them; nobody types it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nmcourse.evidence.fingerprint import fingerprint
from nmcourse.evidence.numbers import Summary, summarise

STATUSES = {
    "reproduced": "the measurement agrees with the claim within the tolerance",
    "partly": "a part of the claim holds; the measurement says which",
    "not reproduced": "the measurement contradicts the claim",
    "measured": "the papers publish nothing to compare with; here is a number",
    "not decided": "the experiment could not decide; the reason stands beside it",
    "not attempted": "this course has not measured it yet",
}
_WORDS = ("median", "lower_quartile", "upper_quartile", "minimum", "maximum", "mean", "count")


class ClaimError(KeyError):
    """A claim, or a measured number of it, that does not exist."""

    def __str__(self) -> str:
        """The message itself; a plain KeyError would put it in quotation marks."""
        return str(self.args[0]) if self.args else ""


class LedgerError(RuntimeError):
    """Results or a stored ledger that are damaged or do not agree with each other."""


@dataclass(frozen=True)
class Claim:
    """What a paper claims.

    Attributes:
        id: Short name, such as "N1".
        statement: The claim in our own words.
        source: Paper, with figure or equation.
        published: The published value, a claim in words, or "not published".
        chapter: Page that discusses it, such as "book/dynamics/rate_networks"; empty if none does.
    """

    id: str
    statement: str
    source: str
    published: str
    chapter: str = ""


@dataclass(frozen=True)
class Results:
    """What one experiment measured.

    Attributes:
        metrics: Nested mappings that end in numbers or in lists with one entry per seed.
        config: Settings of the experiment.
        experiment: Its name.
        tier: "smoke", "cpu" or "gpu".
        command: The command that makes these results again.
        versions: Versions of Python and of the packages that made them.
        rules: Claim id -> fingerprint of its rule when the run began; empty for results that are
            older than fingerprints.
        sha256: SHA-256 of the file; empty for results that were never written.
    """

    metrics: dict[str, Any]
    config: dict[str, Any]
    experiment: str = ""
    tier: str = "cpu"
    command: str = ""
    versions: dict[str, str] | None = None
    sha256: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)

    def value(self, path: str) -> Any:
        """Return a number, a list or a mapping of ``metrics``.

        Args:
            path: Keys joined by dots. Where they meet a list, the next word may be its
                ``median``, ``lower_quartile``, ``upper_quartile``, ``minimum``, ``maximum``,
                ``mean`` or ``count``, or the place of one entry. A list of lists is reduced over
                its first axis.

        Returns:
            What is found there.

        Raises:
            ClaimError: Nothing is found there.
        """
        found: Any = self.metrics
        words = path.split(".")
        for depth, word in enumerate(words):
            try:
                found = _descend(found, word)
            except LookupError as error:
                where = ".".join(words[:depth]) or "the top"
                raise ClaimError(
                    f"results of {self.experiment or 'this experiment'}: no {word!r} at {where}; "
                    f"there is: {error.args[0]}"
                ) from None
        return found

    def summary(self, path: str) -> Summary:
        """Return median, quartiles and outliers of the list at ``path``.

        Raises:
            ClaimError: There is no list of numbers at ``path``.
        """
        found = self.value(path)
        if not isinstance(found, list) or any(isinstance(entry, list | dict) for entry in found):
            raise ClaimError(f"{path!r} is not a list with one number per seed")
        return summarise(found)


def _descend(found: Any, word: str) -> Any:
    """One step along a path; raises a LookupError whose argument says what there is."""
    if isinstance(found, dict):
        if word not in found:
            raise LookupError(", ".join(found) or "nothing")
        return found[word]
    if not isinstance(found, list):
        raise LookupError("a single number")
    if word.isdecimal() and int(word) < len(found):
        return found[int(word)]
    if word == "count":
        return len(found)
    if word in _WORDS:
        if found and isinstance(found[0], list):
            return [_descend(list(column), word) for column in zip(*found, strict=True)]
        return getattr(summarise(found), word)
    raise LookupError(f"{len(found)} entries (0 to {len(found) - 1}), {', '.join(_WORDS)}")


@dataclass(frozen=True)
class Judgement:
    """What the measured numbers say about a claim.

    Attributes:
        status: A key of ``STATUSES``, but not "not attempted": the claim as published.
        measured: The measured value as text, made from the numbers.
        spread: How far it varies, as text, made from the numbers.
        seeds: Number of seeds; 0 for a deterministic claim.
        caveats: What limits the measurement, one sentence each.
        fair_status: The same for the claim under a fair control; empty where the published
            comparison is fair already.
        reason: Why it could not be decided; given exactly where a status is "not decided".
        would_change: What would change this verdict, in one line.
    """

    status: str
    measured: str
    spread: str
    seeds: int
    caveats: tuple[str, ...] = ()
    fair_status: str = ""
    reason: str = ""
    would_change: str = ""

    def __post_init__(self) -> None:
        allowed = [status for status in STATUSES if status != "not attempted"]
        if self.status not in allowed:
            raise ValueError(f"status must be one of {allowed}, got {self.status!r}")
        if self.fair_status not in ("", *allowed):
            raise ValueError(f"fair_status must be '' or of {allowed}, got {self.fair_status!r}")
        undecided = "not decided" in (self.status, self.fair_status)
        if undecided != bool(self.reason):
            raise ValueError(
                "reason must say why a claim is not decided, and be empty where it is: "
                f"status {self.status!r}, fair_status {self.fair_status!r}, reason {self.reason!r}"
            )
        if not isinstance(self.seeds, int) or self.seeds < 0:
            raise ValueError(f"seeds must be a whole number, 0 or more, got {self.seeds!r}")
        caveats: object = self.caveats
        if not isinstance(caveats, tuple):  # one text would be taken apart into its letters
            raise ValueError(f"caveats must be a tuple of sentences, got {self.caveats!r}")


@dataclass(frozen=True)
class Rule:
    """When a claim counts as reproduced.

    Attributes:
        judge: Turns the results of the experiment into a judgement.
        tolerance: The tolerance as text.
        rule: What ``judge`` does, in words.
        amid_results: Whether a part of the results had been seen when the rule was fixed. The run
            went on after that, so no fingerprint shows it.
        again: Why the same was measured again, what had been found before, and whether the rule was
            changed in between: who fixed or kept it had seen the earlier results. It becomes a
            caveat; empty if nothing had been measured before.
    """

    judge: Callable[[Results], Judgement]
    tolerance: str
    rule: str
    amid_results: bool = False
    again: str = ""

    def fingerprint(self) -> str:
        """SHA-256 of everything by which ``judge`` decides; see ``evidence.fingerprint``."""
        return fingerprint(self.judge)


@dataclass(frozen=True)
class Experiment:
    """One measurement from nothing; it settles one claim or several.

    Attributes:
        name: Name of its results file, without the ending.
        run: ``run(tier, run_dir)`` measures and returns ``{"config": ..., "metrics": ...}``.
            ``tier`` is one of ``tiers``; what it needs to go on after a kill it keeps in
            ``run_dir``.
        rules: Claim id -> how the results settle it.
        tiers: For which of "smoke", "cpu" and "gpu" there are settings; at another one it is not
            run.
        images: Sets of images that a reader has to have for it, at every tier but smoke.
        ships: Names of the pretrained weights that a run at the tier cpu stores.
    """

    name: str
    run: Callable[[str, Path], dict[str, Any]]
    rules: Mapping[str, Rule]
    tiers: tuple[str, ...] = ("smoke", "cpu", "gpu")
    images: tuple[str, ...] = ()
    ships: tuple[str, ...] = ()
