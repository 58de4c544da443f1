"""Make slides: `python -m tools.slides [CHAPTER ...]`, all chapters if none is named.

Chapters whose execution is not valid any more are executed first. The decks come into
_build/slides, one self-contained file each, with a list of them in index.html.
"""

from __future__ import annotations

import argparse
import html
import sys
from pathlib import Path

from tools import notebooks, pairs
from tools.guide.chapters import Chapter, course
from tools.slides import deck

SLIDES = Path("_build/slides")


def index(chapters: list[Chapter], folder: Path) -> None:
    """Write the list of the decks that are there."""
    decks = [(one, f"{Path(one.page).name}.html") for one in chapters]
    items = "\n".join(
        f'<li><a href="{name}">{html.escape(one.name)}</a></li>'
        for one, name in decks
        if (folder / name).exists()
    )
    (folder / "index.html").write_text(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Slides</title>\n"
        "<style>:root { color-scheme: light dark; font: 1.1rem/1.6 sans-serif; }\n"
        "body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }</style>\n"
        f"</head>\n<body>\n<main>\n<h1>Slides</h1>\n<ul>\n{items}\n</ul>\n</main>\n"
        "</body>\n</html>\n",
        encoding="utf-8",
    )


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help="such as book/dynamics/rate_networks")
    options = parser.parse_args()
    chapters = course()
    chosen = [Path(name).with_suffix("").as_posix() for name in options.chapters]
    pages = [one.page for one in chapters]
    if unknown := set(chosen) - set(pages):
        parser.error(f"not a chapter: {', '.join(sorted(unknown))}; there are {', '.join(pages)}")
    selected = [page for page in pages if not chosen or page in chosen]
    if stale := sorted(set(notebooks.stale()) & set(selected)):
        notebooks.update(stale)
    failed = set(notebooks.stale()) & set(selected)
    for page in selected:
        if page in failed:
            print(f"{page}: no successful execution", file=sys.stderr)
            continue
        made = deck.build(pairs.ROOT / notebooks.EXECUTED / f"{page}.ipynb", pairs.ROOT / SLIDES)
        print(f"{made.relative_to(pairs.ROOT)}: {made.stat().st_size / 1e6:.1f} MB")
    (pairs.ROOT / SLIDES).mkdir(parents=True, exist_ok=True)
    index(chapters, pairs.ROOT / SLIDES)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
