"""What every widget of a static page shares: one self-contained piece of HTML."""

from __future__ import annotations

import hashlib
import html
import json
import re
from functools import cache
from importlib import resources
from typing import Any

#: Under this name a notebook keeps what Python computes for a figure; no page shows it.
TWIN = "application/vnd.nmcourse.twin+json"
#: Largest size of one widget in bytes; a page holds several.
MAX_BYTES = 300_000


class Widget:
    """A piece of HTML that a notebook shows as it is, with no kernel and no network.

    Args:
        html: The HTML, complete with its style and script.
        text: What is shown where HTML cannot be.
        twin: What Python computes for the figure, for `tools.parity`; None for nothing.
    """

    def __init__(self, html: str, text: str, twin: dict[str, Any] | None = None) -> None:
        self.html = html
        self.text = text
        self.twin = twin

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/html": self.html, "text/plain": self.text}
        return shown if self.twin is None else shown | {TWIN: self.twin}


@cache
def asset(name: str) -> str:
    """The text of a file in ``nmcourse/figures/assets``."""
    folder = resources.files("nmcourse.figures").joinpath("assets")
    return folder.joinpath(name).read_text(encoding="utf-8")


def required_text(value: str, name: str, why: str) -> str:
    """The text without outer space; ValueError if there is none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: {value!r} is empty; {why}")
    return " ".join(value.split())


def required_alt(alt: str) -> str:
    """The alternative text; ValueError if it is empty."""
    return required_text(
        alt, "alt", "say what the figure shows and what moves, for readers who cannot see it"
    )


def to_script(value: Any) -> str:
    """JSON that is safe inside a script element, the same at every build."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def safe_javascript(code: str, name: str) -> str:
    """The code, unless it would end the script element it stands in (ValueError)."""
    found = re.search(r"</script|<!--|<script", code, flags=re.IGNORECASE)
    if found:
        raise ValueError(f"{name}: holds {found.group()!r}, which would end the script on the page")
    return code


def identifier(*parts: str) -> str:
    """An id that depends on the content only, so that a rebuild gives the same bytes."""
    return "nm-" + hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:10]


def inline(text: str) -> str:
    """Escape a text; ``*emphasis*`` and `` `code` `` become elements."""
    safe = html.escape(text)
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", safe)


def assemble(
    *, id: str, kind: str, label: str, body: str, scripts: tuple[str, ...], call: str, text: str
) -> Widget:
    """Put style, body and script into one element.

    Args:
        id: Id of the widget.
        kind: Class of the widget, ``"nm-interactive"`` or ``"nm-predict"``.
        label: Name of the widget for a screen reader.
        body: HTML that stands without JavaScript too.
        scripts: Names of the script files to inline.
        call: JavaScript that starts the widget.
        text: What is shown where HTML cannot be.

    Returns:
        The widget.

    Raises:
        ValueError: If it is larger than :data:`MAX_BYTES`.
    """
    code = "\n".join(asset(name) for name in scripts)
    page = (
        f'<div class="nm-widget {kind}" id="{id}" data-nm="{id}" role="group" '
        f'aria-label="{html.escape(label)}">\n'
        f"<style>\n{asset('widget.css')}</style>\n{body}\n"
        f"<script>\n(function () {{\n{code}\n{call}\n}})();\n</script>\n</div>"
    )
    size = len(page.encode())
    if size > MAX_BYTES:
        raise ValueError(
            f"widget {label!r}: {size / 1000:.0f} kB is above the limit of "
            f"{MAX_BYTES / 1000:.0f} kB; use fewer slider values or fewer points"
        )
    return Widget(page, text)
