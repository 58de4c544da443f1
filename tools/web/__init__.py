"""A Sphinx extension: what the pages of this site have that the theme and MyST do not give."""

from __future__ import annotations

from typing import Any

from tools.web import (
    access,
    citations,
    code_links,
    expected,
    figures,
    glossary,
    ledger,
    preview,
    status,
)


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx when to ask."""
    access.setup(app)
    citations.setup(app)
    code_links.setup(app)
    expected.setup(app)
    figures.setup(app)
    glossary.setup(app)
    ledger.setup(app)
    preview.setup(app)
    status.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
