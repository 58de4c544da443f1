"""The built site: run by `make pages`, after `make site`."""

from __future__ import annotations

import os

import pytest

from tools import browser_check, build_book, check_pages, pairs

HTML = pairs.ROOT / build_book.HTML
PAGES = build_book.toc_pages()

pytestmark = pytest.mark.skipif(
    os.environ.get("NMCOURSE_SITE") != "built", reason="checks the built site: run `make pages`"
)


@pytest.fixture(scope="session")
def browser_report() -> dict[str, list[str]]:
    """What a browser finds in every page that was built."""
    if lacks := browser_check.missing():
        if os.environ.get("NMCOURSE_BROWSER") == "required":
            pytest.fail(lacks)
        pytest.skip(lacks)
    shots = browser_check.SHOTS if os.environ.get("NMCOURSE_SHOTS") else None
    built = [page for page in PAGES if (HTML / f"{page}.html").exists()]
    return browser_check.inspect(HTML, built, shots=shots)


def test_every_page_of_the_contents_is_built():
    assert check_pages.missing_pages(HTML) == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("check", check_pages.checks(HTML))
def test_page(page: str, check: str):
    if problems := check_pages.checks(HTML)[check](HTML / f"{page}.html"):
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("page", PAGES)
def test_page_in_a_browser(page: str, browser_report: dict[str, list[str]]):
    if problems := browser_report[page]:
        pytest.fail("\n".join(problems), pytrace=False)
