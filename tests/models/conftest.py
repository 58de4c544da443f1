"""Every model of the course in small, as one list that the contract tests go through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Generator, Tensor
from torch.nn.functional import elu, softplus

from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    ClampedGain,
    ConvRNN,
    LowRankRNN,
    Modulator,
    NMState,
    PrescribedGain,
    RecurrentModel,
    ScalarGainRNN,
    SparseTerms,
    VanillaRNN,
    identity,
)

BATCH, STEPS, INPUTS, CONTEXT, OUTPUTS = 3, 12, 2, 2, 2
UNITS, RANK, MODULATOR_UNITS = 7, 3, 4
ALL_MODULATED = ("recurrent", "input", "readout")


@dataclass(frozen=True)
class Config:
    """One model, the context channels its trials have, and its name in the test report."""

    name: str
    build: Callable[[Generator], RecurrentModel]
    n_context: int = 0

    def model(self, seed: int = 0) -> RecurrentModel:
        """In double precision, because that is where equal means equal."""
        return self.build(torch.Generator().manual_seed(seed)).double()

    def trial(self, seed: int = 1) -> tuple[Tensor, Tensor | None]:
        """Random inputs and, if the model needs it, context."""
        generator = torch.Generator().manual_seed(seed)
        draw = partial(torch.randn, dtype=torch.float64, generator=generator)
        context = draw(BATCH, STEPS, self.n_context) if self.n_context else None
        return draw(BATCH, STEPS, INPUTS), context

    @property
    def is_nm_rnn(self) -> bool:
        return self.name.startswith("nm")


def _vanilla(generator: Generator, extra_inputs: int = 0, **options) -> VanillaRNN:
    model = VanillaRNN(
        INPUTS + extra_inputs, UNITS, OUTPUTS, tau=50.0, generator=generator, **options
    )
    if model.bias is not None:  # starts at zero, where a forgotten bias would not show
        with torch.no_grad():
            model.bias.copy_(torch.randn(UNITS, generator=generator))
    return model


def _low_rank(generator: Generator, extra_inputs: int = 0, **options) -> LowRankRNN:
    return LowRankRNN(
        INPUTS + extra_inputs, UNITS, OUTPUTS, RANK, tau=50.0, generator=generator, **options
    )


def _lstm(generator: Generator, extra_inputs: int = 0, **options) -> LSTM:
    return LSTM(INPUTS + extra_inputs, UNITS, OUTPUTS, generator=generator, **options)


def _sparse(generator: Generator, extra_inputs: int = 0, **options) -> SparseTerms:
    return SparseTerms(
        INPUTS + extra_inputs, UNITS, OUTPUTS, RANK, tau=50.0, generator=generator, **options
    )


def _conv(generator: Generator, extra_inputs: int = 0, **options) -> ConvRNN:
    return ConvRNN(
        INPUTS + extra_inputs,
        UNITS,
        1,
        OUTPUTS,
        kernel_size=1,
        tau=50.0,
        generator=generator,
        **options,
    )


def _scalar_gain(generator: Generator, **options) -> ScalarGainRNN:
    mask = torch.rand(UNITS, UNITS, generator=generator) < 0.5
    return ScalarGainRNN(_vanilla(generator, **options), mask, [1.5, -0.4])


def _gru(generator: Generator, extra_inputs: int = 0, **options) -> GRU:
    return GRU(INPUTS + extra_inputs, UNITS, OUTPUTS, generator=generator, **options)


def _nm(
    generator: Generator,
    *,
    build: Callable[..., RecurrentModel] = _low_rank,
    network: dict | None = None,
    clamp: dict | None = None,
    modulated: tuple[str, ...] = ("recurrent",),
    **modulator,
) -> NMRNN:
    n_gains = sum({"recurrent": RANK, "input": INPUTS, "readout": OUTPUTS}[m] for m in modulated)
    source = Modulator(INPUTS, MODULATOR_UNITS, n_gains, tau=80.0, generator=generator, **modulator)
    with torch.no_grad():  # ten times the small initial weights: every term is seen
        source.recurrent_weights.mul_(10)
        source.gain_weights.mul_(10)
        if source.feedback_bias is not None:
            source.feedback_bias.copy_(torch.randn(MODULATOR_UNITS, generator=generator))
    return NMRNN(
        build(generator, **(network or {})),
        source if clamp is None else ClampedGain(source, clamp),
        modulated=modulated,
    )


def _prescribed(generator: Generator, *shape: int, clamp: dict | None = None) -> NMRNN:
    source = PrescribedGain(torch.rand(*shape, generator=generator))
    return NMRNN(_low_rank(generator), source if clamp is None else ClampedGain(source, clamp))


CONFIGS = [
    Config("vanilla", partial(_vanilla, x0=0.3)),
    Config("vanilla-bias", partial(_vanilla, bias=True, readout_bias=False)),
    Config("vanilla-relu", partial(_vanilla, nonlinearity=torch.relu, recurrent_scaling="1/N")),
    Config("vanilla-sigmoid", partial(_vanilla, nonlinearity=torch.sigmoid)),
    Config("vanilla-linear", partial(_vanilla, nonlinearity=identity)),
    Config("vanilla-plain-loop", partial(_vanilla, nonlinearity=softplus, bias=True)),
    Config("vanilla-context", partial(_vanilla, extra_inputs=CONTEXT), CONTEXT),
    Config("vanilla-rate", partial(_vanilla, form="rate", bias=True)),
    Config("vanilla-rate-relu", partial(_vanilla, form="rate", nonlinearity=torch.relu)),
    Config("conv", _conv),
    Config("conv-plain-loop", partial(_conv, nonlinearity=softplus, readout_bias=False)),
    Config("conv-context", partial(_conv, extra_inputs=CONTEXT), CONTEXT),
    Config("low-rank", _low_rank),
    Config("low-rank-over-N", partial(_low_rank, recurrent_scaling="1/N", readout_bias=False)),
    Config("low-rank-raw-signs", partial(_low_rank, orthonormal="raw")),
    Config("low-rank-free", partial(_low_rank, orthonormal=False, x0=torch.linspace(-1, 1, UNITS))),
    Config("low-rank-symmetric", partial(_low_rank, symmetric=True, nonlinearity=identity)),
    Config("low-rank-plain-loop", partial(_low_rank, nonlinearity=elu)),
    Config("low-rank-context", partial(_low_rank, extra_inputs=CONTEXT), CONTEXT),
    Config("nm", partial(_nm, z0=-0.4)),
    Config("nm-free", partial(_nm, network={"orthonormal": False, "recurrent_scaling": "1/N"})),
    Config(
        "nm-linear-symmetric", partial(_nm, network={"symmetric": True, "nonlinearity": identity})
    ),
    Config("nm-context", partial(_nm, n_context=CONTEXT), CONTEXT),
    Config("nm-feedback", partial(_nm, n_feedback=UNITS)),
    Config("nm-feedback-context", partial(_nm, n_feedback=UNITS, n_context=CONTEXT), CONTEXT),
    Config("nm-gain-tanh", partial(_nm, gain_nonlinearity=torch.tanh)),
    Config("nm-gain-softplus", partial(_nm, gain_nonlinearity=softplus)),
    Config("nm-modulated-all", partial(_nm, modulated=ALL_MODULATED)),
    Config("nm-modulated-all-feedback", partial(_nm, modulated=ALL_MODULATED, n_feedback=UNITS)),
    Config(
        "nm-modulated-recurrent-readout-feedback",
        partial(_nm, modulated=ALL_MODULATED[::2], n_feedback=UNITS, gain_nonlinearity=torch.tanh),
    ),
    Config(
        "nm-free-feedback",
        partial(_nm, network={"orthonormal": False, "recurrent_scaling": "1/N"}, n_feedback=UNITS),
    ),
    Config(
        "nm-modulated-input-readout-feedback",
        partial(_nm, modulated=ALL_MODULATED[1:], n_feedback=UNITS),
    ),
    Config(
        "nm-modulated-readout-without-bias",
        partial(_nm, modulated=ALL_MODULATED[::2], network={"readout_bias": False}),
    ),
    Config("nm-plain-loop", partial(_nm, nonlinearity=elu, network={"nonlinearity": softplus})),
    Config("nm-clamped", partial(_nm, clamp={1: 0.5})),
    Config("nm-clamped-feedback", partial(_nm, clamp={0: 0.0, 2: 1.5}, n_feedback=UNITS)),
    Config("nm-prescribed", lambda g: _prescribed(g, STEPS, RANK)),
    Config("nm-prescribed-longer", lambda g: _prescribed(g, STEPS + 5, RANK)),
    Config("nm-prescribed-per-trial", lambda g: _prescribed(g, BATCH, STEPS, RANK)),
    Config("nm-prescribed-clamped", lambda g: _prescribed(g, STEPS, RANK, clamp={2: -1.0})),
    Config("nm-sparse-terms", partial(_nm, network={"in_degree": 2}, build=_sparse)),
    Config(
        "nm-sparse-terms-feedback",
        partial(_nm, network={"in_degree": 4}, build=_sparse, n_feedback=UNITS),
    ),
    Config("sparse-terms", partial(_sparse, recurrent_scaling="1/sqrt(N)", in_degree=3)),
    Config("sparse-terms-context", partial(_sparse, extra_inputs=CONTEXT, x0=-0.2), CONTEXT),
    Config("scalar-gain", _scalar_gain, CONTEXT),
    Config("scalar-gain-bias", partial(_scalar_gain, bias=True, nonlinearity=softplus), CONTEXT),
    Config("lstm", _lstm),
    Config("lstm-readout-bias", partial(_lstm, readout_bias=True, h0=-0.2, c0=0.7)),
    Config("lstm-context", partial(_lstm, extra_inputs=CONTEXT), CONTEXT),
    Config("gru", partial(_gru, h0=0.4)),
    Config("gru-context", partial(_gru, extra_inputs=CONTEXT, readout_bias=True), CONTEXT),
]


def _name(config: Config) -> str:
    return config.name


@pytest.fixture(params=CONFIGS, ids=_name)
def config(request) -> Config:
    """Each model in turn."""
    return request.param


@pytest.fixture(params=[c for c in CONFIGS if c.n_context], ids=_name)
def context_config(request) -> Config:
    """Each model that is shown a context."""
    return request.param


@pytest.fixture(params=[c for c in CONFIGS if not c.is_nm_rnn], ids=_name)
def euler_config(request) -> Config:
    """Each model whose step is plain Euler on its velocity."""
    return request.param


@pytest.fixture
def generator() -> Generator:
    return torch.Generator().manual_seed(5)


@pytest.fixture
def states_of():
    """What ``Trajectory.states`` should hold for a list of states, (batch, time, unit)."""

    def stack(states: list) -> Tensor:
        if isinstance(states[0], NMState):
            states = [state.x for state in states]
        elif isinstance(states[0], tuple):
            states = [torch.cat(state, dim=-1) for state in states]
        return torch.stack(states, dim=1)

    return stack
