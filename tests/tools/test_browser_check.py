"""tools/browser/check.mjs: each check finds the fault it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmcourse.figures import my_answers, predict_first
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
ASKED = predict_first(
    'Is "a, b" *one* field?',
    ["yes", "= no"],
    "yes",
    "It stands in quotes.",
    feedback={"= no": "Why?"},
).html
ANSWERS = my_answers().html
QUESTIONS = {
    "question": "<h1>A page</h1>" + ASKED,
    "answers": "<h1>A page</h1>" + ASKED + ANSWERS,
    "silent": ASKED.replace("verdict.innerHTML =", "verdict.title ="),
    "forgetful": ASKED.replace("nmStore.set(key, answered(chosen));", ""),
    "unsaved": ASKED.replace("link.click();", ""),
    "partial": ASKED.replace('question: text(root.querySelector(".nm-question")),', ""),
    "hasty": ASKED + ANSWERS.replace("if (!sure)", "if (false)"),
    "unclear": ASKED + ANSWERS.replace("keys.forEach((key) => nmStore.set(key, null));", ""),
    "stale": ASKED.replace("&& check.hidden) clear()", "&& check.hidden) save.blur()") + ANSWERS,
}
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
    **QUESTIONS,
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
    "silent": "question 1: no reply",
    "forgetful": "questions: no answer is stored",
    "unsaved": "Save my answers: no file",
    "partial": "Save my answers: not every question is in the file",
    "hasty": "answers: cleared without asking",
    "unclear": "answers: not cleared",
    "stale": "answers: cleared, but a question still shows one",
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


def test_each_faulty_question_differs_from_the_right_one():
    assert len({*QUESTIONS.values()}) == len(QUESTIONS)
    assert all(QUESTIONS[name] not in (ASKED, ASKED + ANSWERS) for name in QUESTIONS.keys() & FOUND)


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, report: dict[str, list[str]]):
    if name in FOUND:
        assert any(FOUND[name] in problem for problem in report[name]), report[name]
    else:
        assert report[name] == []
