"""Answers as ratios with an interval, and the table of both verdicts."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nmcourse import claims
from nmcourse.claims import ledger, runner
from nmcourse.evidence import ClaimError, ratio_of_medians


def test_a_row_is_the_ratio_of_two_paths(small_ledger: SimpleNamespace):
    runner.run("T1", resume_dir=small_ledger.runs)
    rows = "T1 | error: one / itself | net.error | net.error\n T2 | nothing | |"
    first, second = claims.comparisons(rows)
    assert first.interval == ratio_of_medians(small_ledger.values, small_ledger.values)
    assert (first.claim, first.text) == ("T1", "error: one / itself")
    assert (first.status, second.status) == ("reproduced", "not attempted")
    assert all(math.isnan(value) for value in second.interval)


def test_ratios_that_are_ratios_already(small_ledger: SimpleNamespace):
    assert claims.compared("T2", "pairs", [2.0, 3.0, None]).ratio == 2.5


def test_a_row_that_cannot_be_read_is_named(small_ledger: SimpleNamespace):
    with pytest.raises(ClaimError, match=r"a row must be 'claim \| text .*, got 'T1"):
        claims.comparisons("T1 | error")
    with pytest.raises(ClaimError, match="T9"):
        claims.compared("T9", "of no claim", [1.0])


def test_both_verdicts_stand_beside_each_other_and_lead_to_the_record(
    small_ledger: SimpleNamespace,
):
    entry = claims.get("T1")
    made = [
        replace(entry, id="N1", status="reproduced", fair_status="not reproduced").as_dict(),
        replace(entry, id="N2", status="reproduced", fair_status="").as_dict(),
        replace(entry, id="N3", status="partly", fair_status="").as_dict(),
    ]
    ledger.ledger_path().write_text(json.dumps(made), encoding="utf-8")
    table = claims.both_verdicts()
    assert table.standing == {"not reproduced": 1, "reproduced": 1, "partly": 1}
    page = table._repr_html_()
    assert page.count("<tr") == 4
    assert 'href="../claims.html#claim-N1"' in page
    assert "It is small &amp; light." in page
    assert page.count("not\N{NO-BREAK SPACE}reproduced") + page.count("not reproduced") == 1
    first, *_ = repr(table).splitlines()
    assert first.startswith("N1")
    assert "reproduced / " in first
    assert (
        'href="claims.html#claim-N2"'
        in claims.both_verdicts(["N2"], ledger="claims.html")._repr_html_()
    )
