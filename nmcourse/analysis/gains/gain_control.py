r"""What gains can do to an output, and in how many ways: a measure of structured flexibility.

A change ds of the gains changes the connectivity by dW = g L diag(ds) R^T. With orthonormal row
factors its size is

    |dW|^2 = sum_k (a_k ds_k)^2,        a_k = g |l_k| |r_k|,

so that in the coordinates w_k = a_k s_k a distance between gains *is* the distance between
connectivities. How far a quantity Q of the output (the length of a ramp, say) is under the control
of the gains at time t is told by the gradient dQ / dw(t), a vector with K entries. If these vectors
lie along one direction, at all times and in all trials, then the K gains act as one dial. The share
of their squared length along the best direction says how far that is true: between 1/K and 1.

Reference:
    A question of the reviewers of Costacurta et al. 2024 (what is "structured" about the
    flexibility?); the definition is ours; "The reviewers ask".
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_finite, check_nm_rnn
from nmcourse.models import NMRNN, LowRankRNN


def term_sizes(model: NMRNN) -> Tensor:
    """Frobenius norm ``a_k = g |l_k| |r_k|`` of each rank-one term at gain 1, (K,).

    Raises:
        ValueError: for a model without gains, or row factors that are not orthogonal: the terms
            then overlap, and the size of their sum is not given by their sizes.
    """
    check_nm_rnn(model)
    output_network = model.output_network
    if not isinstance(output_network, LowRankRNN):
        raise ValueError(
            f"model must have rank-one terms (a LowRankRNN), got {type(output_network).__name__}"
        )
    left, right = (factor.detach() for factor in output_network.factors())
    overlaps = left.mT @ left
    if (overlaps - torch.diag(overlaps.diagonal())).abs().max() > 1e-4 * overlaps.abs().max():
        raise ValueError("model must have orthogonal row factors: LowRankRNN(orthonormal=True)")
    return output_network.scale * left.norm(dim=0) * right.norm(dim=0)


def gain_gradients(model: NMRNN, inputs: Tensor, quantity: Callable[[Tensor], Tensor]) -> Tensor:
    """Gradient of a quantity of each trial with respect to the gains at each time.

    The gains of the trial are the point at which it is taken; the modulator itself does not
    react. Computed in float64 on a copy.

    Args:
        model: an NM-RNN without feedback whose gains act on the recurrence; not changed.
        inputs: (trial, time, P).
        quantity: from outputs (trial, time, O) to one number per trial, (trial,).

    Returns:
        dQ_i / ds_k(t), (trial, time, K), float64.

    Raises:
        ValueError: for another kind of model, or a quantity that is not one finite number per
            trial.
    """
    check_nm_rnn(model)
    if model.modulator.n_feedback or model.modulated != ("recurrent",):
        raise ValueError(
            "model must have no feedback and gains on the recurrence only, got "
            f"n_feedback={model.modulator.n_feedback}, modulated={model.modulated}"
        )
    model = copy.deepcopy(model).double().requires_grad_(False)
    inputs = inputs.double()
    with torch.enable_grad():
        gains = model(inputs).gains.detach().requires_grad_()
        states = model.output_network.run(inputs, gains.transpose(0, 1))  # time first
        found = quantity(model.output_network.readout(states.transpose(0, 1)))
        if found.shape != (len(inputs),):
            raise ValueError(
                f"quantity must return one number per trial, ({len(inputs)},), "
                f"got shape {tuple(found.shape)}"
            )
        check_finite("quantity", found)
        (gradients,) = torch.autograd.grad(found.sum(), gains)
    return gradients


class ControlDirections(NamedTuple):
    """Directions in the space of the gains, the one with the most control first.

    Attributes:
        directions: unit vectors in the coordinates w, as columns, (K, K).
        shares: share of the squared gradients along each, (K,), summing to 1.
    """

    directions: Tensor
    shares: Tensor


def control_directions(gradients: Tensor, sizes: Tensor) -> ControlDirections:
    """Along how many directions do gains have control?

    Args:
        gradients: of :func:`gain_gradients`, (.., K); all other axes count as samples.
        sizes: of :func:`term_sizes`, (K,), all above zero.

    Returns:
        Directions and shares. With control along one direction only, the first share is 1.

    Raises:
        ValueError: for sizes that do not fit or are not above zero, or gradients that are all
            zero or not finite.
    """
    if sizes.shape != gradients.shape[-1:]:
        raise ValueError(
            f"sizes must have shape ({gradients.shape[-1]},), got {tuple(sizes.shape)}"
        )
    if not (sizes > 0).all():
        raise ValueError(f"sizes must be above zero, got {sizes.tolist()}")
    check_finite("gradients", gradients)
    samples = (gradients.double() / sizes.double()).reshape(-1, len(sizes))
    if not samples.abs().max() > 0:
        raise ValueError("gradients must not be zero everywhere: the gains have no control")
    power, directions = torch.linalg.eigh(samples.mT @ samples)
    power = power.clamp(min=0.0).flip(0)
    return ControlDirections(directions.flip(1), power / power.sum())
