"""Random NM-RNNs on which the constructions of ``gating.py`` are tried, and inputs for them.

All have two inputs, 40 units, three terms, a modulator of five units and one output, in float64.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nmcourse._inputs import count, whole
from nmcourse.models import NMRNN, LowRankRNN, Modulator, RecurrentScaling, identity

DT = 10.0  # ms


@torch.no_grad()
def random_gating_network(
    seed: int,
    *,
    tau_z: float = 100.0,
    tau_x: float = DT,
    nonlinearity: Any = identity,
    angle: float = 0.0,
    skew: float = 0.0,
    recurrent_scaling: RecurrentScaling = "none",
    gain_nonlinearity: Any = torch.sigmoid,
    modulator_nonlinearity: Any = torch.tanh,
    n_feedback: int = 0,
) -> NMRNN:
    """A random NM-RNN in float64 that meets every assumption, unless a keyword breaks one.

    Args:
        seed: of its weights and start states.
        tau_z: time constant of the modulator, ms.
        tau_x: time constant of the output network, ms.
        nonlinearity: of the output network.
        angle: R is turned away from L by this angle, radians.
        skew: weight of the first column of L in each later one.
        recurrent_scaling: factor in front of the recurrence.
        gain_nonlinearity: sigma of the gain.
        modulator_nonlinearity: phi of the modulator.
        n_feedback: 40 feeds the output network back to the modulator.
    """
    generator = torch.Generator().manual_seed(whole("seed", seed))
    net = _output_network(generator, nonlinearity, recurrent_scaling, tau_x)
    modulator = Modulator(
        2,
        5,
        3,
        n_feedback=n_feedback,
        gain_nonlinearity=gain_nonlinearity,
        nonlinearity=modulator_nonlinearity,
        tau=tau_z,
        dt=DT,
        generator=generator,
    ).double()
    net.x0.normal_(generator=generator)
    modulator.z0.normal_(generator=generator)
    # Gains that use the whole of (0, 1), and a recurrence that neither dies out nor saturates.
    modulator.gain_weights.normal_(generator=generator)
    modulator.recurrent_weights.normal_(0.0, 0.5, generator=generator)

    both = torch.linalg.qr(torch.randn(40, 6, generator=generator, dtype=torch.float64))[0]
    left, other = both[:, :3].clone(), both[:, 3:]
    left[:, 1:] += skew * left[:, :1]
    turn = torch.tensor(angle, dtype=torch.float64)
    assert net.column_factors is not None
    net.row_factors.copy_(left)
    net.column_factors.copy_(turn.cos() * left + turn.sin() * other)
    return NMRNN(net, modulator)


@torch.no_grad()
def random_free_network(seed: int, *, n_feedback: int = 0) -> NMRNN:
    """A random linear NM-RNN in float64 with free factors, 1/N and tau_x = 10 dt.

    R has a part along L, of an overlap g R^T L near 1, and a random part as large.

    Args:
        seed: of its weights and start states.
        n_feedback: 40 feeds the output network back to the modulator.
    """
    generator = torch.Generator().manual_seed(whole("seed", seed))
    net = _output_network(generator, identity, "1/N", 10 * DT)
    modulator = Modulator(2, 5, 3, n_feedback=n_feedback, tau=100.0, dt=DT, generator=generator)
    modulator = modulator.double()
    assert net.column_factors is not None
    net.column_factors.add_(net.row_factors)
    net.x0.normal_(generator=generator)
    modulator.z0.normal_(generator=generator)
    modulator.gain_weights.normal_(generator=generator)
    modulator.recurrent_weights.normal_(0.0, 0.5, generator=generator)
    return NMRNN(net, modulator)


def random_gating_inputs(seed: int, n_steps: int = 100) -> Tensor:
    """Normal inputs for five trials, (trial, time, 2)."""
    generator = torch.Generator().manual_seed(1_000 + whole("seed", seed))
    return torch.randn(5, count("n_steps", n_steps), 2, generator=generator, dtype=torch.float64)


def _output_network(
    generator: torch.Generator, nonlinearity: Any, scaling: RecurrentScaling, tau: float
) -> LowRankRNN:
    """40 units with free factors of three terms."""
    return LowRankRNN(
        2,
        40,
        1,
        rank=3,
        orthonormal=False,
        nonlinearity=nonlinearity,
        recurrent_scaling=scaling,
        tau=tau,
        dt=DT,
        generator=generator,
    ).double()
