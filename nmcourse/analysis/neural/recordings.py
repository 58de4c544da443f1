"""Public recordings that a reader has on disk, read into tensors.

Nothing of them comes with the course. A folder holds the files below, ``.npz`` archives of plain
arrays; chapters take its path from the environment variable ``NMCOURSE_RECORDINGS``.

    it_zhang_desimone.npz      macaque IT, 132 units in 21 sessions, 7 objects at 3 positions
    v4_cowley.npz              macaque V4, spikes of 100 ms, grey pictures of 32 pixels
    it_kriegeskorte92.npz      92 photographs, dissimilarities in IT of monkeys and of people
    rsg_sohn_jazayeri.npz      11 people who reproduce intervals (ready, set, go)

References: Zhang et al. 2011; Cowley et al. 2023; Kriegeskorte et al. 2008; Sohn, Jazayeri 2021.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nmcourse._files import user_path
from nmcourse._inputs import whole
from nmcourse.analysis.neural._npz import arrays_of
from nmcourse.analysis.neural.similarity import from_pairs

VARIABLE = "NMCOURSE_RECORDINGS"
MISSING = 255  # a repeat that was not recorded, in the V4 file


class ITTrials(NamedTuple):
    """Macaque IT over time.

    Attributes:
        trials: spike counts (repeat, time, condition, unit); conditions are objects at positions,
            position fastest. Units of different sessions were not recorded at the same time.
        times: (time,) start of each bin, ms after the picture came; it stays until 500 ms.
        sessions: (unit,) the session of each unit.
        n_objects: objects; there are as many conditions of each as positions.
    """

    trials: Tensor
    times: Tensor
    sessions: Tensor
    n_objects: int


class V4Session(NamedTuple):
    """Macaque V4 and the pictures it was shown.

    Attributes:
        images: (image, 1, height, width), brightness 0 to 1.
        trials: spike counts of 100 ms, (repeat, 1, image, unit): one time.
    """

    images: Tensor
    trials: Tensor


class Photographs(NamedTuple):
    """92 photographs, and how different they are for IT.

    Attributes:
        images: (image, 1, height, width), grey, brightness 0 to 1. Not to be printed: some show
            people.
        monkey: dissimilarities (image, image) of 674 units of two monkeys.
        human: the same of people, from functional imaging.
        categories: name -> (image,), whether an image belongs to it.
    """

    images: Tensor
    monkey: Tensor
    human: Tensor
    categories: dict[str, Tensor]


class Reproductions(NamedTuple):
    """Intervals that people saw and produced.

    Attributes:
        sample: (trial,) the interval that was shown, ms.
        produced: (trial,) the interval that was produced, ms.
        subject: (trial,) number of the person.
    """

    sample: Tensor
    produced: Tensor
    subject: Tensor


def recordings_folder(folder: str | Path | None = None) -> Path | None:
    """The folder with recordings: the one given, or that of ``NMCOURSE_RECORDINGS``.

    Returns:
        Its path; None if none is named.

    Raises:
        ValueError: if the one that is named is no folder.
    """
    named = os.environ.get(VARIABLE) if folder is None else folder
    if not named:
        return None
    path = user_path(named, "folder")
    if not path.is_dir():
        raise ValueError(f"folder: {path} is no folder; {VARIABLE} or the argument names it")
    return path


def read_it_trials(
    folder: str | Path, *, first: float = 100.0, last: float = 500.0, width: int = 40
) -> ITTrials:
    """Spike counts of macaque IT in bins of some width.

    Args:
        folder: with ``it_zhang_desimone.npz``.
        first: where the first bin begins, ms.
        last: where the last one ends, ms.
        width: of a bin in ms, a multiple of 20.

    Raises:
        ValueError: for a file or an array that is not there, or bins that do not fit the file.
    """
    counts, starts, sessions = _arrays(
        folder, "it_zhang_desimone.npz", ("counts_20ms", "bin_start_ms", "unit_session")
    )
    n = whole("width", width, least=20) // 20
    if width % 20:
        raise ValueError(f"width must be a multiple of 20 ms, got {width}")
    inside = np.flatnonzero((starts >= first) & (starts + 20 <= last))
    inside = inside[: len(inside) // n * n]
    if len(inside) < n:
        raise ValueError(f"first, last: no bin of {width} ms lies between {first} and {last} ms")
    spikes = torch.from_numpy(counts[..., inside].astype(np.float64))
    spikes = spikes.unflatten(-1, (-1, n)).sum(dim=-1)  # unit, object, position, repeat, time
    return ITTrials(
        spikes.permute(3, 4, 1, 2, 0).flatten(2, 3),
        torch.from_numpy(starts[inside][::n].astype(np.float64)),
        torch.from_numpy(sessions.astype(np.int64)),
        spikes.shape[1],
    )


def read_v4(folder: str | Path) -> V4Session:
    """The session of macaque V4 whose single repeats are there.

    Images were repeated six to ten times; the first six repeats of each are kept, so that all have
    as many.

    Args:
        folder: with ``v4_cowley.npz``.

    Raises:
        ValueError: for a file or an array that is not there.
    """
    pictures, counts = _arrays(folder, "v4_cowley.npz", ("images_210325", "counts_210325"))
    there = counts != MISSING
    least = int(there.sum(axis=2).min())
    order = np.argsort(~there, axis=2, kind="stable")[:, :, :least]
    kept = np.take_along_axis(counts, order, axis=2).astype(np.float64)  # unit, image, repeat
    trials = torch.from_numpy(kept).permute(2, 1, 0).unsqueeze(1)
    return V4Session(_grey(pictures), trials)


def read_photographs(folder: str | Path) -> Photographs:
    """92 photographs and their dissimilarities.

    Args:
        folder: with ``it_kriegeskorte92.npz``.

    Raises:
        ValueError: for a file or an array that is not there.
    """
    names = ("images", "rdm_monkey_it", "rdm_human_it", "category_labels", "category")
    pictures, monkey, human, labels, members = _arrays(folder, "it_kriegeskorte92.npz", names)
    categories = {str(label): torch.from_numpy(members[:, k] > 0) for k, label in enumerate(labels)}
    one, other = (from_pairs(torch.from_numpy(values)) for values in (monkey, human))
    return Photographs(_grey(pictures), one, other, categories)


def read_reproductions(folder: str | Path) -> Reproductions:
    """Trials of people who reproduced an interval; only those with the plain cost.

    In some trials the reward had another target (``delta_t_ms`` of 150 or 200): they are left out.

    Args:
        folder: with ``rsg_sohn_jazayeri.npz``.

    Raises:
        ValueError: for a file or an array that is not there.
    """
    names = ("ts_ms", "tp_ms", "subject", "delta_t_ms")
    sample, produced, subject, delta = _arrays(folder, "rsg_sohn_jazayeri.npz", names)
    kept = delta == 0
    return Reproductions(
        torch.from_numpy(sample[kept].astype(np.float64)),
        torch.from_numpy(produced[kept].astype(np.float64)),
        torch.from_numpy(subject[kept].astype(np.int64)),
    )


def _arrays(folder: str | Path, name: str, keys: Sequence[str]) -> list[np.ndarray]:
    return arrays_of(user_path(folder, "folder") / name, keys)


def _grey(pictures: np.ndarray) -> Tensor:
    """(image, 1, height, width), brightness 0 to 1, of (image, height, width, colour)."""
    return torch.from_numpy(pictures.astype(np.float32) / 255.0).mean(dim=-1).unsqueeze(1)
