"""Submissions, settings and results are read as they come, and written whole."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nmcourse._files import write_text
from tools.teaching import assignments, grade
from tools.teaching.grade import Job, main, todo
from tools.teaching.handed_in import Found, collect
from tools.teaching.marking import Mark, PartMark, _harmless, mark
from tools.teaching.results import (
    Counted,
    counted,
    feedback,
    load_result,
    save_result,
    write_marks,
)
from tools.teaching.sandbox.methods import Method
from tools.teaching.settings import Late, Settings, read_settings, read_times
from tools.teaching.simulated import handed, honest, notebook, right
from tools.teaching.submission import read

HIDDEN = assignments.make("a seed", "rates", 1, "a key")
[ONE] = HIDDEN.versions.values()
NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.utc)


def found(folder: Path, content: bytes | str, name: str = "ada") -> Found:
    path = folder / f"{name}.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Found(name, (path,))


# Submissions


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not a notebook"),
        ("[]", "not a notebook"),
        ('{"cells": 3}', "not a notebook"),
        ('{"cells": [3, {"cell_type": "code", "source": [3]}]}', "not a notebook"),
        ("[" * 100_000, "not a notebook"),
        ('{"cells": ' + "9" * 5000 + "}", "not a notebook"),
        (b"\xff\xfe\x00", "not a notebook"),
        ('{"cells": []}', "empty"),
        ('{"cells": [{"cell_type": "code", "source": "x = 1"}]}', "wrong assignment"),
    ],
)
def test_a_file_that_is_none_of_ours_says_why(tmp_path: Path, content: bytes | str, problem: str):
    submission = read(found(tmp_path, content), HIDDEN.versions)
    assert submission.problem == problem
    marked = mark(submission, HIDDEN, Settings(), Method("none"))
    assert (marked.total, marked.status) == (0, problem)
    assert "Points: 0 of 10" in feedback("ada", "Title", Counted(marked, None, Late()))


def test_every_honest_kind_is_read_as_its_assignment(tmp_path: Path):
    for name, make in honest(ONE).items():
        submission = read(found(tmp_path, make().content), HIDDEN.versions)
        if name not in ("empty", "broken JSON", "another assignment"):
            assert submission.token == ONE.token, name
            assert not any("Test of part" in code for _, code in submission.cells), name


def test_tests_that_are_changed_or_missing_are_noted_and_never_used(tmp_path: Path):
    for kind, word in (("tests altered", "was changed"), ("tests deleted", "is missing")):
        submission = read(found(tmp_path, honest(ONE)[kind]().content), HIDDEN.versions)
        assert [word in note for note in submission.notes] == [True] * 3


def test_a_notebook_without_its_name_is_known_by_its_functions(tmp_path: Path):
    content = handed(ONE, right(ONE)).content.replace(b"ASSIGNMENT", b"SOMETHING")
    submission = read(found(tmp_path, content), HIDDEN.versions)
    assert submission.token == ONE.token
    assert submission.notes == ("the line that names the assignment is missing",)


def test_links_pipes_and_large_files_are_not_read(tmp_path: Path, monkeypatch):
    (tmp_path / "other").write_bytes(handed(ONE, right(ONE)).content)
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "pipe.ipynb")
    for name in ("link", "pipe"):
        one = Found(name, (tmp_path / f"{name}.ipynb",))
        assert read(one, HIDDEN.versions).problem == "not a file"
        assert one.digest()
    monkeypatch.setattr("tools.teaching.handed_in.LARGEST_FILE", 10)
    assert read(Found("a", (tmp_path / "other",)), HIDDEN.versions).problem == "file too large"


def test_a_folder_of_a_student_may_hold_other_files(tmp_path: Path):
    folder = tmp_path / "ada" / "homework 1"
    folder.mkdir(parents=True)
    (folder / "right.ipynb").write_text(json.dumps(notebook(ONE, right(ONE))))
    (folder / "scratch.ipynb").write_text('{"cells": []}')
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "right.ipynb").write_text("old")
    [ada] = collect(tmp_path).everybody
    assert (ada.student, len(ada.paths)) == ("ada", 2)
    assert read(ada, HIDDEN.versions).token == ONE.token
    (folder / "copy.ipynb").write_text(json.dumps(notebook(ONE, {})))
    assert read(collect(tmp_path).everybody[0], HIDDEN.versions).problem == "several notebooks"


def test_a_folder_without_notebooks_is_an_error(tmp_path: Path):
    with pytest.raises(ValueError, match="no notebook in"):
        collect(tmp_path)
    with pytest.raises(ValueError, match="must be a folder"):
        collect(tmp_path / "none")


# Settings


def test_settings_are_read_and_what_is_unknown_is_an_error(tmp_path: Path):
    path = tmp_path / "class.toml"
    path.write_text(
        'regrade = "best"\nworkers = 3\n[points]\na = 5\n'
        "[late]\ndeadline = 2026-11-02T12:00:00Z\npercent_per_day = 20\n[limits]\ncpu_s = 5\n"
    )
    settings = read_settings(path)
    assert (settings.regrade, settings.points["a"], settings.limits.cpu_s) == ("best", 5, 5)
    assert read_settings(None) == Settings()
    for text, message in (
        ("worker = 3", "no setting worker; there are points, late"),
        ("[limits]\nram = 3", "no setting limits.ram; there are wall_s"),
        ('regrade = "worst"', "regrade must be one of latest, best, first, got 'worst'"),
        ("workers = 0", "workers must be a whole number from 1, got 0"),
        ("[late]\npercent_per_day = 200", "percent_per_day must be 0 to 100, got 200"),
        ("[points]\na = -1", "points of part a must be a number from 0, got -1"),
        ("late = 3", "late must be a table, got 3"),
        ("x", "class.toml"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_settings(path)


@pytest.mark.parametrize(
    ("hours", "days", "factor"), [(-1, 0, 1), (0.2, 0, 1), (1, 1, 0.8), (25, 2, 0.6), (90, 4, 0)]
)
def test_the_late_rule_counts_days_that_have_begun(hours: float, days: int, factor: float):
    late = Late(NOON, grace_minutes=15, percent_per_day=20, days=3)
    moment = NOON + timedelta(hours=hours)
    assert late.late_days(moment) == days
    assert late.factor(moment) == pytest.approx(factor)
    assert Late().factor(moment) == late.factor(None) == 1


def test_times_are_read_line_by_line(tmp_path: Path):
    path = tmp_path / "times.csv"
    path.write_text("student,time\nada,2026-11-02T12:00+00:00\n\n")
    assert read_times(path) == {"ada": NOON}
    path.write_text(
        "ada,2026-11-02T12:00+00:00\nada,2026-11-01T12:00+00:00\n"  # the latest, not the last
        '"Müller, Dora",2026-11-02T12:00+00:00\nMaar, Dora , 2026-11-02T12:00+00:00\n'
        "Jose\u0301,2026-11-02T12:00+00:00\n"
    )
    assert read_times(path) == dict.fromkeys(("ada", "Müller, Dora", "Maar, Dora", "José"), NOON)
    path.write_text("ada 2026")
    with pytest.raises(ValueError, match="line 1: not `student,time`"):
        read_times(path)


# Results


def a_mark(points: float) -> Mark:
    parts = (PartMark("a", points, 3, "right" if points else "wrong", lines=("Said.",)),)
    return Mark("marked", "rates-A-000000", parts, notes=("a note",), stopped=("time",))


def a_key(submission: str, homework: str = "same") -> dict[str, str]:
    return {"submission": submission, "homework": homework, "rules": "same"}


@pytest.mark.parametrize(
    ("rule", "counts", "total"), [("latest", 3, 1.5), ("best", 2, 2), ("first", 1, 1)]
)
def test_the_regrade_rule_says_which_mark_counts(
    tmp_path: Path, rule: str, counts: float, total: float
):
    """The last one was late: with the rule "best" an earlier one counts, in time as it was."""
    for number, points in enumerate((1, 2, 0, 3)):
        when = NOON + timedelta(minutes=number - 2)
        save_result(tmp_path, "ada", a_mark(points), a_key(str(number)), when)
    record = load_result(tmp_path, "ada")
    found = counted(record, Settings(regrade=rule, late=Late(NOON, percent_per_day=50)))
    assert (found.mark, found.total) == (a_mark(counts), total)
    assert [one["mark"]["total"] for one in record["earlier"]] == [1, 2, 0]


def test_points_of_the_class_stand_in_place_of_those_of_the_problem(tmp_path: Path):
    save_result(tmp_path, "ada", a_mark(3), a_key("1"))
    for worth in (6, 0):
        found = counted(load_result(tmp_path, "ada"), Settings(points={"a": worth}))
        assert (found.total, found.mark.parts[0].most) == (worth, worth)


def test_marks_of_another_homework_are_not_kept(tmp_path: Path):
    save_result(tmp_path, "ada", a_mark(3), a_key("1"))
    save_result(tmp_path, "ada", a_mark(1), a_key("2", "other"))
    assert load_result(tmp_path, "ada")["earlier"] == []


def test_only_what_is_new_or_changed_is_marked_again(tmp_path: Path):
    ada = found(tmp_path, handed(ONE, right(ONE)).content)
    for rule, again in (("latest", [ada]), ("first", [])):
        job = Job(HIDDEN, Settings(regrade=rule), Method("none"), tmp_path / rule)
        assert todo(job, [ada]) == [ada]
        save_result(job.out, "ada", a_mark(1), job.key(ada))
        assert todo(job, [ada]) == []
        found(tmp_path, handed(ONE, {}).content)
        assert todo(job, [ada]) == again
        found(tmp_path, handed(ONE, right(ONE)).content)
        other = Job(HIDDEN, Settings(points={"a": 1}), Method("none"), job.out)
        assert todo(other, [ada]) == []
        other = Job(HIDDEN, Settings(regrade=rule, restarts=0), Method("none"), job.out)
        assert todo(other, [ada]) == [ada]
        other = Job(assignments.make("another seed", "rates"), Settings(), job.method, job.out)
        assert todo(other, [ada]) == [ada]


def test_rules_that_change_later_are_applied_without_marking_again(tmp_path: Path):
    ada = found(tmp_path, handed(ONE, {}).content)
    late = Late(NOON, percent_per_day=50)
    job = Job(HIDDEN, Settings(), Method("none"), tmp_path / "out")
    save_result(job.out, "ada", a_mark(3), job.key(ada))
    one_hour_late = {"ada": NOON + timedelta(hours=1)}
    for settings, times, total in (
        (Settings(), {}, 3),
        (Settings(late=late), one_hour_late, 1.5),
        (Settings(late=late), {}, 1.5),  # it is remembered
        (Settings(late=late, points={"a": 10}), {"ada": NOON}, 10),
        (Settings(late=late, points={"a": 10}), {"bob": NOON}, 10),
    ):
        changed = replace(job, settings=settings, times=times)
        assert todo(changed, [ada]) == []
        assert grade.report(changed, [ada])["ada"].total == total


def test_a_second_submission_counts_by_the_rules_and_the_student_is_told_which(tmp_path: Path):
    """The first in time with 3 points, the second two days late with 10: 20 % a day are lost."""
    out, late = tmp_path / "out", Late(NOON, percent_per_day=20)
    for points, when in ((3, NOON), (10, NOON + timedelta(hours=30))):
        ada = found(tmp_path, handed(ONE, {"a": f"return {points}"}).content)
        job = Job(HIDDEN, Settings(late=late), Method("none"), out, {"ada": when})
        assert todo(job, [ada]) == [ada]
        save_result(out, "ada", replace(a_mark(1), parts=(worth(points),)), job.key(ada), when)
    for rule, total, number in (("latest", 6, 2), ("best", 6, 2), ("first", 3, 1)):
        changed = replace(job, settings=Settings(late=late, regrade=rule))
        assert todo(changed, [ada]) == []
        assert grade.report(changed, [ada])["ada"].total == pytest.approx(total)
        told = (out / "feedback" / "ada.md").read_text()
        assert f"The {rule} of them counts, and this page is about it: number {number}." in told
        with (out / "marks.csv").open(newline="", encoding="utf-8-sig") as file:
            [row] = csv.DictReader(file)
        assert row["submission"] == f"{number} of 2"
    severe = replace(job, settings=Settings(late=Late(NOON, percent_per_day=40), regrade="best"))
    assert grade.report(severe, [ada])["ada"].total == 3  # the late one is worth 2


def worth(points: float) -> PartMark:
    return PartMark("a", float(points), 10.0, "right", lines=("Right.",))


def test_the_settings_as_they_are_copied_do_not_mark_again(tmp_path: Path):
    ada = found(tmp_path, handed(ONE, {}).content)
    copied = read_settings(Path(grade.__file__).with_name("class.toml"))
    keys = [Job(HIDDEN, one, Method("none"), tmp_path).key(ada) for one in (Settings(), copied)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Right in 2 of 5 cases. What is special about this one?", "right in some of the tests"),
        ("Each of your results is 0.5 times the expected one.", "times a number"),
        ("Each entry of your result is off by 3.", "plus a number"),
        ("The two numbers differ.", "in no simple way"),
        ("The largest difference is 0.3, at index (1, 2).", "in no simple way"),
        ("Your result has shape (3,), expected was (2,).", "another shape"),
        ("Your result has the wrong sign.", "wrong sign"),
    ],
)
def test_a_reason_is_told_without_any_number_of_a_hidden_test(reason: str, said: str):
    told = _harmless(reason)
    assert said in told
    assert not any(character.isdigit() for character in told)


def test_the_table_of_marks_has_a_column_for_each_part_and_the_late_rule_applied(tmp_path: Path):
    late = Late(NOON, percent_per_day=50)
    one_hour_late = Counted(a_mark(3), NOON + timedelta(hours=1), late)
    marks = {"bob": one_hour_late, "ada": Counted(a_mark(3), NOON, late), "eve": None}
    write_marks(tmp_path / "marks.csv", marks, ["a"])
    with (tmp_path / "marks.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["ada", "bob", "eve"]
    assert (rows["ada"]["total"], rows["bob"]["total"], rows["eve"]["total"]) == ("3", "1.5", "")
    assert (rows["bob"]["part_a"], rows["bob"]["late_days"]) == ("3", "1")
    assert rows["eve"]["status"] == "not marked"
    assert rows["ada"]["remarks"] == "stopped: time; a note"


def test_a_file_is_there_whole_or_as_before(tmp_path: Path, monkeypatch):
    write_text(tmp_path / "x", "before")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_text(tmp_path / "x", "after")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "before"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "ada.json").write_text('{"half')
    assert load_result(tmp_path, "ada") is None


def test_the_command_says_what_is_wrong_with_its_folders(tmp_path: Path, capsys):
    assignments.write(HIDDEN, tmp_path)
    (tmp_path / "in").mkdir()
    found(tmp_path / "in", "")
    base = ["--homework", str(tmp_path / "rates.json"), "--submissions", str(tmp_path / "in")]
    for out, message in (
        (tmp_path / "in" / "out", "OUT must not lie in SUBMISSIONS"),
        (Path("/usr/share/marks"), "OUT must not lie in /usr, which submissions can read"),
        (Path(__file__).parent, "OUT must be a folder outside the course's own tree"),
    ):
        assert main([*base, "--out", str(out)]) == 2
        assert message in capsys.readouterr().err


def test_the_settings_that_instructors_copy_are_those_of_the_course():
    path = Path(grade.__file__).with_name("class.toml")
    assert read_settings(path) == Settings()
    assert "sandbox" in path.read_text()


def test_a_fault_of_the_grader_leaves_the_others_alone(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(grade, "mark", lambda *_: 1 / 0)
    job = Job(HIDDEN, Settings(), Method("none"), tmp_path / "out")
    said = grade._mark_one(job, found(tmp_path, ""))
    assert said.startswith("ada: NOT MARKED, ZeroDivisionError in the grader")
    assert grade.report(job, [found(tmp_path, "")]) == {"ada": None}
    assert "not marked" in (tmp_path / "out" / "marks.csv").read_text()
