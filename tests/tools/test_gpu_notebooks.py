"""tools.gpu_notebooks: the steps of the GPU workflow, seen at work without a GPU."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from tests.tools.conftest import chapter
from tools import gpu_notebooks, notebooks, pairs


@pytest.fixture(autouse=True)
def _no_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the tier, and put it back as it was: the tool sets it."""
    monkeypatch.setenv("NMCOURSE_TIER", "")
    monkeypatch.delenv("NMCOURSE_TIER")


@pytest.fixture
def no_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small book has no ledger."""
    monkeypatch.setattr(gpu_notebooks, "_keep_claims", lambda root: None)


def test_without_a_cuda_device_nothing_runs(book: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NMCOURSE_REQUIRE_CUDA", raising=False)
    monkeypatch.setattr(gpu_notebooks, "device", lambda: None)
    (problem,) = gpu_notebooks.run(notebooks.names(book), book)
    assert problem.startswith("torch sees no CUDA device")
    assert not (book / gpu_notebooks.OUT).exists()


def test_the_switch_is_0_or_1(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NMCOURSE_REQUIRE_CUDA", "no")
    with pytest.raises(ValueError, match="NMCOURSE_REQUIRE_CUDA is 'no'; it must be 0 or 1"):
        gpu_notebooks.required()


@pytest.mark.usefixtures("no_claims")
def test_each_notebook_is_measured_and_kept(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("NMCOURSE_REQUIRE_CUDA", "0")
    monkeypatch.setattr(gpu_notebooks, "device", lambda: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (book / "book/first.md").write_text(
        chapter("import os\n\nprint(os.environ['NMCOURSE_TIER'])", title="First")
    )
    (book / "book/second.md").write_text(chapter("1 / 0", title="Second"))
    pairs.write(pairs.sources(book), book)
    problems = gpu_notebooks.run(notebooks.names(book), book)
    assert problems == ["book/second: did not run to its end"]
    kept = json.loads((book / gpu_notebooks.OUT / "measurements.json").read_text())
    assert [entry["name"] for entry in kept] == ["book/first", "book/second"]
    assert kept[0]["device"] == "CPU"
    assert kept[0]["peak_mib"] == 0.0
    assert kept[0]["seconds"] > 0
    assert kept[1]["seconds"] is None
    assert "MiB  CPU  book/first" in capsys.readouterr().out
    executed = nbformat.read(book / gpu_notebooks.OUT / "executed/book/first.ipynb", as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.outputs[0]["text"] for cell in code] == ["gpu\n"]  # and no measuring cell
    assert not (book / notebooks.EXECUTED).exists()


@pytest.mark.usefixtures("no_claims")
def test_a_notebook_that_does_not_see_the_device_is_a_problem(
    book: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gpu_notebooks, "device", lambda: "A GPU")
    monkeypatch.setattr(
        gpu_notebooks, "measure", lambda name, root: gpu_notebooks.Measurement(name, "CPU", 1.0, 0)
    )
    assert gpu_notebooks.run(["book/first"], book) == ["book/first: ran on CPU"]


def test_the_claim_records_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(gpu_notebooks, "OUT", tmp_path)
    gpu_notebooks._keep_claims(pairs.ROOT)
    ledger = json.loads((tmp_path / "claims.json").read_text())
    assert {"id", "status", "seeds", "command"} <= set(ledger[0])
    assert len(list((tmp_path / "results").glob("*.json"))) > 10
