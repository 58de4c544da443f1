"""Answers to the exercises of the chapter "What the loss is for", and examples to try them on."""

from __future__ import annotations

import math

from nmcourse.exercises.checking.record import Draw


def share_of_last(n_last: int, n_steps: int, decades: float) -> float:
    weights = [10 ** (decades * k / (n_steps - 1)) for k in range(n_steps)]
    return sum(weights[-n_last:]) / sum(weights)


def share_of_last_closed(n_last: int, n_steps: int, decades: float) -> float:
    """Two geometric series."""
    ratio = 10 ** (-decades / (n_steps - 1))
    return (1 - ratio**n_last) / (1 - ratio**n_steps)


def windows(draw: Draw) -> list[tuple[int, int, float]]:
    return [
        (draw.integer(2, 6), draw.integer(9, 40), draw.uniform(1.0, 4.0)),
        *(
            (draw.integer(2, 6), draw.integer(9, 20), draw.uniform(0.8, 2.0) * (-1) ** k)
            for k in range(5)
        ),
    ]


def largest_recurrence(share: float, duration: float, tau: float) -> float:
    return 1 - tau * math.log(1 / share) / duration


def largest_recurrence_by_halving(share: float, duration: float, tau: float) -> float:
    """Bisect: more recurrence leaves more of the distance."""
    low, high = -1000.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        returned = math.exp(-(1 - middle) * duration / tau) < share
        low, high = (middle, high) if returned else (low, middle)
    return low


def returns(draw: Draw) -> list[tuple[float, float, float]]:
    return [
        (draw.uniform(0.01, 0.5), draw.uniform(100, 600), draw.uniform(5, 20)) for _ in range(6)
    ] + [(0.05, draw.uniform(20, 25), 10.0)]  # so soon that only an inhibition does it


MONOSTABLE, MULTISTABLE, UNSTABLE = range(3)


def kind_of_pair(excitation: float, inhibition: float) -> int:
    if excitation > 1:
        return UNSTABLE
    return MULTISTABLE if excitation + inhibition > 1 else MONOSTABLE


def kind_of_pair_by_running(excitation: float, inhibition: float) -> int:
    """Start with a difference, and see what is left of it after three hundred time constants."""
    first, second = 1.0, 0.5
    for _ in range(3000):
        currents = (
            excitation * first - inhibition * second + 0.2,
            excitation * second - inhibition * first + 0.2,
        )
        first += 0.1 * (max(currents[0], 0.0) - first)
        second += 0.1 * (max(currents[1], 0.0) - second)
    if max(first, second) > 1e3:
        return UNSTABLE
    return MULTISTABLE if first - second > 1e-3 else MONOSTABLE


def pairs(draw: Draw) -> list[tuple[float, float]]:
    near = [(0.5, 0.2), (0.5, 0.8), (1.3, 0.1), (1.2, 0.6), (0.2, 1.4), (0.1, 0.3), (1.6, 0.2)]
    near += [(1.2, 1.5)]  # strong inhibition does not save a unit that grows alone
    near += [(0.75, 0.14), (0.88, 0.24)]  # the sum decides, no weight by itself and no product
    return [(a + draw.uniform(-0.05, 0.05), c + draw.uniform(-0.05, 0.05)) for a, c in near]


def largest_share(n_networks: int, doubt: float) -> float:
    return 1 - doubt ** (1 / n_networks)


def largest_share_by_halving(n_networks: int, doubt: float) -> float:
    """Bisect: the larger the share, the less probable is a sample without any."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        none_seen = math.prod([1 - middle] * n_networks)
        low, high = (middle, high) if none_seen > doubt else (low, middle)
    return low


def samples(draw: Draw) -> list[tuple[int, float]]:
    return [(draw.integer(3, 20), draw.uniform(0.02, 0.3)) for _ in range(6)]
