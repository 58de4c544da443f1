"""A verdict is open only where what is open could change it."""

from __future__ import annotations

import itertools

import pytest

from nmcourse.evidence.verdicts import as_one, combined, every, expected


@pytest.mark.parametrize(
    ("holds", "verdict"),
    [
        ([True, True], "reproduced"),
        ([True, False], "partly"),
        ([False, False], "not reproduced"),
        ([True, None], "not decided"),
        ([False, None], "not decided"),
        ([None, None], "not decided"),
        ([True, False, None], "partly"),  # whatever the third would be
    ],
)
def test_statements_make_one_verdict(holds, verdict):
    assert combined(holds) == verdict


@pytest.mark.parametrize("holds", list(itertools.product([True, False, None], repeat=3)))
def test_a_verdict_is_open_exactly_if_the_open_parts_can_change_it(holds):
    choices = [[True, False] if part is None else [part] for part in holds]
    possible = {combined(parts) for parts in itertools.product(*choices)}
    assert combined(holds) == (possible.pop() if len(possible) == 1 else "not decided")
    whole = {all(parts) for parts in itertools.product(*choices)}
    assert every(holds) == (whole.pop() if len(whole) == 1 else None)


def test_words():
    assert [as_one(x) for x in (True, False, None)] == [
        "reproduced",
        "not reproduced",
        "not decided",
    ]
    assert expected("partly") == "The sentence of this course holds in part"
