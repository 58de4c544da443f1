"""tools.addresses: the address of the repository and the version stand in one place."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.tools.conftest import chapter
from tools import addresses, pairs

INSTALL = "%pip install 'nmcourse @ git+{}@{}'"


@pytest.fixture
def release(book: Path) -> addresses.Release:
    """The release that the small book names in a set-up cell."""
    right = addresses.release(book)
    text = chapter(INSTALL.format(right.address, right.tag))
    (book / "book/first.md").write_text(text)
    return right


def test_agreement_passes(book: Path, release: addresses.Release):
    assert addresses.check(book) == []


@pytest.mark.parametrize("wrong", ["https://github.com/someone/nmcourse@v0.1.0", "nmcourse@v9.9"])
def test_another_address_or_tag_in_a_chapter_is_found(
    book: Path, release: addresses.Release, wrong: str
):
    (book / "book/second.md").write_text(chapter(f"%pip install {release.address}/../{wrong}"))
    (problem,) = addresses.check(book)
    assert problem.startswith("book/second.md: ")


def test_a_new_version_is_found_everywhere_and_written_everywhere(
    book: Path, release: addresses.Release
):
    (book / addresses.PACKAGE).write_text(f'"""Code."""\n\n__version__ = "{release.version}"\n')
    assert addresses.check(book) == []
    settings = book / "pyproject.toml"
    text = settings.read_text().replace(f'version = "{release.version}"', 'version = "7.8.9"')
    settings.write_text(text.replace(release.address, "https://github.com/new/name"))
    names = {problem.split(":")[0] for problem in addresses.check(book)}
    assert names == {
        "_config.yml",
        "CITATION.cff",
        addresses.PACKAGE,
    }  # the chapter still names the old repository
    addresses.write(book)
    assert addresses.check(book) == []
    expected = INSTALL.format("https://github.com/new/name", "v7.8.9")
    assert expected in (book / "book/first.md").read_text()


def test_every_chapter_begins_with_the_set_up_cell():
    assert addresses.set_up_problems() == []


def test_the_set_up_cell_installs_only_what_is_missing_and_names_the_device():
    lines = addresses.release().set_up.splitlines()
    install = f'    %pip install --quiet "{addresses.release().requirement}"'
    assert [line for line in lines if "pip" in line] == [install]
    assert lines[-1].startswith('print("Device:"')


@pytest.mark.parametrize("beside", ["nothing", "a folder", "a checkout", "the package"])
def test_the_set_up_cell_finds_the_package_and_no_folder_of_that_name(tmp_path: Path, beside: str):
    """The cells run without what is installed as `nmcourse`; pip is a new entry of the path."""
    folder = tmp_path / "nmcourse"
    if beside == "a folder":
        folder.mkdir()
    elif beside == "a checkout":
        (folder / "nmcourse").mkdir(parents=True)
        (folder / "nmcourse/__init__.py").touch()
    elif beside == "the package":
        folder.symlink_to(pairs.ROOT / "nmcourse")
    pip = f"    print('installed'); sys.path.append({str(pairs.ROOT)!r})"
    set_up = re.sub(r"^ +%pip .*$", lambda _: pip, addresses.release().set_up, flags=re.MULTILINE)
    packages = f"import sys; sys.path += ['', {sysconfig.get_path('purelib')!r}]"  # no .pth is read
    next_cell = "from nmcourse.models import VanillaRNN"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "\n".join([packages, set_up, next_cell])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("installed" in done.stdout) == (beside != "the package")


@pytest.mark.parametrize(
    "cells",
    [
        ("1 + 1",),
        ("import torch", "{}"),
        ("{}\nx = 1",),
        ("{}", "{}"),
        (addresses.SET_UP_TITLE + "\nimport nmcourse",),
    ],
    ids=["missing", "not first", "longer", "twice", "another"],
)
def test_another_first_cell_is_found(book: Path, cells: tuple[str, ...]):
    code = addresses.release(book).set_up
    (book / "book/first.md").write_text(chapter(code, "1 + 1"))
    (book / "book/second.md").write_text(chapter(*(cell.replace("{}", code) for cell in cells)))
    (problem,) = addresses.set_up_problems(book)
    assert problem.startswith("book/second.md: the set-up cell is not the first")


def test_an_old_set_up_cell_is_replaced_and_keeps_its_options(book: Path):
    old = f":tags: [hide-input]\n\n{addresses.SET_UP_TITLE}\nimport nmcourse"
    for name in ("first", "second"):
        (book / f"book/{name}.md").write_text(chapter(old, "1 + 1"))
    addresses.write(book)
    assert addresses.set_up_problems(book) == []
    text = (book / "book/first.md").read_text()
    assert f":tags: [hide-input]\n\n{addresses.release(book).set_up}\n```" in text
    assert "1 + 1" in text
