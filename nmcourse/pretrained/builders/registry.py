"""The table of all builders: what a manifest entry may name.

A manifest entry names a builder and its arguments. Only a function listed in ``BUILDERS`` can be
called, so a manifest is data and never code.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from nmcourse.pretrained.builders.cognitive import COGNITIVE_BUILDERS
from nmcourse.pretrained.builders.element_finder import ELEMENT_FINDER_BUILDERS
from nmcourse.pretrained.builders.from_pixels import FILM_BUILDERS
from nmcourse.pretrained.builders.multitask import MULTITASK_BUILDERS
from nmcourse.pretrained.builders.row_by_row_digits import DIGITS_BUILDERS
from nmcourse.pretrained.builders.timing import TIMING_BUILDERS
from nmcourse.pretrained.builders.vision import CORDSNET_BUILDERS

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    builder.__name__: builder
    for builder in (
        *TIMING_BUILDERS,
        *ELEMENT_FINDER_BUILDERS,
        *DIGITS_BUILDERS,
        *CORDSNET_BUILDERS,
        *MULTITASK_BUILDERS,
        *COGNITIVE_BUILDERS,
        *FILM_BUILDERS,
    )
}
