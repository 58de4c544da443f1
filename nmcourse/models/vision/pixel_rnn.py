"""The control of CordsNet without convolutions: a fully connected rate network that sees pixels.

Its trials are those of a CordsNet: rest on a blank image, then the image, then blank again. So it
is trained with the same loss (``trial_loss``) and looked at with the same tools.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nmcourse._inputs import count, pixels, whole
from nmcourse.models._sizes import count_parameters, matching_size
from nmcourse.models.vanilla_rnn import VanillaRNN
from nmcourse.models.vision.cordsnet import CordsNet
from nmcourse.models.vision.layers import check_images
from nmcourse.models.vision.trial import Response


class PixelRNN(nn.Module):
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
        n_channels, image_size = count("n_channels", n_channels), pixels("image_size", image_size)
        self.n_channels, self.image_size = n_channels, image_size
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
    def dt(self) -> float:
        """Time step in ms."""
        return self.network.dt

    def respond(
        self,
        images: Tensor,
        *,
        n_steps: int = 100,
        n_blank: int = 100,
        n_after: int = 0,
        state: tuple[Tensor, ...] | None = None,
        n_departure: int = 0,
        check_finite: bool = True,
    ) -> Response:
        """Blank steps, steps with the image, blank steps; as in ``CordsNet.respond``.

        Args:
            images: held images (batch, channel, height, width).
            n_steps: steps with the image.
            n_blank: blank steps before, without gradient.
            n_after: blank steps afterwards.
            state: where the trial starts, one (batch, N); silence by default.
            n_departure: of so many last steps the departure from rest is returned.
            check_finite: raise an error when activity diverges.

        Returns:
            Outputs (batch, time, class), departure (batch, time), and the state as a tuple of one.

        Raises:
            ValueError: for images that do not fit, or more steps of departure than steps.
            RuntimeError: if activity is not finite any more.
        """
        check_images(images, self.n_channels, self.image_size, self.network.input_weights.dtype)
        n_steps, n_blank = count("n_steps", n_steps), whole("n_blank", n_blank, least=0)
        n_after = whole("n_after", n_after, least=0)
        total = n_steps + n_after
        n_departure = whole("n_departure", n_departure, 0, total, f"from 0 to {total} steps")
        pixels = images.flatten(1)
        dark = torch.zeros_like(pixels)
        r = self.network.initial_state(len(images)) if state is None else state[0]
        with torch.no_grad():
            for _ in range(n_blank):
                r = self.network.step(r, dark)
        rest, states = r.detach(), []
        for step in range(n_steps + n_after):
            r = self.network.step(r, pixels if step < n_steps else dark)
            states.append(r)
        if check_finite and not torch.isfinite(r).all():
            raise RuntimeError("activity diverged: it is not finite any more")
        rates = torch.stack(states, dim=1)
        away = (rates[:, len(states) - n_departure :] - rest.unsqueeze(1)).square().mean(dim=-1)
        return Response(self.network.readout(rates), away, (r,))


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
