"""tools.links: every address is found and asked, and a page that is gone is told from a refusal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import links


class _Answers(BaseHTTPRequestHandler):
    """Answers with the number in the path; HEAD is not allowed where the path says so."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rsplit("/", 1)[1]))
        self.end_headers()

    def do_HEAD(self) -> None:
        self.send_response(405 if "no-head" in self.path else int(self.path.rsplit("/", 1)[1]))
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_answers_other_than_200_are_returned(server: str):
    paths = ("/200", "/404", "/403", "/503", "/no-head/200")
    answers = links.check(server + path for path in paths)
    assert answers == {f"{server}/404": 404, f"{server}/403": 403, f"{server}/503": 503}


def test_a_server_that_is_not_there_is_gone(server: str):
    status = links.ask("http://127.0.0.1:9/")  # the port "discard": nobody listens
    assert isinstance(status, str)
    assert links.is_gone(status)


@pytest.mark.parametrize(
    ("status", "gone"), [(404, True), (410, True), (401, False), (429, False), (500, False)]
)
def test_a_refusal_is_not_the_end(status: int, gone: bool):
    assert links.is_gone(status) is gone


def test_addresses_are_cut_from_their_sentence(tmp_path: Path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/page.md").write_text(
        "See [a](https://a.org/x#part), <https://b.org/y>, and (https://c.org/z_(1)).\n"
        'pip install "n @ git+https://d.org/n@v1"; http://localhost:8000\n'
    )
    (tmp_path / "refs.bib").write_text("url = {https://a.org/x},\n")
    assert links.addresses(tmp_path) == {
        "https://a.org/x": ["book/page.md", "refs.bib"],
        "https://b.org/y": ["book/page.md"],
        "https://c.org/z_(1)": ["book/page.md"],
    }


def test_the_papers_are_among_the_addresses_of_the_course():
    found = links.addresses()
    assert "https://openreview.net/forum?id=HbIBqn3grD" in found
    assert all(address.count("(") == address.count(")") for address in found)
