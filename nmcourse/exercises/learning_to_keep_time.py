"""Exercises of chapter 3, "Learning to keep time"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nmcourse.exercises._record import Draw, Exercise, Wrong
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, VanillaRNN, count_parameters

_CHAPTER = "book/neuromodulation/learning_to_keep_time"
_SCALINGS = ("none", "1/sqrt(N)", "1/N")


def _error_of_one_ramp(length: float, intervals: Sequence[float], duration: float) -> float:
    wanted = np.array(intervals)
    errors = (length - wanted) ** 2 / (3 * duration * np.maximum(wanted, length))
    return float(np.mean(errors))


def _one_by_one(length: float, intervals: Sequence[float], duration: float) -> torch.Tensor:
    total = torch.zeros(())
    for wanted in intervals:
        longer = wanted if wanted > length else length
        total += (length / longer - wanted / longer) ** 2 * longer / duration
    return total / (3 * len(intervals))


def _ramps(draw: Draw) -> list[tuple[float, tuple[float, ...], float]]:
    cases = []
    for n in (1, 2, 4, 7):
        intervals = tuple(10.0 * draw.integer(4, 26) for _ in range(n))
        cases.append((draw.uniform(45, 255), intervals, 100.0 * draw.integer(8, 15)))
    return [(150.0, (50.0, 250.0), 1000.0), *cases]


def _ramp_error(divide: Any, mean: Any = np.mean, power: int = 2, factor: float = 3) -> Any:
    def error(length: float, intervals: Sequence[float], duration: float) -> float:
        wanted = np.array(intervals)
        each = np.abs(length - wanted) ** power / (factor * duration * divide(wanted, length))
        return float(mean(each))

    return error


def _surviving_gradient(network: torch.nn.Module) -> torch.Tensor:
    number = next(network.parameters())
    inputs = torch.zeros(1, 60, 3, dtype=number.dtype, requires_grad=True)
    network(inputs).outputs[0, -1].sum().backward()
    assert inputs.grad is not None
    length = inputs.grad[0].norm(dim=-1)
    return length / length[-1]


def _gradient(network: Any, output: Any = lambda outputs: outputs[0, -1].sum()) -> torch.Tensor:
    """The gradient of some output with respect to the input, (step, channel)."""
    number = next(network.parameters())
    inputs = torch.zeros(1, 60, 3, dtype=number.dtype, requires_grad=True)
    return torch.autograd.grad(output(network(inputs).outputs), inputs)[0][0]


def _normalised(length: torch.Tensor) -> torch.Tensor:
    return length / length[-1]


def _chain_of_jacobians(network: Any) -> torch.Tensor:
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
    return _normalised(torch.stack(lengths[::-1]))


def _networks(draw: Draw) -> list[tuple[torch.nn.Module]]:
    def fresh(scaling: str) -> torch.nn.Module:
        sizes = {"n_units": draw.integer(10, 40), "rank": draw.integer(1, 4)}
        options = {"recurrent_scaling": scaling, "generator": draw.source()}
        return LowRankRNN(3, n_outputs=1, **sizes, **options).double()  # type: ignore[arg-type]

    return [(fresh(scaling),) for scaling in _SCALINGS]


def _n_parameters(model: str, n_units: int) -> int:
    N, P, K, M = n_units, 3, 3, 5
    low_rank = 2 * N * K + N * P + N + 1
    return {
        "vanilla RNN": N**2 + N * P + N + 1,
        "low-rank RNN": low_rank,
        "LSTM": 4 * N * (P + N + 1) + N,
        "NM-RNN": low_rank + M**2 + M * P + K * M + K,
    }[model]


def _counted(model: str, n_units: int) -> int:
    if model == "vanilla RNN":
        return count_parameters(VanillaRNN(3, n_units, 1))
    if model == "LSTM":
        return count_parameters(LSTM(3, n_units, 1))
    low_rank = LowRankRNN(3, n_units, 1, rank=3)
    if model == "low-rank RNN":
        return count_parameters(low_rank)
    return count_parameters(NMRNN(low_rank, Modulator(3, 5, 3)))


def _models(draw: Draw) -> list[tuple[str, int]]:
    names = ("vanilla RNN", "low-rank RNN", "LSTM", "NM-RNN")
    return [(name, draw.integer(4, 120)) for _ in "ab" for name in names]


def _read_interval(output: np.ndarray, go: float, fraction: float = 0.95) -> float:
    threshold = fraction - 0.5
    for k in range(int(go / 10) + 1, len(output)):
        if output[k] >= threshold:
            part = (threshold - output[k - 1]) / (output[k] - output[k - 1])
            crossing = 10 * (k - 1 + part)
            return float((crossing - go) / fraction)
    return math.nan


def _by_interpolation(output: Any, go: float, fraction: float = 0.95) -> np.float64:
    after = np.asarray(output, dtype=float)[round(go / 10) :]
    above = np.flatnonzero(after[1:] >= fraction - 0.5)
    if not above.size:
        return np.float64(np.nan)
    before = above[0]
    reached = np.interp(fraction - 0.5, after[before : before + 2], [before, before + 1])
    return np.float64(10 * reached / fraction)


def _outputs(draw: Draw) -> list[tuple[np.ndarray, float, float]]:
    time = np.arange(0.0, 1100.0, 10.0)
    cases = []
    for early, bend in ((0.0, 1.0), (0.0, 1.3), (0.98, 0.8)):
        go, interval = 10.0 * draw.integer(40, 60), draw.uniform(60, 250)
        ramp = np.clip((time - go) / interval, 0, 1) ** bend - 0.5
        ramp[5:8] += early  # a burst long before go
        cases.append((ramp, go, draw.uniform(0.6, 0.97)))
    low = 0.8 * np.clip((time - 500.0) / 200.0, 0, 1) - 0.5  # never comes so far
    return [*cases, (low, 500.0, 0.95)]


def _reading(
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


def _count(**changes: Any) -> Any:
    """The table of the chapter with some lines changed."""

    def counted(model: str, n_units: int) -> int:
        change = changes.get(model.split("-")[0].split(" ")[0].lower(), lambda n: 0)
        return int(_n_parameters(model, n_units) + change(n_units))

    return counted


_RAMP, _MEASURE, _COUNT = (
    "What an error means",
    "The interval that was produced",
    "Four models of one size",
)
_GRADIENTS = "Gradients through time"

EXERCISES = (
    Exercise(
        id="mwg-1",
        label="ex-mwg-two-ramps",
        chapter=_CHAPTER,
        title="Where the error in milliseconds comes from",
        kind="derivation",
        difficulty=3,
        importance=3,
        minutes=15,
        rubric=(
            "Nothing, or the formula copied.",
            "The difference of the two ramps is written down for the time in which both rise.",
            "Both parts of the integral are worked out, for one of the two orders of the lengths.",
            "Both orders, or the symmetry that makes one enough, and what changes with noise or "
            "with time steps is said.",
        ),
    ),
    Exercise(
        id="mwg-2",
        label="ex-mwg-one-ramp",
        chapter=_CHAPTER,
        title="The best subject that never measures",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="error_of_one_ramp",
        arguments=("length", "intervals", "duration"),
        reference=_error_of_one_ramp,
        cases=_ramps,
        example=(150.0, (120.0, 140.0, 160.0, 180.0), 1100.0),
        wrong=(
            Wrong(
                "divided by the interval that was asked",
                _ramp_error(lambda wanted, length: wanted),
                "Which of the two ramps ends later? The formula asks for the longer one.",
                _RAMP,
            ),
            Wrong(
                "divided by the shorter one",
                _ramp_error(np.minimum),
                "The two ramps differ until the longer one has ended.",
                _RAMP,
            ),
            Wrong(
                "a sum in place of the mean",
                _ramp_error(np.maximum, mean=np.sum),
                "With more test trials your error grows. A mean does not.",
                _RAMP,
            ),
            Wrong(
                "the error of the mean interval",
                lambda length, intervals, duration: _error_of_one_ramp(
                    length, [float(np.mean(intervals))], duration
                ),
                "First the error of each interval, then the mean: the order matters.",
                _RAMP,
            ),
            Wrong(
                "not squared",
                _ramp_error(np.maximum, power=1),
                "A miss of 20 ms costs four times as much as one of 10 ms.",
                _RAMP,
            ),
            Wrong(
                "a factor of three lost",
                _ramp_error(np.maximum, factor=1),
                "The integral of t² brings a factor.",
                _RAMP,
            ),
        ),
        another=_one_by_one,
    ),
    Exercise(
        id="mwg-3",
        label="ex-mwg-gradient",
        chapter=_CHAPTER,
        title="How much blame reaches the measure pulse?",
        kind="experiment",
        difficulty=3,
        importance=4,
        minutes=20,
        function="surviving_gradient",
        arguments=("network",),
        reference=_surviving_gradient,
        cases=_networks,
        wrong=(
            Wrong(
                "not divided by the last step",
                lambda network: _gradient(network).norm(dim=-1),
                "The last entry should be 1: nothing has been lost there yet.",
                _GRADIENTS,
            ),
            Wrong(
                "divided by the first step",
                lambda network: (g := _gradient(network).norm(dim=-1)) / g[0],
                "You divide by what is left after the longest way. Take the shortest.",
                _GRADIENTS,
            ),
            Wrong(
                "the gradient of all outputs",
                lambda network: _normalised(_gradient(network, torch.sum).norm(dim=-1)),
                "Every output sends its own blame back. Asked for is that of the last one.",
                _GRADIENTS,
            ),
            Wrong(
                "squared lengths",
                lambda network: _normalised((_gradient(network) ** 2).sum(dim=-1)),
                "A length is the root of the sum of squares.",
                _GRADIENTS,
            ),
            Wrong(
                "counted from the end",
                lambda network: _normalised(_gradient(network).norm(dim=-1)).flip(0),
                "Your first entry belongs to the last step. Keep the order of the inputs.",
                _GRADIENTS,
            ),
        ),
        another=_chain_of_jacobians,
        rtol=1e-4,
        seconds=10.0,
        rubric=(
            "No measurement.",
            "One network of each scaling.",
            "Medians over several networks of each scaling, compared with the bare leak.",
            "In addition: says what a gradient that has faded means for learning, and that a weak "
            "gradient is not the same as none.",
        ),
    ),
    Exercise(
        id="mwg-4",
        label="ex-mwg-count",
        chapter=_CHAPTER,
        title="Count by hand",
        kind="code",
        difficulty=1,
        importance=3,
        minutes=10,
        function="n_parameters",
        arguments=("model", "n_units"),
        reference=_n_parameters,
        cases=_models,
        example=("NM-RNN", 50),
        wrong=(
            Wrong(
                "one factor in place of two",
                _count(low=lambda n: -3 * n, nm=lambda n: -3 * n),
                "A low-rank matrix has row factors and column factors.",
                _COUNT,
            ),
            Wrong(
                "one gate in place of four",
                _count(lstm=lambda n: -3 * n * (n + 4)),
                "Three gates and the candidate of the cell: each has weights of its own.",
                _COUNT,
            ),
            Wrong(
                "a readout offset for the LSTM",
                _count(lstm=lambda n: 1),
                "Look at the last term of each line of the table: not all are alike.",
                _COUNT,
            ),
            Wrong(
                "no readout offset",
                _count(vanilla=lambda n: -1, low=lambda n: -1, nm=lambda n: -1),
                "The output is C x + d. Your d is missing.",
                _COUNT,
            ),
            Wrong(
                "gains without a bias",
                _count(nm=lambda n: -3),
                "The gain is σ(A z + b). Your b is missing.",
                _COUNT,
            ),
        ),
        another=_counted,
        rtol=1e-9,
    ),
    Exercise(
        id="mwg-5",
        label="ex-mwg-produced",
        chapter=_CHAPTER,
        title="Read the interval off a ramp",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=15,
        function="read_interval",
        arguments=("output", "go", "fraction"),
        reference=_read_interval,
        cases=_outputs,
        wrong=(
            Wrong(
                "not divided by the fraction",
                _reading(result=lambda crossing, go, fraction: crossing - go),
                "You stop the clock at a part of the ramp. A perfect ramp comes out too short.",
                _MEASURE,
            ),
            Wrong(
                "the fraction as threshold",
                _reading(threshold=lambda fraction: fraction),
                "The ramp rises from −0.5 to 0.5. Your threshold lies above its end.",
                _MEASURE,
            ),
            Wrong(
                "no interpolation",
                _reading(crossing=lambda k, part: 10 * k),
                "Your intervals are whole steps. The threshold was crossed within the step.",
                _MEASURE,
            ),
            Wrong(
                "the step before the threshold",
                _reading(crossing=lambda k, part: 10 * (k - 1)),
                "Your intervals are whole steps, and too short.",
                _MEASURE,
            ),
            Wrong(
                "counted from the start of the trial",
                _reading(result=lambda crossing, go, fraction: crossing / fraction),
                "An interval is produced from go on.",
                _MEASURE,
            ),
            Wrong(
                "a crossing before go",
                _reading(first=lambda go: 1),
                "An output may be high for a moment long before go. Look at what follows go.",
                _MEASURE,
            ),
        ),
        another=_by_interpolation,
        rtol=1e-3,
    ),
    Exercise(
        id="mwg-6",
        label="ex-mwg-outside",
        chapter=_CHAPTER,
        title="Other ways to be outside the training set",
        kind="experiment",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "No measurement, or one model only.",
            "The four errors of each model, without a comparison.",
            "The four errors of each model, compared with the trained one and with each other.",
            "In addition: says which of them the published test looks at, and what a network "
            "could do wrong without failing it.",
        ),
    ),
)
