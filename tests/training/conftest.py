"""Small networks and a short task: every training here takes a fraction of a second."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, identity
from nmcourse.tasks import MeasureWaitGo


class PlainNet(nn.Module):
    """Not one of our models: a torch network with a readout, as a reader would bring."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.first, self.readout = nn.Linear(3, 8), nn.Linear(8, 1)
        self.register_buffer("decay", torch.tensor(0.7))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))

    def forward(self, inputs):
        outputs = []
        hidden = inputs.new_zeros(inputs.shape[0], 8)
        for now in inputs.unbind(1):
            hidden = self.decay * hidden + torch.tanh(self.first(now))
            outputs.append(self.readout(hidden))
        return torch.stack(outputs, 1)


def nm_rnn(generator: Generator, **options) -> NMRNN:
    return NMRNN(
        LowRankRNN(3, 8, 1, 2, generator=generator, **options),
        Modulator(3, 3, 2, generator=generator),
    )


BUILDERS = {
    "nm-rnn": nm_rnn,
    "nm-rnn-feedback": lambda g: NMRNN(
        LowRankRNN(3, 8, 1, 2, orthonormal=False, generator=g),
        Modulator(3, 3, 2, n_feedback=8, generator=g),
    ),
    "low-rank": lambda g: LowRankRNN(3, 8, 1, 2, generator=g),
    "vanilla": lambda g: VanillaRNN(3, 6, 1, generator=g),
    "vanilla-rate": lambda g: VanillaRNN(3, 6, 1, form="rate", bias=True, generator=g),
    "lstm": lambda g: LSTM(3, 4, 1, generator=g),
    "plain": PlainNet,
}


def double(build):
    return lambda generator: build(generator).double()


@pytest.fixture(params=BUILDERS)
def build(request):
    """Each kind of network in turn, in double precision."""
    return double(BUILDERS[request.param])


@pytest.fixture(params=[name for name in BUILDERS if name != "plain"])
def course_build(request):
    """Each kind of network that knows its parts."""
    return double(BUILDERS[request.param])


@pytest.fixture
def small():
    """One quick network for what does not depend on the kind."""
    return double(BUILDERS["low-rank"])


@pytest.fixture
def task() -> MeasureWaitGo:
    return MeasureWaitGo([40, 60], measure_times=[20, 30], delay=30, duration=220, mask_padding=2)


@pytest.fixture
def seeded():
    """seed -> generator, as ``fit_many`` hands it to ``build``."""
    return lambda seed: torch.Generator().manual_seed(seed)


@pytest.fixture
def nm_build():
    return double(BUILDERS["nm-rnn"])


@pytest.fixture
def plain_build():
    return double(BUILDERS["plain"])


@pytest.fixture
def unbounded():
    """A linear network, whose state can grow without limit."""
    return lambda generator: LowRankRNN(
        3, 8, 1, 2, orthonormal=False, nonlinearity=identity, generator=generator
    ).double()
