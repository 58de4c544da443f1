r"""Tasks whose input is a film: square grey pictures, drawn as they are needed.

A frame is one step of the trial. Its pixels are the input channels, row by row, from 0 (black) to
about 1, so that every network of the course can be trained on a film as on any other input. What
sees in two dimensions asks for the pictures again: ``FilmTask.pictures``.

What is drawn are discs of light, with edges of one pixel that fade, so that a disc between two
pixels is where it is:

    brightness at p = min(1, sum_k clip(R_k + 1/2 - |p - c_k|, 0, 1))

    p  centre of a pixel     c_k, R_k  centre and radius of disc k, all in pixels

Reference: the tasks from images of Soo et al. 2024, Fig. 5. What their pictures looked like is not
published; these are ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_tensor, number, whole
from nmcourse.tasks._base import Task, Trials, check_time_step, whole_steps

SMALLEST = 8


class FilmTask(Task):
    """What tasks with films share: the size of a picture, the times of a trial, the noise.

    Args:
        size: height and width of a picture in pixels, at least 8.
        duration: of a trial in ms.
        pixel_noise: standard deviation of the noise on every pixel of every frame.
        dt: time of a frame in ms.

    Attributes:
        size: see there.
        input_names: one for each pixel, row by row.

    Raises:
        ValueError: for a size below 8, a duration that is no positive multiple of dt, or negative
            noise.
    """

    def __init__(
        self, *, size: int, duration: float, pixel_noise: float = 0.0, dt: float = 10.0
    ) -> None:
        self.size = whole("size", size, least=SMALLEST)
        check_time_step(dt)
        self.dt, self.n_steps = dt, whole_steps("duration", duration, dt)
        if not self.n_steps:
            raise ValueError(f"duration must be at least one frame of dt={dt} ms, got {duration}")
        self.pixel_noise = number("pixel_noise", pixel_noise, "zero or positive", least=0)
        self.input_names = tuple(
            f"pixel ({row}, {column})" for row in range(self.size) for column in range(self.size)
        )

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels, for which a network that sees is built."""
        return self.size, self.size

    def pictures(self, trials: Trials) -> Tensor:
        """The frames of trials, (trial, time, 1, height, width): what a network that sees takes.

        Raises:
            ValueError: for trials of another number of pixels.
        """
        return pictures_of(trials.inputs, self.image_size)

    def _inputs(self, frames: Tensor, generator: torch.Generator | None) -> Tensor:
        """Frames (trial, time, height, width) as inputs (trial, time, pixel), with noise."""
        inputs = frames.flatten(-2)
        if not self.pixel_noise:
            return inputs
        noise = torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype)
        return inputs + self.pixel_noise * noise

    def _times(self, **times: float) -> dict[str, int]:
        """Times in ms as steps, each within the trial and in the order given.

        Raises:
            ValueError: for a time that is no multiple of dt, is shorter than a frame, or leaves
                nothing of the trial.
        """
        steps = {name: whole_steps(name, time, self.dt) for name, time in times.items()}
        for name, n in steps.items():
            if n < 1:
                raise ValueError(
                    f"{name} must be at least a frame of {self.dt:g} ms, got {times[name]:g} ms"
                )
        if sum(steps.values()) > self.n_steps:
            parts = ", ".join(f"{name}={time:g}" for name, time in times.items())
            raise ValueError(
                f"duration must leave room for all parts of a trial, got "
                f"{self.n_steps * self.dt:g} ms for {parts} ms"
            )
        return steps

    def _between(self, first: Tensor, last: Tensor) -> Tensor:
        """1 from step ``first`` (trial,) up to, and not at, step ``last``: (trial, time)."""
        time = torch.arange(self.n_steps)
        inside = (time >= first[:, None]) & (time < last[:, None])
        return inside.to(torch.get_default_dtype())


def pictures_of(inputs: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Inputs (.., pixel) as pictures (.., 1, height, width).

    Args:
        inputs: brightness of the pixels, row by row.
        image_size: (height, width).

    Raises:
        ValueError: for another number of pixels.
    """
    check_tensor("inputs", inputs)
    height, width = image_size
    if inputs.shape[-1] != height * width:
        raise ValueError(
            f"inputs must have one channel for each of {height} x {width} pixels, "
            f"{height * width} in all, got {inputs.shape[-1]}"
        )
    return inputs.unflatten(-1, (1, height, width))


def discs(centres: Tensor, radii: Tensor, size: int) -> Tensor:
    """Pictures of discs of light.

    Args:
        centres: (.., disc, 2), row and column of the middle of each in pixels; the picture reaches
            from 0 to ``size``.
        radii: (.., disc), in pixels; a disc of radius zero or less than that is not drawn.
        size: height and width in pixels.

    Returns:
        (.., height, width), from 0 to 1.

    Raises:
        ValueError: for shapes that do not fit.
    """
    check_tensor("centres", centres)
    check_tensor("radii", radii)
    if centres.shape[-1:] != (2,) or centres.shape[:-1] != radii.shape:
        raise ValueError(
            "centres must have shape (.., disc, 2) and radii (.., disc), got "
            f"{tuple(centres.shape)} and {tuple(radii.shape)}"
        )
    places = torch.arange(size, dtype=centres.dtype) + 0.5
    rows = (places - centres[..., :1]).square()  # (.., disc, height)
    columns = (places - centres[..., 1:]).square()
    distance = (rows[..., :, None] + columns[..., None, :]).sqrt()
    edge = radii[..., None, None] + 0.5
    light = (edge - distance).clamp(0, 1) * (radii > 0)[..., None, None]
    return light.sum(dim=-3).clamp(max=1)


def several(name: str, values: object) -> None:
    """Raise ``ValueError`` unless there are several values in a row, and no single one."""
    if isinstance(values, str) or not isinstance(values, Sequence | Tensor):
        raise ValueError(f"{name} must be a sequence of numbers, got {values!r}")


def drawn(values: Sequence[float], n_trials: int, generator: torch.Generator | None) -> Tensor:
    """One of several values for each trial, all equally often as far as the number allows."""
    which = torch.arange(n_trials) % len(values)
    which = which[torch.randperm(n_trials, generator=generator)]
    return torch.tensor(list(values), dtype=torch.get_default_dtype())[which]
