"""A gain that is held, and answers with one part changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse.exercises.checking.compare import NotNumbers, as_array
from nmcourse.exercises.checking.record import Draw
from nmcourse.models import NMRNN, ClampedGain, LowRankRNN, Modulator, PrescribedGain

Case = tuple[NMRNN, Tensor, int]


def outputs_of(answer: Any, case: Case) -> Tensor:
    """What a returned network makes of the inputs."""
    if not isinstance(answer, torch.nn.Module):
        raise NotNumbers(f"an object of type {type(answer).__name__}, and no network")
    outputs: Tensor = answer(case[1]).outputs
    return outputs


def held_at_mean(network: NMRNN, inputs: Tensor, k: int) -> NMRNN:
    mean = float(network(inputs).gains[..., k].mean())
    return NMRNN(network.output_network, ClampedGain(network.modulator, {k: mean}))


def under(
    change: Callable[[Tensor, int], Tensor],
) -> Callable[[NMRNN, Tensor, int], NMRNN]:
    """A network under changed gains; ``change`` gets the gains and the component."""

    def changed(network: NMRNN, inputs: Tensor, k: int) -> NMRNN:
        gains = change(network(inputs).gains.detach().clone(), k)
        return NMRNN(network.output_network, PrescribedGain(gains))

    return changed


def put(gains: Tensor, k: int, value: Tensor | float) -> Tensor:
    """The gains with component k set to a value."""
    gains[..., k] = value
    return gains


def modulated(draw: Draw) -> list[Case]:
    """Untrained NM-RNNs with strong terms whose gains move, and inputs."""
    cases = []
    for k in (1, 2, 0):
        output_network = LowRankRNN(3, draw.integer(8, 20), 1, rank=3, generator=draw.source())
        modulator = Modulator(3, 5, n_gains=3, tau=20.0, generator=draw.source())
        network: Any = NMRNN(output_network, modulator)
        with torch.no_grad():
            network.output_network.column_factors.mul_(10)
            network.modulator.gain_weights.mul_(5)
            network.modulator.gain_bias.copy_(draw.normal(3))
        inputs = draw.normal(4, 30, 3).to(network.modulator.gain_bias) + 1.0
        cases.append((network, inputs, k))
    return cases


def ends(value: Any, case: tuple[Any, ...]) -> Any:
    """Both ends; after a single draw both in units of the first, since chance decides the draw."""
    ends = as_array(value)[0].ravel()
    return ends / ends[0] if case[2] == 1 and ends.size == 2 else value


def another_number(cases: Sequence[tuple[Any, ...]], results: Sequence[np.ndarray]) -> str:
    """What is said where an interval after one draw has two ends."""
    for (_, _, n_draws), ends in zip(cases, results, strict=True):
        if n_draws == 1 and ends.size == 2 and not np.allclose(ends, ends[0]):
            return (
                "A single draw (n_draws=1) gives one ratio, so both ends must be this ratio; in "
                "units of the first end yours are above. Does your function draw n_draws times?"
            )
    return ""
