r"""The table of areas: which convolution leads where, and how large everything is.

Every area i receives

    h_0 = stem                      h_1 = r_0 + skip(stem)
    h_i = r_{i-1} + skip(r_{i-2})   for i >= 2

The skip from the stem is a 3x3 convolution. The others are 1x1 convolutions where channels or
size change between areas i-2 and i-1, and nothing at all (the identity) where they do not.
From the published strides and channels this rule gives the published skips.

Reference: Soo et al. 2024, released code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nmcourse._inputs import count, pixels

MapShape = tuple[int, int, int]


class Convolution(NamedTuple):
    """Shape of a convolution with padding kernel // 2: n pixels become ceil(n / stride)."""

    n_in: int
    n_out: int
    kernel: int
    stride: int = 1

    def shape(self, height: int, width: int) -> MapShape:
        """What it makes of an image, (channel, height, width)."""
        return self.n_out, -(-height // self.stride), -(-width // self.stride)

    def multiply_adds(self, height: int, width: int) -> int:
        """Products of one image of that size."""
        channels, height, width = self.shape(height, width)
        return channels * height * width * self.n_in * self.kernel**2


@dataclass(frozen=True)
class Area:
    """One area.

    Attributes:
        channels: feature maps of the area.
        stride: of the convolution that leads into it; 2 halves height and width.
        kernel: width of its two convolutions, odd.
    """

    channels: int
    stride: int = 1
    kernel: int = 3

    def __post_init__(self) -> None:
        take_counts(self, "channels", "stride", "kernel")
        check_kernel(self.kernel)


@dataclass(frozen=True)
class Stem:
    """What the image passes before the first area: a convolution, then perhaps a mean.

    Attributes:
        channels: feature maps.
        kernel: width of the convolution, odd.
        stride: of the convolution.
        pool: whether a mean over 3x3 pixels with stride 2 and padding 1 follows.
    """

    channels: int = 64
    kernel: int = 7
    stride: int = 2
    pool: bool = True

    def __post_init__(self) -> None:
        take_counts(self, "channels", "stride", "kernel")
        check_kernel(self.kernel)


def take_counts(record: Any, *names: str) -> None:
    """Check fields of a frozen record as it is made: each is a whole number of at least one."""
    for name in names:
        object.__setattr__(record, name, count(name, getattr(record, name)))


def check_kernel(kernel: int) -> None:
    """Raise ``ValueError`` unless a kernel has a central pixel."""
    if kernel % 2 == 0:
        raise ValueError(f"kernel must be odd, got {kernel}")


_PUBLISHED = (64, 64, 128, 128, 256, 256, 512, 512)
_SMALL = (8, 8, 16, 16, 32, 32)
_SMALL_STEM = Stem(channels=8, kernel=3, stride=1, pool=False)
_NATIVE = (16, 16, 32, 32)
_NATIVE_STEM = Stem(channels=16, kernel=5, stride=2, pool=False)


def _pairs(channels: Sequence[int]) -> tuple[Area, ...]:
    """Areas in pairs of equal channels; the first of each pair but the first one halves."""
    return tuple(Area(c, 2 if i % 2 == 0 and i else 1) for i, c in enumerate(channels))


#: name -> (stem, areas, image size): R2-R8 as published, small ones of the same class, and two for
#: MNIST, Fashion-MNIST (28 pixels) and CIFAR (32) at their own size; R2 is cheap enough for tens.
PRESETS: dict[str, tuple[Stem, tuple[Area, ...], int]] = (
    {f"R{depth}": (Stem(), _pairs(_PUBLISHED[:depth]), 224) for depth in (2, 4, 6, 8)}
    | {f"small-R{depth}": (_SMALL_STEM, _pairs(_SMALL[:depth]), 16) for depth in (1, 2, 4, 6)}
    | {
        "native-R2": (_NATIVE_STEM, (Area(16, 2), Area(16)), 28),
        "native-R4": (_NATIVE_STEM, _pairs(_NATIVE), 28),
    }
)


@dataclass(frozen=True)
class Wiring:
    """All convolutions of a network and the sizes of its areas.

    Attributes:
        n_channels: channels of an image.
        stem: see :class:`Stem`.
        areas: see :class:`Area`, from shallow to deep.
    """

    n_channels: int
    stem: Stem
    areas: tuple[Area, ...]

    def __post_init__(self) -> None:
        take_counts(self, "n_channels")
        if not self.areas:
            raise ValueError("wiring must have at least one area, got none")
        last = [area.channels for area in self.areas[-2:]]
        if len(set(last)) > 1:
            raise ValueError(
                "the last two areas are read out together and must have equal channels, got "
                f"{last[0]} and {last[1]}"
            )

    def __len__(self) -> int:
        return len(self.areas)

    @property
    def n_read(self) -> int:
        """How many areas the readout sees, two or the only one."""
        return min(2, len(self))

    def into(self, area: int) -> int:
        """Channels of the input h of an area."""
        return self.areas[area - 1].channels if area else self.stem.channels

    def image_convolution(self) -> Convolution:
        """The stem's convolution."""
        return Convolution(self.n_channels, self.stem.channels, self.stem.kernel, self.stem.stride)

    def feedforward(self, area: int) -> Convolution:
        """The convolution that leads into an area."""
        spec = self.areas[area]
        return Convolution(self.into(area), spec.channels, spec.kernel, spec.stride)

    def recurrent(self, area: int) -> Convolution:
        """The convolution of an area's own activity."""
        spec = self.areas[area]
        return Convolution(spec.channels, spec.channels, spec.kernel)

    def skip(self, area: int) -> Convolution | None:
        """The convolution on the way from two areas below; None for the identity or no way.

        For area 1, "two areas below" is the stem.
        """
        if area == 0:
            return None
        between = self.areas[area - 1]
        if area == 1:
            return Convolution(self.stem.channels, between.channels, 3, between.stride)
        below = self.areas[area - 2].channels
        if below == between.channels and between.stride == 1:
            return None
        return Convolution(below, between.channels, 1, between.stride)

    def stem_shape(self, image_size: tuple[int, int]) -> MapShape:
        """(channel, height, width) of the stem's output."""
        channels, height, width = self.image_convolution().shape(*image_size)
        return (
            (channels, -(-height // 2), -(-width // 2))
            if self.stem.pool
            else (
                channels,
                height,
                width,
            )
        )

    def shapes(self, image_size: tuple[int, int]) -> tuple[MapShape, ...]:
        """(channel, height, width) of each area."""
        shapes = [self.stem_shape(image_size)]
        for area in range(len(self)):
            shapes.append(self.feedforward(area).shape(*shapes[-1][1:]))
        return tuple(shapes[1:])


def wire(
    areas: str | Sequence[Area],
    n_channels: int,
    image_size: int | tuple[int, int] | None,
    stem: Stem | None,
) -> tuple[Wiring, tuple[int, int]]:
    """Wiring and image size from a preset's name or from areas.

    Raises:
        ValueError: for an unknown preset, what is no list of areas, a stem that is none, or areas
            without an image size.
    """
    size: int | tuple[int, int] | None = image_size
    if isinstance(areas, str):
        if areas not in PRESETS:
            raise ValueError(f"areas must be one of {list(PRESETS)} or Areas, got {areas!r}")
        preset_stem, chosen, preset_size = PRESETS[areas]
        stem, size = stem or preset_stem, preset_size if size is None else size
    elif isinstance(areas, tuple | list) and all(isinstance(area, Area) for area in areas):
        chosen = tuple(areas)
    else:
        raise ValueError(
            "areas must be the name of a preset or a list of Area, from shallow to deep, "
            f"got {areas!r}"
        )
    if stem is not None and not isinstance(stem, Stem):
        raise ValueError(f"stem must be a Stem or None, got {stem!r}")
    if size is None:
        raise ValueError("image_size must be given where areas is not the name of a preset")
    return Wiring(n_channels, stem or Stem(), chosen), pixels("image_size", size)


@dataclass(frozen=True)
class CordsNetSizes:
    """What a network consists of and what one image costs, in multiply-adds.

    The readout and everything elementwise are left out.

    Attributes:
        n_units: neurons of all areas.
        n_parameters: trainable numbers.
        stem: the stem's convolution, once.
        per_stimulus: everything constant while an image is shown, once: the stem, the skip from
            it, and what both send into areas 0 and 1.
        per_step: what is left of a step if ``per_stimulus`` is kept.
        per_step_stem_once: a step in which only the repeated stems are saved: one stem remains.
        per_step_released: a step as the released code makes it, with a stem for every area.
    """

    n_units: int
    n_parameters: int
    stem: int
    per_stimulus: int
    per_step: int
    per_step_stem_once: int
    per_step_released: int


def multiply_adds(wiring: Wiring, image_size: tuple[int, int]) -> dict[str, int]:
    """Multiply-adds of one image, by convolution: ``"stem"``, ``"recurrent.0"``, ..."""
    counts = {"stem": wiring.image_convolution().multiply_adds(*image_size)}
    sizes = [wiring.stem_shape(image_size)[1:]]
    sizes += [shape[1:] for shape in wiring.shapes(image_size)]
    for area in range(len(wiring)):
        here, before = sizes[area + 1], sizes[area]
        counts[f"feedforward.{area}"] = wiring.feedforward(area).multiply_adds(*before)
        counts[f"recurrent.{area}"] = wiring.recurrent(area).multiply_adds(*here)
        skip = wiring.skip(area)
        if skip is not None:
            counts[f"skip.{area}"] = skip.multiply_adds(*sizes[area - 1])
    return counts


def count_sizes(wiring: Wiring, image_size: tuple[int, int], n_parameters: int) -> CordsNetSizes:
    """Count neurons and multiply-adds of a wiring."""
    counts = multiply_adds(wiring, image_size)
    stem, total = counts["stem"], sum(counts.values())
    fixed = stem + counts["feedforward.0"] + counts.get("skip.1", 0)
    drive_of_area_1 = counts.get("feedforward.1", 0)  # once more for the skip from the stem
    return CordsNetSizes(
        n_units=sum(c * h * w for c, h, w in wiring.shapes(image_size)),
        n_parameters=n_parameters,
        stem=stem,
        per_stimulus=fixed + drive_of_area_1,
        per_step=total - fixed,
        per_step_stem_once=total,
        per_step_released=total + (len(wiring) - 1) * stem,
    )
