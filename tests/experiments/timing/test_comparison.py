"""N4, N5 and N6 on invented numbers: as published, under a fair control, and not decided."""

from __future__ import annotations

import pytest

from nmcourse.evidence.record import Results
from nmcourse.experiments.timing.comparison import judge_n4, judge_n5, judge_n6
from nmcourse.experiments.timing.networks import NETWORKS, TEST_INTERVALS

AS_PUBLISHED = {
    "nm_rnn": (2e-5, 1e-4),
    "low_rank_rnn": (1e-4, 2e-3),
    "vanilla_rnn": (3e-5, 3e-3),
    "lstm": (1e-6, 4e-3),
    "low_rank_rnn_over_n": (8e-4, 9e-3),
    "vanilla_rnn_over_n": (4e-5, 3e-3),
}


def results(misses=None, **changes):
    """Networks of each kind as published, or with lists of (trained, extrapolated)."""
    metrics = {}
    for name in NETWORKS:
        pairs = changes.get(name, [AS_PUBLISHED[name]] * 4)
        miss = (misses or {}).get(name, 10.0 if name == "nm_rnn" else 40.0)
        metrics[name] = {
            "trained": [pair[0] for pair in pairs],
            "extrapolated": [pair[1] for pair in pairs],
            "produced": [[t + miss for t in TEST_INTERVALS]] * 4,
            "learning_rate": 0.01,
        }
    return Results(metrics, {"n_steps": 8000, "n_seeds": 4, "rates": [0.01, 0.03]})


SPLIT = [(1e-6, 4e-3)] * 2 + [(9e-4, 1e-2)] * 2  # half of the LSTMs did not learn


@pytest.mark.parametrize(
    ("judge", "changes", "published", "fair"),
    [
        (judge_n4, {}, "reproduced", "reproduced"),
        (judge_n5, {}, "reproduced", "reproduced"),
        # on equal terms the low-rank RNN is better than the NM-RNN
        (judge_n4, {"low_rank_rnn": [(1e-5, 5e-5)] * 4}, "reproduced", "not reproduced"),
        (judge_n5, {"low_rank_rnn": [(1e-5, 5e-5)] * 4}, "reproduced", "not reproduced"),
        # the LSTM is lowest only among those that learned
        (judge_n4, {"lstm": SPLIT}, "not decided", "not decided"),
        (judge_n4, {"lstm": [(9e-4, 1e-2)] * 4}, "not decided", "not decided"),
        # ... but with all of them or with those that learned, the NM-RNN extrapolates best
        (judge_n5, {"lstm": SPLIT}, "reproduced", "reproduced"),
        (judge_n5, {"lstm": [(9e-4, 1e-2)] * 4}, "not decided", "not decided"),
        (judge_n5, {"vanilla_rnn_over_n": [(4e-5, 1e-5)] * 4}, "not reproduced", "reproduced"),
        # a low-rank RNN that fails is what is claimed, not a reason to leave it open
        (judge_n4, {"low_rank_rnn": [(9e-4, 9e-3)] * 4}, "reproduced", "reproduced"),
    ],
)
def test_two_verdicts(judge, changes, published, fair):
    judgement = judge(results(**changes))
    assert (judgement.status, judgement.fair_status) == (published, fair)
    undecided = "not decided" in (published, fair)
    assert ("did not learn to measure in 8,000 steps" in judgement.reason) == undecided
    assert "50,000 to 70,000 steps in place of 8,000" in judgement.would_change


@pytest.mark.parametrize(
    ("misses", "published", "fair"),
    [
        ({}, "reproduced", "reproduced"),
        ({"low_rank_rnn": 5.0}, "reproduced", "not reproduced"),
        ({"low_rank_rnn": 5.0, "low_rank_rnn_over_n": 5.0}, "not reproduced", "not reproduced"),
    ],
)
def test_produced_intervals(misses, published, fair):
    judgement = judge_n6(results(misses))
    assert (judgement.status, judgement.fair_status) == (published, fair)
