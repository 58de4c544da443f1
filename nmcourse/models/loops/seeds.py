"""The seed axis: many networks in one batch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def with_seeds(
    arguments: Sequence[Tensor | None], ranks: Sequence[int]
) -> tuple[list[Tensor | None], bool]:
    """Bring every argument to a seed axis of one length.

    Args:
        arguments: tensors with the seed axis in front or without it; None stays None.
        ranks: how many axes each has without it.

    Returns:
        The arguments, each with a seed axis, and whether any of them had one.
    """
    pairs = list(zip(arguments, ranks, strict=True))
    seeded = [a for a, rank in pairs if a is not None and a.ndim > rank]
    n_seeds = seeded[0].shape[0] if seeded else 1
    given = [a if a is None or a.ndim > rank else a.expand(n_seeds, *a.shape) for a, rank in pairs]
    return given, bool(seeded)
