"""Imports run one way: models and tasks know nothing of training, analysis or figures."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "nmcourse"
TOP = {"pretrained", "claims", "exercises"}
FORBIDDEN = {
    "models": TOP | {"published", "training", "analysis", "figures", "tasks"},
    "tasks": TOP | {"published", "training", "analysis", "figures", "models"},
    "figures": TOP | {"published", "training", "analysis", "models", "tasks"},
    "training": TOP | {"figures", "analysis"},
    "analysis": TOP | {"figures", "training"},
}


def imported(path: Path) -> set[str]:
    """Return the parts of the package that a file imports, wherever it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = ["nmcourse", *path.relative_to(PACKAGE).parts[:-1]]
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("nmcourse.")}


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_imports_nothing_that_builds_on_it(part: str):
    files = sorted((PACKAGE / part).rglob("*.py"))
    assert files
    wrong = {file.name: sorted(imported(file) & FORBIDDEN[part]) for file in files}
    assert {name: parts for name, parts in wrong.items() if parts} == {}


def test_every_kind_of_import_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    file = tmp_path / "models" / "module.py"
    file.parent.mkdir()
    file.write_text(
        "import nmcourse.tasks\nfrom nmcourse import analysis\nfrom nmcourse.training import fit\n"
        "from ..figures import style\nfrom .. import claims\nfrom . import other\n"
        "def f():\n    from nmcourse.pretrained import load\nimport torch\n"
    )
    parts = {"tasks", "analysis", "training", "figures", "claims", "models", "pretrained"}
    assert imported(file) == parts
