"""How the small CordsNets of the course, and their rivals, are built: they look at digits."""

from __future__ import annotations

import torch

from nmcourse.models import (
    CordsNet,
    Modulator,
    NMCordsNet,
    Seeing,
    identity,
    matched_rival,
)


def digits_cordsnet(
    areas: str = "small-R2",
    image_size: int = 8,
    *,
    n_channels: int = 1,
    dt: float = 2.0,
    generator: torch.Generator | None = None,
) -> CordsNet:
    """CordsNet for digits in grey, or other images of ten classes; one of the presets."""
    return CordsNet(areas, n_channels, 10, image_size=image_size, dt=dt, generator=generator)


def seeing_network(
    kind: str = "cordsnet",
    areas: str = "small-R2",
    image_size: int = 14,
    *,
    dt: float = 2.0,
    generator: torch.Generator | None = None,
) -> Seeing:
    """A CordsNet for digits in grey, or a rival with as many parameters.

    Args:
        kind: ``"cordsnet"`` or a name of ``nmcourse.models.vision.rivals.matching.RIVALS``.
        areas: preset of the CordsNet.
        image_size: pixels.
        dt: time step in ms.
        generator: source of the initial weights.
    """
    if kind == "cordsnet":
        return digits_cordsnet(areas, image_size, dt=dt, generator=generator)
    like = digits_cordsnet(areas, image_size, generator=torch.Generator())
    return matched_rival(kind, like, generator=generator, dt=dt)


def ruled_cordsnet(
    areas: str = "small-R2", image_size: int = 8, *, generator: torch.Generator | None = None
) -> CordsNet:
    """CordsNet with two answers, yes and no, and one bias for each channel."""
    return CordsNet(areas, 1, 2, image_size=image_size, bias="channel", generator=generator)


def modulated_cordsnet(
    areas: str = "small-R2",
    image_size: int = 8,
    *,
    drive: str = "recurrent",
    n_units: int = 3,
    n_cues: int = 3,
    tau: float = 10.0,
    generator: torch.Generator | None = None,
) -> NMCordsNet:
    """A CordsNet with two answers whose channels have gains, or currents, from a modulator.

    Args:
        areas: preset of the CordsNet.
        image_size: pixels.
        drive: what is modulated: ``"recurrent"`` (gains), or ``"current"`` (added).
        n_units: of the modulator.
        n_cues: cues that it is told.
        tau: time constant of the modulator in ms.
        generator: source of the initial weights.
    """
    network = ruled_cordsnet(areas, image_size, generator=generator)
    modulator = Modulator(
        1,
        n_units,
        sum(area.channels for area in network.wiring.areas),
        n_context=n_cues,
        gain_nonlinearity=identity,  # gains learnt without a limit are to be stored in it
        tau=tau,
        dt=network.dt,
        z0=0.0,
        generator=generator,
    )
    return NMCordsNet(network, modulator, modulated=(drive,))


CORDSNET_BUILDERS = (digits_cordsnet, seeing_network, ruled_cordsnet, modulated_cordsnet)
