"""All rivals by name, and the widths that make them comparable with a CordsNet.

twin          the same convolutions, each used once               no time
discrete      no leak                                             CORnet-RT
feedback      no leak, input from above                           BLT
gated         gates in place of the leak                          convolutional GRU
equilibrium   the same equation, solved                           deep equilibrium network
cnn_then_rnn  a CNN without time, then one rate network
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from nmcourse.models._sizes import count_parameters, matching_size
from nmcourse.models.vision.cordsnet import CordsNet
from nmcourse.models.vision.rivals.cnn_then_rnn import CNNThenRNN
from nmcourse.models.vision.rivals.discrete import DiscreteNet
from nmcourse.models.vision.rivals.equilibrium import EquilibriumNet
from nmcourse.models.vision.rivals.feedback import FeedbackNet
from nmcourse.models.vision.rivals.gated import ConvGRU
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.twin_cnn import TwinCNN
from nmcourse.models.vision.wiring import Area, Stem, Wiring

RIVALS: dict[str, Callable[..., Seeing]] = {
    "twin": TwinCNN,
    "discrete": DiscreteNet,
    "feedback": FeedbackNet,
    "gated": ConvGRU,
    "equilibrium": EquilibriumNet,
    "cnn_then_rnn": CNNThenRNN,
}
NEAR = 0.05  # how far the numbers of parameters may be apart, relative
FINEST = 64  # widths are tried in steps of one in so many
CLOSE = 3  # and so many steps below and above the nearest one


def rival(name: str, areas: str | Sequence[Area], *args: Any, **options: Any) -> Seeing:
    """A rival by its name; the arguments are those of its class.

    Raises:
        ValueError: for an unknown name, or as the class does.
    """
    if name not in RIVALS:
        raise ValueError(f"name must be one of {list(RIVALS)}, got {name!r}")
    return RIVALS[name](areas, *args, **options)


def matched_rival(
    name: str, model: CordsNet, *, generator: torch.Generator | None = None, **options: Any
) -> Seeing:
    """A rival with as many parameters as a CordsNet, within 5 %.

    All areas become narrower or wider by one factor; what is left is made up for by up to a third
    more or fewer channels of the stem. An equilibrium network has the equation of the CordsNet and
    so its widths.

    Args:
        name: see ``RIVALS``.
        model: the CordsNet: the rival has its areas, images and classes.
        generator: source of the initial weights.
        **options: of the class of the rival, such as ``dt``.

    Raises:
        ValueError: for an unknown name, or if no widths come within 5 %.
    """
    shape = (model.n_inputs, model.n_outputs)
    options = {"image_size": model.image_size, **options}
    if name == "equilibrium":
        options = {"bias": model.bias_kind, "slope": model.slope, **options}
    make = partial(rival, name)

    def build(areas: Sequence[Area], stem: Stem, **more: Any) -> Seeing:
        return make(areas, *shape, stem=stem, **options, **more)

    areas, stem = matching_widths(build, model.wiring, count_parameters(model))
    return build(areas, stem, generator=generator)


def matching_widths(
    build: Callable[[Sequence[Area], Stem], Seeing], wiring: Wiring, target: int
) -> tuple[tuple[Area, ...], Stem]:
    """Areas and stem whose parameter count comes nearest to a target.

    Args:
        build: makes a network from areas and stem; nothing is computed with its weights.
        wiring: the areas and the stem that are scaled.
        target: parameter count to match.

    Raises:
        ValueError: if none comes within 5 %.
    """

    def counted(areas: Sequence[Area], stem: Stem) -> int:
        with torch.device("meta"):  # shapes without values
            return count_parameters(build(areas, stem))

    def missed(widths: tuple[tuple[Area, ...], Stem]) -> int:
        return abs(counted(*widths) - target)

    found = [(wiring.areas, wiring.stem)]
    if missed(found[0]):
        with torch.device("meta"):
            n = matching_size(lambda n: build(*_scaled(wiring, n)), target)
        near = dict.fromkeys(_scaled(wiring, m) for m in range(max(1, n - CLOSE), n + CLOSE + 1))
        found = [
            (areas, _matching_stem(partial(counted, areas), stem, target)) for areas, stem in near
        ]
    best = min(found, key=missed)
    if missed(best) > NEAR * target:
        raise ValueError(
            f"target={target} parameters cannot be matched within {NEAR:.0%}: the nearest widths "
            f"have {counted(*best)}"
        )
    return best


def _scaled(wiring: Wiring, n: int) -> tuple[tuple[Area, ...], Stem]:
    """Areas and stem with n / FINEST of their channels, at least one."""

    def of(channels: int) -> int:
        return max(1, round(channels * n / FINEST))

    areas = tuple(replace(area, channels=of(area.channels)) for area in wiring.areas)
    return areas, replace(wiring.stem, channels=of(wiring.stem.channels))


def _matching_stem(counted: Callable[[Stem], int], stem: Stem, target: int) -> Stem:
    """The stem with up to a third fewer or more channels; the count is linear in them."""
    least, most = max(1, stem.channels * 2 // 3), -(-stem.channels * 4 // 3)
    lowest, highest = (counted(replace(stem, channels=c)) for c in (least, most))
    wanted = least + round((target - lowest) * (most - least) / max(1, highest - lowest))
    return replace(stem, channels=min(max(wanted, least), most))
