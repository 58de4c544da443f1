"""tools/web/code_links.py: from code to the API, and back."""

from __future__ import annotations

import pytest
from docutils import nodes
from docutils.utils import new_document
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx import addnodes

from tools.web.code_links import link_code, tell, uses

KNOWN = ["nmcourse.models.NMRNN", "nmcourse.figures.plot_ramps", "nmcourse.models.CordsNet"]


def page(*cells: str) -> str:
    shown = (highlight(code, PythonLexer(), HtmlFormatter()) for code in cells)
    return "\n".join(f'<div class="highlight-ipython3 notranslate">{one}</div>' for one in shown)


def linked(*cells: str) -> list[str]:
    before = page(*cells)
    after = link_code(before, KNOWN, lambda entry: f"api.html#{entry}")
    links = after.split('<a class="nm-api" href="api.html#')[1:]
    stripped = after
    for link in links:
        tag = '<a class="nm-api" href="api.html#' + link.split(">")[0] + ">"
        start, _, rest = stripped.partition(tag)
        stripped = start + rest.replace("</a>", "", 1)
    assert stripped == before  # nothing else has changed
    return [link.split('"')[0] for link in links]


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["from nmcourse.models import NMRNN", "a = NMRNN(3)"], ["nmcourse.models.NMRNN"] * 2),
        (["from nmcourse.models import NMRNN\nNMRNN(1)\nNMRNN(2)"], ["nmcourse.models.NMRNN"]),
        (["from nmcourse import figures\nfigures.plot_ramps()"], ["nmcourse.figures.plot_ramps"]),
        (["import nmcourse\nnmcourse.models.NMRNN.step"], ["nmcourse.models.NMRNN"]),
        (["from nmcourse.models import NMRNN as N\nN()"], ["nmcourse.models.NMRNN"] * 1),
        (["from nmcourse.models.vision import CordsNet"], ["nmcourse.models.CordsNet"]),
        (["from other import NMRNN\nNMRNN()"], []),
        (["a.NMRNN; f(NMRNN=1)"], []),
        (["from nmcourse.models import nothing\nnothing()"], []),
    ],
)
def test_a_name_of_the_package_leads_to_its_entry_once_in_a_cell(cells, found):
    assert linked(*cells) == found


def test_a_name_that_the_page_defines_is_no_longer_ours():
    first = "from nmcourse.models import NMRNN"
    assert linked(first, "class NMRNN: ...", "NMRNN()") == ["nmcourse.models.NMRNN"]


def test_a_cell_with_commands_of_the_notebook_is_read():
    cell = "try:\n    from nmcourse.models import NMRNN\nexcept ImportError:\n    %pip install x"
    assert linked(cell) == ["nmcourse.models.NMRNN"]


def test_an_entry_names_the_sections_that_use_it_and_not_those_that_import_it():
    document = new_document("chapter")
    for title, code in (("Set-up", "from nmcourse.models import NMRNN"), ("Use", "NMRNN(3)")):
        section = nodes.section(ids=[title.lower()])
        section += nodes.title("", title)
        section += nodes.literal_block(code, code, language="ipython3")
        document += section
    found = uses(document, KNOWN)
    assert found == {"nmcourse.models.NMRNN": [("use", "Use")]}

    api = new_document("api")
    signature = addnodes.desc_signature(ids=["nmcourse.models.NMRNN"])
    api += addnodes.desc("", signature, addnodes.desc_content())
    used = {entry: {"book/chapter": places} for entry, places in found.items()}
    tell(api, used, lambda to: f"{to}.html", {"book/chapter": "A chapter"})
    assert "Used in A chapter: Use" in api.astext()
    (link,) = api.findall(nodes.reference)
    assert link["refuri"] == "book/chapter.html#use"
