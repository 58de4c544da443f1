"""Parameter counts: the published ones, and the sizes that match them."""

from __future__ import annotations

import pytest
from torch import nn

from nmcourse.models import (
    LSTM,
    NMRNN,
    LowRankRNN,
    Modulator,
    VanillaRNN,
    count_parameters,
    matching_size,
)


def nm_rnn(n_inputs, n_units, n_outputs, rank, n_modulator) -> NMRNN:
    return NMRNN(
        LowRankRNN(n_inputs, n_units, n_outputs, rank), Modulator(n_inputs, n_modulator, rank)
    )


def element_finder(n_modulator, n_units, rank) -> NMRNN:
    """One input, feedback from the output network, no readout bias."""
    return NMRNN(
        LowRankRNN(1, n_units, 1, rank, orthonormal=False, readout_bias=False),
        Modulator(1, n_modulator, rank, n_feedback=n_units),
    )


@pytest.mark.parametrize(
    ("expected", "model"),
    [
        # Measure-Wait-Go: three inputs, one output
        (1059, nm_rnn(3, 100, 1, 3, 5)),
        (1061, LowRankRNN(3, 106, 1, 3)),
        (1086, VanillaRNN(3, 31, 1)),
        (1155, LSTM(3, 15, 1)),
        # element finder: the LSTM and three NM-RNNs
        (490, LSTM(1, 10, 1)),
        (497, element_finder(5, 18, 8)),
        (510, element_finder(5, 13, 12)),
        (509, element_finder(10, 12, 7)),
        # multitask: three inputs and three contexts, three outputs; not matched
        (1503, LowRankRNN(6, 100, 3, 3)),
        (489, VanillaRNN(6, 18, 3)),
        (504, LSTM(6, 8, 3)),
        (1789, VanillaRNN(6, 38, 3)),
        (1854, LSTM(6, 18, 3)),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else type(value).__name__,
)
def test_published_parameter_counts(expected, model):
    assert count_parameters(model) == expected


def test_multitask_nm_rnn_has_its_published_count():
    """The contexts reach the modulator only."""
    model = NMRNN(LowRankRNN(3, 100, 3, 3), Modulator(3, 20, 3, n_context=3))
    assert count_parameters(model) == 1786


def test_frozen_parameters_do_not_count():
    model = LowRankRNN(3, 106, 1, 3)
    model.row_factors.requires_grad_(False)
    assert count_parameters(model) == 1061 - 3 * 106


@pytest.mark.parametrize(
    ("build", "target", "expected"),
    [
        (lambda n: VanillaRNN(6, n, 3), 1786, 38),
        (lambda n: LSTM(6, n, 3), 1786, 18),
        (lambda n: LowRankRNN(3, n, 1, 3), 1059, 106),
        (lambda n: VanillaRNN(3, n, 1), 1059, 31),
        (lambda n: LSTM(3, n, 1), 1059, 14),  # 1022; the published 15 units make 1155
    ],
    ids=["multitask RNN", "multitask LSTM", "LR-RNN", "RNN", "LSTM"],
)
def test_sizes_that_match_the_nm_rnn(build, target, expected):
    assert matching_size(build, target, smallest=3) == expected
    distance = {n: abs(count_parameters(build(n)) - target) for n in range(3, 120)}
    assert min(distance, key=distance.__getitem__) == expected


def linear(size: int) -> nn.Module:
    return nn.Linear(10, size, bias=False)


@pytest.mark.parametrize(
    ("target", "expected"),
    [(1, 1), (10, 1), (14, 1), (15, 1), (16, 2), (20, 2), (1234, 123), (40960, 4096)],
)
def test_matching_size_takes_the_nearest_and_of_two_the_smaller(target, expected):
    assert matching_size(linear, target) == expected


def test_matching_size_respects_the_largest():
    assert matching_size(linear, 70, largest=7) == 7
    with pytest.raises(ValueError, match="target=71 parameters need a size above largest=7"):
        matching_size(linear, 71, largest=7)


def test_matching_size_respects_the_smallest():
    tried = []

    def build(size: int) -> nn.Module:
        tried.append(size)
        return linear(size)

    assert matching_size(build, 20, smallest=5) == 5
    assert matching_size(build, 60, smallest=5) == 6
    assert min(tried) == 5


@pytest.mark.parametrize("smallest", [0, 8])
def test_matching_size_wants_an_order_of_sizes(smallest):
    with pytest.raises(ValueError, match=rf"smallest must be in 1..7 \(largest\), got {smallest}"):
        matching_size(linear, 20, smallest=smallest, largest=7)


@pytest.mark.parametrize("target", [0, -3])
def test_matching_size_wants_a_positive_target(target):
    with pytest.raises(
        ValueError, match=f"target must be a positive parameter count, got {target}"
    ):
        matching_size(linear, target)
