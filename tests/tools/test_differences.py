"""tools.differences: what may differ between two builds is listed, and nothing else may."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import differences


@pytest.fixture
def builds(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / name for name in ("one", "other")]
    for number, folder in enumerate(folders):
        (folder / "book").mkdir(parents=True)
        (folder / "_sources").mkdir()
        run = f'<p class="nm-run">The cells were run on day {number}.</p>'
        (folder / "book/page.html").write_text(f"<html>the same{run}</html>")
        (folder / "book/status.html").write_text(f"run on day {number}")
        (folder / "_sources/page.ipynb").write_text(f"{number}")
    return folders


def test_only_what_is_listed_differs(builds: list[Path], capsys):
    found = differences.differing(*builds)
    assert sorted(found) == ["_sources/page.ipynb", "book/status.html"]
    assert all(found.values())
    assert differences.main([str(folder) for folder in builds]) == 0
    assert "2 files differ, 0 of them are not listed" in capsys.readouterr().out


def test_anything_else_is_named(builds: list[Path], capsys):
    (builds[0] / "book/page.html").write_text("<html>another</html>")
    (builds[1] / "more.css").write_text("")
    found = differences.differing(*builds)
    assert {name for name, why in found.items() if not why} == {"book/page.html", "more.css"}
    assert differences.main([str(folder) for folder in builds]) == 1
    assert "more.css: differs, and is not listed" in capsys.readouterr().out


def test_a_folder_that_is_none_is_named(builds: list[Path], capsys):
    assert differences.main([str(builds[0]), "none"]) == 1
    assert "other must be a folder, got none" in capsys.readouterr().err
