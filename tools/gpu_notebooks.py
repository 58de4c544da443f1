"""Execute every notebook on a machine with a CUDA device, one after the other, and measure it.

    python -m tools.gpu_notebooks [NOTEBOOK ...]    default: all of the book

Environment: NMCOURSE_TIER (here "gpu" unless it is set), and NMCOURSE_REQUIRE_CUDA=0, which runs
all of this on a machine without a CUDA device. `_build/gpu` then holds the executed notebooks,
`measurements.json` (device, seconds and peak GPU memory of each) and the claim ledger. A notebook
that uses no GPU has a peak of 0 MiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

from tools import notebooks, pairs

OUT = Path("_build/gpu")
CELL_TIMEOUT_S = 3600
MARK = "nmcourse-gpu-measurement "

# The last cell of each copy: the memory is that of its own process, so the process has to say it.
LAST_CELL = f"""
import json as _json
import torch as _torch
_found = _torch.cuda.is_available()
print({MARK!r} + _json.dumps({{
    "device": _torch.cuda.get_device_name() if _found else "CPU",
    "peak_mib": _torch.cuda.max_memory_allocated() / 2**20 if _found else 0.0,
}}))
"""


@dataclass(frozen=True)
class Measurement:
    """One notebook: the device it found, its seconds, and its peak GPU memory in MiB.

    Seconds are None if the notebook did not run to its end.
    """

    name: str
    device: str
    seconds: float | None
    peak_mib: float

    def line(self) -> str:
        """One line of the report."""
        time = "  failed" if self.seconds is None else f"{self.seconds:7.1f}s"
        return f"{time} {self.peak_mib:9.1f} MiB  {self.device}  {self.name}"


def required() -> bool:
    """Say whether a CUDA device must be there (environment: NMCOURSE_REQUIRE_CUDA, 1 or 0)."""
    value = os.environ.get("NMCOURSE_REQUIRE_CUDA", "1")
    if value not in ("0", "1"):
        raise ValueError(f"NMCOURSE_REQUIRE_CUDA is {value!r}; it must be 0 or 1")
    return value == "1"


def device() -> str | None:
    """Return the name of the CUDA device, or None where torch sees none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _measured(executed: Path) -> tuple[str, float]:
    """Take the last cell from an executed copy; return the device and the memory it printed."""
    notebook = nbformat.read(executed, as_version=4)
    printed = "".join(output.get("text", "") for output in notebook.cells.pop().outputs)
    nbformat.write(notebook, executed)
    found = json.loads(printed.split(MARK, 1)[1])
    return str(found["device"]), float(found["peak_mib"])


def measure(name: str, root: Path = pairs.ROOT) -> Measurement:
    """Execute one notebook, keep its executed copy and return what it took."""
    took = notebooks.execute(
        [name], root, kept=OUT / "executed", last_cell=LAST_CELL, cell_timeout=CELL_TIMEOUT_S
    )
    if name not in took:
        return Measurement(name, "-", None, 0.0)
    found, peak = _measured(root / OUT / "executed" / f"{name}.ipynb")
    return Measurement(name, found, took[name], peak)


def _keep(measurements: list[Measurement], root: Path) -> None:
    """Write the measurements, after every notebook: an interrupted run keeps what it has."""
    text = json.dumps([asdict(measurement) for measurement in measurements], indent=1)
    (root / OUT / "measurements.json").write_text(text + "\n", encoding="utf-8")


def _keep_claims(root: Path) -> None:
    """Copy the claim ledger, as its command prints it, and the results behind it."""
    command = [sys.executable, "-m", "nmcourse.claims", "--json"]
    ledger = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    (root / OUT / "claims.json").write_text(ledger, encoding="utf-8")
    shutil.copytree(root / "nmcourse/evidence/results", root / OUT / "results")


def run(names: list[str], root: Path = pairs.ROOT) -> list[str]:
    """Execute the notebooks and print a line for each; return what went wrong."""
    found = device()
    if found is None and required():
        return ["torch sees no CUDA device (NMCOURSE_REQUIRE_CUDA=0 runs without one)"]
    os.environ.setdefault("NMCOURSE_TIER", "gpu")
    print(f"device: {found or 'CPU'}, tier: {os.environ['NMCOURSE_TIER']}", flush=True)
    shutil.rmtree(root / OUT, ignore_errors=True)
    (root / OUT).mkdir(parents=True)
    _keep_claims(root)
    measurements: list[Measurement] = []
    for name in names:
        measurements.append(measure(name, root))
        print(measurements[-1].line(), flush=True)
        _keep(measurements, root)
    print("\n".join(["", *(measurement.line() for measurement in measurements)]))
    problems = [f"{m.name}: did not run to its end" for m in measurements if m.seconds is None]
    if found is not None:  # the kernel of a notebook may see less than this process does
        done = [m for m in measurements if m.seconds is not None]
        problems += [f"{m.name}: ran on {m.device}" for m in done if m.device != found]
    return problems


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", help="only these, .md or .ipynb or no suffix")
    chosen = [Path(n).with_suffix("").as_posix() for n in parser.parse_args().notebooks]
    if unknown := set(chosen) - set(notebooks.names()):
        parser.error(f"not a notebook of the book: {', '.join(sorted(unknown))}")
    problems = run(chosen or notebooks.names())
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
