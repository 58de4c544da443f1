"""tools/web/status.py: what a page says about its run."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tools.conftest import chapter
from tools import environment, notebooks, pairs
from tools.web import status


def test_the_environment_is_named_and_its_hash_follows_every_package(monkeypatch):
    here = environment.describe()
    assert here["cores"] >= 1
    assert here["named"]["torch"]
    assert here == environment.describe()
    monkeypatch.setattr(environment, "packages", lambda: {"torch": "0"})
    assert environment.describe()["hash"] != here["hash"]


def test_an_execution_is_recorded_with_its_day_and_its_environment(book: Path):
    notebooks.update(notebooks.stale(book), book)
    done = notebooks.read_record(book)["book/first"]
    assert done.environment == environment.describe()["hash"]
    assert status.day(done.when) in status.executions(book)
    assert f"`{done.environment}`" in status.executions(book)
    assert f"{environment.describe()['cores']} processor cores" in status.machines(book)


def test_what_is_not_known_is_not_invented(book: Path):
    assert "no valid run on record" in status.executions(book)
    assert status.machines(book) == "No run is on record."
    notebook = book / notebooks.EXECUTED / "book/first.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("{}")
    key = notebooks.notebook_key(book / "book/first.ipynb", notebooks.package_hash(book))
    old = {"book/first": {"key": key, "seconds": 3.0}}  # older than the two new fields
    (book / notebooks.EXECUTED / "record.json").write_text(json.dumps(old))
    assert status.executions(book).count("not recorded") == 2


def test_a_changed_page_has_no_valid_run(book: Path):
    notebooks.update(notebooks.stale(book), book)
    (book / "book/first.md").write_text(chapter("3"))
    pairs.write(pairs.sources(book), book)
    assert "no valid run on record" in status.executions(book)


def test_the_line_under_a_page():
    done = notebooks.Execution("key", 12.4, "2026-11-29T09:00+00:00", "abc")
    line = status.run_line(done, {"cores": 2}, "../status.html")
    assert "on 29 November 2026, in 12 s on 2 processor cores" in line
    assert "in 12 s, without" in status.run_line(done, {}, "../status.html")
    assert status.run_line(None, {}, "../status.html") == ""


def test_a_page_is_edited_on_the_branch_and_opened_in_the_release():
    buttons = [{"buttons": [{"url": "https://x/edit/v1/a.md"}, {"url": "https://x/blob/v1/a.md"}]}]
    status.edit_the_branch(buttons, "v1")
    assert [one["url"] for one in buttons[0]["buttons"]] == [
        "https://x/edit/main/a.md",
        "https://x/blob/v1/a.md",
    ]
