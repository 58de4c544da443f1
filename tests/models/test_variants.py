"""Variants of the NM-RNN: more weights under gain, sparse terms, scalar gains, any gain at all."""

from __future__ import annotations

import re

import pytest
import torch

from nmcourse.models import (
    NMRNN,
    ClampedGain,
    LowRankRNN,
    Modulator,
    PrescribedGain,
    ScalarGainRNN,
    SparseTerms,
    VanillaRNN,
    count_parameters,
)
from nmcourse.tasks import Trials
from nmcourse.training import fit_many

EXACT = {"rtol": 0, "atol": 1e-12}
BATCH, STEPS, INPUTS, UNITS, OUTPUTS, RANK = 3, 15, 2, 6, 2, 3
ALL = ("recurrent", "input", "readout")


@pytest.fixture
def inputs():
    return torch.randn(BATCH, STEPS, INPUTS, dtype=torch.float64)


@pytest.fixture
def low_rank(generator):
    return LowRankRNN(INPUTS, UNITS, OUTPUTS, RANK, tau=50.0, generator=generator).double()


@pytest.fixture
def sparse(generator):
    return SparseTerms(INPUTS, UNITS, OUTPUTS, RANK, tau=50.0, generator=generator).double()


@pytest.fixture
def vanilla(generator):
    model = VanillaRNN(INPUTS, UNITS, OUTPUTS, bias=True, tau=50.0, generator=generator)
    with torch.no_grad():
        model.bias.copy_(torch.randn(UNITS, generator=generator))
    return model.double()


def complains(message: str):
    return pytest.raises(ValueError, match="^" + re.escape(message))


# modulated input and readout weights


@pytest.mark.parametrize("modulated", [ALL, ALL[1:], ALL[:2], ("readout",), ("input",)])
def test_gains_of_one_leave_the_low_rank_network(inputs, low_rank, modulated):
    n_gains = sum({"recurrent": RANK, "input": INPUTS, "readout": OUTPUTS}[m] for m in modulated)
    ones = PrescribedGain(torch.ones(STEPS, n_gains)).double()
    found, expected = NMRNN(low_rank, ones, modulated=modulated)(inputs), low_rank(inputs)
    torch.testing.assert_close(found.outputs, expected.outputs, **EXACT)
    torch.testing.assert_close(found.states, expected.states, **EXACT)


def test_gains_stand_in_the_order_recurrent_input_readout(inputs, low_rank):
    gain = torch.tensor([0.2, 0.9, -0.5, 0.3, 2.0, -1.0, 0.7], dtype=torch.float64)
    source = PrescribedGain(gain.expand(STEPS, 7))
    found = NMRNN(low_rank, source, modulated=("readout", "input", "recurrent"))(inputs)
    full = VanillaRNN(INPUTS, UNITS, OUTPUTS, recurrent_scaling="none", tau=50.0).double()
    with torch.no_grad():
        full.recurrent_weights.copy_(low_rank.connectivity(gain[:3]))
        full.input_weights.copy_(low_rank.input_weights * gain[3:5])  # P columns
        full.output.weights.copy_(gain[5:, None] * low_rank.output.weights)  # O rows
        full.output.bias.copy_(low_rank.output.bias)
    torch.testing.assert_close(found.states, full(inputs).states, **EXACT)
    torch.testing.assert_close(found.outputs, full(inputs).outputs, **EXACT)


def test_a_closed_input_lets_nothing_in(inputs, low_rank, generator):
    source = Modulator(INPUTS, 4, RANK + INPUTS, generator=generator).double()
    closed = ClampedGain(source, {RANK: 0.0, RANK + 1: 0.0})
    model = NMRNN(low_rank, ClampedGain(closed, dict.fromkeys(range(RANK), 0.5)), modulated=ALL[:2])
    states = model(inputs).states
    torch.testing.assert_close(states, model(torch.zeros_like(inputs)).states, **EXACT)
    assert not torch.allclose(states, NMRNN(low_rank, source, modulated=ALL[:2])(inputs).states)


@pytest.mark.parametrize("modulated", [(), ("recurrent", "output"), "recurrent"])
def test_modulated_names_kinds_of_weights(low_rank, modulated):
    with complains(f"modulated must be one or more of {ALL}, got {modulated!r}"):
        NMRNN(low_rank, Modulator(INPUTS, 4, RANK), modulated=modulated)


def test_modulated_names_each_once_and_needs_as_many_gains(low_rank):
    with complains("modulated must name each kind of weight once, got ('input', 'input')"):
        NMRNN(low_rank, Modulator(INPUTS, 4, 4), modulated=("input", "input"))
    with complains("modulator.n_gains must fit the output network: got 3, needed 7"):
        NMRNN(low_rank, Modulator(INPUTS, 4, RANK), modulated=ALL)


# any gain


@pytest.mark.parametrize("gain", [-2.0, 0.0, 5.0])
def test_a_gain_of_any_size_or_sign_scales_its_term(inputs, low_rank, gain):
    """W(s) with gains of s is the low-rank network whose column factors are s times as large."""
    found = NMRNN(low_rank, PrescribedGain(torch.full((STEPS, RANK), gain)).double())(inputs)
    with torch.no_grad():
        low_rank.column_factors.mul_(gain)
    torch.testing.assert_close(found.states, low_rank(inputs).states, **EXACT)


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [(torch.tanh, -1.0, 1.0), (torch.nn.functional.softplus, 0.0, float("inf"))],
    ids=["signed", "unbounded"],
)
def test_signed_and_unbounded_gains_stay_in_their_range(
    inputs, low_rank, generator, shape, low, high
):
    source = Modulator(INPUTS, 4, RANK, tau=80.0, gain_nonlinearity=shape, generator=generator)
    with torch.no_grad():
        source.gain_weights.mul_(100)
    gains = NMRNN(low_rank, source.double())(inputs).gains
    assert low <= gains.min() < gains.max() <= high
    assert gains.max() > 1 or gains.min() < 0  # what the sigmoid cannot do


# a random output network


def test_freezing_leaves_a_random_output_network():
    def build(generator):
        network = LowRankRNN(INPUTS, UNITS, 1, RANK, generator=generator)
        return NMRNN(network, Modulator(INPUTS, 4, RANK, generator=generator))

    steps = torch.randn(4, 5, INPUTS)
    trials = Trials(steps, steps.cumsum(1)[..., :1], torch.ones(4, 5, 1))
    freeze = ("recurrent weights", "input weights of the output network")
    trained = fit_many(build, trials, seeds=2, n_steps=3, freeze=freeze, progress=False).models
    for seed, model in enumerate(trained):
        before = dict(build(torch.Generator().manual_seed(seed)).named_parameters())
        same = {n for n, p in model.named_parameters() if torch.equal(p, before[n])}
        assert same == {
            f"output_network.{name}" for name in ("row_factors", "column_factors", "input_weights")
        }


# sparse terms


def test_every_unit_listens_to_in_degree_others_in_each_term(sparse):
    masks, terms = sparse.masks(), sparse.terms()
    assert masks.shape == terms.shape == (RANK, UNITS, UNITS)
    assert (masks.sum(dim=-1) == sparse.in_degree).all()
    assert ((terms != 0) == masks).all()
    assert torch.equal(terms[masks].sort().values, sparse.recurrent_weights.flatten().sort().values)
    assert not torch.equal(masks[0], masks[1])


def test_an_in_degree_of_two_has_the_weights_of_a_rank_one_term(sparse, low_rank):
    assert count_parameters(sparse) == count_parameters(low_rank)
    large = SparseTerms(INPUTS, 400, 1, 1, generator=torch.Generator().manual_seed(0))
    assert 0.8 < large.connectivity().square().sum() / 400 < 1.2


def test_sparse_connectivity_is_the_sum_of_its_terms(inputs, sparse):
    gain = torch.tensor([0.2, 1.5, -0.7], dtype=torch.float64)
    expected = sum(s * term for s, term in zip(gain, sparse.terms(), strict=True))
    torch.testing.assert_close(sparse.connectivity(gain), expected, **EXACT)
    full = VanillaRNN(INPUTS, UNITS, OUTPUTS, recurrent_scaling="none", tau=50.0).double()
    with torch.no_grad():
        full.recurrent_weights.copy_(expected)
        full.input_weights.copy_(sparse.input_weights)
    found = NMRNN(sparse, PrescribedGain(gain.expand(STEPS, RANK)))(inputs)
    torch.testing.assert_close(found.states, full(inputs).states, **EXACT)


def test_one_full_mask_is_the_vanilla_network(inputs, generator):
    model = SparseTerms(
        INPUTS, UNITS, OUTPUTS, 1, in_degree=UNITS, tau=50.0, generator=generator
    ).double()
    assert model.masks().all()
    full = VanillaRNN(INPUTS, UNITS, OUTPUTS, recurrent_scaling="none", tau=50.0).double()
    with torch.no_grad():
        full.recurrent_weights.copy_(model.terms()[0])
        full.input_weights.copy_(model.input_weights)
    full.output = model.output
    torch.testing.assert_close(model(inputs).outputs, full(inputs).outputs, **EXACT)


def test_sparse_in_degree_is_at_most_the_number_of_units():
    with complains("in_degree must be at most n_units=6, got 7"):
        SparseTerms(INPUTS, UNITS, OUTPUTS, RANK, in_degree=7)
    with complains("in_degree must be a positive integer, got 0"):
        SparseTerms(INPUTS, UNITS, OUTPUTS, RANK, in_degree=0)


# constant scalar gains


def one_hot(context: int, n_contexts: int = 2) -> torch.Tensor:
    held = torch.zeros(BATCH, STEPS, n_contexts, dtype=torch.float64)
    held[..., context] = 1.0
    return held


def test_a_scalar_gain_of_one_leaves_the_vanilla_network(inputs, vanilla):
    mask = torch.rand(UNITS, UNITS) < 0.5
    model = ScalarGainRNN(vanilla, mask, [1.0, 0.3]).double()
    expected = vanilla(inputs)
    found = model(inputs, one_hot(0))
    torch.testing.assert_close(found.states, expected.states, **EXACT)
    torch.testing.assert_close(found.outputs, expected.outputs, **EXACT)
    assert not torch.allclose(model(inputs, one_hot(1)).states, expected.states, atol=1e-3)


def test_a_scalar_gain_multiplies_the_chosen_weights(inputs, vanilla):
    mask = torch.zeros(UNITS, UNITS, dtype=torch.bool)
    mask[1, 4] = True  # from unit 4 to unit 1
    found = ScalarGainRNN(vanilla, mask, [1.0, -2.0]).double()(inputs, one_hot(1))
    with torch.no_grad():
        vanilla.recurrent_weights[1, 4] *= -2.0
    torch.testing.assert_close(found.states, vanilla(inputs).states, **EXACT)


def test_bad_scalar_gains(inputs, vanilla):
    mask = torch.ones(UNITS, UNITS, dtype=torch.bool)
    rate = VanillaRNN(INPUTS, UNITS, OUTPUTS, form="rate")
    with complains("network must be in 'current' form, got 'rate'"):
        ScalarGainRNN(rate, mask, [1.0])
    for wrong, text in (
        (mask[:4], "torch.bool (4, 6), 24 true"),
        (mask.float(), "torch.float32 (6, 6), 36 true"),
        (~mask, "torch.bool (6, 6), 0 true"),
    ):
        with complains(f"mask must be boolean of shape (6, 6) and true somewhere, got {text}"):
            ScalarGainRNN(vanilla, wrong, [1.0])
    for wrong in ([], [1.0, float("nan")]):
        with complains(f"gains must be one finite number for each context, got {wrong!r}"):
            ScalarGainRNN(vanilla, mask, wrong)
    model = ScalarGainRNN(vanilla, mask, [1.0, 0.5]).double()
    with complains("context is needed: it chooses one of 2 gains"):
        model(inputs)
    with complains("inputs with context must have shape (batch, time, 4), got (3, 15, 5)"):
        model(inputs, one_hot(0, 3))
    with complains("context must match inputs in every axis but the last, got (3, 14, 2)"):
        model(inputs, one_hot(0)[:, 1:])
