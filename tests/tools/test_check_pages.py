"""tools.check_pages: each check finds the fault it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import addresses, check_pages

REPORT = f"{addresses.release().address}/issues/new?title=x"


def page(folder: Path, body: str, head: str = "") -> Path:
    path = folder / "page.html"
    path.write_text(f"<html><head>{head}</head><body>{body}</body></html>")
    return path


def test_a_missing_page_is_found(book: Path):
    html = book / "html"
    (html / "book").mkdir(parents=True)
    (html / "book/intro.html").write_text("")
    found = check_pages.missing_pages(html, book)
    assert found == ["book/first: no page", "book/second: no page"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="other.html">', "other.html: no such file"),
        ('<img src="figure.png" alt="x">', "figure.png: no such file"),
        ('<a href="#gone">', "#gone: no such place in the page"),
        ('<a href="page.html#gone">', "page.html#gone: no such place in the page"),
    ],
)
def test_a_broken_link_is_found(tmp_path: Path, body: str, problem: str):
    assert check_pages.broken_links(page(tmp_path, body)) == [problem]


def test_good_links_pass(tmp_path: Path):
    body = '<a href="https://example.org/x"><a href="#here"><p id="here"><a href="page.html">'
    assert check_pages.broken_links(page(tmp_path, body)) == []


@pytest.mark.parametrize("alt", ["", 'alt=""', 'alt="  "', 'alt="a/b.png"', 'alt="../a/b.png"'])
def test_an_image_without_text_is_found(tmp_path: Path, alt: str):
    problems = check_pages.images_without_text(page(tmp_path, f'<img src="a/b.png" {alt}>'))
    assert problems == ["a/b.png: no alternative text"]


def test_an_image_with_text_passes(tmp_path: Path):
    body = '<img src="a/b.png" alt="Three decays.">'
    assert check_pages.images_without_text(page(tmp_path, body)) == []


FIGURE = (
    '<figure><div class="cell_output"><img alt="Two"></div><figcaption>'
    '<span class="caption-number">Figure 1.1 </span><span class="caption-text">See.</span>'
    "</figcaption></figure>"
)


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (FIGURE, []),
        ('<img alt="Not drawn by a cell">', []),
        ('<div class="cell_output"><img alt="One"></div>', ["no number: 'One'"]),
        ('<div class="nm-interactive">Move</div>', ["no number: 'Move'"]),
        (FIGURE.replace('class="caption-number"', ""), ["no number: 'Two'"]),
        (FIGURE * 2, ["two figures have the caption 'See.'"]),
    ],
)
def test_a_figure_without_number_or_caption_is_found(
    tmp_path: Path, body: str, problems: list[str]
):
    assert check_pages.figures_without_number(page(tmp_path, body)) == problems


def test_a_circuit_of_pixels_is_found(tmp_path: Path):
    shown = '<figure id="fig-rate-networks-circuit-two-units"><img src="a.{}" alt="A"></figure>'
    plot = '<figure id="fig-rate-networks-plot-x"><img src="b.png" alt="B"></figure>'
    body = shown.format("png") + shown.format("svg") + plot
    assert check_pages.circuits_of_pixels(page(tmp_path, body)) == [
        "fig-rate-networks-circuit-two-units: a.png"
    ]


@pytest.mark.parametrize(
    "head",
    [
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
        "<style>@import url(https://example.org/x.css)</style>",
        '<link rel="stylesheet" href="local.css">',
        '<img src="https://example.org/x.png" alt="x">',
    ],
)
def test_a_page_that_needs_the_network_is_found(tmp_path: Path, head: str):
    (tmp_path / "local.css").write_text("p { background: url('https://example.org/x.png') }")
    (problem,) = check_pages.fetched_from_elsewhere(page(tmp_path, "", head))
    assert "example.org/x" in problem


def test_links_to_other_places_are_not_fetched(tmp_path: Path):
    head = '<link rel="canonical" href="https://example.org"><img src="data:image/png;base64,AA">'
    assert check_pages.fetched_from_elsewhere(page(tmp_path, '<a href="https://a.b">', head)) == []


def test_a_warning_in_an_output_is_found(tmp_path: Path):
    output = '<div class="cell {}"><div class="output traceback">Oh</div></div>'
    (problem,) = check_pages.error_output(page(tmp_path, output.format("")))
    assert problem == "error output: 'Oh'"
    check_pages.read.cache_clear()
    announced = page(tmp_path, output.format("tag_raises-exception"))
    assert check_pages.error_output(announced) == []


def test_a_page_without_report_link_is_found(tmp_path: Path):
    assert len(check_pages.report_link(page(tmp_path, '<a href="https://a.b/issues">'))) == 1
    check_pages.read.cache_clear()
    assert check_pages.report_link(page(tmp_path, f'<a href="{REPORT}">')) == []


def test_the_colab_button_opens_the_notebook_of_the_release(book: Path):
    release = addresses.release(book)
    repository = release.address.removeprefix("https://github.com/")
    button = f'<a href="{check_pages.COLAB}{repository}/blob/{{}}/book/{{}}">'
    path = book / "html/book/first.html"
    path.parent.mkdir(parents=True)

    def problems(*parts: str) -> list[str]:
        path.write_text(button.format(*parts))
        check_pages.read.cache_clear()
        return check_pages.colab_button(path, book / "html", book)

    assert problems(release.tag, "first.ipynb") == []
    assert len(problems(release.tag, "first.md")) == 1
    assert len(problems("main", "first.ipynb")) == 1
    (book / "book/first.ipynb").unlink()
    (problem,) = problems(release.tag, "first.ipynb")
    assert problem.endswith("book/first.ipynb, which does not exist")
