"""Pictures in folders, one folder for each class, as ImageNet comes."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nmcourse._inputs import count
from nmcourse.tasks.vision._batches import batches_of
from nmcourse.tasks.vision.image_files import ImageFileError, existing_folder
from nmcourse.tasks.vision.images import ImageSet

SUFFIXES = {".jpeg", ".jpg", ".png", ".bmp", ".ppm", ".webp"}
MOST_PIXELS = 80_000_000  # of a picture, before and after its size is changed
_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "WEBP")  # whatever the name says; others can run programs
_WIDER = 256 / 224  # the shorter side is made this much longer than the square cut from it

# What Pillow raises for damaged files, whatever their kind.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    MemoryError,
    struct.error,
    zlib.error,
)


class ImageFolder:
    """Pictures that stay on disk and are read when they are asked for.

    A picture is made smaller (or larger) until its shorter side has 256/224 times as many pixels
    as wanted, and the square in its middle is cut out.

    Args:
        folder: holds one folder for each class, which holds pictures. The classes are in the
            order of their names.
        size: pixels of the square.
        per_class: take only so many pictures of each class, the first by name.

    Attributes:
        paths: the pictures, class after class.
        labels: (image,), int64.
        class_names: names of the folders.

    Raises:
        FileNotFoundError: if the folder is not there, or it or a class holds nothing.
        ValueError: for a number below one.
    """

    def __init__(
        self, folder: str | Path, size: int = 224, *, per_class: int | None = None
    ) -> None:
        size = count("size", size)
        per_class = None if per_class is None else count("per_class", per_class)
        where = existing_folder(folder)
        classes = sorted(path for path in where.iterdir() if path.is_dir())
        if not classes:
            raise FileNotFoundError(
                f"no folder of a class: looked in {where.absolute()}, which must hold one folder "
                "for each class"
            )
        self.paths: list[Path] = []
        labels: list[int] = []
        for label, path in enumerate(classes):
            pictures = sorted(
                p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()
            )
            if not pictures:
                raise FileNotFoundError(
                    f"no picture of the class {path.name}: looked in {path.absolute()} for "
                    + ", ".join(sorted(SUFFIXES))
                )
            chosen = pictures[:per_class]
            self.paths += chosen
            labels += [label] * len(chosen)
        self.size, self.labels = size, torch.tensor(labels)
        self.class_names = tuple(path.name for path in classes)

    def __len__(self) -> int:
        return len(self.paths)

    def batches(
        self,
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
        epochs: int | None = 1,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """As :meth:`nmcourse.tasks.ImageSet.batches`, reading the pictures of each batch.

        Raises:
            ImageFileError: for a picture that cannot be read.
            ValueError: as there.
        """
        return batches_of(
            self._take,
            len(self),
            batch_size,
            generator=generator,
            epochs=epochs,
            shuffle=shuffle,
            drop_last=drop_last,
        )

    def load(self) -> ImageSet:
        """All pictures in memory: 0.6 MB for each of 224 pixels.

        Raises:
            ImageFileError: for a picture that cannot be read.
        """
        return ImageSet(*self._take(torch.arange(len(self))), self.class_names)

    def _take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        images = [self._picture(self.paths[number]) for number in which.tolist()]
        return torch.stack(images), self.labels[which]

    def _picture(self, path: Path) -> Tensor:
        """(3, size, size), brightness 0 to 1."""
        from PIL import Image  # here: only pictures need it

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(path, formats=_FORMATS) as file:
                    width, height = self._scaled(*file.size)
                    picture = file.convert("RGB")
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ImageFileError(f"{path} has too many pixels: {error}") from error
        except _PILLOW_ERRORS as error:
            raise ImageFileError(f"{path} cannot be read as a picture: {error}") from error
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        left, top = (width - self.size) // 2, (height - self.size) // 2
        picture = picture.crop((left, top, left + self.size, top + self.size))
        values = torch.from_numpy(np.array(picture)).movedim(-1, 0)
        return values.to(torch.get_default_dtype()) / 255.0

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        """Pixels of a picture whose shorter side is as long as it should be."""
        scale = round(self.size * _WIDER) / min(width, height)
        wide, high = (max(self.size, round(n * scale)) for n in (width, height))
        if max(width * height, wide * high) > MOST_PIXELS:
            raise ValueError(
                f"it must have at most {MOST_PIXELS} pixels, and so must it at the size asked for; "
                f"got {width} x {height}, which becomes {wide} x {high}"
            )
        return wide, high


def read_image_folder(
    folder: str | Path, size: int = 224, *, per_class: int | None = None
) -> ImageSet:
    """Pictures of an ImageNet-like folder, all in memory.

    They are cut as in :class:`nmcourse.tasks.ImageFolder`. The whole of ImageNet does not fit: use
    ``per_class``, or the batches of an ``ImageFolder``.

    Args:
        folder: holds one folder for each class.
        size: pixels of the square images.
        per_class: take only so many pictures of each class.

    Returns:
        Images (image, 3, size, size), brightness 0 to 1.

    Raises:
        FileNotFoundError: if the folder is not there, or it or a class holds nothing.
        ImageFileError: for a picture that cannot be read.
        ValueError: for a number below one.
    """
    return ImageFolder(folder, size, per_class=per_class).load()
