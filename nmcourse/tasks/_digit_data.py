"""The handwritten digits that come with scikit-learn, in one fixed order and with one fixed split.

1,797 images of 8 x 8 pixels (the test set of the Optical Recognition of Handwritten Digits data,
UCI); nothing is downloaded. Every fifth image of the order is a test image.
"""

from __future__ import annotations

import functools
from typing import Literal

import torch
from torch import Tensor

N_DIGITS = 10
Split = Literal["train", "test"]
_ORDER_SEED = 20241210


def check_split(split: str) -> None:
    """Raise ``ValueError`` unless a split is ``"train"`` or ``"test"``."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")


def digits_of(split: Split) -> tuple[Tensor, Tensor]:
    """Images (image, 8, 8) in float64, brightness 0 to 1, and labels (image,) of one split.

    Raises:
        ValueError: for an unknown split.
    """
    check_split(split)
    images, labels = _all_digits()
    is_test = torch.arange(len(labels)) % 5 == 0
    chosen = is_test if split == "test" else ~is_test
    return images[chosen], labels[chosen]


@functools.cache
def _all_digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits  # here, because its import takes a second

    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(_ORDER_SEED))
    images = torch.as_tensor(data.images, dtype=torch.float64) / 16.0
    return images[order], torch.as_tensor(data.target)[order].long()
