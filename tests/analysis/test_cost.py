from functools import partial

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nmcourse.analysis import multiply_adds, seconds_of_further_steps, seconds_side_by_side
from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    ClampedGain,
    LowRankRNN,
    Modulator,
    PrescribedGain,
    ScalarGainRNN,
    SparseTerms,
    VanillaRNN,
)

NETWORK = LowRankRNN(3, 100, 3, 4)
# Counted by hand from the equations.
BY_HAND = {
    "vanilla": (VanillaRNN(6, 18, 3), 18 * 18 + 18 * 6 + 3 * 18, 0),
    "vanilla, rate form": (VanillaRNN(6, 18, 3, form="rate"), 486, 0),
    "low-rank": (LowRankRNN(6, 100, 3, 3), 100 * 3 * 2 + 100 * 6 + 300, 0),
    "symmetric": (LowRankRNN(6, 100, 3, 3, symmetric=True), 1500, 0),
    "nm-rnn": (
        NMRNN(NETWORK, Modulator(3, 20, 4, n_context=3)),
        800 + 300 + 300 + (400 + 120 + 80),
        3,
    ),
    "feedback": (
        NMRNN(NETWORK, Modulator(3, 20, 4, n_context=3, n_feedback=100)),
        2000 + 20 * 100,
        3,
    ),
    "prescribed": (NMRNN(NETWORK, PrescribedGain(torch.rand(5, 4))), 1400, 0),
    "clamped": (NMRNN(NETWORK, ClampedGain(Modulator(3, 20, 4, n_context=3), {0: 1.0})), 2000, 3),
    "lstm": (LSTM(6, 8, 3), 4 * 64 + 4 * 48 + 24, 0),
    "gru": (GRU(6, 9, 3), 3 * 81 + 3 * 54 + 27, 0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_count_by_hand(name):
    model, expected, _ = BY_HAND[name]
    assert multiply_adds(model).total == expected


@pytest.mark.parametrize("name", BY_HAND)
def test_count_of_torch(name):
    model, _, n_context = BY_HAND[name]
    n_trials = 5
    context = torch.zeros(n_trials, n_context) if n_context else None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        state = model.initial_state(n_trials)
        model.readout(model.step(state, torch.zeros(n_trials, model.n_inputs), context))
    # torch counts two operations, a product and a sum, for each multiply-add
    assert counter.get_total_flops() == 2 * n_trials * multiply_adds(model).total


def test_scaled_and_sparse_weights_count_once():
    mask = torch.eye(18, dtype=torch.bool)
    assert multiply_adds(ScalarGainRNN(VanillaRNN(6, 18, 3), mask, [1.0, 2.0])).total == 486
    terms = SparseTerms(3, 100, 3, 4, in_degree=2)  # as many as a low-rank network of rank 4
    assert multiply_adds(terms) == multiply_adds(NETWORK)
    assert multiply_adds(NMRNN(terms, Modulator(3, 20, 4, n_context=3))).total == 2000


def test_parts_of_an_nm_rnn_are_those_of_its_two_networks():
    count = multiply_adds(BY_HAND["nm-rnn"][0])
    assert (count.inputs, count.recurrence, count.readout) == (300, 800, 300)
    assert count.modulator == 600


def test_calls_take_turns():
    ticks, order = iter(range(100)), []
    calls = {"a": lambda: order.append("a"), "b": lambda: (order.append("b"), next(ticks))}
    seconds = seconds_side_by_side(calls, 3, clock=lambda: float(next(ticks)))
    assert "".join(order) == "ab" + "ababab"
    assert seconds == {"a": [1.0] * 3, "b": [2.0] * 3}


def test_what_a_call_does_once_is_in_no_step():
    clock = {"now": 0.0}

    def train(first, a_step, n_steps):
        clock["now"] += first + a_step * n_steps

    calls = {"quick": partial(train, 50.0, 0.25), "slow": partial(train, 0.0, 2.0)}
    seconds = seconds_of_further_steps(calls, 4, 3, clock=lambda: clock["now"])
    assert seconds == {"quick": [0.25] * 3, "slow": [2.0] * 3}
    with pytest.raises(ValueError, match="n_steps must be a positive integer, got 0"):
        seconds_of_further_steps(calls, 0, 3)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"model must be one of .*LSTM.*NMRNN.*, got Linear"):
        multiply_adds(torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match="calls must hold at least one call"):
        seconds_side_by_side({}, 1)
    with pytest.raises(ValueError, match="n_repetitions must be a positive integer, got 0"):
        seconds_side_by_side({"a": int}, 0)
