r"""Eigenvalues and singular values by multiplying again and again, written out.

    power iteration    v <- W v / |W v|               finds one direction, if one leads alone
    with a block       V <- orthonormal(W V)          two columns hold a complex pair as well
    Arnoldi            W Q_m = Q_{m+1} H_m            keeps all directions q_1 .. q_m on the way
    Golub-Kahan        W V_m = U_m B_m                the same for singular values

Arnoldi iteration builds an orthonormal basis Q_m of the Krylov space, which q, W q, ..,
W^{m-1} q span. Its projection of W is the small Hessenberg matrix H_m; the eigenvalues of that,
the Ritz values, approach those eigenvalues of W that lie at the edge of its spectrum first.

The released code lets thousands of QR sweeps H <- R Q follow. They are similarity transforms: they
leave the Ritz values where they are, and so ``arnoldi`` makes none (``qr_sweeps`` shows it).

Reference:
    Chapter "A convolution is a connectivity matrix"; Soo et al. 2024, released code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator
from torch import Tensor

from nmcourse._inputs import check_generator, count, counts
from nmcourse.analysis._checks import check_finite
from nmcourse.analysis.vision.convolution_operator import (
    PartialSVD,
    as_operator,
    make_partial_svd,
    random_vector,
)

NOTHING = 1e-12  # what rounding leaves of a vector that lies in the space already, relative


@dataclass(frozen=True)
class KrylovBasis:
    """Result of :func:`arnoldi`: W Q_m = Q_{m+1} H_m.

    Attributes:
        basis: columns q, orthonormal, (size, m + 1), or (size, m) if the space was used up.
        hessenberg: H_m, zero below its first subdiagonal, (m + 1, m).
    """

    basis: Tensor
    hessenberg: Tensor

    @property
    def n_steps(self) -> int:
        """Steps m that were made."""
        return self.hessenberg.shape[1]


@dataclass(frozen=True)
class RitzValues:
    """Result of :func:`ritz_values`.

    Attributes:
        values: eigenvalues of the square part of H_m, largest modulus first, (m,), complex.
        residuals: length of W v - theta v for the Ritz vector v of length 1, (m,); it comes from
            H_m alone, without a product with W.
    """

    values: Tensor
    residuals: Tensor


@dataclass(frozen=True)
class PowerIteration:
    """Result of :func:`power_iteration`.

    Attributes:
        values: estimate of the leading eigenvalue at each step, (step,), complex.
        residuals: length of W v - lambda v at each step, (step,).
        vector: estimate of its eigenvector after the last step, length 1, (size,), complex.
        basis: the last block, orthonormal columns, (size, n_vectors).
    """

    values: Tensor
    residuals: Tensor
    vector: Tensor
    basis: Tensor


def arnoldi(
    matrix: Any,
    n_steps: int,
    *,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> KrylovBasis:
    """Arnoldi iteration with modified Gram-Schmidt.

    It ends early if W maps the space that it has found into itself. An eigenvalue that W has
    several times is found once: one start has one direction in each of its spaces.

    Args:
        matrix: ConvolutionOperator, any SciPy linear operator, array or tensor, (size, size), real.
        n_steps: m, at most size.
        start: q_1 up to its length, (size,); None draws one.
        generator: source of the first vector.

    Returns:
        Basis and Hessenberg matrix.

    Raises:
        ValueError: for an argument out of range, or a start of zeros.

    Reference:
        Chapter "A convolution is a connectivity matrix".
    """
    operator = as_operator(matrix, square=True)
    size = operator.shape[0]
    n_steps = count("n_steps", n_steps)
    if n_steps > size:
        raise ValueError(f"n_steps must be at most the size {size}, got {n_steps}")
    basis = np.zeros((n_steps + 1, size))  # vectors as rows: each lies in one piece of memory
    hessenberg = np.zeros((n_steps + 1, n_steps))
    basis[0] = _first(start, size, generator)
    for step in range(n_steps):
        w = operator @ basis[step]
        scale = np.linalg.norm(w)
        w = _orthogonalise(w, basis[: step + 1], hessenberg[: step + 1, step])
        left = np.linalg.norm(w)
        if left <= NOTHING * scale:
            done = step + 1
            return _krylov(basis[:done], hessenberg[: done + 1, :done])
        hessenberg[step + 1, step] = left
        basis[step + 1] = w / left
    return _krylov(basis, hessenberg)


def _krylov(rows: np.ndarray, hessenberg: np.ndarray) -> KrylovBasis:
    return KrylovBasis(torch.from_numpy(rows.T.copy()), torch.from_numpy(hessenberg.copy()))


def _orthogonalise(w: np.ndarray, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What is left of w beside orthonormal rows; adds what was taken out to ``shares``.

    The second pass takes out what rounding has left behind in the first.
    """
    for _ in range(2):
        for i, q in enumerate(rows):
            share = q @ w
            shares[i] += share
            w = w - share * q
    return w


def _first(start: Tensor | None, size: int, generator: torch.Generator | None) -> np.ndarray:
    """A vector of length 1."""
    if start is None:
        vector = random_vector(size, generator)
    else:
        if tuple(start.shape) != (size,):
            raise ValueError(f"start must have shape ({size},), got {tuple(start.shape)}")
        check_finite("start", start)
        vector = start.detach().double().cpu().numpy()
    length = np.linalg.norm(vector)
    if not length > 0:
        raise ValueError("start must not be zero")
    return vector / length


def ritz_values(krylov: KrylovBasis, n_steps: int | None = None) -> RitzValues:
    """Eigenvalues of the small matrix H_m: estimates of the extreme eigenvalues of W.

    Args:
        krylov: result of :func:`arnoldi`.
        n_steps: use the first so many steps only; None means all of them.

    Returns:
        Ritz values with their residuals.

    Raises:
        ValueError: for more steps than there are.

    Reference:
        Chapter "A convolution is a connectivity matrix".
    """
    m = krylov.n_steps if n_steps is None else count("n_steps", n_steps)
    if m > krylov.n_steps:
        raise ValueError(f"n_steps must be at most {krylov.n_steps}, got {m}")
    values, vectors = torch.linalg.eig(krylov.hessenberg[:m, :m])
    order = values.abs().argsort(descending=True, stable=True)
    # W Q y = theta Q y + h y_m q_{m+1}, and q_{m+1} is orthogonal to everything before it.
    leak = krylov.hessenberg[m, m - 1].abs() * vectors[-1].abs()
    return RitzValues(values[order], leak[order])


def power_iteration(
    matrix: Any,
    n_steps: int,
    *,
    n_vectors: int = 1,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> PowerIteration:
    """Power iteration with one real vector, or with a block of orthonormal ones.

    One vector converges if the eigenvalue of largest modulus is real and stands alone. A complex
    pair turns every real vector in a plane for ever. Two vectors can hold this plane: the
    eigenvalues of the small matrix V^T W V are then the pair.

    Args:
        matrix: ConvolutionOperator, any SciPy linear operator, array or tensor, (size, size), real.
        n_steps: products with W.
        n_vectors: columns of the block; 2 is enough for one pair.
        start: (size, n_vectors), or (size,) for one; None draws it.
        generator: source of the first block.

    Returns:
        The leading eigenvalue after each step, and its eigenvector at the end.

    Raises:
        ValueError: for an argument out of range, or a start whose columns depend on each other.

    Reference:
        Chapter "A convolution is a connectivity matrix"; Soo et al. 2024, released code (one
        vector).
    """
    operator = as_operator(matrix, square=True)
    size = operator.shape[0]
    n_steps, n_vectors = counts(n_steps=n_steps, n_vectors=n_vectors)
    if n_vectors > size:
        raise ValueError(f"n_vectors must be at most the size {size}, got {n_vectors}")
    block = _first_block(start, size, n_vectors, generator)
    values, errors = np.empty(n_steps, dtype=np.complex128), np.empty(n_steps)
    for step in range(n_steps):
        moved = operator @ block
        small, y = np.linalg.eig(block.T @ moved)
        lead = np.argmax(np.abs(small))
        values[step] = small[lead]
        errors[step] = np.linalg.norm((moved - small[lead] * block) @ y[:, lead])
        if step < n_steps - 1:
            block = np.linalg.qr(moved)[0]
    vector = torch.from_numpy(block @ y[:, lead]).to(torch.complex128)
    return PowerIteration(
        torch.from_numpy(values), torch.from_numpy(errors), vector, torch.from_numpy(block)
    )


def _first_block(
    start: Tensor | None, size: int, n_vectors: int, generator: torch.Generator | None
) -> np.ndarray:
    """Orthonormal columns."""
    check_generator(generator)
    if start is None:
        block = torch.randn(size, n_vectors, dtype=torch.float64, generator=generator).numpy()
    else:
        if start.numel() != size * n_vectors or start.shape[0] != size:
            raise ValueError(f"start must be ({size}, {n_vectors}), got {tuple(start.shape)}")
        check_finite("start", start)
        block = start.detach().double().cpu().reshape(size, n_vectors).numpy()
        if np.linalg.matrix_rank(block) < n_vectors:
            raise ValueError("start must have independent columns other than zero")
    return np.linalg.qr(block)[0]


def partial_svd(
    matrix: Any,
    n: int,
    *,
    n_steps: int | None = None,
    generator: torch.Generator | None = None,
) -> PartialSVD:
    """Leading singular values and vectors by Golub-Kahan bidiagonalisation, written out.

    From v_1 on, u_j is what is new in W v_j and v_{j+1} what is new in W^T u_j. In these two
    bases W is bidiagonal, and small. No restarts: the residuals tell whether ``n_steps`` was
    enough. A value that W has several times is found once, since one start has one direction in
    each of its spaces; a 1x1 convolution therefore gives fewer values than were asked for.

    Args:
        matrix: ConvolutionOperator, any SciPy linear operator, array or tensor, (out, in), real.
        n: how many, at most the smaller side.
        n_steps: from n to the smaller side; None: 4 n + 20, at most that.
        generator: source of the first vector.

    Returns:
        Values, vectors and residuals, n of them or as many as were found.

    Raises:
        ValueError: for an argument out of range.

    Reference:
        Chapter "A convolution is a connectivity matrix".
    """
    operator = as_operator(matrix)
    smaller = min(operator.shape)
    n = count("n", n)
    n_steps = min(4 * n + 20, smaller) if n_steps is None else count("n_steps", n_steps)
    if not n <= n_steps <= smaller:
        raise ValueError(f"n_steps must be from n = {n} to {smaller}, got {n_steps}")
    wide = operator.shape[0] < operator.shape[1]
    tall = operator.T if wide else operator
    u, v, small = _bidiagonalise(tall, n_steps, random_vector(smaller, generator))
    y, values, z = np.linalg.svd(small)
    left, right = u.T @ y[:, :n], v.T @ z[:n].T
    if wide:
        left, right = right, left
    return make_partial_svd(operator, left, values[:n], right)


def _bidiagonalise(
    tall: LinearOperator, n_steps: int, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows u and v, orthonormal, and the small matrix B with tall V = U B.

    Starting on the smaller side: there, a matrix has no directions that it cannot see at all.
    """
    left, right = np.zeros((n_steps, tall.shape[0])), np.zeros((n_steps, tall.shape[1]))
    small = np.zeros((n_steps, n_steps))
    v = start / np.linalg.norm(start)
    for step in range(n_steps):
        right[step] = v
        u = _orthogonalise(tall @ v, left[:step], small[:step, step])
        small[step, step] = np.linalg.norm(u)
        if small[step, step] > NOTHING * small.max():
            left[step] = u / small[step, step]
        w = _orthogonalise(tall.T @ left[step], right[: step + 1], np.zeros(step + 1))
        length = np.linalg.norm(w)
        if length <= NOTHING * small.max():
            done = step + 1
            return left[:done], right[:done], small[:done, :done]
        v = w / length
    return left, right, small


def qr_sweeps(hessenberg: Tensor, n_sweeps: int) -> Tensor:
    """QR sweeps without shifts, as the released code makes them: H <- R Q.

    Args:
        hessenberg: (m, m).
        n_sweeps: how many.

    Returns:
        (m, m), similar to what came in.

    Raises:
        ValueError: for a number of sweeps that is none.
    """
    for _ in range(count("n_sweeps", n_sweeps)):
        q, r = torch.linalg.qr(hessenberg)
        hessenberg = r @ q
    return hessenberg


def distance_to_nearest(ours: Tensor, theirs: Tensor) -> Tensor:
    """Distance of each of ``ours`` (n,) from the nearest of ``theirs`` (m,): (n,)."""
    return (ours.unsqueeze(1) - theirs).abs().min(dim=1).values
