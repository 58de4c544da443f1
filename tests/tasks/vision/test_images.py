"""Sets of images: shapes, splits, sizes, batches, and what is refused."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import torch

from nmcourse.tasks import ImageSet, RowByRowDigits, digit_images


def complains(message: str):
    return pytest.raises(ValueError, match="^" + re.escape(message))


def some_images(n: int = 7, channels: int = 2, size: tuple[int, int] = (3, 4)) -> ImageSet:
    """Images whose first pixel is their own number."""
    images = torch.rand(n, channels, *size)
    images[:, 0, 0, 0] = torch.arange(n)
    return ImageSet(images, torch.arange(n) % 3, ("a", "b", "c"))


def test_a_set_knows_its_sizes():
    some = some_images()
    assert (len(some), some.n_channels, some.n_classes, some.size) == (7, 2, 3, (3, 4))


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_are_those_of_the_row_by_row_task(split: str):
    digits, rows = digit_images(split, size=8), RowByRowDigits(split, steps_per_row=1).enumerate()
    assert torch.equal(digits.images.squeeze(1), rows.inputs)
    assert torch.equal(digits.labels, rows.conditions["label"])
    assert digits.class_names == tuple("0123456789")


def test_digits_of_16_pixels_are_smooth_and_as_bright():
    small, large = digit_images("test", size=8), digit_images("test")
    assert large.images.shape == (360, 1, 16, 16)
    assert large.images.dtype == torch.get_default_dtype()
    assert large.images.min() >= 0
    assert large.images.max() <= 1
    assert large.images.mean().item() == pytest.approx(small.images.mean().item(), abs=1e-3)
    # a pixel between two others is their weighted mean: 3/4 and 1/4
    row = small.images[:, 0, 0]
    expected = 0.75 * row[:, 3] + 0.25 * row[:, 4]
    torch.testing.assert_close(large.images[:, 0, 0, 7], expected)


def test_shrinking_leaves_no_pixel_out():
    images = torch.zeros(1, 1, 12, 12)
    images[0, 0, 5, 5] = 144.0  # one pixel between those that are left
    shrunk = ImageSet(images, torch.zeros(1, dtype=torch.long), ("a",)).resized(3).images
    assert shrunk.mean().item() == pytest.approx(1.0, rel=0.2)  # as before: 144 / 12²
    assert some_images().resized((6, 8)).size == (6, 8)
    same = some_images()
    assert same.resized((3, 4)) is same


def test_subset_by_slice_numbers_and_mask():
    some = some_images()
    for which in (slice(1, 7, 3), [1, 4], torch.tensor([1, 4]), some.labels == 1):
        part = some.subset(which)
        assert part.images[:, 0, 0, 0].tolist() == [1, 4]
        assert part.labels.tolist() == [1, 1]
        assert part.class_names == some.class_names


def test_image_numbers_may_be_of_any_library():
    some = some_images()
    for which in (
        np.array([1, 4], dtype=np.uint8),  # torch takes unsigned bytes for truth values
        torch.tensor([1, 4], dtype=torch.uint8),
        np.array([1, 4], dtype=np.int32),
        [np.int64(1), 4],
        range(1, 5, 3),
        (1, 4),
        np.asarray(some.labels == 1),
    ):
        assert some.subset(which).images[:, 0, 0, 0].tolist() == [1, 4]


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ([0.5], "which must hold image numbers, got torch.float32 numbers"),
        ("12", "which must hold numbers, got '12'"),
        ([1, 900], "which must choose among"),
        (torch.ones(3, dtype=torch.bool), "which must choose among"),
    ],
)
def test_what_chooses_no_image(which, message):
    with pytest.raises(ValueError, match=message):
        some_images().subset(which)


def test_normalised_has_mean_zero_and_deviation_one_in_each_channel():
    some = some_images(50)
    found = some.normalised().images
    torch.testing.assert_close(found.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std(dim=(0, 2, 3), correction=0), torch.ones(2))


def test_test_images_take_mean_and_deviation_of_training_images():
    train, test = some_images(50), some_images(20)
    found = test.normalised(like=train).images
    mean, deviation = train.images[:, 1].mean(), train.images[:, 1].std(correction=0)
    torch.testing.assert_close(found[:, 1], (test.images[:, 1] - mean) / deviation)


def test_every_image_comes_once_in_an_epoch_with_its_label():
    some = some_images()
    batches = list(some.batches(3, generator=torch.Generator().manual_seed(0), epochs=2))
    assert [len(labels) for _, labels in batches] == [3, 3, 1] * 2
    for epoch in (batches[:3], batches[3:]):
        numbers = torch.cat([images[:, 0, 0, 0] for images, _ in epoch])
        assert sorted(numbers.tolist()) == list(range(7))
    for images, labels in batches:
        assert torch.equal(labels, images[:, 0, 0, 0].long() % 3)
    first, second = (torch.cat([y[0] for y in e]) for e in (batches[:3], batches[3:]))
    assert not torch.equal(first, second)  # another order in each epoch


def test_order_follows_the_generator_or_is_that_of_the_set():
    some = some_images(30)

    def order(**options: object) -> list[float]:
        batches = some.batches(10, **options)
        return torch.cat([images[:, 0, 0, 0] for images, _ in batches]).tolist()

    drawn = [order(generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert order(shuffle=False) == list(range(30))


def test_batches_for_ever_and_whole_ones_only():
    some = some_images()
    lengths = [len(y) for _, y in itertools.islice(some.batches(3, epochs=None), 10)]
    assert lengths == [3, 3, 1] * 3 + [3]
    lengths = [len(y) for _, y in some.batches(3, epochs=2, drop_last=True)]
    assert lengths == [3] * 4


def test_to_another_type():
    some = some_images().to(torch.float64)
    assert some.images.dtype == torch.float64
    assert some.labels.dtype == torch.int64


def test_bad_sets():
    images, labels, names = torch.rand(4, 1, 3, 3), torch.tensor([0, 1, 0, 1]), ("a", "b")
    with complains("images must have shape (image, channel, height, width) with nothing empty"):
        ImageSet(images[0], labels, names)
    with complains("images must have shape (image, channel, height, width) with nothing empty"):
        ImageSet(images[:0], labels[:0], names)
    with complains("images must be floating point, got torch.uint8"):
        ImageSet(images.byte(), labels, names)
    with complains("images must be finite"):
        ImageSet(images / 0, labels, names)
    with complains("labels must have shape (4,), one per image, got (3,)"):
        ImageSet(images, labels[:3], names)
    with complains("labels must be torch.int64, got torch.int32"):
        ImageSet(images, labels.int(), names)
    for wrong in (-1, 2):
        with complains(f"labels must be from 0 to 1, one for each of the class_names, got {wrong}"):
            ImageSet(images, torch.tensor([0, 1, 0, wrong]), names)


def test_bad_requests():
    some = some_images()
    with complains("split must be 'train' or 'test', got 'all'"):
        digit_images("all")
    for wrong in (0, 2.5, (3, 0), (1, 2, 3)):
        with complains(
            f"size must be a positive integer or two of them, height and width, got {wrong!r}"
        ):
            some.resized(wrong)
    with complains("which must be a slice or image numbers, got the number 3"):
        some.subset(3)
    with complains("which must choose images by one axis, at least one, got []"):
        some.subset([])
    with complains("batch_size must be a positive integer, got 0"):
        some.batches(0)
    with complains("epochs must be a positive integer, got 0"):
        some.batches(2, epochs=0)
    with complains("batch_size must be at most the 7 images of the set"):
        some.batches(8, drop_last=True)
    with complains("like must have 2 channels as these images do, got 1"):
        some.normalised(like=some_images(channels=1))
    with complains("images must vary in every channel, but channel 0 does not"):
        ImageSet(torch.ones(3, 1, 2, 2), torch.zeros(3, dtype=torch.long), ("a",)).normalised()
