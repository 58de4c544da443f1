"""Counting parameters, and the size that makes two models comparable."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from nmcourse._inputs import count, whole


def count_parameters(model: nn.Module) -> int:
    """Number of trainable numbers of a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def matching_size(
    build: Callable[[int], nn.Module], target: int, *, smallest: int = 1, largest: int = 4096
) -> int:
    """Size whose parameter count is nearest to ``target`` (the smaller one of a tie).

    Args:
        build: size -> model; the count must grow with the size.
        target: parameter count to match.
        smallest: sizes tried are smallest..largest; a rank-3 network needs 3.
        largest: see ``smallest``.

    Returns:
        The size.

    Raises:
        ValueError: if ``target`` is below one or lies beyond the count at ``largest``, or unless
            1 <= smallest <= largest.
    """
    target = whole("target", target, 1, allowed="a positive parameter count")
    largest = count("largest", largest)
    smallest = whole("smallest", smallest, 1, largest, f"in 1..{largest} (largest)")
    low = high = smallest
    while count_parameters(build(high)) < target:
        if high == largest:
            raise ValueError(f"target={target} parameters need a size above largest={largest}")
        low, high = high, min(2 * high, largest)
    while high - low > 1:
        middle = (low + high) // 2
        if count_parameters(build(middle)) < target:
            low = middle
        else:
            high = middle
    return min((low, high), key=lambda size: abs(count_parameters(build(size)) - target))
