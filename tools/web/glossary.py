"""The first use of each word of the glossary on a page leads to it, and shows what it means.

Done when a page is written, so that the sources, which are also notebooks, hold plain words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from docutils import nodes

GLOSSARY = "book/glossary"
LINKED_PAGES = re.compile(r"book/(?:start|dynamics|neuromodulation|vision)/")
# A word in one of these is a name, a heading, a link already, or not prose.
LEFT_ALONE = (nodes.title, nodes.reference, nodes.literal, nodes.math, nodes.caption, nodes.raw)


def meanings(doctree: nodes.document) -> dict[str, tuple[str, str]]:
    """Return the address and the meaning of each term on the page of the glossary."""
    found = {}
    for item in doctree.findall(nodes.definition_list_item):
        term = next(iter(item.findall(nodes.term)), None)
        definition = next(iter(item.findall(nodes.definition)), None)
        if term is not None and definition is not None and term["ids"]:
            found[term.astext()] = (term["ids"][0], definition.astext().replace("\n", " "))
    return found


def prose(page: nodes.document) -> Iterator[nodes.Text]:
    """Yield the texts of a page in which a word may become a link."""
    for paragraph in page.findall(nodes.paragraph):
        for text in list(paragraph.findall(nodes.Text)):
            parent = text.parent
            while parent is not paragraph and not isinstance(parent, LEFT_ALONE):
                parent = parent.parent
            if parent is paragraph:
                yield text


def _pattern(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", re.IGNORECASE)


def link(
    page: nodes.document,
    terms: dict[str, tuple[str, str]],
    address: Callable[[str], str],
) -> list[str]:
    """Turn the first use of each term into a link, in place; return the terms that were found.

    Args:
        page: the page, resolved.
        terms: from `meanings`.
        address: from the place in the glossary to an address that works on this page.
    """
    # A longer term first: "low-rank network" is not a network of low rank.
    waiting = {term: _pattern(term) for term in sorted(terms, key=len, reverse=True)}
    found = []
    for text in prose(page):
        for term, pattern in waiting.items():
            use = pattern.search(text.astext())
            if use is None:
                continue
            place, meaning = terms[term]
            before, after = text.astext()[: use.start()], text.astext()[use.end() :]
            word = nodes.reference(
                "", use[0], internal=True, refuri=address(place), reftitle=meaning
            )
            word["classes"].append("nm-term")
            text.parent.replace(text, [nodes.Text(before), word, nodes.Text(after)])
            found.append(term)
            del waiting[term]
            break  # one link in a piece of text: a paragraph of links is hard to read
    return found


def _resolved(app: Any, page: nodes.document, name: str) -> None:
    if app.builder.format != "html" or not LINKED_PAGES.match(name):
        return
    if GLOSSARY not in app.env.found_docs:
        return
    terms = meanings(app.env.get_doctree(GLOSSARY))
    there = app.builder.get_relative_uri(name, GLOSSARY)
    link(page, terms, lambda place: f"{there}#{place}")


def _stale(app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Write the chapters again when the glossary has changed."""
    return [n for n in env.found_docs if LINKED_PAGES.match(n)] if GLOSSARY in changed else []


def setup(app: Any) -> None:
    """Tell Sphinx when to ask."""
    app.connect("env-get-outdated", _stale)
    app.connect("doctree-resolved", _resolved, priority=800)
