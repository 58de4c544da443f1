"""Neurons with a known answer: made from the units of a network, and neurons that see nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, counts, number
from nmcourse.analysis._checks import check_finite


def synthetic_neurons(
    units: Tensor,
    n_neurons: int = 50,
    *,
    shared: float = 0.5,
    n_repeats: int = 10,
    noise: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Noisy trials of neurons that are linear mixtures of a network's units over time.

    A random mixture of all units has a time course that all images share, its mean over images, and
    an image part, the rest. Both are scaled to variances that sum to 1 over times and images, the
    first to ``shared``. With ``shared=1`` nothing of the image is left: a neuron that sees nothing.
    The same generator gives the same mixtures and the same noise.

    Args:
        units: (time, image, unit) of a network.
        n_neurons: how many neurons.
        shared: share of the variance in the time course that all images share, 0 to 1.
        n_repeats: trials of each image.
        noise: standard deviation of the noise of a trial, new for each neuron, image and time.
        generator: source of mixtures and noise.

    Returns:
        (repeat, time, image, neuron), float64.

    Raises:
        ValueError: for a number out of range, or units without a part that is asked for.
    """
    check_finite("units", units)
    check_generator(generator)
    n_neurons, n_repeats = counts(n_neurons=n_neurons, n_repeats=n_repeats)
    number("noise", noise, "zero or a positive number", least=0)
    if number("shared", shared, "from 0 to 1", least=0) > 1:
        raise ValueError(f"shared must be from 0 to 1, got {shared!r}")
    values = units.double()
    mixture = torch.randn(values.shape[-1], n_neurons, dtype=torch.float64, generator=generator)
    mixed = values @ mixture
    course = mixed.mean(dim=1, keepdim=True).expand_as(mixed)
    signal = torch.zeros_like(mixed)
    for share, part, word in (
        (shared, course - course.mean(dim=0), "over times"),
        (1.0 - shared, mixed - course, "with the image"),
    ):
        size = part.square().mean(dim=(0, 1)).sqrt()
        if share and bool((size <= 1e-9 * mixed.abs().amax()).any()):
            raise ValueError(f"units must change {word} for shared={shared:g}")
        if share:
            signal = signal + share**0.5 * part / size
    shape = (n_repeats, *signal.shape)
    return signal + noise * torch.randn(shape, dtype=torch.float64, generator=generator)
