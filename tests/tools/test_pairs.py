"""tools.pairs: a chapter and its notebook cannot drift apart."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import pairs


def problems(book: Path) -> list[str]:
    return pairs.check(pairs.sources(book), book) + pairs.strays(book)


def test_sources_are_the_pages_with_code(book: Path):
    assert [path.name for path in pairs.sources(book)] == ["first.md", "second.md"]


def test_a_fresh_pair_is_in_order(book: Path):
    assert problems(book) == []


def test_writing_again_changes_nothing(book: Path):
    before = (book / "book/first.ipynb").read_bytes()
    pairs.write(pairs.sources(book), book)
    assert (book / "book/first.ipynb").read_bytes() == before


@pytest.mark.parametrize("edited", ["first.md", "first.ipynb"])
def test_an_edit_of_one_of_the_two_is_found(book: Path, edited: str):
    path = book / "book" / edited
    path.write_text(path.read_text().replace("1 + 1", "1 + 3"))
    (problem,) = problems(book)
    assert problem.startswith("book/first.ipynb: differs from first.md")


def test_a_missing_notebook_is_found(book: Path):
    (book / "book/first.ipynb").unlink()
    assert problems(book) == ["book/first.ipynb: missing; run `make pairs`"]


def test_a_notebook_without_a_source_is_found(book: Path):
    (book / "book/first.ipynb").rename(book / "book/third.ipynb")
    assert "book/third.ipynb: no MyST source of that name beside it" in problems(book)


def test_outputs_in_a_notebook_are_found_and_removed(book: Path):
    path = book / "book/first.ipynb"
    notebook = json.loads(path.read_text())
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["execution_count"] = 1
    cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["2\n"]}]
    path.write_text(json.dumps(notebook))
    assert len(problems(book)) == 1
    pairs.write(pairs.sources(book), book)
    assert problems(book) == []
    assert "stdout" not in path.read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_notebook_left_out_of_version_control_is_found(book: Path):
    subprocess.run(["git", "init", "--quiet"], cwd=book, check=True)
    subprocess.run(["git", "add", "book/first.md", "book/second.ipynb"], cwd=book, check=True)
    (problem,) = problems(book)
    assert problem.startswith("book/first.ipynb: its .md is under version control and it is not")


@pytest.mark.parametrize(
    "options", ["", ":tags: [a]\n\n", ":tags: [a]\n", "---\ntags: [a]\n---\n"], ids=repr
)
def test_format_changes_code_and_keeps_everything_else(book: Path, options: str):
    path = book / "book/first.md"
    before = path.read_text().replace("ipython3\n1 + 1", f"ipython3\n{options}# @title T\nf( 'a' )")
    path.write_text(before + "\n```python\nshown( 'only' )\n```\n")
    (changed,) = pairs.formatted(pairs.sources(book), book).items()
    assert changed == (path, path.read_text().replace("f( 'a' )", 'f("a")'))


def test_a_chapter_that_is_not_there_is_named_and_the_others_are_listed(capsys):
    assert pairs.main(["write", "book/dynamics/nothing.md"]) == 2
    said = capsys.readouterr().err
    assert "no such chapter: book/dynamics/nothing.md; there are" in said
    assert "book/dynamics/rate_networks.md" in said
