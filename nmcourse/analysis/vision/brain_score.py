"""CordsNet as a subject of Brain-Score: its areas, recorded over time.

    subject = BrainScoreSubject(model, {"V4": 4, "IT": 7}, identifier="cordsnet-R8")
    subject.start_recording("IT", time_bins=[(70, 90), (90, 110)])
    subject.look_at(stimuli)              (presentation, neuroid, time_bin)

Brain-Score (Schrimpf and colleagues) asks a model what an electrode would see: which part of the
brain, and in which times after the image. Most models have no time and repeat themselves; here a
bin is the mean rate over its steps. The interface is that of ``brainscore_vision.BrainModel``.

Which area stands for which part of the brain is a choice of whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse._inputs import count, number, whole
from nmcourse.models import CordsNet
from nmcourse.tasks import read_picture

Bins = list[tuple[float, float]]


class BrainScoreSubject:
    """A network that sees, as Brain-Score's benchmarks talk to it.

    Args:
        model: the network.
        areas: part of the brain -> number of the area that stands for it, from 0 at the eye.
        identifier: its name.
        visual_degrees: how much of the visual field an image covers.
        class_names: names of the outputs, for a labelling task.
        prepare: makes of pictures (image, 3, height, width), brightness 0 to 1, what the network
            was trained with; by default one channel is their mean, if the network has one.
        n_blank: steps of rest before the image.
        batch_size: images at a time.

    Raises:
        ValueError: for another kind of model, an area that is not there, or a number below one.
    """

    def __init__(
        self,
        model: CordsNet,
        areas: Mapping[str, int],
        *,
        identifier: str,
        visual_degrees: float = 8.0,
        class_names: Sequence[str] = (),
        prepare: Callable[[Tensor], Tensor] | None = None,
        n_blank: int = 100,
        batch_size: int = 8,
    ) -> None:
        if not isinstance(model, CordsNet):
            raise ValueError(f"model must be a CordsNet, got {type(model).__name__}")
        most = len(model.wiring) - 1
        self.areas = {
            str(region): whole(f"areas[{region!r}]", area, 0, most)
            for region, area in areas.items()
        }
        if class_names and len(class_names) != model.n_outputs:
            raise ValueError(
                f"class_names must be {model.n_outputs}, one for each output, got "
                f"{len(class_names)}"
            )
        self.model, self._identifier, self.class_names = model, str(identifier), class_names
        self._degrees = number("visual_degrees", visual_degrees, "positive", above=0)
        self.prepare = self._as_trained if prepare is None else prepare
        self.n_blank = whole("n_blank", n_blank, 0)
        self.batch_size = count("batch_size", batch_size)
        self._recording: tuple[str, Bins] | None = None
        self._task: str | None = None

    @property
    def identifier(self) -> str:
        """The name of the subject."""
        return self._identifier

    def visual_degrees(self) -> float:
        """How much of the visual field an image covers."""
        return self._degrees

    def start_task(self, task: str, fitting_stimuli: Any = None) -> None:
        """What ``look_at`` does from now on: "passive" nothing, "label" names a class.

        Raises:
            ValueError: for a task that is not offered, labels without names, or a labelling domain
                that is not a list of names that the network has.
        """
        if task not in ("passive", "label"):
            raise ValueError(f"task must be 'passive' or 'label', got {task!r}")
        if task == "label":
            asked = list(fitting_stimuli) if isinstance(fitting_stimuli, list | tuple) else None
            if not self.class_names or (asked is not None and asked != list(self.class_names)):
                raise ValueError(
                    f"fitting_stimuli must be the class names of the subject, "
                    f"{list(self.class_names)}, got {fitting_stimuli!r}"
                )
        self._task, self._recording = task, None

    def start_recording(
        self, recording_target: str, time_bins: Iterable[tuple[float, float]]
    ) -> None:
        """What ``look_at`` records from now on.

        Args:
            recording_target: a part of the brain of ``areas``, such as "IT".
            time_bins: (start, end) in ms after the image came; each holds the steps that end in it.

        Raises:
            ValueError: for a part that no area stands for, or a bin without a step.
        """
        target = str(getattr(recording_target, "value", recording_target))
        if target not in self.areas:
            raise ValueError(
                f"recording_target must be one of {', '.join(self.areas)}, got {target!r}"
            )
        bins: Bins = [(float(start), float(end)) for start, end in time_bins]
        for start, end in bins:
            if start < 0 or not len(self._steps(start, end)):
                raise ValueError(
                    f"time_bins must hold a step of {self.model.dt} ms each, from 0 on, got "
                    f"{(start, end)}"
                )
        if not bins:
            raise ValueError("time_bins must hold at least one bin, got none")
        self._recording, self._task = (target, bins), None

    def look_at(self, stimuli: Any, number_of_trials: int = 1) -> Any:
        """Show stimuli, and return what was asked for.

        Args:
            stimuli: a ``StimulusSet`` of Brain-Score, or paths of pictures.
            number_of_trials: not used: the network has no noise.

        Returns:
            A ``NeuroidAssembly`` (presentation, neuroid, time_bin) after ``start_recording``; a
            ``BehavioralAssembly`` (presentation, choice) after ``start_task("label")``; None after
            ``start_task("passive")``.

        Raises:
            ValueError: nothing was asked for yet.
            ImportError: Brain-Score is not installed.
        """
        count("number_of_trials", number_of_trials)
        if self._task == "passive":
            return None
        paths, presented = _presented(stimuli)
        if self._recording is not None:
            region, bins = self._recording
            rates, neuroids = self.rates(self._pictures(paths), region, bins)
            coordinates = {name: ("presentation", values) for name, values in presented.items()}
            coordinates |= {name: ("neuroid", values) for name, values in neuroids.items()}
            coordinates |= {
                "time_bin_start": ("time_bin", [start for start, _ in bins]),
                "time_bin_end": ("time_bin", [end for _, end in bins]),
            }
            dims = ["presentation", "neuroid", "time_bin"]
            return _assembly("NeuroidAssembly")(rates.numpy(), coords=coordinates, dims=dims)
        if self._task == "label":
            chosen = self.labels(self._pictures(paths))
            coordinates = {name: ("presentation", values) for name, values in presented.items()}
            names = [[self.class_names[label]] for label in chosen]
            coordinates["choice"] = ("choice", [0])
            return _assembly("BehavioralAssembly")(
                names, coords=coordinates, dims=["presentation", "choice"]
            )
        raise ValueError("look_at needs start_recording or start_task before it")

    @torch.no_grad()
    def rates(self, images: Tensor, region: str, bins: Bins) -> tuple[Tensor, dict[str, list[Any]]]:
        """Mean rates of an area in each bin.

        Args:
            images: (image, channel, height, width), as the network was trained with.
            region: part of the brain.
            bins: (start, end) in ms after the image came.

        Returns:
            (image, unit, bin), and for each unit its id, region, area, channel and place.
        """
        steps = [self._steps(start, end) for start, end in bins]
        n_steps, area = max(int(one[-1]) for one in steps) + 1, self.areas[region]
        found = []
        for some in images.split(self.batch_size):
            maps = self.model.record(some, n_blank=self.n_blank, n_steps=n_steps)[area]
            seen = maps[:, self.n_blank :].flatten(2)
            found.append(torch.stack([seen[:, one].mean(dim=1) for one in steps], dim=-1))
        channels, height, width = self.model.wiring.shapes(self.model.image_size)[area]
        where = torch.cartesian_prod(*(torch.arange(n) for n in (channels, height, width)))
        where = where.reshape(-1, 3)
        places = dict(zip(("channel", "row", "column"), where.T.tolist(), strict=True))
        ids = [f"{self.identifier}.{area}.{unit}" for unit in range(len(where))]
        same = {"region": [region] * len(where), "layer": [area] * len(where)}
        return torch.cat(found), {"neuroid_id": ids, **same, **places}

    @torch.no_grad()
    def labels(self, images: Tensor) -> list[int]:
        """The class that the network names at the end of a trial as published."""
        found = []
        for some in images.split(self.batch_size):
            outputs = self.model.respond(some, n_blank=self.n_blank, n_steps=100).outputs
            found += outputs[:, -1].argmax(dim=-1).tolist()
        return found

    def _steps(self, start: float, end: float) -> Tensor:
        """Steps after the image came that end after ``start`` and not after ``end``."""
        dt = self.model.dt
        first, last = int((start + 1e-9) // dt), int((end + 1e-9) // dt)
        return torch.arange(first, last)

    def _pictures(self, paths: Sequence[str | Path]) -> Tensor:
        size = min(self.model.image_size)
        pictures = torch.stack([read_picture(path, size) for path in paths])
        return self.prepare(pictures).to(self.model.output_bias.dtype)

    def _as_trained(self, pictures: Tensor) -> Tensor:
        return pictures.mean(dim=1, keepdim=True) if self.model.n_inputs == 1 else pictures


def _presented(stimuli: Any) -> tuple[list[Any], dict[str, list[Any]]]:
    """Paths of the stimuli, and what is known of each presentation."""
    if hasattr(stimuli, "get_stimulus"):
        ids = list(stimuli["stimulus_id"])
        columns = {str(name): list(stimuli[name]) for name in stimuli.columns}
        return [stimuli.get_stimulus(one) for one in ids], columns
    paths = [str(path) for path in stimuli]
    if not paths:
        raise ValueError("stimuli must hold at least one picture, got none")
    return paths, {"stimulus_id": [Path(path).stem for path in paths], "stimulus_path": paths}


def _assembly(name: str) -> Any:
    """A class of Brain-Score for what is recorded."""
    try:
        from brainscore_core.supported_data_standards.brainio import assemblies
    except ImportError as error:
        raise ImportError(
            "Brain-Score is not installed, so there is nothing to put recordings in: pip install "
            "brainscore_vision; BrainScoreSubject.rates gives them as a tensor"
        ) from error
    return getattr(assemblies, name)
