"""benchmarks/bench_loops.py: what is not measured again stays in its results."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.tools.conftest import benchmark_program

MEASURED = {"nm_rnn_ms": 2.0, "nm_rnn_over_python_loop": 0.2}
STORED = {"nm_rnn_ms": 3.0, "nm_rnn_over_python_loop": 0.3, "nm_rnn_over_jax": 0.4}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program in a folder of its own, with results of another time; it measures nothing."""
    module = benchmark_program("bench_loops")

    def measure(rounds: int, python: str | None) -> dict[str, float]:
        return MEASURED | ({} if python is None else {"nm_rnn_over_jax": 0.1})

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "bench_loops.py"))
    (tmp_path / "results").mkdir()
    (tmp_path / "results/loops.json").write_text(json.dumps({"figures": STORED}))
    return module


def run(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, float]:
    """The results after a run."""
    monkeypatch.setattr(sys, "argv", ["bench_loops.py", *words])
    bench.main()
    path = Path(str(bench.__file__)).parent / "results/loops.json"
    figures: dict[str, float] = json.loads(path.read_text())["figures"]
    return figures


def test_ratios_that_a_run_without_peers_does_not_measure_stay(bench, monkeypatch, capsys):
    assert run(bench, monkeypatch) == MEASURED | {"nm_rnn_over_jax": 0.4}
    assert "measured another time, and kept: nm_rnn_over_jax\n" in capsys.readouterr().out


def test_with_peers_they_are_measured(bench, monkeypatch, capsys):
    found = run(bench, monkeypatch, "--peers", "/some/python")
    assert found == MEASURED | {"nm_rnn_over_jax": 0.1}
    assert "kept" not in capsys.readouterr().out


def test_the_first_run_needs_no_results(bench, monkeypatch):
    (Path(str(bench.__file__)).parent / "results/loops.json").unlink()
    assert run(bench, monkeypatch) == MEASURED
