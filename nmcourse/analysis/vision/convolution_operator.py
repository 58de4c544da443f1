r"""A convolution as the connectivity matrix that it is.

Activity r (channel, height, width), written as one vector, is multiplied by a matrix with

    W[(o, y, x), (c, y', x')] = weights[o, c, y' - y + k // 2, x' - x + k // 2]

where that entry of the kernel exists, and zero elsewhere. Every unit (o, y, x) hears a square of
k x k pixels of each channel; all units of a channel have the same weights. At the border the
kernel reaches over the edge, where padding puts zeros.

The matrix of a large area cannot be stored (512 channels of 7x7 pixels: 25,088 x 25,088), but it
can be multiplied with: that is the convolution. Eigenvalues and singular values at the edge of
the spectrum need no more.

Reference:
    Chapter "A convolution is a connectivity matrix"; Soo et al. 2024, Fig. 4A and S1A.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, aslinearoperator, eigs, svds
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, counts, whole
from nmcourse.analysis._checks import check_choice, check_finite, check_positive

Edge = Literal["modulus", "real part"]
Side = Literal["left", "right"]


class ConvolutionOperator(LinearOperator):
    """A convolution with stride 1 and padding k // 2, as a SciPy linear operator in float64.

    It maps vectors of in * height * width numbers to vectors of out * height * width, flattened
    from (channel, height, width). ``operator @ r``, ``operator.T @ r``, and everything in
    ``scipy.sparse.linalg`` work with it.

    Args:
        weights: (out, in, k, k), k odd; ``recurrent[i].weights()`` of a CordsNet.
        height: pixels.
        width: pixels.

    Attributes:
        weights: (out, in, k, k), float64, detached.
        map_shape: (in, height, width) of the activity that it takes.

    Raises:
        ValueError: for weights of another shape or not finite, or a size below one.

    Reference:
        Chapter "A convolution is a connectivity matrix".
    """

    def __init__(self, weights: Tensor, height: int, width: int) -> None:
        check_tensor("weights", weights)
        if weights.ndim != 4 or weights.shape[2] != weights.shape[3] or weights.shape[3] % 2 == 0:
            raise ValueError(
                f"weights must have shape (out, in, k, k) with k odd, got {tuple(weights.shape)}"
            )
        check_finite("weights", weights)
        height, width = counts(height=height, width=width)
        n_out, n_in = weights.shape[:2]
        super().__init__(np.dtype(np.float64), (n_out * height * width, n_in * height * width))
        self.weights = weights.detach().double().cpu().clone()
        self.map_shape = (n_in, height, width)
        # The transposed matrix is the convolution with the kernel turned by 180 degrees.
        self._turned = self.weights.flip(-1, -2).transpose(0, 1).contiguous()

    def dense(self) -> Tensor:
        """The matrix itself, (out * height * width, in * height * width)."""
        return torch.from_numpy(self @ np.eye(self.shape[1]))

    def _matmat(self, vectors: np.ndarray) -> np.ndarray:
        return _convolve(self.weights, vectors, self.map_shape)

    def _matvec(self, vector: np.ndarray) -> np.ndarray:
        return self._matmat(vector.reshape(-1, 1))

    def _rmatmat(self, vectors: np.ndarray) -> np.ndarray:
        return _convolve(self._turned, vectors, (len(self.weights), *self.map_shape[1:]))

    def _rmatvec(self, vector: np.ndarray) -> np.ndarray:
        return self._rmatmat(vector.reshape(-1, 1))


def _convolve(weights: Tensor, vectors: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Columns (size, vector) convolved, one image for each column."""
    maps = torch.from_numpy(np.ascontiguousarray(vectors.T, dtype=np.float64))
    padding = weights.shape[-1] // 2
    # In pieces: a convolution in float64 copies every kernel window of the whole batch.
    found = [
        torch.nn.functional.conv2d(some, weights, padding=padding).flatten(1)
        for some in maps.reshape(-1, *shape).split(64)
    ]
    return torch.cat(found).mT.numpy()


@dataclass(frozen=True)
class LeadingEigenvalues:
    """Result of :func:`leading_eigenvalues`.

    Attributes:
        values: the leading one first, (n,), complex.
        vectors: a column for each, of length 1, (size, n), complex.
        residuals: length of W v - lambda v, (n,): how far each pair is from an eigenpair.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor


@dataclass(frozen=True)
class PartialSVD:
    """The leading terms of W = sum_k sigma_k u_k v_k^T.

    Attributes:
        values: sigma, the largest first, (n,).
        left: columns u, orthonormal, (size out, n): the patterns that W writes.
        right: columns v, orthonormal, (size in, n): the patterns that W reads.
        residuals: root of the squared lengths of W v - sigma u and of W^T u - sigma v, (n,).
    """

    values: Tensor
    left: Tensor
    right: Tensor
    residuals: Tensor

    def project(self, states: Tensor, onto: Side = "left") -> Tensor:
        """Coordinates of states along the singular vectors.

        Args:
            states: (.., size), or maps (.., channel, height, width) of as many units.
            onto: ``"left"`` or ``"right"`` vectors.

        Returns:
            (.., n).

        Raises:
            ValueError: for another side, or states of another size.
        """
        check_choice("onto", onto, get_args(Side))
        axes = self.left if onto == "left" else self.right
        flat = states.detach().double()
        if flat.shape[-1] != len(axes) and flat.ndim >= 3:
            flat = flat.flatten(-3)
        if flat.shape[-1] != len(axes):
            raise ValueError(
                f"states must have {len(axes)} units in their last axis or as (channel, height, "
                f"width), got shape {tuple(states.shape)}"
            )
        return flat @ axes


def leading_eigenvalues(
    matrix: Any,
    n: int,
    *,
    by: Edge = "modulus",
    n_basis: int | None = None,
    tolerance: float = 1e-10,
    max_restarts: int = 1000,
    generator: torch.Generator | None = None,
) -> LeadingEigenvalues:
    """The leading eigenvalues of a matrix that can only be multiplied with.

    Arnoldi iteration with implicit restarts (ARPACK). A real matrix has its complex eigenvalues
    in pairs; the last of the n may be half of one. Where eigenvalues lie close together, as at
    the edge of a random spectrum, a small basis can miss one: compare two sizes of it.

    Args:
        matrix: ConvolutionOperator, any SciPy linear operator, array or tensor, (size, size), real.
        n: how many, at most size - 2.
        by: what leads: the largest ``"modulus"`` or the largest ``"real part"``.
        n_basis: vectors kept between restarts, n + 2 to size; None: 2 n + 1, at least 20.
        tolerance: relative accuracy asked for.
        max_restarts: after so many an error is raised.
        generator: source of the first vector.

    Returns:
        Values, vectors and residuals.

    Raises:
        ValueError: for an argument out of range, or too few values found in ``max_restarts``.

    Reference:
        Chapter "A convolution is a connectivity matrix".
    """
    operator = as_operator(matrix, square=True)
    size = operator.shape[0]
    n, max_restarts = counts(n=n, max_restarts=max_restarts)
    check_choice("by", by, get_args(Edge))
    check_positive(tolerance=tolerance)
    if n > size - 2:
        raise ValueError(f"n must be at most size - 2 = {size - 2}, got {n}")
    n_basis = None if n_basis is None else count("n_basis", n_basis)
    if n_basis is not None and not n + 2 <= n_basis <= size:
        raise ValueError(f"n_basis must be from n + 2 = {n + 2} to {size}, got {n_basis}")
    try:
        values, vectors = eigs(
            operator,
            n,
            which="LM" if by == "modulus" else "LR",
            ncv=n_basis,
            tol=tolerance,
            maxiter=max_restarts,
            v0=random_vector(size, generator),
        )
    except ArpackNoConvergence as error:
        raise ValueError(
            f"max_restarts must be larger: {len(error.eigenvalues)} of {n} eigenvalues were found "
            f"in {max_restarts}; or give a larger n_basis"
        ) from error
    order = np.argsort(-(np.abs(values) if by == "modulus" else values.real), kind="stable")
    values, vectors = values[order], vectors[:, order]
    return LeadingEigenvalues(
        *(torch.from_numpy(a) for a in (values, vectors, residuals(operator, values, vectors)))
    )


def leading_singular_values(
    matrix: Any,
    n: int,
    *,
    tolerance: float = 1e-12,
    generator: torch.Generator | None = None,
) -> PartialSVD:
    """The leading singular values and vectors of a matrix that can only be multiplied with.

    Lanczos iteration (ARPACK) on W^T W.

    Args:
        matrix: ConvolutionOperator, any SciPy linear operator, array or tensor, (out, in), real.
        n: how many, less than the smaller side.
        tolerance: relative accuracy asked for.
        generator: source of the first vector.

    Returns:
        Values, vectors and residuals.

    Raises:
        ValueError: for an argument out of range.

    Reference:
        Chapter "A convolution is a connectivity matrix".
    """
    operator = as_operator(matrix)
    n = count("n", n)
    check_positive(tolerance=tolerance)
    smaller = min(operator.shape)
    if n >= smaller:
        raise ValueError(f"n must be less than the smaller side {smaller}, got {n}")
    start = random_vector(smaller, generator)
    left, values, right = svds(operator, n, tol=tolerance, v0=start, solver="arpack")
    order = np.argsort(-values, kind="stable")
    return make_partial_svd(operator, left[:, order], values[order], right[order].T)


def make_partial_svd(
    operator: LinearOperator, left: np.ndarray, values: np.ndarray, right: np.ndarray
) -> PartialSVD:
    """Singular triplets with their residuals."""
    away = operator @ right - left * values
    back = operator.T @ left - right * values
    size = np.hypot(np.linalg.norm(away, axis=0), np.linalg.norm(back, axis=0))
    return PartialSVD(*(torch.from_numpy(a.copy()) for a in (values, left, right, size)))


def residuals(operator: LinearOperator, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Length of W v - lambda v for columns v of length 1."""
    moved = operator @ np.ascontiguousarray(vectors.real)
    if np.iscomplexobj(vectors):
        moved = moved + 1j * (operator @ np.ascontiguousarray(vectors.imag))
    return np.linalg.norm(moved - vectors * values, axis=0)


def as_operator(matrix: Any, *, square: bool = False) -> LinearOperator:
    """A real operator from an operator, an array or a tensor.

    Raises:
        ValueError: for something else, NaN or infinity, or a matrix that must be square and is not.
    """
    if isinstance(matrix, Tensor):
        matrix = matrix.detach().cpu().numpy()
    if isinstance(matrix, np.ndarray):
        if matrix.ndim != 2 or np.iscomplexobj(matrix):
            raise ValueError(f"matrix must be real and have two axes, got shape {matrix.shape}")
        check_finite("matrix", torch.from_numpy(matrix))
        matrix = matrix.astype(np.float64)
    try:
        operator = aslinearoperator(matrix)
    except TypeError as error:
        raise ValueError(
            f"matrix must be a linear operator, an array or a tensor, got {type(matrix).__name__}"
        ) from error
    if square and operator.shape[0] != operator.shape[1]:
        raise ValueError(f"matrix must be square, got shape {operator.shape}")
    return operator


def random_vector(size: int, generator: torch.Generator | None) -> np.ndarray:
    """Standard normal numbers to start an iteration from."""
    check_generator(generator)
    return torch.randn(size, dtype=torch.float64, generator=generator).numpy()


def gaussian_convolution(channels: int, kernel: int, size: int, seed: int) -> ConvolutionOperator:
    """A convolution whose weights have variance 1 / (channels * kernel^2)."""
    channels, kernel, size = counts(channels=channels, kernel=kernel, size=size)
    source = torch.Generator().manual_seed(whole("seed", seed))
    weights = torch.randn(channels, channels, kernel, kernel, generator=source)
    return ConvolutionOperator(weights / math.sqrt(channels * kernel**2), size, size)


def default_convolution(channels: int, size: int, seed: int) -> ConvolutionOperator:
    """A 3x3 convolution with the weights that PyTorch gives a new layer: uniform."""
    channels, size = counts(channels=channels, size=size)
    bound = 1 / math.sqrt(9 * channels)
    source = torch.Generator().manual_seed(whole("seed", seed))
    weights = torch.empty(channels, channels, 3, 3).uniform_(-bound, bound, generator=source)
    return ConvolutionOperator(weights, size, size)
