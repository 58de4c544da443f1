"""Gains as something to store and to hand over.

The output network of an NM-RNN never sees the context. All that it learns about the task at hand
is in its gains. So gains recorded in one trial can be written down and given to the same output
network later, or in another trial:

    stored = store_gains(model, inputs, context)      # s(t) of every trial
    with_gains(model, stored)(inputs)                 # the output network under them

After a retraining of the modulator that is how old behaviour comes back (chapter *One network,
many tasks*).
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_nm_rnn
from nmcourse.models import NMRNN, GainSource, PrescribedGain


@torch.no_grad()
def store_gains(
    model: NMRNN, inputs: Tensor, context: Tensor | None = None, *, mean: bool = False
) -> PrescribedGain:
    """Record the gains of whole trials.

    Args:
        model: whose gains.
        inputs: (trial, time, input).
        context: (trial, time, context), if the modulator has one.
        mean: keep their mean over trials, the same s(t) for every trial.

    Returns:
        A gain source that plays them back, trial by trial.

    Raises:
        ValueError: if the model is no NM-RNN.
    """
    check_nm_rnn(model)
    gains = model(inputs, context).gains
    return PrescribedGain(gains.mean(dim=0) if mean else gains, dt=model.dt)


def with_gains(model: NMRNN, gains: GainSource) -> NMRNN:
    """The output network of ``model`` under other gains; it shares its weights with ``model``.

    Raises:
        ValueError: if the model is no NM-RNN, or the gains do not fit its output network.
    """
    check_nm_rnn(model)
    return NMRNN(model.output_network, gains, modulated=model.modulated)
