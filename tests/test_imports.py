"""Imports run one way, between the rooms of the package and inside each of them.

A room is a folder of ``nmcourse``. What it may import stands in ``MAY_IMPORT``. From outside a room
a name comes from the room's ``__init__.py``; inside it comes from the file where it is written.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).resolve().parents[1]
BUILDING_BLOCKS = {"models", "tasks"}
MAY_IMPORT: dict[str, set[str]] = {
    "models": set(),
    "evidence": set(),
    "tasks": set(),
    "figures": set(),
    "pretrained": {"models"},
    "published": {"models"},
    "training": BUILDING_BLOCKS,
    "analysis": BUILDING_BLOCKS,
    "exercises": BUILDING_BLOCKS,
    "experiments": BUILDING_BLOCKS
    | {"evidence", "pretrained", "published", "training", "analysis"},
    "claims": {"evidence", "training", "experiments"},
}
FOR_EVERYBODY = {"", "_files", "_inputs"}  # "" is the package itself: its version
MEASURES = ("judging", "runner", "__main__")  # the files of claims that know experiments

# Files of a room that others may import from directly, and why the room's __init__ is no way there.
OPEN_FILES = {
    "nmcourse.experiments": "its __init__ is empty on purpose: one setting must not load them all",
    "nmcourse.claims.judging": "to read the ledger must not load the experiments that it imports",
    "nmcourse.claims.runner": "to read the ledger must not load the experiments that it imports",
    "nmcourse.exercises.checking": "homework is checked by the engine that checks the exercises",
    "nmcourse.exercises.handing_in": "one code reads a notebook, before and after it is handed in",
    "nmcourse.models.loops": "a chapter and a benchmark switch the compiled loops on and off",
}
# Folders of a room that build on the files beside them.
UPPER_FOLDERS = ("vision", "gains")
REGISTRIES = ("__init__.py", "_registry.py", "registry.py")  # they list what all folders hold
ONLY_IN_LOOPS = {"torch", "numpy"}  # numpy carries the arrays to the compiled loop
COMPILED = {"numba", "scipy", "threadpoolctl"}  # what compiles, where it is installed


class Import(NamedTuple):
    """``name`` is None where a whole module is imported."""

    line: int
    module: str
    name: str | None

    @property
    def room(self) -> str:
        return self.module.partition(".")[2].partition(".")[0]


class Sources(dict[str, Path]):
    """Module name -> file, of everything below a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            (".".join(path.relative_to(folder.parent).with_suffix("").parts), path)
            for path in sorted(folder.rglob("*.py"))
        )
        for name in [name for name in self if name.endswith(".__init__")]:
            self[name.removesuffix(".__init__")] = self.pop(name)
        self.known: dict[str, list[Import]] = {}

    def imports(self, source: str, module: str = "", *, is_folder: bool = False) -> list[Import]:
        """What a text imports, at its top and inside its functions."""
        return list(self._imports(ast.parse(source), module.split("."), is_folder))

    def of(self, module: str) -> list[Import]:
        """What a file imports; read once, because every test asks."""
        if module not in self.known:
            path = self[module]
            source = path.read_text(encoding="utf-8")
            is_folder = path.name == "__init__.py"
            self.known[module] = self.imports(source, module, is_folder=is_folder)
        return self.known[module]

    def _imports(self, tree: ast.Module, here: list[str], is_folder: bool) -> Iterator[Import]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (Import(node.lineno, alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                up = node.level - is_folder
                base = here[: len(here) - up] if node.level else []
                module = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    # A function may be named as its file: from outside, the function is meant.
                    shown = module.count(".") == 1 and alias.name in self.face(module)
                    file = f"{module}.{alias.name}" in self and not shown
                    whole = (f"{module}.{alias.name}", None) if file else (module, alias.name)
                    yield Import(node.lineno, *whole)

    def face(self, room: str) -> set[str]:
        """The names that a room shows in its ``__init__.py``."""
        if room not in self:
            return set()
        for node in ast.parse(self[room].read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return set(ast.literal_eval(node.value))
        return set()


PACKAGE = Sources(TOP / "nmcourse")
ROOMS = sorted({name.split(".")[1] for name in PACKAGE if "." in name} - FOR_EVERYBODY)


def room_of(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def ours(found: list[Import]) -> list[Import]:
    return [one for one in found if one.module.partition(".")[0] == "nmcourse"]


def test_every_room_has_a_rule():
    assert sorted(MAY_IMPORT) == ROOMS


def arrows_out_of(room: str, sources: Sources) -> list[str]:
    """The imports of a room that its rule does not allow."""
    allowed = MAY_IMPORT[room] | FOR_EVERYBODY | {room}
    return [
        f"{module}:{one.line} imports {one.module}"
        for module in sources
        if room_of(module) == room
        for one in ours(sources.of(module))
        if one.room not in allowed
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str):
    assert arrows_out_of(room, PACKAGE) == []


def test_no_two_files_import_each_other():
    graph = {name: {one.module for one in ours(PACKAGE.of(name))} - {name} for name in PACKAGE}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def is_open(module: str) -> bool:
    return any(module == file or module.startswith(f"{file}.") for file in OPEN_FILES)


def intrusions(found: list[Import], room: str) -> list[str]:
    """Imports from outside a room that go past its ``__init__``, or take what is private."""
    wrong = []
    for one in ours(found):
        if one.room in {room, *FOR_EVERYBODY}:
            continue
        parts = [*one.module.split("."), *([one.name] if one.name else [])]
        if any(part.startswith("_") and not part.startswith("__") for part in parts):
            wrong.append(f"line {one.line} takes the private {'.'.join(parts)}")
        elif one.module.count(".") > 1 and not is_open(one.module):
            wrong.append(f"line {one.line} imports {one.module}, not nmcourse.{one.room}")
        elif one.name and one.module.count(".") == 1 and one.name not in PACKAGE.face(one.module):
            wrong.append(f"line {one.line}: nmcourse.{one.room} does not show {one.name}")
    return wrong


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_entered_through_its_init(room: str):
    wrong = {
        module: intrusions(PACKAGE.of(module), room)
        for module in PACKAGE
        if room_of(module) == room
    }
    assert {module: lines for module, lines in wrong.items() if lines} == {}


def python_beside_the_package() -> list[Path]:
    return [path for folder in ("tools", "book") for path in code_in(TOP / folder)]


def code_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in {".py", ".md"}]


def imports_of_page(path: Path) -> list[Import]:
    """The imports of a Python file, or of the code cells of a chapter."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return PACKAGE.imports(text)
    found, lines = [], text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("from nmcourse"):
            end = number
            while "(" in line and ")" not in lines[end]:
                end += 1
            statement = "\n".join(lines[number : end + 1])
            found += [one._replace(line=number + 1) for one in PACKAGE.imports(statement)]
    return found


def test_tools_and_chapters_enter_a_room_through_its_init():
    pages = python_beside_the_package()
    assert len(pages) > 50
    wrong = {str(page.relative_to(TOP)): intrusions(imports_of_page(page), "") for page in pages}
    assert {page: lines for page, lines in wrong.items() if lines} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_inside_a_room_a_name_comes_from_its_file(room: str):
    wrong = [
        f"{module}:{one.line}"
        for module in PACKAGE
        if room_of(module) == room and not module.endswith("__main__")  # a command, not a part
        for one in ours(PACKAGE.of(module))
        if one.module == f"nmcourse.{room}"
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", UPPER_FOLDERS)
def test_a_folder_builds_on_the_files_beside_it_and_not_they_on_it(folder: str):
    wrong = [
        f"{module}:{one.line} imports {one.module}"
        for module, path in PACKAGE.items()
        if path.name not in REGISTRIES and module.split(".")[2:3] != [folder]
        for one in ours(PACKAGE.of(module))
        if one.room == room_of(module) and one.module.split(".")[2:3] == [folder]
    ]
    assert wrong == []


def test_loops_know_tensors_and_no_model():
    loops = [module for module in PACKAGE if module.startswith("nmcourse.models.loops")]
    assert len(loops) > 3
    for module in loops:
        known = ONLY_IN_LOOPS | set(sys.stdlib_module_names)
        if module.startswith(("nmcourse.models.loops.compiled", "nmcourse.models.loops.kernels")):
            known |= COMPILED
        for one in PACKAGE.of(module):
            if not one.module.startswith(("nmcourse.models.loops", "nmcourse._")):
                assert one.module.split(".")[0] in known, (module, one)


def test_reading_the_ledger_loads_no_experiment():
    for module in PACKAGE:
        if room_of(module) == "claims" and module.rpartition(".")[2] not in MEASURES:
            for one in ours(PACKAGE.of(module)):
                assert one.room in {"claims", "evidence", *FOR_EVERYBODY}, (module, one)
                assert one.module.rpartition(".")[2] not in MEASURES, (module, one)


def test_of_training_claims_know_the_tiers_only():
    for module in PACKAGE:
        if room_of(module) == "claims":
            taken = {one.name for one in ours(PACKAGE.of(module)) if one.room == "training"}
            assert taken <= {"TIERS"}, module


def test_every_kind_of_import_is_seen():
    text = (
        "import nmcourse.tasks\nfrom nmcourse import analysis\nfrom nmcourse.training import fit\n"
        "from ..figures import style\nfrom .. import claims\nfrom . import other\n"
        "def f():\n    from nmcourse.pretrained import load\nimport torch\n"
    )
    found = PACKAGE.imports(text, "nmcourse.models.module")
    rooms = {"tasks", "analysis", "training", "figures", "claims", "models", "pretrained"}
    assert {one.room for one in ours(found)} == rooms
    assert Import(3, "nmcourse.training", "fit") in found


@pytest.mark.parametrize(
    "line",
    [
        "from nmcourse.models._base import swap_time",
        "from nmcourse.models import _base",
        "from nmcourse.models.vision.layers import convolve",
        "from nmcourse.models.vision import layers",
        "from nmcourse.tasks import check_count",
        "import nmcourse.evidence.record",
    ],
)
def test_a_way_past_the_init_is_seen(line: str):
    assert len(intrusions(PACKAGE.imports(line), "training")) == 1


def test_an_arrow_turned_round_is_seen(tmp_path: Path):
    room = tmp_path / "nmcourse" / "models"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text("from nmcourse.training import fit\n")
    sources = Sources(tmp_path / "nmcourse")
    assert arrows_out_of("models", sources) == ["nmcourse.models:1 imports nmcourse.training"]
