"""Keep `requirements.lock`: every package of the tested environment with its exact version.

    python -m tools.lock write    from the environment that runs this
    python -m tools.lock check    fail where the lock and this environment or the pins differ

requirements.txt pins what the course uses directly, and the lock also what that needs in turn.
`make install` uses both, so that an environment made next year is the one tested today. The lock
is made on Linux with Python 3.11. What only another system, another Python or another build of
torch needs is not in it (appnope on macOS, the CUDA libraries): there it is installed unpinned.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from nmcourse._files import write_text
from tools import pairs

LOCK = Path("requirements.lock")
PIN = re.compile(r"^([\w.-]+)==([\w.!+-]+)$", re.MULTILINE)
SYSTEM = re.compile(r"\b(os_name|sys_platform|(platform|python|implementation)_\w+)\b")
HEADER = """# Every package of the tested environment (Linux, Python 3.11): written by `make lock`.
"""


def pins(path: Path) -> dict[str, str]:
    """Return the exact versions that a file names, by the canonical name of the package."""
    found = PIN.findall(path.read_text(encoding="utf-8"))
    return {str(canonicalize_name(name)): number for name, number in found}


def _needed(requirement: Requirement, extras: Iterable[str], everywhere: bool) -> bool:
    marker = requirement.marker
    if marker is None:
        return True
    if everywhere and SYSTEM.search(str(marker)):
        return False
    return any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def installed(names: Iterable[str], *, everywhere: bool = False) -> dict[str, str]:
    """Return the versions here of some packages and of everything that they need in turn.

    Args:
        names: The packages to start from.
        everywhere: Leave out what is needed on some systems or Python versions only.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    found: dict[str, str] = {}
    waiting = [Requirement(name) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name = str(canonicalize_name(requirement.name))
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        found[name] = Version(version(name)).public  # without +cpu: the same torch, other devices
        further = map(Requirement, requires(name) or ())
        waiting += [other for other in further if _needed(other, requirement.extras, everywhere)]
    return dict(sorted(found.items()))


def promised_python(root: Path = pairs.ROOT) -> Version:
    """Return the oldest Python that pyproject.toml promises, such as 3.11.0."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    promised = SpecifierSet(settings["project"]["requires-python"])
    (oldest,) = (Version(part.version) for part in promised if part.operator == ">=")
    return oldest


def _too_new(names: Iterable[str], python: Version) -> list[str]:
    """Return one message per package, as installed here, that refuses a Python."""
    problems = []
    for name in names:
        about = metadata(name)
        if "Requires-Python" not in about:
            continue
        asks = about["Requires-Python"]
        if not SpecifierSet(asks).contains(python):
            problems.append(
                f"{name} {version(name)}: asks for Python {asks}, and pyproject.toml promises "
                f"{python}; name an older version of it in requirements.txt"
            )
    return problems


def check(root: Path = pairs.ROOT) -> list[str]:
    """Return one message per package whose version differs, is not locked, or asks for too much.

    What only some systems need may be missing from the lock. If it is there, it must agree.
    """
    direct, locked = pins(root / "requirements.txt"), pins(root / LOCK)
    problems = [
        f"{name}: {locked.get(name, 'not')} locked, {number} in requirements.txt"
        for name, number in direct.items()
        if locked.get(name) != number
    ]
    try:
        here, common = installed(direct), installed(direct, everywhere=True)
    except PackageNotFoundError as error:
        return [*problems, f"{error.name}: not installed here; run `make install`"]
    problems += [
        f"{name}: {locked.get(name, 'not')} locked, {number} installed here"
        for name, number in here.items()
        if name not in direct and (name in locked or name in common)
        if locked.get(name) != number
    ]
    return problems + _too_new(here, promised_python(root))


def write(root: Path = pairs.ROOT) -> None:
    """Write the lock from this environment."""
    here = installed(pins(root / "requirements.txt"))
    lines = [f"{name}=={number}\n" for name, number in here.items()]
    write_text(root / LOCK, HEADER + "".join(lines))


def main(arguments: list[str]) -> int:
    """Run one command; return the exit status."""
    if arguments == ["write"]:
        write()
    elif arguments != ["check"]:
        print(__doc__)
        return 2
    problems = check()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
