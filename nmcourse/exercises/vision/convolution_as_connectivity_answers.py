"""The trusted answers, the cases to try, and answers with one part changed."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw


def connections(channels: int, kernel: int, size: int) -> float:
    beyond = (kernel**2 - 1) / 4  # places where the kernel reaches over an edge, along one side
    return channels**2 * (size * kernel - beyond) ** 2


def count(channels: int, kernel: int, size: int) -> int:
    """The same by looking at every pair of pixels."""
    pixels = range(size)
    near = sum(abs(a - b) <= kernel // 2 for a, b in product(pixels, pixels))
    return (channels * near) ** 2


def areas(draw: Draw) -> list[tuple[int, int, int]]:
    return [(1, 3, 2 + draw.integer(2, 4)), (2, 7, draw.integer(4, 6))] + [  # a wide one, too
        (draw.integer(2, 9), 1 + 2 * draw.integer(1, 3), draw.integer(7, 12)) for _ in range(6)
    ]


def gain_of_wave(left: float, centre: float, right: float, frequency: float) -> float:
    angle = 2 * math.pi * frequency
    real = centre + (left + right) * math.cos(angle)
    imaginary = (right - left) * math.sin(angle)
    return math.sqrt(real**2 + imaginary**2)


def gain_by_complex_numbers(left: float, centre: float, right: float, frequency: float) -> float:
    turn = complex(math.cos(2 * math.pi * frequency), math.sin(2 * math.pi * frequency))
    return abs(left * turn.conjugate() + centre + right * turn)


def kernels(draw: Draw) -> list[tuple[float, float, float, float]]:
    def weight() -> float:
        return draw.uniform(-1, 1)

    below = -0.6 - 0.4 * abs(weight())  # its real part is negative
    negative = (below, below, 0.3 * weight(), draw.uniform(0.05, 0.2))
    return [negative] + [(weight(), weight(), weight(), draw.uniform(0.05, 0.45)) for _ in range(6)]


def leak(hessenberg: Tensor) -> Tensor:
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    leader = values.abs().argmax()
    return hessenberg[-1, -1].abs() * vectors[-1, leader].abs()


def leak_in_full(hessenberg: Tensor) -> Tensor:
    """The same from the definition: what H y has beyond theta y."""
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    leader = values.abs().argmax()
    y = vectors[:, leader]
    moved = hessenberg.to(y.dtype) @ y
    moved[:-1] -= values[leader] * y
    return moved.abs().square().sum().sqrt()


def all_leaks(hessenberg: Tensor) -> Tensor:
    """Residuals of all Ritz vectors, in the order of ``eig``."""
    vectors = torch.linalg.eig(hessenberg[:-1])[1]
    return (hessenberg[-1, -1] * vectors[-1]).abs()


def some_leak(hessenberg: Tensor, row: int, *, smallest: bool = False) -> Tensor:
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    size = values.abs()
    leader = size.argmin() if smallest else size.argmax()
    return hessenberg[-1, -1].abs() * vectors[row, leader].abs()


def leak_of_largest_real_part(hessenberg: Tensor) -> Tensor:
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    return hessenberg[-1, -1].abs() * vectors[-1, values.real.argmax()].abs()


def leak_of_a_row(hessenberg: Tensor) -> Tensor:
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    return hessenberg[-1, -1].abs() * vectors[values.abs().argmax(), -1].abs()


def leak_with_a_sign(hessenberg: Tensor) -> Tensor:
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    return hessenberg[-1, -1] * vectors[-1, values.abs().argmax()]


def leak_of_the_real_part(hessenberg: Tensor) -> Tensor:
    values, vectors = torch.linalg.eig(hessenberg[:-1])
    return hessenberg[-1, -1].abs() * vectors[-1, values.abs().argmax()].real.abs()


def hessenbergs(draw: Draw) -> list[tuple[Tensor]]:
    """Each slip has a case in which it takes another Ritz vector than that of the leader."""
    slips = ("first", "last", "right", "least", "most", "right")
    return [*((hessenberg(draw, slip),) for slip in slips), (turning(draw),)]


def turning(draw: Draw) -> Tensor:
    """A random H whose leaders are a complex pair, and the last entry of their vectors complex."""
    while True:
        m = draw.integer(4, 6)
        small = torch.triu(draw.normal(m + 1, m)) / 2
        for k in range(m):
            small[k + 1, k] = draw.uniform(1, 3) * (-1) ** k
        values, vectors = torch.linalg.eig(small[:-1])
        leader, size = values.abs().argmax(), values.abs().sort().values
        last = vectors[-1, leader]
        alone = size[-3] < 0.9 * size[-1] and abs(values[leader].imag) > 0.1 * size[-1]
        if alone and all_leaks(small)[leader] > 0.02 and last.real.abs() < 0.8 * last.abs():
            return small


def hessenberg(draw: Draw, slip: str) -> Tensor:
    """A random H whose leader is not what a slip takes for it, and leaks visibly less or more.

    Slips take the first or the last value that ``eig`` gives, the one with the largest real part,
    or the one that leaks least or most.
    """
    while True:
        m = draw.integer(3, 6)
        small = torch.triu(draw.normal(m + 1, m)) / 2
        small[0, 0] -= 4.0 * (slip == "right")  # the leader lies far on the left
        for k in range(m):  # large enough for a leak that single precision resolves
            small[k + 1, k] = draw.uniform(1, 3) * (-1) ** k
        values = torch.linalg.eigvals(small[:-1])
        leaks = all_leaks(small)
        second, largest = values.abs().sort().values[-2:]
        leader, right = leaks[values.abs().argmax()], leaks[values.real.argmax()]
        taken = {"first": leaks[0], "last": leaks[-1], "right": right}
        taken |= {"least": leaks.min(), "most": leaks.max()}
        unlike = [leader]  # what the slip must be told apart from
        unlike += [leaks.min(), leaks.max()] if slip in ("first", "last") else []
        unlike += [leaks[values.abs().argmin()]] if slip in ("least", "most") else []
        apart = all(abs(taken[slip] / other - 1) > 0.1 for other in unlike)
        if second < 0.9 * largest and leader > 0.02 and apart:
            return small
