r"""Linear prediction of many neurons from many features.

Partial least squares takes one direction of the features after the other, each with the largest
covariance with the responses that is left, and regresses on the scores t = X w along them:

    w  leading left singular vector of X' Y        t = X w
    p = X' t / t' t     X <- X - t p'              q = Y' t / t' t     Y <- Y - t q'

``sklearn.cross_decomposition.PLSRegression`` (``scale=False``) finds w by power iteration, which is
slow, and warns, where two directions are nearly as good, as with noisy neurons; here w is exact.

Ridge regression keeps all directions and shrinks the short ones. What it would have predicted for a
frame that was left out follows from the *leverage* h of the frame, without fitting again:

    y_i - (y_i - yhat_i) / (1 - h_i)     h_i = 1/n + x_i' (X' X + penalty)^-1 x_i     (X centred)

The 1/n is the leverage of the intercept: the mean that was taken out had seen the frame as well.

Reference: Wold et al. 2001 (partial least squares); Allen 1974 (leave one out).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import count, number
from nmcourse.analysis._checks import check_finite


class LinearFit(NamedTuple):
    """A linear prediction of responses.

    Attributes:
        coefficients: (feature, unit).
        x_mean: (feature,), means of the frames that were fitted.
        y_mean: (unit,).
    """

    coefficients: Tensor
    x_mean: Tensor
    y_mean: Tensor

    def predict(self, x: Tensor) -> Tensor:
        """Responses (frame, unit) to features (frame, feature)."""
        return (x.double() - self.x_mean) @ self.coefficients + self.y_mean


def partial_least_squares(x: Tensor, y: Tensor, n_components: int) -> LinearFit:
    """Fit responses by partial least squares.

    Args:
        x: (frame, feature).
        y: (frame, unit).
        n_components: how many directions; fewer where nothing is left to explain.

    Raises:
        ValueError: for other axes, different numbers of frames, or numbers that are not finite.
    """
    _check(x, y)
    n_components = count("n_components", n_components)
    x_mean, y_mean = x.double().mean(dim=0), y.double().mean(dim=0)
    rest, left = x.double() - x_mean, y.double() - y_mean
    size = float((rest.mT @ left).norm())
    weights, loadings, gains = [], [], []
    for _ in range(n_components):
        covariance = rest.mT @ left
        if float(covariance.norm()) <= 1e-12 * size or size == 0:
            break
        w = _leading(covariance)
        t = rest @ w
        square = t @ t
        p, q = rest.mT @ t / square, left.mT @ t / square
        rest, left = rest - t[:, None] * p, left - t[:, None] * q
        weights.append(w)
        loadings.append(p)
        gains.append(q)
    if not weights:
        return LinearFit(x.new_zeros(x.shape[1], y.shape[1], dtype=torch.float64), x_mean, y_mean)
    w, p, q = (torch.stack(vectors, dim=1) for vectors in (weights, loadings, gains))
    return LinearFit(w @ torch.linalg.solve(p.mT @ w, q.mT), x_mean, y_mean)


def ridge_left_out(x: Tensor, y: Tensor, penalty: float) -> Tensor:
    """What ridge regression with an intercept predicts for each frame, fitted to all others.

    Args:
        x: (frame, feature).
        y: (frame, unit).
        penalty: on the squared coefficients, not on the intercept; above 0.

    Returns:
        (frame, unit).

    Raises:
        ValueError: as in :func:`partial_least_squares`, and for a penalty that is not positive.
    """
    _check(x, y)
    number("penalty", penalty, "a positive number", above=0)
    centred, y_mean = x.double() - x.double().mean(dim=0), y.double().mean(dim=0)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = s.square() / (s.square() + penalty)
    fitted = y_mean + (u * kept) @ (u.mT @ y.double())
    leverage = 1.0 / len(x) + (u.square() * kept).sum(dim=1)
    return y.double() - (y.double() - fitted) / (1.0 - leverage)[:, None]


def _leading(matrix: Tensor) -> Tensor:
    """Leading left singular vector, by the smaller Gram matrix."""
    if matrix.shape[0] <= matrix.shape[1]:
        return torch.linalg.eigh(matrix @ matrix.mT)[1][:, -1]
    w = matrix @ torch.linalg.eigh(matrix.mT @ matrix)[1][:, -1]
    return w / w.norm()


def _check(x: Tensor, y: Tensor) -> None:
    for name, values in (("x", x), ("y", y)):
        check_finite(name, values)
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(
                f"{name} must have shape (frame, ..) with nothing empty, got {tuple(values.shape)}"
            )
    if len(x) != len(y) or len(x) < 2:
        raise ValueError(f"x and y must have the same two frames or more, got {len(x)}, {len(y)}")
