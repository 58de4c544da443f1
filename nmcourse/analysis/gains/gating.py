r"""An LSTM that does what a linear NM-RNN does.

Where L = R is orthonormal, the output network linear and tau_x = dt, the modes w = L^T x obey

    NM-RNN   w_t = s_t * w_{t-1} + L^T B_x u_t       s_t = sigma(A z_t + b)
    LSTM     c_t = f_t * c_{t-1} + i_t * g_t         f_t = sigma(W u_t + V h_{t-1} + b)

so the gain is a forget gate (Costacurta et al. 2024, Eq. 6 and Proposition 1; the supplement with
the proposition's assumptions was not available to us: the construction is ours).

Blocks of cells, one below the other, with alpha = dt / tau_z:

    cells   hold          forget gate        input gate   candidate
    modes   w  (K)        sigma(A z_t + b)   1            L^T B_x u_t
    direct  B_x u_t (P)   0                  1            u_t           what lies beside L
    z       z  (M)        1 - alpha          alpha        W_z h_z + B_z u_t
    rates   tanh(z) (M)   0                  (small candidates only, see below)

Output gates are 1, so that h_z = tanh(z_{t-1}). A forget gate of modes needs z_t, of which a part
(1 - alpha) z_{t-1} sits in the cell, where the gates of an LSTM do not look.

- ``candidates="linear"``: exact. It changes an LSTM twice: candidates without tanh, and, unless
  tau_z = dt, gates that may also read the cells (peepholes). See ``LinearLSTM``.
- ``candidates="small"``: a standard LSTM (``nmcourse.models.LSTM``). Cells hold their values times
  epsilon, where tanh is a straight line, and a block more holds the rates of the modulator. Now h
  shows the cells, so no gate has to look into them. The difference falls as epsilon^2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nmcourse.analysis._checks import check_choice, check_nm_rnn
from nmcourse.analysis.gains.target_gain import is_linear
from nmcourse.models import LSTM, NMRNN, LowRankRNN, LSTMState, Modulator, NMState, Trajectory

CANDIDATES = ("linear", "small")


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


class LinearLSTM(LSTM):
    """An LSTM with linear candidates, gates that may read the cells, and a readout of the cells.

        gates = sigma(W u + V h + P c + b)      c <- f c + i g      h <- o tanh(c)      y = C c + d

    with g = W_g u + V_g h + b_g (no tanh). ``cell_weights`` is P, (3N, N), rows in the order
    i, f, o. Gate biases may be infinite: a gate that is always open or shut.
    """

    def __init__(self, n_inputs: int, n_units: int, n_outputs: int, *, dt: float = 10.0) -> None:
        super().__init__(n_inputs, n_units, n_outputs, readout_bias=True, dt=dt)
        self.cell_weights = nn.Parameter(torch.zeros(3 * n_units, n_units))

    def readout(self, state: LSTMState) -> Tensor:
        """Outputs y = C c + d."""
        return self.output(state.c)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials from ``inputs`` (batch, time, P), fast."""
        states = super().simulate(inputs, context).states
        assert states is not None
        return Trajectory(self.output(states[..., self.n_units :]), states)

    def _update(self, state: LSTMState, drive: Tensor) -> LSTMState:
        i, f, g, o = (drive + state.h @ self.recurrent_weights.mT).chunk(4, dim=-1)
        gates = torch.cat([i, f, o], dim=-1) + state.c @ self.cell_weights.mT
        i, f, o = torch.sigmoid(gates).chunk(3, dim=-1)
        c = f * state.c + i * g
        return LSTMState(o * torch.tanh(c), c)


@dataclass(frozen=True)
class LSTMConstruction:
    """A hand-built LSTM and how to read it.

    Attributes:
        lstm: takes inputs and context of the NM-RNN side by side.
        blocks: which cells hold what: ``"modes"``, ``"direct"``, ``"z"``, and ``"rates"`` with
            small candidates.
        scale: cells hold their values times this (epsilon, or 1).
    """

    lstm: LSTM
    blocks: dict[str, slice]
    scale: float
    _left: Tensor
    _beside: Tensor

    def read(self, states: Tensor) -> NMState:
        """The NM-RNN's states (x, z) from the LSTM's ``Trajectory.states``, (.., 2 units)."""
        cells = states[..., self.lstm.n_units :] / self.scale
        x = cells[..., self.blocks["modes"]] @ self._left.mT
        x = x + cells[..., self.blocks["direct"]] @ self._beside.mT
        return NMState(x, cells[..., self.blocks["z"]])


def lstm_assumptions(
    model: NMRNN, *, candidates: str = "linear", peephole: bool = True
) -> tuple[Assumption, ...]:
    """What an LSTM needs to reproduce an NM-RNN, and whether this one has it.

    Args:
        model: an NM-RNN with a ``Modulator``.
        candidates: ``"linear"`` or ``"small"``, see :func:`lstm_from_nm_rnn`.
        peephole: whether gates may read the cells.

    Returns:
        The assumptions in the order in which :func:`lstm_from_nm_rnn` tests them.

    Raises:
        ValueError: if the model has no such parts at all.

    Reference:
        Costacurta et al. 2024, Eq. 6 and Proposition 1; chapter *Why gain gates*.
    """
    net, modulator = _parts(model)
    left, right = (factor.detach().double() for factor in net.factors())
    unit = torch.eye(net.rank, dtype=torch.float64)
    skewed = (left.mT @ left - unit).abs().max().item()
    apart = (left - right).abs().max().item()
    tolerance = 1e-5 if net.row_factors.dtype == torch.float32 else 1e-10
    listed = [
        ("linear output network", is_linear(net), f"phi = {_name(net.nonlinearity)}"),
        ("symmetric factors, R = L", apart < tolerance, f"they differ by {apart:.2g}"),
        ("orthonormal factors, L^T L = 1", skewed < tolerance, f"off by {skewed:.2g}"),
        ("recurrent scaling of 1", net.scale == 1, f"g = {net.scale:.3g}"),
        ("tau_x = dt", net.tau == net.dt, f"tau_x = {net.tau:g} ms, dt = {net.dt:g} ms"),
        (
            "gain through a sigmoid",
            _same(modulator.gain_nonlinearity, torch.sigmoid),
            f"sigma = {_name(modulator.gain_nonlinearity)}",
        ),
        (
            "modulator with tanh",
            _same(modulator.nonlinearity, torch.tanh),
            f"phi_z = {_name(modulator.nonlinearity)}",
        ),
        ("no feedback", modulator.n_feedback == 0, f"from {modulator.n_feedback} units"),
    ]
    if candidates == "linear" and not peephole:
        found = f"tau_z = {modulator.tau:g} ms, dt = {modulator.dt:g} ms, peephole=False"
        listed.append(("tau_z = dt, or peepholes", modulator.tau == modulator.dt, found))
    return tuple(Assumption(*entry) for entry in listed)


def lstm_from_nm_rnn(
    model: NMRNN,
    *,
    candidates: str = "linear",
    epsilon: float = 1e-2,
    peephole: bool = True,
    strict: bool = True,
) -> LSTMConstruction:
    """Build the LSTM that reproduces a linear NM-RNN, from the first step on.

    Args:
        model: an NM-RNN with a ``Modulator``; it is not changed.
        candidates: ``"linear"`` (exact; a ``LinearLSTM``) or ``"small"`` (a standard LSTM whose
            cells hold epsilon times their value; the difference falls as epsilon^2).
        epsilon: scale of small candidates; 1 leaves them where tanh bends.
        peephole: whether gates may read the cells; only linear candidates need it, and only if
            tau_z differs from dt.
        strict: check every assumption. False builds the same LSTM as though they held, to see
            what breaks.

    Returns:
        The LSTM, in the dtype of the model, and how to read x and z from its state.

    Raises:
        ValueError: naming the first assumption that does not hold; for another kind of model, an
            unknown ``candidates`` or an epsilon outside (0, 1].

    Reference:
        Costacurta et al. 2024, Eq. 6 and Proposition 1; chapter *Why gain gates*.
    """
    check_choice("candidates", candidates, CANDIDATES)
    if not 0 < epsilon <= 1:
        raise ValueError(f"epsilon must be in (0, 1], got {epsilon!r}")
    for assumption in lstm_assumptions(model, candidates=candidates, peephole=peephole):
        if strict and not assumption.holds:
            raise ValueError(
                f"model breaks the assumption '{assumption.name}': {assumption.found}. "
                "strict=False builds the LSTM all the same"
            )
    small = candidates == "small"
    net, modulator = _parts(model)
    n_channels = net.n_inputs + modulator.n_context
    sizes = {"modes": net.rank, "direct": n_channels, "z": modulator.n_units}
    if small:
        sizes["rates"] = modulator.n_units
    ends = torch.tensor(list(sizes.values())).cumsum(0).tolist()
    blocks = {name: slice(end - sizes[name], end) for name, end in zip(sizes, ends, strict=True)}
    shape = (n_channels, ends[-1], net.n_outputs)
    dtype = net.row_factors.dtype
    lstm = (
        LSTM(*shape, readout_bias=True, dt=net.dt).to(dtype)
        if small
        else LinearLSTM(*shape, dt=net.dt).to(dtype)
    )
    scale = epsilon if small else 1.0
    with torch.no_grad():
        left = net.factors()[0]
        drive = torch.zeros(net.n_units, n_channels, dtype=dtype)
        drive[:, : net.n_inputs] = net.input_weights
        beside = drive - left @ (left.mT @ drive)
        _fill(lstm, model, blocks, scale, left.mT @ drive, peephole)
        lstm.output.weights.zero_()
        lstm.output.weights[:, blocks["modes"]] = net.output.weights @ left / scale
        lstm.output.weights[:, blocks["direct"]] = net.output.weights @ beside / scale
        assert lstm.output.bias is not None
        lstm.output.bias.zero_()
        if net.output.bias is not None:
            lstm.output.bias.copy_(net.output.bias)
        lstm.c0.zero_()
        lstm.c0[blocks["modes"]] = scale * (net.x0 @ left)
        lstm.c0[blocks["z"]] = scale * modulator.z0
        if small:
            lstm.c0[blocks["rates"]] = scale * torch.tanh(modulator.z0)
        lstm.h0.copy_(torch.tanh(lstm.c0))
    return LSTMConstruction(lstm, blocks, scale, left, beside)


def _fill(
    lstm: LSTM,
    model: NMRNN,
    blocks: dict[str, slice],
    scale: float,
    drive: Tensor,
    peephole: bool,
) -> None:
    """Write gates and candidates into the LSTM, whose rows are i, f, g, o."""
    modulator = _parts(model)[1]
    small = "rates" in blocks
    alpha = modulator.dt / modulator.tau
    n = lstm.n_units
    of_input, of_hidden, bias = lstm.input_weights, lstm.recurrent_weights, lstm.bias
    for values in (of_input, of_hidden, bias):
        values.zero_()
    start = {gate: k * n for k, gate in enumerate(("input", "forget", "candidate", "output"))}

    def rows(gate: str, block: str) -> slice:
        return slice(start[gate] + blocks[block].start, start[gate] + blocks[block].stop)

    open_, shut = math.inf, -math.inf
    bias[: start["forget"]] = open_  # input gates
    bias[start["output"] :] = open_
    for block in ("direct", "rates"):
        if block in blocks:
            bias[rows("forget", block)] = shut
    bias[rows("input", "z")] = _logit(alpha)
    bias[rows("forget", "z")] = _logit(1 - alpha)
    if small:  # its candidate is the rate itself: the input gate makes it small
        bias[rows("input", "rates")] = _logit(scale)

    # z_t = keep z_{t-1} + alpha (W_z tanh(z_{t-1}) + B_z u_t): where each part of it is found
    keep, recurrent, entry = 1 - alpha, modulator.recurrent_weights, modulator.input_weights
    rates = blocks["rates"] if small else blocks["z"]  # these h show tanh(z_{t-1})

    def read_z(gate: str, block: str, weights: Tensor) -> None:
        """Let a gate or candidate see ``weights`` z_t."""
        here = rows(gate, block)
        of_input[here] = alpha * weights @ entry
        of_hidden[here, rates] = alpha * weights @ recurrent / scale
        if small:
            of_hidden[here, blocks["z"]] = keep * weights / scale
        elif isinstance(lstm, LinearLSTM) and peephole:
            lstm.cell_weights[here, blocks["z"]] = keep * weights

    bias[rows("forget", "modes")] = modulator.gain_bias
    read_z("forget", "modes", modulator.gain_weights)
    if small:
        read_z("candidate", "rates", torch.eye(modulator.n_units, dtype=bias.dtype))
    of_input[rows("candidate", "modes")] = scale * drive
    of_input[rows("candidate", "direct")] = scale * torch.eye(lstm.n_inputs, dtype=bias.dtype)
    of_input[rows("candidate", "z")] = scale * entry
    of_hidden[rows("candidate", "z"), rates] = recurrent  # h of small rates is already scaled


def _parts(model: NMRNN) -> tuple[LowRankRNN, Modulator]:
    check_nm_rnn(model)
    net, modulator = model.output_network, model.modulator
    if not isinstance(net, LowRankRNN):
        raise ValueError(f"model.output_network must be a LowRankRNN, got {type(net).__name__}")
    if not isinstance(modulator, Modulator):
        raise ValueError(f"model.modulator must be a Modulator, got {type(modulator).__name__}")
    if model.modulated != ("recurrent",):
        raise ValueError(f"model.modulated must be ('recurrent',), got {model.modulated}")
    return net, modulator


def _logit(p: float) -> float:
    return math.inf if p >= 1 else -math.inf if p <= 0 else math.log(p / (1 - p))


def _same(function: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor]) -> bool:
    probe = torch.linspace(-3, 3, 61, dtype=torch.float64)
    return torch.equal(function(probe), other(probe))


def _name(function: Callable[[Tensor], Tensor]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
