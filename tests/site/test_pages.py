"""The built site: run by `make pages`, after `make site`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tools import browser_check, build_book, check_pages, notebooks, pairs, parity
from tools.web import weight

HTML = pairs.ROOT / build_book.HTML
PAGES = build_book.toc_pages()


@cache
def figures_of_pages() -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """For each page that was run, the figures whose JavaScript is written on that page."""
    executed = {page: pairs.ROOT / notebooks.EXECUTED / f"{page}.ipynb" for page in PAGES}
    found = {page: [*parity.outputs(path)] for page, path in executed.items() if path.is_file()}
    return {page: figures for page, figures in found.items() if figures}


pytestmark = pytest.mark.skipif(
    os.environ.get("NMCOURSE_SITE") != "built", reason="checks the built site: run `make pages`"
)


@pytest.fixture(scope="session")
def browser_report(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """What a browser finds in every page that was built; how fast figures answer is printed."""
    if lacks := browser_check.missing():
        if os.environ.get("NMCOURSE_BROWSER") == "required":
            pytest.fail(lacks)
        pytest.skip(lacks)
    shots = browser_check.SHOTS if os.environ.get("NMCOURSE_SHOTS") else None
    built = [page for page in PAGES if (HTML / f"{page}.html").exists()]
    answers: list[str] = []
    report = browser_check.inspect(HTML, built, shots=shots, tell=answers.append)
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    for line in ["", *sorted(answers)] if terminal else []:
        terminal.write_line(line)
    return report


def test_every_page_of_the_contents_is_built():
    assert check_pages.missing_pages(HTML) == []


def test_a_page_weighs_no_more_than_a_reader_waits_for(capsys: pytest.CaptureFixture[str]):
    found = weight.all_pages(HTML)
    assert len(found) == len(PAGES)
    with capsys.disabled():
        sys.stdout.write(f"\n{weight.table(found)}\n")
    heavy = {page: round(one.total) for page, one in found.items() if one.total > weight.LIMIT_KB}
    assert heavy == {}


@pytest.mark.parametrize("page", [*figures_of_pages()])
def test_javascript_and_python_of_a_figure_agree(page: str):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    found = [(title, parity.problems(data)) for title, data in figures_of_pages()[page]]
    if wrong := [f"{title}: {problem}" for title, problems in found for problem in problems]:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("check", check_pages.checks(HTML))
def test_page(page: str, check: str):
    if problems := check_pages.checks(HTML)[check](HTML / f"{page}.html"):
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("page", PAGES)
def test_page_in_a_browser(page: str, browser_report: dict[str, list[str]]):
    if problems := browser_report[page]:
        pytest.fail("\n".join(problems), pytrace=False)
