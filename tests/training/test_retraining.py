"""A new context channel, and what retraining leaves alone."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, PrescribedGain, VanillaRNN
from nmcourse.tasks import DelayedResponse
from nmcourse.training import fit, kept_parts, with_new_context

FOUR = ("DelayPro", "DelayAnti", "MemoryPro", "MemoryAnti")
OLD = DelayedResponse(FOUR[:3])
NEW = DelayedResponse(FOUR[3:], contexts=FOUR)
MODELS = {
    "nm_rnn": lambda: NMRNN(LowRankRNN(3, 12, 3, rank=2), Modulator(3, 5, 2, n_context=3)),
    "low_rank_rnn": lambda: LowRankRNN(6, 12, 3, rank=2),
    "vanilla_rnn": lambda: VanillaRNN(6, 8, 3),
    "lstm": lambda: LSTM(6, 5, 3),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def test_a_channel_that_is_off_changes_nothing(model):
    old = OLD.sample(6)
    wider = with_new_context(model, 2)
    context = torch.cat([old.context, torch.zeros(6, 100, 2)], dim=-1)
    torch.testing.assert_close(
        wider(old.inputs, context).outputs, model(old.inputs, old.context).outputs
    )
    assert model(old.inputs, old.context).outputs.shape == (6, 100, 3)  # and is as it was


def test_the_new_column_starts_at_the_value(model):
    wider = with_new_context(model, value=0.25)
    weights = wider.modulator.input_weights if isinstance(wider, NMRNN) else wider.input_weights
    assert (weights[:, -1] == 0.25).all()
    state = wider.initial_state(2)
    wider.step(state, torch.zeros(2, 3), torch.ones(2, 4))  # the verbs know the new size


def test_retraining_changes_only_what_it_may(model):
    wider = with_new_context(model)
    before = {name: values.clone() for name, values in wider.state_dict().items()}
    fit(wider, NEW, n_steps=2, batch_size=4, freeze=kept_parts(wider), progress=False)
    changed = {n for n, values in wider.state_dict().items() if not torch.equal(values, before[n])}
    if isinstance(model, NMRNN):
        assert changed
        assert all(name.startswith("modulator.") for name in changed)
    else:
        assert changed == {"input_weights"}


def test_retrained_parameters_are_those_of_the_paper():
    counts = {
        "nm_rnn": NMRNN(LowRankRNN(3, 100, 3, rank=3), Modulator(3, 20, 3, n_context=3)),
        "low_rank_rnn": LowRankRNN(6, 100, 3, rank=3),
        "vanilla_rnn": VanillaRNN(6, 18, 3),
        "lstm": LSTM(6, 8, 3),
    }
    expected = {"nm_rnn": 603, "low_rank_rnn": 700, "vanilla_rnn": 126, "lstm": 224}
    for name, model in counts.items():
        wider = with_new_context(model)
        kept = {n for part in kept_parts(wider) for n in wider.parts()[part]}
        free = sum(p.numel() for n, p in wider.named_parameters() if n not in kept)
        assert free == expected[name]


def test_freezing_everything_is_refused(model):
    parts = (*kept_parts(model), "modulator" if isinstance(model, NMRNN) else "input weights")
    with pytest.raises(ValueError, match="nothing is left to train"):
        fit(with_new_context(model), NEW, n_steps=1, batch_size=2, freeze=parts, progress=False)


def test_bad_input():
    model = MODELS["vanilla_rnn"]()
    with pytest.raises(ValueError, match="n must be a positive number of new channels, got 0"):
        with_new_context(model, 0)
    with pytest.raises(ValueError, match="value must be finite, got nan"):
        with_new_context(model, value=math.nan)
    with pytest.raises(ValueError, match=r"must be an NMRNN, .* got a Linear"):
        with_new_context(torch.nn.Linear(2, 2))
    prescribed = NMRNN(LowRankRNN(3, 12, 3, rank=2), PrescribedGain(torch.ones(100, 2)))
    with pytest.raises(ValueError, match="Modulator that can read a context"):
        with_new_context(prescribed)
