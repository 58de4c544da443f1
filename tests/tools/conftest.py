"""A small book, to see the tools of the book at work on it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from tools import notebooks, pairs

HEADER = """---
jupytext:
  formats: ipynb,md:myst
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""


def chapter(*cells: str, title: str = "A chapter") -> str:
    """Return the source of a chapter with these code cells."""
    fences = [f"```{{code-cell}} ipython3\n{cell}\n```\n" for cell in cells]
    return "\n".join([HEADER, f"# {title}\n", *fences])


def benchmark_program(name: str) -> ModuleType:
    """A program of the folder of benchmarks, which is no package, as a module."""
    spec = importlib.util.spec_from_file_location(name, pairs.ROOT / f"benchmarks/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a book of one plain page and two chapters, with a package beside it.

    The pace of the machine is taken as usual, not measured: it takes seconds.
    """
    monkeypatch.setattr(notebooks, "pace", lambda: 1.0)
    for name in ("pyproject.toml", "_config.yml", "CITATION.cff", "requirements.txt"):
        shutil.copy(pairs.ROOT / name, tmp_path)
    (tmp_path / "references.bib").write_text("")
    (tmp_path / "nmcourse").mkdir()
    (tmp_path / "nmcourse" / "module.py").write_text("VALUE = 1\n")
    (tmp_path / "book" / "_static").mkdir(parents=True)
    (tmp_path / "book" / "_static" / "custom.css").write_text("")
    for name in ("favicon.svg", "preview.js", "reading.js", "print.js", "sideways.js"):
        shutil.copy(pairs.ROOT / "book/_static" / name, tmp_path / "book/_static")
    (tmp_path / "book" / "intro.md").write_text("# Start\n\nSee [a chapter](first.md).\n")
    (tmp_path / "book" / "first.md").write_text(chapter("1 + 1", title="First"))
    (tmp_path / "book" / "second.md").write_text(chapter("x = 2\nx", title="Second"))
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/intro\nparts:\n  - caption: Part\n    chapters:\n"
        "      - file: book/first\n        sections:\n          - file: book/second\n"
    )
    pairs.write(pairs.sources(tmp_path), tmp_path)
    return tmp_path
