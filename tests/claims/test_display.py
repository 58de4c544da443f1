"""Boxes and tables say what the ledger says, and can be read by everybody."""

from html.parser import HTMLParser

import pytest

from nmcourse import claims
from nmcourse.claims import runner
from nmcourse.claims.display import _COLOURS, SIGNS, chapter_title, status_text
from nmcourse.evidence.record import STATUSES

VOID = {"br", "img", "hr", "meta", "input"}


class Outline(HTMLParser):
    """Collects the tags of a fragment and fails if they are not nested properly."""

    def __init__(self, fragment):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(fragment)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data + " "

    def all(self, tag):
        return [attributes for found, attributes in self.tags if found == tag]


@pytest.fixture
def measured(small_ledger):
    runner.run("T1", resume_dir=small_ledger.runs)


@pytest.mark.parametrize("form", ["_repr_html_", "_repr_markdown_", "__repr__"])
def test_box_says_all(measured, form):
    text = getattr(claims.box("T1"), form)()
    if form == "_repr_html_":
        text = Outline(text).text
    for part in (
        "Is it true? Claim T1",
        "It is small & light.",
        "<not published> (Somebody 1999)",
        "median 2 (quartiles 1.5 to 3)",
        "3 seeds",
        "reproduced up to 2",
        "A <caveat>.",
        status_text("reproduced"),
        "python -m nmcourse.claims run T1",
    ):
        assert part in text


def test_box_of_a_claim_not_attempted(small_ledger):
    text = Outline(claims.box("T2")._repr_html_()).text
    assert status_text("not attempted") in text
    assert "Seeds" not in text
    assert "Again with" not in text


def test_box_is_a_named_region(measured):
    (region,) = Outline(claims.box("T1")._repr_html_()).all("div")
    assert region["role"] == "region"
    assert region["aria-label"] == "Is it true? Claim T1"


def test_table_is_accessible(measured):
    outline = Outline(claims.table()._repr_html_())
    scopes = [attributes["scope"] for attributes in outline.all("th")]
    assert scopes == ["col"] * 4 + ["row"] * 2
    assert len(outline.all("caption")) == 1
    # Cells that become cards on a narrow screen keep their meaning and name their column.
    assert all(cell["role"] == "cell" and cell["data-label"] for cell in outline.all("td"))
    assert len(outline.all("td")) == 6
    assert {"claim-T1", "claim-T2"} <= {row.get("id") for row in outline.all("tr")}
    assert outline.all("a") == [{"href": "a/some_page.html"}]
    assert "Claim ledger, 2 claims: 1 reproduced, 1 not attempted" in outline.text


def test_overview_has_a_row_for_each_claim_that_leads_to_its_record():
    page = claims.overview()._repr_html_()
    outline = Outline(page.split("<script>")[0])
    assert len(outline.all("tr")) == len(claims.ids()) + 1
    links = [one["href"] for one in outline.all("a") if one["href"].startswith("#")]
    assert links == [f"#claim-{claim}" for claim in claims.ids()]
    assert {one.get("name") for one in outline.all("select")} == {"status", "paper", "chapter"}
    # Without JavaScript there are no choices to make, and every row is there.
    assert "hidden" in outline.all("form")[0]
    assert not any("hidden" in row for row in outline.all("tr"))


def test_overview_finds_a_claim_under_both_verdicts(measured):
    rows = {
        row["data-chapter"]: row
        for row in Outline(claims.overview()._repr_html_().split("<script>")[0]).all("tr")
        if "data-status" in row
    }
    assert "reproduced" in rows["book/a/some_page"]["data-status"].split("|")


def test_table_of_some_claims(measured):
    assert claims.table(["T2"]).entries == (claims.get("T2"),)
    with pytest.raises(claims.ClaimError, match="no claim 'T3'"):
        claims.table(["T3"])


def test_whole_ledger_can_be_shown():
    outline = Outline(claims.table()._repr_html_())
    for claim in claims.ids():
        assert any(row.get("id") == f"claim-{claim}" for row in outline.all("tr"))
        assert claim in repr(claims.table([claim]))
        Outline(claims.box(claim)._repr_html_())


def test_a_status_is_told_by_sign_and_word():
    assert set(SIGNS) == set(_COLOURS) == set(STATUSES)
    assert len(set(SIGNS.values())) == len(STATUSES)
    legend = Outline(claims.Legend()._repr_html_()).text
    for status, meaning in STATUSES.items():
        assert status_text(status) in legend
        assert meaning in legend
        assert status_text(status) in repr(claims.Legend())


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
@pytest.mark.parametrize("status", STATUSES)
def test_status_colours_can_be_seen_on_light_and_dark(status, page):
    def luminance(colour):
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(_COLOURS[status]), luminance(page)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 3.0


def test_chapter_title():
    assert chapter_title("book/dynamics/rate_networks") == "Rate networks"


def test_two_verdicts_stand_one_below_the_other_in_a_column():
    entry = next(one for one in claims.entries() if one.fair_status)
    for shown in (claims.table([entry.id]), claims.overview([entry.id])):
        assert ";<br>under a fair control" in shown._repr_html_()


def test_the_statement_has_the_room_in_the_table_to_filter():
    """The records follow on the page with a style of their own, and must not take it away."""
    page = claims.overview()._repr_html_() + claims.table()._repr_html_()
    assert ".nm-ledger.nm-overview td:nth-of-type(2) { width: 46%; }" in page
