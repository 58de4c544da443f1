"""Fixtures and small hand-made systems for the analysis tests."""

import pytest
import torch
from torch import nn


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


class HandMade(nn.Module):
    """A system given by its right-hand side F(x) per ms, or by its map G(x); no inputs matter."""

    n_inputs, n_outputs = 1, 1

    def __init__(self, size, *, velocity=None, step=None, dt=1.0, start=0.1):
        super().__init__()
        self.size, self.dt, self.start = size, dt, start
        self._velocity, self._step = velocity, step

    def initial_state(self, batch_size):
        return torch.full((batch_size, self.size), self.start, dtype=torch.float64)

    def velocity(self, state, input, context=None):
        if self._velocity is None:
            return (self._step(state) - state) / self.dt
        return self._velocity(state)

    def step(self, state, input, context=None):
        if self._step is None:
            return state + self.dt * self._velocity(state)
        return self._step(state)


@pytest.fixture
def hand_made():
    return HandMade
