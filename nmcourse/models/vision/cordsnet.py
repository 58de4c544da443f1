r"""CordsNet: areas of convolutional rate units, connected like a convolutional network.

    tau r_i' = -r_i + phi(W_i * r_i + b_i + V_i * h_i)        (rate form, i = 0 .. D-1)

    r_i  rates of area i, (batch, channel, height, width)      *   convolution
    W_i  recurrent convolution                                 V_i feed-forward convolution
    b_i  bias: a map, or one number per channel                h_i input, from stem and areas
    phi  ReLU (or leaky ReLU: ``slope``)

    h_0 = stem    h_1 = r_0 + skip(stem)    h_i = r_{i-1} + skip(r_{i-2})
    y = C mean(r_{D-1} + r_{D-2}) + d, the mean over height and width

The stem is a convolution of the image, without nonlinearity. All weights are normalised,
g v / |v|. One Euler step of dt updates all areas at the same moment, so every area sees the
others as they were one step before: a signal takes dt from one area to the next.

With ``slope`` above zero, as in training, rates may be negative: phi is then a leaky ReLU (the
identity at slope 1), and what areas and the readout see of a rate is relu(r).

Reference: Soo et al. 2024, released code (``PRESETS`` holds its wiring).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_generator, count, counts, number, pixels
from nmcourse.models._as_written import as_written
from nmcourse.models._base import RecurrentModel, Trajectory, check_times
from nmcourse.models._sizes import count_parameters
from nmcourse.models.loops.derivatives import transformed
from nmcourse.models.vision import layers, trial
from nmcourse.models.vision.area_gains import (
    AreaGains,
    check_gains,
    fit_into_kernels,
    into_biases,
    into_kernels,
    scaled,
)
from nmcourse.models.vision.layers import build_layers, mean_of_neighbours
from nmcourse.models.vision.loop import Plan
from nmcourse.models.vision.planning import Asked, Response, check_state, schedule
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.stepwise import respond_by_steps
from nmcourse.models.vision.wiring import Area, CordsNetSizes, Stem, count_sizes, wire


class CordsNet(RecurrentModel, Seeing):
    """A convolutional recurrent network in rate form; the state is one map per area.

    Args:
        areas: the areas from shallow to deep, or the name of a preset: ``"R2"``, ``"R4"``,
            ``"R6"``, ``"R8"`` as published, ``"small-R1"`` to ``"small-R6"``, ``"native-R2"``,
            ``"native-R4"``.
        n_channels: channels of an image (1 or 3).
        n_classes: outputs O.
        image_size: pixels, one number or (height, width); a preset brings its own.
        stem: what the image passes first; a preset brings its own.
        bias: ``"map"`` (a number for each unit, as published) or ``"channel"`` (a number for each
            channel: images of any size can then be shown).
        slope: of phi below zero, 0 to 1; may be changed later.
        tau: time constant in ms.
        dt: time step in ms, at most ``tau``.
        generator: source of the initial weights.

    Attributes:
        wiring: the table of areas.
        image_size: (height, width).

    Raises:
        ValueError: for a size below one, an unknown preset or kind of bias, a slope outside 0 to
            1, dt > tau, or last areas of different channels.

    Reference:
        Soo et al. 2024.
    """

    def __init__(
        self,
        areas: str | Sequence[Area],
        n_channels: int,
        n_classes: int,
        *,
        image_size: int | tuple[int, int] | None = None,
        stem: Stem | None = None,
        bias: str = "map",
        slope: float = 0.0,
        tau: float = 10.0,
        dt: float = 2.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_channels, n_classes = counts(n_channels=n_channels, n_classes=n_classes)
        check_generator(generator)
        check_times(tau, dt)
        if bias not in ("map", "channel"):
            raise ValueError(f"bias must be 'map' or 'channel', got {bias!r}")
        if number("slope", slope, "from 0 to 1", least=0) > 1:
            raise ValueError(f"slope must be from 0 to 1, got {slope!r}")
        self.wiring, self.image_size = wire(areas, n_channels, image_size, stem)
        self.n_inputs, self.n_outputs = n_channels, n_classes
        self.bias_kind, self.slope, self.tau, self.dt = bias, float(slope), tau, dt

        layers = build_layers(self.wiring, n_classes, generator)
        self.stem, self.feedforward, self.recurrent, self.skips, self.output = layers
        shapes = self.wiring.shapes(self.image_size)
        self.biases = nn.ParameterList(
            nn.Parameter(torch.zeros(shape if bias == "map" else (shape[0], 1, 1)))
            for shape in shapes
        )
        self.output_bias = nn.Parameter(torch.zeros(n_classes))

    @property
    def n_areas(self) -> int:
        """Number of areas D."""
        return len(self.wiring)

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """The image size, if bias maps allow only one."""
        return self.image_size if self.bias_kind == "map" else None

    def sizes(self) -> CordsNetSizes:
        """Neurons, parameters and multiply-adds of a step, counted."""
        return count_sizes(self.wiring, self.image_size, count_parameters(self))

    def initial_state(
        self, batch_size: int, image_size: int | tuple[int, int] | None = None
    ) -> tuple[Tensor, ...]:
        """Silence: rates of zero, one (batch, channel, height, width) for each area.

        ``image_size`` matters where the bias is per channel and images are of another size.
        """
        batch_size = count("batch_size", batch_size)
        size = self.image_size if image_size is None else pixels("image_size", image_size)
        template = self.biases[0]
        seeds = template.shape[:-3]
        return tuple(
            template.new_zeros(*seeds, batch_size, *shape) for shape in self.wiring.shapes(size)
        )

    def area_inputs(
        self,
        state: tuple[Tensor, ...],
        image: Tensor,
        gains: Sequence[AreaGains | None] | None = None,
    ) -> list[Tensor]:
        """h_i of every area."""
        stem, r = self.stem_maps(image), self.seen_of(state, gains)
        inputs = [stem]
        for area in range(1, self.n_areas):
            below = stem if area == 1 else r[area - 2]
            if str(area) in self.skips:
                below = self.skips[str(area)](below)
            inputs.append(r[area - 1] + below)
        return inputs

    def seen_of(
        self, state: tuple[Tensor, ...], gains: Sequence[AreaGains | None] | None = None
    ) -> tuple[Tensor, ...]:
        """What other areas and the readout see of the rates: relu(r), times the output gain."""
        seen = state if self.slope == 0 else tuple(rates.relu() for rates in state)
        if gains is None:
            return seen
        pairs = zip(seen, gains, strict=True)
        return tuple(r if gain is None else scaled(r, gain.output) for r, gain in pairs)

    def velocity(
        self,
        state: tuple[Tensor, ...],
        input: Tensor,
        context: Tensor | None = None,
        *,
        gains: Sequence[AreaGains | None] | None = None,
    ) -> tuple[Tensor, ...]:
        """Right-hand side of the equation, per ms, for images (batch, channel, height, width).

        ``gains`` (one :class:`AreaGains` or None for each area) multiply drives and outputs.
        """
        no_context(context)
        self.check_image(input)
        height, width = input.shape[-2:]
        size, needed = state[0].shape[-2:], self.wiring.shapes((height, width))[0][1:]
        if tuple(size) != needed:
            raise ValueError(
                f"input must have the size of the pictures before it: {height} x {width} pixels "
                f"need a state of {needed[0]} x {needed[1]}, and this one has {size[0]} x {size[1]}"
            )
        inputs = (
            self.area_inputs(state, input)
            if gains is None
            else self.area_inputs(state, input, gains)
        )
        rates = []
        for area, h in enumerate(inputs):
            r, bias = state[area], self.biases[area].unsqueeze(-4)
            recurrent, feedforward = self.recurrent[area](r), self.feedforward[area](h)
            if gains is not None and (gain := gains[area]) is not None:
                recurrent = scaled(recurrent, gain.recurrent)
                feedforward = scaled(feedforward, gain.feedforward)
                if gain.current is not None:
                    bias = bias + gain.current[..., None, None]
            rates.append((-r + self.phi(recurrent + bias + feedforward)) / self.tau)
        return tuple(rates)

    def step(
        self,
        state: tuple[Tensor, ...],
        input: Tensor,
        context: Tensor | None = None,
        *,
        gains: Sequence[AreaGains | None] | None = None,
    ) -> tuple[Tensor, ...]:
        """State one Euler step of dt later; ``gains`` as in :meth:`velocity`."""
        options: dict[str, Any] = {} if gains is None else {"gains": gains}
        if context is not None:  # a velocity of (state, image) is enough for a subclass
            options["context"] = context
        velocity = self.velocity(state, input, **options)
        return tuple(r + self.dt * v for r, v in zip(state, velocity, strict=True))

    def readout(
        self, state: tuple[Tensor, ...], *, gains: Sequence[AreaGains | None] | None = None
    ) -> Tensor:
        """Outputs (batch, class): y = C mean(r_{D-1} + r_{D-2}) + d."""
        read = self.seen_of(state, gains)[-self.n_read :]
        return self.classify(sum(r.mean(dim=(-2, -1)) for r in read))  # type: ignore[arg-type]

    def forward(
        self,
        inputs: Tensor,
        context: Tensor | None = None,
        *,
        noise_std: float = 0.0,
        generator: torch.Generator | None = None,
        **options: Any,
    ) -> Trajectory:
        """Let the network rest on blank input, then show images.

        Args:
            inputs: the images; see ``respond``.
            context: must be None; it is there because models are called with it.
            noise_std: see ``respond``.
            generator: source of the noise.
            **options: ``n_steps``, ``n_blank``, ``state`` and whatever else ``respond`` takes.

        Returns:
            The outputs (batch, time, class) after image onset. ``states`` is None, because those
            of a deep network would take gigabytes: ``record`` keeps them.
        """
        no_context(context)
        response = self.respond(inputs, noise_std=noise_std, generator=generator, **options)
        return Trajectory(response.outputs, None)

    def leak(self) -> float:
        """Alpha = dt / tau."""
        return self.dt / self.tau

    @property
    def n_read(self) -> int:  # type: ignore[override]
        """How many areas the readout sees, two or the only one."""
        return self.wiring.n_read

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` unless images, or a stream of them, fit the network."""
        bias = self.biases[0]
        n_axes = range(4, 6 + (bias.ndim == 4))
        layers.check_images(images, self.n_inputs, self.fixed_size, bias.dtype, n_axes)

    def check_image(self, image: Tensor) -> None:
        """Raise ``ValueError`` unless these are images of one step, no stream, and they fit."""
        bias = self.biases[0]
        n_axes = range(4, 5 + (bias.ndim == 4))
        layers.check_images(image, self.n_inputs, self.fixed_size, bias.dtype, n_axes)

    def silence(self, images: Tensor, batch_size: int) -> tuple[Tensor, ...]:
        """The state a trial starts from, for images of this size."""
        size = (images.shape[-2], images.shape[-1])
        if size == tuple(self.image_size):
            return self.initial_state(batch_size)
        return self.initial_state(batch_size, size)

    def tensors(self, gains: Sequence[AreaGains | None] | None = None) -> trial.Tensors:
        """What the fast trial needs: plan, weights in use (under gains that fit), and biases."""
        wiring, n = self.wiring, self.n_areas
        skips: list[int | None] = [None] * min(2, n)
        for area in range(2, n):
            spec = wiring.skip(area)
            skips.append(0 if spec is None else spec.stride)
        bias = self.biases[0]
        plan = Plan(
            alpha=self.dt / self.tau,
            slope=self.slope,
            strides=tuple(area.stride for area in wiring.areas),
            skip_strides=tuple(skips),
            n_seeds=len(bias) if bias.ndim == 4 else 1,
            n_read=wiring.n_read,
        )
        ways = zip(self.skips, layers.weights_of(self.skips.values()), strict=True)
        return trial.Tensors(
            plan,
            wiring,
            self.stem.weights(),
            into_kernels(layers.weights_of(self.feedforward), gains, "feedforward"),
            into_kernels(layers.weights_of(self.recurrent), gains, "recurrent"),
            {int(area): weights for area, weights in ways},
            into_biases(list(self.biases), gains),
            self.output.weights(),
            self.output_bias,
        )

    def _trial(self, images: Tensor, asked: Asked) -> Response:
        """Fast where the equation is that of this class and gains fit; noisy without gradient."""
        fast = asked.gains is None or fit_into_kernels(asked.gains)
        fast = fast and asked.cues is None  # the general path says that there is no place for them
        fast = fast and not (asked.noisy and torch.is_grad_enabled())
        if not fast or transformed() or not as_written(self):
            return respond_by_steps(self, images, asked)
        return self._fast_trial(images, asked)

    def _fast_trial(self, images: Tensor, asked: Asked) -> Response:
        self.check_images(images)
        planned = schedule(images, asked)
        batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]
        silent, full = self.silence(images, 1), self.silence(images, batch)
        check_gains(asked.gains, full, batch, asked.n_blank + planned.total)
        return trial.respond(
            self.tensors(asked.gains),
            silent if asked.state is None else check_state(asked.state, full),
            planned,
            batch,
            asked,
        )

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        names = [name for name, _ in self.named_parameters()]
        starts = {
            "input weights": ("stem.",),
            "feedforward weights": ("feedforward.", "skips."),
            "recurrent weights": ("recurrent.",),
            "biases": ("biases.",),
            "readout": ("output.", "output_bias"),
        }
        return {part: [n for n in names if n.startswith(start)] for part, start in starts.items()}

    def phi(self, current: Tensor) -> Tensor:
        """The nonlinearity: ReLU, or leaky ReLU with ``slope``."""
        return nn.functional.leaky_relu(current, self.slope) if self.slope else current.relu()

    def stem_maps(self, image: Tensor) -> Tensor:
        """What the stem makes of images."""
        maps = self.stem(image)
        return mean_of_neighbours(maps) if self.wiring.stem.pool else maps

    def classify(self, pooled: Tensor) -> Tensor:
        """Outputs (.., batch, class) of mean activity (.., batch, channel)."""
        return pooled @ self.output.weights().mT + self.output_bias.unsqueeze(-2)


def no_context(context: Tensor | None) -> None:
    """Raise ``ValueError`` if a context is given."""
    if context is not None:
        raise ValueError("context must be None: a CordsNet sees images only")
