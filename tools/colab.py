"""Run chapters as Colab does: with an installed package, from an empty folder, without the tree.

    python -m tools.colab                one chapter of each part
    python -m tools.colab --all          every chapter
    python -m tools.colab --newest ...   beside the newest packages, which are downloaded

The wheel is built and installed in an environment that has the packages of this one, except
`nmcourse`. A dry run first shows that this adds `nmcourse` and nothing else. Then each notebook
runs at the tier "smoke", without the tree or a network, from a folder that holds nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import tomllib
import yaml

from tools import addresses, bundle, notebooks, pace, pairs

# The quickest notebook of each part that has notebooks, by the caption of the part.
ONE_OF_EACH = {
    "Start": "book/start/before_you_start",
    "Part I: Rate and low-rank networks": "book/dynamics/low_rank_networks",
    "Part II: Neuromodulated networks": "book/neuromodulation/keeping_time_with_gain",
    "Part III: Networks that see": "book/vision/building_cordsnet",
    "Reference": "book/claims",
}
NEWEST = Path("_build/colab")
RUNS_NOTEBOOKS = ("ipykernel", "ipywidgets", "nbmake", "pytest")  # Colab has its own means
SYMLINKS = os.name != "nt"  # as `python -m venv` does: a copied interpreter may not start on macOS
NOT_COLAB = ("nmcourse", "__editable__", "__pycache__")
OFFLINE = '''"""Refuses every connection to another machine."""
import socket

_connect = socket.socket.connect

def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"a chapter runs without a network, and asked for {address[0]}")
    return _connect(self, address)

socket.socket.connect = connect
'''


def parts(root: Path = pairs.ROOT) -> dict[str, list[str]]:
    """Return the notebooks of each part of `_toc.yml`, by the caption of the part."""
    known = set(notebooks.names(root))
    found = {}
    for part in yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]:
        chapters = part["chapters"]
        pages = [page["file"] for chapter in chapters for page in _with_sections(chapter)]
        if inside := [page for page in pages if page in known]:
            found[part["caption"]] = inside
    return found


def _with_sections(page: dict) -> list[dict]:
    return [page, *(p for section in page.get("sections", ()) for p in _with_sections(section))]


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _own_packages(environment: Path) -> Path:
    command = [
        str(_python(environment)),
        "-c",
        "import sysconfig as s; print(s.get_path('purelib'))",
    ]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def beside_these_packages(folder: Path) -> Path:
    """Make an environment with the packages of this one, except the course; return its folder.

    The packages are linked, not copied. What is installed there stays there.
    """
    environment, links = folder / "environment", folder / "packages"
    venv.create(environment, symlinks=SYMLINKS, with_pip=False)
    links.mkdir()
    for place in (Path(entry) for entry in sys.path if Path(entry).name == "site-packages"):
        for entry in place.iterdir():
            link = links / entry.name
            left_out = entry.name.startswith(NOT_COLAB) or entry.suffix == ".pth"
            if not left_out and not link.exists():
                link.symlink_to(entry)
    (_own_packages(environment) / "packages.pth").write_text(f"{links}\n")
    return environment


def beside_the_newest(folder: Path, root: Path = pairs.ROOT) -> Path:
    """Make an environment with the newest packages that the course asks for (needs a network)."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = folder / "environment"
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, symlinks=SYMLINKS, with_pip=True)
    packages = [*project["dependencies"], *RUNS_NOTEBOOKS]
    command = [str(_python(environment)), "-m", "pip", "install", "--quiet", *packages]
    subprocess.run(command, check=True, env=_clean())
    return environment


def _clean(**more: str) -> dict[str, str]:
    """Return the environment variables without those that lead back into the tree."""
    own = ("PYTHONPATH", "VIRTUAL_ENV", "JUPYTER_PATH")
    return {key: value for key, value in os.environ.items() if key not in own} | more


def added(environment: Path, requirement: str, *, offline: bool = True) -> dict[str, str]:
    """Return what pip would install for a requirement, by name; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [str(_python(environment)), "-m", "pip", "install", "--quiet", "--dry-run"]
        command += ["--disable-pip-version-check", "--report", str(report)]
        command += ["--no-index"] if offline else []
        subprocess.run([*command, requirement], check=True, cwd=folder, env=_clean())
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {entry["metadata"]["name"]: entry["metadata"]["version"] for entry in found}


def install(environment: Path, wheel: Path) -> Path:
    """Install a wheel and nothing else; return the folder of the installed course.

    From then on the environment has no network.
    """
    command = [str(_python(environment)), "-m", "pip", "install", "--quiet", "--no-index"]
    command += ["--no-deps", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True, cwd=environment, env=_clean())
    packages = _own_packages(environment)
    (packages / "no_network.py").write_text(OFFLINE)
    (packages / "no_network.pth").write_text("import no_network\n")
    command = [str(_python(environment)), "-c", "import nmcourse; print(nmcourse.__path__[0])"]
    found = subprocess.run(
        command, check=True, cwd=environment, env=_clean(), capture_output=True, text=True
    )
    return Path(found.stdout.strip())


def run(environment: Path, name: str, root: Path = pairs.ROOT) -> tuple[bool, str]:
    """Run one notebook from an empty folder; return whether it passed, and what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(name).with_suffix(".ipynb").name
        shutil.copy(root / f"{name}.ipynb", copy)
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        command = [str(_python(environment)), "-m", "pytest", "--nbmake", "-q", copy.name]
        command += ["-p", "no:cacheprovider", f"--nbmake-timeout={notebooks.CELL_TIMEOUT_S}"]
        variables = pace.THREADS | {"NMCOURSE_TIER": "smoke"}
        done = subprocess.run(
            command,
            cwd=folder,
            env=_clean(**variables),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return done.returncode == 0, done.stdout


def check(names: list[str], *, newest: bool = False, root: Path = pairs.ROOT) -> list[str]:
    """Install the wheel and run the notebooks; return what went wrong."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = root / NEWEST if newest else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        environment = beside_the_newest(folder, root) if newest else beside_these_packages(folder)
        wheel, release = bundle.wheel(Path(temporary), root), addresses.release(root)
        problems = [f"{name}: not in the wheel" for name in bundle.missing_from_wheel(wheel, root)]
        asked = [str(wheel), release.requirement] if newest else [str(wheel)]
        for requirement in asked:
            try:
                more = added(environment, requirement, offline=not newest)
            except subprocess.CalledProcessError:  # such as before the tag is pushed
                problems.append(f"{requirement} cannot be installed; see what pip says above")
                continue
            if more != {"nmcourse": release.version}:
                problems.append(f"installing {requirement} adds {more}")
        print(f"the course is in {install(environment, wheel)}", flush=True)
        for name in names:
            passed, printed = run(environment, name, root)
            print(f"{'passed' if passed else 'FAILED'}  {name}", flush=True)
            problems += [] if passed else [f"{name}: failed\n{printed}"]
    return problems


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true", help="every chapter")
    parser.add_argument("--newest", action="store_true", help="beside the newest packages")
    options = parser.parse_args()
    names = notebooks.names() if options.all else list(ONE_OF_EACH.values())
    problems = check(names, newest=options.newest)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
