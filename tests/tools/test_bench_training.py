"""benchmarks/bench_training.py: every figure can still be measured."""

from __future__ import annotations

import pytest

from tests.tools.conftest import benchmark_program


def test_every_figure_can_be_measured(monkeypatch: pytest.MonkeyPatch):
    bench = benchmark_program("bench_training")
    monkeypatch.setattr(bench, "STEPS", 1)
    figures = bench.measure(1)
    assert all(value > 0 for value in figures.values())
    assert [name for name in figures if name.endswith("_10")] == [
        f"loop_over_scan_{network}_10" for network in bench.WRITTEN_OUT
    ]
