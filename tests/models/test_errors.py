"""Wrong arguments: each message names the argument, the value, and what is allowed."""

from __future__ import annotations

import math
import re

import pytest
import torch

from nmcourse.models import (
    LSTM,
    NMRNN,
    ClampedGain,
    LowRankRNN,
    Modulator,
    PrescribedGain,
    VanillaRNN,
)

MODELS = {
    "vanilla": lambda **options: VanillaRNN(
        **{"n_inputs": 2, "n_units": 5, "n_outputs": 1} | options
    ),
    "low-rank": lambda **options: LowRankRNN(
        **{"n_inputs": 2, "n_units": 5, "n_outputs": 1, "rank": 2} | options
    ),
    "lstm": lambda **options: LSTM(**{"n_inputs": 2, "n_units": 5, "n_outputs": 1} | options),
    "modulator": lambda **options: Modulator(
        **{"n_inputs": 2, "n_units": 5, "n_gains": 2} | options
    ),
}
NETWORKS = ("vanilla", "low-rank", "lstm")
WITH_TAU = ("vanilla", "low-rank", "modulator")


def complains(message: str):
    """The whole sentence, so that a message that loses its meaning fails."""
    return pytest.raises(ValueError, match="^" + re.escape(message))


@pytest.mark.parametrize("value", [0, -1, 2.0, True, None])
@pytest.mark.parametrize(
    ("model", "size"),
    [(model, size) for model in NETWORKS for size in ("n_inputs", "n_units", "n_outputs")]
    + [("low-rank", "rank")]
    + [("modulator", size) for size in ("n_inputs", "n_units", "n_gains")],
)
def test_sizes_are_positive_integers(model, size, value):
    with complains(f"{size} must be a positive integer, got {value!r}"):
        MODELS[model](**{size: value})


@pytest.mark.parametrize("value", [-1, 1.5])
@pytest.mark.parametrize("size", ["n_context", "n_feedback"])
def test_context_and_feedback_are_counts(size, value):
    with complains(f"{size} must be zero or a positive integer, got {value!r}"):
        MODELS["modulator"](**{size: value})


@pytest.mark.parametrize("value", [0.0, -5.0, math.nan, math.inf])
@pytest.mark.parametrize(
    ("model", "name"), [(m, n) for m in WITH_TAU for n in ("tau", "dt")] + [("lstm", "dt")]
)
def test_times_are_positive(model, name, value):
    with complains(f"{name} must be a positive time in ms, got {value!r}"):
        MODELS[model](**{name: value})


@pytest.mark.parametrize("model", WITH_TAU)
def test_dt_is_at_most_tau(model):
    MODELS[model](tau=10.0, dt=10.0)
    with complains("dt must not exceed tau: got dt=11.0 ms and tau=10.0 ms"):
        MODELS[model](tau=10.0, dt=11.0)


def test_rank_is_at_most_the_number_of_units():
    MODELS["low-rank"](rank=5)
    with complains("rank must be at most n_units=5, got 6"):
        MODELS["low-rank"](rank=6)


@pytest.mark.parametrize("model", ["vanilla", "low-rank"])
def test_recurrent_scaling_is_one_of_three(model):
    with complains("recurrent_scaling must be one of ('none', '1/sqrt(N)', '1/N'), got '1/n'"):
        MODELS[model](recurrent_scaling="1/n")


def test_form_is_current_or_rate():
    with complains("form must be 'current' or 'rate', got 'Rate'"):
        MODELS["vanilla"](form="Rate")


@pytest.mark.parametrize(
    ("model", "name"),
    [("vanilla", "x0"), ("low-rank", "x0"), ("lstm", "h0"), ("lstm", "c0"), ("modulator", "z0")],
)
def test_start_is_a_finite_number_or_vector(model, name):
    with complains(f"{name} must be a number or have shape (5,), got (4,)"):
        MODELS[model](**{name: torch.zeros(4)})
    for wrong in (math.nan, torch.tensor([0.0, 0.0, math.inf, 0.0, 0.0])):
        with complains(f"{name} must be finite, got NaN or infinity"):
            MODELS[model](**{name: wrong})


@pytest.mark.parametrize(
    "start", [[0, 1, 2, 3, 4], torch.arange(5), torch.arange(5.0, dtype=torch.float64)], ids=str
)
def test_start_takes_the_type_of_the_weights(start):
    model = MODELS["vanilla"](x0=start)
    assert torch.equal(model.initial_state(1), torch.arange(5.0)[None])
    assert model(torch.zeros(1, 3, 2)).outputs.dtype == torch.float32


def test_start_is_a_copy():
    start = torch.zeros(5)
    model = MODELS["vanilla"](x0=start)
    start += 1
    assert (model.x0 == 0).all()


@pytest.mark.parametrize("value", [0, -2, 1.0])
@pytest.mark.parametrize("name", NETWORKS)
def test_batch_size_is_a_positive_integer(name, value):
    with complains(f"batch_size must be a positive integer, got {value!r}"):
        MODELS[name]().initial_state(value)


# trials


@pytest.fixture(params=[*NETWORKS, "nm-rnn"])
def network(request):
    if request.param == "nm-rnn":
        return NMRNN(MODELS["low-rank"](), MODELS["modulator"]())
    return MODELS[request.param]()


@pytest.mark.parametrize(
    "shape", [(4, 2), (2,), (3, 4, 1), (3, 4, 3), (0, 4, 2), (3, 0, 2), (1, 1, 3, 4, 2)], ids=str
)
def test_inputs_are_batch_time_channel(network, shape):
    with complains(f"inputs must have shape (batch, time, 2), got {shape}"):
        network(torch.zeros(shape))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_inputs_are_finite(network, value):
    inputs = torch.zeros(3, 4, 2)
    inputs[1, 2, 0] = value
    with complains("inputs must be finite, got NaN or infinity"):
        network(inputs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_inputs_have_the_dtype_of_the_model(network, dtype):
    with complains(f"inputs must be torch.float32 as the model is, got {dtype}"):
        network(torch.zeros(3, 4, 2, dtype=dtype))


@pytest.mark.parametrize("name", NETWORKS)
def test_context_of_a_model_without_modulator_is_an_input(name):
    model = MODELS[name](n_inputs=3)
    model(torch.zeros(3, 4, 2), torch.zeros(3, 4, 1))
    with complains("inputs with context must have shape (batch, time, 3), got (3, 4, 4)"):
        model(torch.zeros(3, 4, 2), torch.zeros(3, 4, 2))
    with complains("context must match inputs in every axis but the last, got (3, 5, 1)"):
        model(torch.zeros(3, 4, 2), torch.zeros(3, 5, 1))
    with complains("inputs must have shape (batch, time, 3), got (3, 4, 2)"):
        model(torch.zeros(3, 4, 2))


def test_context_of_an_nm_rnn():
    with_context = NMRNN(MODELS["low-rank"](), MODELS["modulator"](n_context=3))
    without = NMRNN(MODELS["low-rank"](), MODELS["modulator"]())
    inputs = torch.zeros(3, 4, 2)
    with complains("context is needed: the modulator has 3 context channels"):
        with_context(inputs)
    with complains("context was given, but the modulator has no context channels"):
        without(inputs, torch.zeros(3, 4, 3))
    with complains("context must have shape (batch, time, 3), got (3, 4, 2)"):
        with_context(inputs, torch.zeros(3, 4, 2))
    with complains("context must match inputs in every axis but the last, got (3, 5, 3)"):
        with_context(inputs, torch.zeros(3, 5, 3))
    with complains("context must be finite, got NaN or infinity"):
        with_context(inputs, torch.full((3, 4, 3), math.nan))
    with complains("context must be torch.float32 as the model is, got torch.float64"):
        with_context(inputs, torch.zeros(3, 4, 3, dtype=torch.float64))


# parts of an NM-RNN


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("modulator.n_gains must fit the output network: got 3, needed 2", {"n_gains": 3}),
        ("modulator.dt must fit the output network: got 5.0, needed 10.0", {"dt": 5.0}),
        ("modulator.n_inputs must fit the output network: got 3, needed 2", {"n_inputs": 3}),
        ("modulator.n_feedback must fit the output network: got 4, needed 5", {"n_feedback": 4}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_parts_of_an_nm_rnn_fit_together(message, options):
    modulator = MODELS["modulator"](**options)
    with complains(message):
        NMRNN(MODELS["low-rank"](), modulator)
    with complains(message):
        NMRNN(MODELS["low-rank"](), ClampedGain(modulator, {0: 1.0}))


def test_a_prescription_fits_in_rank_and_dt():
    with complains("modulator.n_gains must fit the output network: got 3, needed 2"):
        NMRNN(MODELS["low-rank"](), PrescribedGain(torch.ones(4, 3)))
    with complains("modulator.dt must fit the output network: got 5.0, needed 10.0"):
        NMRNN(MODELS["low-rank"](), PrescribedGain(torch.ones(4, 2), dt=5.0))


def test_feedback_needs_rates():
    modulator = MODELS["modulator"](n_feedback=5)
    with complains("rates of the output network are needed: n_feedback is not 0"):
        modulator.step(modulator.initial_state(1), torch.zeros(1, 2), None, None)


@pytest.mark.parametrize("shape", [(3,), (0, 2), (4, 0), (1, 2, 3, 4)], ids=str)
def test_prescribed_gains_are_time_by_rank(shape):
    message = f"gains must have shape (time, n_gains) or (trial, time, n_gains), got {shape}"
    with complains(message):
        PrescribedGain(torch.ones(shape))


def test_prescribed_gains_are_finite_and_their_dt_positive():
    with complains("gains must be finite, got NaN or infinity"):
        PrescribedGain(torch.full((4, 2), math.nan))
    with complains("dt must be a positive time in ms, got 0.0"):
        PrescribedGain(torch.ones(4, 2), dt=0.0)


def test_prescribed_gains_last_for_the_trial():
    model = NMRNN(MODELS["low-rank"](), PrescribedGain(torch.ones(4, 2)))
    model(torch.zeros(3, 4, 2))
    with complains("inputs have 5 steps, but gains are prescribed for 4"):
        model(torch.zeros(3, 5, 2))


def test_prescribed_gains_of_each_trial_need_as_many_trials():
    model = NMRNN(MODELS["low-rank"](), PrescribedGain(torch.ones(3, 4, 2)))
    model(torch.zeros(3, 4, 2))
    for run in (lambda: model(torch.zeros(2, 4, 2)), lambda: model.initial_state(2)):
        with complains("inputs have 2 trials, but gains are prescribed for 3"):
            run()


@pytest.mark.parametrize("component", [2, -1, "first", 0.5])
def test_clamped_component_exists(component):
    with complains(f"values: component must be from 0 to 1, got {component!r}"):
        ClampedGain(MODELS["modulator"](), {component: 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_clamped_value_is_finite(value):
    with complains(f"values: gain 1 must be finite, got {value!r}"):
        ClampedGain(MODELS["modulator"](), {1: value})
