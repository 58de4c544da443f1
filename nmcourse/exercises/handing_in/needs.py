"""Which statements of a notebook an answer needs: it is called after these, and before all others.

A notebook holds answers and whatever else its author tried. An answer that is right must not lose
its points because another cell takes an hour, changes a name or ends the program. So the statements
are followed backwards from the name of the function, through the names that they use.
"""

from __future__ import annotations

import ast
import symtable
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nmcourse.exercises.handing_in.plain_python import syntax_tree

# Names by which the packages are imported on which a notebook can rely.
PACKAGES = ("matplotlib", "nmcourse", "numpy", "scipy", "sklearn", "torch")
_QUIET = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
Cells = Sequence[tuple[int, str]]


@dataclass(frozen=True)
class _Statement:
    """A statement at the top level of a cell.

    Attributes:
        cell: Number of the cell.
        index: Which of its statements it is, from 0.
        binds: Names that it gives a value.
        imports: Those of them that it imports.
        changes: Names whose object it may change in place.
        sets: Those of them that it changes although they are packages, such as ``torch`` in
            ``torch.manual_seed(0)``.
        uses: Names of the notebook that it reads, then or when its functions are called.
    """

    cell: int
    index: int
    binds: frozenset[str]
    imports: frozenset[str]
    changes: frozenset[str]
    sets: frozenset[str]
    uses: frozenset[str]


def needed(cells: Cells, function: str) -> dict[int, list[int]]:
    """Return the statements that a function needs: for each cell their numbers, from 0.

    A name has the value that it has at the end of the cell with the function; what comes later
    counts only if there is nothing before. If the function is defined several times, the last one
    counts.

    Args:
        cells: Number and plain code of each cell.
        function: Name of the function.

    Returns:
        Cells and statements in the order in which they run; empty if no statement defines it.
    """
    statements = [one for number, code in cells for one in _statements(number, code)]
    imported = {name for one in statements for name in one.imports}
    defining = [place for place, one in enumerate(statements) if function in one.binds]
    if not defining:
        return {}
    last = statements[defining[-1]].cell
    end = max(place for place, one in enumerate(statements) if one.cell == last) + 1
    chosen: set[int] = set()
    known: set[str] = set()
    wanted = [function]
    while wanted:
        name = wanted.pop()
        if name in known:
            continue
        known.add(name)
        places: Iterable[int] = range(end)
        if not any(name in statements[place].binds for place in places):
            places = range(len(statements))
        for place in places:
            one = statements[place]
            changes = one.sets if name in imported else one.changes
            if place not in chosen and (name in one.binds or name in changes):
                chosen.add(place)
                wanted += one.uses
    found: dict[int, list[int]] = {}
    for place in sorted(chosen):
        found.setdefault(statements[place].cell, []).append(statements[place].index)
    return found


def does_more(cells: Cells, chosen: Mapping[int, Sequence[int]]) -> bool:
    """Return whether other statements than the chosen ones might change what an answer returns.

    Definitions and imports that nobody needs do not.
    """
    for number, code in cells:
        tree = _parsed(code)
        for index, node in enumerate(tree.body if tree else ()):
            quiet = isinstance(node, _QUIET) or _is_marker(node)
            if not quiet and index not in chosen.get(number, ()):
                return True
    return False


def _is_marker(node: ast.stmt) -> bool:
    """Whether it is the line that names the assignment, or a text."""
    match node:
        case ast.Assign(targets=[ast.Name(id="ASSIGNMENT")]) | ast.Expr(value=ast.Constant()):
            return True
    return isinstance(node, ast.Pass)


def missing_packages(cells: Cells) -> dict[str, int]:
    """Return the packages that are imported and not promised, with the first cell that does so."""
    found: dict[str, int] = {}
    for number, code in cells:
        tree = _parsed(code)
        for node in ast.walk(tree) if tree else ():
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in (name.split(".")[0] for name in names):
                if name not in PACKAGES and name not in sys.stdlib_module_names:
                    found.setdefault(name, number)
    return found


def _parsed(code: str) -> ast.Module | None:
    try:
        return syntax_tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statements(cell: int, code: str) -> Iterator[_Statement]:
    tree = _parsed(code)
    for index, node in enumerate(tree.body if tree else ()):
        try:
            table = symtable.symtable(ast.unparse(node), "<cell>", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # such as a `return` outside a function: it will raise when it runs
        symbols = table.get_symbols()
        binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
        imports = {s.get_name() for s in symbols if s.is_imported()}
        uses = {s.get_name() for s in symbols if s.is_referenced()}
        for inner in _below(table):
            for symbol in inner.get_symbols():
                if symbol.is_global():
                    uses.add(symbol.get_name())
                    if symbol.is_declared_global() and symbol.is_assigned():
                        binds.add(symbol.get_name())
        changes = dict(sorted(_changed(node)))  # of (name, False) and (name, True) the latter
        yield _Statement(
            cell=cell,
            index=index,
            binds=frozenset(binds),
            imports=frozenset(imports),
            changes=frozenset(changes),
            sets=frozenset(name for name, surely in changes.items() if surely),
            uses=frozenset(uses),
        )


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)


def _changed(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Names of the objects that a statement may change in place, outside functions and classes.

    With each whether it does so for a package too. ``kept.append(f(x))`` changes ``kept``;
    ``plt.plot(x)`` is no change of ``plt``, and ``torch.manual_seed(0)`` one of ``torch``.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return
    targets: list[ast.expr] = []
    surely = True
    match node:
        case ast.Assign() | ast.Delete():
            targets = list(node.targets)
        case ast.AugAssign() | ast.AnnAssign():
            targets = [node.target]
        case ast.Expr(value=ast.Call(func=ast.Attribute() as method, args=given, keywords=named)):
            targets = [method]
            surely = all(_fixed(one) for one in [*given, *(word.value for word in named)])
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            if isinstance(part, ast.Attribute | ast.Subscript) and (name := _root(part)):
                yield name, surely
    for child in ast.iter_child_nodes(node):
        yield from _changed(child)


def _fixed(node: ast.expr) -> bool:
    """Whether an argument is the same whatever the notebook has computed, such as a number."""
    match node:
        case ast.Constant():
            return True
        case ast.Attribute():
            return bool(_root(node))
        case ast.UnaryOp():
            return _fixed(node.operand)
        case ast.List() | ast.Tuple():
            return all(_fixed(one) for one in node.elts)
    return False


def _root(node: ast.expr) -> str:
    """The name at the beginning of ``name.a[0].b``; empty if there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
