r"""A reader with attention: the whole list lies before it, and it looks where the query points.

    k_i = W_k p_i          keys: from the place i alone, p_i a table of learnt place vectors
    w   = MLP(u_0)         the looking vector, from the first input of the trial
    a_i = softmax_i(w . k_i / sqrt(D))
    y   = c (sum_i a_i u_i) + d

    u_0 .. u_T  inputs (batch, time, 1)          D  width of keys and looking vector

It has no state and no time: the past is not remembered but looked up. That is the point of the
comparison: a recurrent network must carry the element it was asked for through time in
a few numbers, an attention layer keeps all of them and picks one. It is a single attention head
whose keys are places and whose values are the numbers themselves, made for Element Finder; it
answers at the last step of the trial, and repeats that answer at the others.

Reference: Vaswani et al. 2017 (attention); the comparison is a reviewer's question.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nmcourse._inputs import check_generator, check_tensor, counts
from nmcourse.models._base import Trajectory, join_context


class AttentionReader(nn.Module):
    """One attention head that picks one of the inputs.

    Args:
        n_places: how many steps of a trial it has place vectors for, T + 1 on Element Finder.
        width: D, size of keys and looking vector.
        n_hidden: hidden units of the MLP that makes the looking vector.
        generator: source of the initial weights.

    Raises:
        ValueError: for a size below one; ``forward`` refuses a trial with more than ``n_places``
            steps: it has no vectors for places beyond.
    """

    def __init__(
        self,
        n_places: int,
        width: int = 8,
        n_hidden: int = 16,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_places, width, n_hidden = counts(n_places=n_places, width=width, n_hidden=n_hidden)
        check_generator(generator)
        self.n_inputs, self.n_outputs, self.n_places, self.width = 1, 1, n_places, width

        def normal(*shape: int, fan: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) / math.sqrt(fan))

        self.keys = normal(n_places, width, fan=1)
        self.input_weights = normal(n_hidden, 1, fan=1)
        self.input_bias = normal(n_hidden, fan=1)
        self.look_weights = normal(width, n_hidden, fan=n_hidden)
        self.look_bias = nn.Parameter(torch.zeros(width))
        self.readout_weight = nn.Parameter(torch.ones(1))
        self.readout_bias = nn.Parameter(torch.zeros(1))

    def weights(self, inputs: Tensor) -> Tensor:
        """Attention (.., batch, time): how much of each input makes the answer; its sum is 1."""
        check_tensor("inputs", inputs)
        if inputs.ndim not in (3, 4) or inputs.shape[-1] != 1:
            raise ValueError(f"inputs must have shape (batch, time, 1), got {tuple(inputs.shape)}")
        n_steps = inputs.shape[-2]
        if n_steps > self.n_places:
            raise ValueError(
                f"inputs have {n_steps} steps, but there are keys for n_places={self.n_places}"
            )
        hidden = torch.tanh(
            inputs[..., 0, :] @ self.input_weights.mT + self.input_bias.unsqueeze(-2)
        )
        look = hidden @ self.look_weights.mT + self.look_bias.unsqueeze(-2)
        scores = look @ self.keys[..., :n_steps, :].mT / math.sqrt(self.width)
        return torch.softmax(scores, dim=-1)

    def forward(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """The answer (batch, time, 1), the same at every step; there are no states.

        Args:
            inputs: (batch, time, 1).
            context: must be None; it is there because models are called with it.
        """
        inputs = join_context(inputs, context)
        found = (self.weights(inputs) * inputs[..., 0]).sum(dim=-1, keepdim=True)
        answer = self.readout_weight.unsqueeze(-2) * found + self.readout_bias.unsqueeze(-2)
        return Trajectory(answer.unsqueeze(-2).expand_as(inputs), None)
