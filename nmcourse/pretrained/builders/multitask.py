"""How the networks of the delayed-response tasks are built.

The NM-RNN and the low-rank RNN have the sizes of the paper; the sizes of the others are arguments,
since those of the paper are not matched in their number of parameters.

Reference:
    Costacurta et al., Structured flexibility in recurrent neural networks via neuromodulation,
    NeurIPS 2024.
"""

from __future__ import annotations

import math
from typing import Literal

import torch

from nmcourse._inputs import counts
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, RecurrentScaling, VanillaRNN

_RAW: Literal["raw"] = "raw"


def multitask_nm_rnn(
    n_context: int = 3, released: bool = False, *, generator: torch.Generator | None = None
) -> NMRNN:
    """NM-RNN of the delayed-response tasks: rank 3, 100 and 20 units, context to the modulator.

    ``released``: the signs of L are those that the QR decomposition gives, and input weights are
    drawn as if the context were among the inputs, of which the released code then keeps three.
    """
    signs = _RAW if released else True
    output_network = LowRankRNN(3, 100, 3, rank=3, orthonormal=signs, generator=generator)
    if released:
        with torch.no_grad():
            output_network.input_weights *= math.sqrt(3 / (3 + n_context))
    return NMRNN(output_network, Modulator(3, 20, 3, n_context=n_context, generator=generator))


def multitask_low_rank_rnn(
    n_units: int = 100,
    n_context: int = 3,
    recurrent_scaling: RecurrentScaling = "none",
    released: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> LowRankRNN:
    """Low-rank RNN of the delayed-response tasks, rank 3; the context is part of its inputs.

    ``released``: the signs of L are those that the QR decomposition gives.
    """
    return LowRankRNN(
        3 + n_context,
        n_units,
        3,
        rank=3,
        orthonormal=_RAW if released else True,
        recurrent_scaling=recurrent_scaling,
        generator=generator,
    )


def multitask_vanilla_rnn(
    n_units: int = 18,
    n_context: int = 3,
    recurrent_scaling: RecurrentScaling = "1/sqrt(N)",
    *,
    generator: torch.Generator | None = None,
) -> VanillaRNN:
    """Vanilla RNN of the delayed-response tasks; the context is part of its inputs."""
    return VanillaRNN(
        3 + n_context, n_units, 3, recurrent_scaling=recurrent_scaling, generator=generator
    )


def multitask_lstm(
    n_units: int = 8,
    n_context: int = 3,
    *,
    forget_bias: float = 0.0,
    generator: torch.Generator | None = None,
) -> LSTM:
    """LSTM of the delayed-response tasks; the context is part of its inputs.

    ``forget_bias`` is added to the random bias of the forget gates: 3 opens them at the start.
    """
    n_units, n_context = counts(n_units=n_units, n_context=n_context)
    network = LSTM(3 + n_context, n_units, 3, generator=generator)
    with torch.no_grad():
        network.bias[n_units : 2 * n_units] += forget_bias  # i, f, g, o
    return network


MULTITASK_BUILDERS = (
    multitask_nm_rnn,
    multitask_low_rank_rnn,
    multitask_vanilla_rnn,
    multitask_lstm,
)
