"""Names of the package in a code cell lead to the API, and each entry there says where it is used.

What a name stands for is read from the imports of the page, cell after cell, as Python would: a
name that a page defines itself stands for nothing of ours from there on.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from docutils import nodes
from sphinx import addnodes

from tools.web.glossary import LINKED_PAGES

PACKAGE = "nmcourse"
BLOCK = re.compile(
    r'(<div class="highlight-ipython3 [^>]*><div class="highlight"><pre>)(.*?)(</pre>)', re.S
)
_NAME = r'<span class="n">(\w+)</span>'
# A name and its attributes, but neither an attribute itself nor the name of an argument.
CHAIN = re.compile(
    rf'(?<!<span class="o">\.</span>){_NAME}(?:<span class="o">\.</span>{_NAME})*'
    r'(?!<span class="o">=</span>)'
)
NAMES = re.compile(_NAME)
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
Uses = dict[str, dict[str, list[tuple[str, str]]]]  # entry -> page -> (place, title of the section)


def parsed(code: str) -> ast.Module | None:
    """Return the syntax of a cell, without the commands of the notebook; None if it has none."""
    try:
        return ast.parse(MAGIC.sub(r"\1pass", code))
    except SyntaxError:
        return None


class Meanings:
    """What the names of a page stand for, as far as its cells have been read."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = set(known)
        self.names: dict[str, str] = {}

    def entry(self, dotted: str) -> str:
        """Return the entry of the API for a dotted name of the page; empty if there is none."""
        base, *rest = dotted.split(".")
        if base not in self.names:
            return ""
        full = ".".join([self.names[base], *rest])
        if full in self.known:
            return full
        # Imported from a file of a room; the entry is that of the room.
        room, last = ".".join(full.split(".")[:2]), full.split(".")[-1]
        return f"{room}.{last}" if f"{room}.{last}" in self.known and len(rest) < 2 else ""

    def read(self, tree: ast.Module) -> list[str]:
        """Read a cell; return the entries that it uses, not those that it only imports."""
        used: list[str] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == PACKAGE:
                        self.names[alias.asname or PACKAGE] = (
                            alias.name if alias.asname else PACKAGE
                        )
        for node in ast.walk(tree):
            dotted = _dotted(node)
            if dotted and (found := self.entry(dotted)):
                used.append(found)
        for node in ast.walk(tree):
            for name in _defined(node):
                self.names.pop(name, None)
        return list(dict.fromkeys(used))


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _defined(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []


def link_code(body: str, known: Iterable[str], address: Callable[[str], str]) -> str:
    """Return the HTML of a page in which the first use of a name in each cell is a link.

    Args:
        body: the page.
        known: the entries of the API.
        address: from an entry to an address that works on this page.
    """
    meanings = Meanings(known)

    def block(found: re.Match[str]) -> str:
        tree = parsed(html.unescape(re.sub(r"<[^>]+>", "", found[2])))
        if tree is None:
            return found[0]
        before = dict(meanings.names)
        meanings.read(tree)
        here = Meanings(meanings.known)
        here.names = (
            before | meanings.names
        )  # what the cell defines itself is a use of the old name
        seen: set[str] = set()

        def chain(use: re.Match[str]) -> str:
            names = NAMES.findall(use[0])
            for length in range(len(names), 0, -1):
                entry = here.entry(".".join(names[:length]))
                if entry and entry not in seen:
                    seen.add(entry)
                    spans = [one[0] for one in NAMES.finditer(use[0])]
                    dot = '<span class="o">.</span>'
                    inside, outside = (
                        dot.join(spans[:length]),
                        "".join(dot + s for s in spans[length:]),
                    )
                    link = f'<a class="nm-api" href="{address(entry)}" title="{entry}">'
                    return f"{link}{inside}</a>{outside}"
            return use[0]

        return found[1] + CHAIN.sub(chain, found[2]) + found[3]

    return BLOCK.sub(block, body)


def uses(page: nodes.document, known: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Return which entries a page uses: for each, the place and the title of every section."""
    meanings = Meanings(known)
    found: dict[str, list[tuple[str, str]]] = {}
    for code in page.findall(nodes.literal_block):
        tree = parsed(code.astext()) if code.get("language") == "ipython3" else None
        if tree is None:
            continue
        section = code.parent
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        if section is None:
            continue
        title = next(iter(section.findall(nodes.title)), None)
        place = (section["ids"][0], title.astext() if title is not None else "")
        for entry in meanings.read(tree):
            if place not in found.setdefault(entry, []):
                found[entry].append(place)
    return found


def tell(
    api: nodes.document, used: Uses, address: Callable[[str], str], titles: dict[str, str]
) -> None:
    """Add the sections that use it to each entry of a page of the API, in place."""
    for entry in api.findall(addnodes.desc):
        signature = next(iter(entry.findall(addnodes.desc_signature)), None)
        content = next((n for n in entry.children if isinstance(n, addnodes.desc_content)), None)
        pages = (
            used.get(signature["ids"][0], {}) if signature is not None and signature["ids"] else {}
        )
        if content is None or not pages:
            continue
        line = nodes.paragraph("", "", nodes.strong("", "Used in "), classes=["nm-used"])
        for k, (page, places) in enumerate(pages.items()):
            line += nodes.Text("; " if k else "")
            line += nodes.emphasis("", titles[page])
            for j, (place, title) in enumerate(places):
                line += nodes.Text(", " if j else ": ")
                link = f"{address(page)}#{place}"
                line += nodes.reference("", title, internal=True, refuri=link)
        content += line


def _known(app: Any) -> dict[str, str]:
    objects = app.env.get_domain("py").objects
    return {
        name: entry.docname
        for name, entry in objects.items()
        if name.startswith(f"{PACKAGE}.")
        and entry.objtype in ("class", "function", "data", "exception")
    }


def _collect(app: Any, env: Any) -> None:
    known = _known(app)
    collected: Uses = {}
    for page in sorted(filter(LINKED_PAGES.match, env.found_docs)):
        for entry, places in uses(env.get_doctree(page), known).items():
            collected.setdefault(entry, {})[page] = places
    app.nm_uses = collected


def _resolved(app: Any, page: nodes.document, name: str) -> None:
    if app.builder.format == "html" and name.startswith("book/api/"):
        titles = {doc: title.astext() for doc, title in app.env.titles.items()}
        tell(page, app.nm_uses, lambda to: app.builder.get_relative_uri(name, to), titles)


def _page_context(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if "body" in context and LINKED_PAGES.match(page):
        known = _known(app)

        def address(entry: str) -> str:
            return f"{app.builder.get_relative_uri(page, known[entry])}#{entry}"

        context["body"] = link_code(context["body"], known, address)


def setup(app: Any) -> None:
    """Tell Sphinx when to ask."""
    app.connect("env-check-consistency", _collect)
    app.connect("doctree-resolved", _resolved)
    app.connect("html-page-context", _page_context, priority=610)
