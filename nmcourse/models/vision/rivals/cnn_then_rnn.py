r"""A convolutional network without time, followed by one rate network.

    x_i = relu(W_i * (V_i * h_i) + c_i)             areas, all within a step, as in the CNN twin
    tau r' = -r + relu(W r + B z + b)               z = mean over pixels of x_{D-1} + x_{D-2}
    y = C r + d

The areas hold nothing: only the N units r have a state that lasts. One Euler step of dt reads the z
of the step before, so that the areas are part of the state, noise on them is passed on, and an
image needs dt to get from the last area to the rate network.

Where it departs from the twin: no batch normalisation, whose statistics mean nothing for a blank
image; what is left of it is one bias per channel.

Reference: Soo et al. 2024, authors' response (a CNN followed by an RNN); the details are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nmcourse._inputs import count
from nmcourse.models._as_written import as_written
from nmcourse.models._unused_velocity import decides
from nmcourse.models.vanilla_rnn import VanillaRNN
from nmcourse.models.vision.planning import Asked, Noise, Response, State
from nmcourse.models.vision.rivals.areas import WiredAreas
from nmcourse.models.vision.stepwise import respond_by_steps, under_noise
from nmcourse.models.vision.wiring import Area


class CNNThenRNN(WiredAreas):
    """A CNN without time whose mean activity drives a rate network.

    The state is one map for each area, and (batch, N, 1, 1) for the rate network.

    Args:
        areas: as in ``WiredAreas``, and so are the following ones.
        n_channels: channels of an image.
        n_classes: outputs.
        n_units: units N of the rate network; twice as many as the last area has channels by
            default.
        tau: its time constant in ms.
        dt: time step in ms.
        **options: ``image_size``, ``stem``, ``generator``.

    Raises:
        ValueError: as for ``WiredAreas``, for N below one or dt > tau.

    Reference:
        Soo et al. 2024, authors' response.
    """

    n_read = 1

    def __init__(
        self,
        areas: str | Sequence[Area],
        n_channels: int,
        n_classes: int,
        *,
        n_units: int | None = None,
        tau: float = 10.0,
        dt: float = 2.0,
        **options: Any,
    ) -> None:
        super().__init__(areas, n_channels, n_classes, dt=dt, **options)
        n_features = self.wiring.areas[-1].channels
        self.rates = VanillaRNN(
            n_features,
            2 * n_features if n_units is None else count("n_units", n_units),
            n_classes,
            form="rate",
            nonlinearity=torch.relu,
            bias=True,
            tau=tau,
            dt=dt,
            x0=0.0,
            generator=options.get("generator"),
        )
        del self.output, self.output_bias  # the rate network has the readout

    def leak(self) -> Any:
        """What a step leaves room for: all of an area, dt / tau of the rate network."""
        return (1.0,) * len(self.wiring) + (self.rates.dt / self.rates.tau,)

    def initial_state(self, batch_size: int) -> State:
        """Silence: zero, one map for each area, and the rates (batch, N, 1, 1)."""
        rates = self.rates.initial_state(batch_size)
        return (*super().initial_state(batch_size), rates[..., None, None])

    def activities(self, image: Tensor, *, noise: Noise | None = None) -> list[Tensor]:
        """x_i of every area, for images (batch, channel, height, width)."""
        found: list[Tensor] = []
        stem = self.stem_maps(image)
        for area in range(len(self.wiring)):
            inner = self.feedforward[area](self.area_input(area, stem, found))
            x = (self.recurrent[area](inner) + self.biases[area].unsqueeze(-4)).relu()
            found.append(x if noise is None else noise(area, x))
        return found

    @decides
    def step(self, state: State, image: Tensor, *, noise: Noise | None = None) -> State:
        """State one step later; noise on an area reaches those above it in the same step."""
        *maps, rates = self.step_with(state, under_noise(self.activities, image, noise))
        return (*maps, rates if noise is None else noise(len(maps), rates))

    def step_with(self, state: State, activities: Sequence[Tensor]) -> State:
        """State one step later, for what the areas make of the image."""
        *maps, rates = state
        z = torch.stack([x.mean(dim=(-2, -1)) for x in maps[-self.wiring.n_read :]]).sum(dim=0)
        new = self.rates.step(rates[..., 0, 0], z)
        return (*activities, new[..., None, None])

    def _trial(self, images: Tensor, asked: Asked) -> Response:
        """A trial; an image that stays passes the areas once, because they remember nothing."""
        if asked.checkpoint_every or asked.noise_std or not as_written(self):
            return respond_by_steps(self, images, asked)
        return respond_by_steps(_LookingOnce(self), images, asked)

    def readout(self, state: State) -> Tensor:
        """Outputs (batch, class) of the rate network."""
        return self.rates.readout(state[-1][..., 0, 0])

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part; those of the rate network stand beside those of the areas."""
        parts, of_rates = super().parts(), self.rates.parts()
        for part, names in of_rates.items():
            parts[part] = [*parts.get(part, []), *(f"rates.{name}" for name in names)]
        return parts


class _LookingOnce:
    """A network in a trial that keeps what the areas made of the last image.

    It lives as long as the trial, in which an image that stays is one and the same tensor.
    """

    def __init__(self, model: CNNThenRNN) -> None:
        self.model, self.leak, self.readout = model, model.leak, model.readout
        self.check_images, self.silence = model.check_images, model.silence
        self.seen: Tensor | None = None
        self.with_gradient, self.activities = False, [torch.empty(0)]

    def step(self, state: State, image: Tensor) -> State:
        """As the network's own; an image is new, too, once a gradient is wanted."""
        if image is not self.seen or torch.is_grad_enabled() != self.with_gradient:
            self.seen, self.with_gradient = image, torch.is_grad_enabled()
            self.activities = self.model.activities(image)
        return self.model.step_with(state, self.activities)
