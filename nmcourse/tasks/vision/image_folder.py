"""Pictures in folders, one folder for each class, as ImageNet comes."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from nmcourse._files import user_path
from nmcourse._inputs import count
from nmcourse.tasks.vision._batches import Batched
from nmcourse.tasks.vision._finding import existing_folder
from nmcourse.tasks.vision.image_files import ImageFileError
from nmcourse.tasks.vision.images import ImageSet

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".jpeg", ".jpg", ".png", ".bmp", ".ppm", ".webp"}
# Endings of pictures that are not read: whoever has them should know that they are left out.
OTHER_PICTURES = {".apng", ".avif", ".dib", ".dng", ".exr", ".gif", ".heic", ".heif", ".ico"}
OTHER_PICTURES |= {".j2k", ".jfif", ".jif", ".jp2", ".jpe", ".jxl", ".mpo", ".nef", ".pbm", ".pcx"}
OTHER_PICTURES |= {".pfm", ".pgm", ".pnm", ".psd", ".raw", ".svg", ".tga", ".tif", ".tiff"}
# Folders that systems and programs make; those that begin with a dot are left out as well.
SYSTEM_FOLDERS = {"__macosx", "network trash folder", "temporary items", "thevolumesettingsfolder"}
SYSTEM_FOLDERS |= {"$recycle.bin", "recycled", "recycler", "system volume information"}  # Windows
SYSTEM_FOLDERS |= {"#recycle", "#snapshot", "@eadir", "@recently-snapshot", "@recycle", "@tmp"}
SYSTEM_FOLDERS |= {"~snapshot", "lost+found", "__pycache__", "cvs"}
_REPAIRED = re.compile(r"found\.\d{3}")  # what Windows makes of a damaged disk
MOST_PIXELS = 80_000_000  # of a picture, before and after its size is changed
_FORMATS = ("JPEG", "PNG", "BMP", "PPM", "WEBP")  # whatever the name says; others can run programs
_WITH_ALPHA = {"RGBA", "LA", "PA", "La", "RGBa"}
_ORIENTATION = 0x0112  # the number of this note in EXIF
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
    as wanted, and the square in its middle is cut out. It is turned as its camera has noted
    (EXIF), and stands on white where it is transparent.

    Args:
        folder: holds one folder for each class, which holds pictures. The classes are in the
            order of their names. Hidden folders and those that systems make count for nothing.
        size: pixels of the square.
        per_class: take only so many pictures of each class, the first by name.

    Attributes:
        paths: the pictures, class after class.
        labels: (image,), int64.
        class_names: names of the folders.
        passed_over: ending -> number of files in the folders of classes that are not read. If
            pictures are among them, a warning says so.

    Raises:
        FileNotFoundError: if the folder is not there, or it or a class holds nothing.
        ValueError: for a number below one.
    """

    def __init__(
        self, folder: str | Path, size: int = 224, *, per_class: int | None = None
    ) -> None:
        size = count("size", size)
        per_class = None if per_class is None else count("per_class", per_class)
        where = existing_folder(folder, "It must hold one folder of pictures for each class")
        classes = sorted(path for path in where.iterdir() if path.is_dir() and not _hidden(path))
        if not classes:
            raise FileNotFoundError(
                f"no folder of a class: looked in {where.absolute()}, which must hold one folder "
                "for each class"
            )
        self.paths: list[Path] = []
        labels: list[int] = []
        others: Counter[str] = Counter()
        for label, path in enumerate(classes):
            files = sorted(p for p in path.iterdir() if p.is_file() and not _hidden(p))
            pictures = [p for p in files if p.suffix.lower() in SUFFIXES]
            passed_over = Counter(p.suffix.lower() for p in files)
            for suffix in SUFFIXES:
                del passed_over[suffix]
            others += passed_over
            if not pictures:
                found = f"; it holds {_counted(passed_over)}" if passed_over else ""
                inside = [p.name for p in path.iterdir() if p.is_dir() and not _hidden(p)]
                found += f"; it holds the folder {min(inside)}" if inside else ""
                raise FileNotFoundError(
                    f"no picture of the class {path.name}: looked in {path.absolute()} for "
                    + ", ".join(sorted(SUFFIXES))
                    + found
                )
            chosen = pictures[:per_class]
            self.paths += chosen
            labels += [label] * len(chosen)
        self.size, self.labels = size, torch.tensor(labels)
        self.class_names = tuple(path.name for path in classes)
        self.passed_over = dict(others)
        left_out = {suffix: n for suffix, n in others.items() if suffix in OTHER_PICTURES}
        if left_out:
            warnings.warn(
                f"{where.absolute()} holds pictures that are passed over: {_counted(left_out)}; "
                f"only {', '.join(sorted(SUFFIXES))} are read",
                stacklevel=2,
            )

    def __len__(self) -> int:
        return len(self.paths)

    batches = Batched.batches

    def load(self) -> ImageSet:
        """All pictures in memory: 0.6 MB for each of 224 pixels.

        Raises:
            ImageFileError: for a picture that cannot be read.
        """
        return ImageSet(*self.take(torch.arange(len(self))), self.class_names)

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """Images (batch, 3, size, size) and labels (batch,) of these numbers, read now.

        Raises:
            ImageFileError: for a picture that cannot be read.
        """
        images = [read_picture(self.paths[number], self.size) for number in which.tolist()]
        return torch.stack(images), self.labels[which]


def read_picture(path: str | Path, size: int = 224) -> Tensor:
    """One picture, cut as in :class:`ImageFolder`.

    Args:
        path: the file.
        size: pixels of the square.

    Returns:
        (3, size, size), brightness 0 to 1.

    Raises:
        ImageFileError: for a picture that cannot be read.
        ValueError: for a size below one.
    """
    from PIL import Image  # here: only pictures need it

    size, path = count("size", size), user_path(path, "path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)
            with Image.open(path, formats=_FORMATS) as file:
                _scaled(size, *file.size)  # before memory is taken for it
                picture = _in_colour(_upright(file))
            width, height = _scaled(size, *picture.size)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageFileError(f"{path} has too many pixels: {error}") from error
    except _PILLOW_ERRORS as error:
        raise ImageFileError(f"{path} cannot be read as a picture: {error}") from error
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    picture = picture.crop((left, top, left + size, top + size))
    values = torch.from_numpy(np.array(picture)).movedim(-1, 0)
    return values.to(torch.get_default_dtype()) / 255.0


def _scaled(size: int, width: int, height: int) -> tuple[int, int]:
    """Pixels of a picture whose shorter side is as long as it should be."""
    scale = round(size * _WIDER) / min(width, height)
    wide, high = (max(size, round(n * scale)) for n in (width, height))
    if max(width * height, wide * high) > MOST_PIXELS:
        raise ValueError(
            f"it must have at most {MOST_PIXELS} pixels, and so must it at the size asked for; "
            f"got {width} x {height}, which becomes {wide} x {high}"
        )
    return wide, high


def _hidden(path: Path) -> bool:
    """Whether a folder or a file is there for a system, and not for a person."""
    name = path.name.lower()
    system = name in SYSTEM_FOLDERS or _REPAIRED.fullmatch(name) is not None
    return name.startswith(".") or (system and path.is_dir())


def _counted(endings: Mapping[str, int]) -> str:
    """Such as: 2 .gif, 1 without an ending."""
    ordered = sorted(endings.items())
    return ", ".join(f"{n} {suffix or 'without an ending'}" for suffix, n in ordered)


def _upright(picture: Image.Image) -> Image.Image:
    """A picture as it was held, where the camera has noted it; a damaged note is no note."""
    from PIL import ImageOps

    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except _PILLOW_ERRORS:
        return picture
    return ImageOps.exif_transpose(picture) if orientation in range(2, 9) else picture


def _in_colour(picture: Image.Image) -> Image.Image:
    """A picture as RGB, with everything that it shows."""
    from PIL import Image

    clear = picture.info.get("transparency")
    if picture.mode.startswith("I"):  # 16 bits: convert() would cut them off
        levels = np.asarray(picture)
        grey = (levels.astype(np.float64) / 257.0).round().clip(0, 255).astype(np.uint8)
        grey[levels == clear] = 255
        return Image.fromarray(grey).convert("RGB")
    if isinstance(clear, tuple) and max(clear) > 255:  # its pixels have 8 bits left of 16
        raise ValueError("colours of 16 bits, one of them transparent, are not read")
    if picture.mode.startswith("F"):
        raise ValueError(f"pictures of the kind {picture.mode!r} are not read")
    if picture.mode not in _WITH_ALPHA and clear is None:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


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

    Warns:
        UserWarning: if pictures are passed over because of their ending.
    """
    return ImageFolder(folder, size, per_class=per_class).load()
