"""Row-by-row digits: read an image one row at a time, then say which digit it was.

    channel    what happens
    0 .. 7     brightness (0 to 1) of the eight pixels of the present row, top row first
    outputs    ten scores, one for each digit; only those of the last step count

Each of the eight rows is held for a few steps, so that a leaky network can follow. The images are
the 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn (the test set of the
Optical Recognition of Handwritten Digits data, UCI); nothing is downloaded. Every fifth image of a
fixed order is a test image, and no training trial shows it.

Reference: "The reviewers ask"; a plug-in test of sequence classification, not a task of the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count, whole
from nmcourse.tasks._base import Task, Trials, check_time_step
from nmcourse.tasks._digit_data import N_DIGITS, Split, check_split, digits_of

N_ROWS = 8


class RowByRowDigits(Task):
    """Digits of 8 x 8 pixels, shown row by row.

    Args:
        split: which images: ``"train"`` (1,437) or ``"test"`` (360).
        steps_per_row: steps for which each row is held.
        dt: time step in ms.

    Raises:
        ValueError: for an unknown split, fewer than one step per row, or dt that is not positive.
    """

    input_names = tuple(f"pixel {column}" for column in range(N_ROWS))
    output_names = tuple(f"digit {digit}" for digit in range(N_DIGITS))

    def __init__(
        self,
        split: Split = "train",
        *,
        steps_per_row: int = 5,
        dt: float = 10.0,
    ) -> None:
        check_split(split)
        steps_per_row = count("steps_per_row", steps_per_row)
        check_time_step(dt)
        self.split, self.steps_per_row, self.dt = split, steps_per_row, dt
        self.n_steps = N_ROWS * steps_per_row
        self._images, self._labels = digits_of(split)

    def enumerate(self) -> Trials:
        """Every image of the split, once."""
        return self._trials(torch.arange(len(self._labels)))

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw images of the split without repetition, all of them at most."""
        most = len(self._labels)
        n_trials = whole("n_trials", n_trials, 1, most, f"in 1..{most}, the images of the split")
        check_generator(generator)
        return self._trials(torch.randperm(len(self._labels), generator=generator)[:n_trials])

    def _trials(self, which: Tensor) -> Trials:
        """Trials of the given images, by their number within the split."""
        dtype = torch.get_default_dtype()
        rows, labels = self._images[which].to(dtype), self._labels[which]  # (trial, row, pixel)
        classes = (labels[:, None] == torch.arange(N_DIGITS)).to(dtype)
        mask = torch.zeros(len(labels), self.n_steps, 1, dtype=dtype)
        mask[:, -1] = 1.0
        return Trials(
            rows.repeat_interleave(self.steps_per_row, dim=1),
            classes[:, None, :].expand(-1, self.n_steps, -1),
            mask,
            conditions={"label": labels, "image": which},
        )


def class_accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Share of trials whose largest output at the last step is the right one.

    Args:
        outputs: scores (.., trial, time, class), finite at the last step.
        targets: one-hot, (trial, time, class).

    Returns:
        (..), between 0 and 1.

    Raises:
        ValueError: for shapes that do not fit, or scores that are not finite.
    """
    if outputs.shape[-3:] != targets.shape:
        raise ValueError(
            f"outputs must have shape (.., {', '.join(map(str, targets.shape))}) as the targets "
            f"do, got {tuple(outputs.shape)}"
        )
    scores = outputs[..., -1, :]
    if not torch.isfinite(scores).all():
        raise ValueError("outputs must be finite at the last step, got NaN or infinity")
    right = scores.argmax(dim=-1) == targets[:, -1].argmax(dim=-1)
    return right.double().mean(dim=-1)
