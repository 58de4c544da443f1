"""Weight-normalised layers, and convolutions of maps with or without a seed axis.

A weight-normalised layer has the weights g v / |v|: a length g for every output and a direction
v, whose length does not matter.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nmcourse.models._wiring import Convolution


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


def convolve(maps: Tensor, weights: Tensor, stride: int = 1) -> Tensor:
    """Convolution with padding kernel // 2.

    Args:
        maps: (batch, channel, height, width), with the seed axis in front if the seeds differ.
        weights: (out, in, kernel, kernel), with or without the seed axis.
        stride: step between neighbouring results.

    Returns:
        (.., batch, out, height, width), with a seed axis if the weights have one.
    """
    padding = weights.shape[-1] // 2
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
