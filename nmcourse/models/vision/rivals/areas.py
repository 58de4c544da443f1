"""What the rivals share: areas wired like those of a CordsNet, and a readout; no equation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_generator, count, counts
from nmcourse.models._base import check_times
from nmcourse.models.vision.layers import (
    NormalisedConvolution,
    build_layers,
    check_images,
    mean_of_neighbours,
)
from nmcourse.models.vision.planning import State
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.wiring import Area, Convolution, Stem, wire


class WiredAreas(Seeing):
    """Convolutional areas with the wiring of a CordsNet; a subclass gives them an equation.

    Args:
        areas: the areas from shallow to deep, or the name of a preset.
        n_channels: channels of an image.
        n_classes: outputs.
        image_size: pixels, one number or (height, width); a preset brings its own.
        stem: what the image passes first; a preset brings its own.
        dt: time that a step stands for, in ms.
        generator: source of the initial weights.

    Attributes:
        wiring: the table of areas.

    Raises:
        ValueError: for a size below one, an unknown preset, or last areas of different channels.
    """

    def __init__(
        self,
        areas: str | Sequence[Area],
        n_channels: int,
        n_classes: int,
        *,
        image_size: int | tuple[int, int] | None = None,
        stem: Stem | None = None,
        dt: float = 10.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_channels, n_classes = counts(n_channels=n_channels, n_classes=n_classes)
        check_generator(generator)
        check_times(dt, dt)
        self.wiring, self.image_size = wire(areas, n_channels, image_size, stem)
        self.n_inputs, self.n_outputs, self.dt = n_channels, n_classes, dt
        layers = build_layers(self.wiring, n_classes, generator)
        self.stem, self.feedforward, self.recurrent, self.skips, self.output = layers
        self.biases = self._biases()
        self.output_bias = nn.Parameter(torch.zeros(n_classes))

    @property
    def n_read(self) -> int:  # type: ignore[override]
        """How many areas the readout sees, two or the only one."""
        return self.wiring.n_read

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` unless images, or a stream of them, fit the network."""
        self._check(images, stream=True)

    def initial_state(self, batch_size: int) -> State:
        """Silence: rates of zero, one (batch, channel, height, width) for each area."""
        batch_size, bias = count("batch_size", batch_size), self.biases[0]
        shapes = self.wiring.shapes(self.image_size)
        return tuple(bias.new_zeros(*bias.shape[:-3], batch_size, *shape) for shape in shapes)

    def readout(self, state: State) -> Tensor:
        """Outputs (batch, class): y = C mean(r_{D-1} + r_{D-2}) + d."""
        read = torch.stack([r.mean(dim=(-2, -1)) for r in state[-self.n_read :]]).sum(dim=0)
        return read @ self.output.weights().mT + self.output_bias.unsqueeze(-2)

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        names = [name for name, _ in self.named_parameters()]
        starts = {
            "input weights": ("stem.",),
            "feedforward weights": ("feedforward.", "skips."),
            "recurrent weights": ("recurrent.", "gates.", "feedback."),
            "biases": ("biases.",),
            "readout": ("output.", "output_bias"),
        }
        return {part: [n for n in names if n.startswith(start)] for part, start in starts.items()}

    def stem_maps(self, image: Tensor) -> Tensor:
        """What the stem makes of images (batch, channel, height, width).

        Every step begins here, so here a step refuses an image that does not fit.

        Raises:
            ValueError: for images that do not fit the network.
        """
        self._check(image, stream=False)
        maps = self.stem(image)
        return mean_of_neighbours(maps) if self.wiring.stem.pool else maps

    def area_input(self, area: int, stem: Tensor, r: Sequence[Tensor]) -> Tensor:
        """h_i: what an area receives from the stem and from the areas below it."""
        if area == 0:
            return stem
        below = stem if area == 1 else r[area - 2]
        if str(area) in self.skips:
            below = self.skips[str(area)](below)
        return r[area - 1] + below

    def _check(self, images: Tensor, *, stream: bool) -> None:
        """Raise ``ValueError`` unless images fit; where seeds differ, their axis is in front."""
        bias = self.biases[0]
        n_axes = range(4, 5 + stream + (bias.ndim == 4))
        check_images(images, self.n_inputs, self.image_size, bias.dtype, n_axes)

    def _biases(self, n_each: int = 1) -> nn.ParameterList:
        """``n_each`` numbers for each channel of each area, zero."""
        return nn.ParameterList(
            torch.zeros(n_each * area.channels, 1, 1) for area in self.wiring.areas
        )


def convolutions(specs: Sequence[Convolution], generator: torch.Generator | None) -> nn.ModuleList:
    """New convolutions of these shapes."""
    return nn.ModuleList(NormalisedConvolution(spec, generator=generator) for spec in specs)
