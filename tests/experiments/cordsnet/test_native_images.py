"""F30: what is asked of networks on images of native size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nmcourse.evidence import LedgerError
from nmcourse.evidence.store import Results
from nmcourse.experiments.cordsnet import native_images
from nmcourse.experiments.cordsnet.native_images import TARGETS, judge, parts
from nmcourse.experiments.image_sets import IMAGES, image_set
from nmcourse.training import DivergenceError


def results(**changes):
    rows = {
        "fashion_mnist": {"accuracy": [0.89] * 5, "cnn": [0.9] * 5},
        "mnist": {"accuracy": [0.99] * 5, "cnn": [0.99] * 5},
        "cifar10": {"accuracy": [0.6] * 3, "cnn": [0.63] * 3},
    }
    for row in rows.values():
        n = len(row["cnn"])
        for key in ("shown_accuracy", "held_accuracy", "second_accuracy"):
            row[key] = row["accuracy"]
        row |= {"distance": [0.01] * n, "trained_step": [0.8] * n}
    for place, values in changes.items():
        name, key = place.split("__")
        rows[name][key] = values
    return Results(rows, {"seeds": dict.fromkeys(TARGETS, 5)})


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, set()),
        ({"fashion_mnist__accuracy": [0.89, 0.89, 0.89, 0.89, 0.1]}, set()),  # four in five
        (
            {"fashion_mnist__accuracy": [0.885, 0.885, 0.885, 0.88, 0.88]},
            {"more than 88.0% of fashion_mnist"},
        ),
        ({"fashion_mnist__cnn": [0.92] * 5}, {"within 2% of the CNN on fashion_mnist"}),
        ({"mnist__accuracy": [0.98] * 5}, {"more than 98.5% of mnist"}),
        ({"cifar10__cnn": [0.65] * 3}, {"within 4% of the CNN on cifar10"}),
        ({"cifar10__held_accuracy": [0.1] * 3}, {"the answer lasts on cifar10"}),
        ({"mnist__second_accuracy": [0.9] * 5}, {"a second image is classified on mnist"}),
    ],
    ids=str,
)
def test_every_sentence_can_fail_alone(changes, missed):
    found = results(**changes)
    holds = {text: held for name in TARGETS for text, held in parts(found, name).items()}
    assert {text for text, held in holds.items() if not held} == missed
    assert all(text in judge(found).measured for text in missed)
    assert judge(found).status == "measured"


def test_the_whole_way_at_the_smoke_tier(tmp_path, monkeypatch):
    monkeypatch.setattr(
        native_images, "in_parallel", lambda jobs: {name: job() for name, job in jobs.items()}
    )
    first = native_images.run("smoke", tmp_path)
    assert set(first["metrics"]) == set(TARGETS)
    assert all(len(row["trained_step"]) == 1 for row in first["metrics"].values())
    monkeypatch.setattr(native_images, "_train", lambda *arguments: pytest.fail("trained again"))
    assert native_images.run("smoke", tmp_path) == first  # read, not trained again


def test_a_training_that_diverged_counts_and_is_not_shipped(tmp_path, monkeypatch):
    lost = {f"mnist__{key}": [0.99] * 3 + [value] * 2 for key, value in native_images._LOST.items()}
    found = judge(results(**lost))
    for text in ("more than 98.5%", "the answer lasts", "a second image is classified"):
        assert f"{text} o" in found.measured.split("Missed:")[1]
    assert "Trainings that diverged, and count as wrong in everything: mnist 2." in found.caveats
    assert "-100" not in found.measured + found.spread  # no share below nothing
    lost = {
        f"fashion_mnist__{key}": [0.9] * 3 + [value] * 2
        for key, value in native_images._LOST.items()
    }
    assert "within 2% of the CNN on fashion_mnist" in judge(results(**lost)).measured
    once = {f"mnist__{key}": [0.99] * 4 + [value] for key, value in native_images._LOST.items()}
    assert "Missed" not in judge(results(**once)).measured

    def diverge(train, *arguments, seed, **options):
        if seed == 0:
            raise DivergenceError(3, torch.tensor([torch.nan]))
        return in_stages(train, *arguments, seed=seed, **options)

    in_stages, shipped = native_images.train_in_stages, {}
    monkeypatch.setattr(
        native_images, "in_parallel", lambda jobs: {n: j() for n, j in jobs.items()}
    )
    monkeypatch.setattr(native_images, "train_in_stages", diverge)
    monkeypatch.setattr(native_images, "ship", lambda name, *a, **k: shipped.update({name: (a, k)}))
    smoke = native_images.SETTINGS["smoke"]
    twice = smoke | {"seeds": dict.fromkeys(TARGETS, 2)}
    monkeypatch.setattr(native_images, "for_tier", lambda tier, settings: twice)
    row = native_images.run("cpu", tmp_path)["metrics"]["mnist"]
    assert {key: values[0] for key, values in row.items()} == native_images._LOST
    assert row["distance"][1] is not None
    assert "mnist_0/diverged.txt" in {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.txt")}
    (models,), options = shipped["native_cordsnet_mnist"]
    assert (len(models), options["seeds"]) == (1, [1])


def test_images_that_a_reader_has(tmp_path, monkeypatch):
    monkeypatch.delenv(IMAGES, raising=False)
    with pytest.raises(LedgerError, match=r"NMCOURSE_IMAGES.*fetch_images"):
        image_set("mnist", "train")
    monkeypatch.setenv(IMAGES, str(tmp_path))
    with pytest.raises(ValueError, match=r"name must be one of.*got 'imagenet'"):
        image_set("imagenet", "train")
    with pytest.raises(FileNotFoundError, match="fashion-mnist"):
        image_set("fashion_mnist", "test")
    pixels = np.arange(2 * 32 * 32 * 3, dtype=np.uint8).reshape(2, 32, 32, 3)
    (tmp_path / "cifar10").mkdir()
    arrays = {
        f"{key}_{split}": v
        for split in ("train", "test")
        for key, v in (("x", pixels), ("y", np.array([[3], [9]])))
    }
    np.savez(tmp_path / "cifar10" / "cifar10_20000_5000.npz", **arrays)
    found = image_set("cifar10", "test")
    assert found.images.shape == (2, 3, 32, 32)
    assert found.labels.tolist() == [3, 9]
    assert torch.equal(found.images[1, 2], torch.from_numpy(pixels[1, :, :, 2] / np.float32(255)))
