"""From an executed chapter to slides, and from slides to one HTML file.

A deck has the headings of the chapter with the paragraph that follows each, the equations that
have a label, the figures with their descriptions, the questions to answer first, the exercises
without hints and solutions, the "Is it true?" boxes, and the summary.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from tools import addresses, pairs
from tools.slides.markdown import Block, blocks, inline

MATHJAX = pairs.ROOT / "book" / "_static" / "mathjax" / "tex-svg.js"
ASSETS = Path(__file__).parent
TITLE = re.compile(r"^# @title (.+)$", re.MULTILINE)
PICTURES = ("image/svg+xml", "image/png")  # the sharper one first
LEFT_OUT = ("Further reading", "Symbols")
SYMBOLS = re.compile(r"<th[^>]*>\s*symbol\s*</th>", re.IGNORECASE)
LONG = 240  # characters of a row of a claim box that are read from the last row of a room
LONG_ROW = re.compile(rf"<dt>(Spread|Caveats)</dt><dd>([^<]{{{LONG},}})</dd>")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Slide:
    """One slide.

    Attributes:
        kind: "title", "section", "part", "equation", "figure", "question", "exercise" or "truth".
        title: Its heading, as HTML.
        above: The section that it belongs to, as HTML; empty where the heading says it.
        body: Pieces of HTML.
    """

    kind: str
    title: str
    above: str = ""
    body: list[str] = field(default_factory=list)


class _Maker:
    """Walks through a chapter and keeps the section that it is in."""

    def __init__(self) -> None:
        self.slides: list[Slide] = []
        self.section = ""  # source of the heading of level 2
        self.heading = ""  # HTML of the latest heading
        self.lead = False  # the paragraph after a heading comes on its slide
        self.previous: Block | None = None

    @property
    def whole(self) -> bool:
        """Whether all prose of the section is shown."""
        return self.section in ("Is it true?", "Summary")

    def add(self, kind: str, title: str, *body: str, above: str = "") -> None:
        self.slides.append(Slide(kind, title, above, list(body)))

    def prose(self, block: Block) -> None:
        if block.kind == "heading":
            self.open(block)
        elif self.section in LEFT_OUT:
            return
        elif not self.section:
            self.opening(block)
        elif block.kind == "exercise":
            title = f"Exercise: {inline(block.source)}"
            self.add("exercise", title, block.html, above=self.heading)
        elif self.whole:
            self.add_whole(block)
        elif block.kind == "equation" and block.key:
            before = self.previous
            body = [before.html] if before and before.kind == "text" and not self.lead else []
            self.add("equation", self.heading, *body, block.html)
        elif block.kind == "text" and self.lead:
            self.slides[-1].body.append(block.html)
            self.lead = block.html.rstrip().endswith(":</p>")
        elif self.previous and self.previous.key and self.slides[-1].kind == "equation":
            self.slides[-1].body.append(block.html)  # what the symbols mean
        self.previous = block

    def open(self, block: Block) -> None:
        if block.level == 2 or (block.level == 3 and block.source in LEFT_OUT):
            self.section = block.source
        if self.section not in LEFT_OUT:
            kind = {1: "title", 2: "section"}.get(block.level, "part")
            self.add("truth" if self.whole else kind, block.html)
            self.heading = block.html
            self.lead = True
        self.previous = None

    def opening(self, block: Block) -> None:
        """The start of a chapter: its story on the first slide, its aims on the second."""
        last = self.slides[-1]
        if "You will be able to" in block.html:
            self.add("section", "You will be able to")
        elif block.html.lstrip().startswith("<ul>") or (last.kind == "title" and not last.body):
            last.body.append(block.html)

    def add_whole(self, block: Block) -> None:
        """A section that is shown in full: a new slide when the last one is full."""
        if SYMBOLS.search(block.html):
            return
        words = sum(len(re.sub(r"<[^>]+>", " ", part).split()) for part in self.slides[-1].body)
        more = len(re.sub(r"<[^>]+>", " ", block.html).split())
        if self.slides[-1].kind != "truth" or (words and words + more > 130):
            self.add("truth", self.heading)
        self.slides[-1].body.append(block.html)

    def cell(self, cell: Any) -> None:
        if self.section in LEFT_OUT or "solution" in cell.metadata.get("tags", []):
            return
        named = TITLE.search(cell.source)
        title = html.escape(named[1].strip()) if named else ""
        for output in cell.get("outputs", []):
            self.output(output, title, cell.metadata.get("mystnb", {}))

    def output(self, output: Any, title: str, options: Any) -> None:
        data = output.get("data", {})
        if picture := next((kind for kind in PICTURES if kind in data), ""):
            alt = str(options.get("image", {}).get("alt", "")).strip()
            if not alt:
                raise ValueError(f"figure {title!r} in section {self.section!r} has no alt text")
            self.add("figure", _short(title), _picture(data, picture, alt), above=self.heading)
        elif "nm-widget nm-predict" in (page := _text(data.get("text/html", ""))):
            self.add("question", _short(title), page, above=self.heading)
        elif "nm-widget nm-interactive" in page:
            self.add("figure", _short(title), page, above=self.heading)
        elif "nm-claims" in page:
            if len(self.slides[-1].body) > 1 or not self.whole:
                self.add("truth", "Is it true?", above="" if self.whole else self.heading)
            self.slides[-1].body.append(LONG_ROW.sub(_folded, page))
        elif self.whole and output.get("output_type") == "stream":
            text = html.escape(COLOURS.sub("", _text(output.get("text", ""))))
            self.add("truth", title or self.heading, f'<pre tabindex="0">{text}</pre>')


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _short(title: str) -> str:
    """Return the title of a cell without its kind."""
    return (
        re.sub(r"^(Plot|Circuit|Figure[^:]*|Predict first): ", "", title).capitalize() or "Figure"
    )


def _folded(row: re.Match[str]) -> str:
    """A long row of a claim box, to be opened by whoever speaks."""
    summary = f"<summary>Show the {row[1].lower()}</summary>"
    return f"<dt>{row[1]}</dt><dd><details>{summary}{row[2]}</details></dd>"


def _picture(data: Any, kind: str, alt: str) -> str:
    """A picture that the slides hold in themselves; drawings are texts, others base64 already."""
    found = _text(data[kind])
    if kind == "image/svg+xml":
        found = base64.b64encode(found.encode()).decode()
    source = f"data:{kind};base64,{''.join(found.split())}"
    return (
        f'<img src="{source}" alt="{html.escape(" ".join(alt.split()))}">'
        f"<details><summary>Description</summary><p>{html.escape(alt)}</p></details>"
    )


def slides(notebook: Any) -> list[Slide]:
    """Return the slides of an executed chapter.

    Raises:
        ValueError: If a figure has no alternative text.
    """
    maker = _Maker()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for block in blocks(cell.source):
                maker.prose(block)
        elif cell.cell_type == "code":
            maker.cell(cell)
    return [slide for slide in maker.slides if slide.body or slide.kind in ("title", "section")]


def page(notebook: Any) -> str:
    """Return the deck of an executed chapter as one HTML page."""
    shown = slides(notebook)
    title = re.sub(r"<[^>]+>|\\[()]", "", shown[0].title)
    sections = "\n".join(_section(slide, k, len(shown)) for k, slide in enumerate(shown, 1))
    release = addresses.release()
    mathjax = {
        "tex": {"inlineMath": [["\\(", "\\)"]], "displayMath": [["\\[", "\\]"]]},
        "options": {"ignoreHtmlClass": "deck", "processHtmlClass": "math"},
    }
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides</title>
<style>
{(ASSETS / "deck.css").read_text(encoding="utf-8")}</style>
</head>
<body class="deck">
<main id="deck">
{sections}
</main>
<nav aria-label="Slides">
<button type="button" id="back" aria-label="Previous slide">←</button>
<output id="place" aria-live="polite">1 of {len(shown)}</output>
<button type="button" id="on" aria-label="Next slide">→</button>
<button type="button" id="theme">Light or dark</button>
<span class="keys">Arrow keys · Home · End · T</span>
<span class="source">nmcourse {release.tag} · CC BY 4.0</span>
</nav>
<script>window.MathJax = {json.dumps(mathjax)};</script>
<script id="MathJax-script">{MATHJAX.read_text(encoding="utf-8")}</script>
<script>
{(ASSETS / "deck.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def _section(slide: Slide, number: int, total: int) -> str:
    level = 1 if slide.kind == "title" else 2
    above = f'<p class="above">{slide.above}</p>\n' if slide.above else ""
    body = "\n".join(slide.body)
    return (
        f'<section id="s{number}" class="{slide.kind}" tabindex="-1" aria-roledescription="slide" '
        f'aria-label="Slide {number} of {total}">\n<div class="box">\n{above}'
        f"<h{level}>{slide.title}</h{level}>\n{body}\n</div>\n</section>"
    )


def build(executed: Path, folder: Path) -> Path:
    """Write the deck of an executed notebook into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{executed.stem}.html"
    target.write_text(page(nbformat.read(executed, as_version=4)), encoding="utf-8")
    return target
