"""Answers to the exercises of *A modulated eye*, and cases for them."""

from __future__ import annotations

import cmath
import math

from nmcourse.exercises.checking.record import Draw


def late_tau(weight: float, gain: float, tau: float) -> float:
    return tau / (1 - gain * weight)


def late_tau_by_rate(weight: float, gain: float, tau: float) -> float:
    """The inverse of the rate at which the distance falls."""
    left = 1 / tau - gain * weight / tau
    return left**-1


def clocks(draw: Draw) -> list[tuple[float, float, float]]:
    return [
        (draw.uniform(0.2, 0.6), draw.uniform(0.3, 0.9), draw.uniform(8.0, 30.0)),
        (draw.uniform(0.2, 0.6), draw.uniform(1.05, 1.5), draw.uniform(8.0, 30.0)),
        (draw.uniform(-0.8, -0.2), draw.uniform(0.4, 1.2), draw.uniform(8.0, 30.0)),
    ]


def step_tau(real: float, imaginary: float, tau: float, dt: float) -> float:
    alpha = dt / tau
    left, turned = 1 - alpha * (1 - real), alpha * imaginary
    return -dt / math.log(math.hypot(left, turned))


def step_tau_by_logarithm(real: float, imaginary: float, tau: float, dt: float) -> float:
    """The real part of the complex logarithm of the factor is the logarithm of its modulus."""
    factor = complex(1 - dt / tau + dt / tau * real, dt / tau * imaginary)
    return -dt / cmath.log(factor).real


def modes(draw: Draw) -> list[tuple[float, float, float, float]]:
    return [
        (draw.uniform(0.1, 0.5), draw.uniform(0.5, 0.9), draw.uniform(8.0, 12.0), 2.0),
        (draw.uniform(0.1, 0.5), draw.uniform(-0.9, -0.5), draw.uniform(8.0, 12.0), 1.0),
        (draw.uniform(-0.6, -0.2), draw.uniform(0.5, 0.9), draw.uniform(18.0, 25.0), 4.0),
    ]


def signal_over_noise(weight: float, gain: float, tau: float, dt: float) -> float:
    alpha, left = dt / tau, 1 - gain * weight
    spread = alpha / math.sqrt(1 - (1 - alpha * left) ** 2)
    return 1 / left / spread


def signal_over_noise_by_sums(weight: float, gain: float, tau: float, dt: float) -> float:
    """Signal and variance as the geometric series that the steps add up."""
    alpha = dt / tau
    kept = 1 - alpha + alpha * gain * weight
    signal = alpha / (1 - kept)
    variance = alpha**2 / ((1 - kept) * (1 + kept))
    return signal / variance**0.5


def units(draw: Draw) -> list[tuple[float, float, float, float]]:
    return [
        (draw.uniform(0.3, 0.6), draw.uniform(0.4, 0.9), draw.uniform(8.0, 12.0), 2.0),
        (draw.uniform(0.3, 0.6), draw.uniform(1.1, 1.4), draw.uniform(18.0, 25.0), 3.0),
        (draw.uniform(-0.6, -0.3), draw.uniform(0.6, 1.3), draw.uniform(8.0, 12.0), 1.0),
    ]
