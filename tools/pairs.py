"""Keep the two files of a chapter together: NAME.md, which people edit, and NAME.ipynb.

The notebook is what Colab opens and what the tests execute. It is generated from the MyST
source, holds no outputs, and is committed.

    python -m tools.pairs write      regenerate every notebook
    python -m tools.pairs check      fail if a notebook differs from its source
    python -m tools.pairs format     apply ruff's format to the code cells of the sources

A list of .md files after the command restricts it to these chapters.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat
import yaml

from nmcourse._files import write_text

ROOT = Path(__file__).resolve().parents[1]
KEPT_METADATA = ("jupytext", "kernelspec")
CODE_CELL = re.compile(r"^```\{code-cell\}.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)


def sources(root: Path = ROOT) -> list[Path]:
    """Return the MyST notebooks of the book: the .md files whose header names jupytext."""
    return [path for path in sorted((root / "book").rglob("*.md")) if _is_notebook(path)]


def _is_notebook(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    if not text.startswith("---\n"):
        return False
    header = yaml.safe_load(text[4:].split("\n---", 1)[0])
    return isinstance(header, dict) and "jupytext" in header


def write(paths: list[Path], root: Path = ROOT) -> None:
    """Generate the notebook beside each source; cells that did not change keep their ids."""
    if not paths:
        return
    command = [sys.executable, "-m", "jupytext", "--quiet", "--to", "ipynb", "--update"]
    subprocess.run([*command, *map(str, paths)], cwd=root, check=True)
    for path in paths:
        _strip(path.with_suffix(".ipynb"))


def _strip(path: Path) -> None:
    """Remove outputs, execution counts and the traces of an editor from a notebook."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {k: v for k, v in notebook.metadata.items() if k in KEPT_METADATA}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    write_text(path, nbformat.writes(notebook) + "\n")


def _copy(paths: list[Path], root: Path, folder: Path) -> list[Path]:
    """Copy sources and notebooks to `folder`, with the jupytext settings they need."""
    shutil.copy(root / "pyproject.toml", folder)
    copies = []
    for path in paths:
        copy = folder / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        if path.with_suffix(".ipynb").exists():
            shutil.copy(path.with_suffix(".ipynb"), copy.with_suffix(".ipynb"))
        copies.append(copy)
    return copies


def check(paths: list[Path], root: Path = ROOT) -> list[str]:
    """Return one message per source whose notebook is missing, stale or not clean."""
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        copies = _copy(paths, root, Path(folder))
        write(copies, Path(folder))
        for path, copy in zip(paths, copies, strict=True):
            notebook = path.with_suffix(".ipynb")
            name = notebook.relative_to(root)
            if not notebook.exists():
                problems.append(f"{name}: missing; run `make pairs`")
            elif notebook.read_bytes() != copy.with_suffix(".ipynb").read_bytes():
                problems.append(
                    f"{name}: differs from {path.name}, or holds outputs. Edit the .md file, "
                    "then run `make pairs`"
                )
    return problems


def strays(root: Path = ROOT) -> list[str]:
    """Return one message per notebook without a source, or left out of version control."""
    notebooks = [p for p in (root / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    expected = {path.with_suffix(".ipynb") for path in sources(root)}
    problems = [
        f"{path.relative_to(root)}: no MyST source of that name beside it"
        for path in sorted(set(notebooks) - expected)
    ]
    tracked = _tracked(root)
    for notebook in sorted(expected & set(notebooks)):
        name = notebook.relative_to(root).as_posix()
        if name.removesuffix(".ipynb") + ".md" in tracked and name not in tracked:
            problems.append(f"{name}: its .md is under version control and it is not; git add it")
    return problems


def _tracked(root: Path) -> set[str]:
    """Return the files of the book under version control; none where there is no git."""
    if shutil.which("git") is None:
        return set()
    command = ["git", "ls-files", "book"]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return set(listing.stdout.splitlines()) if listing.returncode == 0 else set()


def formatted(paths: list[Path], root: Path = ROOT) -> dict[Path, str]:
    """Return the new text of each source whose code cells ruff would format differently."""
    changed = {}
    with tempfile.TemporaryDirectory() as folder:
        copies = _copy(paths, root, Path(folder))
        write(copies, Path(folder))
        notebooks = [copy.with_suffix(".ipynb") for copy in copies]
        if notebooks:
            command = [sys.executable, "-m", "ruff", "format", "--quiet", *map(str, notebooks)]
            subprocess.run(command, cwd=folder, check=True)
        for path, notebook in zip(paths, notebooks, strict=True):
            cells = nbformat.read(notebook, as_version=4).cells
            code = iter([cell.source for cell in cells if cell.cell_type == "code"])
            text = path.read_text(encoding="utf-8")
            new = CODE_CELL.sub(partial(_with_code, code), text)
            if new != text:
                changed[path] = new
    return changed


def _with_code(cells: Iterator[str], fence: re.Match[str]) -> str:
    """Put the code of the next cell in a code-cell fence, after its first line and its options."""
    lines, code = fence[0].split("\n"), next(cells)
    start = 1
    if lines[1].strip() == "---":
        start = lines.index("---", 2) + 1
    else:
        while lines[start].startswith(":"):
            start += 1
    if lines[start] == "" and start > 1:
        start += 1
    return "\n".join([*lines[:start], *([code] if code else []), lines[-1]])


def main(arguments: list[str]) -> int:
    """Run one command; return the exit status."""
    command, *names = arguments or ["help"]
    paths = [Path(name).resolve() for name in names] or sources()
    if missing := [name for name, path in zip(names, paths, strict=False) if not path.is_file()]:
        known = ", ".join(path.relative_to(ROOT).as_posix() for path in sources())
        print(f"no such chapter: {', '.join(missing)}; there are {known}", file=sys.stderr)
        return 2
    if command == "write":
        write(paths)
        problems = strays() if not names else []
    elif command == "check":
        problems = check(paths) + (strays() if not names else [])
    elif command == "format":
        for path, text in formatted(paths).items():
            write_text(path, text)
            print(f"formatted {path.relative_to(ROOT)}")
        problems = []
    else:
        print(__doc__)
        return 2
    for problem in problems:
        print(problem, file=sys.stderr)
    if command == "check" and not problems:
        print(f"{len(paths)} chapter sources: in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
