"""Execute every notebook of the book once, and give the executions to the site build.

    python -m tools.notebooks            execute what changed, refill the cache, report the times
    python -m tools.notebooks --force    execute everything
    python -m tools.notebooks book/dynamics/rate_networks.md    execute only this one

An execution stays valid as long as the notebook, the package `nmcourse`, the pins, the Python
version and the tier are the same. A notebook may take 120 seconds, or as many more as this machine
is slower than the one of that limit (`tools.pace`). Executed copies lie in `_build/executed`; the
cache that the site build reads is emptied and filled again at each run, so that it holds nothing
else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from nmcourse._files import write_bytes, write_text
from tools import environment, pairs
from tools.pace import THREADS, pace

EXECUTED = Path("_build/executed")
CACHE = Path("_build/.jupyter_cache")
BUDGET_S = 120.0
CELL_TIMEOUT_S = 600


@dataclass(frozen=True)
class Execution:
    """One executed notebook: what it was executed from, and how long it took.

    `when` is the time (UTC) and `environment` the hash of `tools.environment`; both are empty in
    records that are older. `pace` is that of the machine at that time, see `tools.pace`.
    """

    key: str
    seconds: float
    when: str = ""
    environment: str = ""
    pace: float = 1.0


def package_hash(root: Path = pairs.ROOT) -> str:
    """Return a hash of everything a notebook's results depend on, except the notebook."""
    digest = hashlib.sha256()
    files = [path for path in (root / "nmcourse").rglob("*") if path.is_file()]
    for path in [*sorted(files), root / "requirements.txt"]:
        if "__pycache__" in path.parts:
            continue
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    tier = os.environ.get("NMCOURSE_TIER", "cpu")
    digest.update(f"python {sys.version_info[:2]}, tier {tier}".encode())
    return digest.hexdigest()


def notebook_key(notebook: Path, package: str) -> str:
    """Return the key of an execution: a hash of the notebook and of `package_hash`."""
    return hashlib.sha256(package.encode() + notebook.read_bytes()).hexdigest()


def names(root: Path = pairs.ROOT) -> list[str]:
    """Return the notebooks of the book as paths relative to `root`, without their suffix."""
    return [path.relative_to(root).with_suffix("").as_posix() for path in pairs.sources(root)]


def read_record(root: Path = pairs.ROOT) -> dict[str, Execution]:
    """Return what has been executed, by name; nothing if the record cannot be read."""
    path = root / EXECUTED / "record.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: Execution(**entry) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def read_machines(root: Path = pairs.ROOT) -> dict[str, dict[str, Any]]:
    """Return what the executions were made on, by its hash; nothing if that cannot be read."""
    try:
        machines = json.loads((root / EXECUTED / "machines.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return machines if isinstance(machines, dict) else {}


def stale(root: Path = pairs.ROOT) -> list[str]:
    """Return the names of the notebooks that have no valid execution."""
    record, package = read_record(root), package_hash(root)
    result = []
    for name in names(root):
        key = notebook_key(root / f"{name}.ipynb", package)
        done = (root / EXECUTED / f"{name}.ipynb").exists()
        if not done or name not in record or record[name].key != key:
            result.append(name)
    return result


def execute(
    selected: list[str],
    root: Path = pairs.ROOT,
    workers: int = 2,
    *,
    kept: Path = EXECUTED,
    last_cell: str = "",
    cell_timeout: int = CELL_TIMEOUT_S,
) -> dict[str, float]:
    """Execute notebooks with nbmake; return the seconds that each successful one took.

    The executed copies go to the folder `kept` of `root`. If there is a `last_cell`, each copy
    ends with this code.
    """
    with tempfile.TemporaryDirectory() as folder:  # nbmake passes over a folder named _build
        copies = []
        for name in selected:
            copy = Path(folder) / f"{name}.ipynb"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / f"{name}.ipynb", copy)
            if last_cell:
                notebook = nbformat.read(copy, as_version=4)
                notebook.cells.append(nbformat.v4.new_code_cell(last_cell))
                nbformat.write(notebook, copy)
            copies.append(copy)
        command = [sys.executable, "-m", "pytest", "--nbmake", "--overwrite"]
        command += ["-p", "no:cacheprovider", f"--nbmake-timeout={cell_timeout}"]
        command += [f"-c{root / 'pyproject.toml'}", f"--rootdir={folder}"]
        command += [f"-n{workers}"] if len(copies) > 1 else []
        variables = os.environ | THREADS
        subprocess.run([*command, *map(str, copies)], cwd=root, env=variables, check=False)
        times = {}
        for name, copy in zip(selected, copies, strict=True):
            if (seconds := _finish(copy)) is not None:
                times[name] = seconds
                target = root / kept / f"{name}.ipynb"
                write_bytes(target, copy.read_bytes())
    return times


def _finish(copy: Path) -> float | None:
    """Remove the time stamps from an executed copy; return the seconds between them.

    None if the execution did not reach the last cell. The stamps have to go: the cache compares
    the metadata of the cells as well, and would not recognise the notebook.
    """
    notebook = nbformat.read(copy, as_version=4)
    stamps: list[datetime] = []
    complete = True
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        times = cell.metadata.pop("execution", {})
        complete = complete and (bool(times) or not cell.source.strip())
        stamps += [datetime.fromisoformat(time.replace("Z", "+00:00")) for time in times.values()]
        if "raises-exception" not in cell.metadata.get("tags", []):
            complete = complete and all(out.output_type != "error" for out in cell.outputs)
    nbformat.write(notebook, copy)
    if not complete:
        return None
    return (max(stamps) - min(stamps)).total_seconds() if stamps else 0.0


def fill_cache(root: Path = pairs.ROOT) -> None:
    """Empty the cache of the site build and put every valid execution into it."""
    from jupyter_cache import get_cache

    shutil.rmtree(root / CACHE, ignore_errors=True)
    cache = get_cache(str(root / CACHE))
    record, invalid = read_record(root), set(stale(root))
    for name in names(root):
        if name not in invalid:
            cache.cache_notebook_file(
                str(root / EXECUTED / f"{name}.ipynb"),
                uri=str(root / f"{name}.md"),
                data={"execution_seconds": record[name].seconds},
                check_validity=False,
                overwrite=True,
            )
    cache.db.dispose()  # from Python 3.13 on, a connection that is left open is a warning


def update(selected: list[str], root: Path = pairs.ROOT) -> None:
    """Execute the selected notebooks, record the successful ones and refill the cache."""
    package = package_hash(root)
    keys = {name: notebook_key(root / f"{name}.ipynb", package) for name in selected}
    seconds, slower = _timed(selected, root) if selected else ({}, 1.0)
    record = {name: done for name, done in read_record(root).items() if name not in selected}
    here, now = environment.describe(), datetime.now(UTC).isoformat(timespec="minutes")
    record |= {
        name: Execution(keys[name], time, now, here["hash"], slower)
        for name, time in seconds.items()
    }
    known = {name: vars(record[name]) for name in names(root) if name in record}
    machines = {here["hash"]: here} if seconds else {}
    machines = {**read_machines(root), **machines}
    used = {done.environment for done in record.values()}
    kept = {name: machine for name, machine in machines.items() if name in used}
    write_text(root / EXECUTED / "machines.json", json.dumps(kept, indent=1) + "\n")
    path = root / EXECUTED / "record.json"
    write_text(path, json.dumps(known, indent=1) + "\n")
    fill_cache(root)


def _timed(selected: list[str], root: Path) -> tuple[dict[str, float], float]:
    """Execute notebooks; return their seconds, and the slowest pace before and after."""
    before = pace()
    seconds = execute(selected, root)
    return seconds, max(before, pace())


def budget(slower: float = 1.0) -> float:
    """Return the seconds one chapter may take (environment: NMCOURSE_CHAPTER_SECONDS).

    `slower` is the pace of the machine that it ran on.
    """
    return float(os.environ.get("NMCOURSE_CHAPTER_SECONDS", BUDGET_S)) * slower


def report(root: Path = pairs.ROOT) -> list[str]:
    """Print the time of every notebook; return one message per failed or slow one."""
    record, invalid = read_record(root), set(stale(root))
    problems = [f"{name}: no successful execution" for name in sorted(invalid)]
    times = {name: record[name].seconds for name in names(root) if name not in invalid}
    for name, seconds in times.items():
        limit = budget(record[name].pace)
        print(f"{seconds:7.1f} s  {name}")
        if seconds > limit:
            problems.append(f"{name}: took {seconds:.0f} s, more than the {limit:.0f} s allowed")
    if times:
        mean = sum(times.values()) / len(times)
        slowest = max(record[name].pace for name in times)
        print(
            f"{mean:7.1f} s  mean of {len(times)} notebooks "
            f"(longest allowed: {budget():.0f} s, here {slowest:.1f} times as long)"
        )
    return problems


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", help="only these, .md or .ipynb or no suffix")
    parser.add_argument("--force", action="store_true", help="execute valid ones again")
    options = parser.parse_args()
    chosen = [Path(name).with_suffix("").as_posix() for name in options.notebooks]
    if unknown := set(chosen) - set(names()):
        parser.error(f"not a notebook of the book: {', '.join(sorted(unknown))}")
    record = read_record()
    slow = [name for name, done in record.items() if done.seconds > budget(done.pace)]
    candidates = names() if options.force else sorted(set(stale()) | set(slow))
    selected = [name for name in candidates if not chosen or name in chosen]
    print(f"{len(names()) - len(candidates)} executions are still valid, {len(selected)} to run")
    update(selected)
    problems = [p for p in report() if not chosen or p.split(":")[0] in chosen]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
