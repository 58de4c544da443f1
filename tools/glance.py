"""The course at a glance: a still and an animation of 20 seconds, for the front page and README.

    python -m tools.glance [FOLDER]    default: book/_static; writes glance.png and glance.webp

Three pictures, one after the other: the flow of a low-rank network, the gains of an NM-RNN that
keeps time, the areas of a CordsNet that settle on a digit. All three are simulated here, with the
networks that the chapters use. The still is the last frame.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray
from PIL import Image

from nmcourse import figures, pretrained
from nmcourse._files import user_path
from nmcourse.figures import GREY, INTERVALS, MODELS
from nmcourse.tasks import MeasureWaitGo, digit_images
from tools import pairs

FOLDER = pairs.ROOT / "book" / "_static"
STILL, FILM = "glance.png", "glance.webp"
WIDTH, HEIGHT = 960, 360  # pixels
# Without loss: lines on white stay sharp, and the file is smaller than with it.
WEBP: dict[str, Any] = {"lossless": True, "quality": 60, "method": 3}
FRAME_MS = 125
SCENES = (44, 48, 52)  # frames of each picture while it moves
DIGIT = 3
HOLD = 16  # frames at the end, at rest: 160 in all, 20 seconds
TITLES = (
    "Low rank: two numbers flow",
    "Gain: a network keeps time",
    "Vision: areas settle on a digit",
)

#: Draws one picture up to a part (0 to 1) of its course.
Draw = Callable[[float], None]


def flow(box: SubFigure) -> Draw:
    """Sixty units with connections of rank two, drawn by their two latent variables."""
    source = np.random.default_rng(1)
    rows = np.sqrt(60) * np.linalg.qr(source.normal(size=(60, 2)))[0]
    overlaps = np.array([[1.5, -1.5], [1.5, 1.5]])

    def velocity(k: NDArray[np.float64]) -> NDArray[np.float64]:  # (point, 2), times tau
        return -k + np.tanh(k @ rows.T) @ rows / 60 @ overlaps.T

    ax = box.subplots()
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xlabel="κ₁", ylabel="κ₂")
    ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    grid = np.stack(np.meshgrid(*[np.linspace(-1.4, 1.4, 13)] * 2), axis=-1).reshape(-1, 2)
    arrows = velocity(grid)
    arrows /= np.linalg.norm(arrows, axis=1, keepdims=True) + 1e-9
    ax.quiver(*grid.T, *arrows.T, color=GREY, alpha=0.45, scale=22, width=0.006)
    paths = [np.array([[0.05, 0.0], [-1.3, 1.2], [1.35, -0.6], [-0.5, -1.4]])]
    for _ in range(500):  # steps of 0.02 tau
        paths.append(paths[-1] + 0.02 * velocity(paths[-1]))
    course = np.array(paths)
    looks = (MODELS["nm-rnn"], MODELS["low-rank"], MODELS["vanilla"], MODELS["lstm"])
    lines = [ax.plot([], [], color=look.colour)[0] for look in looks]
    heads = [ax.plot([], [], look.marker, color=look.colour)[0] for look in looks]

    def draw(part: float) -> None:
        last = 1 + round(part * (len(course) - 1))
        for k, (line, head) in enumerate(zip(lines, heads, strict=True)):
            line.set_data(*course[:last, k].T)
            head.set_data(*course[last - 1 : last, k].T)

    return draw


def timing(box: SubFigure) -> Draw:
    """A trained NM-RNN: its output after four intervals, and its gains in one of the trials."""
    network = pretrained.load("mwg_nm_rnn")[0]
    intervals = [120, 140, 160, 180]
    trials = MeasureWaitGo(intervals, measure_times=[150]).enumerate()
    with torch.no_grad():
        found = network(trials.inputs)
    # One trial of each interval: those whose go comes first.
    chosen = range(0, len(trials.inputs), len(trials.inputs) // len(intervals))
    time = 10.0 * np.arange(trials.inputs.shape[1])
    top, bottom = box.subplots(2, 1, sharex=True)
    top.set(xlim=(0, time[-1]), ylim=(-0.7, 0.7), ylabel="output", yticks=[-0.5, 0.5])
    bottom.set(ylim=(0, 1.05), ylabel="gains", xlabel="time (ms)", yticks=[0, 1])
    looks = (INTERVALS["shorter"], INTERVALS["trained"], INTERVALS["longer"], MODELS["vanilla"])
    drawn = []
    for trial, look in zip(chosen, looks, strict=True):
        top.plot(time, trials.targets[trial, :, 0], color=GREY, linestyle="dotted", linewidth=1)
        (line,) = top.plot([], [], color=look.colour, linestyle=look.line)
        drawn.append((line, found.outputs[trial, :, 0].numpy()))
    for k in range(found.gains.shape[-1]):
        (line,) = bottom.plot([], [], **figures.gain_look(k).line_kwargs())
        drawn.append((line, found.gains[chosen[1], :, k].numpy()))

    def draw(part: float) -> None:
        last = round(part * len(time))
        for line, values in drawn:
            line.set_data(time[:last], values[:last])

    return draw


def seeing(box: SubFigure) -> Draw:
    """A trained CordsNet of two areas: a digit, the maps of both areas, and the outputs."""
    network = pretrained.load("digits_cordsnet_lasting")[0]
    held_out = digit_images("test", size=8)
    image = held_out.images[int((held_out.labels == DIGIT).nonzero()[0])][None]
    with torch.no_grad():
        maps = network.record(image, n_blank=100, n_steps=80)
        outputs = network.respond(image, n_blank=100, n_steps=80).outputs[0].numpy()
    shown = [area[0, 100:].numpy() for area in maps]
    halves: Any = box.subfigures(2, 1)
    upper, lower = halves
    panels = upper.subplots(1, 3, width_ratios=[1.0, 2.0, 2.0])
    for ax, name in zip(panels, ("image", "area 0", "area 1"), strict=True):
        ax.set(xticks=[], yticks=[])
        ax.set_title(name, fontsize=10)
    panels[0].imshow(image[0, 0].numpy(), cmap="viridis")
    pictures = [
        panels[k + 1].imshow(_mosaic(area[0]), cmap="viridis", vmin=0, vmax=0.7 * area.max())
        for k, area in enumerate(shown)
    ]
    ax = lower.subplots()
    time = 2.0 * np.arange(1, len(outputs) + 1)
    margin = 0.05 * (outputs.max() - outputs.min())
    limits = (outputs.min() - margin, outputs.max() + margin)
    ax.set(xlim=(0, time[-1]), ylim=limits, xlabel="time (ms)", ylabel="outputs", yticks=[])
    lines = [
        ax.plot([], [], color=GREY, linestyle="solid", linewidth=1)[0]
        for _ in range(outputs.shape[1])
    ]
    lines[DIGIT].set(color=MODELS["nm-rnn"].colour, linewidth=3)
    low = outputs[-1, DIGIT] - 3 * margin
    mark = ax.text(time[-1], low, str(DIGIT), color=lines[DIGIT].get_color(), ha="right", va="top")

    def draw(part: float) -> None:
        last = round(part * len(time))
        mark.set_visible(part == 1)
        for k, line in enumerate(lines):
            line.set_data(time[:last], outputs[:last, k])
        for picture, area in zip(pictures, shown, strict=True):
            picture.set_data(_mosaic(area[max(0, last - 1)]) if last else 0 * _mosaic(area[0]))

    return draw


def _mosaic(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Eight maps (channel, height, width) in two rows of four, with a line between them."""
    padded = np.pad(maps, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    rows = [np.concatenate(list(padded[k : k + 4]), axis=1) for k in (0, 4)]
    return np.concatenate(rows, axis=0)[:-1, :-1]


def frames(every: int = 1) -> list[Image.Image]:
    """Pictures of the film, one of `every` so many, and always the last one.

    Args:
        every: 1 for all of them.

    Returns:
        Images of WIDTH x HEIGHT pixels.
    """
    with figures.use_style(), mpl.rc_context({"font.size": 10, "axes.labelsize": 10}):
        figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="white")
        boxes: Any = figure.subfigures(1, 3, width_ratios=[1.0, 1.05, 1.1])
        drawings = []
        for box, title, make in zip(boxes, TITLES, (flow, timing, seeing), strict=True):
            box.suptitle(title, fontsize=11, fontweight="bold", color="#3f4650")
            drawings.append(make(box))
        total = sum(SCENES)
        shown = [_shot(figure, drawings, frame) for frame in range(0, total, every)]
        shown.append(_shot(figure, drawings, total))
        plt.close(figure)
    return shown


def _shot(figure: Figure, drawings: list[Draw], frame: int) -> Image.Image:
    """One frame: pictures before the one that moves are whole, those after it still empty."""
    for draw, length in zip(drawings, SCENES, strict=True):
        draw(min(1.0, max(0.0, frame / length)))
        frame -= length
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def write(folder: Path, every: int = 1) -> tuple[Path, Path]:
    """Write the still and the film.

    Args:
        folder: Where to.
        every: Take one frame of so many; each one then stays for as much longer.

    Returns:
        Both files.
    """
    shots = frames(every)
    still, film = folder / STILL, folder / FILM
    shots[-1].quantize(192, dither=Image.Dither.NONE).save(still, optimize=True)
    durations = [FRAME_MS * every] * (len(shots) - 1) + [FRAME_MS * HOLD]
    shots[0].save(film, save_all=True, append_images=shots[1:], duration=durations, loop=0, **WEBP)
    return still, film


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=user_path, default=FOLDER)
    for file in write(parser.parse_args().folder):
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
