"""A sandbox for the tests that need one; they are skipped where none can be had."""

from __future__ import annotations

import pytest

from tools.teaching.sandbox.choice import NoSandbox, choose
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import Method


@pytest.fixture(scope="session")
def method() -> Method:
    try:
        return choose()
    except NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture
def limits() -> Limits:
    """Small ones, but with time for a busy machine."""
    return Limits(
        wall_s=300, cpu_s=15, memory_mb=600, processes=16, output_kb=100, home_mb=20, files=100
    )
