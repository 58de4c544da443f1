"""Pictures in folders, written here with Pillow."""

from __future__ import annotations

import re
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
