"""Check the built pages: nothing missing, nothing broken, nothing fetched from elsewhere.

This reads the files; tools/browser_check.py sees what only a browser can see.

    python -m tools.check_pages [FOLDER]    default: _build/html
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from tools import addresses, build_book, pairs

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
FETCHED_RELATIONS = {"stylesheet", "preload", "modulepreload", "icon"}
COLAB = "https://colab.research.google.com/github/"


@cache
def read(page: Path) -> BeautifulSoup:
    """Parse a page (once)."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return every place in a page that a link can point to."""
    tags = read(page).find_all(True)
    return frozenset(str(tag[key]) for tag in tags for key in ("id", "name") if tag.has_attr(key))


def _is_local(address: str) -> bool:
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def missing_pages(html: Path, root: Path = pairs.ROOT) -> list[str]:
    """Return one message per page of `_toc.yml` that was not built."""
    pages = build_book.toc_pages(root)
    return [f"{name}: no page" for name in pages if not (html / f"{name}.html").exists()]


def broken_links(page: Path) -> list[str]:
    """Links and anchors within the site, images and other files must exist."""
    problems = []
    for tag in read(page).find_all(True):
        for key in ("href", "src"):
            address = tag.get(key)
            if not isinstance(address, str) or address == "#" or not _is_local(address):
                continue
            parts = urlsplit(address)
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                problems.append(f"{address}: no such file")
            elif target.suffix == ".html" and parts.fragment:
                found = unquote(parts.fragment) in anchors(target)
                problems += [] if found else [f"{address}: no such place in the page"]
    return problems


def images_without_text(page: Path) -> list[str]:
    """Every picture has an alternative text that is not just its file name."""
    problems = []
    for image in read(page).find_all("img"):
        alt, source = str(image.get("alt", "")).strip(), str(image.get("src", ""))
        if not alt or alt == source or alt.endswith(Path(source).name):
            problems.append(f"{source[-60:]}: no alternative text")
    return problems


def figures_without_number(page: Path) -> list[str]:
    """What a cell draws stands in a figure with a number, and with a caption of its own."""
    problems = []
    for drawn in read(page).select(".cell_output img, .nm-interactive"):
        if drawn.find_parent(class_="nm-expected"):
            continue  # the picture of a solution, shown once more: its number is below
        figure = (drawn.find_parents("figure") or [None])[-1]  # the outermost
        number = figure.select_one("figcaption .caption-number") if figure else None
        if number is None:
            problems.append(f"no number: {str(drawn.get('alt') or drawn.get_text())[:60]!r}")
    captions = [c.get_text() for c in read(page).select("figcaption .caption-text")]
    repeated = sorted({text for text in captions if captions.count(text) > 1})
    return problems + [f"two figures have the caption {text.strip()!r}" for text in repeated]


def circuits_of_pixels(page: Path) -> list[str]:
    """A drawn circuit consists of lines, SVG, and is as sharp as text at every size."""
    drawn = [
        (figure, image)
        for figure in read(page).find_all("figure", id=re.compile("-circuit-"))
        for image in figure.find_all("img")
    ]
    found = [(figure["id"], str(image.get("src", ""))) for figure, image in drawn]
    return [f"{name}: {source[-60:]}" for name, source in found if not source.endswith(".svg")]


def fetched_from_elsewhere(page: Path) -> list[str]:
    """A page works without a network: no script, style or picture comes from another place."""
    problems = []
    for tag in read(page).find_all(True):
        address = tag.get(FETCHED.get(tag.name, ""))
        if tag.name == "link" and FETCHED_RELATIONS & set(tag.get("rel") or []):
            address = tag.get("href")
        if isinstance(address, str) and not address.startswith("data:"):
            if not _is_local(address):
                problems.append(f"<{tag.name}> fetches {address}")
            elif urlsplit(address).path.endswith(".css"):
                style = page.parent / urlsplit(address).path
                problems += _fetched_by_style(style.read_text(encoding="utf-8"), style.name)
        if tag.name == "style":
            problems += _fetched_by_style(tag.get_text(), "<style>")
    return problems


def _fetched_by_style(style: str, name: str) -> list[str]:
    found = re.findall(r"url\(\s*[\"']?((?:https?:)?//[^\"')]+)", style)
    return [f"{name} fetches {address}" for address in found]


def error_output(page: Path) -> list[str]:
    """No cell shows a warning, or a traceback that its author did not announce."""
    problems = []
    for output in read(page).select(".output.stderr, .output.traceback"):
        cell = output.find_parent(class_="cell")
        announced = isinstance(cell, Tag) and "tag_raises-exception" in (cell.get("class") or [])
        if not announced:
            problems.append(f"error output: {output.get_text().strip()[-120:]!r}")
    return problems


def report_link(page: Path) -> list[str]:
    """Every page says where to report a problem with it."""
    start = f"{addresses.release().address}/issues/new"
    links = [str(link["href"]) for link in read(page).find_all("a", href=True)]
    if any(link.startswith(f"{start}?title=") for link in links):
        return []
    return [f"no link that begins with {start}?title="]


def colab_button(page: Path, html: Path, root: Path = pairs.ROOT) -> list[str]:
    """The Colab button of a chapter opens a notebook that is in the tree, of the right release."""
    name = page.relative_to(html).with_suffix("").as_posix()
    links = {str(a["href"]) for a in read(page).find_all("a", href=True) if COLAB in str(a["href"])}
    if root / f"{name}.md" not in pairs.sources(root):
        return [f"a page without code has a Colab button: {link}" for link in sorted(links)]
    release = addresses.release(root)
    repository = release.address.removeprefix("https://github.com/")
    expected = f"{COLAB}{repository}/blob/{release.tag}/{name}.ipynb"
    problems = []
    if links != {expected}:
        problems.append(f"Colab button opens {sorted(links)}, not {expected}")
    if not (root / f"{name}.ipynb").is_file():
        problems.append(f"Colab button opens {name}.ipynb, which does not exist")
    return problems


def checks(html: Path) -> dict[str, Callable[[Path], list[str]]]:
    """Return the checks of one page by name."""
    return {
        "links": broken_links,
        "images": images_without_text,
        "figures": figures_without_number,
        "circuits": circuits_of_pixels,
        "offline": fetched_from_elsewhere,
        "outputs": error_output,
        "report": report_link,
        "colab": lambda page: colab_button(page, html),
    }


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    html = (pairs.ROOT / (arguments[0] if arguments else build_book.HTML)).resolve()
    problems = missing_pages(html)
    for name in build_book.toc_pages():
        page = html / f"{name}.html"
        for title, check in checks(html).items() if page.exists() else ():
            problems += [f"{name}: {title}: {problem}" for problem in check(page)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
