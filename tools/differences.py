"""What two builds of the same commit differ in: nothing, but for a few files that are listed here.

    python -m tools.differences FOLDER FOLDER

Each folder is a built site (`_build/html`) or the files of a release (`_build/release`).
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import sys
from pathlib import Path

from nmcourse._files import user_path

#: Files that may differ, and why.
LISTED: dict[str, str] = {
    "_sources/*": "notebooks as they were executed, with the times of their cells",
    "book/status.html": "the table of executions: when, and for how many seconds",
    "book/neuromodulation/learning_to_keep_time.html": "prints seconds that it has measured",
    "book/vision/building_cordsnet.html": "prints seconds that it has measured",
    "searchindex.js": "the words of these pages",
}
# The sentence below a chapter that says when it was run.
RUN_LINE = re.compile(rb'<p class="nm-run">.*?</p>', re.DOTALL)


def differing(one: Path, other: Path) -> dict[str, str]:
    """Files that differ or are in one folder only: name -> why they may, or "".

    Raises:
        ValueError: for a folder that is none.
    """
    for name, folder in (("one", one), ("other", other)):
        if not folder.is_dir():
            raise ValueError(f"{name} must be a folder, got {folder}")
    files = [
        {path.relative_to(f).as_posix(): path for path in f.rglob("*") if path.is_file()}
        for f in (one, other)
    ]
    found = {}
    for name in sorted(files[0].keys() | files[1].keys()):
        paths = [there.get(name) for there in files]
        if len({_content(path) for path in paths}) > 1:
            found[name] = next(
                (why for pattern, why in LISTED.items() if fnmatch.fnmatch(name, pattern)), ""
            )
    return found


def _content(path: Path | None) -> bytes | None:
    """What is compared: a page without the sentence that says when it was run."""
    if path is None:
        return None
    data = path.read_bytes()
    return RUN_LINE.sub(b"", data) if path.suffix == ".html" else data


def main(arguments: list[str] | None = None) -> int:
    """Compare two folders; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("one", type=user_path)
    parser.add_argument("other", type=user_path)
    options = parser.parse_args(arguments)
    try:
        found = differing(options.one, options.other)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for name, why in found.items():
        print(f"{name}: {why or 'differs, and is not listed'}")
    unlisted = sum(not why for why in found.values())
    print(f"{len(found)} files differ, {unlisted} of them are not listed")
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
