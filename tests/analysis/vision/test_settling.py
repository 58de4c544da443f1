"""When answers are ready, and the filter that is the control."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.analysis import final_margin, low_passed, ready_after, within_classes


def test_an_answer_is_ready_when_it_no_longer_changes():
    answers = torch.tensor([[0, 1, 1, 1], [1, 0, 1, 0], [2, 2, 2, 2]])
    outputs = torch.nn.functional.one_hot(answers, 3).float()
    assert ready_after(outputs, 2.0).tolist() == [4.0, 8.0, 2.0]


def test_the_margin_is_that_of_the_last_step():
    outputs = torch.tensor([[[9.0, 0.0, 0.0], [1.0, 5.0, 2.0]], [[0.0, 0.0, 9.0], [1.0, 1.0, 0.0]]])
    assert final_margin(outputs).tolist() == [3.0, 0.0]


def test_a_filter_follows_with_its_time_constant():
    outputs = torch.ones(2, 1000, 3, dtype=torch.double)
    start = torch.tensor([[0.0, 2.0, 1.0]] * 2, dtype=torch.double)
    y = low_passed(outputs, start, dt=0.01, tau=10.0)
    left = (y[:, -1] - 1) / (start - 1)
    assert left[:, :2] == pytest.approx(math.exp(-1.0), rel=1e-3)
    assert y[:, -1, 2].tolist() == [1.0, 1.0]


def test_a_filter_makes_the_time_of_an_answer_that_of_the_closed_form():
    before = torch.tensor([[3.0, 0.0, 0.0]], dtype=torch.double)
    after = torch.tensor([[0.0, 2.0, 0.0]], dtype=torch.double)
    y = low_passed(after[:, None].expand(1, 6000, 3), before, dt=0.01, tau=10.0)
    crossing = 10.0 * math.log((2.0 + 3.0) / 2.0)
    assert ready_after(y, 0.01).item() == pytest.approx(crossing, abs=0.05)


def test_correlations_are_taken_within_classes():
    margins = torch.tensor([1.0, 2, 3, 4, 11, 12, 13, 14, 5])
    times = torch.tensor([4.0, 3, 2, 1, 8, 7, 6, 5, 9])  # over both classes it would be positive
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2])
    assert within_classes(margins, times, labels) == pytest.approx(-1.0)
    assert within_classes(margins, torch.ones(9), labels) is None


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"outputs must be \(batch, time, class\), got \(3, 4\)"):
        ready_after(torch.zeros(3, 4), 1.0)
    with pytest.raises(ValueError, match="dt must be positive, got 0"):
        ready_after(torch.zeros(3, 4, 2), 0.0)
    with pytest.raises(ValueError, match="outputs must have two classes or more, got 1"):
        final_margin(torch.zeros(3, 4, 1))
    with pytest.raises(ValueError, match=r"dt must not exceed tau=5\.0 ms, got 6\.0 ms"):
        low_passed(torch.zeros(3, 4, 2), torch.zeros(3, 2), 6.0, 5.0)
