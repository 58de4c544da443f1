"""Exercises of *Learning to keep time*."""

from __future__ import annotations

import numpy as np
import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.neuromodulation import learning_to_keep_time_answers as functions

_CHAPTER = "book/neuromodulation/learning_to_keep_time"
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
        reference=functions.error_of_one_ramp,
        cases=functions.ramps,
        example=(150.0, (120.0, 140.0, 160.0, 180.0), 1100.0),
        wrong=(
            Wrong(
                "divided by the interval that was asked",
                functions.ramp_error(lambda wanted, length: wanted),
                "Which of the two ramps ends later? The formula asks for the longer one.",
                _RAMP,
            ),
            Wrong(
                "divided by the shorter one",
                functions.ramp_error(np.minimum),
                "The two ramps differ until the longer one has ended.",
                _RAMP,
            ),
            Wrong(
                "a sum in place of the mean",
                functions.ramp_error(np.maximum, mean=np.sum),
                "With more test trials your error grows. A mean does not.",
                _RAMP,
            ),
            Wrong(
                "the error of the mean interval",
                lambda length, intervals, duration: functions.error_of_one_ramp(
                    length, [float(np.mean(intervals))], duration
                ),
                "First the error of each interval, then the mean: the order matters.",
                _RAMP,
            ),
            Wrong(
                "not squared",
                functions.ramp_error(np.maximum, power=1),
                "A miss of 20 ms costs four times as much as one of 10 ms.",
                _RAMP,
            ),
            Wrong(
                "a factor of three lost",
                functions.ramp_error(np.maximum, factor=1),
                "The integral of t² brings a factor.",
                _RAMP,
            ),
        ),
        another=functions.one_by_one,
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
        reference=functions.surviving_gradient,
        cases=functions.networks,
        wrong=(
            Wrong(
                "not divided by the last step",
                lambda network: functions.gradient(network).norm(dim=-1),
                "The last entry should be 1: nothing has been lost there yet.",
                _GRADIENTS,
            ),
            Wrong(
                "divided by the first step",
                lambda network: (g := functions.gradient(network).norm(dim=-1)) / g[0],
                "You divide by what is left after the longest way. Take the shortest.",
                _GRADIENTS,
            ),
            Wrong(
                "divided by the largest",
                lambda network: (g := functions.gradient(network).norm(dim=-1)) / g.max(),
                "A recurrence may amplify what comes back. Which step is the yardstick here?",
                _GRADIENTS,
            ),
            Wrong(
                "the gradient of all outputs",
                lambda network: functions.normalised(
                    functions.gradient(network, torch.sum).norm(dim=-1)
                ),
                "Every output sends its own blame back. Asked for is that of the last one.",
                _GRADIENTS,
            ),
            Wrong(
                "squared lengths",
                lambda network: functions.normalised(
                    (functions.gradient(network) ** 2).sum(dim=-1)
                ),
                "A length is the root of the sum of squares.",
                _GRADIENTS,
            ),
            Wrong(
                "counted from the end",
                lambda network: functions.normalised(functions.gradient(network).norm(dim=-1)).flip(
                    0
                ),
                "Your first entry belongs to the last step. Keep the order of the inputs.",
                _GRADIENTS,
            ),
        ),
        another=functions.chain_of_jacobians,
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
        reference=functions.n_parameters,
        cases=functions.models,
        example=("NM-RNN", 50),
        wrong=(
            Wrong(
                "one factor in place of two",
                functions.count(low=lambda n: -3 * n, nm=lambda n: -3 * n),
                "A low-rank matrix has row factors and column factors.",
                _COUNT,
            ),
            Wrong(
                "one gate in place of four",
                functions.count(lstm=lambda n: -3 * n * (n + 4)),
                "Three gates and the candidate of the cell: each has weights of its own.",
                _COUNT,
            ),
            Wrong(
                "a readout offset for the LSTM",
                functions.count(lstm=lambda n: 1),
                "Look at the last term of each line of the table: not all are alike.",
                _COUNT,
            ),
            Wrong(
                "no readout offset",
                functions.count(vanilla=lambda n: -1, low=lambda n: -1, nm=lambda n: -1),
                "The output is C x + d. Your d is missing.",
                _COUNT,
            ),
            Wrong(
                "gains without a bias",
                functions.count(nm=lambda n: -3),
                "The gain is σ(A z + b). Your b is missing.",
                _COUNT,
            ),
        ),
        another=functions.counted,
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
        reference=functions.read_interval,
        cases=functions.outputs,
        wrong=(
            Wrong(
                "not divided by the fraction",
                functions.reading(result=lambda crossing, go, fraction: crossing - go),
                "You stop the clock at a part of the ramp. A perfect ramp comes out too short.",
                _MEASURE,
            ),
            Wrong(
                "the fraction as threshold",
                functions.reading(threshold=lambda fraction: fraction),
                "The ramp rises from −0.5 to 0.5. Your threshold lies above its end.",
                _MEASURE,
            ),
            Wrong(
                "no interpolation",
                functions.reading(crossing=lambda k, part: 10 * k),
                "Your intervals are whole steps. The threshold was crossed within the step.",
                _MEASURE,
            ),
            Wrong(
                "the step before the threshold",
                functions.reading(crossing=lambda k, part: 10 * (k - 1)),
                "Your intervals are whole steps, and too short.",
                _MEASURE,
            ),
            Wrong(
                "counted from the start of the trial",
                functions.reading(result=lambda crossing, go, fraction: crossing / fraction),
                "An interval is produced from go on.",
                _MEASURE,
            ),
            Wrong(
                "the last crossing",
                functions.last_crossing,
                "An output may fall below the threshold and come back. The first crossing counts.",
                _MEASURE,
            ),
            Wrong(
                "a crossing before go",
                functions.reading(first=lambda go: 1),
                "An output may be high for a moment before go. Look at what follows go.",
                _MEASURE,
            ),
        ),
        another=functions.by_interpolation,
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
        function="median_error",
        arguments=("networks", "intervals", "measure_times"),
        reference=functions.median_error,
        cases=functions.contests,
        wrong=(
            Wrong(
                "the mean error",
                functions.error_over_networks(np.mean),
                "One network that failed moves a mean. Asked for is the median.",
                _MEASURE,
            ),
            Wrong(
                "the first network",
                lambda networks, *times: functions.median_error(networks[:1], *times),
                "One network of a list is an accident. Use them all.",
                _MEASURE,
            ),
            Wrong(
                "the best network",
                functions.error_over_networks(np.min),
                "Which network is best cannot be known beforehand. Asked for is the median.",
                _MEASURE,
            ),
            Wrong(
                "the error of the mean output",
                functions.error_of_the_mean,
                "Each network has an error of its own. Average after the errors, not before.",
                _MEASURE,
            ),
            Wrong(
                "the measure pulse at 150 ms",
                lambda networks, intervals, measure_times: functions.median_error(
                    networks, intervals, (150,)
                ),
                "Do your trials use the measure times that are given?",
                _MEASURE,
            ),
            Wrong(
                "the trained intervals",
                lambda networks, intervals, measure_times: functions.median_error(
                    networks, (120, 140, 160, 180), measure_times
                ),
                "Do your trials use the intervals that are given?",
                _MEASURE,
            ),
            Wrong(
                "the root of the error",
                functions.error_over_networks(lambda errors: float(np.median(errors)) ** 0.5),
                "The error of this chapter is a mean *square*, without a root.",
                _MEASURE,
            ),
        ),
        another=functions.median_error_by_sorting,
        rtol=1e-4,
        seconds=20.0,
        rubric=(
            "No measurement, or one model only.",
            "The four errors of each model, without a comparison.",
            "The four errors of each model, compared with the trained one and with each other.",
            "In addition: says which of them the published test looks at, and what a network "
            "could do wrong without failing it.",
        ),
    ),
)
