"""Files as students and learning platforms name them: one odd name costs one student at most."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tools.teaching import assignments
from tools.teaching.handed_in import HandedIn, collect
from tools.teaching.simulated import notebook, right
from tools.teaching.submission import read

HIDDEN = assignments.make("a seed", "rates", 1, "a key")
[ONE] = HIDDEN.versions.values()
RIGHT = json.dumps(notebook(ONE, right(ONE)))


def hand_in(folder: Path, *names: str, content: str = RIGHT) -> HandedIn:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return collect(folder)


def students(found: HandedIn) -> set[str]:
    return {one.student for one in found.everybody}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("X.IPYNB", "X"),
        ("x.Ipynb", "x"),
        ("x.ipynb.txt", "x"),
        ("x.ipynb.json", "x"),
        ("x.json", "x"),
        ("x", "x"),
        ("x (1).ipynb", "x (1)"),
        ("x.ipynb (1)", "x"),
        (unicodedata.normalize("NFD", "José Müller.ipynb"), "José Müller"),
        ("आशा.ipynb", "आशा"),
        ("สมชาย.ipynb", "สมชาย"),
        ("می\u200cخواهم.ipynb", "می\u200cخواهم"),
        ("Müller, Dora.ipynb", "Müller, Dora"),
        ("O’Neil.ipynb", "O’Neil"),
        (" a  b .ipynb", "a b"),
        ("o'neil@example.org.ipynb", "o'neil@example.org"),
        ("12-345 (2).ipynb", "12-345 (2)"),
        ("Dora Müller_123_assignsubmission_file/homework.ipynb", None),
        ("Dora Müller_123_assignsubmission_file_homework.ipynb", None),
        ("doejane_12345_678901_homework-1.ipynb", "doejane_12345"),
        ("doejane_LATE_12345_678901_homework-1.ipynb", "doejane_12345"),
        ("doejane_12345_678901_Untitled_2_3.ipynb", "doejane_12345"),
        ("Homework 1_doejane_attempt_2026-11-03-11-05-33_homework_2.ipynb", "doejane"),
        ("12345-678901 - José Doe - Nov 3, 2026 1105 AM - homework.ipynb", "José Doe_12345"),
        ("12345-678901 - Jane Doe- Nov 3, 2026 105 PM - a - b.ipynb", "Jane Doe_12345"),
        ("12345-678901 - Jane Doe - Nov 3, 2026 1105 AM/homework.ipynb", "Jane Doe_12345"),
    ],
)
def test_a_notebook_is_found_whatever_it_is_called(tmp_path: Path, name: str, student: str | None):
    found = hand_in(tmp_path, name)
    assert students(found) == {student or "Dora Müller_123_assignsubmission_file"}
    assert found.left_out == ()
    assert read(found.everybody[0], HIDDEN.versions).token == ONE.token


def test_what_blackboard_writes_of_an_attempt_is_nobodys_notebook(tmp_path: Path):
    attempt = "Homework 1_doejane_attempt_2026-11-03-11-05-33"
    (tmp_path / f"{attempt}.txt").write_text("Name: Jane Doe (doejane)")
    found = hand_in(tmp_path, f"{attempt}_homework.ipynb")
    assert students(found) == {"doejane"}
    assert found.left_out == ()
    assert found.beside == (f"'{attempt}.txt': what Blackboard writes of an attempt",)


def test_what_canvas_calls_late_is_noted(tmp_path: Path):
    [found] = hand_in(tmp_path, "doejane_LATE_12345_678901_homework.ipynb").everybody
    assert "Canvas calls it late" in read(found, HIDDEN.versions).notes


@pytest.mark.parametrize(
    "name",
    ["=cmd.ipynb", "-x.ipynb", "@x.ipynb", "a\u202eb.ipynb", "a:b.ipynb", "आ" * 80 + ".ipynb"],
)
def test_a_name_that_cannot_be_used_costs_that_student_only(tmp_path: Path, name: str):
    found = hand_in(tmp_path, name, "ada.ipynb")
    assert students(found) == {"ada"}
    assert len(found.left_out) == 1
    assert "begins with a letter or digit" in found.left_out[0]


def test_names_that_differ_in_capitals_cost_these_students_only(tmp_path: Path):
    found = hand_in(tmp_path, "Ada.ipynb", "ADA.ipynb", "bob.ipynb")
    assert students(found) == {"bob"}
    assert found.left_out == (
        "'ADA': another name differs in capitals only",
        "'Ada': another name differs in capitals only",
    )


def test_files_of_the_system_are_passed_over(tmp_path: Path):
    names = ["._ada.ipynb", ".DS_Store", "__MACOSX/._ada.ipynb", "Thumbs.db", "desktop.ini"]
    names += [".git/x.ipynb", "~$ada.ipynb", "ada/.ipynb_checkpoints/x.ipynb", "ada/._x.ipynb"]
    found = hand_in(tmp_path, *names, "ada/x.ipynb")
    assert students(found) == {"ada"}
    assert len(found.everybody[0].paths) == 1
    assert found.left_out == found.beside == ()


def test_a_notebook_whose_name_looks_like_that_of_a_program_is_named(tmp_path: Path):
    found = hand_in(tmp_path, "#ada.ipynb", ".bob.ipynb", ".ipynb", "#eve.ipynb#", "ida.ipynb")
    assert students(found) == {"ida"}
    assert [message.split(":")[0] for message in found.left_out] == [
        "'#ada.ipynb'",
        "'.bob.ipynb'",
        "'.ipynb'",
    ]


def test_everything_that_is_not_taken_is_named(tmp_path: Path):
    hand_in(tmp_path, "essay.pdf", "doejane_12345_678901_essay.pdf", content="%PDF")  # no notebook
    hand_in(tmp_path, "eve/answer.py", "ada/data.csv", content="x = 1")
    found = hand_in(tmp_path, "ada/x.ipynb")
    assert students(found) == {"ada", "eve", "doejane_12345"}
    assert {one.student for one in found.everybody if not one.paths} == {"eve", "doejane_12345"}
    assert [message.split(":")[0] for message in found.left_out] == [
        "'doejane_12345_678901_essay.pdf'",
        "'essay.pdf'",
        "'eve/answer.py'",
    ]
    assert found.beside == ("'ada/data.csv': no notebook",)
    eve = next(one for one in found.everybody if one.student == "eve")
    assert read(eve, HIDDEN.versions).problem == "no notebook"


def test_the_same_notebook_twice_is_one_and_a_broken_one_costs_nothing(tmp_path: Path):
    hand_in(tmp_path, "ada/broken.ipynb", content='{"cells": [')
    found = hand_in(tmp_path, "ada/x.ipynb", "ada/x (1).ipynb", "ada/x.ipynb.txt")
    [ada] = found.everybody
    assert len(ada.paths) == 4
    assert read(ada, HIDDEN.versions).token == ONE.token


def test_a_folder_without_a_notebook_says_what_it_holds(tmp_path: Path):
    (tmp_path / "essay.pdf").write_text("%PDF")
    with pytest.raises(ValueError, match=r"no notebook in .* \('essay.pdf': no notebook\)"):
        collect(tmp_path)
