"""Nonlinearities that stand in for tanh: formula, code, and slope at the origin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Nonlinearity:
    """A saturating function of slope ``slope`` at the origin."""

    formula: str
    code: str
    slope: float


def nonlinearities(slopes: tuple[float, ...]) -> tuple[Nonlinearity, ...]:
    """Return three functions for each slope."""
    found = []
    for k in slopes:
        found += [
            Nonlinearity(rf"\frac{{{k:g}\,v}}{{1 + |v|}}", f"{k!r} * v / (1 + np.abs(v))", k),
            Nonlinearity(rf"{k:g}\,\arctan(v)", f"{k!r} * np.arctan(v)", k),
            Nonlinearity(
                rf"\frac{{{k:g}\,v}}{{\sqrt{{1 + v^2}}}}", f"{k!r} * v / np.hypot(1, v)", k
            ),
        ]
    return tuple(found)
