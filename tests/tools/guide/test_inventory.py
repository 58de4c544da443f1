"""The concept inventory: forms follow from the seed, and no key gets to students."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import nbformat
import pytest

from tools import browser_check, build_book, pairs
from tools.guide import inventory, inventory_score
from tools.guide.chapters import course
from tools.guide.inventory_form import Form

SEED = "a seed that nobody guesses"
SOURCE = inventory.source()
EVERY = pytest.mark.parametrize("one", SOURCE, ids=lambda one: one["id"])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    inventory.write(SEED, folder)
    return folder


def test_there_are_fifteen_to_twenty_questions_of_most_chapters():
    assert 15 <= len(SOURCE) <= 20
    assert len({one["id"] for one in SOURCE}) == len(SOURCE)
    asked = {one["chapter"] for one in SOURCE}
    assert asked <= {one.page for one in course()}
    assert len(asked) >= 10


@EVERY
def test_a_question_has_four_different_options_in_each_variant(one: dict):
    assert one["variants"]
    for values in one["variants"]:
        texts = [one["right"], *(wrong["text"] for wrong in one["wrong"])]
        options = [text.format(**values) for text in texts]
        assert len(set(options)) == len(options) == 4
        for text in [*options, one["stem"].format(**values), one["why"].format(**values)]:
            assert not re.search(r"[{}]", text)
    assert len({wrong["thinks"] for wrong in one["wrong"]}) == 3


def test_the_right_option_is_not_told_by_its_length():
    longest = 0
    for one in SOURCE:
        values = one["variants"][0]
        right = len(one["right"].format(**values))
        longest += all(right > len(wrong["text"].format(**values)) for wrong in one["wrong"])
    assert longest <= len(SOURCE) / 4


def test_numbers_are_right():
    """Those that can be computed are computed again, in each variant."""
    by_id = {one["id"]: one["variants"] for one in SOURCE}
    for v in by_id["gain-clock"]:
        assert v["right"] == pytest.approx(v["tau"] / (1 - float(v["s"])))
    for v in by_id["overlap-memory"]:
        assert float(v["right"]) == pytest.approx(1 - v["tau"] / v["wanted"])
    for v in by_id["time-constant"]:
        factor = {"three times as long": 3, "half as long": 0.5}[v["times"]]
        assert v["right"] == v["tau"] * factor
    for v in by_id["long-step"]:
        factor = float(v["factor"].replace("−", "-"))
        assert factor == pytest.approx(1 - v["dt"] / v["tau"])
        assert ("nearer" in v["right"]) == (abs(factor) < 1)
    for v in by_id["eigenvalues"]:
        assert ("grows" in v["right"]) == (float(v["real"].replace("−", "-")) > 0)
    for v in by_id["convolution-matrix"]:
        assert (v["n"], v["weights"]) == (v["h"] ** 2, v["k"] ** 2)


def test_a_form_follows_from_its_seed():
    assert inventory.draw(SEED, "before") == inventory.draw(SEED, "before")
    other = inventory.draw(SEED + "x", "before")
    assert other.code != inventory.draw(SEED, "before").code
    assert [one.id for one in other.questions] != [
        one.id for one in inventory.draw(SEED, "before").questions
    ]
    with pytest.raises(ValueError, match="form must be one of"):
        inventory.draw(SEED, "during")


def test_before_and_after_ask_the_same_with_other_numbers():
    before, after = (
        {q.id: q for q in inventory.draw(SEED, name).questions} for name in inventory.FORMS
    )
    assert before.keys() == after.keys()
    for one in SOURCE:
        same = before[one["id"]].stem == after[one["id"]].stem
        assert same == (
            len(one["variants"]) == 1
            or len({one["stem"].format(**v) for v in one["variants"]}) == 1
        )


def test_letters_of_the_key_are_spread():
    keys = [q.key for name in inventory.FORMS for q in inventory.draw(SEED, name).questions]
    assert all(5 <= keys.count(letter) <= 16 for letter in "ABCD")


def test_the_key_is_right(out: Path):
    data = json.loads((out / "key" / "key.json").read_text())
    assert data["seed"] == SEED
    rights = {one["id"]: one for one in SOURCE}
    for code, form in data["forms"].items():
        (text,) = [path.read_text() for path in (out / form["form"]).glob("*.md")]
        assert code in text
        asked = re.findall(r"^## Question \d+\. (.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        for entry, question in zip(form["questions"], asked, strict=True):
            (shown,) = re.findall(rf"^- \*\*{entry['key']}\.\*\* (.*)$", question, re.MULTILINE)
            one = rights[entry["id"]]
            assert shown in [one["right"].format(**values) for values in one["variants"]]


@pytest.mark.parametrize("name", inventory.FORMS)
def test_students_get_no_key(out: Path, name: str):
    form = inventory.draw(SEED, name)
    files = list((out / name).iterdir())
    assert sorted(path.suffix for path in files) == [".html", ".ipynb", ".md"]
    secrets = [
        SEED,
        *(q.why for q in form.questions),
        *(q.id for q in form.questions if "-" in q.id),
    ]
    secrets += [o.thinks for q in form.questions for o in q.options if o.thinks]
    for path in files:
        text = path.read_text()
        assert [secret for secret in secrets if secret in text] == []
        for question in form.questions:
            assert all(
                option.text.split("*")[0][:20] in _plain(text) for option in question.options
            )


def _plain(text: str) -> str:
    return text.replace("&#x27;", "'").replace("\\u", "u")


def test_the_notebook_runs_and_writes_its_file(out: Path, tmp_path: Path, monkeypatch):
    (path,) = (out / "before").glob("*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code = code.replace('code_name = ""', 'code_name = "Ab7"').replace(
        'answers[1] = ""', 'answers[1] = "b"'
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "notebook", "exec"), {})
    forms = json.loads((out / "key" / "key.json").read_text())["forms"]
    answers, problems = inventory_score.read(list(tmp_path.glob("*.csv")), forms)
    assert problems == []
    ((who, given),) = answers.items()
    assert who == ("before", "ab7")
    first = inventory.draw(SEED, "before").questions[0].id
    assert given[first] == "B"
    assert len(given) == len(SOURCE)


def test_a_seed_that_can_be_guessed_and_a_folder_in_the_tree_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="SEED must have 12 characters or more"):
        inventory.write("2027", tmp_path)
    for folder in (pairs.ROOT, pairs.ROOT / "book" / "teaching"):
        with pytest.raises(ValueError, match="OUT must lie outside"):
            inventory.write(SEED, folder)
    assert list(tmp_path.iterdir()) == []


def test_the_site_shows_no_question():
    shown = inventory.text(pairs.ROOT)
    for page in build_book.toc_pages():
        path = pairs.ROOT / f"{page}.md"
        shown += path.read_text(encoding="utf-8") if "teaching" in page else ""
    for one in SOURCE:
        assert one["concept"] in shown
        for values in one["variants"]:
            assert one["stem"].format(**values) not in shown


def csv_of(form: Form, who: str, right: set[int]) -> str:
    lines = ["form,code_name,question,answer"]
    for number, one in enumerate(form.questions, 1):
        wrong = next(letter for letter in "ABCD" if letter != one.key)
        lines.append(f"{form.code},{who},{number},{one.key if number in right else wrong}")
    return "\n".join(lines) + "\n"


def test_scores_join_before_and_after(out: Path, tmp_path: Path, capsys):
    before, after = (inventory.draw(SEED, name) for name in inventory.FORMS)
    every = set(range(1, 21))
    (tmp_path / "1.csv").write_text(csv_of(before, "ann", set()))
    (tmp_path / "2.csv").write_text(csv_of(after, "Ann ", every))
    (tmp_path / "3.csv").write_text(csv_of(before, "bob", set()))
    (tmp_path / "4.csv").write_text(csv_of(after, "bob", set()))
    (tmp_path / "5.csv").write_text(csv_of(before, "cy", every))  # did not come back
    assert inventory.main(["score", str(out), str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "2 students did both forms" in printed
    assert printed.count("    0%    50%   0.50  ") == len(SOURCE)

    (tmp_path / "6.csv").write_text("name,points\n")
    (tmp_path / "7.csv").write_text("form,code_name,question,answer\nother,x,1,A\n")
    assert inventory.main(["score", str(out), str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "6.csv: columns must be" in printed
    assert "7.csv: no form 'other' in this key" in printed


def test_a_gain_is_the_part_of_what_could_be_gained():
    assert inventory_score.normalised_gain(0.2, 0.6) == pytest.approx(0.5)
    assert inventory_score.normalised_gain(0.5, 0.25) == pytest.approx(-0.5)
    assert math.isnan(inventory_score.normalised_gain(1.0, 1.0))


@pytest.mark.slow
@pytest.mark.skipif(bool(browser_check.missing()), reason=browser_check.missing())
def test_the_page_is_fine_in_a_browser(out: Path):
    (path,) = (out / "after").glob("*.html")
    assert browser_check.inspect(path.parent, [path.stem], workers=1) == {path.stem: []}
