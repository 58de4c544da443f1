r"""Responses of neurons over time: what a reader has in arrays or files, checked and kept together.

All responses are (repeat, time, image, unit). A neuron that was recorded in part, or never changes,
is left out, and the object says which and why. How well repeats agree sets a limit to what any
model can predict, the *ceiling*:

    r_half         correlation of the means of two halves of the repeats
    reliability    2 r_half / (1 + r_half)   of the mean over all repeats (Spearman, Brown)
    ceiling        sqrt(reliability)         largest expected correlation with that mean

Reference: Spearman 1910; Brown 1910.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse._files import user_path
from nmcourse._inputs import check_generator, check_tensor, count
from nmcourse.analysis._checks import check_choice, check_finite
from nmcourse.analysis.neural._npz import arrays_of

PARTS = ("all", "image")


@dataclass(frozen=True)
class Responses:
    """Neurons that were shown images, repeatedly.

    Attributes:
        trials: (repeat, time, image, unit), finite.
        times: (time,) in ms, rising.
        units: (unit,) place of each kept unit in what was handed over.
        left_out: place of each unit that is not kept -> why.
    """

    trials: Tensor
    times: Tensor
    units: Tensor
    left_out: Mapping[int, str]

    @property
    def mean(self) -> Tensor:
        """Mean over repeats, (time, image, unit)."""
        return self.trials.mean(dim=0)

    def __str__(self) -> str:
        """Sizes, and what was left out."""
        n_repeats, n_times, n_images, n_units = self.trials.shape
        lost = ", ".join(f"unit {unit}: {why}" for unit, why in self.left_out.items())
        sizes = f"{n_units} units, {n_images} images, {n_times} times, {n_repeats} repeats"
        return f"{sizes}; left out: {lost or 'none'}"


def check_responses(trials: Any, times: Any) -> Responses:
    """Check responses, and leave out neurons with missing numbers or without any change.

    Args:
        trials: tensor or array (repeat, time, image, unit).
        times: when each bin begins, (time,) in ms.

    Raises:
        ValueError: for another number of axes, an empty one, times that do not fit, are missing or
            do not rise, or if no neuron is left.
    """
    values = _tensor("trials", trials)
    moments = _tensor("times", times)
    if values.ndim != 4 or 0 in values.shape:
        raise ValueError(
            "trials must have shape (repeat, time, image, unit) with nothing empty, "
            f"got {tuple(values.shape)}"
        )
    if moments.shape != values.shape[1:2]:
        raise ValueError(
            f"times must have shape ({values.shape[1]},), one per bin of trials, "
            f"got {tuple(moments.shape)}"
        )
    if not torch.isfinite(moments).all() or not (moments.diff() > 0).all():
        raise ValueError(f"times must be finite and rise, got {moments.tolist()}")
    flat = values.reshape(-1, values.shape[-1])
    finite = torch.isfinite(flat).all(dim=0)
    still = finite & (flat == flat[:1]).all(dim=0)
    left_out = {}
    for unit in torch.nonzero(~finite | still).flatten().tolist():
        left_out[unit] = "never changes" if finite[unit] else "missing or infinite numbers"
    kept = torch.nonzero(finite & ~still).flatten()
    if not len(kept):
        raise ValueError(f"trials: none of {values.shape[-1]} units can be kept: {left_out}")
    return Responses(values[..., kept], moments, kept, left_out)


def read_responses(path: str | Path, *, trials: str = "trials", times: str = "times") -> Responses:
    """Read responses that a reader has in an ``.npz`` file; nothing in it is run.

    Args:
        path: the file.
        trials: name of the array (repeat, time, image, unit).
        times: name of the array (time,) in ms.

    Raises:
        ValueError: for a file that cannot be read, an array that is not there, and as in
            :func:`check_responses`.
    """
    return check_responses(*arrays_of(user_path(path, "path"), (trials, times)))


def meet(first: Tensor, second: Tensor, *, tolerance: float = 1e-6) -> None:
    """Raise ``ValueError`` unless two time axes (in ms) are the same."""
    check_tensor("first", first)
    check_tensor("second", second)
    if first.shape != second.shape:
        raise ValueError(f"times do not meet: {len(first)} bins and {len(second)} bins")
    apart = (first.double() - second.double()).abs()
    if len(apart) and float(apart.max()) > tolerance:
        place = int(apart.argmax())
        raise ValueError(
            f"times do not meet: bin {place} begins at {float(first[place]):g} ms and at "
            f"{float(second[place]):g} ms"
        )


def image_part(values: Tensor) -> Tensor:
    """Values with the mean over images at each time taken out: what depends on the image.

    Args:
        values: (.., time, image, unit).

    Returns:
        The same shape; a time course that is the same for all images leaves zero.
    """
    check_tensor("values", values)
    if values.ndim < 3:
        raise ValueError(f"values must have shape (.., time, image, unit), got {values.shape}")
    return values - values.mean(dim=-2, keepdim=True)


def part_of(values: Tensor, part: str) -> Tensor:
    """Values as they are (``"all"``), or their :func:`image_part` (``"image"``)."""
    check_choice("part", part, PARTS)
    return image_part(values) if part == "image" else values


def correlate(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation along the first axis, (unit,), of two (sample, unit).

    Zero where the first is constant (it predicts nothing), NaN where the second is.
    """
    a, b = (values.double() - values.double().mean(dim=0) for values in (first, second))
    lengths = a.norm(dim=0), b.norm(dim=0)
    scales = [values.double().abs().amax(dim=0) for values in (first, second)]
    n = len(first) ** 0.5
    empty = [size <= 1e-12 * n * scale for size, scale in zip(lengths, scales, strict=True)]
    found = (a * b).sum(dim=0) / (lengths[0] * lengths[1])
    found = torch.where(empty[0], torch.zeros_like(found), found)
    return torch.where(empty[1], torch.full_like(found, torch.nan), found)


def spearman_brown(half: Tensor) -> Tensor:
    """Reliability of a mean over all repeats from the correlation of two halves."""
    return 2 * half / (1 + half)


def reliability(
    trials: Tensor,
    *,
    part: str = "all",
    n_splits: int = 20,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Reliability of the mean over repeats of each unit, (unit,).

    Halves are drawn at random ``n_splits`` times and their correlations averaged.

    Args:
        trials: (repeat, time, image, unit), at least two repeats; with an odd number one is left
            out of each split.
        part: ``"all"`` or ``"image"``, see ``part_of``.
        n_splits: how often the repeats are split.
        generator: source of the splits.

    Raises:
        ValueError: for fewer than two repeats, other axes or numbers that are not finite.
    """
    check_finite("trials", trials)
    check_generator(generator)
    n_splits = count("n_splits", n_splits)
    if trials.ndim != 4 or len(trials) < 2:
        raise ValueError(
            "trials must have shape (repeat, time, image, unit) with two repeats or more, "
            f"got {tuple(trials.shape)}"
        )
    n = len(trials) // 2
    halves = torch.zeros(trials.shape[-1], dtype=torch.float64)
    for _ in range(n_splits):
        order = torch.randperm(len(trials), generator=generator)
        means = [trials[some].double().mean(dim=0) for some in (order[:n], order[n : 2 * n])]
        flat = [part_of(mean, part).flatten(0, 1) for mean in means]
        halves += correlate(*flat) / n_splits
    return spearman_brown(halves)


def noise_ceiling(trials: Tensor, **options: Any) -> Tensor:
    """Largest correlation that is expected with the mean over repeats, (unit,).

    The root of the :func:`reliability`, which takes the same arguments; NaN where halves do not
    agree better than by chance.
    """
    agreed = reliability(trials, **options)
    return torch.where(agreed > 0, agreed, torch.nan).sqrt()


def _tensor(name: str, values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach().double()
    try:
        return torch.from_numpy(np.ascontiguousarray(np.asarray(values, dtype=np.float64)))
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers, got {type(values)}") from None
