"""Counts of the ledger, and the paragraph that the front page and the ledger page begin with."""

import json
from dataclasses import replace

import pytest

from nmcourse import claims
from nmcourse.claims import ledger
from nmcourse.claims.counting import PAPERS, Outcome, counts

LINES = {
    "N1": ("reproduced", ""),
    "N2": ("reproduced", "reproduced"),
    "N3": ("partly", "not reproduced"),
    "N4": ("not reproduced", "partly"),
    "N5": ("not decided", "not reproduced"),
    "N6": ("not decided", "not decided"),
    "N7": ("reproduced", "reproduced"),
    "C1": ("partly", ""),
    "C2": ("measured", ""),
    "C3": ("not attempted", ""),
    "C4": ("not attempted", ""),
    "R1": ("reproduced", "reproduced"),
}


@pytest.fixture
def by_hand(small_ledger):
    entry = claims.get("T1")
    made = [
        replace(entry, id=claim, status=status, fair_status=fair).as_dict()
        for claim, (status, fair) in LINES.items()
    ]
    ledger.ledger_path().write_text(json.dumps(made), encoding="utf-8")


def test_counts_by_hand(by_hand):
    first = claims.counts(claim for claim in LINES if claim[0] == "N")
    assert (first.claims, first.hold, first.partly, first.fail) == (7, 3, 1, 1)
    assert (first.undecided, first.unpublished, first.waiting) == (("N5", "N6"), 0, 0)
    assert first.controlled == Outcome(2, 1, 2, ("N6",))
    assert first.held == Outcome(2, 0, 1, ())
    second = claims.counts(claim for claim in LINES if claim[0] == "C")
    nothing = Outcome(0, 0, 0, ())
    assert second == claims.Counts(4, 0, 1, 0, (), 1, 2, nothing, nothing)


def test_the_paragraph_gives_the_counts_of_each_paper(by_hand):
    assert str(claims.in_short()) == (
        f"Of the 7 claims of {PAPERS['N']}, 3 hold as published, 1 holds in part and 1 fails; "
        "2 could not be decided (N5 and N6). Under a fair control 6 of them were judged again: "
        "2 hold, 1 holds in part, 2 fail and 1 could not be decided (N6). Of the 3 among these "
        "that hold as published, wholly or in part, under the control 2 hold, none holds in part "
        f"and 1 fails. Of the 4 claims of {PAPERS['C']}, none holds as published, 1 holds in part "
        "and none fails; 1 had no published result to compare with and "
        "2 have not been measured yet. The ledger has 1 more: questions of reviewers, and our own."
    )
    assert claims.in_short()._repr_markdown_() == repr(claims.in_short())


def test_nothing_is_said_of_a_paper_without_claims(small_ledger):
    assert "claims of" not in str(claims.in_short())


def test_every_claim_of_the_ledger_is_counted_once():
    for letter in (*PAPERS, "R", "F"):
        mine = [claim for claim in claims.ids() if claim.startswith(letter)]
        found = claims.counts(mine)
        decided = found.hold + found.partly + found.fail
        others = len(found.undecided) + found.unpublished + found.waiting
        assert decided + others == found.claims == len(mine)
        assert found.held.claims <= found.controlled.claims


def test_a_claim_that_holds_and_is_open_under_the_control_is_named(small_ledger):
    made = replace(claims.get("T1"), id="N4", status="reproduced", fair_status="not decided")
    ledger.ledger_path().write_text(json.dumps([made.as_dict()]), encoding="utf-8")
    assert counts(["N4"]).sentences("A").endswith("and 1 could not be decided (N4).")
