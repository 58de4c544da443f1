import json
import re
import shutil
import subprocess

import pytest

from nmcourse.figures import Widget, my_answers, predict_first
from nmcourse.figures.widget import asset

OPTIONS = ["5 ms", "10 ms", "20 ms", "100 ms"]


def ask(**changes) -> Widget:
    options = {
        "question": "With τ = 10 ms, how long does the mode take when `s = 0.5`?",
        "options": OPTIONS,
        "answer": "20 ms",
        "explanation": "What is *left* of the leak is (1 − s)/τ.",
        "feedback": {"10 ms": "That is the leak alone."},
    }
    return predict_first(**{**options, **changes})


def test_html_is_a_form_that_a_keyboard_reaches(parse):
    page = parse(ask().html)
    assert page.elements[0][1]["class"] == "nm-widget nm-predict"
    radios = [attributes for tag, attributes in page.elements if tag == "input"]
    assert [radio["type"] for radio in radios] == ["radio"] * 4
    assert len({radio["name"] for radio in radios}) == 1
    tags = [tag for tag, _ in page.elements]
    assert tags.count("fieldset") == tags.count("legend") == tags.count("details") == 1
    assert tags.count("label") == 4
    verdict = next(a for tag, a in page.elements if a.get("class") == "nm-verdict")
    assert verdict["aria-live"] == "polite"


def test_without_javascript_the_answer_can_be_opened():
    page = ask().html.split("<script>")[0]
    assert "<strong>20 ms.</strong>" in page
    assert "<em>left</em>" in page
    assert "<code>s = 0.5</code>" in page


def test_text_is_escaped():
    page = ask(question="Is a < b & <b>c</b>?").html
    assert "Is a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;?" in page
    assert "2 * 3 * 4" in ask(explanation="It is 2 * 3 * 4.").html


def test_the_page_knows_the_answer_and_the_reply_to_each_option():
    shown = re.search(r'nmPredict\("nm-[0-9a-f]{10}", (.*?)\);\n\}\)', ask().html)
    assert shown is not None
    expected = {"answer": 2, "feedback": ["", "That is the leak alone.", "", ""]}
    assert json.loads(shown.group(1)) == expected


def test_a_rebuild_is_the_same_and_another_question_has_another_id():
    assert ask().html == ask().html
    ids = {re.search(r'id="(nm-\w+)"', ask(key=key).html).group(1) for key in ("", "again")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": " "}, "question: .* is empty"),
        ({"explanation": ""}, "explanation: .* is empty"),
        ({"options": ["20 ms"]}, "options: needs two or more"),
        ({"options": ["20 ms", "20 ms"]}, "options: needs two or more different"),
        ({"answer": "30 ms"}, "answer: '30 ms' is not one of the options"),
        ({"feedback": {"20 ms": "no"}}, "feedback: '20 ms' is not one of the wrong options"),
        ({"feedback": {"7 ms": "no"}}, "feedback: '7 ms'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        ask(**changes)


@pytest.mark.parametrize("widget", [ask(), my_answers()], ids=["question", "my answers"])
def test_the_script_is_valid_javascript(widget: Widget, tmp_path):
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the JavaScript of the figures is not tested here")
    (script,) = re.findall(r"<script>(.*?)</script>", widget.html, flags=re.DOTALL)
    (tmp_path / "predict.js").write_text(script, encoding="utf-8")
    done = subprocess.run([program, "--check", tmp_path / "predict.js"], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_my_answers_can_be_saved_in_two_formats_and_cleared(parse):
    page = parse(my_answers().html)
    assert page.elements[0][1]["class"] == "nm-widget nm-answers"
    labels = re.findall(r'<button type="button">(.*?)</button>', my_answers().html)
    assert labels == [
        "Save my answers (CSV)",
        "Save my answers (JSON)",
        "Clear my answers",
    ]
    verdict = next(a for tag, a in page.elements if a.get("class") == "nm-verdict")
    assert verdict["aria-live"] == "polite"
    assert "needs JavaScript" in my_answers().html.split("<script>")[0]


def stored(node, value: str, show: str):
    """Run answers.js in Node, with one answer in a store like that of a browser."""
    return node(f"""
globalThis.window = {{ localStorage: {{ "nmcourse:predict:a": {json.dumps(value)}, "other": "1" }},
  dispatchEvent() {{}} }};
Object.setPrototypeOf(window.localStorage, {{ getItem(key) {{ return this[key] ?? null; }} }});
globalThis.Event ??= class {{}};
{asset("answers.js")}
show({show});""")


def test_an_answer_of_an_earlier_version_is_still_read(node):
    assert stored(node, "2", 'nmRead("nmcourse:predict:a")') == {"chosen": 2}
    row = {"page": "", "question": "", "answer": "", "right": "", "time": "", "id": "a"}
    assert stored(node, "2", "nmAnswersStored()") == [row]
    assert stored(node, "{broken", 'nmRead("nmcourse:predict:a")') is None


def test_a_cell_of_the_table_is_quoted_and_is_no_formula(node):
    cells = ['a "b", c', "=1+1", "-3"]
    assert stored(node, "0", f"{json.dumps(cells)}.map(nmCell)") == [
        '"a ""b"", c"',
        '"\'=1+1"',
        '"\'-3"',
    ]
