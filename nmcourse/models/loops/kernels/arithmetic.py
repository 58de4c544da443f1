"""What the loops are made of: nonlinearities, products and sums that Numba compiles.

All arrays have two axes, (trial, unit), unless a text says otherwise. Loops run over the entries:
to compile ``out[i] = x[i]`` or ``out += a`` for whole arrays takes seconds.

What changes an array in place names it once. Given the same array twice, as what is read and as
what is written, the compiler would have to fear that they overlap, and would treat one number at a
time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

Array = NDArray[Any]

TANH, SIGMOID, RELU, IDENTITY = range(4)

# Sums may be taken in any order, so that the processor adds eight or sixteen numbers at a time.
# What is not a number stays one: training has to see that it diverged.
ANY_ORDER = {"reassoc", "contract", "arcp", "nsz"}

# tanh(x) = x P(x^2) / Q(x^2) to the last digits of single precision; +-1 beyond the limit. (The
# coefficients are those of Eigen, MPL 2.0.) Unlike a call of the C library, it is arithmetic only.
_P = tuple(
    np.float32(c)
    for c in (
        *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11),
        *(5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04),
        4.89352455891786e-03,
    )
)
_Q = tuple(
    np.float32(c)
    for c in (
        1.19825839466702e-06,
        1.18534705686654e-04,
        2.26843463243900e-03,
        4.89352518554385e-03,
    )
)
_LIMIT = np.float32(7.90531110763549805)


def compiled(function: Callable[..., Any], *, inline: bool = False) -> Any:
    """``function`` compiled at its first call, and kept on disk where that is possible.

    Args:
        function: what is compiled.
        inline: whether to copy it to where it is called: for what is called for every row.
    """
    options: Any = {"nogil": True, "error_model": "numpy", "fastmath": ANY_ORDER}
    options["forceinline"] = inline
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no folder to write to: compiled once in each process
        return numba.njit(function, **options)


def of_a_row(function: Callable[..., Any]) -> Any:
    """``function``, small and called for every row, compiled into what calls it."""
    return compiled(function, inline=True)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent of one number, in its own precision; in compiled functions only."""
    raise NotImplementedError


@overload(tanh, jit_options={"fastmath": ANY_ORDER})
def _tanh(x: Any) -> Any:
    def double(x: Any) -> Any:
        return math.tanh(x)

    def single(x: Any) -> Any:
        x = _LIMIT if x > _LIMIT else x
        x = -_LIMIT if x < -_LIMIT else x
        s, p, q = x * x, _P[0], _Q[0]
        p = ((((((p * s + _P[1]) * s + _P[2]) * s + _P[3]) * s + _P[4]) * s + _P[5]) * s) + _P[6]
        q = ((q * s + _Q[1]) * s + _Q[2]) * s + _Q[3]
        return x * p / q

    return single if x == types.float32 else double


@compiled
def sigmoid(half: float, x: float) -> float:
    """Give 1 / (1 + exp(-x)) of one number; ``half`` is 1/2 in the precision of x."""
    return half + half * tanh(half * x)


@of_a_row
def flat(a: Array) -> Array:
    """All entries in one row, so that no few are left over at the end of each."""
    return a.reshape(a.size)


@compiled
def apply(phi: int, x: Array, out: Array) -> None:
    """Give out = phi(x)."""
    zero, half = x.dtype.type(0), x.dtype.type(0.5)
    x, out = flat(x), flat(out)
    if phi == TANH:
        for n in range(x.size):
            out[n] = tanh(x[n])
    elif phi == SIGMOID:
        for n in range(x.size):
            out[n] = sigmoid(half, x[n])
    elif phi == RELU:
        for n in range(x.size):
            out[n] = zero if x[n] < zero else x[n]
    else:
        for n in range(x.size):
            out[n] = x[n]


@compiled
def times_slope(phi: int, r: Array, grad: Array) -> None:
    """Give grad = grad * phi'(x), where r = phi(x)."""
    zero, one = r.dtype.type(0), r.dtype.type(1)
    r, grad = flat(r), flat(grad)
    if phi == TANH:
        for n in range(r.size):
            grad[n] *= one - r[n] * r[n]
    elif phi == SIGMOID:
        for n in range(r.size):
            grad[n] *= r[n] * (one - r[n])
    elif phi == RELU:
        for n in range(r.size):
            grad[n] *= one if r[n] > zero else zero


@of_a_row
def dot(a: Array, b: Array) -> Any:
    """The sum of a * b for vectors."""
    found = a.dtype.type(0)
    for n in range(a.shape[0]):
        found += a[n] * b[n]
    return found


@of_a_row
def sum_of(a: Array) -> Any:
    """The sum of a vector."""
    found = a.dtype.type(0)
    for n in range(a.shape[0]):
        found += a[n]
    return found


@of_a_row
def add_scaled_row(scale: float, a: Array, out: Array) -> None:
    """Give out = out + scale * a for vectors."""
    for n in range(a.shape[0]):
        out[n] += scale * a[n]


@compiled
def product(a: Array, b: Array, out: Array) -> None:
    """Give out = a b, the matrix product, by the linear algebra library."""
    np.dot(a, b, out)


@compiled
def multiply(a: Array, b: Array, out: Array) -> None:
    """Give out = a * b, entry by entry; b and out may have more columns than a."""
    for i in range(a.shape[0]):
        for n in range(a.shape[1]):
            out[i, n] = a[i, n] * b[i, n]


@compiled
def total(a: Array, b: Array, out: Array) -> None:
    """Give out = a + b."""
    a, b, out = flat(a), flat(b), flat(out)
    for n in range(a.size):
        out[n] = a[n] + b[n]


@compiled
def add(a: Array, out: Array) -> None:
    """Give out = out + a."""
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] += a[n]


@compiled
def multiply_by(a: Array, out: Array) -> None:
    """Give out = out * a, entry by entry."""
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] *= a[n]


@compiled
def scale_by(factor: float, out: Array) -> None:
    """Give out = factor * out."""
    out = flat(out)
    for n in range(out.size):
        out[n] *= factor


@compiled
def keep_and_add(keep: float, a: Array, out: Array) -> None:
    """Give out = keep * out + a."""
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] = keep * out[n] + a[n]


@compiled
def fill(value: float, out: Array) -> None:
    """Give every entry of ``out`` this value."""
    out = flat(out)
    for n in range(out.size):
        out[n] = value


@compiled
def scaled(factor: float, a: Array, out: Array) -> None:
    """Give out = factor * a."""
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] = factor * a[n]


@compiled
def mix(keep: float, a: Array, alpha: float, b: Array, out: Array) -> None:
    """Give out = keep * a + alpha * b."""
    a, b, out = flat(a), flat(b), flat(out)
    for n in range(a.size):
        out[n] = keep * a[n] + alpha * b[n]


@compiled
def add_scaled(scale: float, a: Array, out: Array) -> None:
    """Give out = out + scale * a."""
    a, out = flat(a), flat(out)
    for n in range(a.size):
        out[n] += scale * a[n]


@compiled
def add_product(a: Array, b: Array, out: Array) -> None:
    """Give out = out + a b."""
    found = np.empty_like(out)
    product(a, b, found)
    add(found, out)


@compiled
def add_sums(a: Array, out: Array) -> None:
    """Give out = out + the sum of a over the trials; ``out`` has one axis."""
    for i in range(a.shape[0]):
        for n in range(a.shape[1]):
            out[n] += a[i, n]


@compiled
def trials_of(job: int, n_parts: int, n_trials: int) -> slice:
    """The trials of a job."""
    part = job % n_parts
    return slice(part * n_trials // n_parts, (part + 1) * n_trials // n_parts)
