"""The control of CordsNet without convolutions: a fully connected rate network that sees pixels.

Its trials are those of a CordsNet: rest on a blank image, then the image, then blank again. So it
is trained with the same loss (``trial_loss``) and looked at with the same tools. Its one area has
N channels of a single pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import counts, pixels
from nmcourse.models._sizes import count_parameters, matching_size
from nmcourse.models.vanilla_rnn import VanillaRNN
from nmcourse.models.vision.cordsnet import CordsNet
from nmcourse.models.vision.layers import check_images
from nmcourse.models.vision.planning import State
from nmcourse.models.vision.seeing import Seeing


class PixelRNN(Seeing):
    """A fully connected rate network, ReLU, whose input is an image as one vector.

    Args:
        n_units: units N.
        n_channels: channels of an image.
        n_classes: outputs.
        image_size: pixels, one number or (height, width).
        tau: time constant in ms.
        dt: time step in ms.
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below one or dt > tau.

    Reference:
        Control of Soo et al. 2024, Table 1; its details are not published.
    """

    n_read = 1

    def __init__(
        self,
        n_units: int,
        n_channels: int,
        n_classes: int,
        *,
        image_size: int | tuple[int, int],
        tau: float = 10.0,
        dt: float = 2.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_channels, n_classes = counts(n_channels=n_channels, n_classes=n_classes)
        image_size = pixels("image_size", image_size)
        self.n_inputs, self.n_outputs, self.image_size = n_channels, n_classes, image_size
        self.network = VanillaRNN(
            n_channels * image_size[0] * image_size[1],
            n_units,
            n_classes,
            form="rate",
            nonlinearity=torch.relu,
            bias=True,
            tau=tau,
            dt=dt,
            x0=0.0,
            generator=generator,
        )

    @property
    def dt(self) -> float:  # type: ignore[override]
        """Time step in ms."""
        return self.network.dt

    def leak(self) -> float:
        """Alpha = dt / tau."""
        return self.network.dt / self.network.tau

    def check_images(self, images: Tensor) -> None:
        """Raise ``ValueError`` unless images, or a stream of them, fit the network."""
        dtype = self.network.input_weights.dtype
        check_images(images, self.n_inputs, self.image_size, dtype, range(4, 6))

    def initial_state(self, batch_size: int) -> State:
        """Silence, one (batch, N, 1, 1)."""
        return (self.network.initial_state(batch_size)[..., None, None],)

    def velocity(self, state: State, image: Tensor) -> State:
        """Right-hand side of the equation, per ms, for images (batch, channel, height, width)."""
        weights = self.network.input_weights
        n_axes = range(4, 5 + (weights.ndim == 3))  # with the seed axis in front if there is one
        check_images(image, self.n_inputs, self.image_size, weights.dtype, n_axes)
        return (self.network.velocity(*_flat(state), image.flatten(-3))[..., None, None],)

    def step(self, state: State, image: Tensor) -> State:
        """State one Euler step of dt later."""
        changes = self.velocity(state, image)
        return tuple(r + self.dt * v for r, v in zip(state, changes, strict=True))

    def readout(self, state: State) -> Tensor:
        """Outputs (batch, class)."""
        return self.network.readout(*_flat(state))

    def parts(self) -> dict[str, list[str]]:
        """Parameter names by part."""
        return {
            part: [f"network.{name}" for name in names]
            for part, names in self.network.parts().items()
        }


def _flat(state: Sequence[Tensor]) -> tuple[Tensor]:
    """The rates (batch, N) of the only area."""
    (rates,) = state
    return (rates[..., 0, 0],)


def matched_pixel_rnn(model: CordsNet, *, generator: torch.Generator | None = None) -> PixelRNN:
    """A fully connected network with as many parameters as a CordsNet, as near as units allow.

    Args:
        model: the CordsNet: the control has its images, classes, ``tau`` and ``dt``.
        generator: source of the initial weights.
    """

    def build(n_units: int, source: torch.Generator | None = None) -> PixelRNN:
        return PixelRNN(
            n_units,
            model.n_inputs,
            model.n_outputs,
            image_size=model.image_size,
            tau=model.tau,
            dt=model.dt,
            generator=source,
        )

    return build(matching_size(build, count_parameters(model)), generator)
