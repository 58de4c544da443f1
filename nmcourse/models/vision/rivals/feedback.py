r"""A recurrent convolutional network with feedback from above, in the manner of BLT.

    r_i <- relu(V_i * r_{i-1} + W_i * r_i + U_i * up(r_{i+1}) + c_i)       i = 0, 1, .. D-1
                bottom-up       lateral   top-down

    r_{-1}  the stem's maps        up   enlarged to the pixels of area i, each value repeated
    c_i     one bias per channel

The areas are updated from shallow to deep, and bottom-up input is that of the *same* step: an
image reaches the last area at once. Lateral and top-down input is that of the step before. The
loss counts at every step; see ``nmcourse.training.ImageTrial.counting``.

Where it departs from BLT: kernels, stem and readout (the mean of the last two areas) are those of a
CordsNet, without its skips. There an area halves its input by pooling, activity is normalised, and
top-down connections are transposed convolutions.

Reference: Spoerer et al. 2017 (BLT); Spoerer et al. 2020 (trained at every step).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from nmcourse.models._unused_velocity import decides
from nmcourse.models.vision.planning import Noise, State
from nmcourse.models.vision.rivals.areas import WiredAreas, convolutions
from nmcourse.models.vision.wiring import Area, Convolution


class FeedbackNet(WiredAreas):
    """Bottom-up, lateral and top-down areas in discrete time; arguments as for ``WiredAreas``.

    Reference:
        Spoerer et al. 2017.
    """

    def __init__(
        self, areas: str | Sequence[Area], n_channels: int, n_classes: int, **options: Any
    ) -> None:
        super().__init__(areas, n_channels, n_classes, **options)
        self.skips = nn.ModuleDict()
        pairs = zip(self.wiring.areas[:-1], self.wiring.areas[1:], strict=True)
        specs = [Convolution(above.channels, area.channels, area.kernel) for area, above in pairs]
        self.feedback = convolutions(specs, options.get("generator"))

    @decides
    def step(self, state: State, image: Tensor, *, noise: Noise | None = None) -> State:
        """State one step later, for images (batch, channel, height, width).

        Noise on an area goes up with its rates, in the same step.
        """
        below, new = self.stem_maps(image), []
        for area, r in enumerate(state):
            current = self.feedforward[area](below) + self.recurrent[area](r)
            if area + 1 < len(state):
                current = current + self.feedback[area](enlarged(state[area + 1], like=r))
            rates = (current + self.biases[area].unsqueeze(-4)).relu()
            below = rates if noise is None else noise(area, rates)
            new.append(below)
        return tuple(new)


def enlarged(maps: Tensor, *, like: Tensor) -> Tensor:
    """Maps (.., channel, height, width) with the pixels of others: each value is repeated."""
    found = F.interpolate(maps.flatten(0, -4), like.shape[-2:], mode="nearest")
    return found.unflatten(0, maps.shape[:-3])
