"""How fast the spectrum of a convolution is found: seconds, residuals and a ratio.

    python benchmarks/bench_spectrum.py [--sweeps 5000] [--only widest ritz] [--strict]

    widest   ten leading eigenvalues of the widest published area (512 channels of 7x7 pixels,
             25,088 units, PyTorch's default weights) by ``leading_eigenvalues``: seconds (target:
             below 60) and the largest residual (target: below 1e-6); and how many of the ten a
             search with a larger basis finds as well
    ritz     300 Arnoldi steps of the released demonstration (10 channels of 10x10 pixels), and
             the eigenvalues of the small matrix, with and without QR sweeps between the two:
             largest difference of the Ritz values (target: below 1e-9), and seconds without the
             sweeps over seconds with them (target: below 1/5)

Seconds are CPU seconds of one thread, which other programs of the machine disturb little; wall
seconds stand beside them. Results go to ``benchmarks/results/spectrum.json``. With ``--strict`` a
missed target is an error.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

from nmcourse.analysis import (
    KrylovBasis,
    arnoldi,
    default_convolution,
    distance_to_nearest,
    leading_eigenvalues,
    qr_sweeps,
    ritz_values,
)

AT_MOST = {
    "widest_seconds": 60.0,
    "widest_residual": 1e-6,
    "ritz_difference": 1e-9,
    "ritz_seconds_ratio": 1 / 5,
}
SWEEPS = 5000  # as in the released script
N = 10
BASIS, LARGER_BASIS = 200, 300


def widest(_: int) -> dict[str, float]:
    """Ten leading eigenvalues of 25,088 units."""
    operator = default_convolution(512, 7, seed=0)
    found, seconds = [], []
    for basis in (BASIS, LARGER_BASIS):
        wall, start = time.perf_counter(), time.process_time()
        source = torch.Generator().manual_seed(basis)
        found.append(leading_eigenvalues(operator, N, n_basis=basis, generator=source))
        seconds.append((time.process_time() - start, time.perf_counter() - wall))
    ours, check = found
    return {
        "widest_seconds": seconds[0][0],
        "widest_wall_seconds": seconds[0][1],
        "widest_residual": float(ours.residuals.max()),
        "widest_radius": float(ours.values[0].abs()),
        "widest_in_larger_basis": int(
            (distance_to_nearest(ours.values, check.values) < 1e-6).sum()
        ),
    }


def ritz(n_sweeps: int) -> dict[str, float]:
    """Ritz values without sweeps and with them."""
    operator = default_convolution(10, 10, seed=0)

    def krylov() -> KrylovBasis:
        return arnoldi(operator, 300, generator=torch.Generator().manual_seed(0))

    def plain() -> torch.Tensor:
        return ritz_values(krylov()).values

    def released() -> torch.Tensor:
        return torch.linalg.eigvals(qr_sweeps(krylov().hessenberg[:-1], n_sweeps))

    ours, ours_seconds = timed(plain)
    theirs, theirs_seconds = timed(released)
    return {
        "ritz_difference": max(
            float(distance_to_nearest(a, b).max()) for a, b in ((ours, theirs), (theirs, ours))
        ),
        "ritz_seconds": ours_seconds,
        "ritz_seconds_with_sweeps": theirs_seconds,
        "ritz_seconds_ratio": ours_seconds / theirs_seconds,
    }


def timed(call: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, float]:
    """Result and CPU seconds."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def main() -> None:
    """Measure, print and store every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sweeps", type=int, default=SWEEPS)
    parser.add_argument("--only", nargs="*", choices=["widest", "ritz"], help="all by default")
    parser.add_argument("--strict", action="store_true", help="fail if a target is missed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    for name, call in (("widest", widest), ("ritz", ritz)):
        if not arguments.only or name in arguments.only:
            for key, value in call(arguments.sweeps).items():
                figures[key] = value
                target = f"   target below {AT_MOST[key]:g}" if key in AT_MOST else ""
                print(f"{key:26s} {value:10.3g}{target}", flush=True)
    if not arguments.only:
        path = Path(__file__).parent / "results" / "spectrum.json"
        path.parent.mkdir(exist_ok=True)
        settings = {"torch": torch.__version__, "threads": 1, "sweeps": arguments.sweeps}
        path.write_text(json.dumps(settings | {"figures": figures}, indent=1) + "\n", "utf-8")
    missed = [name for name, most in AT_MOST.items() if figures.get(name, 0.0) > most]
    if missed:
        print("missed:", ", ".join(missed))
    if missed and arguments.strict:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
