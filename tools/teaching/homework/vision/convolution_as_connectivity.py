"""Homework of *A convolution is a connectivity matrix*.

A dilated convolution on a ring, its waves, and its first swing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._nonlinearities import Nonlinearity, nonlinearities
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_MATRIX = "From a kernel to a matrix"
_WAVES = "What a kernel does to a wave"
_SWING = "Silence, rhythm, chaos"


def _build(dilation: int, leak: float, phi: Nonlinearity) -> Version:
    return Version(
        homework="convolution",
        chapter="book/vision/convolution_as_connectivity",
        title="A convolution with gaps, on a ring",
        statement=(
            "The units of a network stand on a ring of $n$ pixels: after pixel $n - 1$ comes pixel "
            "0 again. Each pixel has $C$ channels. The unit at pixel $x$ of channel $o$ hears\n\n"
            rf"$$ (W * r)_{{o,x}} = \sum_{{c=0}}^{{C-1}} \sum_{{j=0}}^{{k-1}} w_{{o,c,j}}\; "
            rf"r_{{c,\; x + {dilation}\,(j - h)}}, \qquad h = \frac{{k-1}}{{2}} , $$"
            "\n\nwith pixels counted around the ring. So the kernel has gaps: it looks at every "
            f"pixel that is a multiple of {dilation} away, up to ${dilation}\\,h$ on both sides. "
            "`kernel` is $w$, of shape ($C$, $C$, $k$) with an odd $k$. With the matrix $W$ of "
            "this convolution, a gain $g$ and the time constant "
            r"$\tau$ in ms (in the code `tau`) the rates follow"
            "\n\n"
            rf"$$ \tau\, \dot r = -{leak:g}\,r + \phi(g\, W r), \qquad \phi(v) = {phi.formula} . $$"
            "\n\nAll arrays are NumPy arrays."
        ),
        common=f"def phi(v):\n    return {phi.code}\n",
        parts=(
            _matrix(repr(dilation)),
            _wave(repr(dilation)),
            _swing(repr(leak), repr(phi.slope)),
        ),
    )


def _matrix(d: str) -> Part:
    def written(heard: str, weights: str = "kernel[:, :, j]", skip: str = "") -> str:
        return (
            "channels, _, k = kernel.shape\n"
            "W = np.zeros((channels, size, channels, size))\n"
            "for x in range(size):\n"
            "    for j in range(k):\n"
            f"        heard = {heard}\n"
            f"{skip}"
            f"        W[:, x, :, heard % size] += {weights}\n"
            "return W.reshape(channels * size, channels * size)"
        )

    right = f"x + {d} * (j - k // 2)"
    return Part(
        name="a",
        title="The matrix",
        points=3,
        task=(
            "Return $W$ as an array of shape ($Cn$, $Cn$), with a row for each unit that listens "
            "and a column for each unit that is heard. The units are in the order of the "
            "chapter: first all pixels of channel 0, then all of channel 1, and so on. `size` is "
            "$n$."
        ),
        function="matrix",
        arguments=("kernel", "size"),
        describes="Return the connectivity of the ring, of shape (C n, C n).",
        body=written(right),
        another=(
            "k = kernel.shape[-1]\n"
            "return sum(\n"
            "    np.kron(\n"
            "        kernel[:, :, j],\n"
            f"        np.roll(np.eye(size), {d} * (j - (k - 1) // 2), axis=1),\n"
            "    )\n"
            "    for j in range(k)\n"
            ")"
        ),
        mistakes=(
            Mistake(
                "the kernel turned around",
                written(f"x - {d} * (j - k // 2)"),
                "Which weight belongs to the pixel on the right? Mathematicians and libraries "
                "differ here.",
                _MATRIX,
            ),
            Mistake(
                "no gaps",
                written("x + j - k // 2"),
                "How far from each other are two pixels that a unit hears?",
                _MATRIX,
            ),
            Mistake(
                "zero padding",
                written(right, skip="        if not 0 <= heard < size:\n            continue\n"),
                "A ring has no edge. What does the unit at pixel 0 hear on its left?",
                _MATRIX,
            ),
            Mistake(
                "not centred",
                written(f"x + {d} * j"),
                "A unit looks to both sides. Where is the middle of the kernel?",
                _MATRIX,
            ),
            Mistake(
                "channels exchanged",
                written(right, weights="kernel[:, :, j].T"),
                "Which axis of the kernel belongs to the channel that listens?",
                _MATRIX,
            ),
            Mistake(
                "pixel by pixel",
                written(right).replace(
                    "return W.reshape", "return W.transpose(1, 0, 3, 2).reshape"
                ),
                "Your weights are right. In which order do the units stand?",
                _MATRIX,
            ),
            Mistake(
                "rows and columns exchanged",
                written(right) + ".T",
                "Does a row belong to a unit that listens, or to one that is heard?",
                _MATRIX,
            ),
        ),
        cases=_rings,
        example=(np.array([[[1.0, 2.0, 3.0]]]), 5),
    )


def _wave(d: str) -> Part:
    def transform(angle: str, weights: str = "kernel", sign: str = "") -> str:
        return (
            "j = np.arange(kernel.shape[-1])\n"
            "h = len(j) // 2\n"
            f"return {weights} @ np.exp({sign}1j * {angle})"
        )

    right = f"2 * np.pi * frequency * {d} * (j - h)"
    return Part(
        name="b",
        title="What happens to a wave",
        points=3,
        task=(
            "A wave has the rates $r_{c,x} = v_c\\, e^{2\\pi i f x}$: one complex amplitude $v_c$ "
            "for each channel, and `frequency` $f$ in whole waves per pixel, such that the wave "
            "closes around the ring. It leaves the convolution as a wave with other amplitudes, "
            "$M v$. Return the matrix $M$ as a complex array of shape ($C$, $C$)."
        ),
        function="wave_matrix",
        arguments=("kernel", "frequency"),
        describes="Return the matrix by which the amplitudes of a wave change, (C, C).",
        body=transform(right),
        another=(
            "channels, _, k = kernel.shape\n"
            "M = np.zeros((channels, channels), dtype=complex)\n"
            "for j in range(k):\n"
            f"    angle = 2 * np.pi * frequency * {d} * (j - (k - 1) / 2)\n"
            "    M += kernel[..., j] * (np.cos(angle) + 1j * np.sin(angle))\n"
            "return M"
        ),
        mistakes=(
            Mistake(
                "the neighbour next door",
                transform("2 * np.pi * frequency * (j - h)"),
                "By which angle does the wave turn from one pixel that is heard to the next one?",
                _WAVES,
            ),
            Mistake(
                "frequency in radians",
                transform(f"frequency * {d} * (j - h)"),
                "The frequency counts whole waves per pixel. How large is the angle of one wave?",
                _WAVES,
            ),
            Mistake(
                "seen from the left end",
                transform(f"2 * np.pi * frequency * {d} * j"),
                "The unit stands in the middle of its kernel. Which weight needs no turn?",
                _WAVES,
            ),
            Mistake(
                "the other direction",
                transform(right, sign="-"),
                "Put the wave into the convolution: what stands at a pixel further on?",
                _WAVES,
            ),
            Mistake(
                "the flat wave",
                "return kernel.sum(axis=-1) + 0j * frequency",
                "This is right for the frequency 0 only.",
                _WAVES,
            ),
            Mistake(
                "channels exchanged",
                transform(right, weights="kernel.transpose(1, 0, 2)"),
                "Which axis of the kernel belongs to the channel that listens?",
                _MATRIX,
            ),
            Mistake(
                "the gain of each pair of channels",
                transform(right).replace("return ", "return np.abs(") + ")",
                "A wave can also be shifted. A size alone does not hold that.",
                _WAVES,
            ),
        ),
        cases=_wave_cases,
        example=(np.array([[[1.0, 2.0, 3.0]]]), 1 / (4 * int(d))),
    )


def _swing(a: str, k: str) -> Part:
    def ends(gain: str, period: str, leader: str = "values.real.argmax()") -> str:
        return (
            f"values = np.linalg.eigvals(W)\nleader = values[{leader}]\n"
            f"gain = {gain}\nperiod = {period}\nreturn np.array([gain, period])"
        )

    gain = f"{a} / ({k} * leader.real)"
    period = f"2 * np.pi * tau / ({k} * gain * abs(leader.imag))"
    return Part(
        name="c",
        title="The first swing",
        points=4,
        task=(
            "`W` is a square matrix (of this or any other network) whose rightmost eigenvalues "
            "are a complex pair with a positive real part. The gain rises from 0. At which gain "
            "does silence, $r = 0$, end? And how many ms does one turn of the swing take that "
            "begins there? Return both, in this order, as an array of shape (2,)."
        ),
        function="first_swing",
        arguments=("W", "tau"),
        describes="Return the gain at which silence ends, and the period there in ms.",
        body=ends(gain, period),
        another=(
            "pairs = sorted((value.real, abs(value.imag)) for value in np.linalg.eigvals(W.T))\n"
            "real, imag = pairs[-1]\n"
            f"return {a} / real / {k}, 2 * np.pi * tau * real / imag / {a}"
        ),
        mistakes=(
            Mistake(
                "the leak of the chapter",
                ends(f"1 / ({k} * leader.real)", period),
                "Read the equation once more: is its leak the one that you know?",
                _SWING,
            ),
            Mistake(
                "the slope forgotten",
                ends(f"{a} / leader.real", "2 * np.pi * tau / (gain * abs(leader.imag))"),
                "Near silence phi is a line, but which one? What is its slope?",
                _SWING,
            ),
            Mistake(
                "the largest modulus",
                ends(
                    gain.replace("leader.real", "abs(leader.real)"), period, "abs(values).argmax()"
                ).replace("abs(leader.imag)", "max(abs(leader.imag), 1e-9)"),
                "That one leads when you multiply with W again and again. Which one leads here?",
                _SWING,
            ),
            Mistake(
                "an angle in place of a turn",
                ends(gain, period.replace("2 * np.pi * ", "")),
                "The imaginary part is an angle per time. How large is the angle of one turn?",
                _SWING,
            ),
            Mistake(
                "real and imaginary part exchanged",
                ends(
                    f"{a} / ({k} * abs(leader.imag))",
                    f"2 * np.pi * tau / ({k} * gain * leader.real)",
                ),
                "One part says whether a mode grows, the other how fast it turns. Which is which?",
                _SWING,
            ),
            Mistake(
                "the period at gain one",
                ends(gain, f"2 * np.pi * tau / ({k} * abs(leader.imag))"),
                "At which gain does the swing begin? The period was asked for there.",
                _SWING,
            ),
        ),
        cases=_matrices,
        example=(np.array([[1.0, -2.0], [2.0, 1.0]]), 10.0),
    )


def _rings(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for channels, k, extra in ((2, 3, 2), (3, 3, 5), (2, 5, 3), (3, 5, 4)):
        size = 4 * (k - 1) + draw.integer(extra, extra + 3)  # larger than any dilation needs
        found.append((draw.normal(channels, channels, k).numpy(), size))
    return found


def _wave_cases(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for channels, k in ((2, 3), (3, 5), (2, 7), (4, 3)):
        n = draw.integer(29, 41)  # pixels
        waves = draw.integer(2, 6)
        found.append((draw.normal(channels, channels, k).numpy(), waves / n))
    return found


def _matrices(draw: Draw) -> list[tuple[Any, ...]]:
    """Matrices with a known spectrum: a pair leads, a negative eigenvalue is the largest."""
    found = []
    for n in (3, 4, 6, 9):
        real, imag = draw.uniform(0.8, 1.6), draw.uniform(0.7, 2)
        spectrum = np.diag([real, real, -5.0, *(draw.uniform(-0.6, 0.6) for _ in range(n - 3))])
        spectrum[0, 1], spectrum[1, 0] = -imag, imag
        basis = np.linalg.qr(draw.normal(n, n).numpy())[0] + 0.1 * np.eye(n)
        found.append((basis @ spectrum @ np.linalg.inv(basis), draw.uniform(5, 40)))
    return found


HOMEWORK = Homework(
    name="convolution",
    settings={
        "dilation": (2, 3, 4),
        "leak": (0.5, 1.5, 2.0),
        "phi": nonlinearities((0.5, 1.5, 2.0)),
    },
    build=_build,
)
