"""A chapter that brings a model shows it beside the last one, in lines that the book runs."""

from __future__ import annotations

import html
import re

import pytest

from tools import pairs

BOX = re.compile(r'^<div class="nm-changed".*?^</div>\n</div>$', re.MULTILINE | re.DOTALL)
CODE = re.compile(r"<pre><code>(.*?)</code></pre>", re.DOTALL)
BRINGS_A_MODEL = (
    "dynamics/low_rank_networks",
    "neuromodulation/gain_as_neuromodulation",
    "neuromodulation/one_network_many_tasks",
    "neuromodulation/remembering_one_of_many",
    "vision/convolution_as_connectivity",
    "vision/building_cordsnet",
    "vision/a_modulated_eye",
)


def boxes(chapter: str) -> list[str]:
    return BOX.findall((pairs.ROOT / f"book/{chapter}.md").read_text(encoding="utf-8"))


def run_code() -> str:
    """All code of the book, with its spaces made equal."""
    cells = (
        cell
        for path in pairs.sources()
        for cell in pairs.CODE_CELL.findall(path.read_text(encoding="utf-8"))
    )
    return " ".join("\n".join(cells).split())


@pytest.mark.parametrize("chapter", BRINGS_A_MODEL)
def test_two_equations_and_two_pieces_of_code_with_the_change_marked(chapter: str):
    (box,) = boxes(chapter)
    before, after = CODE.findall(box)
    assert box.count("$$") == 4
    assert "\\boxed" not in box.split("$$")[1]
    assert "\\boxed" in box.split("$$")[3]
    assert "<mark>" not in before
    assert "<mark>" in after


@pytest.mark.parametrize("chapter", BRINGS_A_MODEL)
def test_every_line_of_it_is_run_somewhere_in_the_book(chapter: str):
    code = run_code()
    (box,) = boxes(chapter)
    for piece in CODE.findall(box):
        for line in html.unescape(re.sub(r"</?mark>", "", piece)).splitlines():
            assert " ".join(line.split()) in code, line
