"""Images in shards: a set that is too large for memory, read by many workers at once.

    write_shards(ImageFolder("imagenet/train"), "imagenet-shards")     once
    images = ShardedImages("imagenet-shards")                          on every worker

A shard is an array of bytes (image, channel, height, width) and an array of labels, both plain
``.npy`` files that are mapped into memory: a worker reads the images that it asks for and no
others. ``shards.json`` beside them says what there is, with a checksum of each file.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nmcourse._files import replacing, user_path, write_text
from nmcourse._inputs import count
from nmcourse.tasks.vision._batches import Batched
from nmcourse.tasks.vision._finding import existing_folder
from nmcourse.tasks.vision.image_files import ImageFileError
from nmcourse.tasks.vision.image_folder import ImageFolder
from nmcourse.tasks.vision.images import ImageSet

CONTENTS = "shards.json"
FORMAT = 1
_BLOCK = 1 << 20  # bytes read at once for a checksum


def write_shards(
    images: ImageSet | ImageFolder, folder: str | Path, *, per_shard: int = 1024
) -> Path:
    """Write a set of images as shards, a shard in memory at a time.

    Brightness is kept in 256 levels, as in a picture: between 0 and 1 it may change by 1/510.

    Args:
        images: brightness 0 to 1; pictures in folders are read as they are needed.
        folder: where to write; must not hold shards yet.
        per_shard: images of a shard.

    Returns:
        The folder.

    Raises:
        ValueError: for another kind of images, brightness outside 0 to 1, or a number below one.
        FileExistsError: if shards lie there.
    """
    if not isinstance(images, ImageSet | ImageFolder):
        raise ValueError(
            f"images must be an ImageSet or an ImageFolder, got {type(images).__name__}"
        )
    per_shard, where = count("per_shard", per_shard), user_path(folder, "folder")
    if (where / CONTENTS).exists():
        raise FileExistsError(f"folder must hold no shards yet, and {where} does")
    where.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Any]] = []
    total = squares = torch.zeros((), dtype=torch.float64)
    for numbers in torch.arange(len(images)).split(per_shard):
        shown, labels = images.take(numbers)
        if float(shown.min()) < 0 or float(shown.max()) > 1:
            raise ValueError(
                "images must have brightness 0 to 1 to be kept in bytes, got "
                f"{float(shown.min()):g} to {float(shown.max()):g}"
            )
        levels = (shown * 255).round().to(torch.uint8)
        values = levels.double() / 255
        total = total + values.sum(dim=(0, 2, 3))
        squares = squares + values.square().sum(dim=(0, 2, 3))
        name = f"shard-{len(shards):05d}"
        files = {"images": levels.numpy(), "labels": labels.numpy()}
        sums = {kind: _write(where / f"{name}.{kind}.npy", a) for kind, a in files.items()}
        shards.append({"name": name, "n_images": len(numbers), "sha256": sums})
    n_values = len(images) * shown.shape[2] * shown.shape[3]
    mean = total / n_values
    contents = {
        "format": FORMAT,
        "shape": list(shown.shape[1:]),
        "class_names": list(images.class_names),
        "mean": mean.tolist(),
        "deviation": (squares / n_values - mean**2).clamp(min=0).sqrt().tolist(),
        "shards": shards,
    }
    write_text(where / CONTENTS, json.dumps(contents, indent=1) + "\n")
    return where


class ShardedImages:
    """Images that stay on disk in shards and are read when they are asked for.

    A shard is compared with its checksum when it is first opened.

    Args:
        folder: what ``write_shards`` wrote.
        normalised: take away the mean of each channel and divide by its deviation, over all images
            of this set; or over those of another one, such as the set that was learnt from.
        dtype: floating-point type of the images that are read.

    Attributes:
        labels: (image,), int64, of all images.
        class_names: one name per class.
        size: (height, width) in pixels.
        n_channels: channels of an image.
        mean: of each channel, what is taken away where the images are normalised.
        deviation: of each channel, what they are then divided by.

    Raises:
        FileNotFoundError: if the folder or a shard is not there.
        ImageFileError: if ``shards.json`` or a file of labels is damaged.
        ValueError: for a type that is no floating-point type, or a channel that is constant where
            it is to be normalised.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        normalised: bool | ShardedImages = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise ValueError(f"dtype must be a floating-point type of torch, got {dtype!r}")
        self.folder = existing_folder(folder, "write_shards makes it from pictures")
        self.dtype = dtype
        contents = _contents(self.folder / CONTENTS)
        self.shards: list[dict[str, Any]] = contents["shards"]
        channels, height, width = contents["shape"]
        self.n_channels, self.size = channels, (height, width)
        self.class_names = tuple(contents["class_names"])
        if isinstance(normalised, ShardedImages):
            if normalised.n_channels != channels:
                raise ValueError(
                    f"normalised must have {channels} channels as these images do, "
                    f"got {normalised.n_channels}"
                )
            contents |= {"mean": normalised.mean, "deviation": normalised.deviation}
        self.normalised = normalised is not False
        self.mean: list[float] = contents["mean"]
        self.deviation: list[float] = contents["deviation"]
        self._mean, self._deviation = (
            torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.deviation)
        )
        if self.normalised and not (self._deviation > 0).all():
            raise ValueError("images must vary in every channel to be normalised, one does not")
        self._starts = [0]
        for shard in self.shards:
            self._starts.append(self._starts[-1] + shard["n_images"])
        self._open: dict[int, np.ndarray] = {}
        labels = [
            self._array(number, "labels", (shard["n_images"],), np.int64)
            for number, shard in enumerate(self.shards)
        ]
        self.labels = torch.from_numpy(np.concatenate(labels))
        if int(self.labels.min()) < 0 or int(self.labels.max()) >= self.n_classes:
            raise ImageFileError(f"{self.folder} has labels that are no class of {CONTENTS}")

    def __len__(self) -> int:
        return self._starts[-1]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Images (batch, channel, height, width) and labels (batch,) of these numbers.

        Raises:
            ImageFileError: if a shard differs from its checksum.
        """
        images = torch.empty(len(which), self.n_channels, *self.size, dtype=self.dtype)
        for place, number in enumerate(which.tolist()):
            shard = bisect_right(self._starts, number) - 1
            image = torch.from_numpy(np.array(self._images(shard)[number - self._starts[shard]]))
            images[place] = image.to(self.dtype) / 255
        if self.normalised:
            images = (images - self._mean.to(self.dtype)) / self._deviation.to(self.dtype)
        return images, self.labels[which]

    batches = Batched.batches

    def load(self, which: slice = slice(None)) -> ImageSet:
        """Some of the images in memory, or all."""
        return ImageSet(*self.take(torch.arange(len(self))[which]), self.class_names)

    def digest(self) -> str:
        """Short text that changes when a pixel or a label does."""
        scale = [self.mean, self.deviation] if self.normalised else []
        text = json.dumps([self.shards, scale, str(self.dtype)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to(self, dtype: torch.dtype) -> ShardedImages:
        """The same set, read in another floating-point type."""
        if dtype == self.dtype:
            return self
        return ShardedImages(
            self.folder, normalised=self if self.normalised else False, dtype=dtype
        )

    def _images(self, shard: int) -> np.ndarray:
        if shard not in self._open:
            shape = (self.shards[shard]["n_images"], self.n_channels, *self.size)
            self._open[shard] = self._array(shard, "images", shape, np.uint8)
        return self._open[shard]

    def _array(self, number: int, kind: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """A file of a shard, mapped into memory once its bytes are known to be the right ones."""
        shard = self.shards[number]
        path = self.folder / f"{shard['name']}.{kind}.npy"
        if not path.is_file():
            raise FileNotFoundError(f"no shard {path}: {CONTENTS} beside it names it")
        if _checksum(path) != shard["sha256"][kind]:
            raise ImageFileError(f"{path} differs from its checksum in {CONTENTS}")
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if found.shape != shape or found.dtype != dtype:
            raise ImageFileError(
                f"{path} must hold {np.dtype(dtype)} {shape}, got {found.dtype} {found.shape}"
            )
        return found


def _write(path: Path, array: np.ndarray) -> str:
    with replacing(path) as stream:
        np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return _checksum(path)


def _checksum(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _contents(path: Path) -> dict[str, Any]:
    """What ``shards.json`` says, once it is known to say all that is asked."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        known = found["format"] == FORMAT and len(found["shape"]) == 3
        channels = found["shape"][0]
        for shard in found["shards"]:
            name = shard["name"]
            plain = isinstance(name, str) and name.replace("-", "").isalnum()
            known = known and plain and int(shard["n_images"]) > 0
            known = known and {"images", "labels"} <= shard["sha256"].keys()
        for name in ("mean", "deviation"):
            known = known and len(found[name]) == channels
        known = known and bool(found["shards"]) and bool(found["class_names"])
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no {CONTENTS}: looked in {path.parent.absolute()}; write_shards makes it"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageFileError(f"{path} cannot be read ({type(error).__name__}: {error})") from error
    if not known:
        raise ImageFileError(f"{path} is not format {FORMAT} of write_shards")
    return found
