"""A recurrent matrix that is a sum of K matrices under gains: W(s) = sum_k s_k W_k.

The matrices stand in one tensor ``terms`` (.., K, N, N). One product with all of them side by side
gives K N numbers; gains scale them, and the K numbers of a unit are added. In the words of
``loops.leaky`` that is a low-rank step with K N latent sums, so that loop serves here too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nmcourse.models.loops.leaky import leaky_scan


def apply_terms(rates: Tensor, terms: Tensor, gain: Tensor | None) -> Tensor:
    """W(s) r for rates (.., batch, N) and gain (.., batch, K); None means gains of 1."""
    if gain is None:
        return rates @ terms.sum(dim=-3).mT
    products = (rates @ _side_by_side(terms)).unflatten(-1, terms.shape[-3:-1])
    return (gain.unsqueeze(-1) * products).sum(dim=-2)


def run_terms(
    start: Tensor,
    inputs: Tensor,
    weights: Tensor,
    keep: float,
    phi: Callable[[Tensor], Tensor],
    terms: Tensor,
    gains: Tensor | None,
) -> Tensor:
    """States (.., time, batch, N); arguments as those of ``leaky_scan``.

    Args:
        start: see there.
        inputs: see there.
        weights: see there.
        keep: see there.
        phi: see there.
        terms: W_k, (.., K, N, N).
        gains: s, (.., time, batch, K), or None for gains of 1.
    """
    if gains is None:
        return leaky_scan(start, inputs, weights, keep, phi, terms.sum(dim=-3).mT)
    n_terms, n_units = terms.shape[-3:-1]
    to_units = torch.eye(n_units, dtype=terms.dtype, device=terms.device).repeat(n_terms, 1)
    gains = gains.repeat_interleave(n_units, dim=-1)
    return leaky_scan(start, inputs, weights, keep, phi, _side_by_side(terms), to_units, gains)


def _side_by_side(terms: Tensor) -> Tensor:
    """The transposed matrices, (.., N, K N)."""
    return terms.flatten(-3, -2).mT
