"""Images in shards: what is read is what was written, and damage is noticed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from nmcourse.tasks import (
    ImageFileError,
    ImageFolder,
    ImageSet,
    ShardedImages,
    digit_images,
    write_shards,
)


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return digit_images("train", size=6).subset(slice(25))


@pytest.fixture(scope="module")
def written(images: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(images, tmp_path_factory.mktemp("s") / "shards", per_shard=10)


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def test_what_is_read_is_what_was_written(images: ImageSet, folder: Path):
    sharded = ShardedImages(folder)
    assert [shard["n_images"] for shard in sharded.shards] == [10, 10, 5]
    assert (len(sharded), sharded.size, sharded.n_channels) == (25, (6, 6), 1)
    assert sharded.class_names == images.class_names
    which = torch.tensor([24, 0, 9, 10, 9])
    found, labels = sharded.take(which)
    assert torch.equal(labels, images.labels[which])
    torch.testing.assert_close(found, images.images[which], rtol=0, atol=0.5 / 255 + 1e-6)


def test_normalised_as_a_set_in_memory(folder: Path):
    plain, scaled = ShardedImages(folder), ShardedImages(folder, normalised=True)
    wanted = plain.load().normalised()
    torch.testing.assert_close(scaled.load().images, wanted.images, rtol=1e-4, atol=1e-5)
    like = ShardedImages(folder, normalised=scaled).load(slice(3))
    torch.testing.assert_close(like.images, wanted.images[:3], rtol=1e-4, atol=1e-5)
    assert scaled.to(torch.float64).take(torch.tensor([0]))[0].dtype == torch.float64
    assert len({plain.digest(), scaled.digest(), scaled.to(torch.float64).digest()}) == 3


def test_batches_are_those_of_a_set_in_memory(folder: Path):
    sharded = ShardedImages(folder)
    there = sharded.load()
    seeds = (torch.Generator().manual_seed(0) for _ in range(2))
    streams = [one.batches(7, generator=next(seeds)) for one in (sharded, there)]
    for (found, labels), (wanted, names) in zip(*streams, strict=True):
        assert torch.equal(found, wanted)
        assert torch.equal(labels, names)


def test_pictures_in_folders_become_shards(tmp_path: Path):
    from PIL import Image

    for number, name in enumerate(("cat", "dog")):
        place = tmp_path / "pictures" / name
        place.mkdir(parents=True)
        for grey in (10, 200):
            level = np.full((9, 9, 3), grey + number, dtype=np.uint8)
            Image.fromarray(level).save(place / f"{grey}.png")
    pictures = ImageFolder(tmp_path / "pictures", 8)
    sharded = ShardedImages(write_shards(pictures, tmp_path / "shards", per_shard=3))
    assert sharded.class_names == ("cat", "dog")
    torch.testing.assert_close(sharded.load().images, pictures.load().images)


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_an_altered_byte_is_named(kind: str, folder: Path):
    path = folder / f"shard-00001.{kind}.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImageFileError, match=f"shard-00001.{kind}.npy differs from its checksum"):
        ShardedImages(folder).take(torch.tensor([12]))


def test_shards_that_are_missing_or_others_are_named(folder: Path):
    contents = json.loads((folder / "shards.json").read_text())
    for change, message in (
        ({"format": 2}, "is not format 1 of write_shards"),
        ({"shape": [2, 6, 6]}, "is not format 1 of write_shards"),
        ({"shards": []}, "is not format 1 of write_shards"),
        ({"shards": [{"name": "../x", "n_images": 1, "sha256": {}}]}, "is not format 1"),
        ({"shape": 3}, r"cannot be read \(TypeError"),
    ):
        (folder / "shards.json").write_text(json.dumps(contents | change))
        with pytest.raises(ImageFileError, match=message):
            ShardedImages(folder)
    (folder / "shards.json").write_text(json.dumps(contents))
    (folder / "shard-00002.labels.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"no shard .*shard-00002.labels.npy"):
        ShardedImages(folder)
    with pytest.raises(FileNotFoundError, match=r"no shards.json"):
        ShardedImages(folder.parent)


def test_bad_arguments_are_named(images: ImageSet, folder: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"must have brightness 0 to 1 .* got -"):
        write_shards(images.normalised(), tmp_path / "a")
    with pytest.raises(ValueError, match="per_shard must be a positive integer, got 0"):
        write_shards(images, tmp_path / "b", per_shard=0)
    with pytest.raises(ValueError, match="images must be an ImageSet or an ImageFolder, got int"):
        write_shards(3, tmp_path / "c")
    with pytest.raises(FileExistsError, match="folder must hold no shards yet"):
        write_shards(images, folder)
    with pytest.raises(ValueError, match="dtype must be a floating-point type of torch, got 3"):
        ShardedImages(folder, dtype=3)
