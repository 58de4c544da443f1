r"""The gain of a trained network during its ramp, beside the one that the target asks for.

The step that receives the go pulse still has the output -0.5; the ramp is made by the steps that
follow it, and they have no input. ``optimal_gain`` is asked for these steps, in the form of the
simulated ones.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_nm_rnn
from nmcourse.analysis.gains.target_gain import optimal_gain
from nmcourse.models import NMRNN, LowRankRNN
from nmcourse.tasks import TEST_TIME, MeasureWaitGo


class RampGains(NamedTuple):
    """One ramp: trained and predicted gain of its steps.

    Attributes:
        times: end of each step, ms from go, (step,).
        trained: gain of the network, (step,).
        predicted: gain of Eq. 7 or 8, (step,).
        beside: part of the state's norm that is not along l when the ramp starts.
    """

    times: Tensor
    trained: Tensor
    predicted: Tensor
    beside: float


@torch.no_grad()
def ramp_gains(model: NMRNN, interval: float, *, form: str, own: bool = False) -> RampGains:
    """Trained and predicted gain over the steps of one ramp.

    Args:
        model: linear, of rank one.
        interval: in ms; the measure pulse comes at ``TEST_TIME``.
        form: ``"exact"`` (Eq. 7) or ``"approximate"`` (Eq. 8).
        own: ask for the output that the network really makes, instead of the target.

    Raises:
        ValueError: unless the model is a linear NM-RNN of rank one.

    Reference:
        Costacurta et al. 2024, Eqs. 7 and 8; chapter *Why gain gates*.
    """
    model = copy.deepcopy(model).double()
    trial = MeasureWaitGo([interval], measure_times=[TEST_TIME]).enumerate()
    run = model(trial.inputs.double())
    go = round(trial.conditions["go_time"].item() / model.dt)
    steps = slice(go, go + round(interval / model.dt) + 1)  # from the go pulse to the last step
    target = (run.outputs if own else trial.targets)[0, steps, 0].double()
    start, left = run.states[0, go], _output_network(model).factors()[0][:, 0]
    found = optimal_gain(model, target, x0=start, form=form)
    beside = start - (start @ left) / left.square().sum() * left
    return RampGains(
        times=found.times + model.dt,
        trained=run.gains[0, steps, 0][1:],  # a gain is kept with the state that it leads to
        predicted=found.gain,
        beside=(beside.norm() / start.norm()).item(),
    )


@torch.no_grad()
def cut_beside(model: NMRNN, interval: float) -> tuple[float, float, float]:
    """What the ramp owes to the part of the state that lies beside l when it starts.

    The steps after the go pulse are run again, with the gains that the network gave itself and
    without input: from its own state, and from the part along l alone.

    Args:
        model: linear, of rank one.
        interval: in ms; the measure pulse comes at ``TEST_TIME``.

    Returns:
        Output gained in the 300 ms after go, intact and cut; and the mean of s l^T r over the ramp,
        which is 1 where what leaks is just replaced.

    Raises:
        ValueError: unless the model is an NM-RNN whose output network is one of rank-one terms.
    """
    model = copy.deepcopy(model).double()
    net = _output_network(model)
    trial = MeasureWaitGo([interval], measure_times=[TEST_TIME]).enumerate()
    run = model(trial.inputs.double())
    go = round(trial.conditions["go_time"].item() / model.dt)
    left, right = (factor[:, 0] for factor in net.factors())
    silence = torch.zeros(1, net.n_inputs, dtype=torch.float64)
    intact = run.states[:, go]
    rises = []
    for start in (intact, (intact @ left)[:, None] * left / left.square().sum()):
        x = start
        for step in range(go + 1, go + 31):
            x = net.step(x, silence, gain=run.gains[:, step])
        rises.append((net.readout(x) - net.readout(start)).item())
    ramp = run.gains[0, go + 1 : go + 1 + round(interval / model.dt), 0]
    return rises[0], rises[1], (net.scale * ramp.mean() * (left @ right)).item()


def _output_network(model: NMRNN) -> LowRankRNN:
    check_nm_rnn(model)
    network = model.output_network
    if not isinstance(network, LowRankRNN):
        raise ValueError(f"model.output_network must be a LowRankRNN, got {type(network).__name__}")
    return network
