"""How the networks of row-by-row digits are built: five of about 3,000 parameters.

The NM-RNN has 100 units of rank 5 and ten modulator units; the sizes of the others come as near to
its number of parameters as whole units allow. All see the eight pixels of the present row.
"""

from __future__ import annotations

import torch

from nmcourse.models import GRU, LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN


def digits_nm_rnn(*, generator: torch.Generator | None = None) -> NMRNN:
    """NM-RNN of the digits: 100 units of rank 5, gains from 10 modulator units (3,045)."""
    return NMRNN(
        LowRankRNN(8, 100, 10, 5, generator=generator), Modulator(8, 10, 5, generator=generator)
    )


def digits_low_rank_rnn(*, generator: torch.Generator | None = None) -> LowRankRNN:
    """Low-rank RNN of the digits: 108 units of rank 5 (3,034 parameters)."""
    return LowRankRNN(8, 108, 10, 5, generator=generator)


def digits_vanilla_rnn(*, generator: torch.Generator | None = None) -> VanillaRNN:
    """Vanilla RNN of the digits: 47 units (3,065 parameters)."""
    return VanillaRNN(8, 47, 10, generator=generator)


def digits_lstm(*, generator: torch.Generator | None = None) -> LSTM:
    """LSTM of the digits: 22 units (2,958 parameters)."""
    return LSTM(8, 22, 10, readout_bias=True, generator=generator)


def digits_gru(*, generator: torch.Generator | None = None) -> GRU:
    """GRU of the digits: 26 units (3,026 parameters)."""
    return GRU(8, 26, 10, readout_bias=True, generator=generator)


DIGITS_BUILDERS = (
    digits_nm_rnn,
    digits_low_rank_rnn,
    digits_vanilla_rnn,
    digits_lstm,
    digits_gru,
)
