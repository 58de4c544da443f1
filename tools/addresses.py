"""Keep the repository address and the version in one place: pyproject.toml.

The files that repeat them are the pages, the settings of the book, the citation file and the
package. Every chapter begins with the same set-up cell, which is written here.

    python -m tools.addresses check    fail where another address or version is written
    python -m tools.addresses write    replace the old ones (those of _config.yml) everywhere
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from nmcourse._files import write_text
from tools import pairs

# The first cell of a chapter, without its options: {} is what pip is asked for. Python takes any
# folder of the right name for a package without content: a clone in Colab, or a checkout seen from
# its parent. Such a one has no version, and is forgotten so that the installed one is found.
SET_UP_TITLE = "# @title Set-up: run this cell first"
SET_UP = f"""{SET_UP_TITLE}
import sys

try:
    from nmcourse import __version__
except ImportError:  # in Colab: install the course package; a folder of that name is not it
    sys.modules.pop("nmcourse", None)
    %pip install --quiet "{{}}"

import torch

print("Device:", torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU")"""
SET_UP_CELL = re.compile(rf"^{re.escape(SET_UP_TITLE)}$.*?(?=\n```$)", re.MULTILINE | re.DOTALL)

PACKAGE = "nmcourse/__init__.py"
SINGLE_FILES = ("_config.yml", "README.md", "CONTRIBUTING.md", "CITATION.cff", PACKAGE)


@dataclass(frozen=True)
class Release:
    """Where the course is published and under which tag."""

    address: str
    version: str

    @property
    def tag(self) -> str:
        """The git tag of the release."""
        return f"v{self.version}"

    @property
    def requirement(self) -> str:
        """What pip has to be asked for."""
        return f"nmcourse @ git+{self.address}@{self.tag}"

    @property
    def set_up(self) -> str:
        """The code of the first cell of a chapter."""
        return SET_UP.format(self.requirement)


def release(root: Path = pairs.ROOT) -> Release:
    """Read address and version from pyproject.toml."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    address = re.search(r'^Repository = "(.+)"$', text, re.MULTILINE)
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    if address is None or version is None:
        raise ValueError("pyproject.toml: no version, or no Repository under [project.urls]")
    return Release(address[1], version[1])


def texts(root: Path = pairs.ROOT) -> dict[Path, str]:
    """Return the texts that may name the repository: pages, notes and settings."""
    paths = [root / name for name in SINGLE_FILES if (root / name).exists()]
    paths += sorted((root / "book").rglob("*.md"))
    return {path: path.read_text(encoding="utf-8") for path in paths}


def check(root: Path = pairs.ROOT) -> list[str]:
    """Return one message per place that disagrees with pyproject.toml."""
    right = release(root)
    repository = right.address.rsplit("/", 1)[1]
    address = re.compile(rf"https://github\.com/[\w.-]+/{re.escape(repository)}(?![\w-])")
    tag = re.compile(rf"/{re.escape(repository)}(?:\.git)?(?:@|/blob/)(v[\w.]*\w)")
    problems = []
    for path, text in texts(root).items():
        found = set(address.findall(text)) - {right.address} | set(tag.findall(text)) - {right.tag}
        problems += [f"{path.relative_to(root)}: {item}" for item in sorted(found)]
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    if (settings["url"], settings["branch"]) != (right.address, right.tag):
        problems.append(f"_config.yml: repository {settings['url']} at {settings['branch']}")
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    if (citation["repository-code"], citation["version"]) != (right.address, right.version):
        problems.append(f"CITATION.cff: version {citation['version']}")
    package = next((text for path, text in texts(root).items() if path == root / PACKAGE), None)
    if package is not None and f'__version__ = "{right.version}"\n' not in package:
        problems.append(f"{PACKAGE}: another __version__")
    expected = f"pyproject.toml has {right.address} and {right.tag}; run `make addresses`"
    return [f"{problem} ({expected})" for problem in problems]


def set_up_problems(root: Path = pairs.ROOT) -> list[str]:
    """Return one message per chapter whose first code cell is not the set-up cell."""
    problems, code = [], release(root).set_up
    for path in pairs.sources(root):
        text = path.read_text(encoding="utf-8")
        first = pairs.CODE_CELL.search(text)
        if first is None or f"\n{code}\n```" not in first[0] or text.count(SET_UP_TITLE) != 1:
            name = path.relative_to(root)
            problems.append(f"{name}: the set-up cell is not the first, or not that of the course")
    return [f"{problem}; run `make addresses`" for problem in problems]


def write_set_up(root: Path = pairs.ROOT) -> None:
    """Replace the code of every set-up cell, and leave its options as they are."""
    code = release(root).set_up
    for path in pairs.sources(root):
        text = path.read_text(encoding="utf-8")
        changed = SET_UP_CELL.sub(lambda _: code, text)
        if changed != text:
            write_text(path, changed)
            print(f"updated {path.relative_to(root)}")


def write(root: Path = pairs.ROOT) -> None:
    """Replace the address and the tag that _config.yml holds by those of pyproject.toml."""
    new = release(root)
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    old = Release(settings["url"], settings["branch"].removeprefix("v"))
    for path, text in texts(root).items():
        changed = text.replace(old.address, new.address)
        for before in ("@", "/blob/", "branch: "):
            changed = changed.replace(f"{before}{old.tag}", f"{before}{new.tag}")
        version = rf"(?m)^version: {re.escape(old.version)}$"
        changed = re.sub(version, f"version: {new.version}", changed)
        if path == root / PACKAGE:
            changed = re.sub('__version__ = ".*"', f'__version__ = "{new.version}"', changed)
        if changed != text:
            write_text(path, changed)
            print(f"updated {path.relative_to(root)}")
    write_set_up(root)


def main(arguments: list[str]) -> int:
    """Run one command; return the exit status."""
    if arguments == ["write"]:
        write()
    elif arguments != ["check"]:
        print(__doc__)
        return 2
    problems = check() + set_up_problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
