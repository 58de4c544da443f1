"""``python -m nmcourse.claims``: print the ledger, measure a claim again, or check the ledger.

Some claims are measured on MNIST, Fashion-MNIST or CIFAR-10. The course does not bring these
images: ``fetch_images`` of ``nmcourse.tasks`` downloads a set into a folder, and the environment
variable ``NMCOURSE_IMAGES`` names that folder. ``python -m nmcourse.claims images`` prints which
claims need which sets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nmcourse._files import user_path
from nmcourse.claims.display import Box, table
from nmcourse.claims.judging import check, update
from nmcourse.claims.ledger import entries
from nmcourse.claims.runner import images_needed, run
from nmcourse.evidence import ClaimError, LedgerError
from nmcourse.training import TIERS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the command; those of the process by default.

    Returns:
        Exit status: 0, or 1 if something is wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            for entry in run(
                options.claim,
                tier=options.tier,
                resume_dir=options.resume_dir,
                fresh=options.fresh,
                at_published_budget=options.published_budget,
                at_course_budget=options.course_budget,
            ):
                print(Box(entry), end="\n\n")
        elif options.command == "update":
            update()
        elif options.command == "check":
            return _check()
        elif options.command == "images":
            print(images_needed())
        elif options.json:
            print(json.dumps([entry.as_dict() for entry in entries()], indent=2))
        else:
            print(table())
    except (ClaimError, FileNotFoundError, LedgerError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nmcourse.claims", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the ledger as JSON")
    commands = parser.add_subparsers(dest="command")
    again = commands.add_parser("run", help="measure a claim again from nothing")
    again.add_argument("claim", help="such as N1")
    again.add_argument(
        "--tier",
        choices=TIERS,
        default=os.environ.get("NMCOURSE_TIER", "cpu"),
        help="size of the experiment; smoke only shows that it works (default: cpu)",
    )
    again.add_argument(
        "--resume-dir",
        type=user_path,
        default=Path("runs"),
        help="where a killed run left its work, and finds it again (default: runs)",
    )
    again.add_argument("--fresh", action="store_true", help="throw unfinished work away first")
    budget = again.add_mutually_exclusive_group()
    budget.add_argument(
        "--published-budget",
        action="store_true",
        help="at the budget of the paper, or on images of native size, where an experiment for "
        "that is written; hours",
    )
    budget.add_argument(
        "--course-budget",
        action="store_true",
        help="at the budget of this course, or on its small images: the experiment that came "
        "first, where another one has taken the claim over",
    )
    commands.add_parser("update", help="judge all results again and rewrite ledger.json")
    commands.add_parser("check", help="judge all results again and compare with ledger.json")
    commands.add_parser("images", help="which claims need images, and how to get these")
    return parser


def _check() -> int:
    problems = check()
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problems")
    else:
        print(f"{len(entries())} claims agree with their results")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
