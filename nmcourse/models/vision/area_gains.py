"""Gains of an area: what multiplies its recurrent drive, its feed-forward drive and its output.

    tau r' = -r + phi(g_rec (W * r) + b + g_ff (V * h))        others and the readout see g_out r

Each gain is one number per channel. With gains of 1 this is the network without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class AreaGains(NamedTuple):
    """Gains per channel of one area; None stands for gains of 1.

    Each is (channel,), the same for all images and steps, or (batch, channel). In a whole trial
    (``respond``) it may also be (batch, time, channel), over all steps, blank ones included.

    Attributes:
        recurrent: of the drive from the area itself.
        feedforward: of the drive from other areas and the image.
        output: of what other areas and the readout see of its rates.
    """

    recurrent: Tensor | None = None
    feedforward: Tensor | None = None
    output: Tensor | None = None


def scaled(maps: Tensor, gain: Tensor | None) -> Tensor:
    """Maps (.., batch, channel, height, width) times gains (channel,) or (.., batch, channel)."""
    return maps if gain is None else maps * gain[..., None, None]


def gains_at(gains: Sequence[AreaGains | None], step: int) -> list[AreaGains | None]:
    """The gains of one step of a trial."""

    def of(values: Tensor | None) -> Tensor | None:
        return values[:, step] if values is not None and values.ndim == 3 else values

    return [None if area is None else AreaGains(*(of(values) for values in area)) for area in gains]


def check_gains(
    gains: Sequence[AreaGains | None] | None,
    state: Sequence[Tensor],
    batch: int,
    n_steps: int,
) -> None:
    """Raise ``ValueError`` unless gains fit areas, images and steps of a trial, and are finite."""
    if gains is None:
        return
    if len(gains) != len(state):
        raise ValueError(
            f"gains must have one entry for each of {len(state)} areas, got {len(gains)}"
        )
    for area, of_area in enumerate(gains):
        if of_area is None:
            continue
        if not isinstance(of_area, AreaGains):
            raise ValueError(f"gains[{area}] must be AreaGains or None, got {of_area!r}")
        n_channels = state[area].shape[-3]
        allowed = ((n_channels,), (batch, n_channels), (batch, n_steps, n_channels))
        for name, values in of_area._asdict().items():
            if values is None:
                continue
            if tuple(values.shape) not in allowed:
                raise ValueError(
                    f"gains[{area}].{name} must have shape {' or '.join(map(str, allowed))} "
                    f"(channel; batch, channel; batch, time, channel), got {tuple(values.shape)}"
                )
            if not values.is_meta and not torch.isfinite(values).all():
                raise ValueError(f"gains[{area}].{name} must be finite, got NaN or infinity")
