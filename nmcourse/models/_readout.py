"""The linear readout y = C x + d that every model ends with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nmcourse.models._base import project


class Readout(nn.Module):
    """Outputs of a state, y = C x + d.

    Args:
        n_units: N, size of the state.
        n_outputs: O.
        bias: whether the offset d exists.
        generator: source of the initial weights, N(0, 1/N) each.
    """

    def __init__(
        self, n_units: int, n_outputs: int, *, bias: bool, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        scale = 1.0 / math.sqrt(n_units)
        self.weights = nn.Parameter(scale * torch.randn(n_outputs, n_units, generator=generator))
        self.bias: nn.Parameter | None = None
        if bias:
            self.bias = nn.Parameter(scale * torch.randn(n_outputs, generator=generator))

    def forward(self, states: Tensor, gains: Tensor | None = None) -> Tensor:
        """Outputs (.., batch, output) of states (.., batch, unit).

        ``gains`` (.., batch, output) multiply the rows of C; None means gains of 1.
        """
        outputs = states @ self.weights.mT
        outputs = outputs if gains is None else gains * outputs
        return outputs if self.bias is None else outputs + self.bias.unsqueeze(-2)

    def of_trial(self, states: Tensor, gains: Tensor | None = None) -> Tensor:
        """Outputs (.., time, batch, output) of states (.., time, batch, unit)."""
        if gains is None:
            return project(states, self.weights, self.bias)
        return self.of_sums(project(states, self.weights), gains)

    def of_sums(self, sums: Tensor, gains: Tensor | None = None) -> Tensor:
        """Outputs of whole trials from the sums C x, (.., time, batch, output)."""
        outputs = sums if gains is None else gains * sums
        return outputs if self.bias is None else outputs + self.bias[..., None, None, :]
