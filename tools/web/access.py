"""Names and roles that the theme leaves out, and that a screen reader needs."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup


def name_summaries(navigation: BeautifulSoup) -> BeautifulSoup:
    """Name the arrows that unfold a chapter in the navigation after the chapter, in place."""
    for summary in navigation.select("li > details > summary"):
        item = summary.find_parent("li")
        link = item.find("a", recursive=False) if item else None
        if link is not None and not summary.get_text(strip=True):
            summary["aria-label"] = f"Pages under {link.get_text(' ', strip=True)}"
    return navigation


def mend(body: str) -> str:
    """Return the HTML of a page with two roles and names put right.

    Docutils writes `<div role="list">` around entries of the role `doc-biblioentry`, which
    do not count as items of a list. MyST-NB gives all folded cells one label, which hides the text
    that the reader sees on them.
    """
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    return body.replace('<summary aria-label="Toggle hidden content">', "<summary>")


def _page_context(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if "body" in context:
        context["body"] = mend(context["body"])
    if "generate_toctree_html" in context:
        draw = context["generate_toctree_html"]

        def named(*args: Any, **kwargs: Any) -> Any:
            drawn = draw(*args, **kwargs)
            return name_summaries(drawn) if isinstance(drawn, BeautifulSoup) else drawn

        context["generate_toctree_html"] = named


def setup(app: Any) -> None:
    """Run after the theme has filled the context of a page (priority 500)."""
    app.connect("html-page-context", _page_context, priority=600)
