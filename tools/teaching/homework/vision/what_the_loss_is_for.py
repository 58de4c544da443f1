"""Homework of *What the loss is for*.

Weights that rise otherwise, a relative penalty, many rivals.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_LOSS = "The loss, part by part"
_UNIT = "One unit: return or run away"
_PAIR = "Two units: a state that stays"


def _build(power: int, window: int, leak: float) -> Version:
    return Version(
        homework="loss",
        chapter="book/vision/what_the_loss_is_for",
        title="Another loss, and many rivals",
        statement=(
            "Somebody trains networks in time with another loss than that of chapter 13. A trial "
            "has the same three parts: a blank, an image, a blank. The answer counts in a window "
            "of $K$ steps at the end of the image, with weights that rise in another way,\n\n"
            r"$$ \frac1K \sum_{k=0}^{K-1} w_k\, \mathrm{CE}_k , \qquad "
            rf"w_k = \left(\frac{{k+1}}{{K}}\right)^{{{power}}} , $$"
            "\n\nand the penalty compares with how far the image has moved each area,\n\n"
            rf"$$ \lambda\, \frac{{1}}{{M D}} \sum_t \sum_{{i=0}}^{{D-1}} "
            r"\frac{\overline{(r_i(t) - r_i^{\text{rest}})^2}}"
            r"{\overline{(r_i^{\text{seen}} - r_i^{\text{rest}})^2}} , "
            rf"\qquad M = {window} . $$"
            "\n\n"
            r"$\mathrm{CE}_k$ is the cross entropy (natural logarithm) between the outputs at "
            "step $k$ of the window and the right class. The second sum runs over the last $M$ "
            "steps $t$ of the second blank and over the $D$ areas. A bar is a mean over the units "
            r"of an area. $r_i^{\text{rest}}$ are the rates of area $i$ when the image comes, "
            r"$r_i^{\text{seen}}$ those when it goes, and $\lambda$ is the coefficient. "
            "All arrays are NumPy arrays."
        ),
        common="",
        parts=(_answer(str(power)), _penalty(str(window)), _rivals(repr(leak), leak)),
    )


def _answer(p: str) -> Part:
    entropies = (
        "top = outputs.max(axis=1)\n"
        "entropies = np.log(np.exp(outputs - top[:, None]).sum(axis=1)) + top\n"
        "entropies = entropies - outputs[:, label]\n"
        "K = len(outputs)\n"
    )

    def loss(weights: str, end: str = "return (w * entropies).mean()") -> str:
        return f"{entropies}w = {weights}\n{end}"

    right = f"((np.arange(K) + 1) / K) ** {p}"
    return Part(
        name="a",
        title="When the answer counts",
        points=3,
        task=(
            "`outputs`, of shape ($K$, class), holds the scores of all classes before the softmax, "
            "for one image at each step of the window. `label` is the number of the right class, "
            "a whole number from 0. Return the first part of the loss, a number."
        ),
        function="window_loss",
        arguments=("outputs", "label"),
        describes="Return the weighted cross entropy of one image, a number.",
        body=loss(right),
        another=(
            "K, total = len(outputs), 0.0\n"
            "for k, scores in enumerate(outputs):\n"
            "    shares = np.exp(scores) / np.exp(scores).sum()\n"
            f"    total -= (k + 1) ** {p} * np.log(shares[label])\n"
            f"return total / K ** ({p} + 1)"
        ),
        mistakes=(
            Mistake(
                "equal weights",
                loss("np.ones(K)"),
                "Does an early step of the window count as much as a late one?",
                _LOSS,
            ),
            Mistake(
                "the weights of the chapter",
                loss("10.0 ** np.linspace(-3, 0, K)"),
                "Weights can rise in many ways. How do they rise in this loss?",
                _LOSS,
            ),
            Mistake(
                "counted from zero",
                loss(f"(np.arange(K) / K) ** {p}"),
                "Put in the last step of the window. What is its weight in the equation?",
                _LOSS,
            ),
            Mistake(
                "falling weights",
                loss(f"(1 - np.arange(K) / K) ** {p}"),
                "Which end of the window is heavy?",
                _LOSS,
            ),
            Mistake(
                "a weighted mean",
                loss(right, "return (w * entropies).sum() / w.sum()"),
                "By what is the sum divided in the equation?",
                _LOSS,
            ),
            Mistake(
                "no mean",
                loss(right, "return (w * entropies).sum()"),
                "By what is the sum divided in the equation?",
                _LOSS,
            ),
            Mistake(
                "chances in place of their logarithm",
                loss(right, "return -(w * np.exp(-entropies)).mean()"),
                "A cross entropy is zero where the answer is sure and right. Is yours?",
                _LOSS,
            ),
        ),
        cases=_windows,
        example=(np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]), 0),
    )


def _penalty(m: str) -> Part:
    def penalty(
        value: str = "(away / moved).mean()",
        away: str = "((late - rest) ** 2).mean(axis=-1)",
        moved: str = "((seen - rest) ** 2).mean(axis=-1)",
        late: str = f"rates[-{m}:]",
        coefficient: str = "coefficient * ",
    ) -> str:
        return f"late = {late}\naway = {away}\nmoved = {moved}\nreturn {coefficient}{value}"

    return Part(
        name="b",
        title="How far from rest?",
        points=3,
        task=(
            "`rates`, of shape (time, $D$, unit), holds the rates at all steps of the second "
            "blank. All areas have the same number of units. `seen` and `rest` have the shape "
            "($D$, unit), `coefficient` is $\\lambda$. Return the penalty of this trial, a number."
        ),
        function="rest_penalty",
        arguments=("rates", "seen", "rest", "coefficient"),
        describes="Return the relative return-to-rest penalty of one trial, a number.",
        body=penalty(),
        another=(
            "total = 0.0\n"
            f"for r in rates[len(rates) - {m}:]:\n"
            "    for i in range(len(rest)):\n"
            "        away, moved = r[i] - rest[i], seen[i] - rest[i]\n"
            "        total += (away @ away) / (moved @ moved)\n"
            f"return coefficient * total / ({m} * len(rest))"
        ),
        mistakes=(
            Mistake(
                "the penalty of the chapter",
                penalty("away.mean()"),
                "How far has the image moved each area? The penalty compares with that.",
                _LOSS,
            ),
            Mistake(
                "the whole blank",
                penalty(late="rates"),
                "At which steps of the blank does the penalty look?",
                _LOSS,
            ),
            Mistake(
                "the first steps",
                penalty(late=f"rates[:{m}]"),
                "A network needs time to return. At which steps does the penalty look?",
                _LOSS,
            ),
            Mistake(
                "silence for rest",
                penalty(away="(late**2).mean(axis=-1)", moved="(seen**2 + 0 * rest).mean(axis=-1)"),
                "A network with biases does not rest in silence.",
                _LOSS,
            ),
            Mistake(
                "distances without squares",
                penalty("np.sqrt(away / moved).mean()"),
                "What has become of the squares?",
                _LOSS,
            ),
            Mistake(
                "all areas in one",
                penalty("away.mean() / moved.mean()"),
                "Each area is compared with its own distance, before the mean over areas is taken.",
                _LOSS,
            ),
            Mistake(
                "the coefficient forgotten",
                penalty(coefficient=""),
                "How heavy is the penalty beside the rest of the loss?",
                _LOSS,
            ),
            Mistake(
                "a sum over areas",
                penalty("(away / moved).sum(axis=1).mean()"),
                "What would become of your penalty in a network with twice as many areas?",
                _LOSS,
            ),
        ),
        cases=_trials,
        example=(
            np.array([[[float(9 - k), 1.0], [2.0, 1.0]] for k in range(9)]),
            np.array([[3.0, 1.0], [4.0, 1.0]]),
            np.array([[1.0, 1.0], [1.0, 0.0]]),
            0.5,
        ),
    )


def _rivals(a: str, leak: float) -> Part:
    def rates(
        stays: str = f"excitation + inhibition > {a}",
        alone: str = f"bias / ({a} - excitation)",
        rest: str = f"bias / ({a} - excitation + (n_units - 1) * inhibition)",
    ) -> str:
        return (
            f"r = np.full(n_units, {rest})\nif {stays}:\n    r[:] = 0\n    r[0] = {alone}\nreturn r"
        )

    return Part(
        name="c",
        title="What an image leaves",
        points=4,
        task=(
            "$n$ = `n_units` units, two or more, are rivals, as the two of chapter 13 are:\n\n"
            rf"$$ \tau\, \dot r_i = -{a}\,r_i + \max\Bigl(e\, r_i - c \sum_{{j \ne i}} r_j "
            r"+ b + u_i,\; 0\Bigr) . $$"
            "\n\n$\\tau$ is the time constant, $u_i$ the image. "
            rf"Each excites itself with $e$ = `excitation`, $0 \le e < {a}$, and inhibits each "
            "other one with $c$ = `inhibition`, $c > 0$. $b$ = `bias` is positive. Before the "
            "image all units have the same positive rate. Then an image drives unit 0 alone, "
            "so strongly and so long that it silences all others, and goes. Return the rates of "
            "all units long after the image, of shape ($n$,). (The border between two "
            "kinds of network is not tried.)"
        ),
        function="left_by_image",
        arguments=("excitation", "inhibition", "bias", "n_units"),
        describes="Return the rates of all units long after the image, of shape (n,).",
        body=rates(),
        another=(
            "W = (excitation + inhibition) * np.eye(n_units) - inhibition\n"
            "r = np.zeros(n_units)\n"
            f"r[0] = bias / ({a} - excitation)  # the first one alone\n"
            "if (W @ r + bias)[1:].max() > 0:  # the others wake up\n"
            f"    r = np.linalg.solve({a} * np.eye(n_units) - W, np.full(n_units, bias))\n"
            "return r"
        ),
        mistakes=(
            Mistake(
                "the leak of the chapter",
                rates(
                    "excitation + inhibition > 1",
                    "bias / max(1 - excitation, 1e-3)",
                    "bias / max(1 - excitation + (n_units - 1) * inhibition, 1e-3)",
                ),
                "Read the equation once more: is its leak the one that you know?",
                _UNIT,
            ),
            Mistake(
                "always back",
                rates("False"),
                "The others have been silenced. Does their current rise above zero again, whatever "
                "the weights are?",
                _PAIR,
            ),
            Mistake(
                "always kept",
                rates("True"),
                "Weak inhibition cannot hold the others down for ever. When is it too weak?",
                _PAIR,
            ),
            Mistake(
                "all rivals at once",
                rates(f"excitation + (n_units - 1) * inhibition > {a}"),
                "When unit 0 is alone, how many units inhibit each of the others?",
                _PAIR,
            ),
            Mistake(
                "inhibition that holds back the winner",
                rates(alone=f"bias / ({a} - excitation + inhibition)"),
                "Silent units inhibit nobody.",
                _PAIR,
            ),
            Mistake(
                "a unit that inhibits itself",
                rates(rest=f"bias / ({a} - excitation + n_units * inhibition)"),
                "Over which units does the sum in the equation run?",
                _PAIR,
            ),
            Mistake(
                "inhibition by one rival",
                rates(rest=f"bias / ({a} - excitation + inhibition)"),
                "At rest all units are active. How many inhibit each of them?",
                _PAIR,
            ),
        ),
        cases=partial(_networks, leak=leak),
        example=(0.2, 2.5, 0.5, 3),
    )


def _windows(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n_steps, n_classes in ((3, 2), (6, 4), (12, 10), (20, 5)):
        outputs = 2 * draw.normal(n_steps, n_classes).numpy()
        found.append((outputs, draw.integer(0, n_classes - 1)))
    return found


def _trials(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n_areas, n_units in ((2, 3), (3, 5), (4, 8), (2, 20)):
        n_steps = draw.integer(16, 30)
        rest = 1 + draw.normal(n_areas, n_units).numpy()
        moved = (1 + np.arange(n_areas))[:, None] * draw.normal(n_areas, n_units).numpy()
        left = np.exp(-np.arange(n_steps) / 10)[:, None, None] * moved
        noise = 0.1 * draw.normal(n_steps, n_areas, n_units).numpy()
        found.append((rest + left + noise, rest + moved, rest, draw.uniform(1e-3, 0.5)))
    return found


def _networks(draw: Draw, leak: float) -> list[tuple[Any, ...]]:
    """Networks of both kinds, away from the border, in units of the leak."""
    found = []
    for n_units, low, high in ((2, 0.2, 0.5), (3, 1.3, 2.0), (5, 0.5, 0.7), (4, 1.2, 1.5)):
        excitation = leak * draw.uniform(0.2, 0.6)
        inhibition = draw.uniform(low, high) * (leak - excitation)
        found.append((excitation, inhibition, draw.uniform(0.1, 1), n_units))
    return found


HOMEWORK = Homework(
    name="loss",
    settings={"power": (2, 3, 4), "window": (4, 6, 8), "leak": (0.5, 1.5, 2.0, 2.5)},
    build=_build,
)
