"""Syllabi and errata: what they say holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools import addresses, pairs
from tools.guide import errata, syllabus
from tools.guide.chapters import course

SYLLABI = syllabus.load()


@pytest.mark.parametrize("one", SYLLABI, ids=lambda one: one.name)
def test_a_syllabus_adds_up_and_names_chapters(one: syllabus.Syllabus):
    assert syllabus.problems(one, course()) == []


def test_there_are_three_six_and_twelve_weeks():
    assert [len(one.weeks) for one in SYLLABI] == [3, 6, 12]
    words = ["Three", "Six", "Twelve"]
    assert [one.name.split()[0] for one in SYLLABI] == words


def test_the_full_term_leaves_no_chapter_out():
    assert {one.page for one in course()} <= set(SYLLABI[-1].pages())
    assert "*Left out:* nothing." in syllabus.text(pairs.ROOT)


def test_each_chapter_comes_after_those_before_it():
    """The order of the book is the order of its prerequisites; projects may come in between."""
    numbers = {one.page: one.number for one in course() if one.number is not None}
    for one in SYLLABI:
        taught = [numbers[page] for page in one.pages() if page in numbers]
        late = [n for n in taught if n == 9]  # the reviewers' questions may come last
        assert [n for n in taught if n != 9] == sorted(set(taught) - {9})
        assert late == [9]


def test_what_does_not_hold_is_found():
    one = SYLLABI[0]
    chapters = course()
    assert syllabus.problems(replace(one, contact_hours=14.0), chapters) == [
        "says 14.0 hours in class, and they are 13.50"
    ]
    week = replace(one.weeks[0], meetings=((90, "book/none"), (60, "book/dynamics/rate_networks")))
    found = syllabus.problems(replace(one, weeks=(week,), contact_hours=2.5), chapters)
    assert found == [
        "names book/none, which is no chapter",
        "week 1: there is no plan of 60 minutes for book/dynamics/rate_networks",
    ]
    twice = replace(one, weeks=one.weeks[:1] * 2, contact_hours=9.0)
    assert "teaches book/dynamics/rate_networks twice" in syllabus.problems(twice, chapters)


def test_hours_at_home_are_those_of_the_chapters():
    minutes = {one.number: one.minutes for one in course() if one.minutes}  # with exercises
    assert minutes[0] == 15 + 45 + 30
    assert minutes[1] == 50 + 80
    assert minutes[None] == 20 + 30
    assert all(40 <= value <= 240 for value in minutes.values())


def test_the_present_release_has_a_section_of_errata():
    assert f"## Release {addresses.release().version}\n" in errata.text(pairs.ROOT)


def test_errata_are_listed_by_release(tmp_path: Path):
    source = tmp_path / "errata.toml"
    entry = '[[erratum]]\nrelease = "{}"\npage = "p"\nwrong = "a | b"\nright = "c"\n'
    rest = 'reported = "N"\ncorrected = "not yet"\n'
    source.write_text(entry.format("0.0.1") + rest + entry.format("0.0.2") + rest)
    text = errata.text(pairs.ROOT, source)
    assert "| p | a \\| b | c | N | not yet |" in text
    assert text.index("Release 0.0.2") < text.index("Release 0.0.1")
    assert "No error is known in this release, which is the present one." in text
    source.write_text(entry.format("0.0.1"))
    with pytest.raises(ValueError, match="erratum 1: keys must be"):
        errata.load(source)
