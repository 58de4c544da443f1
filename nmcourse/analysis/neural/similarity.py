"""Representational dissimilarity: which images are alike for neurons, and for a network in time.

The dissimilarity of two images is one minus the correlation of their patterns over units. Two sets
of dissimilarities are compared by the rank correlation over all pairs of images; how sure that is
depends on the images, so it is the images that are drawn again.

Reference: Kriegeskorte et al. 2008.
"""

from __future__ import annotations

import torch
from scipy.stats import rankdata
from torch import Tensor

from nmcourse._inputs import check_generator, count
from nmcourse.analysis._checks import check_finite


def dissimilarities(patterns: Tensor) -> Tensor:
    """One minus the correlation of patterns, (.., image, image), with zeros on the diagonal.

    Args:
        patterns: (.., image, unit); with (time, image, unit) there is one matrix for each time.

    Raises:
        ValueError: for fewer than three images or two units, or an image whose pattern is flat.
    """
    check_finite("patterns", patterns)
    if patterns.ndim < 2 or patterns.shape[-2] < 3 or patterns.shape[-1] < 2:
        raise ValueError(
            "patterns must have shape (.., image, unit) with three images and two units or more, "
            f"got {tuple(patterns.shape)}"
        )
    centred = patterns.double() - patterns.double().mean(dim=-1, keepdim=True)
    lengths = centred.norm(dim=-1, keepdim=True)
    if bool((lengths == 0).any()):
        raise ValueError("patterns: an image has the same value in every unit; no correlation")
    unit = centred / lengths
    found = 1 - unit @ unit.mT
    diagonal = torch.eye(found.shape[-1], dtype=torch.bool)
    return found.masked_fill(diagonal, 0.0)


def pairs_of(matrix: Tensor) -> Tensor:
    """The entries above the diagonal of (.., image, image), row after row: (.., pair)."""
    rows, columns = torch.triu_indices(matrix.shape[-1], matrix.shape[-1], 1)
    return matrix[..., rows, columns]


def from_pairs(pairs: Tensor) -> Tensor:
    """The symmetric matrix (image, image) of the entries above its diagonal, row after row.

    Raises:
        ValueError: if no number of images has so many pairs.
    """
    n = round(0.5 + (0.25 + 2 * len(pairs)) ** 0.5)
    if n * (n - 1) // 2 != len(pairs):
        raise ValueError(f"pairs must be n (n - 1) / 2 for some n, got {len(pairs)}")
    matrix = torch.zeros(n, n, dtype=torch.float64)
    rows, columns = torch.triu_indices(n, n, 1)
    matrix[rows, columns] = pairs.double()
    return matrix + matrix.mT


def compare_dissimilarities(first: Tensor, second: Tensor) -> float:
    """Rank correlation of two (image, image) over their pairs.

    Raises:
        ValueError: if shapes differ.
    """
    _check_both(first, second)
    return _rank_correlation(pairs_of(first), pairs_of(second))


def bootstrap_over_images(
    first: Tensor,
    second: Tensor,
    *,
    n_draws: int = 1000,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Rank correlations, (draw,), of two (image, image) over images drawn with replacement.

    Pairs of an image with itself are left out.

    Raises:
        ValueError: if shapes differ, or a number is out of range.
    """
    _check_both(first, second)
    check_generator(generator)
    n = len(first)
    found = []
    for _ in range(count("n_draws", n_draws)):
        drawn = torch.randint(n, (n,), generator=generator)
        different = pairs_of((drawn[:, None] != drawn).double()).bool()
        a, b = (pairs_of(matrix[drawn][:, drawn])[different] for matrix in (first, second))
        found.append(_rank_correlation(a, b))
    return torch.tensor(found, dtype=torch.float64)


def permuted_over_images(
    first: Tensor,
    second: Tensor,
    *,
    within: Tensor | None = None,
    n_draws: int = 1000,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Rank correlations, (draw,), when the images of the first are exchanged: a null.

    Args:
        first: (image, image).
        second: the same.
        within: (image,), groups: images are exchanged inside a group only. The null then keeps what
            the groups alone give.
        n_draws: how often.
        generator: source of the exchanges.

    Raises:
        ValueError: if shapes differ, or a number is out of range.
    """
    _check_both(first, second)
    check_generator(generator)
    n = len(first)
    groups = torch.zeros(n, dtype=torch.int64) if within is None else within
    if groups.shape != (n,):
        raise ValueError(f"within must give a group for each of {n} images, got {groups.shape}")
    members = [torch.nonzero(groups == group).flatten() for group in groups.unique()]
    found = []
    for _ in range(count("n_draws", n_draws)):
        order = torch.arange(n)
        for some in members:
            order[some] = some[torch.randperm(len(some), generator=generator)]
        found.append(_rank_correlation(pairs_of(first[order][:, order]), pairs_of(second)))
    return torch.tensor(found, dtype=torch.float64)


def _rank_correlation(first: Tensor, second: Tensor) -> float:
    a, b = (torch.from_numpy(rankdata(values.numpy())) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.norm() * b.norm()))


def _check_both(first: Tensor, second: Tensor) -> None:
    for name, matrix in (("first", first), ("second", second)):
        check_finite(name, matrix)
    if first.shape != second.shape or first.ndim != 2 or first.shape[0] != first.shape[1]:
        raise ValueError(
            "first and second must be (image, image) of the same images, got "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
