"""Stored gains make the output network do again what it did."""

from __future__ import annotations

import pytest
import torch

from nmcourse.analysis import store_gains, with_gains
from nmcourse.models import NMRNN, LowRankRNN, Modulator, VanillaRNN
from nmcourse.tasks import DelayedResponse

TASK = DelayedResponse(("MemoryPro", "MemoryAnti"))


@pytest.fixture
def model():
    return NMRNN(LowRankRNN(3, 20, 3, rank=2), Modulator(3, 6, 2, n_context=2))


@pytest.fixture
def pro_and_anti():
    angles = torch.linspace(0, 6, 5)
    return [TASK.arranged(name, angles) for name in TASK.tasks]


def test_stored_gains_repeat_the_trials_without_a_context(model, pro_and_anti):
    trials = pro_and_anti[0]
    stored = store_gains(model, trials.inputs, trials.context)
    torch.testing.assert_close(
        with_gains(model, stored)(trials.inputs).outputs,
        model(trials.inputs, trials.context).outputs,
    )


def test_the_gains_of_the_other_task_give_the_answers_of_the_other_task(model, pro_and_anti):
    pro, anti = pro_and_anti  # same inputs, other context
    outputs = with_gains(model, store_gains(model, anti.inputs, anti.context))(pro.inputs).outputs
    torch.testing.assert_close(outputs, model(anti.inputs, anti.context).outputs)
    assert not torch.allclose(outputs, model(pro.inputs, pro.context).outputs)


def test_the_mean_is_one_gain_for_every_trial(model, pro_and_anti):
    trials = pro_and_anti[0]
    mean = store_gains(model, trials.inputs, trials.context, mean=True)
    expected = model(trials.inputs, trials.context).gains.mean(dim=0)
    torch.testing.assert_close(mean.gains, expected.detach())
    gains = with_gains(model, mean)(trials.inputs[:2]).gains
    torch.testing.assert_close(gains, expected.detach().expand(2, -1, -1))


def test_later_training_does_not_reach_stored_gains(model, pro_and_anti):
    trials = pro_and_anti[0]
    before = model(trials.inputs, trials.context).outputs
    stored = store_gains(model, trials.inputs, trials.context)
    with torch.no_grad():
        model.modulator.gain_bias += 5.0
    torch.testing.assert_close(with_gains(model, stored)(trials.inputs).outputs, before)


def test_only_an_nm_rnn_has_gains():
    with pytest.raises(ValueError, match="model must be an NMRNN, got VanillaRNN"):
        store_gains(VanillaRNN(3, 4, 1), torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="model must be an NMRNN"):
        with_gains(VanillaRNN(3, 4, 1), None)
