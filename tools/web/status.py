"""When a page was run, for how long and on what; when its text changed last; where to edit it."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from tools import notebooks, pairs
from tools.web.glossary import LINKED_PAGES

STATUS = "book/status"
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def day(when: str) -> str:
    """Return a time of the record as a date in words; empty if there is none."""
    if not when:
        return ""
    date = datetime.fromisoformat(when)
    return f"{date.day} {date:%B %Y}"


def executions(root: Path = pairs.ROOT) -> str:
    """Return a table of all executions that are valid: chapter, date, seconds, environment."""
    record, invalid = notebooks.read_record(root), set(notebooks.stale(root))
    lines = ["| page | run on | seconds | environment |", "|---|---|---:|---|"]
    for name in notebooks.names(root):
        title = TITLE.search((root / f"{name}.md").read_text(encoding="utf-8"))
        link = f"[{title[1] if title else name}]({Path(name).relative_to('book')}.md)"
        done = record.get(name)
        if done is None or name in invalid:
            lines.append(f"| {link} | no valid run on record | | |")
        else:
            lines.append(
                f"| {link} | {day(done.when) or 'not recorded'} | {done.seconds:.0f} | "
                f"{f'`{done.environment}`' if done.environment else 'not recorded'} |"
            )
    return "\n".join(lines)


def machines(root: Path = pairs.ROOT) -> str:
    """Return what the executions were made on, as a list."""
    lines = []
    for name, one in notebooks.read_machines(root).items():
        versions = ", ".join(f"{package} {version}" for package, version in one["named"].items())
        lines.append(
            f"- `{name}`: {one['family']}, {one['cores']} processor cores, Python {one['python']}; "
            f"{versions}; {one['n_packages']} packages in all."
        )
    return "\n".join(lines) or "No run is on record."


def run_line(done: notebooks.Execution | None, machine: dict[str, Any], status: str) -> str:
    """Return the sentence under a page that says when it was run; empty if it was not.

    Args:
        done: the execution.
        machine: what it was made on; empty if that is not known.
        status: the address of the page of all executions.
    """
    if done is None:
        return ""
    on = f" on {day(done.when)}" if done.when else ""
    cores = f" on {machine['cores']} processor cores" if machine else ""
    seconds = f"{done.seconds:.0f} s" if done.seconds >= 1 else "less than a second"
    return (
        f'<p class="nm-run">The cells of this page were run from the first to the last{on}, in '
        f'{seconds}{cores}, without a network. <a href="{escape(status)}">All runs</a></p>'
    )


def changed(page: str, root: Path = pairs.ROOT) -> str:
    """Return the day of the last commit that touched a page; empty outside a repository."""
    command = ["git", "log", "-1", "--format=%cI", "--", f"{page}.md"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return day(done.stdout.strip())


def edit_the_branch(buttons: list[Any], tag: str) -> None:
    """Let edit buttons open the file where it is changed, not in a release, in place."""
    for button in buttons:
        if isinstance(button.get("buttons"), list):
            edit_the_branch(button["buttons"], tag)
        elif "/edit/" in str(button.get("url", "")):
            button["url"] = button["url"].replace(f"/edit/{tag}/", "/edit/main/")


def _page_context(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    edit_the_branch(context.get("header_buttons", []), context.get("github_version", ""))
    if "body" not in context or page not in app.env.found_docs:
        return
    root = Path(app.srcdir)
    context["last_updated"] = changed(page, root) or None
    record = notebooks.read_record(root)
    # A page that was built alone was run just now, and nobody has kept a record of that.
    if LINKED_PAGES.match(page) and STATUS in app.env.found_docs and page in record:
        machine = notebooks.read_machines(root).get(record[page].environment, {})
        status = app.builder.get_relative_uri(page, STATUS)
        context["body"] += run_line(record[page], machine, status)


def setup(app: Any) -> None:
    """Tell Sphinx when to ask: after the theme has made its buttons."""
    app.connect("html-page-context", _page_context, priority=900)
