"""Weight-normalised layers, and convolutions of maps with or without a seed axis.

A weight-normalised layer has the weights g v / |v|: a length g for every output and a direction
v, whose length does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmcourse._inputs import all_finite, check_tensor, count
from nmcourse.models.vision.wiring import Convolution, Wiring


class NormalisedWeights(nn.Module):
    """Weights g v / |v|, one length and one direction for every output.

    Args:
        *shape: of the weights, outputs first.
        generator: source of the initial weights, uniform within 1 / sqrt(inputs) of zero.
    """

    def __init__(self, *shape: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(math.prod(shape[1:]))
        direction = torch.empty(*shape).uniform_(-bound, bound, generator=generator)
        self.axes = tuple(range(-len(shape) + 1, 0))
        self.direction = nn.Parameter(direction)
        self.length = nn.Parameter(torch.linalg.vector_norm(direction, dim=self.axes, keepdim=True))

    def weights(self) -> Tensor:
        """The weights in use, g v / |v|."""
        scale = self.length / torch.linalg.vector_norm(self.direction, dim=self.axes, keepdim=True)
        return scale * self.direction


def weights_of(layers: Iterable[nn.Module]) -> list[Tensor]:
    """The weights in use of several layers."""
    return [layer.weights() for layer in layers if isinstance(layer, NormalisedWeights)]


class NormalisedConvolution(NormalisedWeights):
    """A convolution with normalised weights and no bias, padded so that stride 1 keeps sizes.

    Args:
        spec: its shape.
        generator: source of the initial weights.
    """

    def __init__(self, spec: Convolution, *, generator: torch.Generator | None = None) -> None:
        shape = (spec.n_out, spec.n_in, spec.kernel, spec.kernel)
        super().__init__(*shape, generator=generator)
        self.stride = spec.stride

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (.., batch, channel, height, width) of such maps."""
        return convolve(maps, self.weights(), self.stride)


class Layers(NamedTuple):
    """The layers that a CordsNet and its feed-forward twin have in common."""

    stem: NormalisedConvolution
    feedforward: nn.ModuleList
    recurrent: nn.ModuleList
    skips: nn.ModuleDict
    output: NormalisedWeights


def build_layers(wiring: Wiring, n_classes: int, generator: torch.Generator | None) -> Layers:
    """Layers with initial weights; ``skips`` are those of the areas named by their keys."""

    def layer(spec: Convolution) -> NormalisedConvolution:
        return NormalisedConvolution(spec, generator=generator)

    areas = range(len(wiring))
    skips = {str(area): wiring.skip(area) for area in areas}
    return Layers(
        stem=layer(wiring.image_convolution()),
        feedforward=nn.ModuleList(layer(wiring.feedforward(area)) for area in areas),
        recurrent=nn.ModuleList(layer(wiring.recurrent(area)) for area in areas),
        skips=nn.ModuleDict({area: layer(spec) for area, spec in skips.items() if spec}),
        output=NormalisedWeights(n_classes, wiring.areas[-1].channels, generator=generator),
    )


def convolve(maps: Tensor, weights: Tensor, stride: int = 1) -> Tensor:
    """Convolution with padding kernel // 2.

    Args:
        maps: (batch, channel, height, width), with the seed axis in front if the seeds differ.
        weights: (out, in, kernel, kernel), with or without the seed axis.
        stride: step between neighbouring results.

    Returns:
        (.., batch, out, height, width), with a seed axis if the weights have one.

    Raises:
        ValueError: for a stride below one.
    """
    stride, padding = count("stride", stride), weights.shape[-1] // 2
    if weights.ndim == 4:
        return F.conv2d(maps, weights, stride=stride, padding=padding)
    n_seeds = weights.shape[0]
    groups = n_seeds if maps.ndim == 5 else 1
    maps = join_seeds(maps) if maps.ndim == 5 else maps
    result = F.conv2d(maps, weights.flatten(0, 1), None, stride, padding, 1, groups)
    return split_seeds(result, n_seeds)


def join_seeds(maps: Tensor) -> Tensor:
    """(seed, batch, channel, ..) -> (batch, seed * channel, ..): one grouped convolution."""
    return maps.transpose(0, 1).flatten(1, 2)


def split_seeds(maps: Tensor, n_seeds: int) -> Tensor:
    """(batch, seed * channel, ..) -> (seed, batch, channel, ..)."""
    return maps.unflatten(1, (n_seeds, -1)).transpose(0, 1)


def mean_of_neighbours(maps: Tensor) -> Tensor:
    """Mean over 3x3 pixels, stride 2, padding 1 (the padding counts as zeros)."""
    pooled = F.avg_pool2d(maps.flatten(0, -4), kernel_size=3, stride=2, padding=1)
    return pooled.unflatten(0, maps.shape[:-3])


def check_images(
    images: Tensor,
    n_channels: int,
    image_size: tuple[int, int] | None,
    dtype: torch.dtype,
    n_axes: range = range(4, 5),
) -> None:
    """Check images (.., channel, height, width).

    Args:
        images: to be checked; 4 axes are held images, 5 a stream, 6 streams that differ by seed.
        n_channels: channels they must have.
        image_size: (height, width) they must have; None for any.
        dtype: type they must have.
        n_axes: numbers of axes allowed.

    Raises:
        ValueError: unless they are so, and finite.
    """
    check_tensor("images", images)
    if (
        images.ndim not in n_axes
        or images.shape[-3] != n_channels
        or 0 in images.shape
        or (image_size is not None and tuple(images.shape[-2:]) != image_size)
    ):
        pixels = "height, width" if image_size is None else ", ".join(map(str, image_size))
        stream = f" or (batch, time, {n_channels}, {pixels})" if 5 in n_axes else ""
        raise ValueError(
            f"images must have shape (batch, {n_channels}, {pixels}){stream}, "
            f"got {tuple(images.shape)}"
        )
    if images.dtype != dtype:
        raise ValueError(f"images must be {dtype} as the model is, got {images.dtype}")
    if not all_finite(images):
        raise ValueError(f"images must be finite, got NaN or infinity{_gap(images)}")


def _gap(images: Tensor) -> str:
    """Which frames of a stream are not finite, in words; nothing for held images."""
    if images.ndim < 5:
        return ""
    whole = torch.isfinite(images).flatten(-3).all(dim=-1).movedim(-1, 0).flatten(1).all(dim=-1)
    gaps = (~whole).nonzero().flatten().tolist()
    named = ", ".join(map(str, gaps[:8])) + (", .." if len(gaps) > 8 else "")
    return (
        f" in {len(gaps)} of {len(whole)} frames of the stream ({named}): a gap has to be filled, "
        "with zeros for a blank or with the frame before"
    )
