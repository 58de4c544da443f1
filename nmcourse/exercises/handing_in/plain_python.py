"""Make plain Python of a notebook's cell, by the rules of IPython."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

RUN_HERE = ("time", "prun", "memit", "capture")  # commands that run Python in the notebook itself
_OPTIONS = re.compile(r"(?:--?[\w-]+(?:[ =]\d+)?\s+)*")  # of such a command, before its code
_QUIET = {"run_line_magic": "None", "run_cell_magic": "None", "system": "None", "getoutput": "[]"}
_WRITE = re.compile(r"%%(?:writefile|file)\s+(?P<append>-a\s+)?(?P<name>\S+)\s*$")
_PROMPT = re.compile(r"^In \[\d+\]: ", re.MULTILINE)  # also Python, of another meaning
_NESTED = 10  # cell commands on top of each other
# Each command makes IPython read the whole cell again: so many characters, and more per time.
_MOST_READ, _PER_READ = 1_000_000, 5_000


def plain(source: str) -> str:
    """Return the code of a cell without what only a notebook understands.

    Prompts and a common indentation are taken away. A command that runs Python, such as
    ``%time x = f()`` or ``%%capture``, leaves its Python; other commands become ``pass``, and a
    cell in another language becomes empty. Lines keep their numbers. What is still no Python is
    returned as far as it came.

    Args:
        source: The cell, as it stands in the notebook.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if _PROMPT.search(source) or not _parses(source):
        source = _by_rules(source, _NESTED)
    return _without_calls(source) if "get_ipython" in source else source


def syntax_tree(code: str) -> ast.Module:
    """Return the tree of plain Python; it raises what ``ast.parse`` does, and warns of nothing."""
    with warnings.catch_warnings():  # of escapes in strings, which cost the student nothing
        warnings.simplefilter("ignore")
        return ast.parse(code)


def _by_rules(source: str, nested: int) -> str:
    """Apply the rules of IPython, one after the other, so that no line changes its number."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:  # outside notebooks there are no commands to understand
        return source
    manager = TransformerManager()
    lines = source.splitlines(keepends=True)
    blank = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    lines = [*lines[:-1], lines[-1].rstrip("\n") + "\n"] if lines else []
    rules: list[Any] = manager.cleanup_transforms
    for rule in rules:
        lines = rule(lines)
    first = blank * "\n"
    if lines and lines[0].startswith("%%"):
        return first + _cell_command(lines, nested)
    left = _MOST_READ
    while (left := left - sum(map(len, lines)) - _PER_READ) > 0:
        try:
            changed, new = manager.do_one_token_transform(lines)
        except Exception:  # the text is no Python at all, and may be anything
            break
        if not changed:
            break
        if lost := len(lines) - len(new):  # a command of several lines has become one
            pairs = zip(lines, new, strict=False)
            start = next((k for k, (old, now) in enumerate(pairs) if old != now), len(new) - 1)
            new[start + 1 : start + 1] = lost * ["\n"]
        lines = new
    return first + "".join(lines).rstrip("\n")


def _cell_command(lines: list[str], nested: int) -> str:
    """A cell below a command such as %%time: its Python, the file it writes, or nothing."""
    name = lines[0][2:].split(maxsplit=1)
    body = "".join(lines[1:])
    if found := _WRITE.match(lines[0]):
        mode = "a" if found["append"] else "w"
        return f"open({found['name']!r}, {mode!r}).write({body!r})"
    if not nested or not name or name[0] not in RUN_HERE:
        return ""
    return "\n" + (body.rstrip("\n") if _parses(body) else _by_rules(body, nested - 1))


def _without_calls(source: str) -> str:
    """The code without calls of IPython, which is what commands have become by now."""
    try:
        tree = syntax_tree(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _command(node)]
    lines = [line.encode() for line in source.split("\n")]
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        if call.lineno != call.end_lineno:
            continue
        line = lines[call.lineno - 1]
        new = _instead(call, alone=id(call) in statements)
        lines[call.lineno - 1] = (
            line[: call.col_offset] + new.encode() + line[call.end_col_offset :]
        )
    return b"\n".join(lines).decode()


def _command(call: ast.Call) -> str:
    """The name of a method of ``get_ipython()`` that a command has become; empty if it is none."""
    match call.func:
        case ast.Attribute(attr=name, value=ast.Call(func=ast.Name(id="get_ipython"))):
            return name if name in _QUIET else ""
    return ""


def _instead(call: ast.Call, *, alone: bool) -> str:
    """What stands in place of a command, as a statement of its own or inside another one."""
    words = [one.value if isinstance(one, ast.Constant) else None for one in call.args]
    if _command(call) == "run_line_magic" and len(words) == 2 and words[0] in RUN_HERE:
        code = str(words[1])
        code = plain(code[_OPTIONS.match(code).end() :].strip())  # type: ignore[union-attr]
        if alone and "\n" not in code and code and _parses(code):
            return code
        if not alone and _parses(f"({code}\n)"):
            return f"({code})"
    return "pass" if alone else _QUIET[_command(call)]


def _parses(code: str) -> bool:
    try:
        syntax_tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
