"""How the networks of Measure-Wait-Go are built.

The sizes are those of the paper: four models with about the same number of parameters (1059, 1061,
1086 and 1155).

The recurrent scaling of each builder defaults to the fair one: none with orthonormal row factors,
1/sqrt(N) for a full matrix. The released code of the paper divides the recurrence of both
baselines by N; pass ``recurrent_scaling="1/N"`` for that.

Reference:
    Costacurta et al., Structured flexibility in recurrent neural networks via neuromodulation,
    NeurIPS 2024.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from nmcourse.models import (
    LSTM,
    NMRNN,
    LowRankRNN,
    Modulator,
    OutputNetwork,
    RecurrentScaling,
    SparseTerms,
    VanillaRNN,
    identity,
)

GAIN_SHAPES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": softplus,
}


def measure_wait_go_nm_rnn(
    recurrent_scaling: RecurrentScaling = "none",
    *,
    rank: int = 3,
    n_modulator_units: int = 5,
    gain_shape: str = "sigmoid",
    sparse: bool = False,
    orthonormal: bool | Literal["raw"] = True,
    spectral_radius: float | None = None,
    largest_real_part: float | None = None,
    first_gain: float | None = None,
    generator: torch.Generator | None = None,
) -> NMRNN:
    """NM-RNN of the timing task: 100 units of rank 3, gain from 5 modulator units.

    Variants of it: gains of another shape (``"tanh"``, ``"softplus"``), sparse terms with as many
    weights in place of those of rank one, columns of L with the signs of the released code
    (``orthonormal="raw"``), a spectral radius that the recurrence has at the start with gains of 1,
    a largest real part of its eigenvalues in place of that, or gains that start near ``first_gain``
    in place of 1/2.
    """
    if spectral_radius is not None and largest_real_part is not None:
        raise ValueError("give spectral_radius or largest_real_part: each scales the recurrence")
    if gain_shape not in GAIN_SHAPES:
        raise ValueError(f"gain_shape must be one of {', '.join(GAIN_SHAPES)}, got {gain_shape!r}")
    output_network: OutputNetwork
    if sparse:
        output_network = SparseTerms(
            3, 100, 1, rank, recurrent_scaling=recurrent_scaling, generator=generator
        )
    else:
        output_network = LowRankRNN(
            3,
            100,
            1,
            rank,
            orthonormal=orthonormal,
            recurrent_scaling=recurrent_scaling,
            generator=generator,
        )
    modulator = Modulator(
        3, n_modulator_units, rank, gain_nonlinearity=GAIN_SHAPES[gain_shape], generator=generator
    )
    if spectral_radius is not None:
        if not isinstance(output_network, LowRankRNN):
            raise ValueError("spectral_radius must be None for sparse terms")
        _set_spectral_radius(output_network, spectral_radius)
    if largest_real_part is not None:
        if not isinstance(output_network, LowRankRNN):
            raise ValueError("largest_real_part must be None for sparse terms")
        _set_largest_real_part(output_network, largest_real_part)
    if first_gain is not None:
        if gain_shape != "sigmoid":
            raise ValueError(f"first_gain must be None for the gain shape {gain_shape!r}")
        with torch.no_grad():
            modulator.gain_bias.fill_(math.log(first_gain / (1.0 - first_gain)))
    return NMRNN(output_network, modulator)


@torch.no_grad()
def _set_spectral_radius(network: LowRankRNN, radius: float) -> None:
    """Scale the column factors so that g L R^T has this spectral radius."""
    left, right = network.factors()
    assert network.column_factors is not None
    found = torch.linalg.eigvals(network.scale * right.mT @ left).abs().max()
    network.column_factors.mul_(radius / found)


@torch.no_grad()
def _set_largest_real_part(network: LowRankRNN, largest: float) -> None:
    """Scale the column factors so that this is the largest real part of an eigenvalue of g L R^T.

    Where no eigenvalue has a positive real part, the signs of the column factors are turned first.
    """
    left, right = network.factors()
    assert network.column_factors is not None
    found = torch.linalg.eigvals(network.scale * right.mT @ left).real
    sign = 1.0 if found.max() > 0 else -1.0
    network.column_factors.mul_(sign * largest / (sign * found).max())


def measure_wait_go_linear_nm_rnn(
    recurrent_scaling: RecurrentScaling = "none",
    *,
    orthonormal: bool | Literal["raw"] = True,
    generator: torch.Generator | None = None,
) -> NMRNN:
    """Linear NM-RNN of rank 1 for the timing task: 100 units, gain from 5 modulator units.

    The paper shows such a network (its Fig. 3B) and does not state its sizes; these are those of
    its NM-RNN of rank 3.
    """
    output_network = LowRankRNN(
        3,
        100,
        1,
        rank=1,
        orthonormal=orthonormal,
        nonlinearity=identity,
        recurrent_scaling=recurrent_scaling,
        generator=generator,
    )
    return NMRNN(output_network, Modulator(3, 5, 1, generator=generator))


def measure_wait_go_gain_driven_nm_rnn(*, generator: torch.Generator | None = None) -> NMRNN:
    """Linear NM-RNN of rank 1 whose inputs are meant to reach its modulator alone.

    It starts where Eq. 8 of the paper can hold, on a line attractor with the output at -0.5: the
    offset d is -1.5, the overlap of its factors 4, the gain about 1/4, and nothing lies beside l.
    The input weights of its 20 units are zero; training has to leave them so.
    """
    n_units, overlap = 20, 4.0
    net = LowRankRNN(3, n_units, 1, rank=1, nonlinearity=identity, generator=generator)
    modulator = Modulator(3, 5, 1, generator=generator)
    with torch.no_grad():
        net.row_factors.fill_(1.0)
        left = net.factors()[0]
        right = net.column_factors
        assert right is not None
        assert net.output.bias is not None
        right.add_((overlap - left.mT @ right) * left)
        net.input_weights.zero_()
        net.output.weights.copy_(left.mT / (net.x0 @ left))
        net.output.bias.fill_(-1.5)
        modulator.gain_bias.fill_(-math.log(overlap - 1))
    return NMRNN(net, modulator)


def measure_wait_go_low_rank_rnn(
    recurrent_scaling: RecurrentScaling = "none",
    *,
    orthonormal: bool | Literal["raw"] = True,
    spectral_radius: float | None = None,
    generator: torch.Generator | None = None,
) -> LowRankRNN:
    """Low-rank RNN of the timing task: 106 units of rank 3.

    ``spectral_radius`` is that of the recurrence at the start; None leaves it to chance.
    """
    network = LowRankRNN(
        3,
        106,
        1,
        rank=3,
        orthonormal=orthonormal,
        recurrent_scaling=recurrent_scaling,
        generator=generator,
    )
    if spectral_radius is not None:
        _set_spectral_radius(network, spectral_radius)
    return network


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


TIMING_BUILDERS = (
    measure_wait_go_nm_rnn,
    measure_wait_go_linear_nm_rnn,
    measure_wait_go_gain_driven_nm_rnn,
    measure_wait_go_low_rank_rnn,
    measure_wait_go_vanilla_rnn,
    measure_wait_go_lstm,
)
