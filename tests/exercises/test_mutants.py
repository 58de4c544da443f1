"""A reference that somebody has changed by hand never passes.

Each reference is changed in all the small ways in which a formula is got wrong: a constant, a sign,
an operation, a term left out, one function for another. The check must catch every one, except the
few that compute the same thing; these are listed, each with its reason.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Iterator

import pytest

from nmcourse.exercises import Exercise, check, exercises

OPERATIONS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.MatMult: ast.Mult,
}
COMPARISONS = {ast.GtE: ast.Lt, ast.Gt: ast.Lt, ast.LtE: ast.Gt, ast.Lt: ast.Gt}
NAMES = {
    "min": "max",
    "max": "min",
    "maximum": "minimum",
    "mean": "sum",
    "real": "imag",
    "imag": "real",
    "exp": "cosh",
    "log": "log10",
    "sqrt": "abs",
    "cosh": "exp",
    "median": "mean",
    "round": "int",
    "abs": "float",
}
GAIN_4 = (
    "ell = torch.nn.functional.normalize(torch.randn({}, generator="
    "torch.Generator().manual_seed({}), dtype=torch.float64), dim=0)"
)
RING = "return {}float(brentq(lambda radius: _RING * _mean_slope(radius ** 2) - 1, {}, {}))"
# Changes that compute the same thing, or an answer that is to be accepted, and why.
EQUIVALENT = (
    {
        ("rates-2", "return torch.stack(v, dim=2)"): "another order of axes, which is accepted",
        ("low-rank-3", "nodes, weights = np.polynomial.hermite_e.hermegauss(81)"): "one node more",
        ("mwg-3", "inputs = torch.zeros(2, 60, 3, dtype=number.dtype, requires_grad=True)"): "one "
        "trial more, which nobody reads",
        ("mwg-3", "length = inputs.grad[0].norm(dim=1)"): "the last of two axes",
        ("attractors-1", "difference = place + turn * angle"): "both directions are tried",
        ("attractors-3", "return -(x / x.norm())"): "both shapes are turned round",
        ("mwg-5", "return -math.nan"): "NaN has no sign",
        ("gain-6", "return 2 * math.pi * tau * float(pair.real.min() / pair.imag.max())"): "both "
        "eigenvalues of a pair have the same real part",
        ("building-3", "before, here = (0.0, tau / (1 - recurrence))"): "zero is not changed",
        ("time-4", "source = np.random.default_rng(1)"): "another seed",
        ("low-rank-4", "for k in range(181):"): "one angle is taken twice",
        ("low-rank-4", "angle = math.radians(k)"): "half of the ring: the other half mirrors it",
        ("low-rank-4", "angle = math.radians(3 * k)"): "120 angles find nearly the same maximum",
        ("low-rank-4", "nodes, weights = np.polynomial.hermite_e.hermegauss(81)"): "one node more",
        ("mwg-6", "squares = missed ** 2"): "the mask of these trials is 1 everywhere",
        ("gain-4", GAIN_4.format(51, 0)): "one unit more",
        ("gain-4", GAIN_4.format(50, 1)): "another network",
        ("over-time-3", "for _ in range(101):"): "the root is halved in once more",
        ("over-time-5", "times = [0.0]"): "zero is not changed",
        ("rates-5", "return float((exponents(W, strength) > 0.015).double().mean())"): "no network "
        "is so close to the limit",
    }
    | {
        ("over-time-3", f"low, high = ({low}, {high})"): "other ends of the interval of the root"
        for low, high in ((-1.0, 2.0), (-1.0, 1.5), (-2.0, 1.0), (-1.5, 1.0))
    }
    | {
        ("low-rank-4", RING.format(*ends)): "other ends of the interval in which the root is sought"
        for ends in (
            ("", "1.000001", 20.0),
            ("", 1.5e-06, 20.0),
            ("", 1e-06, 21.0),
            ("", 1e-06, 30.0),
        )
    }
    | {
        ("low-rank-4", RING.format("-", 1e-06, 20.0)): "the drift changes its sign twice",
    }
)


def mutants(function: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield each changed statement, and the function with this change."""
    defaults = {id(node) for default in function.args.defaults for node in ast.walk(default)}
    for place, node in enumerate(ast.walk(function)):
        if id(node) in defaults:  # every check gives all arguments
            continue
        for change in changes(node):
            changed = copy.deepcopy(function)
            target = list(ast.walk(changed))[place]
            new = change(copy.deepcopy(target))
            swap(changed, target, new)
            ast.fix_missing_locations(changed)
            yield statement(changed, new), changed


def changes(node: ast.AST) -> Iterator:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda n: ast.Constant(n.value + 1)
        if type(node.value) is float:
            yield lambda n: ast.Constant(n.value * 1.5)
    if isinstance(node, ast.BinOp):
        yield lambda n: ast.BinOp(n.left, OPERATIONS[type(n.op)](), n.right)
        yield lambda n: n.left
        yield lambda n: n.right
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda n: n.operand
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield lambda n: ast.Compare(n.left, [COMPARISONS[type(n.ops[0])]()], n.comparators)
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield lambda n: ast.Attribute(n.value, NAMES[n.attr], n.ctx)
    if isinstance(node, ast.Name) and node.id in NAMES:
        yield lambda n: ast.Name(NAMES[n.id], n.ctx)
    if isinstance(node, ast.Return) and node.value is not None:
        yield lambda n: ast.Return(ast.UnaryOp(ast.USub(), n.value))


def statement(tree: ast.AST, node: ast.AST) -> str:
    """The innermost statement of a tree that holds a node, its first line only."""
    holding = [
        found
        for found in ast.walk(tree)
        if isinstance(found, ast.stmt) and any(one is node for one in ast.walk(found))
    ]
    return ast.unparse(holding[-1]).splitlines()[0]


def swap(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                value[:] = [new if entry is old else entry for entry in value]


def sources(one: Exercise) -> dict[str, ast.FunctionDef]:
    """Return the reference, and the helpers of its own that it calls, without annotations."""
    found, module = {}, sys.modules[one.reference.__module__]
    waiting = [one.reference.__name__]
    while waiting:
        name = waiting.pop()
        source = textwrap.dedent(inspect.getsource(getattr(module, name)))
        function = ast.parse(source).body[0]
        function.returns = None
        for argument in function.args.args:
            argument.annotation = None
        found[name] = function
        names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        inside = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        inside |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        called = {node.id for node in names} - inside
        ours = (own(module, name) for name in called)
        waiting += [n for n, our in zip(called, ours, strict=True) if our and n not in found]
    return found


def own(module: object, name: str) -> bool:
    """Whether a name of a module is a function that is written there."""
    found = getattr(module, name, None)
    return inspect.isfunction(found) and found.__module__ == module.__name__


def survivors(one: Exercise) -> tuple[list[str], int]:
    """Return the mutants that pass the check, and the number of all."""
    module, functions = sys.modules[one.reference.__module__], sources(one)
    passed, number = [], 0
    for name, function in functions.items():
        for change, mutant in mutants(function):
            number += 1
            scope = dict(vars(module))
            for other, tree in (functions | {name: mutant}).items():
                code = compile(ast.Module([tree], []), f"<{other} of {one.id}>", "exec")
                exec(code, scope)
            if check(one.id, scope[one.reference.__name__], seed=0, seconds=2.0).passed:
                passed.append(change)
    return passed, number


@pytest.mark.parametrize(
    "one", [one for one in exercises() if one.checkable], ids=lambda one: one.id
)
def test_a_changed_reference_never_passes(one: Exercise):
    passed, number = survivors(one)
    assert number >= 2
    assert [change for change in passed if (one.id, change) not in EQUIVALENT] == []


def test_each_exception_is_needed():
    listed = {one.id: one for one in exercises()}
    for name in {name for name, _ in EQUIVALENT}:
        passed, _ = survivors(listed[name])
        assert {change for other, change in EQUIVALENT if other == name} <= set(passed)
