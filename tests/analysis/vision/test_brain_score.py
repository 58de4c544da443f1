"""CordsNet as a subject of Brain-Score, by the package's own interface where it is installed."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from nmcourse.analysis import BrainScoreSubject
from nmcourse.models import CordsNet

INSTALLED = importlib.util.find_spec("brainscore_vision") is not None
ASSEMBLIES = "brainscore_core.supported_data_standards.brainio.assemblies"
BINS = [(0, 10), (10, 20), (70, 90)]
NAMES = [str(number) for number in range(10)]


class Assembly:
    """Keeps what it is given, as ``NeuroidAssembly(values, coords=, dims=)`` is called."""

    def __init__(self, values, coords, dims):
        self.values, self.coords, self.dims = np.asarray(values), coords, tuple(dims)
        for dim, values_there in coords.values():
            assert len(values_there) == self.values.shape[self.dims.index(dim)]


class Stimuli(dict):
    """A table with the interface of ``StimulusSet``: columns, and a picture for each id."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__(stimulus_id=["a", "b"], object_name=["face", "chair"])
        self.columns = list(self)
        self.paths = dict(zip(self["stimulus_id"], paths, strict=True))

    def get_stimulus(self, stimulus_id: str) -> Path:
        return self.paths[stimulus_id]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The assemblies of the package, or classes that keep what they are called with."""
    if not INSTALLED:
        parts = ASSEMBLIES.split(".")
        for end in range(1, len(parts) + 1):
            monkeypatch.setitem(sys.modules, ".".join(parts[:end]), ModuleType(parts[end - 1]))
        module = sys.modules[ASSEMBLIES]
        module.NeuroidAssembly = module.BehavioralAssembly = Assembly
        sys.modules[ASSEMBLIES.rpartition(".")[0]].assemblies = module


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    from PIL import Image

    paths = []
    for number, grey in enumerate((30, 220)):
        level = np.full((12, 12, 3), grey, dtype=np.uint8)
        level[:6] = 128
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(level).save(paths[-1])
    return paths


@pytest.fixture
def subject() -> BrainScoreSubject:
    generator = torch.Generator().manual_seed(0)
    model = CordsNet("small-R2", 1, 10, image_size=8, generator=generator)
    areas = {"V4": 0, "IT": 1}
    return BrainScoreSubject(model, areas, identifier="cordsnet", class_names=NAMES, n_blank=20)


def values_of(found, name: str) -> list:
    """A coordinate of an assembly, or of what stands for one."""
    return list(found[name].values if INSTALLED else found.coords[name][1])


def test_a_bin_is_the_mean_rate_over_its_steps(subject: BrainScoreSubject):
    images = torch.rand(3, 1, 8, 8)
    maps = subject.model.record(images, n_blank=20, n_steps=45)[1].flatten(2)
    rates, neuroids = subject.rates(images, "IT", BINS)
    assert rates.shape == (3, maps.shape[-1], 3)
    # dt is 2 ms, so the step that ends at 2 ms is the first one after 20 of rest
    torch.testing.assert_close(rates[..., 0], maps[:, 20:25].mean(dim=1))
    torch.testing.assert_close(rates[..., 1], maps[:, 25:30].mean(dim=1))
    torch.testing.assert_close(rates[..., 2], maps[:, 55:65].mean(dim=1))
    assert len(set(neuroids["neuroid_id"])) == maps.shape[-1]
    assert set(neuroids["region"]) == {"IT"}
    assert rates[..., 2].std() > 0


def test_a_recording_is_what_the_interface_promises(
    subject: BrainScoreSubject, pictures: list[Path], stand_in
):
    subject.start_recording("IT", time_bins=BINS)
    for stimuli, ids in ((pictures, ["0", "1"]), (Stimuli(pictures), ["a", "b"])):
        found = subject.look_at(stimuli, number_of_trials=5)
        assert tuple(found.dims) == ("presentation", "neuroid", "time_bin")
        assert found.values.shape[::2] == (2, 3)
        coordinate = partial(values_of, found)
        assert coordinate("stimulus_id") == ids
        assert coordinate("time_bin_start") == [0, 10, 70]
        assert coordinate("time_bin_end") == [10, 20, 90]
        assert len(coordinate("neuroid_id")) == found.values.shape[1]
    assert coordinate("object_name") == ["face", "chair"]


def test_labels_are_those_of_the_network(
    subject: BrainScoreSubject, pictures: list[Path], stand_in
):
    subject.start_task("label", NAMES)
    found = subject.look_at(pictures)
    images = subject._pictures(pictures)
    outputs = subject.model.respond(images, n_blank=20, n_steps=100).outputs[:, -1]
    assert [row[0] for row in found.values] == [NAMES[k] for k in outputs.argmax(dim=-1)]
    subject.start_task("passive")
    assert subject.look_at(pictures) is None


@pytest.mark.skipif(not INSTALLED, reason="brainscore_vision is not installed")
def test_every_verb_of_the_interface_is_there(subject: BrainScoreSubject):
    from brainscore_vision.model_interface import BrainModel

    for name in ("identifier", "visual_degrees", "start_task", "start_recording", "look_at"):
        ours, theirs = getattr(BrainScoreSubject, name), getattr(BrainModel, name)
        if isinstance(theirs, property):
            assert isinstance(ours, property)
            continue
        wanted = list(inspect.signature(theirs).parameters)
        assert list(inspect.signature(ours).parameters) == wanted
    subject.start_recording(BrainModel.RecordingTarget.IT, [(70, 170)])
    subject.start_task(BrainModel.Task.label, NAMES)


@pytest.mark.skipif(INSTALLED, reason="brainscore_vision is installed")
def test_without_the_package_rates_are_a_tensor(subject: BrainScoreSubject, pictures: list[Path]):
    subject.start_recording("V4", [(0, 10)])
    with pytest.raises(ImportError, match=r"Brain-Score is not installed.*BrainScoreSubject.rates"):
        subject.look_at(pictures)


def test_what_cannot_be_asked_is_named(subject: BrainScoreSubject, pictures: list[Path]):
    with pytest.raises(ValueError, match="look_at needs start_recording or start_task"):
        subject.look_at(pictures)
    with pytest.raises(ValueError, match="recording_target must be one of V4, IT, got 'V1'"):
        subject.start_recording("V1", [(0, 10)])
    for wrong in ((-10, 10), (3, 3.5)):
        with pytest.raises(ValueError, match=r"time_bins must hold a step of 2\.0 ms each, from 0"):
            subject.start_recording("IT", [wrong])
    with pytest.raises(ValueError, match="time_bins must hold at least one bin"):
        subject.start_recording("IT", [])
    with pytest.raises(ValueError, match="task must be 'passive' or 'label', got 'odd_one_out'"):
        subject.start_task("odd_one_out")
    with pytest.raises(ValueError, match="fitting_stimuli must be the class names"):
        subject.start_task("label", ["cat", "dog"])
    subject.start_task("label")
    with pytest.raises(ValueError, match="stimuli must hold at least one picture"):
        subject.look_at([])
    for changes, message in (
        ({"areas": {"IT": 2}}, r"areas\['IT'\] must be from 0 to 1, got 2"),
        ({"model": SimpleNamespace()}, "model must be a CordsNet, got SimpleNamespace"),
        ({"class_names": ["a"]}, "class_names must be 10, one for each output, got 1"),
        ({"visual_degrees": 0}, "visual_degrees must be positive, got 0"),
    ):
        arguments = {"model": subject.model, "areas": {"IT": 1}, "identifier": "x"} | changes
        with pytest.raises(ValueError, match=message):
            BrainScoreSubject(**arguments)
