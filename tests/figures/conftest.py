"""Shared by the tests of the figures: node where it is installed, and a parser of HTML."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest

from nmcourse.figures import Widget


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Run JavaScript after arithmetic.js (or other assets); `show(value)` hands a value back."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the JavaScript of the figures is not tested here")
    folder = resources.files("nmcourse.figures").joinpath("assets")

    def run(code: str, *assets: str) -> Any:
        names = assets or ("arithmetic.js",)
        texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in names]
        script = "\n".join(texts) + f"\nconst show = (v) => console.log(JSON.stringify(v));\n{code}"
        done = subprocess.run([program, "-"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def page_spec() -> Callable[[Widget], dict[str, Any]]:
    """What the script of a figure is given: the second argument of the function that starts it."""

    def read(widget: Widget) -> dict[str, Any]:
        start = re.search(r'^nm\w+\("nm-[0-9a-f]{10}", (?=\{)', widget.html, flags=re.MULTILINE)
        assert start is not None
        return json.JSONDecoder().raw_decode(widget.html[start.end() :])[0]

    return read


class WellFormed(HTMLParser):
    """Every element is closed in turn; collects ids, labels and texts."""

    VOID = ("input", "br", "img", "meta", "line", "path", "polyline")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self.stack, f"left open: {self.stack}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))


@pytest.fixture
def parse() -> type[WellFormed]:
    """Parse HTML; an element left open or closed out of turn fails the test."""
    return WellFormed
