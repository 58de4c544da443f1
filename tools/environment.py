"""What chapters were run on: the kind of machine, the packages, and a hash of all of them."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib import metadata
from typing import Any

#: The packages whose versions decide what a chapter computes.
NAMED = ("torch", "numpy", "scipy", "scikit-learn", "numba", "matplotlib")


def packages() -> dict[str, str]:
    """Return the version of every installed package."""
    found: dict[str, str] = {}
    for one in metadata.distributions():
        name = str(one.metadata["Name"] or "").lower()
        if name and name != "nmcourse":  # the course itself is known by the hash of its files
            found.setdefault(name, one.version)
    return dict(sorted(found.items()))


def describe() -> dict[str, Any]:
    """Return cores, processor family, system, versions, and a hash of all that decides numbers."""
    installed = packages()
    lines = [f"{name}=={version}" for name, version in installed.items()]
    python = platform.python_version()
    family = f"{platform.system()} on {platform.machine()}"
    digest = hashlib.sha256("\n".join([python, family, *lines]).encode())
    return {
        "hash": digest.hexdigest()[:12],
        "cores": os.cpu_count() or 1,
        "family": family,
        "python": python,
        "named": {name: installed[name] for name in NAMED if name in installed},
        "n_packages": len(installed),
    }
