"""``python -m nmcourse.pretrained``: list the pretrained files, or verify them all."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nmcourse.pretrained.manifest import FOLDER, PretrainedError, read_manifest
from nmcourse.pretrained.weights import verify


def main(arguments: Sequence[str] | None = None, *, folder: Path = FOLDER) -> int:
    """Run the command line.

    Args:
        arguments: Words after the command; those of the process by default.
        folder: Folder of the manifest.

    Returns:
        Exit status: 0, or 1 if a file or the manifest is not as it should be.
    """
    parser = argparse.ArgumentParser(prog="python -m nmcourse.pretrained", description=__doc__)
    parser.add_argument("--verify", action="store_true", help="load every file, report problems")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")
    options = parser.parse_args(arguments)
    try:
        entries = read_manifest(folder)
        if options.verify:
            return _print_verification(verify(folder=folder))
    except PretrainedError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([asdict(entry) for entry in entries.values()], indent=2))
        return 0
    for entry in entries.values():
        models = "1 model" if entry.n_models is None else f"{entry.n_models} models"
        print(f"{entry.name}: {models}, {entry.size / 1024:.0f} KiB, {entry.licence}")
        print(f"    again with: {entry.command}")
        if entry.data:
            print(f"    trained on: {entry.data}")
        for metric, value in entry.metrics.items():
            print(f"    {metric}: {value}")
    total = sum(entry.size for entry in entries.values())
    print(f"{len(entries)} files, {total / 1024:.0f} KiB")
    return 0


def _print_verification(report: dict[str, str]) -> int:
    for name, problem in report.items():
        print(f"{'WRONG' if problem else 'ok':5}  {name}{': ' if problem else ''}{problem}")
    wrong = sum(bool(problem) for problem in report.values())
    print(f"{len(report)} files verified, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
