"""tools.pace: a machine that takes longer for a fixed piece of work gets longer limits."""

from __future__ import annotations

import pytest

from tools import pace


@pytest.mark.parametrize(
    ("times_longer", "expected"),
    [
        ((2.0, 3.0), 2.5),
        ((0.1, 0.3), 1.0),  # limits are never shortened
        ((1e3, 1e3), pace.SLOWEST),  # and never without end
    ],
)
def test_the_pace_is_the_mean_ratio_to_the_machine_of_the_limits(
    monkeypatch: pytest.MonkeyPatch, times_longer: tuple[float, ...], expected: float
):
    found = [ratio * pace.REFERENCE_S for ratio in times_longer]
    monkeypatch.setattr(pace, "side_by_side", lambda: found)
    assert pace.pace() == pytest.approx(expected)


def test_the_work_is_timed_in_processes_of_their_own():
    found = pace.side_by_side()
    assert len(found) == pace.PROCESSES
    assert min(found) > 0
