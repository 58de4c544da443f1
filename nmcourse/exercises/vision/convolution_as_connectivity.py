"""Exercises of the chapter "A convolution is a connectivity matrix"."""

from __future__ import annotations

import cmath
import math

import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision import convolution_as_connectivity_answers as functions

_CHAPTER = "book/vision/convolution_as_connectivity"
_MATRIX = "From a kernel to a matrix"
_WAVES = "What a kernel does to a wave"
_ARNOLDI = "Keep every direction"


EXERCISES = (
    Exercise(
        id="conv-1",
        label="ex-conv-connections",
        chapter=_CHAPTER,
        title="How many connections?",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=15,
        function="connections",
        arguments=("channels", "kernel", "size"),
        reference=functions.connections,
        cases=functions.areas,
        example=(1, 3, 3),
        wrong=(
            Wrong(
                "no border",
                lambda channels, kernel, size: (channels * kernel * size) ** 2,
                "A unit at the border hears fewer pixels: part of its kernel lies outside.",
                _MATRIX,
            ),
            Wrong(
                "the weights of the kernel",
                lambda channels, kernel, size: channels**2 * kernel**2 + 0 * size,
                "These are the numbers that are learned. Each of them stands in many places.",
                _MATRIX,
            ),
            Wrong(
                "every unit with every unit",
                lambda channels, kernel, size: (channels * size**2) ** 2 + 0 * kernel,
                "That is the size of the matrix. Most of its entries are zero.",
                _MATRIX,
            ),
            Wrong(
                "one channel",
                lambda channels, kernel, size: (
                    functions.connections(1, kernel, size) + 0 * channels
                ),
                "A unit hears its square of pixels in every channel.",
                _MATRIX,
            ),
            Wrong(
                "channels once",
                lambda channels, kernel, size: channels * functions.connections(1, kernel, size),
                "There are as many channels that listen as there are to be heard.",
                _MATRIX,
            ),
            Wrong(
                "the inner pixels only",
                lambda channels, kernel, size: (channels * kernel * (size - kernel + 1)) ** 2,
                "Units at the border have connections too, only fewer.",
                _MATRIX,
            ),
            Wrong(
                "one end of a line",
                lambda channels, kernel, size: (
                    channels**2 * (size * kernel - (kernel**2 - 1) / 8) ** 2
                ),
                "A line has two ends, and places lack partners at both.",
                _MATRIX,
            ),
            Wrong(
                "the same loss at the edge for all kernels",
                lambda channels, kernel, size: channels**2 * (size * kernel - (kernel - 1)) ** 2,
                "The outermost place lacks h partners, the next one h - 1, and so on.",
                _MATRIX,
            ),
            Wrong(
                "rows without columns",
                lambda channels, kernel, size: channels**2 * (size * kernel - (kernel**2 - 1) / 4),
                "That is along one side. Pixels differ in their row and in their column.",
                _MATRIX,
            ),
        ),
        another=functions.count,
        rtol=1e-9,
    ),
    Exercise(
        id="conv-2",
        label="ex-conv-wave",
        chapter=_CHAPTER,
        title="The gain of a wave",
        kind="code",
        difficulty=3,
        importance=3,
        minutes=20,
        function="gain_of_wave",
        arguments=("left", "centre", "right", "frequency"),
        reference=functions.gain_of_wave,
        cases=functions.kernels,
        example=(0.5, 1.0, 0.5, 0.5),
        wrong=(
            Wrong(
                "the sum of the weights",
                lambda left, centre, right, frequency: abs(left + centre + right) + 0 * frequency,
                "That is right for the flattest wave of all, with frequency 0.",
                _WAVES,
            ),
            Wrong(
                "a symmetric kernel",
                lambda left, centre, right, frequency: abs(
                    centre + (left + right) * math.cos(2 * math.pi * frequency)
                ),
                "A kernel with different sides also shifts the wave. Its complex number has a "
                "second part.",
                _WAVES,
            ),
            Wrong(
                "the real part",
                lambda left, centre, right, frequency: (
                    centre + (left + right) * math.cos(2 * math.pi * frequency)
                ),
                "A gain is a length. A complex number has a real part, another part, and a length.",
                _WAVES,
            ),
            Wrong(
                "frequency in radians",
                lambda left, centre, right, frequency: functions.gain_of_wave(
                    left, centre, right, frequency / (2 * math.pi)
                ),
                "The frequency counts whole waves per pixel. How large is the angle from one pixel "
                "to the next?",
                _WAVES,
            ),
            Wrong(
                "sides added twice",
                lambda left, centre, right, frequency: math.hypot(
                    centre + (left + right) * math.cos(2 * math.pi * frequency),
                    (right + left) * math.sin(2 * math.pi * frequency),
                ),
                "The neighbours on the two sides turn in opposite directions.",
                _WAVES,
            ),
            Wrong(
                "the square of the gain",
                lambda left, centre, right, frequency: (
                    functions.gain_of_wave(left, centre, right, frequency) ** 2
                ),
                "This is the power of the wave. Asked for is its size.",
                _WAVES,
            ),
            Wrong(
                "the complex number itself",
                lambda left, centre, right, frequency: (
                    centre
                    + left * cmath.exp(-2j * math.pi * frequency)
                    + right * cmath.exp(2j * math.pi * frequency)
                ),
                "This number also says how far the wave is shifted. Asked for is its size.",
                _WAVES,
            ),
            Wrong(
                "half a turn for a wave",
                lambda left, centre, right, frequency: functions.gain_of_wave(
                    left, centre, right, frequency / 2
                ),
                "One whole wave is one whole turn. How many radians is that?",
                _WAVES,
            ),
        ),
        another=functions.gain_by_complex_numbers,
    ),
    Exercise(
        id="conv-3",
        label="ex-conv-scale",
        chapter=_CHAPTER,
        title="A ReLU has no favourite size",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or an example with numbers only.",
            "The ReLU of a scaled current is the scaled ReLU, so the scaled course is a solution.",
            "In addition why no course can settle on a rhythm of one certain size.",
            "In addition what a constant bias sets, and why the gain at which activity explodes "
            "does not depend on it.",
        ),
    ),
    Exercise(
        id="conv-4",
        label="ex-conv-leak",
        chapter=_CHAPTER,
        title="How far to trust a Ritz value",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="leak",
        arguments=("hessenberg",),
        reference=functions.leak,
        cases=functions.hessenbergs,
        example=(torch.tensor([[3.0, 1.0], [1.0, 3.0], [0.0, 2.0]], dtype=torch.float64),),
        wrong=(
            Wrong(
                "the last entry alone",
                lambda hessenberg: hessenberg[-1, -1].abs(),
                "That bounds the residuals of all Ritz vectors. Those that hardly use the last "
                "direction leak less.",
                _ARNOLDI,
            ),
            Wrong(
                "the first direction",
                lambda hessenberg: functions.some_leak(hessenberg, 0),
                "Which of the m directions is mapped out of the space?",
                _ARNOLDI,
            ),
            Wrong(
                "the smallest Ritz value",
                lambda hessenberg: functions.some_leak(hessenberg, -1, smallest=True),
                "Small Ritz values lie inside the spectrum. Asked for is the leader.",
                _ARNOLDI,
            ),
            Wrong(
                "the smallest residual",
                lambda hessenberg: functions.all_leaks(hessenberg).min(),
                "That is the Ritz vector that leaks least. Asked for is that of the leader.",
                _ARNOLDI,
            ),
            Wrong(
                "the largest residual",
                lambda hessenberg: functions.all_leaks(hessenberg).max(),
                "That is the Ritz vector that leaks most. Asked for is that of the leader.",
                _ARNOLDI,
            ),
            Wrong(
                "the first eigenvalue, whatever it is",
                lambda hessenberg: functions.all_leaks(hessenberg)[0],
                "`eig` does not sort its eigenvalues. Look for the one with the largest modulus.",
                _ARNOLDI,
            ),
            Wrong(
                "the last eigenvalue, whatever it is",
                lambda hessenberg: functions.all_leaks(hessenberg)[-1],
                "`eig` does not sort its eigenvalues, so the last one is not the largest.",
                _ARNOLDI,
            ),
            Wrong(
                "the largest real part",
                functions.leak_of_largest_real_part,
                "What leads a power iteration is the largest modulus. It may lie on the left.",
                _ARNOLDI,
            ),
            Wrong(
                "without the last entry",
                lambda hessenberg: (
                    functions.some_leak(hessenberg, -1) / hessenberg[-1, -1].abs().clamp(min=1e-12)
                ),
                "How strongly is the last direction mapped out of the space?",
                _ARNOLDI,
            ),
            Wrong(
                "rows in place of columns",
                functions.leak_of_a_row,
                "Eigenvectors are the columns of the matrix that `eig` returns, not its rows.",
                _ARNOLDI,
            ),
            Wrong(
                "a number with a sign",
                functions.leak_with_a_sign,
                "A residual is a length: never negative, never complex.",
                _ARNOLDI,
            ),
            Wrong(
                "the real part in place of the size",
                functions.leak_of_the_real_part,
                "The entries of an eigenvector may be complex. What is the size of such a number?",
                _ARNOLDI,
            ),
        ),
        another=functions.leak_in_full,
    ),
    Exercise(
        id="conv-5",
        label="ex-conv-basis",
        chapter=_CHAPTER,
        title="Are these the ten?",
        kind="experiment",
        difficulty=3,
        importance=3,
        minutes=20,
        rubric=(
            "One call, and its values are taken for the ten largest.",
            "Several sizes of the basis are compared; differences are reported without a reason.",
            "In addition the residuals, and why small ones do not say that none is missing.",
            "In addition a way to make sure: a larger basis, another start, or more values than "
            "are needed, with its cost.",
        ),
    ),
)
