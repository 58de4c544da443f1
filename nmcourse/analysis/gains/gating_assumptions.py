"""What the constructions of ``gating.py`` need of an NM-RNN, and whether it has that."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_choice, check_nm_rnn
from nmcourse.analysis.gains.target_gain import is_linear
from nmcourse.models import NMRNN, LowRankRNN, Modulator

GAIN_AS = ("forget gate", "input gate")


class Assumption(NamedTuple):
    """One thing that the construction needs of an NM-RNN.

    Attributes:
        name: what is assumed.
        holds: whether it does.
        found: what the network has, as text.
    """

    name: str
    holds: bool
    found: str


def lstm_assumptions(
    model: NMRNN,
    *,
    gain_as: str = "forget gate",
    candidates: str = "linear",
    peephole: bool = True,
) -> tuple[Assumption, ...]:
    """What a construction needs of an NM-RNN, and whether this one has it.

    Another construction may need less: the gain as input gate asks nothing of factors, scaling
    and time constant.

    Args:
        model: an NM-RNN with a ``Modulator``.
        gain_as: which gate the gain is, ``"forget gate"`` or ``"input gate"``.
        candidates: ``"linear"`` or ``"small"``, see ``lstm_from_nm_rnn``.
        peephole: whether gates may read the cells.

    Returns:
        The assumptions in the order in which ``lstm_from_nm_rnn`` tests them.

    Raises:
        ValueError: if the model has no such parts at all.

    Reference:
        Costacurta et al. 2024, Eq. 6 and Proposition 1; chapter *Why gain gates*.
    """
    check_choice("gain_as", gain_as, GAIN_AS)
    net, modulator = parts_of(model)
    left, right = (factor.detach().double() for factor in net.factors())
    unit = torch.eye(net.rank, dtype=torch.float64)
    skewed = (left.mT @ left - unit).abs().max().item()
    apart = (left - right).abs().max().item()
    tolerance = 1e-5 if net.row_factors.dtype == torch.float32 else 1e-10
    listed = [("linear output network", is_linear(net), f"phi = {_name(net.nonlinearity)}")]
    if gain_as == "forget gate":
        listed += [
            ("symmetric factors, R = L", apart < tolerance, f"they differ by {apart:.2g}"),
            ("orthonormal factors, L^T L = 1", skewed < tolerance, f"off by {skewed:.2g}"),
            ("recurrent scaling of 1", net.scale == 1, f"g = {net.scale:.3g}"),
            ("tau_x = dt", net.tau == net.dt, f"tau_x = {net.tau:g} ms, dt = {net.dt:g} ms"),
        ]
    listed += [
        (
            "gain through a sigmoid",
            as_sigmoid(modulator.gain_nonlinearity) is not None,
            f"sigma = {_name(modulator.gain_nonlinearity)}",
        ),
        (
            "modulator with tanh",
            _same(modulator.nonlinearity, torch.tanh),
            f"phi_z = {_name(modulator.nonlinearity)}",
        ),
    ]
    if gain_as == "forget gate":  # what lies beside L at the start is in no cell
        heard = f"from {modulator.n_feedback} units"
        listed.append(("no feedback", modulator.n_feedback == 0, heard))
    if candidates == "linear" and not peephole:
        found = f"tau_z = {modulator.tau:g} ms, dt = {modulator.dt:g} ms, peephole=False"
        listed.append(("tau_z = dt, or peepholes", modulator.tau == modulator.dt, found))
    return tuple(Assumption(*entry) for entry in listed)


def parts_of(model: NMRNN) -> tuple[LowRankRNN, Modulator]:
    """Output network and modulator, of the kinds that a construction can read."""
    check_nm_rnn(model)
    net, modulator = model.output_network, model.modulator
    if not isinstance(net, LowRankRNN):
        raise ValueError(f"model.output_network must be a LowRankRNN, got {type(net).__name__}")
    if not isinstance(modulator, Modulator):
        raise ValueError(f"model.modulator must be a Modulator, got {type(modulator).__name__}")
    if model.modulated != ("recurrent",):
        raise ValueError(f"model.modulated must be ('recurrent',), got {model.modulated}")
    return net, modulator


def logit(p: float) -> float:
    """The bias of a gate that stays at p; infinite where it is open or shut."""
    return math.inf if p >= 1 else -math.inf if p <= 0 else math.log(p / (1 - p))


def as_sigmoid(function: Callable[[Tensor], Tensor]) -> tuple[float, float] | None:
    """Slope a and offset b if function(v) = sigmoid(a v + b), as (1 + tanh v) / 2 is; else None."""
    if _same(function, torch.sigmoid):
        return 1.0, 0.0
    at_zero, at_one = function(torch.tensor([0.0, 1.0], dtype=torch.float64)).tolist()
    if not (0 < at_zero < 1 and 0 < at_one < 1):
        return None
    offset = logit(at_zero)
    slope = logit(at_one) - offset
    probe = torch.linspace(-3, 3, 61, dtype=torch.float64)
    alike = torch.allclose(function(probe), torch.sigmoid(slope * probe + offset), atol=1e-12)
    return (slope, offset) if alike else None


def _same(function: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor]) -> bool:
    probe = torch.linspace(-3, 3, 61, dtype=torch.float64)
    return torch.equal(function(probe), other(probe))


def _name(function: Callable[[Tensor], Tensor]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
