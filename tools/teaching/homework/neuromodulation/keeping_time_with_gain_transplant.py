"""Homework of *Keeping time with gain*: the parts about a transplant, with gaps in its table."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Mistake, Part

_TRANSPLANT = "A transplant"


def apparent(low: float, high: float, share: float) -> Part:
    """Return the part on the apparent interval of ramps between two levels."""
    top, height, k = repr(high), repr(high - low), repr(share)
    ends = "missing[:, [0, -1]].sum(axis=1) / 2"

    def interval(result: str, end: str = top, area: str = f"missing.sum(axis=1) - {ends}") -> str:
        return f"missing = {end} - outputs\narea = dt * ({area})\nreturn {result}"

    return Part(
        name="a",
        title="The apparent interval",
        points=2,
        task=(
            f"In this task a ramp begins at go and rises along a straight line from {low:g} to "
            rf"{high:g}. For an interval of $I$ ms the rise takes ${share:g}\,I$; then the output "
            "stays high. `outputs` has the shape (trial, step): the output at go and at each later "
            "step of `dt` ms, until well after the rise. Find the area between the output and the "
            "high level with the trapezoid rule, and from it the *apparent interval*: that of the "
            "straight ramp with this area. Return an array of shape (trial,), in ms."
        ),
        function="apparent",
        arguments=("outputs", "dt"),
        describes="Return the interval of the straight ramp with the same area, (trial,).",
        body=interval(f"2 * area / ({height} * {k})"),
        another=(
            f"done = (np.asarray(outputs) - {low!r}) / {height}  # from 0 to 1\n"
            "middle = (done[:, 1:] + done[:, :-1]) / 2\n"
            f"return 2 * dt * np.sum(1 - middle, axis=1) / {k}"
        ),
        mistakes=(
            Mistake(
                "the ramp of the chapter",
                interval("2 * area", "0.5"),
                "Where does this ramp end, and how high is it?",
                _TRANSPLANT,
            ),
            Mistake(
                "the length of the rise",
                interval(f"2 * area / {height}"),
                "This is how long the rise takes. Which interval does such a rise stand for?",
                _TRANSPLANT,
            ),
            Mistake(
                "the height forgotten",
                interval(f"2 * area / {k}"),
                "A ramp of twice the height has twice the area, and the same interval.",
                _TRANSPLANT,
            ),
            Mistake(
                "a rectangle for the triangle",
                interval(f"area / ({height} * {k})"),
                "Draw a straight ramp and the area above it. Which figure is it?",
                _TRANSPLANT,
            ),
            Mistake(
                "a plain sum",
                interval(f"2 * area / ({height} * {k})", area="missing.sum(axis=1)"),
                "Try a straight ramp: your interval is too long by a part of a step. What does "
                "the trapezoid rule do with the first value?",
                _TRANSPLANT,
            ),
        ),
        cases=partial(_ramps, low=low, high=high, share=share),
        example=(low + (high - low) * np.array([[0.0, 0.5, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]), 50.0),
    )


def decides(first: str) -> Part:
    """Return the part on who decides; ``first`` is the first axis of the table."""
    axes = ["donor", "receiver"] if first == "donor" else ["receiver", "donor"]
    grid = "{0}, {1} = np.meshgrid({0}s, {1}s, indexing='ij')\n"
    plane = "return np.linalg.lstsq(columns, table[arrived], rcond=None)[0]"

    def fit(columns: str, result: str = "[1:]", order: list[str] = axes) -> str:
        return f"{grid.format(*order)}columns = np.stack([{columns}], axis=1)\n{plane}{result}"

    both = "donor[arrived], receiver[arrived]"
    right = f"np.ones(arrived.sum()), {both}"
    donor_axis, receiver_axis = (1, 0) if first == "donor" else (0, 1)
    return Part(
        name="b",
        title="Who decides?",
        points=3,
        task=(
            f"`table` holds apparent intervals and has the shape ({axes[0]}, {axes[1]}). The gains "
            "after the wait pulse come from the donor trial, whose interval is in `donors`; the "
            "state has counted the receiver's interval, in `receivers`. Both are arrays, with one "
            "entry for each row or column. `arrived` has the shape of the table and is True where "
            "a ramp came. The other entries of the table mean "
            "nothing.\n\n"
            "The gaps stand in different places in each row, so the means of chapter 5 would mix "
            "the two influences. Fit a plane to the entries that count, with least squares: "
            r"$\hat I \approx c_0 + c_1 I_{\text{donor}} + c_2 I_{\text{receiver}}$. Return $c_1$ "
            "and $c_2$, in this order, as an array of shape (2,)."
        ),
        function="decides",
        arguments=("table", "arrived", "donors", "receivers"),
        describes="Return how far the ramp follows the gains, and how far the state, (2,).",
        body=fit(right),
        another=(
            f"rows, columns = np.nonzero(arrived)\n"
            f"{axes[0]}, {axes[1]} = {axes[0]}s[rows], {axes[1]}s[columns]\n"
            "known = np.stack([donor - donor.mean(), receiver - receiver.mean()])\n"
            "return np.linalg.solve(known @ known.T, known @ table[rows, columns])"
        ),
        mistakes=(
            Mistake(
                "the axes exchanged",
                fit(right, order=axes[::-1]),
                "Which axis of the table belongs to the trial that gave its gains?",
                _TRANSPLANT,
            ),
            Mistake(
                "gaps that count",
                f"arrived = np.ones_like(arrived)\n{fit(right)}",
                "What stands in the table where no ramp came?",
                _TRANSPLANT,
            ),
            Mistake(
                "one influence at a time",
                f"{grid.format(*axes)}wanted = table[arrived]\n"
                "return [np.polyfit(v[arrived], wanted, 1)[0] for v in (donor, receiver)]",
                "Pairs are missing, so long donors may have met long receivers more often. Then "
                "one slope picks up what belongs to the other.",
                _TRANSPLANT,
            ),
            Mistake(
                "means over unequal sets",
                "seen = np.where(arrived, table, np.nan)\n"
                f"by_donor, by_receiver = np.nanmean(seen, axis={donor_axis}), "
                f"np.nanmean(seen, axis={receiver_axis})\n"
                "pairs = ((donors, by_donor), (receivers, by_receiver))\n"
                "return [np.polyfit(known, mean, 1)[0] for known, mean in pairs]",
                "One donor's mean is over other receivers than the next one's. Are the means "
                "comparable?",
                _TRANSPLANT,
            ),
            Mistake(
                "no constant",
                fit(both, ""),
                "Your plane is forced through the origin. Must it be?",
                _TRANSPLANT,
            ),
            Mistake(
                "the state first",
                fit(right, "[:0:-1]"),
                "Look at the order in which the two slopes are asked for.",
                _TRANSPLANT,
            ),
        ),
        cases=partial(_tables, first=first),
        example=_table(
            first,
            np.array([[100.0, 110.0, 130.0], [120.0, 135.0, 0.0], [0.0, 160.0, 170.0]]),
            np.array([[True, True, True], [True, True, False], [False, True, True]]),
            np.array([100.0, 140.0, 180.0]),
            np.array([90.0, 120.0, 170.0]),
        ),
    )


def _table(first: str, table: Any, arrived: Any, donors: Any, receivers: Any) -> tuple[Any, ...]:
    """Turn a table (donor, receiver) to the axes of a version."""
    turn = np.asarray if first == "donor" else np.transpose
    return turn(table).copy(), turn(arrived).copy(), donors, receivers


def _ramps(draw: Draw, low: float, high: float, share: float) -> list[tuple[Any, ...]]:
    found = []
    for n in (1, 3, 4):
        dt = draw.uniform(5, 12)
        asked = np.array([[draw.uniform(60, 200)] for _ in range(n)])
        since = dt * np.arange(80)
        ramps = np.clip(since / (share * asked), 0, 1) ** draw.uniform(0.8, 1.2)
        ramps = ramps + 0.05 * draw.normal(n, 80).numpy()  # the first and last values matter
        found.append((low + (high - low) * ramps, dt))
    return found


def _tables(draw: Draw, first: str) -> list[tuple[Any, ...]]:
    found = []
    for n in (4, 5, 6):
        donors, receivers = (
            np.cumsum([draw.uniform(100, 130), *(draw.uniform(10, 40) for _ in range(n - 1))])
            for _ in range(2)
        )
        table = 40 + 0.3 * donors[:, None] + 0.5 * receivers + 8 * draw.normal(n, n).numpy()
        arrived = draw.normal(n, n).numpy() < 0.7
        arrived |= np.eye(n, dtype=bool) | np.eye(n, k=1, dtype=bool)
        arrived[0, -1] = arrived[-1, 0] = arrived[-1, 1] = False
        found.append(_table(first, np.where(arrived, table, 0.0), arrived, donors, receivers))
    return found
