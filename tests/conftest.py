"""Settings that hold for every test."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks gain nothing from a second one

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

# Property tests: the same examples every time; HYPOTHESIS_PROFILE=thorough draws many new ones.
settings.register_profile(
    "course",
    max_examples=25,
    deadline=None,  # a busy machine is no failure
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("course"), max_examples=500, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "course"))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Give every test the same random numbers, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global generator is the one to be fixed here
    torch.manual_seed(0)


def _global_state() -> dict[str, object]:
    """Return the global settings that no test may leave changed."""
    return {
        "torch default dtype": torch.get_default_dtype(),
        "torch default device": torch.get_default_device(),
        "torch gradients enabled": torch.is_grad_enabled(),
        "torch deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch threads": torch.get_num_threads(),
        "numpy error handling": np.geterr(),
    }


@pytest.fixture(autouse=True)
def _global_state_unchanged() -> Iterator[None]:
    """Fail a test that leaves a global setting of torch, numpy or Matplotlib changed."""
    before, settings = _global_state(), dict.copy(mpl.rcParams)
    yield
    after = _global_state()
    changed = [
        f"{key}: {before[key]} -> {after[key]}" for key in before if after[key] != before[key]
    ]
    changed += [
        f"rcParams[{key!r}]: {value!r} -> {mpl.rcParams[key]!r}"
        for key, value in settings.items()
        if key != "backend" and mpl.rcParams[key] != value
    ]
    if changed:  # put back what is easily put back, so that only this test fails
        torch.set_default_dtype(before["torch default dtype"])
        torch.set_grad_enabled(bool(before["torch gradients enabled"]))
        dict.update(mpl.rcParams, settings)
        pytest.fail("the test leaves global settings changed: " + "; ".join(changed))


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    """Close the figures that a test has opened."""
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
