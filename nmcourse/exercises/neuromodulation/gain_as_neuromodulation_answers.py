"""What a flickering gain leaves of a mode, and answers with one part changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw
from nmcourse.models import NMRNN, LowRankRNN, PrescribedGain, identity


def left_under(gain: Tensor, nonlinearity: Callable[[Tensor], Tensor]) -> float:
    ell = torch.nn.functional.normalize(
        torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64), dim=0
    )
    x = 25 * ell
    for s in gain.double():
        x = x + 0.5 / 10 * (-x + s * ell * (ell @ nonlinearity(x)))
    return float(ell @ x / 25)


def left_in_a_network(
    gain: Tensor,
    nonlinearity: Callable[[Tensor], Tensor],
    start: float = 25.0,
    dt: float = 0.5,
    divide_by: float = 25.0,
) -> float:
    """The same with the models of the course, and with some setting changed."""
    source: Any = torch.Generator().manual_seed(1)
    mode = LowRankRNN(
        1,
        50,
        1,
        rank=1,
        symmetric=True,
        nonlinearity=nonlinearity,
        tau=10.0,
        dt=dt,
        generator=source,
    )
    ell = mode.factors()[0][:, 0].detach()
    mode.x0.data.copy_(start * ell)
    network = NMRNN(mode, PrescribedGain(gain.to(ell)[:, None], dt=dt))
    states = network(torch.zeros(1, len(gain), 1, dtype=ell.dtype)).states
    return float(states[0, -1].detach() @ ell) / divide_by


def left_by_closed_form(gain: Tensor, nonlinearity: Callable[[Tensor], Tensor]) -> float:
    return math.exp(-float((1 - gain).sum()) * 0.5 / 10)


def tolerance(gain: Tensor, nonlinearity: Callable[[Tensor], Tensor]) -> float:
    """A linear mode is the same for every direction ℓ; 50 units of a tanh network are few."""
    return 1e-3 if nonlinearity is identity else 0.2


def flickers(draw: Draw) -> list[tuple[Tensor, Callable[[Tensor], Tensor]]]:
    """Gains of 60 ms, for a linear and for a tanh network."""
    time = 0.5 * torch.arange(120, dtype=torch.float64)
    fast, slow = (((time % period) < period / 2).double() for period in (2.0, 60.0))
    held = torch.full((120,), draw.uniform(0.4, 0.7), dtype=torch.float64)
    late = slow.flip(0)
    gains = (held, slow, late, fast)
    return [(gain, phi) for gain in gains for phi in (identity, torch.tanh)]
