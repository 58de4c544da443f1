"""Homework of *The reviewers ask, again*: uneven limits, repeated attacks, and a rule of three."""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_ATTACK = "Images made against a network"
_SENTENCES = "Fourteen sentences"
_BOTH = "What both papers together claim, and what stands"


def _build(more: float, share: float, matters: float) -> Version:
    return Version(
        homework="again",
        chapter="book/vision/the_reviewers_ask_again",
        title="Changes that are allowed, and differences that matter",
        statement=(
            "An image $x$ is an array of $n$ numbers, with 0 for mean brightness. It is *bright* "
            r"where $x_i \geq 0$ and *dark* elsewhere. A change of the image is allowed if no "
            r"bright pixel changes by more than $\varepsilon$ (in the code `size`), and no dark "
            rf"pixel by more than ${more:g}\,\varepsilon$, in either direction. What counts is how "
            "the pixel was before any change. All arrays are NumPy arrays."
        ),
        common=(f"def limits(x, size):\n    return np.where(x >= 0, size, {more!r} * size)\n"),
        parts=(_worst(more), _repeated(share), _three(matters)),
    )


def _worst(more: float) -> Part:
    m = repr(more)
    return Part(
        name="a",
        title="The worst change",
        points=3,
        task=(
            "The score of the image is $w \\cdot x$. Return the allowed change that makes it as "
            "small as possible, of shape (n,). A pixel with a weight of 0 stays as it is."
        ),
        function="worst_change",
        arguments=("weights", "x", "size"),
        describes="Return the change that lowers weights @ x most, of shape (n,).",
        body="return -limits(x, size) * np.sign(weights)",
        another=(
            "found = np.zeros(len(x))\n"
            "for i, w in enumerate(weights):\n"
            f"    allowed = size if x[i] >= 0 else {m} * size\n"
            "    found[i] = -allowed if w > 0 else allowed if w < 0 else 0.0\n"
            "return found"
        ),
        mistakes=(
            Mistake(
                "one limit for all",
                "return -size * np.sign(weights)",
                "Which pixels may change by another amount here?",
                _ATTACK,
            ),
            Mistake(
                "the wrong way",
                "return limits(x, size) * np.sign(weights)",
                "Is the score smaller or larger after your change?",
                _ATTACK,
            ),
            Mistake(
                "bright and dark exchanged",
                f"return -np.where(x < 0, size, {m} * size) * np.sign(weights)",
                "Read once more which pixels have the other limit.",
                _ATTACK,
            ),
            Mistake(
                "bright by its weight",
                "return -limits(weights, size) * np.sign(weights)",
                "Bright and dark are said of the image, not of the weights.",
                _ATTACK,
            ),
            Mistake(
                "along the weights",
                "return -limits(x, size) * weights / np.abs(weights).max()",
                "May a pixel with a small weight not use all that is allowed?",
                _ATTACK,
            ),
        ),
        cases=_images,
        example=(np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.1, -0.4]), 0.1),
    )


def _repeated(share: float) -> Part:
    q = repr(share)

    def steps(
        step: str = f"{q} * allowed",
        kept: str = "now = np.clip(now, x - allowed, x + allowed)",
        gradient: str = "weights[weights @ now > 0].sum(axis=0)",
        sign: str = "-",
    ) -> str:
        return (
            "allowed, now = limits(x, size), x.astype(float).copy()\n"
            "for _ in range(n_steps):\n"
            f"    gradient = {gradient}\n"
            f"    now = now {sign} {step} * np.sign(gradient)\n"
            f"    {kept}\n"
            "return now"
        )

    return Part(
        name="b",
        title="Several small steps",
        points=4,
        task=(
            "Now the score is a sum of units with a ReLU, $\\sum_k \\max(0, w_k \\cdot x)$, with "
            "`weights` of shape (unit, n). In each of `n_steps` steps every pixel moves by "
            f"{share:g} of what it is allowed, along the sign that lowers the score of the "
            "*present* image; then the image is brought back to what is allowed. A unit counts for "
            "the gradient where $w_k \\cdot x > 0$. Return the image after the last step, of shape "
            "(n,)."
        ),
        function="attacked",
        arguments=("weights", "x", "size", "n_steps"),
        describes="Return the image after repeated steps, of shape (n,).",
        body=steps(),
        another=(
            "allowed, change = limits(x, size), np.zeros(len(x))\n"
            "for _ in range(n_steps):\n"
            "    slope = np.zeros(len(x))\n"
            "    for w in weights:\n"
            "        if w @ (x + change) > 0:\n"
            "            slope = slope + w\n"
            f"    change = change - {q} * allowed * np.sign(slope)\n"
            "    change = np.minimum(np.maximum(change, -allowed), allowed)\n"
            "return x + change"
        ),
        mistakes=(
            Mistake(
                "no limit",
                steps(kept="pass"),
                "After many steps, has a pixel changed by more than it may?",
                _ATTACK,
            ),
            Mistake(
                "the gradient of the first image",
                steps(gradient="weights[weights @ x > 0].sum(axis=0)"),
                "Units fall silent on the way. Which gradient has the next step?",
                _ATTACK,
            ),
            Mistake(
                "silent units, too",
                steps(gradient="weights.sum(axis=0)"),
                "What is the slope of a ReLU below zero?",
                _ATTACK,
            ),
            Mistake(
                "the score rises",
                steps(sign="+"),
                "Compare the score before and after: which way should it go?",
                _ATTACK,
            ),
            Mistake(
                "whole steps",
                steps(step="allowed"),
                "How far does a pixel move in one step?",
                _ATTACK,
            ),
        ),
        cases=_units,
        example=(np.array([[1.0, -1.0], [0.5, 1.0]]), np.array([0.4, -0.2]), 0.2, 2),
    )


def _three(matters: float) -> Part:
    m = repr(matters)

    def rule(
        spread: str = "d.std(ddof=1) / np.sqrt(len(d))",
        last: str = f"return 0 if mean + reach < {m} else -1",
        reach: str = "2 * ",
    ) -> str:
        return (
            "d = first - second\n"
            f"mean, reach = d.mean(), {reach}{spread}\n"
            "if mean - reach > 0:\n"
            "    return 1\n"
            f"{last}"
        )

    return Part(
        name="c",
        title="Larger, not larger, or open",
        points=3,
        task=(
            "`first` and `second`, of shape (seed,), are numbers of two kinds of networks, in "
            "pairs. The interval of their mean difference, first minus second, reaches two "
            "standard errors to both sides (the standard deviation of a sample, with $n - 1$). "
            "Return 1 if the whole interval lies above 0, else 0 if it lies below "
            f"{matters:g}, the least difference that would matter, else $-1$: open."
        ),
        function="larger",
        arguments=("first", "second"),
        describes="Return 1 (larger), 0 (not larger) or -1 (open).",
        body=rule(),
        another=(
            "n = len(first)\n"
            "mean = sum(a - b for a, b in zip(first, second)) / n\n"
            "squares = sum((a - b - mean) ** 2 for a, b in zip(first, second))\n"
            "error = (squares / (n - 1) / n) ** 0.5\n"
            "low, high = mean - 2 * error, mean + 2 * error\n"
            f"return 1 if low > 0 else (0 if high < {m} else -1)"
        ),
        mistakes=(
            Mistake(
                "open counts as no",
                rule(last="return 0"),
                "A wide interval does not show that nothing is there.",
                _BOTH,
            ),
            Mistake(
                "two standard deviations",
                rule(spread="d.std(ddof=1)"),
                "How much does the *mean* of the differences vary?",
                _SENTENCES,
            ),
            Mistake(
                "pairs taken apart",
                rule(
                    spread="np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / len(d))",
                ),
                "Networks of one seed are alike. Take the differences first, then their spread.",
                _SENTENCES,
            ),
            Mistake(
                "the mean alone",
                f"d = (first - second).mean()\nreturn 1 if d > 0 else (0 if d < {m} else -1)",
                "Where are the ends of the interval?",
                _SENTENCES,
            ),
            Mistake(
                "no difference is zero",
                rule(last="return 0 if mean + reach < 0 else -1"),
                "Which difference is too small to matter?",
                _BOTH,
            ),
        ),
        cases=_pairs(matters),
        example=(np.array([1.0, 0.2, 0.7]), np.array([0.5, 0.1, 0.4])),
    )


def _images(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n in (3, 7, 40):
        weights, x = (draw.normal(n).numpy() for _ in range(2))
        weights[0], x[0], x[1] = 0.0, 0.0, -abs(x[1])
        found.append((weights, x, draw.uniform(0.05, 0.3)))
    return found


def _units(draw: Draw) -> list[tuple[Any, ...]]:
    """Images near the point where units fall silent, so that the gradient changes on the way."""
    fixed = (
        np.array([[1.0, 0.5], [-1.5, 0.4], [-0.2, -1.0]]),
        np.array([0.12, -0.06]),
        0.3,
        9,
    )
    found: list[tuple[Any, ...]] = [fixed, (*fixed[:3], 1)]
    for n, n_units in ((4, 6), (10, 15)):
        weights = draw.normal(n_units, n).numpy()
        x = 0.2 * draw.normal(n).numpy()
        found.append((weights, x, draw.uniform(0.2, 0.4), 9))
    return found


def _pairs(matters: float) -> Any:
    return _Pairs(matters)


class _Pairs:
    """Cases of part c for one difference that matters: clear ones, ties, and open ones."""

    def __init__(self, matters: float) -> None:
        self.matters = matters

    def __call__(self, draw: Draw) -> list[tuple[Any, ...]]:
        m, found = self.matters, []
        unit = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
        # mean and spread of the differences, in units of the difference that matters
        for mean, spread in ((2.0, 1.2), (0.1, 0.2), (0.5, 2.0), (-0.5, 0.6), (0.9, 0.8)):
            shared = 10 * m * draw.normal(5).numpy()
            found.append((shared + m * (mean + spread * unit), shared))
        return found


HOMEWORK = Homework(
    name="again",
    settings={
        "more": (0.25, 0.5, 2.0, 3.0),
        "share": (0.25, 0.4, 0.6),
        "matters": (0.05, 0.1),
    },
    build=_build,
)
