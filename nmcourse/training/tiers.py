"""How long the chapters train, and where: the tier of a run.

The environment variable ``NMCOURSE_TIER`` names it. ``smoke`` shows in seconds that everything
runs, ``cpu`` (the default) is meant for two cores and a reader who waits, and ``gpu`` trains for
longer, on a GPU where there is one.
"""

from __future__ import annotations

import os
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


def by_tier(*, smoke: Any, cpu: Any, gpu: Any) -> Any:
    """The one of three values that is meant for the tier of this run."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[tier()]


def tier_device() -> str:
    """Where to train: ``"cuda"`` at the tier ``gpu`` if torch sees such a device, else ``"cpu"``.

    A GPU is used where it is asked for, and not wherever there is one: the steps of the tier
    ``cpu`` are meant for a CPU.
    """
    return "cuda" if tier() == "gpu" and torch.cuda.is_available() else "cpu"
