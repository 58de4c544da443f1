"""tools.slides: a deck has what a lecture needs, and needs nothing from elsewhere."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from nmcourse.figures import Slider, interactive_lines, predict_first
from tools import browser_check, check_pages
from tools.slides import deck
from tools.slides.markdown import blocks

PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()
START = """# Leak $\\tau$

One unit leaks.

**You will be able to**

- *say* how fast.

**Time:** about 5 minutes to read, 5 more for the exercises."""
SECTION = """(a-target)=
## One leaky unit

The rate is $x$. It obeys

$$ \\tau\\, \\dot x = -x + u . $$ (eq-leak)

Here $u < 1$ is the input, see [the next one](other.md).

A paragraph that stays in the book.

$$ x = 1 $$

### A part without a text

### A part with one

It says something.

:::{exercise} How fast?
:label: ex-fast

Difficulty 1/5 · importance 2/5 · 5 minutes.
Say how fast.

<details><summary>Hint 1</summary>

The hint.

</details>
:::"""
TRUE = "## Is it true?\n\n**Textbook knowledge:** the leak."
REST = "## Summary\n\n- It leaks.\n\n### Symbols\n\nnone\n\n## Further reading\n\n- A book."


def figure(alt: str = "A curve falls.") -> nbformat.NotebookNode:
    data = {"image/png": PIXEL, "text/plain": "<Figure>"}
    return nbformat.v4.new_code_cell(
        "# @title Plot: the leak\nplot()",
        metadata={"mystnb": {"image": {"alt": alt}}},
        outputs=[nbformat.v4.new_output("display_data", data)],
    )


def shows(title: str, page: str, tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    output = nbformat.v4.new_output("execute_result", {"text/html": page}, execution_count=1)
    return nbformat.v4.new_code_cell(
        f"# @title {title}\nx", outputs=[output], metadata={"tags": list(tags)}
    )


def chapter(alt: str = "A curve falls.") -> nbformat.NotebookNode:
    text = nbformat.v4.new_markdown_cell
    asked = predict_first("How fast?", ["slowly", "at once"], "slowly", "It leaks.")
    lines = interactive_lines(
        [0.0, 1.0],
        {"x": [[1.0, 0.5], [1.0, 0.2]]},
        sliders=[Slider("tau", [1.0, 2.0], start=1.0)],
        title="Leak",
        x_label="t",
        y_label="x",
        alt="A curve falls.",
    )
    box = '<div class="nm-claims nm-box">Claim N1</div>'
    cells = [text(START), text(SECTION), shows("Predict first: the leak", asked.html), figure(alt)]
    cells += [shows("Figure with a slider: leak", lines.html)]
    cells += [shows("Solution", '<div class="nm-claims">secret</div>', ("solution",))]
    cells += [text(TRUE), shows("Box", box), text(REST)]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture(scope="module")
def page() -> BeautifulSoup:
    return BeautifulSoup(deck.page(chapter()), "html.parser")


def test_a_drawing_is_shown_as_lines_and_not_as_pixels():
    cell = figure("Two units.")
    cell.source = "# @title Circuit: two units"
    cell.outputs[0].data["image/svg+xml"] = "<svg>é</svg>"
    notebook = nbformat.v4.new_notebook(cells=[cell])
    (shown,) = [slide for slide in deck.slides(notebook) if slide.kind == "figure"]
    picture = BeautifulSoup("".join(shown.body), "html.parser").img
    kind, _, data = picture["src"].partition(";base64,")
    assert (kind, shown.title) == ("data:image/svg+xml", "Two units")
    assert base64.b64decode(data).decode() == "<svg>é</svg>"
    assert picture["alt"] == "Two units."


def test_the_slides_come_in_the_order_of_the_chapter():
    made = [(slide.kind, slide.title) for slide in deck.slides(chapter())]
    leak = '<span class="math">\\(\\tau\\)</span>'
    assert made == [
        ("title", f"Leak {leak}"),
        ("section", "You will be able to"),
        ("section", "One leaky unit"),
        ("equation", "One leaky unit"),
        ("part", "A part with one"),
        ("exercise", "Exercise: How fast?"),
        ("question", "The leak"),
        ("figure", "The leak"),
        ("figure", "Leak"),
        ("truth", "Is it true?"),
        ("truth", "Summary"),
    ]


def test_what_a_lecture_needs_is_on_them_and_the_rest_is_not(page: BeautifulSoup):
    text = page.main.get_text(" ", strip=True)
    for shown in ("say how fast", "is the input", "Say how fast.", "Claim N1", "It leaks."):
        assert shown.lower() in text.lower()
    for left_out in ("The hint", "secret", "stays in the book", "A book", "none", "a-target"):
        assert left_out not in text
    assert not page.main.find_all("a"), "a link leads out of the deck"


def test_long_rows_of_a_claim_box_are_folded_and_the_others_are_not():
    caveats = "It was one network. " * 20
    box = (
        '<div class="nm-claims nm-box"><dl><dt>Measured here</dt><dd>3 of 10</dd>'
        f"<dt>Caveats</dt><dd>{caveats}</dd><dt>Spread</dt><dd>none</dd></dl></div>"
    )
    cells = [nbformat.v4.new_markdown_cell(text) for text in (START, TRUE)]
    made = deck.page(nbformat.v4.new_notebook(cells=[*cells, shows("Box", box)]))
    rows = BeautifulSoup(made, "html.parser").select("dd")
    assert [bool(row.details) for row in rows] == [False, True, False]
    assert rows[1].summary.get_text() == "Show the caveats"
    assert caveats.strip() in rows[1].get_text()


def test_the_table_of_symbols_stays_in_the_book():
    table = "## Summary\n\n- It leaks.\n\n| symbol | meaning |\n|---|---|\n| $x$ | rate |"
    cells = [nbformat.v4.new_markdown_cell(text) for text in (START, table)]
    text = BeautifulSoup(deck.page(nbformat.v4.new_notebook(cells=cells)), "html.parser").main.text
    assert "It leaks." in text
    assert "meaning" not in text


def test_formulas_keep_their_signs(page: BeautifulSoup):
    formulas = [formula.get_text() for formula in page.select(".math")]
    assert "\\[\\tau\\, \\dot x = -x + u .\\]" in formulas
    assert "\\(u < 1\\)" in formulas
    assert "\\[x = 1\\]" not in formulas  # it has no label


def test_pictures_have_their_text_in_the_picture_and_below(page: BeautifulSoup):
    (picture,) = page.find_all("img")
    assert picture["alt"] == "A curve falls."
    assert page.select_one("section.figure details p").get_text() == "A curve falls."
    with pytest.raises(ValueError, match="figure 'Plot: the leak' in section 'One leaky unit'"):
        deck.slides(chapter(alt=""))


def test_the_deck_is_one_file(tmp_path: Path):
    nbformat.write(chapter(), tmp_path / "leak.ipynb")
    made = deck.build(tmp_path / "leak.ipynb", tmp_path / "out")
    assert made.name == "leak.html"
    assert check_pages.fetched_from_elsewhere(made) == []
    assert check_pages.images_without_text(made) == []
    soup = BeautifulSoup(made.read_text(encoding="utf-8"), "html.parser")
    assert not soup.find_all(["link", "iframe"])
    assert not [script for script in soup.find_all("script") if script.get("src")]


def test_a_slide_says_where_it_is(page: BeautifulSoup):
    sections = page.find_all("section")
    labels = [section["aria-label"] for section in sections]
    assert labels == [f"Slide {k} of {len(sections)}" for k in range(1, len(sections) + 1)]
    assert [len(section.find_all(["h1", "h2"])) for section in sections] == [1] * len(sections)
    assert page.output.get_text() == f"1 of {len(sections)}"


def test_a_formula_in_the_middle_of_a_sentence_stays_there():
    (block,) = blocks("It is $a_1$ and *not* `b`.")
    assert block.html == (
        '<p>It is <span class="math">\\(a_1\\)</span> and <em>not</em> <code>b</code>.</p>\n'
    )


@pytest.mark.slow
@pytest.mark.skipif(bool(browser_check.missing()), reason=browser_check.missing())
def test_in_a_browser_keys_lead_through_the_deck_and_nothing_is_wrong(tmp_path: Path):
    nbformat.write(chapter(), tmp_path / "leak.ipynb")
    made = deck.build(tmp_path / "leak.ipynb", tmp_path)
    stuck = made.read_text(encoding="utf-8").replace("ArrowRight: 1", "ArrowRight: 0")
    (tmp_path / "stuck.html").write_text(stuck, encoding="utf-8")
    report = browser_check.inspect(tmp_path, ["leak", "stuck"], workers=1)
    assert report["leak"] == []
    assert "light: slide 2: keys do not reach it (1280 px)" in report["stuck"]
