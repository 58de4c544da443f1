"""tools/browser/check.mjs: each check finds the fault it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import browser_check

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser_check.missing()), reason=browser_check.missing()),
]

SLIDER = """
<div class="nm-interactive"><label>gain <input type="range" min="0" max="9" value="9"></label>
<output>9</output></div>
<script>
const input = document.querySelector("input");
input.addEventListener("input", () => { REACTION });
</script>
"""
WORKING = SLIDER.replace("REACTION", 'document.querySelector("output").textContent = input.value')
PAGES = {
    "good": WORKING,
    "wide": '<main><p style="width: 500px">wide</p></main>',
    "scrolls": '<div style="overflow-x: auto"><p style="width: 500px">wide, in a box</p></div>',
    "raw": '<span class="math">\\(x\\)</span>',
    "error": "<script>undefinedFunction()</script>",
    "logged": '<script>console.error("oh")</script>',
    "network": '<img src="http://127.0.0.1:9/x.png">',
    "dead": SLIDER.replace("REACTION", ""),
    "nan": WORKING.replace("input.value", '"NaN"'),
    "unlabelled": WORKING.replace("<label>gain ", "").replace("</label>", ""),
    "light": "<script>document.documentElement.dataset.theme = 'light'</script>",
}
FOUND = {
    "wide": "too wide at 375 px",
    "raw": "formula not typeset",
    "error": "script error: undefinedFunction is not defined",
    "logged": "console error: oh",
    "network": "fetches http://127.0.0.1:9/x.png",
    "dead": "the figure does not respond",
    "nan": "slider 1: shows NaN",
    "unlabelled": "slider 1: no label",
    "light": "theme is light where the reader prefers dark",
}
THEME = """<script>document.documentElement.dataset.theme =
matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The problems of every page above."""
    folder: Path = tmp_path_factory.mktemp("site")
    for name, body in PAGES.items():
        start = '<!DOCTYPE html><html><head><meta name="viewport" content="width=device-width">'
        (folder / f"{name}.html").write_text(f"{start}{THEME}</head><body>{body}</body></html>")
    return browser_check.inspect(folder, list(PAGES))


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, report: dict[str, list[str]]):
    if name in FOUND:
        assert any(FOUND[name] in problem for problem in report[name]), report[name]
    else:
        assert report[name] == []
