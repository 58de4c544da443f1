"""What neurons are predicted from: units of a network in time, pixels, a bank of Gabor filters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from nmcourse._inputs import check_tensor, count, number, whole
from nmcourse.analysis._checks import check_positive
from nmcourse.models import SeeingNetwork


@torch.no_grad()
def units_in_time(
    model: SeeingNetwork,
    images: Tensor,
    times: Tensor,
    *,
    duration: float | None = None,
    areas: Sequence[int] | None = None,
    n_blank: int = 100,
) -> Tensor:
    """Activity of a network's units at some moments after an image has come.

    Args:
        model: any network that sees.
        images: held images (image, channel, height, width).
        times: (time,) in ms after image onset, multiples of the network's step, at least one step.
        duration: how long the image stays, in ms; a blank follows. By default it stays on.
        areas: whose units; all by default.
        n_blank: blank steps before.

    Returns:
        (time, image, unit), the units of all areas one after the other.

    Raises:
        ValueError: for a moment, or a duration, that is no step of the network after image onset.
    """
    check_tensor("times", times)
    at = _steps("times", times, model.dt) - 1
    last = int(at.max()) + 1
    shown = last
    if duration is not None:
        shown = min(last, int(_steps("duration", torch.tensor([duration]), model.dt)))
    maps = model.record(
        images, 0, shown, n_after=last - shown, areas=areas, state=model.rest(n_blank)
    )
    return torch.cat([area[:, at].flatten(2) for area in maps], dim=2).transpose(0, 1)


def _steps(name: str, times: Tensor, dt: float) -> Tensor:
    """Whole steps, one at least."""
    steps = times.double() / dt
    rounded = steps.round()
    if not len(times) or (steps - rounded).abs().max() > 1e-6 or rounded.min() < 1:
        raise ValueError(
            f"{name} must be steps of {dt:g} ms after image onset, got {times.tolist()}"
        )
    return rounded.long()


def pixels_in_time(images: Tensor, n_times: int) -> Tensor:
    """Images as features that stand still, (time, image, pixel)."""
    check_tensor("images", images)
    return images.flatten(1).expand(count("n_times", n_times), -1, -1)


def gabor_filters(
    size: int = 9, *, wavelength: float = 4.0, n_orientations: int = 8, width: float | None = None
) -> Tensor:
    """Gabor filters of two phases, (2 x orientation, 1, size, size), each of mean 0 and length 1.

    A filter is a wave under a Gaussian window, cos(2 pi x' / wavelength + phase)
    exp(-(x^2 + y^2) / (2 width^2)), with x' across the stripes. Filters k and k + orientations
    differ by a quarter of a wave.

    Args:
        size: of a filter, in pixels, odd.
        wavelength: from stripe to stripe, in pixels, above 2.
        n_orientations: directions of the stripes, spread over half a turn.
        width: standard deviation of the window, in pixels; half the wavelength by default.

    Raises:
        ValueError: for an even size, or a number out of range.

    Reference:
        Jones, Palmer 1987.
    """
    size = whole("size", size, least=3)
    if size % 2 == 0:
        raise ValueError(f"size must be odd, so that a filter has a middle, got {size}")
    n_orientations = count("n_orientations", n_orientations)
    number("wavelength", wavelength, "above 2 pixels", above=2.0)
    width = 0.5 * wavelength if width is None else width
    check_positive(width=width)
    axis = torch.arange(size, dtype=torch.float64) - size // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    window = torch.exp(-(x**2 + y**2) / (2 * width**2))
    filters = []
    for phase in (0.0, 0.5 * math.pi):
        for k in range(n_orientations):
            angle = math.pi * k / n_orientations
            across = x * math.cos(angle) + y * math.sin(angle)
            filters.append(torch.cos(2 * math.pi * across / wavelength + phase) * window)
    bank = torch.stack(filters)
    bank = bank - window * (bank.sum((-2, -1)) / window.sum())[:, None, None]
    return (bank / bank.flatten(1).norm(dim=1)[:, None, None]).unsqueeze(1)


def gabor_bank(
    images: Tensor,
    *,
    wavelengths: Sequence[float] = (4.0, 8.0),
    n_orientations: int = 8,
    stride: int = 4,
) -> Tensor:
    """Energy of Gabor filters over an image: a model of early vision that is not trained.

    Energy is the root of the summed squares of both phases, so it does not depend on where in its
    field a stripe lies; it is averaged over squares of ``stride`` pixels.

    Args:
        images: (image, 1, height, width).
        wavelengths: of the filters, in pixels; the size of a filter grows with it.
        n_orientations: directions of the stripes.
        stride: side of a square, in pixels.

    Returns:
        (image, feature).

    Raises:
        ValueError: for images with more than one channel, or a number below one.
    """
    stride = count("stride", stride)
    check_tensor("images", images)
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"images must be grey, (image, 1, height, width), got {images.shape}")
    found = []
    for wavelength in wavelengths:
        size = 2 * math.ceil(1.25 * wavelength) + 1
        filters = gabor_filters(size, wavelength=wavelength, n_orientations=n_orientations)
        edge = size // 2
        padded = F.pad(images.double(), (edge, edge, edge, edge), mode="replicate")
        even, odd = F.conv2d(padded, filters).chunk(2, dim=1)
        energy = (even.square() + odd.square()).sqrt()
        found.append(F.avg_pool2d(energy, stride, ceil_mode=True).flatten(1))
    return torch.cat(found, dim=1)
