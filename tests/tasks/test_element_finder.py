"""Element Finder against its definition."""

from __future__ import annotations

import re

import pytest
import torch

from nmcourse.tasks import ElementFinder


def test_a_trial_by_hand():
    trials = ElementFinder(4).trials(
        torch.tensor([2, 0]), torch.tensor([[5, -3, 7, 1], [9, 8, 7, 6]])
    )
    assert trials.inputs[..., 0].tolist() == [[2, 5, -3, 7, 1], [0, 9, 8, 7, 6]]
    assert trials.targets[..., 0].tolist() == [[0, 0, 0, 0, 7], [0, 0, 0, 0, 9]]
    assert trials.mask[..., 0].tolist() == [[0, 0, 0, 0, 1]] * 2
    assert trials.conditions["query"].tolist() == [2, 0]
    assert trials.conditions["answer"].tolist() == [7, 9]


def test_the_answer_is_the_element_that_was_asked_for():
    trials = ElementFinder().sample(500)
    assert trials.inputs.shape == (500, 26, 1)
    numbers = trials.inputs[..., 0]
    asked = numbers[torch.arange(500), 1 + numbers[:, 0].long()]
    assert torch.equal(trials.targets[:, -1, 0], asked)
    assert trials.mask.sum() == 500


def test_every_query_and_element_is_drawn_and_none_beyond():
    trials = ElementFinder(6, -2, 3, queries=[0, 5, 3]).sample(2000)
    assert trials.conditions["query"].unique().tolist() == [0, 3, 5]
    assert trials.inputs[:, 1:].unique().tolist() == [-2, -1, 0, 1, 2, 3]


@pytest.mark.parametrize(("low", "high", "chance"), [(-10, 10, 110 / 3), (0, 1, 0.25), (4, 4, 0)])
def test_chance_is_the_variance_of_an_element(low, high, chance):
    task = ElementFinder(3, low, high)
    values = torch.arange(low, high + 1, dtype=torch.float64)
    assert task.chance == pytest.approx(chance)
    assert task.chance == pytest.approx(values.var(correction=0).item())


def test_the_generator_decides():
    task = ElementFinder()
    first, again = (task.sample(5, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    other = task.sample(5, generator=torch.Generator().manual_seed(2))
    assert torch.equal(first.inputs, again.inputs)
    assert not torch.equal(first.inputs, other.inputs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length must be a positive integer, got 0"),
        ({"length": 2.0}, "length must be a positive integer, got 2.0"),
        ({"low": 3, "high": 2}, "low must not exceed high: got low=3 and high=2"),
        ({"queries": []}, "queries must hold at least one place, got none"),
        ({"queries": [0, 25]}, "queries must be in 0..24 for length=25, got 25"),
        ({"queries": [-1]}, "queries must be in 0..24 for length=25, got -1"),
        ({"queries": [1, 1]}, "queries must be all different, got [1, 1]"),
        ({"dt": 0.0}, "dt must be a positive time in ms, got 0.0"),
    ],
    ids=str,
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ElementFinder(**arguments)


@pytest.mark.parametrize(
    ("query", "elements", "message"),
    [
        ([3], [[1, 2, 3]], "query must hold whole numbers in 0..2, got [3]"),
        ([-1], [[1, 2, 3]], "query must hold whole numbers in 0..2, got [-1]"),
        ([0.0], [[1, 2, 3]], "query must hold whole numbers in 0..2, got [0.0]"),
        ([0, 1], [[1, 2, 3]], "query must have shape (1,), one per trial, got (2,)"),
        ([0], [[1, 2, 3, 4]], "elements must have shape (trial, 3), got (1, 4)"),
    ],
    ids=str,
)
def test_bad_trials(query, elements, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ElementFinder(3).trials(torch.tensor(query), torch.tensor(elements))


def test_it_cannot_be_enumerated():
    with pytest.raises(NotImplementedError, match="no finite list"):
        ElementFinder().enumerate()
    with pytest.raises(ValueError, match="n_trials must be a positive integer, got 0"):
        ElementFinder().sample(0)


def drawn() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_each_query_is_asked_of_the_same_sequences():
    trials = ElementFinder(8, queries=[3, 7]).each_query(
        5, generator=torch.Generator().manual_seed(0)
    )
    assert trials.conditions["query"].tolist() == [3] * 5 + [7] * 5
    assert torch.equal(trials.inputs[:5, 1:], trials.inputs[5:, 1:])
    assert not torch.equal(trials.inputs[0, 1:], trials.inputs[1, 1:])


def test_each_answer_is_put_where_the_query_asks():
    trials = ElementFinder(10, queries=[2, 4, 6]).each_answer(
        2, generator=torch.Generator().manual_seed(0)
    )
    assert len(trials) == 3 * 21 * 2
    assert trials.conditions["query"].unique(return_counts=True)[0].tolist() == [2, 4, 6]
    assert trials.conditions["answer"][:42:2].tolist() == list(range(-10, 11))
    assert torch.equal(trials.inputs[0, 4:], trials.inputs[2, 4:])
    assert not torch.equal(trials.inputs[0, 4:], trials.inputs[1, 4:])


@pytest.mark.parametrize("ask", ["each_query", "each_answer"])
def test_a_bad_number_of_sequences_is_named(ask):
    with pytest.raises(ValueError, match="n_each must be"):
        getattr(ElementFinder(4), ask)(0)
