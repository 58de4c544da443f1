"""Build the web book from the executions that `tools.notebooks` left in the cache.

    python -m tools.build_book              the whole book, warnings are errors
    python -m tools.build_book --page NAME  one page, such as book/intro, quickly, to look at

The whole book starts from an empty folder, and it fails if a notebook would have to be executed
(or was): what readers see is what the tests ran.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tools import notebooks, pairs

HTML = Path("_build/html")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SHOWN = re.compile(r"WARNING|ERROR|[Ee]xception|Traceback|(Using cached|Execut\w+) notebook")


def toc_pages(root: Path = pairs.ROOT) -> list[str]:
    """Return every page of `_toc.yml`, without suffix, the root first."""
    pages: list[str] = []

    def collect(entry: object) -> None:
        if isinstance(entry, dict):
            pages.extend(str(entry[key]) for key in ("root", "file") if key in entry)
            for value in entry.values():
                collect(value)
        elif isinstance(entry, list):
            for item in entry:
                collect(item)

    collect(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8")))
    return pages


def _jupyter_book(arguments: list[str], root: Path) -> tuple[int, str]:
    """Run `jupyter-book build`, showing its output; return the exit status and the output."""
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", ".", *arguments]
    lines = []
    # The extension tools.guide.pages is found from any folder.
    environment = os.environ | {"PYTHONPATH": str(pairs.ROOT)}
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout or ():
            lines.append(COLOURS.sub("", line))
            if SHOWN.search(line):
                print(line, end="", flush=True)
    status = process.returncode
    if status and not any("WARNING" in line or "ERROR" in line for line in lines):
        print("".join(lines[-60:]))
    return status, "".join(lines)


def reuse_problems(log: str, names: list[str]) -> list[str]:
    """Return one message per notebook that, by its log, the build did not take from the cache."""
    return [
        f"{name}: executed again by the site build instead of reused"
        for name in names
        if not re.search(rf"{re.escape(name)}\.md: Using cached notebook", log)
    ]


def build(root: Path = pairs.ROOT) -> list[str]:
    """Build the whole book; return what went wrong."""
    if stale := notebooks.stale(root):
        return [f"{name}: no valid execution; run `make notebooks`" for name in stale]
    shutil.rmtree(root / HTML, ignore_errors=True)
    shutil.rmtree(root / HTML.parent / ".doctrees", ignore_errors=True)
    status, log = _jupyter_book(["-W", "--keep-going", "-n"], root)
    problems = [f"jupyter-book ended with status {status}"] if status else []
    from tools.web import weight  # it asks this module for the pages

    print(f"pages made lighter by {weight.shrink(root / HTML) / 1000:.1f} MB")
    pages = toc_pages(root)
    problems += reuse_problems(log, [name for name in notebooks.names(root) if name in pages])
    return problems


def build_page(page: str, root: Path = pairs.ROOT) -> list[str]:
    """Build one page (with the references) in a folder of its own; warnings are only shown.

    The page is executed unless its cells and the package are those of the last time.
    """
    folder = root / "_build" / "page" / page.replace("/", "-")
    shutil.rmtree(folder / "_build", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["cache"] = str(folder / f"cache-{notebooks.package_hash(root)[:12]}")
    (folder / "_config.yml").write_text(yaml.safe_dump(config))
    others = [{"file": "book/references"}] if page != "book/references" else []
    toc = {"format": "jb-book", "root": page, "chapters": others}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    arguments = ["--toc", f"{folder}/_toc.yml", "--config", f"{folder}/_config.yml"]
    status, _ = _jupyter_book([*arguments, "--path-output", str(folder), "-n"], root)
    print(f"look at {(folder / HTML / page).relative_to(root)}.html")
    return [f"jupyter-book ended with status {status}"] if status else []


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--page", help="build only this page")
    options = parser.parse_args()
    if options.page:
        page = Path(options.page).with_suffix("").as_posix()
        if page not in (known := toc_pages()):
            parser.error(f"no page {page!r} in _toc.yml; there are {', '.join(known)}")
        problems = build_page(page)
    else:
        problems = build()
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems and not options.page:
        print(f"the book is in {HTML}/index.html")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
