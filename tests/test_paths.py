"""`~` is the home folder in every path that a caller gives."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from nmcourse import pretrained, tasks, training
from nmcourse._files import user_path
from nmcourse.models import CordsNet, VanillaRNN
from nmcourse.pretrained.manifest import FOLDER
from nmcourse.tasks.vision import image_downloads
from tests.training.vision.test_recipe import TINY, digits
from tools import pairs


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own; the working folder stays empty."""
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home, work):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    yield home
    assert list(work.iterdir()) == []


def test_checkpoints(home: Path):
    task = tasks.MeasureWaitGo([120, 140], duration=700)
    settings = {"n_steps": 2, "progress": False, "checkpoint": "~/runs/one.pt"}
    training.fit(VanillaRNN(3, 2, 1), task, **settings)
    assert (home / "runs/one.pt").is_file()
    training.fit(VanillaRNN(3, 2, 1), task, **settings)  # goes on from there
    training.save_tensors("~/runs/two.pt", [1])
    assert training.load_tensors("~/runs/two.pt") == [1]


def test_checkpoints_of_stages(home: Path):
    images, held_out = digits()
    training.train_in_stages(
        images, held_out, TINY, areas="small-R1", folder=Path("~/stages"), progress=False
    )
    assert (home / "stages/annealed_1.pt").is_file()
    model = CordsNet("small-R1", 1, 10, image_size=6)
    training.anneal_stage(
        model,
        images,
        held_out,
        n_steps=1,
        slopes=(0.0,),
        trial=TINY.trial,
        checkpoint="~/alone.pt",
        batch_size=2,
        progress=False,
    )
    assert (home / "alone_0.pt").is_file()


def test_images(home: Path, monkeypatch: pytest.MonkeyPatch):
    (home / "pictures/a").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(home / "pictures/a/1.png")
    assert len(tasks.read_image_folder("~/pictures", 4)) == 1
    assert len(tasks.ImageFolder(Path("~/pictures"), 4)) == 1
    for read in (tasks.read_idx, tasks.read_cifar):
        with pytest.raises(FileNotFoundError, match=re.escape(str(home / "pictures"))):
            read("~/pictures")

    def download(address: str, md5: str, where: Path) -> Path:
        where.mkdir(parents=True, exist_ok=True)
        path = where / address.rsplit("/", 1)[1]
        path.write_bytes(b"")
        return path

    monkeypatch.setattr(image_downloads, "_download", download)
    assert tasks.fetch_images("mnist", "~/data") == home / "data/mnist"
    assert (home / "data/mnist/SHA256SUMS").is_file()


def test_weights(home: Path):
    (home / "weights").symlink_to(FOLDER)
    assert pretrained.available(folder="~/weights") == pretrained.available()
    assert pretrained.info("mwg_lstm", folder="~/weights").name == "mwg_lstm"
    assert pretrained.load("mwg_lstm", folder=Path("~/weights"))
    assert pretrained.parameters("mwg_lstm", folder="~/weights")


def test_every_command_takes_its_paths_so():
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in ("nmcourse", "tools")
        for path in (pairs.ROOT / folder).rglob("*.py")
    }
    assert [str(path) for path, text in texts.items() if re.search(r"\btype=Path\b", text)] == []
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=user_path)
    assert parser.parse_args(["--out", "~/x"]).out == Path.home() / "x"


def test_what_is_no_path_is_refused_by_name():
    for wrong in (3, None, b"bytes", ["a"]):
        with pytest.raises(ValueError, match=r"^checkpoint must be a path, got "):
            user_path(wrong, "checkpoint")
    with pytest.raises(ValueError, match=r"^folder must begin with a home folder that is there"):
        user_path("~nobody-of-this-name/x", "folder")
    with pytest.raises(ValueError, match=r"^checkpoint must be a path, got tensor"):
        training.fit(
            VanillaRNN(3, 2, 1), tasks.MeasureWaitGo(), n_steps=1, checkpoint=torch.zeros(1)
        )
