r"""A convolutional GRU: in place of a fixed leak, gates that the network computes.

    v_i = sigma(W^v_i * r_i + V^v_i * h_i + c^v_i)             update gate: 1 keeps the state
    q_i = sigma(W^q_i * r_i + V^q_i * h_i + c^q_i)             reset gate
    g_i = phi(W^g_i * (q_i r_i) + V^g_i * h_i + c^g_i)         candidate
    r_i <- v_i r_i + (1 - v_i) g_i                             (all areas at once)

    r_i  activity of area i      h_i  input, from stem and areas, as in a CordsNet
    phi  tanh, or ReLU           c_i  one bias per channel

With v_i held at 1 - dt / tau, q_i at 1 and phi = ReLU this is a CordsNet: the leak is a gate that
does not listen.

Where it departs from the source: areas are wired as in a CordsNet and updated at once (there from
shallow to deep within a step). v = 1 keeps the state, as in ``nmcourse.models.GRU`` (there v = 0).

Reference: Ballas et al. 2016 (convolutional GRU); Shi et al. 2015 (convolutional LSTM).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nmcourse.models._unused_velocity import decides
from nmcourse.models.vision.planning import State
from nmcourse.models.vision.rivals.areas import WiredAreas, convolutions
from nmcourse.models.vision.wiring import Area, Convolution

PHI = {"tanh": torch.tanh, "relu": torch.relu}


class ConvGRU(WiredAreas):
    """Areas of gated recurrent units.

    Args:
        areas: as in ``WiredAreas``, and so are the following ones.
        n_channels: channels of an image.
        n_classes: outputs.
        nonlinearity: phi, ``"tanh"`` as in the source or ``"relu"``.
        **options: ``image_size``, ``stem``, ``dt``, ``generator``.

    Raises:
        ValueError: as for ``WiredAreas``, and for an unknown nonlinearity.

    Reference:
        Ballas et al. 2016.
    """

    def __init__(
        self,
        areas: str | Sequence[Area],
        n_channels: int,
        n_classes: int,
        *,
        nonlinearity: str = "tanh",
        **options: Any,
    ) -> None:
        if nonlinearity not in PHI:
            raise ValueError(f"nonlinearity must be one of {list(PHI)}, got {nonlinearity!r}")
        super().__init__(areas, n_channels, n_classes, **options)
        self.nonlinearity, generator = nonlinearity, options.get("generator")
        forward = [self.wiring.feedforward(area) for area in range(len(self.wiring))]
        recurrent = [self.wiring.recurrent(area) for area in range(len(self.wiring))]
        self.feedforward = convolutions([_times(3, spec) for spec in forward], generator)
        self.gates = convolutions([_times(2, spec) for spec in recurrent], generator)
        self.biases = self._biases(3)

    @decides
    def step(self, state: State, image: Tensor) -> State:
        """State one step later, for images (batch, channel, height, width)."""
        stem, new = self.stem_maps(image), []
        for area, r in enumerate(state):
            drive = self.feedforward[area](self.area_input(area, stem, state))
            drive = drive + self.biases[area].unsqueeze(-4)
            drive_v, drive_q, drive_g = drive.chunk(3, dim=-3)
            keep, reset = self.gate_values(area, r, drive_v, drive_q)
            candidate = self.phi(self.recurrent[area](reset * r) + drive_g)
            new.append(keep * r + (1 - keep) * candidate)
        return tuple(new)

    def gate_values(
        self, area: int, r: Tensor, drive_v: Tensor, drive_q: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update and reset gate of an area, from its state and its input's share of their drive."""
        recurrent_v, recurrent_q = self.gates[area](r).chunk(2, dim=-3)
        return (recurrent_v + drive_v).sigmoid(), (recurrent_q + drive_q).sigmoid()

    def phi(self, current: Tensor) -> Tensor:
        """The nonlinearity of the candidate."""
        return PHI[self.nonlinearity](current)


def _times(n: int, spec: Convolution) -> Convolution:
    """The same convolution with n times as many outputs, one block below the other."""
    return spec._replace(n_out=n * spec.n_out)
