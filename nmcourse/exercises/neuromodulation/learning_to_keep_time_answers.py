"""Learning to keep time.

The trusted answers, the cases to try, and answers with one part changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.record import Draw
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, count_parameters
from nmcourse.tasks import MeasureWaitGo, Trials

_SCALINGS = ("none", "1/sqrt(N)", "1/N")


def error_of_one_ramp(length: float, intervals: Sequence[float], duration: float) -> float:
    wanted = np.array(intervals)
    errors = (length - wanted) ** 2 / (3 * duration * np.maximum(wanted, length))
    return float(np.mean(errors))


def one_by_one(length: float, intervals: Sequence[float], duration: float) -> torch.Tensor:
    total = torch.zeros(())
    for wanted in intervals:
        longer = wanted if wanted > length else length
        total += (length / longer - wanted / longer) ** 2 * longer / duration
    return total / (3 * len(intervals))


def ramps(draw: Draw) -> list[tuple[float, tuple[float, ...], float]]:
    cases = []
    for n in (1, 2, 4, 7):
        intervals = tuple(10.0 * draw.integer(4, 26) for _ in range(n))
        cases.append((draw.uniform(45, 255), intervals, 100.0 * draw.integer(8, 15)))
    return [(150.0, (50.0, 250.0), 1000.0), *cases]


def ramp_error(divide: Any, mean: Any = np.mean, power: int = 2, factor: float = 3) -> Any:
    def error(length: float, intervals: Sequence[float], duration: float) -> float:
        wanted = np.array(intervals)
        each = np.abs(length - wanted) ** power / (factor * duration * divide(wanted, length))
        return float(mean(each))

    return error


def surviving_gradient(network: torch.nn.Module) -> torch.Tensor:
    number = next(network.parameters())
    inputs = torch.zeros(1, 60, 3, dtype=number.dtype, requires_grad=True)
    network(inputs).outputs[0, -1].sum().backward()
    assert inputs.grad is not None
    length = inputs.grad[0].norm(dim=-1)
    return length / length[-1]


def gradient(network: Any, output: Any = lambda outputs: outputs[0, -1].sum()) -> torch.Tensor:
    """The gradient of some output with respect to the input, (step, channel)."""
    number = next(network.parameters())
    inputs = torch.zeros(1, 60, 3, dtype=number.dtype, requires_grad=True)
    return torch.autograd.grad(output(network(inputs).outputs), inputs)[0][0]


def normalised(length: torch.Tensor) -> torch.Tensor:
    return length / length[-1]


def chain_of_jacobians(network: Any) -> torch.Tensor:
    """The same by hand: states forward, then one Jacobian after the other backward."""
    silence = torch.zeros(1, 3, dtype=next(network.parameters()).dtype)
    states = [network.initial_state(1).detach()]
    for _ in range(60):
        states.append(network.step(states[-1], silence).detach())
    jacobian = torch.autograd.functional.jacobian
    blame = jacobian(lambda x: network.readout(x).sum(), states[-1])
    lengths = []
    for state in reversed(states[:-1]):
        to_input = jacobian(lambda u, x=state: network.step(x, u)[0], silence)[:, 0]
        to_state = jacobian(lambda x: network.step(x, silence)[0], state)[:, 0]
        lengths.append((blame @ to_input).norm())
        blame = blame @ to_state
    return normalised(torch.stack(lengths[::-1]))


def networks(draw: Draw) -> list[tuple[torch.nn.Module]]:
    def fresh(scaling: str) -> torch.nn.Module:
        sizes = {"n_units": draw.integer(10, 40), "rank": draw.integer(1, 4)}
        options = {"recurrent_scaling": scaling, "generator": draw.source()}
        return LowRankRNN(3, n_outputs=1, **sizes, **options).double()  # type: ignore[arg-type]

    # A network that amplifies, so that the gradient is not largest at the last step.
    grows = fresh("none")
    factors = grows.state_dict()
    with torch.no_grad():
        factors["row_factors"].copy_(torch.linalg.qr(factors["row_factors"])[0])
        factors["column_factors"].copy_(2.5 * factors["row_factors"])
        factors["x0"].zero_()  # rest, where nothing saturates
    return [*((fresh(scaling),) for scaling in _SCALINGS), (grows,)]


def n_parameters(model: str, n_units: int) -> int:
    N, P, K, M = n_units, 3, 3, 5
    low_rank = 2 * N * K + N * P + N + 1
    return {
        "vanilla RNN": N**2 + N * P + N + 1,
        "low-rank RNN": low_rank,
        "LSTM": 4 * N * (P + N + 1) + N,
        "NM-RNN": low_rank + M**2 + M * P + K * M + K,
    }[model]


def counted(model: str, n_units: int) -> int:
    if model == "vanilla RNN":
        return count_parameters(VanillaRNN(3, n_units, 1))
    if model == "LSTM":
        return count_parameters(LSTM(3, n_units, 1))
    low_rank = LowRankRNN(3, n_units, 1, rank=3)
    if model == "low-rank RNN":
        return count_parameters(low_rank)
    return count_parameters(NMRNN(low_rank, Modulator(3, 5, 3)))


def models(draw: Draw) -> list[tuple[str, int]]:
    names = ("vanilla RNN", "low-rank RNN", "LSTM", "NM-RNN")
    return [(name, draw.integer(4, 120)) for _ in "ab" for name in names]


def read_interval(output: np.ndarray, go: float, fraction: float = 0.95) -> float:
    threshold = fraction - 0.5
    for k in range(int(go / 10) + 1, len(output)):
        if output[k] >= threshold:
            part = (threshold - output[k - 1]) / (output[k] - output[k - 1])
            crossing = 10 * (k - 1 + part)
            return float((crossing - go) / fraction)
    return math.nan


def by_interpolation(output: Any, go: float, fraction: float = 0.95) -> np.float64:
    after = np.asarray(output, dtype=float)[round(go / 10) :]
    above = np.flatnonzero(after[1:] >= fraction - 0.5)
    if not above.size:
        return np.float64(np.nan)
    before = above[0]
    reached = np.interp(fraction - 0.5, after[before : before + 2], [before, before + 1])
    return np.float64(10 * reached / fraction)


def outputs(draw: Draw) -> list[tuple[np.ndarray, float, float]]:
    time = np.arange(0.0, 1100.0, 10.0)
    cases = []
    for burst, bend in ((False, 1.0), (False, 1.3), (True, 0.8)):
        go, interval = 10.0 * draw.integer(40, 60), draw.uniform(60, 250)
        ramp = np.clip((time - go) / interval, 0, 1) ** bend - 0.5
        ramp[(time > go - 150) & (time <= go)] += 0.98 * burst  # high before go, not after
        cases.append((ramp, go, draw.uniform(0.6, 0.97)))
    cases.append((np.where(time > 700.0, 0.5, -0.5), 700.0, 0.9))  # all in one step
    low = 0.8 * np.clip((time - 500.0) / 200.0, 0, 1) - 0.5  # never comes so far
    # One that falls below the threshold again and comes back: the first crossing counts.
    interval = draw.uniform(100, 180)
    twice = np.clip((time - 400.0) / interval, 0, 1) - 0.5
    twice[(time >= 700.0) & (time < 850.0)] = -0.2
    return [*cases, (twice, 400.0, draw.uniform(0.8, 0.95)), (low, 500.0, 0.95)]


def reading(
    threshold: Any = lambda fraction: fraction - 0.5,
    first: Any = lambda go: int(go / 10) + 1,
    crossing: Any = lambda k, part: 10 * (k - 1 + part),
    result: Any = lambda crossing, go, fraction: (crossing - go) / fraction,
) -> Any:
    def read(output: np.ndarray, go: float, fraction: float = 0.95) -> float:
        level = threshold(fraction)
        for k in range(first(go), len(output)):
            if output[k] >= level:
                part = (level - output[k - 1]) / (output[k] - output[k - 1])
                return float(result(crossing(k, part), go, fraction))
        return math.nan

    return read


def last_crossing(output: np.ndarray, go: float, fraction: float = 0.95) -> float:
    """The interval read where the output is below the threshold for the last time."""
    below = np.flatnonzero(output < fraction - 0.5)
    k = int(below[-1]) + 1
    if k == len(output):
        return math.nan
    part = (fraction - 0.5 - output[k - 1]) / (output[k] - output[k - 1])
    return float((10 * (k - 1 + part) - go) / fraction)


def count(**changes: Any) -> Any:
    """The table of the chapter with some lines changed."""

    def counted(model: str, n_units: int) -> int:
        change = changes.get(model.split("-")[0].split(" ")[0].lower(), lambda n: 0)
        return int(n_parameters(model, n_units) + change(n_units))

    return counted


def one_error(network: Any, trials: Trials) -> float:
    missed = network(trials.inputs).outputs - trials.targets
    squares = trials.mask * missed**2
    return float(squares.sum() / trials.mask.sum())


def median_error(
    networks: Sequence[Any], intervals: Sequence[float], measure_times: Sequence[float]
) -> float:
    trials = MeasureWaitGo(intervals, measure_times=measure_times).enumerate()
    return float(np.median([one_error(network, trials) for network in networks]))


def median_error_by_sorting(
    networks: Sequence[Any], intervals: Sequence[float], measure_times: Sequence[float]
) -> float:
    """The same from trials one by one, all equally long."""
    errors = []
    for network in networks:
        each = [
            one_error(network, MeasureWaitGo([interval], measure_times=[time]).enumerate())
            for interval in intervals
            for time in measure_times
        ]
        errors.append(sum(each) / len(each))
    return sorted(errors)[len(errors) // 2]


def error_over_networks(average: Any) -> Any:
    def averaged(networks: Sequence[Any], intervals: Any, measure_times: Any) -> float:
        trials = MeasureWaitGo(intervals, measure_times=measure_times).enumerate()
        return float(average([one_error(network, trials) for network in networks]))

    return averaged


def error_of_the_mean(networks: Sequence[Any], intervals: Any, measure_times: Any) -> float:
    trials = MeasureWaitGo(intervals, measure_times=measure_times).enumerate()
    mean = torch.stack([network(trials.inputs).outputs for network in networks]).mean(dim=0)
    return float((trials.mask * (mean - trials.targets) ** 2).sum() / trials.mask.sum())


def contests(draw: Draw) -> list[tuple[list[torch.nn.Module], list[int], list[int]]]:
    """Untrained networks, an odd number of them, with the trials of the exercise and others."""

    def fresh(rank: int) -> torch.nn.Module:
        network = LowRankRNN(3, draw.integer(5, 12), 1, rank=2, generator=draw.source())
        with torch.no_grad():
            network.output.weights.mul_(4.0 * 2**rank)  # the louder, the worse
        return network

    # In no list is the median network the first, the last or the middle one, or that of the first
    # three; only the shortest has it at its end.
    lists = ((5, 4, 1, 3, 2), (3, 1, 2), (6, 7, 1, 5, 2, 4, 3))
    trials = (([130, 150, 170], [150]), ([120, 140, 160, 180], [50]), ([60, 200], [100, 250]))
    return [
        ([fresh(rank) for rank in ranks], *times)
        for ranks, times in zip(lists, trials, strict=True)
    ]
