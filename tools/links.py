"""Ask every address that the course links to whether it is still there.

    python -m tools.links

This needs a network, and is no part of `make test`. A page that is gone fails; a server that
refuses a program (401, 403, 429) or has trouble of its own (5xx) is only named.
"""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import pairs

TIMEOUT_S = 20.0
AT_ONCE = 8
AGENT = "Mozilla/5.0 (compatible; nmcourse link check)"
# Not an address that pip installs from (git+...), and none of this machine.
ADDRESS = re.compile(r"(?<!git\+)https?://(?!localhost|127\.)[^\s<>\"'`\\{}|^]+")
# Not the code: the addresses there are those of folders, which no server need answer for.
SOURCES = ("book/**/*.md", "*.md", "*.cff", "*.bib", "_config.yml")


def _trimmed(address: str) -> str:
    """Take off what follows an address in a sentence, in a link or in a table."""
    address = address.split("#", 1)[0]
    while address:
        unbalanced = address.endswith(")") and address.count(")") > address.count("(")
        if not unbalanced and address[-1] not in ".,;:!?*]":
            break
        address = address[:-1]
    return address


def addresses(root: Path = pairs.ROOT) -> dict[str, list[str]]:
    """Return every address that the sources name, with the files that name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for pattern in SOURCES:
        for path in root.glob(pattern):
            for match in ADDRESS.findall(path.read_text(encoding="utf-8")):
                # A Markdown link may end in the middle: [a](https://b), and more](c)
                address = _trimmed(match.split("](", 1)[0].split("),", 1)[0])
                found[address].add(path.relative_to(root).as_posix())
    return {address: sorted(files) for address, files in sorted(found.items())}


def _status(address: str, method: str) -> int | str:
    request = urllib.request.Request(address, method=method, headers={"User-Agent": AGENT})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError) as error:  # no such host, no answer in time, not an address
        return str(getattr(error, "reason", error))


def ask(address: str) -> int | str:
    """Return the HTTP status of an address, or what went wrong. Nothing of the page is read."""
    status = _status(address, "HEAD")
    return status if status == 200 else _status(address, "GET")  # some servers know only GET


def is_gone(status: int | str) -> bool:
    """Say whether an answer means that the page is not there (any more)."""
    return isinstance(status, str) or (status in range(400, 500) and status not in (401, 403, 429))


def check(found: Iterable[str]) -> dict[str, int | str]:
    """Ask all addresses; return the answers other than 200."""
    asked = list(found)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(asked, pool.map(ask, asked), strict=True))
    return {address: status for address, status in answers.items() if status != 200}


def main() -> int:
    """Print every address that does not answer as it should; return the exit status."""
    found = addresses()
    answers = check(found)
    for address, status in answers.items():
        word = "gone" if is_gone(status) else "unclear"
        print(f"{word}: {address} ({status}), named in {', '.join(found[address])}")
    gone = sum(map(is_gone, answers.values()))
    print(f"{len(found)} addresses: {gone} gone, {len(answers) - gone} unclear")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main())
