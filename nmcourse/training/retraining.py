"""Learning one more task: a new context channel, and which weights may change.

The paper's protocol. The network has learnt some tasks, each under its own context. A context
channel is added for the new one. Then a part of the network is retrained and all the rest stays:
in an NM-RNN the modulator is retrained, in the other models the input weights.

    network = with_new_context(trained)
    fit(network, new_task, freeze=kept_parts(network), ...)
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from nmcourse._inputs import number, whole
from nmcourse.models import LSTM, NMRNN, LowRankRNN, Modulator, NMCordsNet, VanillaRNN

Model = TypeVar("Model", NMRNN, NMCordsNet, LowRankRNN, VanillaRNN, LSTM)


def with_new_context(model: Model, n: int = 1, *, value: float = 0.1) -> Model:
    """A copy of a network that has ``n`` more context channels.

    In an NM-RNN, and in an NM-CordsNet, the context (its cues) goes to the modulator; in other
    models it stands behind the inputs.

    Args:
        model: the trained network; it stays as it is.
        n: number of new channels; they come last.
        value: where every new weight starts. The released code takes 0.1.

    Raises:
        ValueError: for a model without input weights to extend, n below 1, or a value that is not
            finite.
    """
    n = whole("n", n, least=1, allowed="a positive number of new channels")
    value = number("value", value, "finite")
    wider = copy.deepcopy(model)
    if isinstance(wider, NMRNN | NMCordsNet):
        if not isinstance(wider.modulator, Modulator):
            raise ValueError(
                "model must have a Modulator that can read a context, got a "
                f"{type(wider.modulator).__name__}"
            )
        wider.modulator.input_weights = _wider(wider.modulator.input_weights, n, value)
        wider.modulator.n_context += n
    elif isinstance(wider, LowRankRNN | VanillaRNN | LSTM):
        wider.input_weights = _wider(wider.input_weights, n, value)
        wider.n_inputs += n
    else:
        raise ValueError(
            "model must be an NMRNN, NMCordsNet, LowRankRNN, VanillaRNN or LSTM, "
            f"got a {type(model).__name__}"
        )
    return wider


def kept_parts(model: nn.Module) -> tuple[str, ...]:
    """The parts that retraining leaves as they are, for ``fit(..., freeze=...)``.

    An NM-RNN keeps its output network and retrains the modulator, and so does an NM-CordsNet; the
    others keep recurrent weights and readout and retrain the input weights.
    """
    modulated = isinstance(model, NMRNN | NMCordsNet)
    return ("output network",) if modulated else ("recurrent weights", "readout")


def _wider(weights: Tensor, n: int, value: float) -> nn.Parameter:
    """Input weights (.., P) with n more columns."""
    new = torch.full((*weights.shape[:-1], n), value, dtype=weights.dtype, device=weights.device)
    return nn.Parameter(torch.cat([weights.detach(), new], dim=-1))
