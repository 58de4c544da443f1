"""Gains of an area: what multiplies its recurrent drive, its feed-forward drive and its output.

    tau r' = -r + phi(g_rec (W * r) + b + c + g_ff (V * h))    others and the readout see g_out r

Each gain is one number per channel. With gains of 1 this is the network without them. The current c
is no gain: it is added, and stands here as what gains are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import all_finite, check_tensor


class AreaGains(NamedTuple):
    """Gains per channel of one area; None stands for gains of 1, and for a current of 0.

    Each is (channel,), the same for all images and steps, or (batch, channel). In a whole trial
    (``respond``) it may also be (batch, time, channel), over all steps, blank ones included.

    Attributes:
        recurrent: of the drive from the area itself.
        feedforward: of the drive from other areas and the image.
        output: of what other areas and the readout see of its rates.
        current: c, added to the drives, as a bias is.
    """

    recurrent: Tensor | None = None
    feedforward: Tensor | None = None
    output: Tensor | None = None
    current: Tensor | None = None


def scaled(maps: Tensor, gain: Tensor | None) -> Tensor:
    """Maps (.., batch, channel, height, width) times gains (channel,) or (.., batch, channel)."""
    return maps if gain is None else maps * gain[..., None, None]


def gains_at(gains: Sequence[AreaGains | None], step: int) -> list[AreaGains | None]:
    """The gains of one step of a trial."""

    def of(values: Tensor | None) -> Tensor | None:
        return values[:, step] if values is not None and values.ndim == 3 else values

    return [None if area is None else AreaGains(*(of(values) for values in area)) for area in gains]


def fit_into_kernels(gains: Sequence[AreaGains | None]) -> bool:
    """Whether gains may be multiplied into the kernels: g (W * r) = (g W) * r.

    They may if they are the same for all images and steps, and leave outputs as they are: an area
    passes its output on together with that of the one below, through one kernel. A current is then
    a part of the bias.
    """

    def fits(area: AreaGains | None) -> bool:
        if not isinstance(area, AreaGains):
            return area is None
        drives = (area.recurrent, area.feedforward, area.current)
        return area.output is None and all(g is None or g.ndim == 1 for g in drives)

    return all(fits(area) for area in gains)


def into_kernels(
    kernels: Sequence[Tensor], gains: Sequence[AreaGains | None] | None, drive: str
) -> list[Tensor]:
    """Kernels ([seed,] out, in, height, width), one per area, times the gains of a drive."""
    if gains is None:
        return list(kernels)
    factors = [None if area is None else getattr(area, drive) for area in gains]
    return [
        kernel if factor is None else kernel * factor[:, None, None, None]
        for kernel, factor in zip(kernels, factors, strict=True)
    ]


def into_biases(biases: Sequence[Tensor], gains: Sequence[AreaGains | None] | None) -> list[Tensor]:
    """Biases ([seed,] channel, height or 1, width or 1), one per area, plus the currents."""
    if gains is None:
        return list(biases)
    currents = [None if area is None else area.current for area in gains]
    return [
        bias if current is None else bias + current[:, None, None]
        for bias, current in zip(biases, currents, strict=True)
    ]


def check_kind(gains: Any) -> None:
    """Raise ``ValueError`` unless gains are None, or a sequence of ``AreaGains`` of tensors."""
    if gains is None:
        return
    if isinstance(gains, AreaGains | str) or not isinstance(gains, Sequence):
        raise ValueError(
            "gains must be a list with AreaGains or None for each area, or None, "
            f"got {type(gains).__name__}"
        )
    for area, of_area in enumerate(gains):
        if of_area is None:
            continue
        if not isinstance(of_area, AreaGains):
            raise ValueError(f"gains[{area}] must be AreaGains or None, got {of_area!r}")
        for name, values in of_area._asdict().items():
            if values is not None:
                check_tensor(f"gains[{area}].{name}", values)


def check_gains(
    gains: Sequence[AreaGains | None] | None,
    state: Sequence[Tensor],
    batch: int,
    n_steps: int,
) -> None:
    """Raise ``ValueError`` unless gains fit areas, images and steps of a trial, and are finite.

    Those of one step (``step``, ``readout``) are not checked: it is repeated hundreds of times.
    """
    if gains is None:
        return
    if len(gains) != len(state):
        raise ValueError(
            f"gains must have one entry for each of {len(state)} areas, got {len(gains)}"
        )
    for area, of_area in enumerate(gains):
        if of_area is None:
            continue
        n_channels, dtype = state[area].shape[-3], state[area].dtype
        allowed = ((n_channels,), (batch, n_channels), (batch, n_steps, n_channels))
        for name, values in of_area._asdict().items():
            if values is None:
                continue
            if tuple(values.shape) not in allowed:
                raise ValueError(
                    f"gains[{area}].{name} must have shape {' or '.join(map(str, allowed))} "
                    f"(channel; batch, channel; batch, time, channel), got {tuple(values.shape)}"
                )
            if torch.promote_types(values.dtype, dtype) != dtype:
                raise ValueError(
                    f"gains[{area}].{name} must be {dtype} as the model is, or whole numbers, "
                    f"got {values.dtype}"
                )
            if not all_finite(values):
                raise ValueError(f"gains[{area}].{name} must be finite, got NaN or infinity")
