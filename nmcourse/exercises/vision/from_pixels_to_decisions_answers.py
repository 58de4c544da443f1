"""Answers to the exercises of *From pixels to decisions*, and cases for them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nmcourse.exercises.checking.record import Draw


def next_places(places: Tensor, signal: Tensor, jumps: Tensor, shift: float, size: float) -> Tensor:
    moved = places.clone()
    moved[:, 1] = (moved[:, 1] + shift).remainder(size)
    return torch.where(signal[:, None], moved, jumps)


def next_places_one_by_one(
    places: Tensor, signal: Tensor, jumps: Tensor, shift: float, size: float
) -> list[list[float]]:
    found = []
    for (row, column), moves, jump in zip(
        places.tolist(), signal.tolist(), jumps.tolist(), strict=True
    ):
        column += shift
        if column >= size:
            column -= size
        if column < 0:
            column += size
        found.append([row, column] if moves else jump)
    return found


def dots(draw: Draw) -> list[tuple[Tensor, Tensor, Tensor, float, float]]:
    """Some dots belong to the signal and some do not; one of each leaves the picture."""
    found = []
    for k, direction in enumerate((1, -1, 1, -1)):
        size = 8.0 + 2 * k
        places, jumps = (
            size * torch.rand(8, 2, generator=draw.source(), dtype=torch.double) for _ in range(2)
        )
        shift = direction * draw.uniform(1.0, 2.0)
        edge = 0.3 if direction < 0 else size - 0.3
        places[:2, 1] = edge
        signal = torch.tensor([True, False, True, False, True, True, False, False])
        found.append((places, signal, jumps, shift, size))
    return found


def field_means(maps: Tensor, n_fields: int) -> Tensor:
    channels, height, width = maps.shape
    high, wide = height // n_fields, width // n_fields
    fields = maps.reshape(channels, n_fields, high, n_fields, wide)
    return fields.mean(dim=(2, 4)).flatten()


def field_means_by_loops(maps: Tensor, n_fields: int) -> list[float]:
    high, wide = (side // n_fields for side in maps.shape[1:])
    return [
        float(channel[a * high : (a + 1) * high, b * wide : (b + 1) * wide].sum() / (high * wide))
        for channel in maps
        for a in range(n_fields)
        for b in range(n_fields)
    ]


def maps_to_read(draw: Draw) -> list[tuple[Tensor, int]]:
    sizes = ((2, 4, 6, 2), (3, 6, 9, 3), (1, 4, 8, 4), (4, 2, 4, 2))
    return [(1 + draw.normal(c, h, w), n) for c, h, w, n in sizes]


def share_of_right(strength: float, bias: float, width: float, lapses: float) -> float:
    return lapses + (1 - 2 * lapses) / (1 + math.exp(-(strength - bias) / width))


def share_of_right_by_guessing(strength: float, bias: float, width: float, lapses: float) -> float:
    """In 2 lambda of the films a coin decides, in the others the curve without lapses."""
    seen = 0.5 * (1 + math.tanh((strength - bias) / (2 * width)))
    return 2 * lapses * 0.5 + (1 - 2 * lapses) * seen


def observers(draw: Draw) -> list[tuple[float, float, float, float]]:
    """Both signs of the bias with both sides: with one sign alone it acts as a threshold does."""
    return [
        (
            side * draw.uniform(0.05, 0.3),
            towards * draw.uniform(0.02, 0.06),
            draw.uniform(0.08, 0.25),
            draw.uniform(0.04, 0.15),
        )
        for side, towards in ((1, 1), (-1, -1), (1, -1), (-1, 1), (1, 1))
    ]


def median_of_all(times: Tensor) -> float:
    """A film without an answer is later than all with one."""
    late = torch.where(times.isnan(), torch.inf, times).sort().values
    n = len(late)
    middle = float((late[(n - 1) // 2] + late[n // 2]) / 2)
    return middle if math.isfinite(middle) else math.nan


def median_of_all_by_counting(times: Tensor) -> float:
    known = sorted(t for t in times.tolist() if t == t)
    n, half = len(times), len(times) // 2
    if n % 2:
        return known[half] if half < len(known) else math.nan
    return (known[half - 1] + known[half]) / 2 if half < len(known) else math.nan


def reactions(draw: Draw) -> list[tuple[Tensor]]:
    """Odd and even numbers of films, all, most, half, and few of them answered."""
    found = []
    for n, unanswered in ((9, 0), (9, 3), (8, 2), (9, 6), (8, 4), (11, 4)):
        times = 100 + 200 * torch.rand(n, generator=draw.source(), dtype=torch.double)
        times[torch.randperm(n, generator=draw.source())[:unanswered]] = math.nan
        found.append((times,))
    return found
