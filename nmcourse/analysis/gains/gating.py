r"""An LSTM that does what a linear NM-RNN does, with the gain as one gate or as another.

    LSTM     c_t = f_t * c_{t-1} + i_t * g_t         f_t = sigma(W u_t + V h_{t-1} + b), i_t alike

**The gain as forget gate.** Where L = R is orthonormal, g = 1 and tau_x = dt, the modes
w = L^T x obey

    NM-RNN   w_t = s_t * w_{t-1} + L^T B_x u_t       s_t = sigma(A z_t + b)

(Costacurta et al. 2024, Eq. 6 and Proposition 1; the supplement with the proposition's assumptions
was not available to us: both constructions are ours). Blocks of cells, one below the other, with
alpha_z = dt / tau_z:

    cells   hold          forget gate        input gate   candidate
    modes   w  (K)        sigma(A z_t + b)   1            L^T B_x u_t
    direct  u_t (P)       0                  1            u_t           for what lies beside L
    z       z  (M)        1 - alpha_z        alpha_z      W_z h_z + B_z u_t
    rates   tanh(z) (M)   0                  (small candidates only, see below)

**The gain as input gate.** With alpha = dt / tau_x every linear NM-RNN adds K gated terms,

    x_t = (1 - alpha) x_{t-1} + sum_k s_k alpha g l_k r_k^T x_{t-1} + alpha B_x u_t

whatever its factors, scaling and time constant are. A block of N cells for each term:

    terms   c^k  (K x N)  1 - alpha          s_k          alpha g l_k r_k^T x_{t-1}
    direct  v  (P)        1 - alpha          1            alpha u_t

and z and rates as above. Then x = sum_k c^k + B_x v, and the modulator may listen to x.

Output gates are 1, so that h_z = tanh(z_{t-1}). A gate that is a gain needs z_t, of which a part
(1 - alpha_z) z_{t-1} sits in the cell, where the gates of an LSTM do not look.

- ``candidates="linear"``, for the gain as forget gate: exact. It changes an LSTM twice: candidates
  without tanh, and, unless tau_z = dt, gates that may also read the cells (peepholes). See
  ``LinearLSTM``.
- ``candidates="small"``, for both: a standard LSTM (``nmcourse.models.LSTM``). Cells hold their
  values times epsilon, where tanh is a straight line, and a block more holds the rates of the
  modulator. Now h shows the cells, so no gate has to look into them. The difference falls as
  epsilon^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nmcourse.analysis._checks import check_choice
from nmcourse.analysis.gains.gating_assumptions import (
    GAIN_AS,
    as_sigmoid,
    logit,
    lstm_assumptions,
    parts_of,
)
from nmcourse.models import LSTM, NMRNN, LowRankRNN, LSTMState, NMState, Trajectory

CANDIDATES = ("linear", "small")


class LinearLSTM(LSTM):
    """An LSTM with linear candidates, gates that may read the cells, and a readout of the cells.

        gates = sigma(W u + V h + P c + b)      c <- f c + i g      h <- o tanh(c)      y = C c + d

    with g = W_g u + V_g h + b_g (no tanh). ``cell_weights`` is P, (3N, N), rows in the order
    i, f, o. Gate biases may be infinite: a gate that is always open or shut.
    """

    def __init__(self, n_inputs: int, n_units: int, n_outputs: int, *, dt: float = 10.0) -> None:
        super().__init__(n_inputs, n_units, n_outputs, readout_bias=True, dt=dt)
        self.cell_weights = nn.Parameter(torch.zeros(3 * self.n_units, self.n_units))

    def readout(self, state: LSTMState) -> Tensor:
        """Outputs y = C c + d."""
        return self.output(state.c)

    def simulate(self, inputs: Tensor, context: Tensor | None = None) -> Trajectory:
        """Whole trials, step by step: the compiled loop of an ``LSTM`` has other gates."""
        self.check_inputs(inputs, context)
        state, states = self.initial_state(inputs.shape[-3]), []
        for t in range(inputs.shape[-2]):
            now = None if context is None else context[..., t, :]
            state = self.step(state, inputs[..., t, :], now)
            states.append(torch.cat(state, dim=-1))
        trajectory = torch.stack(states, dim=-2)
        return Trajectory(self.output(trajectory[..., self.n_units :]), trajectory)

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
        blocks: which cells hold what: ``"modes"`` or ``"terms"`` (that of term k after that of
            term k - 1), ``"direct"``, ``"z"``, and ``"rates"`` with small candidates.
        scale: cells hold their values times this (epsilon, or 1).
    """

    lstm: LSTM
    blocks: dict[str, slice]
    scale: float
    _shows: dict[str, Tensor]  # block -> (N, cells of it): what its cells add to x

    def read(self, states: Tensor) -> NMState:
        """The NM-RNN's states (x, z) from the LSTM's ``Trajectory.states``, (.., 2 units)."""
        cells = states[..., self.lstm.n_units :] / self.scale
        first, *others = (
            cells[..., self.blocks[name]] @ shown.mT for name, shown in self._shows.items()
        )
        return NMState(sum(others, first), cells[..., self.blocks["z"]])

    @torch.no_grad()
    def largest_difference(self, model: NMRNN, inputs: Tensor) -> float:
        """Largest difference from the NM-RNN in x, z and y at any step, relative.

        Args:
            model: the NM-RNN that this LSTM was built from.
            inputs: (trial, time, input).

        Returns:
            The largest of the three, each over the largest size of x, z or y.
        """
        run, copy = model(inputs), self.lstm(inputs)
        assert copy.states is not None
        x, z = self.read(copy.states)
        pairs = ((x, run.states), (z, run.modulator_states), (copy.outputs, run.outputs))
        return max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs)


def lstm_from_nm_rnn(
    model: NMRNN,
    *,
    gain_as: str = "forget gate",
    candidates: str = "linear",
    epsilon: float = 1e-2,
    peephole: bool = True,
    strict: bool = True,
) -> LSTMConstruction:
    """Build the LSTM that reproduces a linear NM-RNN, from the first step on.

    Args:
        model: an NM-RNN with a ``Modulator``; it is not changed.
        gain_as: which gate the gain is, ``"forget gate"`` or ``"input gate"``.
        candidates: ``"linear"`` (exact; a ``LinearLSTM``; only for the gain as forget gate) or
            ``"small"`` (a standard LSTM whose cells hold epsilon times their value; the
            difference falls as epsilon^2).
        epsilon: scale of small candidates; 1 leaves them where tanh bends.
        peephole: whether gates may read the cells; only linear candidates need it, and only if
            tau_z differs from dt.
        strict: check every assumption. False builds the same LSTM as though they held, to see
            what breaks.

    Returns:
        The LSTM, in the dtype of the model, and how to read x and z from its state.

    Raises:
        ValueError: naming the first assumption that does not hold; for another kind of model, an
            unknown ``gain_as`` or ``candidates``, linear candidates with the gain as input gate,
            or an epsilon outside (0, 1].

    Reference:
        Costacurta et al. 2024, Eq. 6 and Proposition 1; chapter *Why gain gates*.
    """
    check_choice("gain_as", gain_as, GAIN_AS)
    check_choice("candidates", candidates, CANDIDATES)
    small = candidates == "small"
    if gain_as == "input gate" and not small:
        raise ValueError(
            "candidates must be 'small' with gain_as='input gate', where candidates read the cells "
            f"through h = tanh(c), got {candidates!r}"
        )
    if not 0 < epsilon <= 1:
        raise ValueError(f"epsilon must be in (0, 1], got {epsilon!r}")
    for assumption in lstm_assumptions(
        model, gain_as=gain_as, candidates=candidates, peephole=peephole
    ):
        if strict and not assumption.holds:
            raise ValueError(
                f"model breaks the assumption '{assumption.name}': {assumption.found}. "
                "strict=False builds the LSTM all the same"
            )
    net, modulator = parts_of(model)
    scale = epsilon if small else 1.0
    with torch.no_grad():
        shows, start = (_modes if gain_as == "forget gate" else _terms)(net, modulator.n_context)
        sizes = {name: shown.shape[1] for name, shown in shows.items()} | {"z": modulator.n_units}
        if small:
            sizes["rates"] = modulator.n_units
        ends = torch.tensor(list(sizes.values())).cumsum(0).tolist()
        blocks = {name: slice(e - sizes[name], e) for name, e in zip(sizes, ends, strict=True)}
        shape = (sizes["direct"], ends[-1], net.n_outputs)
        lstm = (
            LSTM(*shape, readout_bias=True, dt=net.dt) if small else LinearLSTM(*shape, dt=net.dt)
        ).to(net.row_factors.dtype)
        built = LSTMConstruction(lstm, blocks, scale, shows)
        _write_gates(built, model, gain_as, peephole)
        lstm.output.weights.zero_()
        for name, shown in shows.items():
            lstm.output.weights[:, blocks[name]] = net.output.weights @ shown / scale
        assert lstm.output.bias is not None
        lstm.output.bias.zero_()
        if net.output.bias is not None:
            lstm.output.bias.copy_(net.output.bias)
        lstm.c0.zero_()
        lstm.c0[: len(start)] = scale * start
        lstm.c0[blocks["z"]] = scale * modulator.z0
        if small:
            lstm.c0[blocks["rates"]] = scale * torch.tanh(modulator.z0)
        lstm.h0.copy_(torch.tanh(lstm.c0))
    return built


def _modes(net: LowRankRNN, n_context: int) -> tuple[dict[str, Tensor], Tensor]:
    """What modes and inputs add to x, and the modes at the start: the gain as forget gate."""
    left, drive = net.factors()[0], _drive(net, n_context)
    return {"modes": left, "direct": drive - left @ (left.mT @ drive)}, net.x0 @ left


def _terms(net: LowRankRNN, n_context: int) -> tuple[dict[str, Tensor], Tensor]:
    """What terms and inputs add to x, and the first term at the start: the gain as input gate."""
    each = torch.eye(net.n_units, dtype=net.x0.dtype).repeat(1, net.rank)
    return {"terms": each, "direct": _drive(net, n_context)}, net.x0


def _drive(net: LowRankRNN, n_context: int) -> Tensor:
    """B_x with a column of zeros for each context, (N, P + contexts)."""
    return torch.nn.functional.pad(net.input_weights, (0, n_context))


def _write_gates(built: LSTMConstruction, model: NMRNN, gain_as: str, peephole: bool) -> None:
    """Write gates and candidates into the LSTM, whose rows are i, f, g, o."""
    net, modulator = parts_of(model)
    lstm, blocks, scale, shows = built.lstm, built.blocks, built.scale, built._shows
    small = "rates" in blocks
    n = lstm.n_units
    of_input, of_hidden, bias = lstm.input_weights, lstm.recurrent_weights, lstm.bias
    for values in (of_input, of_hidden, bias):
        values.zero_()
    start = {gate: k * n for k, gate in enumerate(("input", "forget", "candidate", "output"))}

    def rows(gate: str, block: str) -> slice:
        return slice(start[gate] + blocks[block].start, start[gate] + blocks[block].stop)

    bias[: start["forget"]] = math.inf  # input gates are open unless they are set below
    bias[start["output"] :] = math.inf

    # z_t = keep z_{t-1} + alpha (W_z tanh(z_{t-1}) + B_z u_t + F x_{t-1} + f)
    alpha = modulator.dt / modulator.tau
    keep, recurrent, entry = 1 - alpha, modulator.recurrent_weights, modulator.input_weights
    feedback = modulator.feedback_weights if gain_as == "input gate" else None
    rates = blocks["rates"] if small else blocks["z"]  # these h show tanh(z_{t-1})
    unit = torch.eye(modulator.n_units, dtype=bias.dtype)

    def read_z(gate: str, block: str, weights: Tensor) -> None:
        """Let a gate or candidate see ``weights`` z_t."""
        here = rows(gate, block)
        of_input[here] = alpha * weights @ entry
        of_hidden[here, rates] = alpha * weights @ recurrent / scale
        if small:
            of_hidden[here, blocks["z"]] = keep * weights / scale
        elif isinstance(lstm, LinearLSTM) and peephole:
            lstm.cell_weights[here, blocks["z"]] = keep * weights
        if feedback is not None and modulator.feedback_bias is not None:
            bias[here] += alpha * weights @ modulator.feedback_bias
            for name, shown in shows.items():
                of_hidden[here, blocks[name]] = alpha * weights @ feedback @ shown / scale

    bias[rows("input", "z")] = logit(alpha)
    bias[rows("forget", "z")] = logit(keep)
    of_input[rows("candidate", "z")] = scale * entry
    of_hidden[rows("candidate", "z"), rates] = recurrent  # h of small rates is already scaled
    if feedback is not None and modulator.feedback_bias is not None:
        bias[rows("candidate", "z")] = scale * modulator.feedback_bias
        for name, shown in shows.items():
            of_hidden[rows("candidate", "z"), blocks[name]] = feedback @ shown
    if small:  # the candidate is the rate itself: the input gate makes it small
        bias[rows("input", "rates")] = logit(scale)
        bias[rows("forget", "rates")] = -math.inf
        read_z("candidate", "rates", unit)

    slope, offset = as_sigmoid(modulator.gain_nonlinearity) or (1.0, 0.0)
    gain_weights, gain_bias = slope * modulator.gain_weights, slope * modulator.gain_bias + offset
    leak = 1.0 if gain_as == "forget gate" else net.dt / net.tau
    bias[rows("forget", "direct")] = logit(1 - leak)
    of_input[rows("candidate", "direct")] = (
        scale * leak * torch.eye(lstm.n_inputs, dtype=bias.dtype)
    )
    if gain_as == "forget gate":
        bias[rows("forget", "modes")] = gain_bias
        read_z("forget", "modes", gain_weights)
        drive = _drive(net, modulator.n_context)
        of_input[rows("candidate", "modes")] = scale * (shows["modes"].mT @ drive)
        return
    bias[rows("forget", "terms")] = logit(1 - leak)
    bias[rows("input", "terms")] = gain_bias.repeat_interleave(net.n_units)
    read_z("input", "terms", gain_weights.repeat_interleave(net.n_units, dim=0))
    left, right = net.factors()
    each = leak * net.scale * torch.einsum("nk,mk->knm", left, right).flatten(0, 1)
    for name, shown in shows.items():
        of_hidden[rows("candidate", "terms"), blocks[name]] = each @ shown
