"""What a figure needs to run a network that sees in a page: its weights as they are used."""

from __future__ import annotations

from typing import Any

import torch

from nmcourse.models import CordsNet, EyeThenRates, RecurrentModel, VanillaRNN


@torch.no_grad()
def cordsnet_arrays(model: CordsNet) -> dict[str, Any]:
    """The arrays of a CordsNet, one network without a seed axis.

    Args:
        model: the network, of any size.

    Returns:
        ``stem`` (out, in, kernel, kernel) with ``stem_stride`` and ``stem_pool``; ``areas``, for
        each of them ``feedforward``, ``recurrent`` and ``skip`` (None for the identity or no way),
        ``stride`` and ``skip_stride``, and ``bias`` (channel, height or 1, width or 1);
        ``readout`` (class, channel) and ``readout_bias`` (class,); and the numbers ``channels``,
        ``image_size``, ``tau`` and ``dt`` in ms, and ``slope``.

    Raises:
        ValueError: if the model is another one, or holds several networks side by side.
    """
    if type(model) is not CordsNet:
        raise ValueError(f"model must be a CordsNet and no subclass, got {type(model).__name__}")
    tensors, wiring = model.tensors(), model.wiring
    if tensors.n_seeds is not None:
        raise ValueError(f"model must be one network, got {tensors.n_seeds} side by side")
    areas = []
    for place, area in enumerate(wiring.areas):
        skip = wiring.skip(place)
        areas.append(
            {
                "feedforward": tensors.feedforward[place],
                "recurrent": tensors.recurrent[place],
                "skip": tensors.skips.get(place),
                "stride": area.stride,
                "skip_stride": 1 if skip is None else skip.stride,
                "bias": tensors.biases[place],
            }
        )
    return {
        "stem": tensors.stem,
        "stem_stride": wiring.stem.stride,
        "stem_pool": wiring.stem.pool,
        "areas": areas,
        "readout": tensors.output,
        "readout_bias": tensors.output_bias,
        "channels": model.n_inputs,
        "image_size": list(model.image_size),
        "tau": model.tau,
        "dt": model.dt,
        "slope": model.slope,
    }


@torch.no_grad()
def film_network_arrays(model: RecurrentModel) -> dict[str, Any]:
    """The arrays of a network that decides from films: an eye and rates, or rates that get pixels.

    Args:
        model: an ``EyeThenRates`` of a CordsNet and a ``VanillaRNN`` in rate form with a ReLU, or
            such a ``VanillaRNN`` alone.

    Returns:
        ``eye`` (as :func:`cordsnet_arrays`, or None), ``grid``, ``n_read`` and ``n_blank`` of the
        eye; ``recurrent`` (unit, unit), scaled, ``input`` (unit, input), ``bias`` and ``start``
        (unit,), ``readout`` (output, unit) and ``readout_bias`` (output,); ``tau`` and ``dt``
        in ms.

    Raises:
        ValueError: if the model is another one.
    """
    behind = model.behind if isinstance(model, EyeThenRates) else model
    if type(behind) is not VanillaRNN or behind.form != "rate" or behind.bias is None:
        raise ValueError(
            "model must be a VanillaRNN in rate form with a bias, or an EyeThenRates with such a "
            f"network behind its eye, got {type(behind).__name__}"
        )
    if behind.nonlinearity is not torch.relu or behind.output.bias is None:
        raise ValueError(f"model must have a ReLU and a readout offset, got {behind.nonlinearity}")
    eye = None
    if isinstance(model, EyeThenRates):
        if not isinstance(model.eye, CordsNet):
            raise ValueError(
                f"model must have a CordsNet as its eye, got {type(model.eye).__name__}"
            )
        eye = cordsnet_arrays(model.eye)
    return {
        "eye": eye,
        "grid": model.grid if isinstance(model, EyeThenRates) else 0,
        "n_read": model.eye.n_read if isinstance(model, EyeThenRates) else 0,
        "n_blank": model.n_blank if isinstance(model, EyeThenRates) else 0,
        "recurrent": behind.scale * behind.recurrent_weights,
        "input": behind.input_weights,
        "bias": behind.bias,
        "start": behind.x0,
        "readout": behind.output.weights,
        "readout_bias": behind.output.bias,
        "tau": behind.tau,
        "dt": behind.dt,
    }
