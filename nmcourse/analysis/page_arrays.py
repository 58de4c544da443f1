"""What a figure needs to run an NM-RNN in a page: the arrays of its equation, as they are used."""

from __future__ import annotations

from typing import Any

import torch

from nmcourse.analysis._checks import check_nm_rnn
from nmcourse.models import NMRNN, LowRankRNN, Modulator


@torch.no_grad()
def nm_rnn_arrays(model: NMRNN) -> dict[str, Any]:
    """The arrays of a published NM-RNN, one network without a seed axis.

    Args:
        model: rank-one terms under the gains of a ``Modulator``, with tanh units and sigmoid gains.

    Returns:
        ``left`` L (N, K); ``right`` g R (N, K); ``input`` B_x (N, P); ``readout`` C (O, N);
        ``offset`` d (O,), or None; ``latent`` L^+ (K, N), which reads off kappa = L^+ x; ``x0``
        (N,); ``modulator_recurrent`` W_z (M, M); ``modulator_input`` B_z (M, P + contexts);
        ``feedback`` F (M, N) and ``feedback_bias`` f (M,), or None; ``gain`` A (K, M);
        ``gain_bias`` b (K,); ``z0`` (M,); and the numbers ``alpha_x``, ``alpha_z`` (dt / tau) and
        ``dt`` in ms.

    Raises:
        ValueError: if the model is another one than that.
    """
    check_nm_rnn(model)
    network, modulator = model.output_network, model.modulator
    plain = type(model) is NMRNN and type(network) is LowRankRNN and type(modulator) is Modulator
    if not plain or model.modulated != ("recurrent",):
        raise ValueError(
            "model must be an NMRNN of a LowRankRNN and a Modulator, modulated=('recurrent',): got "
            f"{type(model).__name__} of {type(network).__name__} and {type(modulator).__name__}, "
            f"modulated={model.modulated}"
        )
    assert isinstance(network, LowRankRNN)
    assert isinstance(modulator, Modulator)
    phis = (network.nonlinearity, modulator.nonlinearity, modulator.gain_nonlinearity)
    if phis != (torch.tanh, torch.tanh, torch.sigmoid):
        raise ValueError(f"model must have tanh units and sigmoid gains, got {phis}")
    left, right = network.factors()
    if left.ndim != 2:
        raise ValueError(f"model must be one network, got a seed axis: factors {tuple(left.shape)}")
    return {
        "left": left,
        "right": network.scale * right,
        "input": network.input_weights,
        "readout": network.output.weights,
        "offset": network.output.bias,
        "latent": torch.linalg.pinv(left),
        "x0": network.initial_state(1)[0],
        "modulator_recurrent": modulator.recurrent_weights,
        "modulator_input": modulator.input_weights,
        "feedback": modulator.feedback_weights,
        "feedback_bias": modulator.feedback_bias,
        "gain": modulator.gain_weights,
        "gain_bias": modulator.gain_bias,
        "z0": modulator.initial_state(1)[0],
        "alpha_x": network.dt / network.tau,
        "alpha_z": modulator.dt / modulator.tau,
        "dt": model.dt,
    }
