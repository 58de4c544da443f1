"""How networks that decide from films are built: an eye with a rate network behind it, or none."""

from __future__ import annotations

import torch

from nmcourse.models import (
    Area,
    CordsNet,
    DiscreteNet,
    EyeThenRates,
    RecurrentModel,
    Seeing,
    Stem,
    VanillaRNN,
    matching_size,
    n_features,
)

_AREAS = (Area(8), Area(8))
_STEM = Stem(channels=8, kernel=5, stride=2, pool=False)
_GRID, _TAU_EYE, _TAU, _DT = 4, 20.0, 50.0, 10.0  # ms
EYES = ("cordsnet", "discrete", "none")


def film_eye(
    kind: str = "cordsnet",
    size: int = 16,
    n_classes: int = 10,
    *,
    generator: torch.Generator | None = None,
) -> Seeing:
    """An eye of two areas for films in grey, with a step of 10 ms.

    Args:
        kind: ``"cordsnet"`` (time constant 20 ms) or ``"discrete"`` (no leak).
        size: height and width of a picture in pixels.
        n_classes: outputs of its own readout, which a network behind it does not use.
        generator: source of the initial weights.
    """
    if kind not in EYES[:2]:
        raise ValueError(f"kind must be one of {EYES[:2]}, got {kind!r}")
    if kind == "discrete":
        return DiscreteNet(
            _AREAS, 1, n_classes, image_size=size, stem=_STEM, dt=_DT, generator=generator
        )
    return CordsNet(
        _AREAS,
        1,
        n_classes,
        image_size=size,
        stem=_STEM,
        bias="channel",
        tau=_TAU_EYE,
        dt=_DT,
        generator=generator,
    )


def film_network(
    eye: str = "cordsnet",
    n_outputs: int = 1,
    size: int = 16,
    n_units: int = 64,
    *,
    generator: torch.Generator | None = None,
) -> RecurrentModel:
    """An eye with a rate network behind it; or a rate network alone that gets the pixels.

    Args:
        eye: ``"cordsnet"``, ``"discrete"``, or ``"none"``: then the rate network has as many more
            units as bring it to the same number of parameters.
        n_outputs: outputs of the rate network.
        size: height and width of a picture in pixels.
        n_units: units of the rate network behind an eye.
        generator: source of the initial weights.

    Raises:
        ValueError: for an unknown eye.
    """
    if eye not in EYES:
        raise ValueError(f"eye must be one of {EYES}, got {eye!r}")
    if eye != "none":
        front = film_eye(eye, size, generator=generator)
        behind = _rates(n_features(front, _GRID), n_units, n_outputs, generator)
        return EyeThenRates(front, behind, grid=_GRID)
    whole = film_network("cordsnet", n_outputs, size, n_units, generator=torch.Generator())
    target = sum(parameter.numel() for parameter in whole.parameters())
    alone = matching_size(lambda n: _rates(size**2, n, n_outputs, torch.Generator()), target)
    return _rates(size**2, alone, n_outputs, generator)


def _rates(
    n_inputs: int, n_units: int, n_outputs: int, generator: torch.Generator | None
) -> VanillaRNN:
    return VanillaRNN(
        n_inputs,
        n_units,
        n_outputs,
        form="rate",
        nonlinearity=torch.relu,
        bias=True,
        tau=_TAU,
        dt=_DT,
        x0=0.0,
        generator=generator,
    )


FILM_BUILDERS = (film_eye, film_network)
