"""tools.colab: the wheel alone is enough for a chapter, and adds nothing else to what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import tomllib

from tools import addresses, bundle, colab, notebooks, pairs

# What the packages that the course asks for are called in an import.
IMPORTED_AS = {"scikit-learn": "sklearn", "pillow": "PIL"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the course."""
    return bundle.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with torch and numpy, and without the course."""
    return colab.beside_these_packages(tmp_path_factory.mktemp("colab"))


@pytest.fixture(scope="module")
def installed(environment: Path, wheel: Path) -> Path:
    """The same environment with the course."""
    assert colab.added(environment, str(wheel)) == {"nmcourse": addresses.release().version}
    folder = colab.install(environment, wheel)
    assert folder.is_relative_to(environment)
    assert not folder.is_relative_to(pairs.ROOT)
    return environment


def test_the_wheel_has_every_file_of_the_package(wheel: Path):
    assert bundle.missing_from_wheel(wheel) == []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for pattern in ("pretrained/weights/", "evidence/results/", "figures/assets/", "ledger.json"):
        assert any(pattern in name for name in names), pattern
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_a_file_that_the_wheel_lacks_is_found(wheel: Path, tmp_path: Path):
    short = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(short, "w") as new:
        for name in old.namelist():
            if name != "nmcourse/claims/ledger.json":
                new.writestr(name, old.read(name))
    assert bundle.missing_from_wheel(short) == ["nmcourse/claims/ledger.json"]


@pytest.mark.slow
def test_installing_adds_the_course_and_nothing_else(installed: Path):
    code = "import torch, numpy; print(torch.__version__, numpy.__version__)"
    here, there = (
        subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
        for python in (sys.executable, str(colab._python(installed)))
    )
    assert here == there


@pytest.mark.slow
def test_a_requirement_that_is_not_met_would_be_seen(environment: Path, tmp_path: Path):
    """Without a network pip cannot fetch what is missing, and says so."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "needy"\nversion = "1"\ndependencies = ["torch>=999"]\n'
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        "[tool.setuptools]\npackages = []\n"
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(tmp_path)]
    subprocess.run(command, check=True)
    (needy,) = tmp_path.glob("needy-*.whl")
    with pytest.raises(subprocess.CalledProcessError):
        colab.added(environment, str(needy))


@pytest.mark.slow
def test_there_is_no_network_in_the_environment(installed: Path):
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    command = [str(colab._python(installed)), "-c", code]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "a chapter runs without a network, and asked for 192.0.2.1" in failed.stderr


def test_one_notebook_of_each_part_is_chosen():
    assert list(colab.parts()) == list(colab.ONE_OF_EACH)
    for caption, name in colab.ONE_OF_EACH.items():
        assert name in colab.parts()[caption]


@pytest.mark.slow
@pytest.mark.parametrize("name", colab.ONE_OF_EACH.values())
def test_a_chapter_of_each_part_runs_from_an_empty_folder(installed: Path, name: str):
    passed, printed = colab.run(installed, name)
    assert passed, printed


@pytest.mark.slow
def test_a_chapter_that_needs_the_tree_fails(installed: Path, tmp_path: Path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells.append(nbformat.v4.new_code_cell("import tools"))
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    passed, printed = colab.run(installed, "chapter", tmp_path)
    assert not passed
    assert "No module named 'tools'" in printed


@pytest.mark.parametrize("name", notebooks.names())
def test_a_chapter_uses_only_what_colab_has(name: str):
    project = tomllib.loads((pairs.ROOT / "pyproject.toml").read_text())["project"]
    asked = [requirement.split(">=")[0] for requirement in project["dependencies"]]
    known = {IMPORTED_AS.get(package, package) for package in asked}
    known |= {"nmcourse", "IPython", "ipywidgets"} | sys.stdlib_module_names
    notebook = nbformat.read(pairs.ROOT / f"{name}.ipynb", as_version=4)
    imported, commands = set(), []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        lines = cell.source.splitlines()
        commands += [line.strip() for line in lines if line.lstrip().startswith(("%", "!"))]
        plain = [line for line in lines if not line.lstrip().startswith(("%", "!"))]
        for node in ast.walk(ast.parse("\n".join(plain))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert imported <= known
    assert commands == [f'%pip install --quiet "{addresses.release().requirement}"']


def test_the_page_says_what_a_plain_jupyterlab_needs():
    """The kernel brings IPython; what chapters import beyond that is asked for, and files exist."""
    page = (pairs.ROOT / "book/start/before_you_start.md").read_text(encoding="utf-8")
    release = addresses.release()
    assert f'pip install jupyterlab ipywidgets "{release.requirement}"' in page
    linked = re.findall(rf"{release.address}/blob/{release.tag}/([\w/]+\.ipynb)", page)
    assert linked
    assert [name for name in linked if not (pairs.ROOT / name).is_file()] == []


def test_a_requirement_that_cannot_be_had_does_not_hide_the_chapters(
    environment: Path,
    wheel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def added(environment: Path, requirement: str, *, offline: bool) -> dict[str, str]:
        if requirement != str(wheel):
            raise subprocess.CalledProcessError(1, "pip")
        return {"nmcourse": addresses.release().version}

    monkeypatch.setattr(colab, "NEWEST", tmp_path)
    monkeypatch.setattr(colab, "beside_the_newest", lambda folder, root: environment)
    monkeypatch.setattr(bundle, "wheel", lambda folder, root: wheel)
    monkeypatch.setattr(colab, "added", added)
    monkeypatch.setattr(colab, "install", lambda environment, wheel: wheel)
    monkeypatch.setattr(colab, "run", lambda environment, name, root: (True, ""))
    (problem,) = colab.check(["book/intro"], newest=True, root=pairs.ROOT)
    assert problem.startswith(f"{addresses.release().requirement} cannot be installed")
    assert "passed  book/intro" in capsys.readouterr().out
