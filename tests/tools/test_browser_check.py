"""tools/browser/check.mjs: each check finds the fault it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmcourse.figures import my_answers, predict_first
from tools import browser_check, pairs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser_check.missing()), reason=browser_check.missing()),
]

STILL = """<div class="nm-fallback" style="overflow: auto"><svg width="200" height="200">
<path d="M0 0V100H100"/><polyline points="0,0 9,9"/></svg></div>"""
SLIDER = f"""
<div class="nm-interactive">{STILL}<label>gain <input type="range" min=0 max=9 value="9"></label>
<output>9</output></div>
<script>
const input = document.querySelector("input");
input.addEventListener("input", () => {{ REACTION }});
</script>
"""
WORKING = SLIDER.replace("REACTION", 'document.querySelector("output").textContent = input.value')
# A slider that acts only after a choice in a list.
TOGETHER = f"""
<div class="nm-interactive">{STILL}<label>gain <input type="range" min=0 max=9 value="9"></label>
<label>kind <select><option>none</option><option>own</option></select></label>
<button>Reset</button><output>9</output></div>
<script>
const input = document.querySelector("input"), list = document.querySelector("select");
const show = () => {{
  const text = list.selectedIndex ? "own" : "none";
  document.querySelector("output").textContent = text;
  if (list.selectedIndex) document.querySelector("output").textContent += input.value;
}};
for (const one of [input, list]) one.addEventListener("input", show);
document.querySelector("button").addEventListener("click", () => {{
  input.value = 9;
  list.selectedIndex = 0;
  show();
}});
show();
</script>
"""
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
LINE = (
    '<article><div class="highlight">'
    '<pre tabindex="0" style="overflow-x: auto; font: 13px monospace">'
    f"{'0123456789' * 17}</pre></div></article>"
)
STATIC = pairs.ROOT / "book" / "_static"
PICTURE = f"""<style>{(STATIC / "custom.css").read_text()} figure {{ margin: 0 }}</style>
<div class="bd-content"><article class="bd-article"><div class="cell_output"><figure>
<img alt="a map" style="width: 640px" src="data:image/svg+xml,
<svg xmlns='http://www.w3.org/2000/svg' width='640' height='200'/>"></figure></div></article></div>
<script>{(STATIC / "sideways.js").read_text()}</script>"""
PRINTED = f"""<style>{(STATIC / "custom.css").read_text()}</style><article class="bd-article">
<div class="cell"><details class="hide"><summary>Code</summary><p>draws</p></details></div>
<div class="exercise"><p class="admonition-title">One</p></div>
<div class="cell tag_solution"><details class="hide"><summary>Solution</summary>
<div class="cell_input">x = 1</div></details></div></article>
<script>{(STATIC / "print.js").read_text()}</script>"""
PAGES = {
    "good": WORKING,
    "sideways": PICTURE,
    "shrunken": PICTURE.replace('"nm-sideways"', '"nm-other"'),
    "printed": PRINTED,
    "printed-code": PRINTED.replace(":not(.tag_solution) > details.hide,", ":not(.x) > .y,"),
    "printed-shut": PRINTED.replace("folded.open = true;", ""),
    "printed-in-place": PRINTED.replace("appendix.append(name, solution);", ""),
    "wide": '<main><p style="width: 500px">wide</p></main>',
    "scrolls": '<div style="overflow-x: auto"><p style="width: 500px">wide, in a box</p></div>',
    "raw": '<span class="math">\\(x\\)</span>',
    "error": "<script>undefinedFunction()</script>",
    "logged": '<script>console.error("oh")</script>',
    "network": '<img src="http://127.0.0.1:9/x.png">',
    "dead": SLIDER.replace("REACTION", ""),
    "nan": WORKING.replace("input.value", '"NaN"'),
    "value-only": WORKING.replace("<output>9</output>", '<output class="nm-value">9</output>'),
    "keys-only": WORKING.replace('value="9">', 'value="9" style="pointer-events: none">'),
    "slow": WORKING.replace(
        "input.addEventListener",
        "input.addEventListener('input', () => requestAnimationFrame(() => {"
        "const end = performance.now() + 1500; while (performance.now() < end); }));"
        "input.addEventListener",
    ),
    "together": TOGETHER,
    "not-together": TOGETHER.replace("if (list.selectedIndex)", "if (list.selectedIndex > 5)"),
    "unlabelled": WORKING.replace("<label>gain ", "").replace("</label>", ""),
    "clipped": LINE,
    "folded-line": f"<details><summary>Code</summary>{LINE}</details>",
    "stuck": LINE.replace("auto", "hidden"),
    "untouchable": LINE.replace("auto", "auto; touch-action: none"),
    "pale": '<p style="color: #999; background: white">hard to read</p>',
    "folded": WORKING + '<article><details><summary>More</summary><p style="color: #999; '
    'background: white">hard to read</p></details></article>',
    "pale-in-the-dark": "<style>@media (prefers-color-scheme: dark) {"
    "p { color: #555; background: #000 }}</style><article><p>hard to read at night</p></article>",
    "blank": WORKING.replace('<polyline points="0,0 9,9"/>', ""),
    "wide-picture": WORKING.replace('width="200"', 'width="600"'),
    "small-picture": WORKING.replace('height="200"', 'height="20"'),
    "unnamed": "<button><i></i></button>",
    "misnamed": '<button aria-label="Search">Search Ctrl+K</button>',
    "light": "<script>document.documentElement.dataset.theme = 'light'</script>",
    **QUESTIONS,
}
FOUND = {
    "shrunken": "picture too small at 375 px: a map",
    "printed-code": "print: folded code is printed",
    "printed-shut": "print: a solution is not open",
    "printed-in-place": "print: a solution is not at the end",
    "wide": "too wide at 375 px",
    "raw": "formula not typeset",
    "error": "script error: undefinedFunction is not defined",
    "logged": "console error: oh",
    "network": "fetches http://127.0.0.1:9/x.png",
    "dead": "the figure does not respond",
    "nan": "slider 1: shows NaN",
    "value-only": "interactive figure 1, slider 1: the figure does not respond",
    "keys-only": "interactive figure 1, slider 1: a mouse does not move it (1280 px)",
    "slow": "interactive figure 1: answers in 1",
    "not-together": "interactive figure 1, slider 1: the figure does not respond",
    "unlabelled": "slider 1: no label",
    "clipped": "light: code cut off at 1280 px: 0123456789",
    "stuck": "light: code out of reach at 375 px: 0123456789",
    "untouchable": "light: code out of reach at 375 px: 0123456789",
    "pale": "light: serious: color-contrast: p: ",
    "folded": "Expected contrast ratio of 4.5:1 (375 px)",
    "pale-in-the-dark": "dark: serious: color-contrast: p: ",
    "blank": "interactive figure 1: no picture without JavaScript",
    "wide-picture": "interactive figure 1: no picture without JavaScript",
    "small-picture": "interactive figure 1: no picture without JavaScript",
    "unnamed": "critical: button-name: button: ",
    "misnamed": "serious: label-content-name-mismatch: button: ",
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
        start = f'<!DOCTYPE html><html lang="en"><head><title>{name}</title>'
        start += '<meta name="viewport" content="width=device-width">'
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
