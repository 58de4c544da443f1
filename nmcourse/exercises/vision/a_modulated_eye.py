"""Exercises of *A modulated eye*."""

from __future__ import annotations

import math

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.a_modulated_eye_answers import (
    clocks,
    late_tau,
    late_tau_by_rate,
    modes,
    signal_over_noise,
    signal_over_noise_by_sums,
    step_tau,
    step_tau_by_logarithm,
    units,
)

_CHAPTER = "book/vision/a_modulated_eye"
_GAINS = "A gain on every channel"
_CLOCK = "Gain is the clock of the eye"
_BUYS = "What a slow clock buys"

EXERCISES = (
    Exercise(
        id="eye-4",
        label="ex-eye-length",
        chapter=_CHAPTER,
        title="No new model",
        kind="derivation",
        difficulty=2,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or that a gain is a new parameter.",
            "The gain of the recurrent drive is put into the kernel.",
            "In addition the length, the feed-forward drive, and why an output is another matter.",
            "In addition that no lengths change within a trial, or differ from image to image.",
        ),
    ),
    Exercise(
        id="eye-1",
        label="ex-eye-clock",
        chapter=_CHAPTER,
        title="A clock of one unit",
        kind="code",
        difficulty=1,
        importance=4,
        minutes=10,
        function="late_tau",
        arguments=("weight", "gain", "tau"),
        reference=late_tau,
        cases=clocks,
        example=(0.6, 1.0, 10.0),
        wrong=(
            Wrong(
                "no gain",
                lambda weight, gain, tau: tau / (1 - weight) + 0 * gain,
                "A gain of zero silences the recurrence, whatever the weight is.",
                _CLOCK,
            ),
            Wrong(
                "no weight",
                lambda weight, gain, tau: tau / (1 - gain / 2) + 0 * weight,
                "The gain multiplies what the weight gives back.",
                _CLOCK,
            ),
            Wrong(
                "the gain added to the weight",
                lambda weight, gain, tau: tau / (1 - gain - weight),
                "The gain is a factor of the recurrent drive. What does a gain of zero leave?",
                _CLOCK,
            ),
            Wrong(
                "faster in place of slower",
                lambda weight, gain, tau: tau * (1 - gain * weight),
                "Recurrence gives back a part of what leaks away. Does the rate then fall sooner?",
                _CLOCK,
            ),
            Wrong(
                "the other sign",
                lambda weight, gain, tau: tau / (1 + gain * weight),
                "An exciting weight, above zero, slows the unit. Does it in your formula?",
                _CLOCK,
            ),
            Wrong(
                "the gain on the leak",
                lambda weight, gain, tau: tau / (gain - weight),
                "The leak, -r, has no gain in the equation.",
                _CLOCK,
            ),
        ),
        another=late_tau_by_rate,
    ),
    Exercise(
        id="eye-2",
        label="ex-eye-step",
        chapter=_CHAPTER,
        title="A mode that turns",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="step_tau",
        arguments=("real", "imaginary", "tau", "dt"),
        reference=step_tau,
        cases=modes,
        example=(0.5, 0.5, 10.0, 2.0),
        wrong=(
            Wrong(
                "the equation",
                lambda real, imaginary, tau, dt: tau / (1 - real) + 0 * (imaginary + dt),
                "This is the limit of small steps. What does one step of dt leave of the mode?",
                _CLOCK,
            ),
            Wrong(
                "the real part of the factor alone",
                lambda real, imaginary, tau, dt: (
                    -dt / math.log(1 - dt / tau * (1 - real)) + 0 * imaginary
                ),
                "A step also turns the mode, and by that it ends further out. What is its modulus?",
                _CLOCK,
            ),
            Wrong(
                "the modulus of lambda",
                lambda real, imaginary, tau, dt: (
                    -dt / math.log(1 - dt / tau * (1 - math.hypot(real, imaginary)))
                ),
                "Take the modulus of the factor of a step, and not of lambda.",
                _CLOCK,
            ),
            Wrong(
                "no step in front",
                lambda real, imaginary, tau, dt: (
                    -1 / math.log(math.hypot(1 - dt / tau * (1 - real), dt / tau * imaginary))
                ),
                "This counts steps. The time constant is wanted in ms.",
                _CLOCK,
            ),
            Wrong(
                "the square of the modulus",
                lambda real, imaginary, tau, dt: (
                    -dt / math.log((1 - dt / tau * (1 - real)) ** 2 + (dt / tau * imaginary) ** 2)
                ),
                "The modulus is the root of the sum of both squares.",
                _CLOCK,
            ),
        ),
        another=step_tau_by_logarithm,
    ),
    Exercise(
        id="eye-3",
        label="ex-eye-signal",
        chapter=_CHAPTER,
        title="Signal over noise",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=15,
        function="signal_over_noise",
        arguments=("weight", "gain", "tau", "dt"),
        reference=signal_over_noise,
        cases=units,
        example=(0.5, 1.0, 10.0, 2.0),
        wrong=(
            Wrong(
                "a signal that is not amplified",
                lambda weight, gain, tau, dt: (
                    signal_over_noise(weight, gain, tau, dt) * (1 - gain * weight)
                ),
                "Recurrence makes the final rate larger, too. Where does the rate stand still?",
                _BUYS,
            ),
            Wrong(
                "noise of the leak alone",
                lambda weight, gain, tau, dt: (
                    1 / (1 - gain * weight) / math.sqrt(dt / tau / (2 - dt / tau))
                ),
                "This noise is that of a unit without recurrence. How long does a deviation last?",
                _BUYS,
            ),
            Wrong(
                "the variance",
                lambda weight, gain, tau, dt: (
                    (1 - gain * weight) * signal_over_noise(weight, gain, tau, dt) ** 2
                ),
                "Divide by the standard deviation, the root of the variance.",
                _BUYS,
            ),
            Wrong(
                "no gain",
                lambda weight, gain, tau, dt: signal_over_noise(weight, 1.0, tau, dt) + 0 * gain,
                "The gain multiplies the weight, in the signal and in the noise.",
                _BUYS,
            ),
            Wrong(
                "noise of one step",
                lambda weight, gain, tau, dt: 1 / (1 - gain * weight) / (dt / tau),
                "This is the noise that one step adds. What was there before has not all gone.",
                _BUYS,
            ),
        ),
        another=signal_over_noise_by_sums,
    ),
    Exercise(
        id="eye-5",
        label="ex-eye-own",
        chapter=_CHAPTER,
        title="What gains could do that biases cannot",
        kind="experiment",
        difficulty=4,
        importance=4,
        minutes=35,
        rubric=(
            "A task without an expectation, or without a control.",
            "An expectation with its reason, and a bias of as many numbers as control.",
            "In addition how many networks are needed, what a tie is, and a first measurement.",
            "In addition a control that could have proved the expectation wrong, and what it said.",
        ),
    ),
)
