"""A rate network whose recurrent matrix is that of a convolution, and when its silence ends."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nmcourse.analysis.vision.convolution_operator import ConvolutionOperator
from nmcourse.models import VanillaRNN


@torch.no_grad()
def convolutional_rnn(
    operator: ConvolutionOperator,
    gain: float = 1.0,
    *,
    nonlinearity: Callable[[Tensor], Tensor] = torch.tanh,
    bias: float = 0.0,
    tau: float = 10.0,
    dt: float = 2.0,
) -> VanillaRNN:
    """A rate network tau r' = -r + phi(gain W r + bias), in float64, with the dense matrix W.

    Args:
        operator: the convolution W, from a map to one of the same size.
        gain: factor on its weights.
        nonlinearity: phi.
        bias: the same for every unit.
        tau: time constant in ms.
        dt: time step in ms.

    Returns:
        A network with one input, whose weights are random, and one output.
    """
    model = VanillaRNN(
        1,
        operator.shape[0],
        1,
        form="rate",
        nonlinearity=nonlinearity,
        recurrent_scaling="none",
        bias=True,
        tau=tau,
        dt=dt,
    ).double()
    assert model.bias is not None
    model.recurrent_weights.copy_(gain * operator.dense())
    model.bias.fill_(bias)
    return model


def silence_ends(
    operator: ConvolutionOperator, *, tau: float = 10.0, dt: float = 2.0
) -> tuple[float, float]:
    """The gain at which silence is left by the equation, and by its Euler steps.

    For a nonlinearity of slope one at zero, such as tanh. The equation leaves silence where
    g Re lambda = 1 for the first eigenvalue lambda, the steps where 1 - alpha + alpha g lambda has
    modulus 1, with alpha = dt / tau: a square equation for g with one positive root.

    Args:
        operator: the convolution whose eigenvalues count.
        tau: time constant in ms.
        dt: time step in ms.

    Returns:
        The two gains.
    """
    eigenvalues, alpha = torch.linalg.eigvals(operator.dense()), dt / tau
    size = (alpha * eigenvalues.abs()) ** 2
    half = alpha * (1 - alpha) * eigenvalues.real
    roots = (-half + (half**2 + size * (1 - (1 - alpha) ** 2)).sqrt()) / size
    return float(1 / eigenvalues.real.max()), float(roots.min())
