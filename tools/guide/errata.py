"""The list of errors per release (errata.toml), for the page of errata."""

from __future__ import annotations

from pathlib import Path

import tomllib

from tools import addresses
from tools.guide.chapters import in_table

SOURCE = Path(__file__).parent / "errata.toml"
KEYS = ("release", "page", "wrong", "right", "reported", "corrected")


def load(source: Path = SOURCE) -> list[dict[str, str]]:
    """Read the errors.

    Raises:
        ValueError: If an entry lacks a key or has one that is not known.
    """
    found = tomllib.loads(source.read_text(encoding="utf-8")).get("erratum", [])
    for number, one in enumerate(found, 1):
        if set(one) != set(KEYS):
            raise ValueError(f"erratum {number}: keys must be {KEYS}, got {tuple(one)}")
    return list(found)


def text(root: Path, source: Path = SOURCE) -> str:
    """Return the errors release by release in Markdown, the present release first."""
    present = addresses.release(root).version
    errors = load(source)
    releases = [present, *dict.fromkeys(one["release"] for one in reversed(errors))]
    parts = []
    for release in dict.fromkeys(releases):
        own = [one for one in errors if one["release"] == release]
        parts.append(f"## Release {release}\n\n{_table(own) if own else _none(release == present)}")
    return "\n\n".join(parts)


def _none(present: bool) -> str:
    where = "this release, which is the present one" if present else "this release"
    return (
        f"No error is known in {where}. That means that none was reported, not that there is none."
    )


def _table(errors: list[dict[str, str]]) -> str:
    head = "| Page | What it says | What is right | Reported by | Corrected in |"
    rows = [f"| {' | '.join(in_table(one[key]) for key in KEYS[1:])} |" for one in errors]
    return "\n".join([head, "|---|---|---|---|---|", *rows])
