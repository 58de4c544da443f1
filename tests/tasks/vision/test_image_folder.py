"""Pictures in folders, written here with Pillow."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nmcourse.tasks import ImageFileError, ImageFolder, read_image_folder


def complains(message: str, kind: type[Exception] = ValueError):
    return pytest.raises(kind, match=re.escape(message))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, three pictures each; colour says which one it is."""
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for k in range(3):
            colour = (50 * k, 100 * number, 200)
            Image.new("RGB", (20 + k, 14), colour).save(tmp_path / name / f"{k}.png")
    (tmp_path / "dog" / "notes.txt").write_text("not a picture")
    return tmp_path


def test_classes_are_folders_in_the_order_of_their_names(folder: Path):
    found = read_image_folder(folder, size=7)
    assert found.class_names == ("cat", "dog")
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.images.shape == (6, 3, 7, 7)
    colours = (255 * found.images[..., 3, 3]).round().tolist()
    assert colours == [[50.0 * k, 100.0 * n, 200.0] for n in (0, 1) for k in range(3)]


def test_the_middle_square_is_cut_out(tmp_path: Path):
    (tmp_path / "a").mkdir()
    values = np.zeros((8, 24, 3), np.uint8)
    values[:, 8:16] = 255  # the middle third is white
    Image.fromarray(values).save(tmp_path / "a" / "x.png")
    image = read_image_folder(tmp_path, size=8).images[0]  # shorter side 9, then 8 of 9 x 27
    assert image[:, :, 1:-1].min() > 0.99
    high = np.ascontiguousarray(values.swapaxes(0, 1))
    Image.fromarray(high).save(tmp_path / "a" / "x.png")
    assert torch.equal(read_image_folder(tmp_path, size=8).images[0], image.transpose(1, 2))


def test_a_large_picture_shrinks_before_it_is_cut(tmp_path: Path):
    (tmp_path / "a").mkdir()
    values = np.full((64, 64, 3), 255, np.uint8)
    values[16:48, 16:48] = 0  # black in the middle, white within a quarter of each border
    Image.fromarray(values).save(tmp_path / "a" / "x.png")
    image = read_image_folder(tmp_path, size=16).images[0, 0]
    assert image[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [1.0] * 4
    assert image[6:10, 6:10].max() == 0.0


def test_grey_and_transparent_pictures_have_three_channels(tmp_path: Path):
    (tmp_path / "a").mkdir()
    Image.new("L", (9, 9), 100).save(tmp_path / "a" / "grey.JPEG")
    Image.new("RGBA", (9, 9), (1, 2, 3, 255)).save(tmp_path / "a" / "see-through.png")
    images = read_image_folder(tmp_path, size=4).images
    assert (images[0] * 255).round().unique().tolist() == [100]
    assert (images[1, :, 0, 0] * 255).round().tolist() == [1, 2, 3]


def test_batches_read_the_same_pictures(folder: Path):
    pictures, loaded = ImageFolder(folder, 7), read_image_folder(folder, 7)
    batches = list(pictures.batches(4, shuffle=False))
    assert torch.equal(torch.cat([images for images, _ in batches]), loaded.images)
    assert torch.equal(torch.cat([labels for _, labels in batches]), loaded.labels)
    generator = torch.Generator().manual_seed(0)
    labels = torch.cat([labels for _, labels in pictures.batches(4, generator=generator)])
    assert sorted(labels.tolist()) == [0, 0, 0, 1, 1, 1]
    assert labels.tolist() != [0, 0, 0, 1, 1, 1]


def test_some_of_each_class(folder: Path):
    found = ImageFolder(folder, 7, per_class=2)
    assert [f"{path.parent.name}/{path.name}" for path in found.paths] == [
        f"{name}/{k}.png" for name in ("cat", "dog") for k in (0, 1)
    ]
    assert len(found.load()) == 4


def test_what_is_missing_and_where_it_was_looked_for(folder: Path):
    with complains(f"looked for {folder / 'nowhere'}", FileNotFoundError):
        ImageFolder(folder / "nowhere")
    (folder / "empty").mkdir()
    with complains(f"no picture of the class empty: looked in {folder / 'empty'}", OSError):
        ImageFolder(folder)
    with complains(f"no folder of a class: looked in {folder / 'empty'}", FileNotFoundError):
        ImageFolder(folder / "empty")


def test_a_damaged_picture_is_named(folder: Path):
    path = folder / "cat" / "1.png"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"no picture"):
        path.write_bytes(content)
        with complains(f"{path} cannot be read as a picture", ImageFileError):
            read_image_folder(folder, 7)


def test_bad_requests(folder: Path):
    with complains("size must be a positive integer, got 0"):
        ImageFolder(folder, 0)
    with complains("per_class must be a positive integer, got -1"):
        ImageFolder(folder, per_class=-1)
    with complains("batch_size must be a positive integer, got 0"):
        ImageFolder(folder, 7).batches(0)


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints",
        ".git",
        ".Trash-1000",
        "__MACOSX",
        "__pycache__",
        "@eaDir",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "@Recycle",
        "@Recently-Snapshot",
        "#snapshot",
        "~snapshot",
        "Network Trash Folder",
        "Temporary Items",
        "RECYCLED",
        "FOUND.000",
    ],
)
def test_folders_of_systems_are_no_classes(folder: Path, name: str):
    before = ImageFolder(folder, 7)
    (folder / name).mkdir()
    Image.new("RGB", (9, 9)).save(folder / name / "x.png")  # as __MACOSX and checkpoints have
    found = ImageFolder(folder, 7)
    assert found.class_names == before.class_names
    assert found.labels.tolist() == before.labels.tolist()
    assert found.paths == before.paths
    (folder / "_other").mkdir()  # a name that a person may give
    Image.new("RGB", (9, 9)).save(folder / "_other" / "x.png")
    assert ImageFolder(folder, 7).class_names == ("_other", "cat", "dog")


def test_hidden_files_are_no_pictures(folder: Path):
    (folder / "cat" / "._0.png").write_bytes(b"a resource fork")
    (folder / "cat" / ".DS_Store").write_bytes(b"")
    found = ImageFolder(folder, 7)
    assert len(found) == 6
    assert found.passed_over == {".txt": 1}


def stored(picture: Image.Image, folder: Path, name: str = "x.png", **options: object):
    """The middle of a stored picture as it is read, three bytes."""
    (folder / "a").mkdir(exist_ok=True)
    picture.save(folder / "a" / name, **options)
    image = read_image_folder(folder, size=4).images[0]
    (folder / "a" / name).unlink()
    return (255 * image[:, 2, 2]).round().int().tolist()


def test_transparent_pictures_stand_on_white(tmp_path: Path):
    for alpha, expected in ((255, [200, 0, 0]), (0, [255] * 3), (51, [244, 204, 204])):
        colour = Image.new("RGBA", (9, 9), (200, 0, 0, alpha))
        assert stored(colour, tmp_path) == expected
        assert stored(colour, tmp_path, "x.webp", lossless=True, exact=True) == expected
    for alpha, expected in ((255, [40] * 3), (0, [255] * 3)):
        assert stored(Image.new("LA", (9, 9), (40, alpha)), tmp_path) == expected
    palette = Image.new("P", (9, 9), 1)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    assert stored(palette, tmp_path) == [200, 0, 0]
    assert stored(palette, tmp_path, transparency=0) == [200, 0, 0]
    assert stored(palette, tmp_path, transparency=1) == [255] * 3
    assert stored(palette, tmp_path, transparency=bytes([255, 51])) == [244, 204, 204]
    assert (
        stored(Image.new("RGB", (9, 9), (1, 2, 3)), tmp_path, transparency=(1, 2, 3)) == [255] * 3
    )
    assert stored(Image.new("L", (9, 9), 7), tmp_path, transparency=7) == [255] * 3
    assert stored(Image.new("L", (9, 9), 7), tmp_path, transparency=8) == [7] * 3


def test_grey_levels_of_16_bits_keep_their_differences(tmp_path: Path):
    (tmp_path / "a").mkdir()
    for level, expected in ((0, 0), (257, 1), (30_000, 117), (65_535, 255)):
        values = np.full((9, 9), level, np.uint16)
        Image.fromarray(values).save(tmp_path / "a" / "x.png")
        (tmp_path / "a" / "y.ppm").write_bytes(b"P5 9 9 65535\n" + values.astype(">u2").tobytes())
        images = 255 * read_image_folder(tmp_path, size=4).images
        assert images.round().unique().tolist() == [expected]
    (tmp_path / "a" / "y.ppm").write_bytes(b"Pf 9 9 -1.0\n" + np.ones(81, "<f4").tobytes())
    with complains("pictures of the kind 'F' are not read", ImageFileError):
        read_image_folder(tmp_path, size=4)


def test_a_transparent_level_of_16_bits_stands_on_white(tmp_path: Path):
    (tmp_path / "a").mkdir()
    levels = np.full((9, 9), 30_000, np.uint16)
    levels[:, 5:] = 30_001  # nearly the same, and not transparent
    Image.fromarray(levels).save(tmp_path / "a" / "x.png", transparency=30_000)
    image = 255 * read_image_folder(tmp_path, size=8).images[0]
    assert image[:, :, 0].unique().tolist() == [255.0]
    assert image[:, :, -1].round().unique().tolist() == [117.0]


def test_a_transparent_colour_of_16_bits_is_refused(tmp_path: Path):
    (tmp_path / "a").mkdir()
    colour = struct.pack(">HHH", 30_000, 20_000, 10_000)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
        (b"tRNS", colour),
        (b"IDAT", zlib.compress(4 * (b"\0" + 4 * colour))),
        (b"IEND", b""),
    )
    content = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    (tmp_path / "a" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with complains("colours of 16 bits, one of them transparent, are not read", ImageFileError):
        read_image_folder(tmp_path, size=4)


@pytest.mark.parametrize(
    "turn",
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: image[::-1, ::-1]),
        (4, lambda image: image[::-1]),
        (5, lambda image: image.swapaxes(0, 1)),
        (6, lambda image: np.rot90(image)),
        (7, lambda image: np.rot90(image, 2).swapaxes(0, 1)),
        (8, lambda image: np.rot90(image, -1)),
    ],
    ids=lambda turn: str(turn[0]),
)
@pytest.mark.parametrize("ending", ["png", "webp", "jpg"])
def test_a_picture_is_turned_as_the_camera_has_noted(tmp_path: Path, turn, ending: str):
    (tmp_path / "a").mkdir()
    upright = np.zeros((32, 16, 3), np.uint8)
    upright[8:16, :8] = 255  # white at the upper left of the middle square
    note, as_held = turn
    exif = Image.Exif()
    exif[0x0112] = note
    kept = Image.fromarray(np.ascontiguousarray(as_held(upright)))
    kept.save(tmp_path / "a" / f"x.{ending}", exif=exif, **{"lossless": True, "quality": 100})
    image = read_image_folder(tmp_path, size=14).images[0].mean(dim=0)
    corners = [image[y, x].item() > 0.5 for y in (3, 10) for x in (3, 10)]
    assert corners == [True, False, False, False]


def test_a_damaged_note_is_no_note(tmp_path: Path):
    (tmp_path / "a").mkdir()
    damaged = b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12"
    Image.new("RGB", (9, 9), (9, 9, 9)).save(tmp_path / "a" / "x.jpg", exif=damaged)
    assert read_image_folder(tmp_path, size=4).images.shape == (1, 3, 4, 4)


def test_pictures_that_are_passed_over_are_counted_and_named(folder: Path):
    for name in ("a.tif", "b.TIFF", "c.jfif", "d.jpe", "e.pgm", "f.gif", "g.GIF"):
        (folder / "cat" / name).write_bytes(b"")
    message = (
        "holds pictures that are passed over: 2 .gif, 1 .jfif, 1 .jpe, 1 .pgm, 1 .tif, 1 .tiff; "
        "only .bmp, .jpeg, .jpg, .png, .ppm, .webp are read"
    )
    with pytest.warns(UserWarning, match=re.escape(message)):
        found = ImageFolder(folder, 7)
    assert len(found) == 6
    assert found.passed_over == {
        ".gif": 2,
        ".jfif": 1,
        ".jpe": 1,
        ".pgm": 1,
        ".tif": 1,
        ".tiff": 1,
        ".txt": 1,
    }
    with pytest.warns(UserWarning, match="2 .gif"):
        read_image_folder(folder, 7)


def test_an_empty_class_says_what_it_holds_instead(folder: Path):
    (folder / "eel").mkdir()
    for name in ("a.tif", "b.tif", "README"):
        (folder / "eel" / name).write_bytes(b"")
    with complains("; it holds 1 without an ending, 2 .tif", FileNotFoundError):
        ImageFolder(folder, 7)
    for path in (folder / "eel").iterdir():
        path.unlink()
    (folder / "eel" / "images").mkdir()
    with complains("; it holds the folder images", FileNotFoundError):
        ImageFolder(folder, 7)
