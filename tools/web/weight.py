"""What a page weighs; pictures that weigh less, and a style that all figures share.

python -m tools.web.weight [FOLDER]    a table of all pages; default: _build/html
"""

from __future__ import annotations

import base64
import gzip
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from bs4 import BeautifulSoup
from bs4.filter import SoupStrainer
from PIL import Image

from nmcourse._files import write_bytes, write_text
from nmcourse.figures.widget import asset
from tools import build_book, pairs

LIMIT_KB = 500
ONLY_PICTURES = SoupStrainer("img", src=True)
# Pictures in the text of a page: small ones are left as they are.
INLINE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]{20000,})")
# Palettes that are tried, the smallest first: so many colours, if the picture then differs from the
# drawn one by no more than this, of 255, on the mean of its points.
PALETTES = ((32, 0.5), (256, 1.5))
MEAN_DIFFERENCE = max(most for _, most in PALETTES)
# A figure that responds brings its style, since in a notebook it stands alone. On a page they share
# one file.
STYLE = f"<style>\n{asset('widget.css')}</style>\n"
SHARED = "_static/nm-widget.css"


@dataclass(frozen=True)
class Weight:
    """What one page adds to the assets that all pages share, in kB, compressed."""

    text: float
    pictures: float

    @property
    def total(self) -> float:
        """Both."""
        return self.text + self.pictures


def weigh(page: Path) -> Weight:
    """Return the weight of a page: its HTML as a server compresses it, and its own pictures."""
    html = page.read_bytes()
    sources = {
        (page.parent / unquote(urlsplit(str(image["src"])).path)).resolve()
        for image in BeautifulSoup(html, "html.parser", parse_only=ONLY_PICTURES).find_all("img")
        if not str(image["src"]).startswith(("data:", "http"))
    }
    pictures = sum(source.stat().st_size for source in sources if "_static" not in source.parts)
    return Weight(len(gzip.compress(html, 6)) / 1000, pictures / 1000)


def lighter(picture: bytes) -> bytes:
    """Return a PNG as WebP: as few colours as do not show, and without further loss."""
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    kept = image
    for colours, most in PALETTES:
        fewer = image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        fewer = fewer.convert("RGBA")
        difference = np.asarray(fewer, float) - np.asarray(image, float)
        if np.abs(difference).mean() <= most:
            kept = fewer
            break
    written = io.BytesIO()
    kept.save(written, "WEBP", lossless=True, quality=90, method=6)
    return written.getvalue()


def _inline(found: re.Match[str]) -> str:
    picture = base64.b64decode(found[1])
    return f"data:image/webp;base64,{base64.b64encode(lighter(picture)).decode()}"


def share_style(text: str, page: Path, html: Path) -> str:
    """Return a page whose figures take their style from the file that all pages share."""
    if STYLE not in text:
        return text
    up = "../" * (len(page.relative_to(html).parts) - 1)
    link = f'<link rel="stylesheet" type="text/css" href="{up}{SHARED}" />\n'
    # Last in the head, so that it wins over the theme as a style beside the figure does.
    return text.replace(STYLE, "").replace("</head>", f"{link}</head>", 1)


def shrink(html: Path) -> float:
    """Make the pages of a built site lighter, in place; return the kB that this saves."""
    saved, renamed = 0, []
    for path in sorted((html / "_images").glob("*.png")):
        before = path.read_bytes()
        after = lighter(before)
        if len(after) < len(before):
            write_bytes(path.with_suffix(".webp"), after)
            path.unlink()
            renamed.append(path.stem)
            saved += len(before) - len(after)
    names = (
        re.compile(rf"(_images/(?:{'|'.join(map(re.escape, renamed))}))\.png") if renamed else None
    )
    write_text(html / SHARED, asset("widget.css"))
    for page in html.rglob("*.html"):
        text = before_text = page.read_text(encoding="utf-8")
        text = share_style(text, page, html)
        text = names.sub(r"\1.webp", text) if names else text
        text = INLINE.sub(_inline, text)
        if text != before_text:
            write_text(page, text)
            saved += len(before_text) - len(text)
    return saved / 1000


def all_pages(html: Path) -> dict[str, Weight]:
    """Return the weight of every page that was built."""
    pages = [page for page in build_book.toc_pages() if (html / f"{page}.html").is_file()]
    return {page: weigh(html / f"{page}.html") for page in pages}


def table(weights: dict[str, Weight]) -> str:
    """Return the weights of pages as a table, the heaviest first."""
    lines = [f"{'page':50s}{'text':>8s}{'pictures':>10s}{'kB':>8s}"]
    for page, weight in sorted(weights.items(), key=lambda one: -one[1].total):
        lines.append(f"{page:50s}{weight.text:8.0f}{weight.pictures:10.0f}{weight.total:8.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    folder = (pairs.ROOT / (sys.argv[1] if sys.argv[1:] else build_book.HTML)).resolve()
    print(table(all_pages(folder)))
