r"""A recurrent convolutional network in discrete time, in the manner of CORnet-RT.

    r_i <- relu(W_i * r_i + c_i + V_i * h_i)                         (all areas at once)

    r_i  activity of area i       W_i, V_i  recurrent and feed-forward convolution
    c_i  one bias per channel     h_i       input, from stem and areas, as in a CordsNet

This is a CordsNet without leak, dt = tau: a step replaces the state. A signal takes a step from one
area to the next. CORnet-RT has the same delays ("biological" unrolling) and is trained to be right
at its last step, five after it starts from silence; see ``nmcourse.training.ImageTrial.counting``.

Where it departs from CORnet-RT: convolutions, skips and readout are those of a CordsNet. There an
area adds its state to its input and passes the sum through one more convolution, and activity is
normalised in groups of channels; here the state has a convolution of its own, and nothing is
normalised, so that leak and training are what differs from a CordsNet.

Reference: Kubilius et al. 2018 (CORnet-RT); Liang and Hu 2015 (the recurrent convolution).
"""

from __future__ import annotations

from torch import Tensor

from nmcourse.models._unused_velocity import decides
from nmcourse.models.vision.planning import State
from nmcourse.models.vision.rivals.areas import WiredAreas


class DiscreteNet(WiredAreas):
    """Recurrent convolutional areas without a leak; the arguments are those of ``WiredAreas``.

    Reference:
        Kubilius et al. 2018.
    """

    @decides
    def step(self, state: State, image: Tensor) -> State:
        """State one step later, for images (batch, channel, height, width)."""
        stem, new = self.stem_maps(image), []
        for area, r in enumerate(state):
            drive = self.feedforward[area](self.area_input(area, stem, state))
            current = self.recurrent[area](r) + self.biases[area].unsqueeze(-4) + drive
            new.append(current.relu())
        return tuple(new)
