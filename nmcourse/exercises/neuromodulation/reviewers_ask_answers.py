"""The reviewers ask: the trusted answers, the cases to try, and answers with one part changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw
from nmcourse.models import NMRNN, LowRankRNN, Modulator, PrescribedGain

_DRAWS = 2000  # more than the reader is asked for: the spread that is left is the reader's own


def mode_keeps(gain: float, tau: float, dt: float) -> float:
    return (1 - dt / tau * (1 - gain)) ** (100 / dt)


def step_by_step(gain: float, tau: float, dt: float) -> float:
    gradient = 1.0
    for _ in range(round(100 / dt)):
        gradient += dt * (gain * gradient - gradient) / tau
    return gradient


def modes(draw: Draw) -> list[tuple[float, float, float]]:
    steps = (10.0, 5.0, 20.0, 2.0, 25.0, 4.0)
    return [(draw.uniform(0.1, 0.95), draw.uniform(40, 200), dt) for dt in steps]


def chance_share(n: int, n_gains: int) -> float:
    random = torch.Generator().manual_seed(n)
    vectors = torch.randn(_DRAWS, n, n_gains, generator=random, dtype=torch.float64)
    power = torch.linalg.svdvals(vectors) ** 2
    return float((power[:, 0] / power.sum(dim=1)).mean())


def sizes(draw: Draw) -> list[tuple[int, int]]:
    return [(2, 2), (1, 3), (3, 3), (draw.integer(4, 8), 3), (draw.integer(20, 40), 4), (100, 3)]


def share_of(
    share: Callable[[Tensor], Tensor],
    average: Any = torch.mean,
    noise: Any = torch.randn,
    seed: int = 0,
) -> Callable[[int, int], float]:
    """A share of 200 draws of vectors (draw, vector, gain), averaged."""

    def measured(n: int, n_gains: int) -> float:
        random = torch.Generator().manual_seed(seed)
        return float(average(share(noise(200, n, n_gains, generator=random, dtype=torch.float64))))

    return measured


def along_best(vectors: Tensor, power: int = 2) -> Tensor:
    found = torch.linalg.svdvals(vectors) ** power
    return found[:, 0] / found.sum(dim=-1)


def along_axis(vectors: Tensor) -> Tensor:
    power = vectors.square().sum(dim=1)
    return power.amax(dim=-1) / power.sum(dim=-1)


def early(outputs: Tensor, go: Tensor, asked: Tensor) -> Tensor:
    at_go = outputs[torch.arange(len(outputs)), (go / 10).long(), 0]
    return ((0.5 + at_go) * asked).mean()


def early_one_by_one(outputs: Tensor, go: Tensor, asked: Tensor) -> float:
    times = []
    for output, start, interval in zip(outputs, go.tolist(), asked.tolist(), strict=True):
        arrival = (0.5 - float(output[round(start / 10)])) * interval  # of a straight ramp
        times.append(interval - arrival)
    return sum(times) / len(times)


def ramps(draw: Draw) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Noisy ramps that start at some height, with their go times and intervals in ms."""
    cases = []
    time = 10.0 * torch.arange(90, dtype=torch.float64)
    for n in (4, 1, 3, 6):
        go = torch.tensor([10.0 * draw.integer(30, 60) for _ in range(n)], dtype=torch.float64)
        asked = torch.tensor([10.0 * draw.integer(8, 25) for _ in range(n)], dtype=torch.float64)
        start = torch.tensor([draw.uniform(-0.5, 0.1) for _ in range(n)], dtype=torch.float64)
        start[0] = draw.uniform(-0.75, -0.6)  # one starts too low, and comes late
        rise = ((time - go[:, None]) / asked[:, None]).clamp(min=0.0)
        outputs = (start[:, None] + rise).clamp(max=0.5) + 0.05 * draw.normal(n, 90)
        cases.append((outputs[..., None], go, asked))
    return cases


def height_at_go(outputs: Tensor, go: Tensor, shift: int = 0) -> Tensor:
    return outputs[torch.arange(len(outputs)), (go / 10).long() + shift, 0]


def one_low(network: NMRNN, inputs: Tensor, k: int, factor: float) -> Tensor:
    gains = network(inputs).gains
    scale = torch.ones_like(gains)
    scale[..., k] = factor
    return NMRNN(network.output_network, PrescribedGain(gains * scale))(inputs).outputs


def through_the_factor(network: NMRNN, inputs: Tensor, k: int, factor: float) -> Tensor:
    """The same without gains: what gain k multiplies is made smaller."""
    other: Any = copy.deepcopy(network)
    with torch.no_grad():
        other.output_network.column_factors[:, k] *= factor
    return other(inputs).outputs


def inside_the_sigmoid(network: NMRNN, inputs: Tensor, k: int, factor: float) -> Tensor:
    other: Any = copy.deepcopy(network)
    with torch.no_grad():
        other.modulator.gain_weights[k] *= factor
        other.modulator.gain_bias[k] *= factor
    return other(inputs).outputs


def under(
    change: Callable[[Tensor, int, float], Tensor],
) -> Callable[[NMRNN, Tensor, int, float], Tensor]:
    """Outputs under changed gains; ``change`` gets the gains, the component and the factor."""

    def outputs(network: NMRNN, inputs: Tensor, k: int, factor: float) -> Tensor:
        gains = change(network(inputs).gains.detach().clone(), k, factor)
        return NMRNN(network.output_network, PrescribedGain(gains))(inputs).outputs

    return outputs


def set_one(gains: Tensor, k: int, value: Tensor | float) -> Tensor:
    gains[..., k] = value
    return gains


def perturbed(draw: Draw) -> list[tuple[NMRNN, Tensor, int, float]]:
    """Untrained NM-RNNs with strong terms, inputs, and what to scale."""
    cases = []
    for k in (1, 2, 0, 1):
        output_network = LowRankRNN(3, draw.integer(8, 20), 1, rank=3, generator=draw.source())
        modulator = Modulator(3, 5, n_gains=3, tau=100.0, generator=draw.source())
        network: Any = NMRNN(output_network, modulator).double()
        with torch.no_grad():
            network.output_network.column_factors.mul_(10)
            network.modulator.gain_bias.copy_(draw.normal(3))
        cases.append((network, draw.normal(2, 30, 3), k, draw.uniform(0.3, 0.8)))
    return cases


def nm_rnn_step(n: int, m: int, k: int, p: int, o: int) -> int:
    return 2 * n * k + n * p + o * n + m * m + m * p + k * m


def shapes(draw: Draw) -> list[tuple[int, int, int, int, int]]:
    draws = [[draw.integer(low, 3 * low) for low in (30, 11, 3, 2, 2)] for _ in range(5)]
    return [(n, m, k, p, o) for n, m, k, p, o in draws]


def counted(n: int, m: int, k: int, p: int, o: int) -> int:
    """Entries of the matrices themselves: each is used once in a step."""
    network = NMRNN(LowRankRNN(p, n, o, rank=k), Modulator(p, m, n_gains=k))
    return sum(weights.numel() for weights in network.parameters() if weights.ndim == 2)
