"""Print the built book into one PDF, with a Chromium that is installed.

    python -m tools.pdf [PAGE ...]    default: every page of the contents but the API

The file is `_build/pdf/book.pdf`: a cover with the contents, bookmarks, and the pages. Solutions
stand at the end of each chapter, and the code that only draws is left out. Where there is no
Chromium this says so and does nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from nmcourse._files import write_text
from tools import addresses, browser_check, build_book, pairs

PDF = Path("_build/pdf/book.pdf")
TIMEOUT_S = 1800
# What Chromium waits for, in its own time: formulas of a whole book have to be set.
PATIENCE_MS = 600_000
NOT_PRINTED = re.compile(r"book/(?:api|teaching)/")
PRINTED = """<script>
addEventListener("load", async () => {
  while (!window.MathJax?.startup?.promise) await new Promise((done) => setTimeout(done, 20));
  await window.MathJax.startup.promise;
  window.nmBeforePrint();
});
</script>"""


def _place(page: str) -> str:
    return f"page-{page.replace('/', '-')}"


def _rename(article: Tag, page: str, taken: set[str]) -> dict[str, str]:
    """Give addresses that an earlier page has another name, in place; return which ones."""
    renamed = {}
    for part in article.find_all(id=True):
        name = str(part["id"])
        if name in taken:
            renamed[name] = part["id"] = f"{_place(page)}-{name}"
        taken.add(str(part["id"]))
    return renamed


def together(html: Path, pages: list[str]) -> str:
    """Return one page that holds the text of many; it belongs into the folder `html`.

    Links between these pages become links within it, and other files are found from that folder. A
    cover lists the pages.
    """
    taken: set[str] = set()
    articles: dict[str, Tag] = {}
    renamed: dict[str, dict[str, str]] = {}
    head = ""
    for page in pages:
        soup = BeautifulSoup((html / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
        article = soup.select_one("article.bd-article")
        if article is None:
            raise ValueError(f"{page}: no text to print")
        if not head:
            head = _head(soup, html, page)
        articles[page], renamed[page] = article, _rename(article, page, taken)
    for page, article in articles.items():
        for part in article.find_all(["a", "img", "source"]):
            key = "href" if part.name == "a" else "src"
            if part.has_attr(key):
                part[key] = _address(str(part[key]), page, html, renamed)
        article["id"] = _place(page)
        article["class"] = "bd-article nm-chapter"
    body = "\n".join([_cover(articles), *map(str, articles.values())])
    start = '<!DOCTYPE html>\n<html lang="en" data-theme="light" data-content_root="./">'
    return f"{start}{head}<body>\n{body}\n</body></html>\n"


def _cover(articles: dict[str, Tag]) -> str:
    """Return the first page: title, version, address, and a list of what is in the document."""
    release = addresses.release()
    titles = {}
    for page, article in articles.items():
        heading = article.select_one("h1")
        name = heading.get_text().removesuffix("#").strip() if heading else page
        titles[page] = escape(" ".join(name.split()))
    course, *rest = titles
    entries = "\n".join(f'<li><a href="#{_place(p)}">{titles[p]}</a></li>' for p in rest)
    return (
        f'<section class="bd-article nm-cover"><h1>{titles[course]}</h1>\n'
        f"<p>An executable course, version {escape(release.version)}</p>\n"
        f'<p><a href="{escape(release.address)}">{escape(release.address)}</a></p>\n'
        f'<ul class="simple">\n{entries}\n</ul></section>'
    )


def _head(soup: BeautifulSoup, html: Path, page: str) -> str:
    head = soup.head
    if head is None:
        raise ValueError(f"{page}: no head")
    for part in head.find_all(["link", "script", "meta"]):
        key = "href" if part.name == "link" else "src"
        if part.has_attr(key):
            part[key] = _address(str(part[key]), page, html, {})
    return str(head).replace("</head>", f"{PRINTED}</head>")


def _address(address: str, page: str, html: Path, renamed: dict[str, dict[str, str]]) -> str:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or address.startswith("data:"):
        return address
    target = page
    if parts.path:
        path = ((html / page).parent / unquote(parts.path)).resolve()
        local = path.relative_to(html.resolve()).as_posix()
        target = local.removesuffix(".html")
        if target not in renamed:
            return local
    place = unquote(parts.fragment)
    return f"#{renamed[target].get(place, place)}" if place else f"#{_place(target)}"


def printed_pages(root: Path = pairs.ROOT) -> list[str]:
    """Return the pages of the contents that belong on paper."""
    return [page for page in build_book.toc_pages(root) if not NOT_PRINTED.match(page)]


def write(pages: list[str], root: Path = pairs.ROOT) -> Path:
    """Print pages of the built site into one file; return its path."""
    browser = browser_check.chromium()
    if browser is None:
        raise RuntimeError("no Chromium")
    html, target = root / build_book.HTML, root / PDF
    target.parent.mkdir(parents=True, exist_ok=True)
    page = html / "print.html"
    write_text(page, together(html, pages))
    try:
        with tempfile.TemporaryDirectory() as profile:
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu"]
            command += ["--disable-dev-shm-usage", f"--user-data-dir={profile}"]
            command += [f"--virtual-time-budget={PATIENCE_MS}", "--no-pdf-header-footer"]
            command += ["--generate-pdf-document-outline"]
            command += [f"--print-to-pdf={target}", page.resolve().as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)
    finally:
        page.unlink()
    if not target.read_bytes().startswith(b"%PDF"):
        raise RuntimeError(f"{target} is no PDF")
    return target


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    if browser_check.chromium() is None:
        print("no PDF: there is no Chromium here (its path goes into the variable CHROMIUM)")
        return 0
    html = pairs.ROOT / build_book.HTML
    pages = arguments or printed_pages()
    if missing := [page for page in pages if not (html / f"{page}.html").is_file()]:
        which = "the book is" if len(missing) == len(pages) else f"{', '.join(missing)}:"
        print(f"{which} not built; run `make book` first", file=sys.stderr)
        return 1
    target = write(pages)
    print(f"{target.relative_to(pairs.ROOT)}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
