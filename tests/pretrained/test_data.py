"""What networks that see were trained on stands in the manifest, where the rest is shown."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from nmcourse import pretrained
from nmcourse.experiments import image_sets
from nmcourse.experiments.cordsnet import native_loss, staged_training
from nmcourse.experiments.eye import rule_switch
from nmcourse.experiments.from_pixels import networks as films
from nmcourse.experiments.image_sets import learnt_from
from nmcourse.experiments.seeing import networks
from nmcourse.models import Seeing
from nmcourse.pretrained import BUILDERS, PretrainedError
from nmcourse.pretrained.__main__ import main
from nmcourse.pretrained.builders.from_pixels import FILM_BUILDERS
from nmcourse.pretrained.builders.row_by_row_digits import DIGITS_BUILDERS
from nmcourse.pretrained.builders.vision import CORDSNET_BUILDERS

SEE = {one.__name__ for one in (*CORDSNET_BUILDERS, *FILM_BUILDERS, *DIGITS_BUILDERS)}
EXPERIMENTS = Path(image_sets.__file__).parent


def sees(name: str) -> bool:
    """Whether networks of the manifest look at pictures, whoever builds them."""
    config = pretrained.info(name).config
    model = BUILDERS[config["build"]](**config["kwargs"], generator=torch.Generator())
    return config["build"] in SEE or any(isinstance(part, Seeing) for part in model.modules())


@pytest.mark.parametrize("name", pretrained.available())
def test_networks_that_see_say_what_they_were_trained_on(name: str):
    data = pretrained.info(name).data
    assert bool(data) == sees(name)
    assert not data or re.search(r", (\d+) by \1 pixels(,|$)", data)


def test_the_size_in_words_is_that_of_the_network():
    for name in filter(sees, pretrained.available()):
        model = pretrained.load_all(name, kind=nn.Module)[0]
        eye = next((part for part in model.modules() if isinstance(part, Seeing)), None)
        if eye is not None:
            height, width = eye.image_size
            assert f"{height} by {width} pixels" in pretrained.info(name).data, name


def saved(folder: Path, **options: str) -> pretrained.Entry:
    config = {"build": "measure_wait_go_lstm", "kwargs": {}}
    model = BUILDERS["measure_wait_go_lstm"](generator=torch.Generator())
    return pretrained.save(
        "net", model, command="c", metrics={}, config=config, folder=folder, **options
    )


def test_it_comes_back_and_is_shown(tmp_path: Path, capsys):
    saved(tmp_path, data="Fashion-MNIST, 28 by 28 pixels")
    assert pretrained.info("net", folder=tmp_path).data == "Fashion-MNIST, 28 by 28 pixels"
    assert main([], folder=tmp_path) == 0
    assert "    trained on: Fashion-MNIST, 28 by 28 pixels\n" in capsys.readouterr().out
    assert main(["--json"], folder=tmp_path) == 0
    assert json.loads(capsys.readouterr().out)[0]["data"] == "Fashion-MNIST, 28 by 28 pixels"


def test_a_manifest_without_the_field_is_read(tmp_path: Path, capsys):
    saved(tmp_path)
    path = tmp_path / "manifest.json"
    record = json.loads(path.read_text())
    assert "data" not in record["files"]["net"]  # as older manifests are
    assert pretrained.info("net", folder=tmp_path).data == ""
    assert main([], folder=tmp_path) == 0
    assert "trained on" not in capsys.readouterr().out
    record["files"]["net"]["data"] = 3
    path.write_text(json.dumps(record))
    with pytest.raises(PretrainedError, match="field 'data' has the wrong type: 3"):
        pretrained.info("net", folder=tmp_path)


def test_what_experiments_hand_over_is_what_the_manifest_has(tmp_path: Path, monkeypatch):
    given: dict[str, str] = {}

    def keep(name, models, *, data, **_rest):
        given[name] = data

    for module in (networks, films, rule_switch, staged_training, native_loss):
        monkeypatch.setattr(module, "ship", keep)
    monkeypatch.setattr(networks, "models_in", lambda *_: [])
    networks.ship_network("twin", networks.SETTINGS["cpu"], tmp_path, {"accuracy": []})
    monkeypatch.setattr(films, "trained_models", lambda *_: [])
    for task in films.tasks(16):
        entry = films.contender(task, "none", {"size": 16}, tmp_path)
        films.ship_network(entry, tmp_path, {"score": []})
    monkeypatch.setattr(rule_switch, "_taught_networks", lambda *_: [])
    right = {rule: {"right": []} for rule in rule_switch.NEW_RULES}
    measured = {"base": {"odd": []}, "gains": right}
    rule_switch._ship([], rule_switch.SETTINGS["cpu"], measured, tmp_path)
    settings = staged_training.SETTINGS["cpu"] | {"n_seeds": 0}
    accuracy = {"staged": {"fine-tuned": {"accuracy": []}}}
    staged_training._ship("digits_cordsnet_staged", "a command", settings, tmp_path, accuracy)
    monkeypatch.setattr(native_loss, "load_tensors", lambda *_: [])
    short = {name: {"accuracy": []} for name in native_loss.SHIPPED}
    native_loss._ship(native_loss.SETTINGS["cpu"], tmp_path, short)
    assert len(given) == 11
    assert given == {name: pretrained.info(name).data for name in given}


def modules_that_ship() -> list[Path]:
    found = EXPERIMENTS.rglob("*.py")
    return sorted(path for path in found if re.search(r"\bship(_all)?\(", path.read_text()))


@pytest.mark.parametrize("path", modules_that_ship(), ids=lambda path: path.stem)
def test_whoever_ships_networks_that_see_hands_it_over(path: Path):
    tree = ast.parse(path.read_text())
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        if call.func.id not in ("ship", "ship_all"):
            continue
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        builder = keywords.get("builder")
        name = constants.get(builder.id) if isinstance(builder, ast.Name) else builder
        name = name.value if isinstance(name, ast.Constant) else name
        if name in SEE or path.stem == "row_by_row":
            assert "data" in keywords, ast.unparse(call)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_size": 8}, "digits of scikit-learn, 8 by 8 pixels, training images"),
        (
            {"image_size": 28, "images": "fashion_mnist", "n_images": 10_000},
            "Fashion-MNIST, 28 by 28 pixels, first 10,000 training images",
        ),
        (
            {"image_size": 28, "images": "mnist"},
            "MNIST, 28 by 28 pixels, training images without those that mnist_images holds out",
        ),
    ],
)
def test_the_words(settings, words):
    assert learnt_from(settings) == words
