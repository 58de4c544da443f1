"""benchmarks/bench_training.py: every figure can still be measured."""

from __future__ import annotations

import importlib.util

import pytest

from tools import pairs


def test_every_figure_can_be_measured(monkeypatch: pytest.MonkeyPatch):
    path = pairs.ROOT / "benchmarks/bench_training.py"
    spec = importlib.util.spec_from_file_location("bench_training", path)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    monkeypatch.setattr(bench, "STEPS", 1)
    figures = bench.measure(1)
    assert all(value > 0 for value in figures.values())
    assert [name for name in figures if name.endswith("_10")] == [
        f"loop_over_scan_{network}_10" for network in bench.WRITTEN_OUT
    ]
