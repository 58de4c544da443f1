"""How pretrained models are built before their weights are filled in.

A manifest entry names a builder and its arguments. Only a function listed in ``BUILDERS`` can be
called, so a manifest is data and never code. The sizes are those of the paper: four models with
about the same number of parameters (1059, 1061, 1086 and 1155).

The recurrent scaling of each builder defaults to the fair one: none with orthonormal row factors,
1/sqrt(N) for a full matrix. The released code of the paper divides the recurrence of both
baselines by N; pass ``recurrent_scaling="1/N"`` for that.

Reference:
    Costacurta et al., Structured flexibility in recurrent neural networks via neuromodulation,
    NeurIPS 2024.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN
from nmcourse.models._base import RecurrentScaling


def measure_wait_go_nm_rnn(
    recurrent_scaling: RecurrentScaling = "none", *, generator: torch.Generator | None = None
) -> NMRNN:
    """NM-RNN of the timing task: 100 units of rank 3, gain from 5 modulator units."""
    output_network = LowRankRNN(
        3, 100, 1, rank=3, recurrent_scaling=recurrent_scaling, generator=generator
    )
    return NMRNN(output_network, Modulator(3, 5, 3, generator=generator))


def measure_wait_go_low_rank_rnn(
    recurrent_scaling: RecurrentScaling = "none", *, generator: torch.Generator | None = None
) -> LowRankRNN:
    """Low-rank RNN of the timing task: 106 units of rank 3."""
    return LowRankRNN(3, 106, 1, rank=3, recurrent_scaling=recurrent_scaling, generator=generator)


def measure_wait_go_vanilla_rnn(
    recurrent_scaling: RecurrentScaling = "1/sqrt(N)", *, generator: torch.Generator | None = None
) -> VanillaRNN:
    """Vanilla RNN of the timing task: 31 units with a full recurrent matrix."""
    return VanillaRNN(3, 31, 1, recurrent_scaling=recurrent_scaling, generator=generator)


def measure_wait_go_lstm(
    recurrent_scaling: RecurrentScaling = "none", *, generator: torch.Generator | None = None
) -> LSTM:
    """LSTM of the timing task: 15 units. It has no recurrent scaling to choose.

    Raises:
        ValueError: ``recurrent_scaling`` is not "none".
    """
    if recurrent_scaling != "none":
        raise ValueError(f"recurrent_scaling must be 'none' for an LSTM, got {recurrent_scaling!r}")
    return LSTM(3, 15, 1, generator=generator)


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    builder.__name__: builder
    for builder in (
        measure_wait_go_nm_rnn,
        measure_wait_go_low_rank_rnn,
        measure_wait_go_vanilla_rnn,
        measure_wait_go_lstm,
    )
}
