"""Models of random shapes, with trials that fit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor

from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    LowRankRNN,
    LSTMState,
    Modulator,
    NMState,
    RecurrentModel,
    ScalarGainRNN,
    SparseTerms,
    Trajectory,
    VanillaRNN,
    identity,
)

NONLINEARITIES = (torch.tanh, torch.sigmoid, torch.relu, identity, torch.nn.functional.softplus)
SCALINGS = ("none", "1/sqrt(N)", "1/N")


@dataclass(frozen=True)
class Case:
    """A model, a trial for it, and how exact numbers of its type are."""

    model: RecurrentModel
    inputs: Tensor
    context: Tensor | None

    def run(self, which=slice(None), until: int | None = None) -> Trajectory:
        """The model on some trials, up to a step."""
        context = None if self.context is None else self.context[which, :until]
        return self.model(self.inputs[which, :until], context)

    def steps(self, state, start: int = 0) -> list:
        """The states of ``step`` repeated, from a state at a step."""
        found = []
        for t in range(start, self.inputs.shape[1]):
            now = None if self.context is None else self.context[:, t]
            state = self.model.step(state, self.inputs[:, t], now)
            found.append(state)
        return found

    def state_after(self, n_steps: int):
        """The state that the trajectory holds after so many steps."""
        found = self.run()
        x = found.states[:, n_steps - 1]
        if isinstance(self.model, NMRNN):
            return NMState(x, found.modulator_states[:, n_steps - 1])
        return LSTMState(*x.chunk(2, dim=-1)) if isinstance(self.model, LSTM) else x

    def stacked(self, states: list) -> Tensor:
        """States as ``Trajectory.states`` has them."""
        if isinstance(self.model, NMRNN):
            states = [state.x for state in states]
        elif isinstance(self.model, LSTM):
            states = [torch.cat(state, dim=-1) for state in states]
        return torch.stack(states, dim=1)

    def same(self, one: Tensor, two: Tensor) -> None:
        """Assert that two results are equal up to rounding."""
        tolerance = 1e-9 if one.dtype == torch.float64 else 2e-3
        assert one.shape == two.shape
        torch.testing.assert_close(
            one, two, rtol=tolerance, atol=tolerance * (1.0 + float(two.detach().abs().max()))
        )


def _times(draw) -> dict[str, float]:
    dt = draw(st.floats(0.1, 50.0))
    return {"dt": dt, "tau": dt * draw(st.floats(1.0, 100.0))}


def _low_rank(draw, sizes, generator, times, **more) -> LowRankRNN:
    return LowRankRNN(
        *sizes,
        draw(st.integers(1, sizes[1])),
        orthonormal=draw(st.booleans()),
        symmetric=draw(st.booleans()),
        nonlinearity=draw(st.sampled_from(NONLINEARITIES)),
        recurrent_scaling=draw(st.sampled_from(SCALINGS)),
        readout_bias=draw(st.booleans()),
        x0=draw(st.floats(-2, 2)),
        generator=generator,
        **times,
    )


def _sparse(draw, sizes, generator, times) -> SparseTerms:
    return SparseTerms(
        *sizes,
        draw(st.integers(1, 4)),
        in_degree=draw(st.integers(1, sizes[1])),
        nonlinearity=draw(st.sampled_from(NONLINEARITIES)),
        recurrent_scaling=draw(st.sampled_from(SCALINGS)),
        generator=generator,
        **times,
    )


def _vanilla(draw, sizes, generator, times, form: str) -> VanillaRNN:
    return VanillaRNN(
        *sizes,
        form=form,
        nonlinearity=draw(st.sampled_from(NONLINEARITIES)),
        recurrent_scaling=draw(st.sampled_from(SCALINGS)),
        bias=draw(st.booleans()),
        readout_bias=draw(st.booleans()),
        x0=draw(st.floats(-2, 2)),
        generator=generator,
        **times,
    )


def _scalar_gain(draw, sizes, generator, times, n_context: int) -> ScalarGainRNN:
    mask = torch.rand(sizes[1], sizes[1], generator=generator) < 0.5
    mask[0, 0] = True
    gains = [draw(st.floats(-2, 2)) for _ in range(n_context)]
    return ScalarGainRNN(_vanilla(draw, sizes, generator, times, "current"), mask, gains)


def _nm(draw, sizes, generator, times, n_context: int, build: Callable = _low_rank) -> NMRNN:
    network = build(draw, sizes, generator, times)
    kinds = ("recurrent", "input", "readout")
    modulated = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3, unique=True))
    counts = dict(zip(kinds, (network.rank, network.n_inputs, network.n_outputs), strict=True))
    modulator = Modulator(
        network.n_inputs,
        draw(st.integers(1, 5)),
        sum(counts[kind] for kind in modulated),
        n_context=n_context,
        n_feedback=network.n_units if draw(st.booleans()) else 0,
        gain_nonlinearity=draw(st.sampled_from((torch.sigmoid, torch.tanh))),
        nonlinearity=draw(st.sampled_from(NONLINEARITIES)),
        dt=times["dt"],
        tau=times["dt"] * draw(st.floats(1.0, 100.0)),
        z0=draw(st.floats(-2, 2)),
        generator=generator,
    )
    return NMRNN(network, modulator, modulated=modulated)


def _gated(draw, sizes, generator, times, kind) -> RecurrentModel:
    return kind(*sizes, dt=times["dt"], readout_bias=draw(st.booleans()), generator=generator)


# name -> (build, whether its trials may have a context of their own)
FAMILIES: dict[str, tuple[Callable, bool]] = {
    "vanilla": (partial(_vanilla, form="current"), False),
    "vanilla-rate": (partial(_vanilla, form="rate"), False),
    "low-rank": (_low_rank, False),
    "sparse-terms": (_sparse, False),
    "scalar-gain": (_scalar_gain, True),
    "nm-rnn": (_nm, True),
    "nm-rnn-sparse": (partial(_nm, build=_sparse), True),
    "lstm": (partial(_gated, kind=LSTM), False),
    "gru": (partial(_gated, kind=GRU), False),
}


@st.composite
def cases(draw, family: str) -> Case:
    """A model of a family with random sizes, weights, times and type, and a trial for it."""
    build, has_context = FAMILIES[family]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    sizes = (draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 3)))
    least = 1 if family == "scalar-gain" else 0
    n_context = draw(st.integers(least, 2)) if has_context else 0
    more = {"n_context": n_context} if has_context else {}
    model = build(draw, sizes, generator, _times(draw), **more)
    dtype = draw(st.sampled_from((torch.float64, torch.float32)))
    n_trials, n_steps = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    inputs, context = (
        torch.randn(n_trials, n_steps, n, generator=generator).to(dtype)
        for n in (sizes[0], n_context)
    )
    return Case(model.to(dtype), inputs, context if n_context else None)


@pytest.fixture(params=FAMILIES, scope="module")  # not once for each example
def cases_of(request) -> st.SearchStrategy[Case]:
    """Random models of each family in turn."""
    return cases(request.param)
