"""The random numbers of a figure that responds, drawn in Python as ``nm.normal`` draws them."""

from __future__ import annotations

import math
from collections.abc import Callable

_WORD = 0xFFFFFFFF


def normal_numbers(seed: int) -> Callable[[], float]:
    """The numbers that ``nm.normal(seed)`` draws in the page, one at each call.

    Args:
        seed: Any integer; its lowest 32 bits count.

    Returns:
        A function that draws standard normal numbers, the same for the same seed.
    """
    state = seed & _WORD

    def uniform() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & _WORD
        v = (state ^ (state >> 15)) * (1 | state) & _WORD
        v ^= (v + ((v ^ (v >> 7)) * (61 | v) & _WORD)) & _WORD
        return (v ^ (v >> 14)) / 4294967296

    def normal() -> float:
        radius = math.sqrt(-2 * math.log(1 - uniform()))
        return radius * math.cos(2 * math.pi * uniform())

    return normal
