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

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_generator, check_tensor, count, counts, number, pixels, whole
from nmcourse.models._base import RecurrentModel, Trajectory, check_times
from nmcourse.models._sizes import count_parameters
from nmcourse.models.vision.layers import build_layers, check_images, mean_of_neighbours
from nmcourse.models.vision.trial import Response, respond
from nmcourse.models.vision.wiring import Area, CordsNetSizes, Stem, count_sizes, wire


class CordsNet(RecurrentModel):
    """A convolutional recurrent network in rate form; the state is one map per area.

    Args:
        areas: the areas from shallow to deep, or the name of a preset: ``"R2"``, ``"R4"``,
            ``"R6"``, ``"R8"`` as published, ``"small-R1"`` to ``"small-R6"``.
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

    def area_inputs(self, state: tuple[Tensor, ...], image: Tensor) -> list[Tensor]:
        """h_i of every area."""
        stem = self.stem_maps(image)
        r = state if self.slope == 0 else [rates.relu() for rates in state]
        inputs = [stem]
        for area in range(1, self.n_areas):
            below = stem if area == 1 else r[area - 2]
            if str(area) in self.skips:
                below = self.skips[str(area)](below)
            inputs.append(r[area - 1] + below)
        return inputs

    def velocity(
        self, state: tuple[Tensor, ...], input: Tensor, context: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Right-hand side of the equation, per ms, for images (batch, channel, height, width)."""
        no_context(context)
        bias = self.biases[0]
        check_images(
            input, self.n_inputs, self.fixed_size, bias.dtype, range(4, 5 + (bias.ndim == 4))
        )
        rates = []
        for area, h in enumerate(self.area_inputs(state, input)):
            r, bias = state[area], self.biases[area].unsqueeze(-4)
            current = self.recurrent[area](r) + bias + self.feedforward[area](h)
            rates.append((-r + self.phi(current)) / self.tau)
        return tuple(rates)

    def step(
        self, state: tuple[Tensor, ...], input: Tensor, context: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """State one Euler step of dt later."""
        velocity = self.velocity(state, input, context)
        return tuple(r + self.dt * v for r, v in zip(state, velocity, strict=True))

    def readout(self, state: tuple[Tensor, ...]) -> Tensor:
        """Outputs (batch, class): y = C mean(r_{D-1} + r_{D-2}) + d."""
        read = state[-self.wiring.n_read :]
        read = read if self.slope == 0 else tuple(r.relu() for r in read)
        return self.classify(sum(r.mean(dim=(-2, -1)) for r in read))  # type: ignore[arg-type]

    def forward(
        self,
        inputs: Tensor,
        context: Tensor | None = None,
        *,
        n_steps: int | None = None,
        n_blank: int = 100,
        state: tuple[Tensor, ...] | None = None,
        checkpoint_every: int | None = None,
        gradient_steps: int | None = None,
    ) -> Trajectory:
        """Let the network rest on blank input, then show images; see :meth:`respond`.

        Returns:
            The outputs (batch, time, class) of the stimulus steps. ``states`` is None, because
            those of a deep network would take gigabytes: :meth:`record` keeps them.
        """
        no_context(context)
        response = self.respond(
            inputs,
            n_steps=n_steps,
            n_blank=n_blank,
            state=state,
            checkpoint_every=checkpoint_every,
            gradient_steps=gradient_steps,
        )
        return Trajectory(response.outputs, None)

    def respond(
        self,
        images: Tensor,
        *,
        n_steps: int | None = None,
        n_blank: int = 100,
        n_after: int = 0,
        state: tuple[Tensor, ...] | None = None,
        n_departure: int = 0,
        checkpoint_every: int | None = None,
        gradient_steps: int | None = None,
        check_finite: bool = True,
    ) -> Response:
        """Blank steps, stimulus steps, blank steps again; all that training needs of them.

        No gradient passes through the first blank steps, as in the released code.

        Args:
            images: held images (batch, channel, height, width), or a stream
                (batch, time, channel, height, width) that may change at any step.
            n_steps: steps with a stimulus; 100 for held images, the length of a stream.
            n_blank: blank steps before. From silence they are computed once for all images.
            n_after: blank steps afterwards.
            state: where the trial starts instead of in silence; a batch of one is shared.
            n_departure: of so many last steps the departure from rest is returned.
            checkpoint_every: keep the state only every so many steps for the gradient and compute
                what lies between a second time: less memory, about a third more time.
            gradient_steps: let gradients flow only through so many last steps.
            check_finite: raise an error when activity diverges.

        Raises:
            ValueError: for images that do not fit, or a number of steps out of range.
            DivergingActivity: naming the area and the step where activity stopped being finite.
        """
        return respond(
            self,
            images,
            n_steps=n_steps,
            n_blank=n_blank,
            n_after=n_after,
            state=state,
            n_departure=n_departure,
            checkpoint_every=checkpoint_every,
            gradient_steps=gradient_steps,
            check_finite=check_finite,
        )

    @torch.no_grad()
    def rest(self, n_steps: int = 100) -> tuple[Tensor, ...]:
        """State (batch 1) after blank steps from silence, to start several trials from."""
        n_steps = count("n_steps", n_steps)
        blank = self.biases[0].new_zeros(1, 1, self.n_inputs, *self.image_size)
        return self.respond(blank.expand(1, n_steps, -1, -1, -1), n_blank=0).state

    @torch.no_grad()
    def record(
        self,
        images: Tensor,
        n_blank: int = 100,
        n_steps: int | None = None,
        *,
        n_after: int = 0,
        areas: Sequence[int] | None = None,
        state: tuple[Tensor, ...] | None = None,
    ) -> list[Tensor]:
        """Activity of areas over blank and stimulus steps, without gradient.

        Args:
            images: as in :meth:`respond`, and so are the numbers of steps and ``state``.
            n_blank: blank steps before.
            n_steps: steps with a stimulus.
            n_after: blank steps afterwards.
            areas: which areas; all by default. All areas of R8 take 3 MB for one image and step.
            state: where the trial starts.

        Returns:
            One (batch, time, channel, height, width) for each area, entry t after step t.
        """
        kept = [
            whole("areas", area, 0, self.n_areas - 1, f"from 0 to {self.n_areas - 1}")
            for area in (range(self.n_areas) if areas is None else areas)
        ]
        check_tensor("images", images)
        found: list[list[Tensor]] = [[] for _ in kept]
        batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]

        def keep(state: Sequence[Tensor]) -> None:
            for values, area in zip(found, kept, strict=True):
                r = state[area]
                values.append(r.clone() if len(r) == batch else r.expand(batch, -1, -1, -1).clone())

        respond(
            self, images, n_steps=n_steps, n_blank=n_blank, n_after=n_after, state=state, see=keep
        )
        stacked = [torch.stack(values, dim=1) for values in found]
        if self.biases[0].ndim == 3:
            return stacked
        n_seeds = len(self.biases[0])
        return [r.unflatten(2, (n_seeds, -1)).movedim(2, 0) for r in stacked]

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
