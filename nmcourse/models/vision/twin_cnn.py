r"""The feed-forward twin of a CordsNet: the same convolutions, each used once.

    stem = mean(norm(conv(image)))
    x_i = relu(norm(W_i * norm(V_i * h_i)))          y = C mean(x_{D-1} + x_{D-2}) + d

with h_i as in a CordsNet (``nmcourse.models.CordsNet``), where each 1x1 skip convolution is
normalised too. There is no nonlinearity between V_i and W_i. norm is batch normalisation.

``fold`` puts trained normalisations into the lengths of the weights and into biases. A constant
that passes a convolution with zero padding is not constant any more: it is smaller at the border.
So these biases are maps.

Reference: Soo et al. 2024, released code (first stage of training).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_generator, count, counts
from nmcourse.models._base import check_times
from nmcourse.models._unused_velocity import decides
from nmcourse.models.vision.layers import (
    NormalisedConvolution,
    build_layers,
    check_images,
    mean_of_neighbours,
)
from nmcourse.models.vision.planning import Asked, Noise, Response, State
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.stepwise import under_noise
from nmcourse.models.vision.timeless import respond_at_once
from nmcourse.models.vision.wiring import Area, Stem, wire


class TwinCNN(Seeing):
    """A convolutional network with the wiring of a CordsNet.

    Called with images it gives logits. Asked for a trial, it answers at every step for the image of
    that step alone: nothing of the step before is left, and its activity at rest is that on a
    blank image.

    Layers that both have go by the same names: ``stem``, ``feedforward``, ``recurrent``,
    ``skips``, ``output``, ``output_bias``, and after folding ``biases``.

    Args:
        areas: as in :class:`nmcourse.models.CordsNet`, and so are the following ones.
        n_channels: channels of an image.
        n_classes: outputs.
        image_size: pixels.
        stem: what the image passes first.
        folded: bias maps instead of normalisations.
        dt: time that a step of a trial stands for, in ms.
        generator: source of the initial weights.

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
        folded: bool = False,
        dt: float = 2.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_channels, n_classes = counts(n_channels=n_channels, n_classes=n_classes)
        check_generator(generator)
        check_times(dt, dt)
        self.wiring, self.image_size = wire(areas, n_channels, image_size, stem)
        self.dt = dt
        self.n_inputs, self.n_outputs, self.folded = n_channels, n_classes, folded
        layers = build_layers(self.wiring, n_classes, generator)
        self.stem, self.feedforward, self.recurrent, self.skips, self.output = layers
        wiring, shapes = self.wiring, self.wiring.shapes(self.image_size)
        self.output_bias = nn.Parameter(torch.zeros(n_classes))
        if folded:
            self.feedforward_biases = nn.ParameterList(torch.zeros(shape) for shape in shapes)
            self.biases = nn.ParameterList(torch.zeros(shape) for shape in shapes)
        else:
            channels = [area.channels for area in wiring.areas]
            self.stem_norm = nn.BatchNorm2d(wiring.stem.channels)
            self.feedforward_norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels)
            self.recurrent_norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels)
            self.skip_norms = nn.ModuleDict(
                {
                    area: nn.BatchNorm2d(channels[int(area) - 1])
                    for area in self.skips
                    if area != "1"
                }
            )

    def activities(self, images: Tensor, *, noise: Noise | None = None) -> list[Tensor]:
        """x_i of every area, (batch, channel, height, width), for images of that form.

        Args:
            images: what is seen.
            noise: what an area's rates become before the areas above read them.

        Raises:
            ValueError: for images that do not fit. Convolutions could take another size, but bias
                maps have one, and folding has to leave every answer as it was.
        """
        check_images(images, self.n_inputs, self.image_size, self.output_bias.dtype)
        maps = self.stem(images)
        maps = maps if self.folded else self.stem_norm(maps)
        stem = mean_of_neighbours(maps) if self.wiring.stem.pool else maps
        found: list[Tensor] = []
        for area in range(len(self.wiring)):
            h = self._input(area, stem, found)
            inner, outer = self.feedforward[area], self.recurrent[area]
            if self.folded:
                current = outer(inner(h) + self.feedforward_biases[area]) + self.biases[area]
            else:
                current = self.recurrent_norms[area](outer(self.feedforward_norms[area](inner(h))))
            x = current.relu()
            found.append(x if noise is None else noise(area, x))
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, class) of images (batch, channel, height, width)."""
        return self.readout(tuple(self.activities(images)))

    @property
    def n_read(self) -> int:  # type: ignore[override]
        """How many areas the readout sees, two or the only one."""
        return self.wiring.n_read

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` unless images, or a stream of them, fit the network."""
        dtype = self.output_bias.dtype
        check_images(images, self.n_inputs, self.image_size, dtype, range(4, 6))

    def initial_state(self, batch_size: int) -> State:
        """Activity of zero, one (batch, channel, height, width) for each area."""
        batch_size = count("batch_size", batch_size)
        shapes = self.wiring.shapes(self.image_size)
        return tuple(self.output_bias.new_zeros(batch_size, *shape) for shape in shapes)

    @decides
    def step(self, state: State, image: Tensor, *, noise: Noise | None = None) -> State:
        """Activity on the image of this step; ``state`` leaves no trace."""
        return tuple(under_noise(self.activities, image, noise))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        names = [name for name, _ in self.named_parameters()]
        starts = {
            "input weights": ("stem",),
            "feedforward weights": ("feedforward", "skip"),
            "recurrent weights": ("recurrent",),
            "biases": ("biases.",),
            "readout": ("output.", "output_bias"),
        }
        return {part: [n for n in names if n.startswith(start)] for part, start in starts.items()}

    def _trial(self, images: Tensor, asked: Asked) -> Response:
        """A trial in which every image is looked at once, however long it stays."""
        return respond_at_once(self, images, self.step, asked, holds=False)

    def readout(self, state: State) -> Tensor:
        """Logits (batch, class) of activities."""
        read = state[-self.n_read :]
        pooled = torch.stack([x.mean(dim=(-2, -1)) for x in read]).sum(dim=0)
        return pooled @ self.output.weights().mT + self.output_bias

    @torch.no_grad()
    def fold(self) -> TwinCNN:
        """The same function without normalisation, with the running means and variances.

        Raises:
            ValueError: if this network is folded already.
        """
        if self.folded:
            raise ValueError("the network is folded already: it has no normalisations")
        wiring = self.wiring
        twin = TwinCNN(
            wiring.areas,
            self.n_inputs,
            self.n_outputs,
            image_size=self.image_size,
            stem=wiring.stem,
            folded=True,
        ).to(self.output_bias)
        ours, theirs = dict(self.named_parameters()), dict(twin.named_parameters())
        for name in ours.keys() & theirs.keys():
            theirs[name].copy_(ours[name])

        stem = _fold(self.stem_norm, twin.stem).expand(-1, *self._size_before_mean())
        stem = mean_of_neighbours(stem.unsqueeze(0)) if wiring.stem.pool else stem.unsqueeze(0)
        for area, layer in enumerate(twin.feedforward):
            twin.biases[area].add_(_fold(self.recurrent_norms[area], twin.recurrent[area]))
            bias = twin.feedforward_biases[area]
            bias.add_(_fold(self.feedforward_norms[area], layer))
            if area == 0:
                bias.add_(layer(stem)[0])
            elif area == 1:
                bias.add_(layer(twin.skips["1"](stem))[0])
            elif str(area) in self.skips:
                offset = _fold(self.skip_norms[str(area)], twin.skips[str(area)])
                shape = wiring.shapes(self.image_size)[area - 1]
                bias.add_(layer(offset.expand(shape).unsqueeze(0))[0])
        return twin.train(self.training)

    def _input(self, area: int, stem: Tensor, below: Sequence[Tensor]) -> Tensor:
        """The input h of an area."""
        if area == 0:
            return stem
        skipped = stem if area == 1 else below[area - 2]
        if str(area) in self.skips:
            skipped = self.skips[str(area)](skipped)
        if area > 1 and not self.folded and str(area) in self.skip_norms:
            skipped = self.skip_norms[str(area)](skipped)
        return below[area - 1] + skipped

    def _size_before_mean(self) -> tuple[int, int]:
        _, height, width = self.wiring.image_convolution().shape(*self.image_size)
        return height, width


def _fold(norm: nn.Module, layer: nn.Module) -> Tensor:
    """Scale a layer's lengths by a normalisation and return what it adds, (channel, 1, 1)."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert isinstance(layer, NormalisedConvolution)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    layer.length.mul_(scale[:, None, None, None])
    return (norm.bias - norm.running_mean * scale)[:, None, None]
