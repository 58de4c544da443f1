"""tools/web/access.py: what a screen reader is told."""

from __future__ import annotations

from bs4 import BeautifulSoup

from tools.web.access import mend, name_summaries

NAVIGATION = """<ul>
<li><a href="guide.html">Teaching with this <em>course</em></a>
<details><summary><span><i></i></span></summary>
<ul><li><a href="plans.html">Plans</a></li></ul></details></li>
<li><details><summary><p>Part I</p></summary></details></li>
</ul>"""


def test_the_arrow_of_a_chapter_is_named_after_it_and_a_summary_with_text_keeps_its_own_name():
    chapter, part = name_summaries(BeautifulSoup(NAVIGATION, "html.parser")).select("summary")
    assert chapter["aria-label"] == "Pages under Teaching with this course"
    assert not part.has_attr("aria-label")


def test_entries_of_a_list_of_citations_are_its_items():
    page = '<div role="list"><div class="citation" role="doc-biblioentry">[1]</div></div>'
    (entry,) = BeautifulSoup(mend(page), "html.parser").select("[role=list] > div")
    assert entry["role"] == "listitem"


def test_a_folded_cell_is_named_by_the_text_on_it():
    cell = '<details><summary aria-label="Toggle hidden content"><p>Show</p></summary></details>'
    (summary,) = BeautifulSoup(mend(cell), "html.parser").select("summary")
    assert not summary.attrs
    assert summary.get_text() == "Show"
