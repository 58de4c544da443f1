"""Look at the built pages in Chromium: see tools/browser/check.mjs for what is looked at.

    python -m tools.browser_check [--shots] [PAGE ...]    PAGE: book/dynamics/rate_networks

With --shots, pictures of every page, wide and narrow, light and dark, go to _build/screenshots.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools import build_book, pairs

SCRIPT = pairs.ROOT / "tools" / "browser" / "check.mjs"
SHOTS = pairs.ROOT / "_build" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TIMEOUT_S = 2700  # axe-core needs seconds for each look at a long page


def chromium() -> str | None:
    """Return the path of Chromium or Chrome (environment: CHROMIUM), None if there is none."""
    if given := os.environ.get("CHROMIUM"):
        return given
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def missing() -> str:
    """Say what the browser checks lack on this machine; empty if they can run."""
    lacks = []
    if shutil.which("node") is None:
        lacks.append("Node (18 or later)")
    packages = json.loads((SCRIPT.parent / "package.json").read_text())["dependencies"]
    if absent := [
        name for name in packages if not (SCRIPT.parent / "node_modules" / name).is_dir()
    ]:
        lacks.append(f"{', '.join(absent)} (`make browser`)")
    if chromium() is None:
        lacks.append("Chromium (or its path in the variable CHROMIUM)")
    return f"browser checks need {', '.join(lacks)}" if lacks else ""


def inspect(
    html: Path,
    pages: list[str],
    shots: Path | None = None,
    workers: int = 2,
    tell: Callable[[str], object] = print,
) -> dict[str, list[str]]:
    """Open pages of the site in the folder `html`; return the problems of each one.

    Args:
        html: The folder.
        pages: Names of pages in it, without suffix.
        shots: Where pictures of the pages go; None for no pictures.
        workers: Number of browsers.
        tell: Called with one line for each figure that responds: how fast it answers.
    """
    browser = chromium()
    if browser is None:
        raise RuntimeError(missing())
    command = ["node", str(SCRIPT), str(html), *(f"{page}.html" for page in pages)]
    command += ["--chromium", browser, "--workers", str(workers)]
    command += ["--shots", str(shots)] if shots else []
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if result.returncode:
        raise RuntimeError(f"the browser check failed to run:\n{result.stderr[-2000:]}")
    for line in result.stderr.splitlines():
        if line.startswith("answer: "):
            tell(line)
    return {name.removesuffix(".html"): found for name, found in json.loads(result.stdout).items()}


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pages", nargs="*", help="only these pages")
    parser.add_argument("--shots", action="store_true", help="save pictures")
    options = parser.parse_args()
    if lacks := missing():
        parser.error(lacks)
    pages = options.pages or build_book.toc_pages()
    html = pairs.ROOT / build_book.HTML
    report = inspect(html, pages, shots=SHOTS if options.shots else None)
    problems = [f"{page}: {problem}" for page, found in report.items() for problem in found]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
