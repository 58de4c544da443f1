"""How long the chapters train, and where: the tier of a run.

The environment variable ``NMCOURSE_TIER`` names it. ``smoke`` shows in seconds that everything
runs, ``cpu`` (the default) is meant for two cores and a reader who waits, and ``gpu`` trains for
longer, on a GPU where there is one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch

TIERS = ("smoke", "cpu", "gpu")


def tier() -> str:
    """The tier of this run: ``"smoke"``, ``"cpu"`` or ``"gpu"``.

    Raises:
        ValueError: NMCOURSE_TIER is something else.
    """
    named = os.environ.get("NMCOURSE_TIER", "cpu")
    if named not in TIERS:
        raise ValueError(f"NMCOURSE_TIER must be one of {', '.join(TIERS)}, got {named!r}")
    return named


def by_tier(**settings: Any) -> Any:
    """The value that is meant for the tier of this run.

    Args:
        **settings: ``smoke=``, ``cpu=`` and ``gpu=``; a tier that is left out is not run.

    Raises:
        ValueError: for a tier without a value, or an unknown name.
    """
    unknown = [name for name in settings if name not in TIERS]
    if unknown:
        raise ValueError(f"tiers are {', '.join(TIERS)}, got {', '.join(unknown)}")
    return for_tier(tier(), settings)


def for_tier(named: str, settings: Mapping[str, Any]) -> Any:
    """The settings of a tier.

    Args:
        named: such as ``"cpu"``.
        settings: tier -> settings.

    Raises:
        ValueError: if there are none for this tier: those of another one would pass for it.
    """
    if named not in settings:
        raise ValueError(
            f"there are no settings for the tier {named!r}, only for {', '.join(settings)}"
        )
    return settings[named]


def tier_device() -> str:
    """Where to train: ``"cuda"`` at the tier ``gpu`` if torch sees such a device, else ``"cpu"``.

    ``fit`` and the like take it where they are given no device.

    A GPU is used where it is asked for, and not wherever there is one: the steps of the tier
    ``cpu`` are meant for a CPU.
    """
    return "cuda" if tier() == "gpu" and torch.cuda.is_available() else "cpu"
