"""Homework of *Training by stages*.

A norm before the weights, and the series of another linear area.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_FOLD = "Folding: a normalisation becomes a map"
_INVERSE = "What a recurrent convolution has to learn"


def _build(leak: float, scale: float, epsilon: float) -> Version:
    a, c, eps = repr(leak), repr(scale), repr(epsilon)
    return Version(
        homework="stages",
        chapter="book/vision/training_by_stages",
        title="Fold and replace, in another area",
        statement=(
            "The rates $r$ of a linear area of $N$ units follow\n\n"
            rf"$$ \tau\, \dot r = -{leak:g}\,r + {scale:g}\, W r + I , $$"
            "\n\nwith the time constant $\\tau$, a recurrent matrix $W$ of shape ($N$, $N$), "
            "stored (to, from), and a constant current $I$ of shape ($N$,), in which the bias is "
            "contained. (The maps of chapter 12 are written as vectors here, and convolutions as "
            "matrices.) The twin of this area has no time. In place of recurrence it has a second "
            "matrix $U$, of shape ($N$, $N$). All arrays are NumPy arrays."
        ),
        common="",
        parts=(_fold(eps), _replace(a, c), _series(a, c)),
    )


def _fold(eps: str) -> Part:
    def folded(
        scale: str = f"gamma / np.sqrt(variance + {eps})",
        offset: str = "beta - s * mean",
        weights: str = "U * s",
        last: str = "U @ o",
    ) -> str:
        return f"s = {scale}\no = {offset}\nreturn np.column_stack([{weights}, {last}])"

    return Part(
        name="a",
        title="Fold what comes before",
        points=3,
        task=(
            "In this twin the normalisation stands *before* $U$ and not after it. Of an input $x$ "
            "of shape ($N$,) the twin makes\n\n"
            r"$$ y = U \operatorname{norm}(x), \qquad \operatorname{norm}(x)_i = \gamma_i\, "
            rf"\frac{{x_i - \mu_i}}{{\sqrt{{\sigma_i^2 + {eps}}}}} + \beta_i . $$"
            "\n\n"
            r"`gamma`, `beta`, `mean` and `variance` are $\gamma$, $\beta$, $\mu$ and $\sigma^2$, "
            "each of shape ($N$,). Find the weights $U'$ and the offset $o'$ for which "
            "$U' x + o' = y$ for every $x$. Return both in one array of shape ($N$, $N + 1$): "
            "$U'$, and $o'$ as its last column."
        ),
        function="fold_before",
        arguments=("U", "gamma", "beta", "mean", "variance"),
        describes="Return the folded weights and, as the last column, the offset.",
        body=folded(),
        another=(
            "def y(x):\n"
            f"    return U @ (gamma * (x - mean) / np.sqrt(variance + {eps}) + beta)\n\n"
            "offset = y(np.zeros(len(mean)))\n"
            "columns = [y(one) - offset for one in np.eye(len(mean))]\n"
            "return np.array([*columns, offset]).T"
        ),
        mistakes=(
            Mistake(
                "as if it stood behind",
                folded(weights="s[:, None] * U", last="o"),
                "This folds a normalisation that comes after the weights. Here it comes first.",
                _FOLD,
            ),
            Mistake(
                "rows in place of columns",
                folded(weights="s[:, None] * U"),
                "Each input has a scale of its own. Where in the matrix do weights of one input "
                "stand?",
                _FOLD,
            ),
            Mistake(
                "the offset left where it was",
                folded(last="o"),
                "Put in x = 0. What does the normalisation make of it, and what becomes of that?",
                _FOLD,
            ),
            Mistake(
                "the mean not scaled",
                folded(offset="beta - mean"),
                "The mean is taken away before the division, not after it.",
                _FOLD,
            ),
            Mistake(
                "nothing under the root but the variance",
                folded(scale="gamma / np.sqrt(variance)"),
                "Read the normalisation once more: what is added so that nothing is divided by "
                "zero?",
                _FOLD,
            ),
            Mistake(
                "the small constant outside the root",
                folded(scale=f"gamma / (np.sqrt(variance) + {eps})"),
                "To what is the small constant added: to the variance, or to its root?",
                _FOLD,
            ),
            Mistake(
                "the variance in place of the deviation",
                folded(scale=f"gamma / (variance + {eps})"),
                "What has the unit of the activity itself: the variance, or its root?",
                _FOLD,
            ),
        ),
        cases=_norms,
        example=(
            np.array([[1.0, 2.0], [3.0, 4.0]]),
            np.array([2.0, 1.0]),
            np.array([1.0, 0.5]),
            np.array([0.5, -1.0]),
            np.array([1.0, 4.0]),
        ),
    )


def _replace(a: str, c: str) -> Part:
    one = "np.eye(len(U))"
    return Part(
        name="b",
        title="What takes the place of U",
        points=3,
        task=(
            "Let the twin be folded, and call its matrix $U$ again: of a current $I$ it makes "
            "$U I$. For which recurrent matrix $W$ does the area stand still at this very point, "
            "for every $I$? Return $W$, of shape ($N$, $N$). `U` can be inverted. (Whether "
            "activity comes to this point is another question.)"
        ),
        function="recurrent_weights",
        arguments=("U",),
        describes="Return the recurrent matrix whose area stands still at U I.",
        body=f"return ({a} * {one} - np.linalg.inv(U)) / {c}",
        another=(
            "# at rest the leak equals the rest of the sum: a U = c W U + 1\n"
            f"return np.linalg.solve({c} * U.T, ({a} * U - {one}).T).T"
        ),
        mistakes=(
            Mistake(
                "the area of the chapter",
                f"return {one} - np.linalg.inv(U)",
                "Leak and recurrence have factors here. Where does this area settle?",
                _INVERSE,
            ),
            Mistake(
                "the leak of the chapter",
                f"return ({one} - np.linalg.inv(U)) / {c}",
                "Read the equation once more: is its leak the one that you know?",
                _INVERSE,
            ),
            Mistake(
                "the factor of W forgotten",
                f"return {a} * {one} - np.linalg.inv(U)",
                "The recurrent matrix is multiplied by a number before it acts.",
                _INVERSE,
            ),
            Mistake(
                "the wrong sign",
                f"return (np.linalg.inv(U) - {a} * {one}) / {c}",
                "Where the area settles, leak and recurrence stand on different sides.",
                _INVERSE,
            ),
            Mistake(
                "not inverted",
                f"return ({a} * {one} - U) / {c}",
                "The area inverts something by settling. What has to be inverted to undo that?",
                _INVERSE,
            ),
            Mistake(
                "inverted entry by entry",
                f"return ({a} * {one} - 1 / U) / {c}",
                "One over each entry is not the inverse of a matrix.",
                _INVERSE,
            ),
        ),
        cases=_matrices,
        example=(np.array([[2.0, 1.0], [1.0, 1.0]]),),
    )


def _series(a: str, c: str) -> Part:
    def added(
        start: str = f"current / {a}",
        again: str = f"{c} / {a} * (W @ term)",
        n: str = "n_terms - 1",
        result: str = "total",
    ) -> str:
        return (
            f"term = total = {start}\n"
            f"for _ in range({n}):\n"
            f"    term = {again}\n"
            "    total = total + term\n"
            f"return {result}"
        )

    return Part(
        name="c",
        title="A few terms of the series",
        points=4,
        task=(
            "Now $W$ is given, and the area settles. Write the point at which it settles as a "
            "Neumann series: a first term that does not contain $W$, a second one with $W$ once, "
            "and so on. Return the sum of the first `n_terms` terms, of shape ($N$,), for the "
            "current `current` of shape ($N$,)."
        ),
        function="partial_sum",
        arguments=("W", "current", "n_terms"),
        describes="Return the sum of the first terms of the series, of shape (N,).",
        body=added(),
        another=(
            f"power = {c} / {a} * np.asarray(W)\n"
            "one = np.eye(len(current))\n"
            "# a geometric series: all terms, less those that are left out\n"
            "left_out = np.linalg.matrix_power(power, n_terms)\n"
            f"return np.linalg.solve(one - power, (one - left_out) @ current) / {a}"
        ),
        mistakes=(
            Mistake(
                "the area of the chapter",
                added(start="1.0 * current", again="W @ term"),
                "Leak and recurrence have factors here. Which terms follow from that?",
                _INVERSE,
            ),
            Mistake(
                "a leak of one in the first term",
                added(start="1.0 * current"),
                "Take W = 0. Where does the area settle?",
                _INVERSE,
            ),
            Mistake(
                "a leak of one in the factor",
                added(again=f"{c} * (W @ term)"),
                "What comes back through the recurrence meets the leak as well.",
                _INVERSE,
            ),
            Mistake(
                "the factor of W forgotten",
                added(again=f"W @ term / {a}"),
                "The recurrent matrix is multiplied by a number before it acts.",
                _INVERSE,
            ),
            Mistake(
                "one term too many",
                added(n="n_terms"),
                "The term without W is a term, too.",
                _INVERSE,
            ),
            Mistake(
                "the last term alone",
                added(result="term"),
                "The series is the sum of its terms.",
                _INVERSE,
            ),
            Mistake(
                "all of the series",
                f"return np.linalg.solve({a} * np.eye(len(current)) - {c} * W, current) "
                "+ 0 * n_terms",
                "This is where the area settles. A few terms are not yet there.",
                _INVERSE,
            ),
            Mistake(
                "powers entry by entry",
                added(again=f"({c} / {a} * W) ** 2 @ current / {a}")
                .replace("for _ in range(n_terms - 1)", "for k in range(1, n_terms)")
                .replace("** 2", "** k"),
                "A power of a matrix is a matrix product. The stars take each entry by itself.",
                _INVERSE,
            ),
        ),
        cases=partial(_areas, ratio=float(a) / float(c)),
        example=(np.array([[0.5, 0.25], [0.0, 0.5]]), np.array([1.0, 2.0]), 3),
    )


def _norms(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n in (2, 3, 4, 7):
        gamma, variance = (np.array([draw.uniform(0.5, 3) for _ in range(n)]) for _ in "gv")
        beta, mean = draw.normal(2, n).numpy()
        found.append((draw.normal(n, n).numpy(), gamma, beta, mean, variance))
    return found


def _matrices(draw: Draw) -> list[tuple[Any, ...]]:
    """Matrices that are far from one without an inverse, and without a zero."""
    found = []
    for n in (2, 3, 5, 8):
        turn, _ = np.linalg.qr(draw.normal(n, n).numpy())
        found.append((turn + 0.3 * draw.uniform(0.5, 1) * turn @ turn,))
    return found


def _areas(draw: Draw, ratio: float) -> list[tuple[Any, ...]]:
    """Areas that settle; the same share of each term comes back in every version."""
    found = []
    for n in (2, 3, 5, 8):
        weights = draw.normal(n, n).numpy()
        weights *= 0.7 * ratio / np.abs(np.linalg.eigvals(weights)).max()
        found.append((weights, draw.normal(n).numpy(), draw.integer(3, 6)))
    return found


HOMEWORK = Homework(
    name="stages",
    settings={
        "leak": (0.5, 1.5, 2.0, 2.5),
        "scale": (0.6, 0.8, 1.2),
        "epsilon": (0.01, 0.05, 0.1),
    },
    build=_build,
)
