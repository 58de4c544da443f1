"""Homework of *Keeping time with gain*.

A transplant with gaps, another scaling, and Adam's second step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_TRANSPLANT = "A transplant"
_SCALING = "Same scaling"
_ADAM = "The optimiser that forgets"
_SCALES = {  # name -> code and formula of the recurrent scaling; "{n}" is the number of units
    "2/N": ("2 / {n}", r"\frac{2}{N}"),
    "3/N": ("3 / {n}", r"\frac{3}{N}"),
    "2/sqrt(N)": ("2 / np.sqrt({n})", r"\frac{2}{\sqrt N}"),
    "3/sqrt(N)": ("3 / np.sqrt({n})", r"\frac{3}{\sqrt N}"),
}


def _build(
    ramp: tuple[float, float, float], first: str, scale: str, betas: tuple[float, float]
) -> Version:
    return Version(
        homework="gain-time",
        chapter="book/neuromodulation/keeping_time_with_gain",
        title="Two experiments, checked",
        statement=(
            "Somebody repeats two experiments of chapter 5, and changes them a little. "
            "**Parts a and b: a transplant**, in a task with other ramps. Some ramps never come, "
            "so the table has gaps. **Parts c and d: a comparison** of networks. They have another "
            "recurrent scaling $g$, and their optimiser begins anew every 1,000 steps.\n\n"
            "All times are in ms. All arrays are NumPy arrays."
        ),
        common="",
        parts=(_apparent(*ramp), _decides(first), _radius(*_SCALES[scale]), _second(*betas)),
    )


def _apparent(low: float, high: float, share: float) -> Part:
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
        cases=lambda draw: _ramps(draw, low, high, share),
        example=(low + (high - low) * np.array([[0.0, 0.5, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]), 50.0),
    )


def _decides(first: str) -> Part:
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
        cases=lambda draw: _tables(draw, first),
        example=_table(
            first,
            np.array([[100.0, 110.0, 130.0], [120.0, 135.0, 0.0], [0.0, 160.0, 170.0]]),
            np.array([[True, True, True], [True, True, False], [False, True, True]]),
            np.array([100.0, 140.0, 180.0]),
            np.array([90.0, 120.0, 170.0]),
        ),
    )


def _radius(scale: str, formula: str) -> Part:
    g = scale.format(n="len(L)")
    small = "np.linalg.eigvals((s * (R.T @ L).T).T)"
    return Part(
        name="c",
        title="How strong is the recurrence?",
        points=2,
        task=(
            rf"Near rest the recurrence of such a network is $g\,L\,\mathrm{{diag}}(s)\,R^\top$ "
            rf"with $g = {formula}$, $N$ units and $K$ gains $s$. The factors `L` and `R` have the "
            "shape ($N$, $K$), the columns of `L` are *not* orthonormal, and `s` has the shape "
            "($K$,). Return the spectral radius of this recurrence, a number."
        ),
        function="radius",
        arguments=("L", "R", "s"),
        describes="Return the spectral radius of the recurrence.",
        body=f"return {g} * np.abs({small}).max()",
        another=(
            "n, _ = np.shape(L)\n"
            f"W = {scale.format(n='n')} * (L @ np.diag(s) @ R.T)\n"
            "return max(abs(value) for value in np.linalg.eigvals(W))"
        ),
        mistakes=(
            Mistake(
                "the scaling forgotten",
                f"return np.abs({small}).max()",
                "What happens to your result when every unit of the network is doubled?",
                _SCALING,
            ),
            Mistake(
                "the gains forgotten",
                f"return {g} * np.abs(np.linalg.eigvals(R.T @ L)).max()",
                "A network whose gains are nearly shut has hardly any recurrence. And yours?",
                _SCALING,
            ),
            Mistake(
                "the largest real part",
                f"return {g} * {small}.real.max()",
                "A radius is a distance from 0, in the plane of complex numbers.",
                _SCALING,
            ),
            Mistake(
                "the largest singular value",
                f"return np.linalg.norm({g} * (L * s) @ R.T, 2)",
                "This is how far one vector can be stretched once. A radius is of eigenvalues.",
                _SCALING,
            ),
            Mistake(
                "terms counted for units",
                f"return {scale.format(n='len(s)')} * np.abs({small}).max()",
                "Which of the two sizes of a factor is the number of units?",
                _SCALING,
            ),
        ),
        cases=_factors,
        example=(np.eye(4)[:, :2], 2 * np.eye(4)[:, 1::-1] + np.eye(4)[:, 1:3], np.array([1, 0.5])),
    )


def _second(beta_1: float, beta_2: float) -> Part:
    def moved(b1: str = repr(beta_1), b2: str = repr(beta_2), how: str = "fair") -> str:
        mean = f"(1 - {b1}) * ({b1} * first + second)"
        square = f"(1 - {b2}) * ({b2} * first**2 + second**2)"
        power = {"fair": "**2", "once": "", "none": None}[how]
        if power is not None:
            mean += f" / (1 - {b1}{power})"
            square += f" / (1 - {b2}{power})"
        return f"m = {mean}\nv = {square}\nmove = -rate * m / (np.sqrt(v) + 1e-8)\n"

    return Part(
        name="d",
        title="The second step",
        points=3,
        task=(
            rf"Adam runs here with $\beta_1 = {beta_1:g}$, $\beta_2 = {beta_2:g}$ and "
            r"$\varepsilon = 10^{-8}$, without weight decay. It has just been reset: its "
            "running means of the gradient and of its square are 0. "
            "One weight meets the gradients `first` in step 1 and `second` in step 2, both numbers "
            "and not 0, at the learning rate `rate`. Return the change of the weight *in step 2*."
        ),
        function="second_step",
        arguments=("first", "second", "rate"),
        describes="Return by how much the second step after a reset changes the weight.",
        body=f"{moved()}return move",
        another=(
            "m = v = 0.0\nmove = 0.0\n"
            "for t, gradient in enumerate((first, second), start=1):\n"
            f"    m = {beta_1!r} * m + (1 - {beta_1!r}) * gradient\n"
            f"    v = {beta_2!r} * v + (1 - {beta_2!r}) * gradient**2\n"
            f"    m_hat, v_hat = m / (1 - {beta_1!r}**t), v / (1 - {beta_2!r}**t)\n"
            "    move = -rate * m_hat / (v_hat**0.5 + 1e-8)\n"
            "return move"
        ),
        mistakes=(
            Mistake(
                "a first step once more",
                "return -rate * np.sign(second)",
                "In step 2 the running means have met two gradients. Yours know the last one.",
                _ADAM,
            ),
            Mistake(
                "means that are not corrected",
                f"{moved(how='none')}return move",
                "Running means that start at 0 are too small at first. What does Adam do then?",
                _ADAM,
            ),
            Mistake(
                "the correction of step 1",
                f"{moved(how='once')}return move",
                "The correction depends on the number of the step.",
                _ADAM,
            ),
            Mistake(
                "the means of the chapter",
                f"{moved('0.9', '0.999')}return move",
                "This Adam forgets faster than the one of the chapter.",
                _ADAM,
            ),
            Mistake(
                "uphill",
                f"{moved()}return -move",
                "A positive gradient says that a larger weight makes the error larger.",
                _ADAM,
            ),
            Mistake(
                "both steps together",
                f"{moved()}return move - rate * np.sign(first)",
                "This is the change since the reset. Asked for is that of step 2.",
                _ADAM,
            ),
        ),
        cases=_gradients,
        example=(1.0, -0.5, 0.01),
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


def _factors(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n, k in ((8, 2), (20, 3), (30, 4), (50, 3)):
        left = draw.normal(n, k).numpy() + 0.3
        turn = np.eye(k)
        turn[0, 1], turn[1, 0] = -2.0, 2.0  # a pair of complex eigenvalues
        right = left @ turn + 0.3 * draw.normal(n, k).numpy()
        found.append((left, right, np.array([draw.uniform(0.3, 0.9) for _ in range(k)])))
    return found


def _gradients(draw: Draw) -> list[tuple[float, float, float]]:
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1), (1, -1))
    return [
        (one * draw.uniform(0.2, 2), other * draw.uniform(0.2, 2), draw.uniform(0.001, 0.03))
        for one, other in signs
    ]


HOMEWORK = Homework(
    name="gain-time",
    settings={
        "ramp": ((0.0, 2.0, 1.5), (-1.0, 1.0, 0.75), (0.0, 1.5, 2.0)),
        "first": ("donor", "receiver"),
        "scale": tuple(_SCALES),
        "betas": ((0.8, 0.99), (0.7, 0.95), (0.6, 0.98)),
    },
    build=_build,
)
