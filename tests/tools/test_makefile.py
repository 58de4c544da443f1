"""The Makefile makes what it needs, also where an earlier try stopped half-way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import pairs

# Stands for Python: makes an environment with a stand-in that has pip if the file `pip` lies here.
PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit 0
for folder; do :; done  # the last argument
mkdir -p "$folder/bin"
cat > "$folder/bin/python" <<'END'
#!/bin/sh
[ -e pip ] || { echo "No module named pip" >&2; exit 1; }
[ "$3" = --version ] || echo "$@" >> installed
END
chmod +x "$folder/bin/python"
[ -e pip ] || { echo "ensurepip is not available" >&2; exit 1; }
"""
FILES = ("Makefile", "requirements.txt", "requirements.lock", "pyproject.toml")
TARGETS = {".venv": "install", ".venv-teaching": ".venv-teaching/.installed"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder in which make runs with a stand-in for Python."""
    for name in (*FILES, "requirements-teaching.txt"):
        shutil.copy(pairs.ROOT / name, tmp_path)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def make(tree: Path, target: str) -> tuple[int, str]:
    """Exit status of a target, and what was printed."""
    done = run(tree, "PYTHON=./python", target)
    return done.returncode, done.stdout + done.stderr


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Make with these words, and none of those that the make around these tests was given."""
    around = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")
    own = {name: value for name, value in os.environ.items() if name not in around}
    return subprocess.run(
        ["make", *words], cwd=tree, env=own, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("folder", TARGETS)
def test_an_environment_without_pip_is_named_and_completed_later(tree: Path, folder: str):
    for _ in range(2):
        status, printed = make(tree, TARGETS[folder])
        assert status != 0
        assert f"{folder} is half-made: it has no pip" in printed
        assert "apt install python3-venv" in printed
    kept = tree / folder / "mine"
    kept.touch()
    (tree / "pip").touch()
    status, printed = make(tree, TARGETS[folder])
    assert status == 0, printed
    assert "pip install" in (tree / "installed").read_text()
    assert kept.exists()


def test_an_environment_that_is_there_is_left_alone(tree: Path):
    (tree / "pip").touch()
    assert make(tree, "install")[0] == 0
    (tree / "python").write_text("#!/bin/sh\n[ $1 = -c ]\n")  # makes no environment any more
    (tree / "requirements.txt").touch()
    status, printed = make(tree, "install")
    assert status == 0, printed


NEEDED = {
    "chapter": "CHAPTER=book/dynamics/rate_networks",
    "page": "CHAPTER=book/dynamics/rate_networks",
    "inventory": "OUT=../class",
    "assignments": "OUT=../class",
    "grade": "HOMEWORK=../homework/rates.json SUBMISSIONS=../submissions OUT=../class",
    "similarity": "HOMEWORK=../homework/rates.json SUBMISSIONS=../submissions OUT=../class",
    "bench-against": "BASE=v0.1.0",
}


@pytest.mark.parametrize("target", NEEDED)
def test_what_a_target_has_to_be_told_is_asked_for_before_anything_is_installed(
    tree: Path, target: str
):
    status, printed = make(tree, target)
    assert status != 0
    assert f"for example: make {target} {NEEDED[target]}" in printed
    assert not (tree / ".venv").exists()
    given = dict(word.split("=") for word in NEEDED[target].split())
    words = [f"{name}={value}" for name, value in given.items()]
    assert run(tree, "--dry-run", target, *words).returncode == 0


def test_a_site_that_is_not_built_is_not_served(tree: Path):
    (tree / "pip").touch()
    status, printed = make(tree, "serve")
    assert status != 0
    assert 'There is no site yet: run "make book" first.' in printed


@pytest.mark.parametrize("peers", ["", "/some where/python"])
def test_only_the_benchmark_of_loops_is_told_of_peers(tree: Path, peers: str):
    (tree / "pip").touch()
    assert make(tree, "install")[0] == 0
    (tree / "benchmarks").mkdir()
    for name in ("bench_figures.py", "bench_loops.py", "bench_training.py"):
        (tree / "benchmarks" / name).touch()
    done = run(tree, "PYTHON=./python", "bench", *([f"PEERS={peers}"] if peers else []))
    assert done.returncode == 0, done.stderr
    told = f" --peers {peers}" if peers else ""
    assert (tree / "installed").read_text().splitlines()[-3:] == [
        "benchmarks/bench_figures.py",
        f"benchmarks/bench_loops.py{told}",
        "benchmarks/bench_training.py",
    ]
