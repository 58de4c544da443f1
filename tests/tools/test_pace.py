"""tools.pace: a machine that takes longer for a fixed piece of work gets longer limits."""

from __future__ import annotations

import pytest

from tools import pace


def test_the_pace_is_the_ratio_to_the_machine_of_the_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pace, "SLOWEST", 1e6)
    monkeypatch.setattr(pace, "REFERENCE_S", 1e-3)
    slow = pace.pace()
    monkeypatch.setattr(pace, "REFERENCE_S", 2e-3)
    assert pace.pace() == pytest.approx(slow / 2, rel=0.9)
    assert slow > 10  # half a second of work in place of a thousandth


@pytest.mark.parametrize(("reference", "expected"), [(1e9, 1.0), (1e-9, pace.SLOWEST)])
def test_limits_are_never_shortened_and_never_without_end(
    monkeypatch: pytest.MonkeyPatch, reference: float, expected: float
):
    monkeypatch.setattr(pace, "REFERENCE_S", reference)
    assert pace.pace() == expected
