"""How the networks of Element Finder are built: seven of about 500 parameters, and a reader.

The sizes of the NM-RNNs and of the LSTM are the published ones; the others come as near to the 497
parameters of NM-RNN(18, 5, 8) as whole units allow. No network has a readout offset. tau_x is 2
steps and tau_z 10 steps; x_0 and z_0 are drawn from N(0, 1/dim) once per network and are the same
in every trial, as published. So are the starting states of the other networks.

Fair recurrence, the default, has a spectral radius near 1 at the start in every leaky network, at
gains of 1: orthonormal row factors and column factors from N(0, 1/K) with no further scaling, or a
full matrix with 1/sqrt(N). ``orthonormal=False, recurrent_scaling="1/N"`` gives the recurrence of
the released NM-RNN instead. Initial variances are the released ones in both.

Reference:
    Costacurta et al., Structured flexibility in recurrent neural networks via neuromodulation,
    NeurIPS 2024, Eq. 9 and Fig. 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    AttentionReader,
    LowRankRNN,
    Modulator,
    RecurrentScaling,
    VanillaRNN,
)

TAU_X, TAU_Z, DT = 20.0, 100.0, 10.0  # ms: 2 and 10 steps


def element_finder_nm_rnn(
    n_modulator: int = 5,
    n_units: int = 18,
    rank: int = 8,
    *,
    orthonormal: bool = True,
    recurrent_scaling: RecurrentScaling = "none",
    modulated: Sequence[str] = ("recurrent",),
    generator: Generator | None = None,
) -> NMRNN:
    """NM-RNN of Element Finder whose modulator hears the output network (497 parameters).

    Args:
        n_modulator: modulator units M.
        n_units: units of the output network N.
        rank: K.
        orthonormal: whether the row factors are orthonormal; in the released code they are free.
        recurrent_scaling: factor of the recurrence; in the released code it is 1/N.
        modulated: which weights have gains, see ``NMRNN``.
        generator: source of the initial weights and states.
    """
    network = LowRankRNN(
        1,
        n_units,
        1,
        rank,
        orthonormal=orthonormal,
        recurrent_scaling=recurrent_scaling,
        readout_bias=False,
        tau=TAU_X,
        dt=DT,
        x0=_start(n_units, generator),
        generator=generator,
    )
    n_gains = rank + ("input" in modulated) + ("readout" in modulated)
    modulator = Modulator(
        1,
        n_modulator,
        n_gains,
        n_feedback=n_units,
        tau=TAU_Z,
        dt=DT,
        z0=_start(n_modulator, generator),
        generator=generator,
    )
    _released_variances(network)
    with torch.no_grad():
        for weights in (modulator.recurrent_weights, modulator.gain_weights):
            weights.mul_(10.0 / math.sqrt(n_modulator))  # from 0.1 N(0, 1)
        modulator.gain_bias.mul_(10.0 / math.sqrt(rank))
    return NMRNN(network, modulator, modulated=modulated)


@torch.no_grad()
def _released_variances(network: LowRankRNN) -> None:
    """Factors from N(0, 1/K): without a 1/N the recurrent spectral radius is near 1."""
    assert network.column_factors is not None
    for factors in (network.row_factors, network.column_factors):
        factors.div_(math.sqrt(network.rank))


def element_finder_low_rank_rnn(
    *,
    orthonormal: bool = True,
    recurrent_scaling: RecurrentScaling = "none",
    generator: Generator | None = None,
) -> LowRankRNN:
    """Low-rank RNN of Element Finder: 28 units of rank 8 (504 parameters).

    Free factors (``orthonormal=False``) and 1/N are those of the released code.
    """
    network = LowRankRNN(
        1,
        28,
        1,
        8,
        orthonormal=orthonormal,
        recurrent_scaling=recurrent_scaling,
        readout_bias=False,
        tau=TAU_X,
        dt=DT,
        x0=_start(28, generator),
        generator=generator,
    )
    _released_variances(network)
    return network


def element_finder_vanilla_rnn(*, generator: Generator | None = None) -> VanillaRNN:
    """Vanilla RNN of Element Finder: 21 units with a full recurrent matrix (483 parameters)."""
    return VanillaRNN(
        1,
        21,
        1,
        readout_bias=False,
        tau=TAU_X,
        dt=DT,
        x0=_start(21, generator),
        generator=generator,
    )


def element_finder_lstm(*, generator: Generator | None = None) -> LSTM:
    """LSTM of Element Finder: 10 units (490 parameters)."""
    h0, c0 = _start(10, generator), _start(10, generator)
    return LSTM(1, 10, 1, h0=h0, c0=c0, dt=DT, generator=generator)


def element_finder_gru(*, generator: Generator | None = None) -> GRU:
    """GRU of Element Finder: 12 units (528 parameters; 11 would have 451)."""
    return GRU(1, 12, 1, h0=_start(12, generator), dt=DT, generator=generator)


def element_finder_attention(*, generator: Generator | None = None) -> AttentionReader:
    """Attention reader of Element Finder: 26 places, keys of width 10 (496 parameters)."""
    return AttentionReader(26, 10, 18, generator=generator)


def _start(n_units: int, generator: Generator | None) -> Tensor:
    """Starting state, drawn from N(0, 1/dim)."""
    return torch.randn(n_units, generator=generator) / math.sqrt(n_units)


ELEMENT_FINDER_BUILDERS = (
    element_finder_nm_rnn,
    element_finder_low_rank_rnn,
    element_finder_vanilla_rnn,
    element_finder_lstm,
    element_finder_gru,
    element_finder_attention,
)
