"""How many claims came out how: counted from the ledger each time, so that no count is typed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nmcourse.claims.ledger import Entry, entries, ids

#: First letter of a claim, and whose claims these are.
PAPERS = {"N": "Costacurta and colleagues (2024)", "C": "Soo and colleagues (2024)"}


@dataclass(frozen=True)
class Outcome:
    """How some claims came out under a fair control.

    Attributes:
        hold: Those that hold there.
        partly: Those that hold there in part.
        fail: Those that do not.
        undecided: The claims that the control could not decide.
    """

    hold: int
    partly: int
    fail: int
    undecided: tuple[str, ...]

    @property
    def claims(self) -> int:
        """All of them."""
        return self.hold + self.partly + self.fail + len(self.undecided)

    def words(self) -> str:
        """The outcome as the end of a sentence."""
        decided = [_many(self.hold), f"{_many(self.partly)} in part"]
        decided.append(_many(self.fail, "fails", "fail"))
        named = f"{len(self.undecided)} could not be decided ({_listed(self.undecided)})"
        return _listed([*decided, *([named] if self.undecided else [])])


@dataclass(frozen=True)
class Counts:
    """How many of some claims came out how.

    Attributes:
        claims: All of them.
        hold: Those that hold as published.
        partly: Those that hold as published in part.
        fail: Those that do not hold as published.
        undecided: The claims that the experiment could not decide as published.
        unpublished: Those of which nothing was published: a number, and no verdict.
        waiting: Those that were not measured yet.
        controlled: Those that were judged under a fair control too.
        held: Of these, the ones that hold as published, wholly or in part.
    """

    claims: int
    hold: int
    partly: int
    fail: int
    undecided: tuple[str, ...]
    unpublished: int
    waiting: int
    controlled: Outcome
    held: Outcome

    def sentences(self, whose: str) -> str:
        """Return the counts in words; `whose` claims they are, such as "Somebody (1999)"."""
        left = [
            (len(self.undecided), f"could not be decided ({_listed(self.undecided)})"),
            (self.unpublished, "had no published result to compare with"),
            (self.waiting, "have not been measured yet"),
        ]
        rest = _listed([f"{number} {what}" for number, what in left if number])
        text = (
            f"Of the {self.claims} claims of {whose}, {_many(self.hold)} as published, "
            f"{_many(self.partly)} in part and {_many(self.fail, 'fails', 'fail')}"
            + (f"; {rest}." if rest else ".")
        )
        if not self.controlled.claims:
            return text
        text += (
            f" Under a fair control {self.controlled.claims} of them were judged again: "
            f"{self.controlled.words()}."
        )
        if self.held.claims:
            text += (
                f" Of the {self.held.claims} among these that hold as published, wholly or in "
                f"part, under the control {self.held.words()}."
            )
        return text


@dataclass(frozen=True)
class InShort:
    """One paragraph on all claims. As the last value of a cell it displays itself."""

    text: str

    def __str__(self) -> str:
        """The paragraph."""
        return self.text

    _repr_markdown_ = __str__
    __repr__ = __str__


def counts(claim_ids: Iterable[str] | None = None) -> Counts:
    """Return how many claims came out how.

    Args:
        claim_ids: Which claims; all of them by default.

    Raises:
        ClaimError: There is no such claim.
    """
    lines = entries(claim_ids)
    statuses = [entry.status for entry in lines]
    controlled = [entry for entry in lines if entry.fair_status]
    held = [entry for entry in controlled if entry.status in ("reproduced", "partly")]
    return Counts(
        claims=len(lines),
        hold=statuses.count("reproduced"),
        partly=statuses.count("partly"),
        fail=statuses.count("not reproduced"),
        undecided=tuple(entry.id for entry in lines if entry.status == "not decided"),
        unpublished=statuses.count("measured"),
        waiting=statuses.count("not attempted"),
        controlled=_outcome(controlled),
        held=_outcome(held),
    )


def _outcome(lines: Iterable[Entry]) -> Outcome:
    """How claims came out under a fair control."""
    of = {entry.id: entry.fair_status for entry in lines}
    statuses = [*of.values()]
    return Outcome(
        hold=statuses.count("reproduced"),
        partly=statuses.count("partly"),
        fail=statuses.count("not reproduced"),
        undecided=tuple(claim for claim, status in of.items() if status == "not decided"),
    )


def in_short() -> InShort:
    """Return one paragraph: how many claims of each paper hold, and which could not be decided."""
    of_papers = {whose: [i for i in ids() if i[0] == letter] for letter, whose in PAPERS.items()}
    parts = [counts(claims).sentences(whose) for whose, claims in of_papers.items() if claims]
    others = len(ids()) - sum(map(len, of_papers.values()))
    if others:
        parts.append(f"The ledger has {others} more: questions of reviewers, and our own.")
    return InShort(" ".join(parts))


def _many(number: int, one: str = "holds", more: str = "hold") -> str:
    """Return a number and its verb: "none holds", "1 holds", "2 hold"."""
    return f"{number or 'none'} {one if number in (0, 1) else more}"


def _listed(parts: Iterable[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    *first, last = [*parts] or [""]
    return f"{', '.join(first)} and {last}" if first else last
