"""Homework of *Remembering one of many*.

Element Finder by hand with other numbers, weights and time constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_CHANCE = "What does a guess cost?"
_HAND = "By hand: three terms and their gates"
_LAST = "The element that comes too late"


def _build(spacing: int, ear: float, loudness: float) -> Version:
    h, loud, c = repr(ear), repr(loudness), f"{loudness:g}"
    return Version(
        homework="remember",
        chapter="book/neuromodulation/remembering_one_of_many",
        title="Another ear and another memory",
        statement=(
            "Element Finder is solved by hand once more: by an ear $a$, a memory $m$ and the three "
            "gains $s_1$ (clear), $s_2$ (hold) and $s_3$ (write). As in chapter 8, the query comes "
            "at step 0, the elements $e_0, \\dots, e_{T-1}$ come at the steps 1 to $T$, and the "
            "answer is read after step $T$. With any time constant and with two weights "
            "$c$ (clear) and $g$ (write) that are yours to choose, one step is\n\n"
            r"$$ \begin{aligned} a_t &= a_{t-1} + \tfrac{\Delta t}{\tau} \bigl( -a_{t-1} "
            rf"- c\, s_1\, a_{{t-1}} + {ear:g}\, u_t \bigr), \\ "
            r"m_t &= m_{t-1} + \tfrac{\Delta t}{\tau} \bigl( -m_{t-1} + s_2\, m_{t-1} "
            r"+ g\, s_3\, a_{t-1} \bigr), \qquad "
            rf"y_t = m_t / {c} . \end{{aligned}} $$"
            f"\n\nSo the ear hears the input $u$ with weight {ear:g}, and the memory is to hold "
            rf"{c} times the element. $\tau$ and the time step $\Delta t$ are in ms. All arrays "
            "are NumPy arrays."
        ),
        common="",
        parts=(_chance(spacing), _weights(h, loud), _run(h, loud), _holding()),
    )


def _chance(spacing: int) -> Part:
    numbers = f"numbers = low + {spacing} * np.arange(n)\n"
    return Part(
        name="a",
        title="Chance",
        points=2,
        task=(
            f"The elements are now `n` whole numbers with a distance of {spacing}: `low`, `low` + "
            f"{spacing}, `low` + {2 * spacing}, and so on, each as likely as any other. A subject "
            "remembers nothing and gives the same answer in every trial: the best one. Return its "
            "mean squared error, a number. `low` and `n` are whole numbers."
        ),
        function="chance",
        arguments=("low", "n"),
        describes="Return the mean squared error of the best constant answer.",
        body=f"return {spacing}**2 * (n**2 - 1) / 12",
        another=f"{numbers}return np.mean((numbers - numbers.mean()) ** 2)",
        mistakes=(
            Mistake(
                "the answer 0",
                f"{numbers}return np.mean(numbers**2)",
                "Is 0 the best constant answer for these numbers?",
                _CHANCE,
            ),
            Mistake(
                "neighbouring numbers",
                "return (n**2 - 1) / 12",
                "How far apart are two neighbours here?",
                _CHANCE,
            ),
            Mistake(
                "the distance not squared",
                f"return {spacing} * (n**2 - 1) / 12",
                "Spread all numbers by a factor of two. How much larger is a squared error?",
                _CHANCE,
            ),
            Mistake(
                "the variance of a sample",
                f"{numbers}return np.var(numbers, ddof=1)",
                "You know all the numbers that there are. Nothing is estimated from a sample.",
                _CHANCE,
            ),
            Mistake(
                "a whole interval of numbers",
                f"{numbers}return (numbers[-1] - numbers[0]) ** 2 / 12",
                "That would be right if every number between the first and the last could come.",
                _CHANCE,
            ),
        ),
        cases=_ranges,
        example=(1, 6),
    )


def _weights(h: str, loud: str) -> Part:
    clear, write = "tau / dt - 1", f"{loud} / {h} * (tau / dt) ** 2"
    return Part(
        name="b",
        title="Two weights",
        points=3,
        task=(
            "Choose the two weights for a given `dt` and `tau`. $s_1$ is 1 in every step; then the "
            "ear shall keep *nothing* of what it held before the step. And a step with "
            "$s_2 = s_3 = 1$ shall write exactly the right amount: if the memory was at 0, then "
            "after this step $y$ is the input of the step before. Return $c$ and $g$, in this "
            "order, as an array of shape (2,)."
        ),
        function="weights",
        arguments=("dt", "tau"),
        describes="Return the weights of clear and write, of shape (2,).",
        body=f"return np.array([{clear}, {write}])",
        another=(
            "share = dt / tau\n"
            "clear = (1 - share) / share\n"
            f"heard = share * {h}  # what the ear holds of an input of 1\n"
            f"return clear, {loud} / (share * heard)"
        ),
        mistakes=(
            Mistake(
                "the numbers of the chapter",
                "return np.array([1.0, 4.0])",
                "Those belong to units that forget half of their state in each step. And here?",
                _HAND,
            ),
            Mistake(
                "the leak counted to the gain",
                f"return np.array([tau / dt, {write}])",
                "Some of the old state leaks away without any gain. How much is left to clear?",
                _HAND,
            ),
            Mistake(
                "the share of the ear forgotten",
                f"return np.array([{clear}, {loud} / {h} * tau / dt])",
                "How much of an input does the ear hold after the step in which it came?",
                _HAND,
            ),
            Mistake(
                "the weight of the ear forgotten",
                f"return np.array([{clear}, {loud} * (tau / dt) ** 2])",
                "An ear that hears louder needs a weaker write.",
                _HAND,
            ),
            Mistake(
                "the readout forgotten",
                f"return np.array([{clear}, (tau / dt) ** 2 / {h}])",
                "What is the memory to hold, so that the readout says the element?",
                _HAND,
            ),
        ),
        cases=_clocks,
        example=(10.0, 30.0),
    )


def _run(h: str, loud: str) -> Part:
    start = "share = dt / tau\na = m = 0.0\nfor u, (s1, s2, s3) in zip(inputs, gains, strict=True):"
    hears = f"a + share * (-a - clear * s1 * a + {h} * u)"
    holds = "m + share * (-m + s2 * m + write * s3 * {a})"
    end = f"return m / {loud}"

    def run(
        new_a: str = hears, new_m: str = holds.format(a="a"), start: str = start, end: str = end
    ) -> str:
        return f"{start}\n    a, m = {new_a}, {new_m}\n{end}"

    late = start.replace("gains,", "np.roll(gains, 1, axis=0),")
    return Part(
        name="c",
        title="One trial",
        points=3,
        task=(
            "Run the two equations for one trial, from $a = m = 0$. `inputs` has the shape "
            "(step,): the query, then the elements. `gains` has the shape (step, 3): row $t$ holds "
            "$s_1$, $s_2$ and $s_3$ of step $t$. `clear` is $c$ and `write` is $g$; they may "
            "have any values. Return the output $y$ after the last step, a number."
        ),
        function="answer",
        arguments=("inputs", "gains", "clear", "write", "dt", "tau"),
        describes="Return the output after the last step.",
        body=run(),
        another=(
            "state = np.zeros(2)\n"
            "for u, (s1, s2, s3) in zip(inputs, gains, strict=True):\n"
            "    W = np.array([[-clear * s1, 0.0], [write * s3, s2]])\n"
            f"    state = state + dt / tau * (-state + W @ state + np.array([{h} * u, 0.0]))\n"
            f"return state[1] / {loud}"
        ),
        mistakes=(
            Mistake(
                "the new ear",
                f"{start}\n    a = {hears}\n    m = {holds.format(a='a')}\n{end}",
                "Which state of the ear does the memory read in a step, the old or the new one?",
                _HAND,
            ),
            Mistake(
                "gains of the step before",
                run(start=late),
                "Which row of the gains belongs to a step?",
                _HAND,
            ),
            Mistake(
                "the ear of the chapter",
                run("a + share * (-a - clear * s1 * a + u)"),
                "How loud is the input of this ear?",
                _HAND,
            ),
            Mistake(
                "the memory itself",
                run(end="return m"),
                "The readout of this network does not show the memory as it is.",
                _HAND,
            ),
            Mistake(
                "hold without a leak",
                run(new_m="m + share * (s2 * m + write * s3 * a)"),
                "Shut all gains. Should the memory stay as it is?",
                _HAND,
            ),
            Mistake(
                "an ear without a leak",
                run(f"a + share * (-clear * s1 * a + {h} * u)"),
                "Shut all gains. Should the ear keep what it heard?",
                _HAND,
            ),
        ),
        cases=_runs,
        example=(
            np.array([1.0, 4.0, -2.0, 5.0]),
            np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.5, 1.0]]),
            1.0,
            3.0,
            10.0,
            40.0,
        ),
    )


def _holding() -> Part:
    def error(
        n: str = "np.arange(length - 1)",
        missed: str = "(1 - left) ** 2",
        last: str = "1 + ",
        kept: str = "1 - dt / tau * (1 - gain)",
        steps: str = "length",
    ) -> str:
        return (
            f"left = ({kept}) ** {n}\nmissed = {missed}\n"
            f"return variance * ({last}missed.sum()) / {steps}"
        )

    return Part(
        name="d",
        title="A hold that leaks",
        points=2,
        task=(
            "The weights are those of part b, *clear* stays open, and *write* is open for the "
            "one step that "
            "writes the queried element: it is exact right after this step. But *hold* has the "
            "gain `gain`, a number below 1, in all later steps up to step $T$. For the last query, "
            "$q = T - 1$, nothing can be written in time, and the output is 0. The elements have "
            "the mean 0 and the variance `variance`, each query is equally likely, and `length` is "
            "$T$. Return the mean squared error of the answer, a number."
        ),
        function="error",
        arguments=("gain", "length", "variance", "dt", "tau"),
        describes="Return the mean squared error over all queries.",
        body=error(),
        another=(
            "kept = (tau - dt + dt * gain) / tau\n"
            "total = variance  # of the last query\n"
            "for q in range(length - 1):\n"
            "    steps = length - (q + 2)\n"
            "    total = total + variance * (1 - kept**steps) ** 2\n"
            "return total / length"
        ),
        mistakes=(
            Mistake(
                "the last element in time",
                error("np.arange(length)", last=""),
                "When does the last element come, and when could it be written?",
                _LAST,
            ),
            Mistake(
                "the last query left out",
                error(last="", steps="(length - 1)"),
                "The last query is asked as often as the others. What does it cost?",
                _LAST,
            ),
            Mistake(
                "held from the moment it is heard",
                error("np.arange(1, length)"),
                "The memory begins to lose the element when it has been written, not before.",
                _HAND,
            ),
            Mistake(
                "the loss not squared",
                error(missed="1 - left"),
                "If half of an element is left, how large is the squared error?",
                _CHANCE,
            ),
            Mistake(
                "variances that subtract",
                error(missed="1 - left**2"),
                "The answer is not independent of the element: it is a part of it.",
                _CHANCE,
            ),
            Mistake(
                "the gain for what is left",
                error(kept="gain"),
                "What does one step leave of the memory if the gain is 0? Nothing at all?",
                _LAST,
            ),
        ),
        cases=_holds,
        example=(0.5, 4, 12.0, 10.0, 20.0),
    )


def _ranges(draw: Draw) -> list[tuple[int, int]]:
    return [(draw.integer(-9, -2), draw.integer(4, 9)), *((k, draw.integer(3, 30)) for k in (0, 5))]


def _clocks(draw: Draw) -> list[tuple[float, float]]:
    found = [(draw.uniform(2, 12), draw.uniform(2.2, 9)) for _ in range(5)]
    return [(dt, dt * steps) for dt, steps in found]


def _runs(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n in (4, 8, 16):
        gains = np.array([[draw.uniform(0.1, 1) for _ in range(3)] for _ in range(n)])
        inputs = 5 * draw.normal(n).numpy()
        dt = draw.uniform(5, 12)
        weights = draw.uniform(0.5, 2), draw.uniform(2, 6)
        found.append((inputs, gains, *weights, dt, dt * draw.uniform(2.2, 5)))
    return found


def _holds(draw: Draw) -> list[tuple[float, int, float, float, float]]:
    found = []
    for length in (3, 5, 10, 25):
        dt = draw.uniform(5, 12)
        clock = dt, dt * draw.uniform(2.2, 6)
        found.append((draw.uniform(0.6, 0.98), length, draw.uniform(2, 40), *clock))
    return found


HOMEWORK = Homework(
    name="remember",
    settings={
        "spacing": (2, 3, 4),
        "ear": (0.5, 2.0, 3.0),
        "loudness": (0.25, 0.4, 1.5),
    },
    build=_build,
)
