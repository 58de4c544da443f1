"""What a figure needs to run a CordsNet in a page: its weights as they are used."""

from __future__ import annotations

from typing import Any

import torch

from nmcourse.models import CordsNet


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
