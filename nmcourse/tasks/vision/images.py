"""Images and their classes: what a convolutional network is shown.

``digit_images`` needs no download. Images of other sets come from files on disk:
``nmcourse.tasks.vision.image_files``.

Unlike the other tasks of the course, a set of images knows no time. When an image is on and for
how long is a matter of the trial: ``nmcourse.models.CordsNet.respond``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nmcourse._inputs import as_tensor, check_tensor, is_whole, pixels
from nmcourse.tasks._digit_data import N_DIGITS, Split, digits_of
from nmcourse.tasks.vision._batches import Batched


@dataclass(frozen=True)
class ImageSet:
    """Images with one class each.

    Attributes:
        images: (image, channel, height, width), floating point; brightness 0 to 1 unless
            :meth:`normalised`.
        labels: (image,), int64, number of the class of each image.
        class_names: one name per class, in the order of the labels.

    Raises:
        ValueError: for images of another shape, not finite or not floating point, or for labels
            that do not fit them or have no name.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        check_tensor("images", self.images)
        check_tensor("labels", self.labels)
        if self.images.ndim != 4 or 0 in self.images.shape:
            raise ValueError(
                "images must have shape (image, channel, height, width) with nothing empty, "
                f"got {tuple(self.images.shape)}"
            )
        if not self.images.is_floating_point():
            raise ValueError(f"images must be floating point, got {self.images.dtype}")
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels must have shape ({len(self.images)},), one per image, "
                f"got {tuple(self.labels.shape)}"
            )
        if self.labels.dtype != torch.int64:
            raise ValueError(f"labels must be torch.int64, got {self.labels.dtype}")
        if self.images.is_meta:  # shapes without values
            return
        if not torch.isfinite(self.images).all():
            raise ValueError("images must be finite, got NaN or infinity")
        lowest, highest = int(self.labels.min()), int(self.labels.max())
        if lowest < 0 or highest >= self.n_classes:
            raise ValueError(
                f"labels must be from 0 to {self.n_classes - 1}, one for each of the class_names, "
                f"got {lowest if lowest < 0 else highest}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_channels(self) -> int:
        """Number of channels of an image, 1 for grey and 3 for colour."""
        return self.images.shape[1]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.images.shape[2], self.images.shape[3]

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the images."""
        return self.images.dtype

    def subset(self, which: Tensor | Sequence[int] | slice) -> ImageSet:
        """Some of the images.

        Args:
            which: a slice, image numbers, or a boolean tensor with one entry per image.

        Raises:
            ValueError: if it is a single number, holds no image numbers, or nothing is left.
        """
        if is_whole(which):  # would take the image axis away
            raise ValueError(f"which must be a slice or image numbers, got the number {which!r}")
        chosen = which if isinstance(which, slice) else _numbers(which)
        try:
            labels = self.labels[chosen]
        except IndexError as error:
            raise ValueError(f"which must choose among {len(self)} images: {error}") from error
        if labels.ndim != 1 or not len(labels):
            raise ValueError(f"which must choose images by one axis, at least one, got {which!r}")
        return replace(self, images=self.images[chosen], labels=labels)

    def resized(self, size: int | tuple[int, int]) -> ImageSet:
        """The same images with another number of pixels, interpolated linearly.

        Args:
            size: pixels, one number or (height, width). Where an image shrinks it is smoothed
                first, so that no pixel is left out.

        Raises:
            ValueError: for a size that is not a positive integer.
        """
        pair = pixels("size", size)
        if pair == self.size:
            return self
        images = F.interpolate(
            self.images, pair, mode="bilinear", align_corners=False, antialias=True
        )
        return replace(self, images=images)

    def normalised(self, like: ImageSet | None = None) -> ImageSet:
        """Images with mean 0 and standard deviation 1 in each channel.

        A blank input of zeros is then a picture of mean brightness, as in the released code of
        CordsNet, and not a black one.

        Args:
            like: the set whose mean and standard deviation are used; this one by default. Test
                images take those of the training images.

        Raises:
            ValueError: if ``like`` has other channels, or one channel of it is constant.
        """
        source = (self if like is None else like).images
        if source.shape[1] != self.n_channels:
            raise ValueError(
                f"like must have {self.n_channels} channels as these images do, "
                f"got {source.shape[1]}"
            )
        mean = source.mean(dim=(0, 2, 3), keepdim=True)
        deviation = source.std(dim=(0, 2, 3), keepdim=True, correction=0)
        if (deviation == 0).any():
            constant = int((deviation.flatten() == 0).nonzero()[0])
            raise ValueError(f"images must vary in every channel, but channel {constant} does not")
        return replace(self, images=(self.images - mean) / deviation)

    batches = Batched.batches

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Images (batch, channel, height, width) and labels (batch,) of these numbers."""
        return self.images[which], self.labels[which]

    def digest(self) -> str:
        """Short text that changes when a pixel or a label does."""
        found = hashlib.sha256(self.images.cpu().numpy().tobytes())
        found.update(self.labels.cpu().numpy().tobytes())
        return found.hexdigest()[:12]

    def to(self, *args: torch.dtype | torch.device | str) -> ImageSet:
        """The same set in another floating-point type or on another device."""
        images = self.images.to(*args)  # type: ignore[call-overload]
        return replace(self, images=images, labels=self.labels.to(images.device))


def _numbers(which: Any) -> Tensor:
    """Image numbers, or truth values, as a tensor that chooses images."""
    chosen = as_tensor("which", which)
    if (chosen.is_floating_point() or chosen.is_complex()) and chosen.numel():
        raise ValueError(f"which must hold image numbers, got {chosen.dtype} numbers")
    # torch takes unsigned bytes for truth values
    return chosen if chosen.dtype == torch.bool else chosen.long()


def digit_images(split: Split = "train", size: int | tuple[int, int] = 16) -> ImageSet:
    """Handwritten digits, grey, that come with scikit-learn; nothing is downloaded.

    The images have 8 x 8 pixels and are interpolated to ``size``. The split is that of
    ``nmcourse.tasks.RowByRowDigits``: no test image is among the training images.

    Args:
        split: ``"train"`` (1,437 images) or ``"test"`` (360).
        size: pixels, one number or (height, width).

    Returns:
        Images (image, 1, height, width), brightness 0 (paper) to 1 (ink), with ten classes.

    Raises:
        ValueError: for an unknown split or a size that is not a positive integer.

    Reference:
        Optical Recognition of Handwritten Digits (its test set), UCI Machine Learning Repository.
    """
    images, labels = digits_of(split)
    images = images.to(torch.get_default_dtype()).unsqueeze(1)
    names = tuple(str(digit) for digit in range(N_DIGITS))
    return ImageSet(images, labels, names).resized(size)
