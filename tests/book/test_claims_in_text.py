"""The text of the book and the claim ledger: no claim without a record."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import build_book, pairs

CLAIM = re.compile(r"\b[NCR]\d{1,2}\b")
MATHS = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
BOX = re.compile(r"\bclaims\.box\(\s*[\"']([^\"']+)[\"']")
PAGES = sorted((pairs.ROOT / "book").rglob("*.md"))


def claims_in(text: str) -> set[str]:
    """Return the claims that a text names, outside of formulas."""
    return set(CLAIM.findall(MATHS.sub(" ", text)))


def numbered_chapters() -> list[str]:
    """Return the chapters of the numbered parts: those that teach."""
    parts = yaml.safe_load((pairs.ROOT / "_toc.yml").read_text())["parts"]
    return [entry["file"] for part in parts if part.get("numbered") for entry in part["chapters"]]


@pytest.fixture(scope="module")
def ledger() -> set[str]:
    """The claims that have a record."""
    command = [sys.executable, "-m", "nmcourse.claims", "--json"]
    result = subprocess.run(command, cwd=pairs.ROOT, capture_output=True, text=True, check=True)
    return {record["id"] for record in json.loads(result.stdout)}


def test_claims_are_read_from_prose_and_code_but_not_from_formulas():
    text = "As in N1 and (C15). $N1 + x$ and $$C_2 R3$$ `claims.box('N4')` NF1 N123 AN2"
    assert claims_in(text) == {"N1", "C15", "N4"}


def test_every_page_is_looked_at():
    assert {f"{page}.md" for page in build_book.toc_pages()} <= {
        page.relative_to(pairs.ROOT).as_posix() for page in PAGES
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_claim_in_the_text_has_a_record(page: Path, ledger: set[str]):
    assert claims_in(page.read_text(encoding="utf-8")) - ledger == set()


@pytest.mark.parametrize("name", numbered_chapters())
def test_every_chapter_asks_whether_it_is_true(name: str, ledger: set[str]):
    boxes = set(BOX.findall((pairs.ROOT / f"{name}.md").read_text(encoding="utf-8")))
    assert boxes, 'no claims.box("...") in the chapter'
    assert boxes <= ledger
