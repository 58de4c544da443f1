"""The prose of a chapter as HTML for slides: formulas kept for MathJax, links turned into text."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

TARGET = re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE)
CITATION = re.compile(r"\{cite:\w+\}`([a-z]+)(\d{4})\w*`")
EXERCISE = re.compile(
    r"^:::\{exercise\} (?P<title>[^\n]*)\n(?P<text>.*?)^:::$", re.MULTILINE | re.DOTALL
)
DIRECTIVE = re.compile(r"^:::\{.*?^:::$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One piece of prose.

    Attributes:
        kind: "heading", "equation", "exercise", or "text".
        html: Its HTML; of a heading and an exercise, that of the title.
        level: Level of a heading.
        source: Source of a heading, to compare it.
        key: Whether an equation has a label, so that the chapter comes back to it.
    """

    kind: str
    html: str
    level: int = 0
    source: str = ""
    key: bool = False


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.use(dollarmath_plugin, allow_labels=True, double_inline=True)
    parser.add_render_rule("math_inline", _inline)
    parser.add_render_rule("math_inline_double", _display)
    parser.add_render_rule("math_block", _display)
    parser.add_render_rule("math_block_label", _display)
    for name in ("link_open", "link_close"):  # a deck stands alone: its links would lead nowhere
        parser.add_render_rule(name, lambda *_: "")
    return parser


def _inline(_self: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f'<span class="math">\\({html.escape(tokens[index].content)}\\)</span>'


def _display(_self: object, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f'<div class="math">\\[{html.escape(tokens[index].content.strip())}\\]</div>'


def _plain(source: str) -> str:
    """Return Markdown without what only a Jupyter Book understands."""
    source = CITATION.sub(lambda found: f"{found[1].capitalize()} ({found[2]})", source)
    return TARGET.sub("", source)


def blocks(source: str) -> list[Block]:
    """Return the pieces of a Markdown cell in order."""
    found: list[Block] = []
    position = 0
    for exercise in EXERCISE.finditer(source):
        found += _text(source[position : exercise.start()])
        statement = exercise["text"].split("<details>")[0]
        statement = re.sub(r"^:\w+:.*\n", "", statement, flags=re.MULTILINE)
        body = "".join(block.html for block in _text(statement))
        found.append(Block("exercise", body, source=exercise["title"].strip()))
        position = exercise.end()
    return found + _text(source[position:])


def _text(source: str) -> list[Block]:
    parser = _parser()
    tokens = parser.parse(_plain(DIRECTIVE.sub("", source)))
    found: list[Block] = []
    start = 0
    depth = 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth:
            continue
        piece = tokens[start : index + 1]
        start = index + 1
        first = piece[0]
        content = parser.renderer.render(piece, parser.options, {})
        if first.type == "heading_open":
            title = parser.renderer.render(piece[1:2], parser.options, {})
            found.append(Block("heading", title, int(first.tag[1:]), piece[1].content))
        elif first.type.startswith("math_block"):
            found.append(Block("equation", content, key=first.type.endswith("label")))
        else:
            found.append(Block("text", content))
    return found


def inline(source: str) -> str:
    """Return one line of Markdown as HTML without a paragraph around it."""
    return str(_parser().renderInline(_plain(source)))
