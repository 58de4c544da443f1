"""Image sets that a reader has, for experiments on images of native size.

The folder ``NMCOURSE_IMAGES`` holds them as ``fetch_images`` leaves them (``mnist/``,
``fashion-mnist/``, ``cifar-10/``); ``fashion_mnist/`` and ``cifar10/cifar10_20000_5000.npz``, the
first 20,000 and 5,000 images of CIFAR-10 as arrays, are understood as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nmcourse._files import user_path
from nmcourse.evidence import LedgerError
from nmcourse.tasks import FASHION_CLASSES, ImageSet, read_cifar, read_idx

Split = Literal["train", "test"]
IMAGES = "NMCOURSE_IMAGES"
CIFAR_TRAIN = 20_000  # images that are learnt from
_CIFAR_ARRAYS = Path("cifar10", "cifar10_20000_5000.npz")
_DIGITS = tuple(map(str, range(10)))
_WORDS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
_FOLDERS = {"mnist": ("mnist",), "fashion_mnist": ("fashion_mnist", "fashion-mnist")}


def image_set(name: str, split: Split) -> ImageSet:
    """Images in their own size and colours.

    Args:
        name: ``"mnist"``, ``"fashion_mnist"`` or ``"cifar10"``.
        split: ``"train"`` or ``"test"``.

    Returns:
        Images (image, channel, height, width), brightness 0 to 1, with ten classes; of CIFAR-10 the
        first 20,000 to learn from.

    Raises:
        LedgerError: There is no folder of images.
        FileNotFoundError: The set is not in it.
        ValueError: The set is unknown.
    """
    folder = images_folder()
    if name == "cifar10":
        if (folder / _CIFAR_ARRAYS).is_file():
            pixels, labels = cifar_arrays(folder, split)
            images = torch.from_numpy(pixels.astype(np.float32) / 255.0).permute(0, 3, 1, 2)
            return ImageSet(images.contiguous(), torch.from_numpy(labels), _DIGITS)
        found = read_cifar(folder / "cifar-10", split)
        return found.subset(slice(CIFAR_TRAIN)) if split == "train" else found
    if name not in _FOLDERS:
        raise ValueError(f"name must be one of {[*_FOLDERS, 'cifar10']}, got {name!r}")
    places = [folder / place for place in _FOLDERS[name]]
    place = next((place for place in places if place.is_dir()), places[-1])
    classes = FASHION_CLASSES if name == "fashion_mnist" else _DIGITS
    return read_idx(place, split, class_names=classes)


def learn_and_test(name: str, made_up: int | None = None) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and others, scaled by the mean and deviation of the first.

    Args:
        name: as in ``image_set``.
        made_up: pixels of images that are drawn at random instead, which the smoke tier takes: it
            needs no folder.
    """
    if made_up is None:
        train, test = image_set(name, "train"), image_set(name, "test")
    else:
        source = torch.Generator().manual_seed(0)
        pixels = torch.rand(
            2, 40, 3 if name == "cifar10" else 1, made_up, made_up, generator=source
        )
        train, test = (ImageSet(some, torch.arange(40) % 10, _DIGITS) for some in pixels)
    return train.normalised(), test.normalised(like=train)


def images_in_words(settings: Mapping[str, Any]) -> str:
    """Which images an experiment showed: ``"digits of 14 pixels"``, ``"Fashion-MNIST at ..."``.

    Args:
        settings: with ``image_size``, and ``images`` if these are a set with a name.
    """
    if "images" not in settings:
        return f"digits of {settings['image_size']} pixels"
    return f"{_WORDS[settings['images']]} at {settings['image_size']} pixels"


def images_folder() -> Path:
    """The folder that the reader has named.

    Raises:
        LedgerError: None is named.
    """
    named = os.environ.get(IMAGES, "")
    if not named:
        raise LedgerError(
            f"set {IMAGES} to a folder with mnist/, fashion-mnist/ and cifar-10/; "
            'fetch_images("mnist", folder) and so on make them'
        )
    return user_path(named, IMAGES)


def cifar_arrays(folder: Path, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels (image, 32, 32, 3) and classes (image,) of the part of CIFAR-10 that is in arrays."""
    with np.load(folder / _CIFAR_ARRAYS, allow_pickle=False) as arrays:
        return arrays[f"x_{split}"], arrays[f"y_{split}"].astype(np.int64).flatten()
