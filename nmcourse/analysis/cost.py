r"""What a model costs: multiply-adds of a step, and seconds measured side by side.

A multiply-add is one product and one sum, as in a matrix product; two floating-point operations.
With N units, P inputs, O outputs, rank K, M modulator units and C contexts, one step of one trial
takes

    vanilla RNN    N N + N P             + O N
    low-rank RNN   2 N K + N P           + O N
    NM-RNN         the low-rank RNN + M M + M (P + C) + K M (+ M N with feedback)
    LSTM           4 N N + 4 N P         + O N          GRU: 3 instead of 4
    sparse terms   K N d + N P           + O N          d weights to each unit in each term

Elementwise work (leak, nonlinearity, gates, the gain itself) is not in these counts, and neither
is the QR decomposition of row factors, done once a trial and not once a step. Seconds are another
matter: small networks spend most of their time between the products, and sparse matrices are
multiplied here as full ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, singledispatch

from nmcourse._inputs import count
from nmcourse.models import (
    GRU,
    LSTM,
    NMRNN,
    ClampedGain,
    GainSource,
    LowRankRNN,
    Modulator,
    PrescribedGain,
    ScalarGainRNN,
    SparseTerms,
    VanillaRNN,
)

LONGER = 6  # times as many steps in the longer of the two calls that tell what a step costs


@dataclass(frozen=True)
class MultiplyAdds:
    """Multiply-adds of one step of one trial, by purpose.

    Attributes:
        inputs: input weights of the network that is read out.
        recurrence: its recurrent weights or factors.
        readout: the readout.
        modulator: everything that makes the gains; 0 without a modulator.
    """

    inputs: int
    recurrence: int
    readout: int
    modulator: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.inputs + self.recurrence + self.readout + self.modulator


@singledispatch
def multiply_adds(model: object) -> MultiplyAdds:
    """Count the multiply-adds of one step and one readout, for one trial.

    Args:
        model: a model of this package.

    Raises:
        ValueError: for a model whose matrix products this function does not know.
    """
    known = sorted(kind.__name__ for kind in multiply_adds.registry if kind is not object)
    raise ValueError(f"model must be one of {', '.join(known)}, got {type(model).__name__}")


@multiply_adds.register
def _(model: VanillaRNN) -> MultiplyAdds:
    n, p, o = model.n_units, model.n_inputs, model.n_outputs
    return MultiplyAdds(inputs=n * p, recurrence=n * n, readout=o * n)


@multiply_adds.register
def _(model: LowRankRNN) -> MultiplyAdds:
    n, p, o, k = model.n_units, model.n_inputs, model.n_outputs, model.rank
    return MultiplyAdds(inputs=n * p, recurrence=2 * n * k, readout=o * n)


@multiply_adds.register
def _(model: LSTM) -> MultiplyAdds:
    n, p, o = model.n_units, model.n_inputs, model.n_outputs
    return MultiplyAdds(inputs=4 * n * p, recurrence=4 * n * n, readout=o * n)


@multiply_adds.register
def _(model: GRU) -> MultiplyAdds:
    n, p, o = model.n_units, model.n_inputs, model.n_outputs
    return MultiplyAdds(inputs=3 * n * p, recurrence=3 * n * n, readout=o * n)


@multiply_adds.register
def _(model: SparseTerms) -> MultiplyAdds:
    n, p, o = model.n_units, model.n_inputs, model.n_outputs
    return MultiplyAdds(inputs=n * p, recurrence=model.recurrent_weights.numel(), readout=o * n)


@multiply_adds.register
def _(model: ScalarGainRNN) -> MultiplyAdds:
    return multiply_adds(model.network)  # the scalars change no count


@multiply_adds.register
def _(model: NMRNN) -> MultiplyAdds:
    network = multiply_adds(model.output_network)
    return MultiplyAdds(
        network.inputs, network.recurrence, network.readout, _of_gains(model.modulator)
    )


def _of_gains(source: GainSource) -> int:
    """Multiply-adds that a gain source takes in a step."""
    if isinstance(source, ClampedGain):
        return _of_gains(source.source)
    if isinstance(source, PrescribedGain):
        return 0
    if isinstance(source, Modulator):
        channels = source.input_weights.shape[-1]
        return source.n_units * (source.n_units + channels + source.n_feedback + source.n_gains)
    raise ValueError(f"model has a gain source that is not known: {type(source).__name__}")


def seconds_side_by_side(
    calls: Mapping[str, Callable[[], object]],
    n_repetitions: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time several calls in turn, so that a slow moment of the machine meets all of them.

    Only *ratios within one result* mean much: divide the times of the same repetition, and take
    the median of the quotients. Each call is made once before, unmeasured.

    Args:
        calls: what to time, by name; each call should take milliseconds at least.
        n_repetitions: how often each is timed.
        clock: what tells the seconds; ``time.process_time`` counts those of the processor alone,
            whatever else the machine does meanwhile.

    Returns:
        For each name the seconds of each repetition.

    Raises:
        ValueError: for no calls, or fewer than one repetition.
    """
    n_repetitions = count("n_repetitions", n_repetitions)
    if not calls:
        raise ValueError("calls must hold at least one call, got none")
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(n_repetitions):
        for name, call in calls.items():
            start = clock()
            call()
            seconds[name].append(clock() - start)
    return seconds


def seconds_of_further_steps(
    trainings: Mapping[str, Callable[[int], object]],
    n_steps: int,
    n_repetitions: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Time what one more step of each training costs, in turn.

    What a call does once, such as a look at all data before the first step, is in a short call and
    in a long one, and so it is in no difference. Divided by the steps of a short call it can be
    larger than the steps themselves.

    Args:
        trainings: calls that make a number of steps, by name.
        n_steps: steps of the short call; the long one makes ``LONGER`` times as many.
        n_repetitions: how often both are timed.
        clock: as in ``seconds_side_by_side``.

    Returns:
        For each name the seconds of one further step in each repetition. Where steps are short,
        one such difference can be far off, or negative: take the median.

    Raises:
        ValueError: for no trainings, or fewer than one step or repetition.
    """
    n_steps = count("n_steps", n_steps)
    lengths = {"short": n_steps, "long": LONGER * n_steps}
    calls = {
        f"{length} {name}": partial(train, steps)
        for name, train in trainings.items()
        for length, steps in lengths.items()
    }
    seconds = seconds_side_by_side(calls, n_repetitions, clock=clock)
    further = lengths["long"] - lengths["short"]
    return {
        name: [
            (long - short) / further
            for short, long in zip(seconds[f"short {name}"], seconds[f"long {name}"], strict=True)
        ]
        for name in trainings
    }
