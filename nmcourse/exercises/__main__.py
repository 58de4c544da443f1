"""``python -m nmcourse.exercises``: list the exercises of the book."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from nmcourse.exercises import exercises


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the command; those of the process by default.

    Returns:
        Exit status, always 0.
    """
    parser = argparse.ArgumentParser(prog="python -m nmcourse.exercises", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    options = parser.parse_args(arguments)
    listed = exercises()
    if options.json:
        print(json.dumps([one.as_dict() for one in listed], indent=2))
        return 0
    width = max(len(one.id) for one in listed)
    print(f"{'id':{width}}  kind        wrong answers  minutes  title")
    chapter = ""
    for one in listed:
        if one.chapter != chapter:
            chapter = one.chapter
            print(f"\n{chapter}")
        wrong = str(len(one.wrong)) if one.checkable else "rubric"
        print(f"{one.id:{width}}  {one.kind:10}  {wrong:>13}  {one.minutes:7}  {one.title}")
    checkable = sum(one.checkable for one in listed)
    print(f"\n{len(listed)} exercises, {checkable} of them checked by the package")
    return 0


if __name__ == "__main__":
    sys.exit(main())
