"""Every class of the course that a documented signature names has an entry in the API pages too."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import yaml

from tools import pairs

PAGES = sorted((pairs.ROOT / "book" / "api").glob("*.md"))
MODULE = re.compile(r"automodule:: (nmcourse[\w.]*)")
CONFIGURATION = yaml.safe_load((pairs.ROOT / "_config.yml").read_text(encoding="utf-8"))
IGNORED = [
    re.compile(f"{pattern}$")
    for _, pattern in CONFIGURATION["sphinx"]["config"]["nitpick_ignore_regex"]
]
CODE = re.compile(r"``.*?``|::\n\n(?:(?: .*)?\n)+", re.DOTALL)
BARS = re.compile(r"(?<![\w|])\|[^\s|](?:[^|\n]*[^\s|])?\|(?![\w|])")
MODULES = [
    importlib.import_module(name)
    for page in PAGES
    for name in MODULE.findall(page.read_text(encoding="utf-8"))
]


def _exported(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in getattr(module, "__all__", ())}


DOCUMENTED = {id(thing) for module in MODULES for thing in _exported(module).values()}


def _named(annotation: Any, module: str) -> Iterator[type]:
    """Yield the classes of the course that an annotation, written as a string, names."""
    home = vars(importlib.import_module(module))
    for word in re.findall(r"[A-Za-z_][\w.]*", str(annotation)):
        thing = home.get(word.split(".")[0])
        for part in word.split(".")[1:]:
            thing = getattr(thing, part, None)
        if inspect.isclass(thing) and thing.__module__.startswith("nmcourse"):
            yield thing


def _annotations(thing: Any) -> Iterator[Any]:
    """Yield what Sphinx prints of a function, or of a class: fields, methods and properties."""
    if inspect.isclass(thing):
        if dataclasses.is_dataclass(thing):
            yield from (field.type for field in dataclasses.fields(thing))
        for name, member in vars(thing).items():
            shown = not name.startswith("_") or name in ("__init__", "__call__")
            function = getattr(member, "fget", getattr(member, "__func__", member))
            if shown and inspect.isfunction(function) and function.__doc__:
                yield from function.__annotations__.values()
    elif inspect.isfunction(thing):
        yield from thing.__annotations__.values()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_named_class_is_documented(module: ModuleType):
    missing = {
        f"{thing.__module__}.{thing.__qualname__} (named by {name})"
        for name, entry in _exported(module).items()
        for annotation in _annotations(entry)
        for thing in _named(annotation, entry.__module__)
        if id(thing) not in DOCUMENTED
        and not any(
            pattern.match(spelling)
            for pattern in IGNORED
            for spelling in (thing.__name__, f"{thing.__module__}.{thing.__qualname__}")
        )
    }
    assert not missing


def _docstrings(thing: Any) -> Iterator[str]:
    """Yield what Sphinx reads of an exported function or class."""
    yield thing.__doc__ or ""
    if inspect.isclass(thing):
        for name, member in vars(thing).items():
            if not name.startswith("_") and getattr(member, "__doc__", None):
                yield member.__doc__


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_size_of_a_number_is_read_as_a_substitution(module: ModuleType):
    """``|x|`` names a text to put in its place; a docstring says "size of x"."""
    found = {
        name: BARS.findall(text)
        for name, thing in _exported(module).items()
        if inspect.isclass(thing) or inspect.isfunction(thing)
        for text in _docstrings(thing)
        if thing.__module__.startswith("nmcourse") and BARS.search(CODE.sub("", text))
    }
    assert not found


ROLE = re.compile(r":(?:py:)?(?:func|class|meth|attr|mod|obj):`~?(nmcourse\.[\w.]+)`")
DOCUMENTED_NAMES = {f"{module.__name__}.{name}" for module in MODULES for name in _exported(module)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_a_docstring_refers_to_has_an_entry(module: ModuleType):
    named = {
        target
        for thing in _exported(module).values()
        if inspect.isclass(thing) or inspect.isfunction(thing)
        for text in _docstrings(thing)
        for target in ROLE.findall(text)
    }
    known = DOCUMENTED_NAMES | {one.__name__ for one in MODULES}
    assert {
        one for one in named if one not in known and one.rpartition(".")[0] not in known
    } == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_property_does_not_begin_like_a_type(module: ModuleType):
    """In the first line of a property what stands before a colon is read as its type."""
    found = {
        f"{name}.{attribute}"
        for name, thing in _exported(module).items()
        if inspect.isclass(thing) and thing.__module__.startswith("nmcourse")
        for attribute, member in vars(thing).items()
        if isinstance(member, property) and ": " in (member.__doc__ or "").split("\n")[0]
    }
    assert not found
