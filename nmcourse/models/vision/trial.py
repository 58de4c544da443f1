"""A trial of a CordsNet: which image is shown when, and the steps made fast.

What stays constant is computed once: normalised weights once per trial, and the drive of an
image (stem, skip from the stem, and what both send into areas 0 and 1) once per stimulus. Blank
steps from silence are the same for all images and are computed for one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import count, whole
from nmcourse.models.vision.layers import (
    check_images,
    convolve,
    join_seeds,
    mean_of_neighbours,
    split_seeds,
    weights_of,
)
from nmcourse.models.vision.loop import (
    LAYOUT,
    ConvScan,
    Maps,
    Plan,
    Weights,
    advance,
    departure,
    packed,
    pooled,
)

if TYPE_CHECKING:
    from nmcourse.models.vision.cordsnet import CordsNet

CHUNK = 20  # steps that share one convolution for the gradient of the weights


class DivergingActivity(RuntimeError):
    """Activity stopped being finite.

    Attributes:
        step: the step of the trial, blank steps included, counted from 0.
        area: the first area, counted from 0.
    """

    def __init__(self, step: int, area: int, n_blank: int) -> None:
        when = (
            f"blank step {step}" if step < n_blank else f"step {step - n_blank} after image onset"
        )
        super().__init__(
            f"activity diverged in area {area} at {when} (step {step} of the trial): it is not "
            "finite any more; make the recurrent weights smaller, or dt shorter"
        )
        self.step, self.area = step, area


class Response(NamedTuple):
    """What :meth:`nmcourse.models.CordsNet.respond` returns.

    Attributes:
        outputs: (batch, time, class) over stimulus steps and blank steps after them.
        departure: (batch, time), mean over areas of the mean squared distance of the rates from
            those at image onset, over the last ``n_departure`` steps.
        state: after the last step, one (batch, channel, height, width) for each area.
    """

    outputs: Tensor
    departure: Tensor
    state: tuple[Tensor, ...]


class Stretch(NamedTuple):
    """Steps with one constant image: (batch, channel, height, width), or None for blank."""

    image: Tensor | None
    n_steps: int


def stretches(images: Tensor, n_steps: int | None) -> list[Stretch]:
    """A held image, or a stream cut where it changes."""
    if images.ndim == 4:
        n_steps = 100 if n_steps is None else count("n_steps", n_steps)
        return [Stretch(images, n_steps)]
    frames = images.movedim(-4, 0)
    length = len(frames)
    if n_steps is not None and count("n_steps", n_steps) != length:
        raise ValueError(f"n_steps must be {length}, the length of the stream, got {n_steps!r}")
    found, start = [], 0
    for t in range(1, length + 1):
        held = t < length and (frames.stride(0) == 0 or torch.equal(frames[t], frames[start]))
        if not held:
            found.append(Stretch(frames[start], t - start))
            start = t
    return found


def respond(
    model: CordsNet,
    images: Tensor,
    *,
    n_steps: int | None = None,
    n_blank: int = 100,
    n_after: int = 0,
    state: Sequence[Tensor] | None = None,
    n_departure: int = 0,
    checkpoint_every: int | None = None,
    gradient_steps: int | None = None,
    check_finite: bool = True,
    see: Callable[[Maps], None] | None = None,
) -> Response:
    """See :meth:`nmcourse.models.CordsNet.respond`; ``see`` is shown the state after each step."""
    bias = model.biases[0]
    check_images(
        images, model.n_inputs, model.fixed_size, bias.dtype, range(4, 6 + (bias.ndim == 4))
    )
    shown = stretches(images, n_steps)
    n_after, n_blank = whole("n_after", n_after, least=0), whole("n_blank", n_blank, least=0)
    if n_after:
        shown.append(Stretch(None, n_after))
    total = sum(stretch.n_steps for stretch in shown)
    n_departure = whole("n_departure", n_departure, least=0)
    if n_departure > total:
        raise ValueError(f"n_departure must be at most {total} steps, got {n_departure}")
    if checkpoint_every is not None:
        checkpoint_every = count("checkpoint_every", checkpoint_every)
    if gradient_steps is not None:
        gradient_steps = count("gradient_steps", gradient_steps)

    trial = _Trial(model, n_blank, check_finite, see)
    trial.start(state, images.shape[0] if images.ndim < 6 else images.shape[1], images.shape[-2:])
    with torch.no_grad():
        trial.run(trial.drives(None), n_blank)
    rest = [r.detach() for r in trial.state]
    trial.spread()
    trial.forget_outputs()
    chunk = (checkpoint_every, False) if checkpoint_every else (CHUNK, True)
    free = n_blank + (total - gradient_steps if gradient_steps else 0)
    cuts = {free, n_blank + total - n_departure}
    for stretch in shown:
        drives, end = trial.drives(stretch.image), trial.step + stretch.n_steps
        for stop in sorted({end} | {cut for cut in cuts if trial.step < cut < end}):
            trial.rest = rest if trial.step >= n_blank + total - n_departure else []
            if torch.is_grad_enabled() and trial.step >= free:
                trial.run_with_gradient(drives, stop - trial.step, *chunk)
            else:
                with torch.no_grad():
                    trial.run(drives, stop - trial.step)
    return trial.response()


class _Trial:
    """The present state of a trial and what it has given so far.

    Attributes:
        state: (batch, seed * channel, height, width) for each area.
        step: steps made.
        rest: the state that the departure is measured from; empty where none is wanted.
    """

    def __init__(
        self,
        model: CordsNet,
        n_blank: int,
        check_finite: bool,
        see: Callable[[Maps], None] | None,
    ) -> None:
        self.model, self.n_blank, self.check_finite, self.see = model, n_blank, check_finite, see
        self.n_seeds = len(model.biases[0]) if model.biases[0].ndim == 4 else None
        wiring, n = model.wiring, model.n_areas
        skips: list[int | None] = [None] * min(2, n)
        for area in range(2, n):
            spec = wiring.skip(area)
            skips.append(0 if spec is None else spec.stride)
        self.plan = Plan(
            alpha=model.dt / model.tau,
            slope=model.slope,
            strides=tuple(area.stride for area in wiring.areas),
            skip_strides=tuple(skips),
            n_seeds=self.n_seeds or 1,
            n_read=wiring.n_read,
        )
        self.stem = model.stem.weights()
        self.feedforward = weights_of(model.feedforward)
        areas = [int(area) for area in model.skips]
        self.skips = dict(zip(areas, weights_of(model.skips.values()), strict=True))
        self.weights = Weights(
            [self._joined(weights) for weights in weights_of(model.recurrent)],
            [None, *(self._joined(weights) for weights in self.feedforward[1:])],
            [self._joined(self.skips[a]) if a > 1 and a in self.skips else None for a in range(n)],
        )
        self.bias = [bias.flatten(0, -3).unsqueeze(0) for bias in model.biases]
        self.packed, self.packed_for = self.weights, torch.Size()
        self.step, self.rest = 0, []  # type: ignore[var-annotated]
        self.state: Maps = []
        self.forget_outputs()

    def _joined(self, weights: Tensor) -> Tensor:
        return weights.flatten(0, -4).contiguous(memory_format=LAYOUT)

    def forget_outputs(self) -> None:
        """Outputs count from here."""
        self.read: list[Tensor] = []
        self.away: list[Tensor] = []

    def start(
        self, state: Sequence[Tensor] | None, batch: int, size: tuple[int, int] | torch.Size
    ) -> None:
        """Begin in silence (for one image), or in a given state."""
        shapes = self.model.wiring.shapes((size[0], size[1]))
        self.batch = batch
        if state is None:
            state = self.model.initial_state(1, (size[0], size[1]))
        elif len(state) != len(shapes):
            raise ValueError(f"state must have {len(shapes)} areas, got {len(state)}")
        seeds = () if self.n_seeds is None else (self.n_seeds,)
        for area, (r, shape) in enumerate(zip(state, shapes, strict=True)):
            if r.shape not in ((*seeds, 1, *shape), (*seeds, batch, *shape)):
                raise ValueError(
                    f"state[{area}] must have shape {(*seeds, batch, *shape)} or a batch of one, "
                    f"got {tuple(r.shape)}"
                )
        self.state = [r if self.n_seeds is None else join_seeds(r) for r in state]

    def spread(self) -> None:
        """Give every image of the batch a state of its own."""
        self.state = [
            r.expand(self.batch, -1, -1, -1).contiguous(memory_format=LAYOUT) for r in self.state
        ]

    def drives(self, image: Tensor | None) -> list[Tensor]:
        """What is constant while an image is shown, for each area: bias, and image if it sees it.

        Blank steps have the drive of a black image, which is the bias.
        """
        drives, wiring = list(self.bias), self.model.wiring
        if image is None:
            return drives
        stem = convolve(image, self.stem, wiring.stem.stride)
        stem = mean_of_neighbours(stem) if wiring.stem.pool else stem
        drives[0] = self._constant(0, stem)
        if len(wiring) > 1:
            drives[1] = self._constant(1, convolve(stem, self.skips[1], self.plan.strides[0]))
        return drives

    def _constant(self, area: int, h: Tensor) -> Tensor:
        maps = convolve(h, self.feedforward[area], self.plan.strides[area])
        maps = maps if self.n_seeds is None else join_seeds(maps)
        return (maps + self.bias[area]).contiguous(memory_format=LAYOUT)

    def run(self, drives: list[Tensor], n_steps: int) -> None:
        """Steps without gradient."""
        if not n_steps:
            return
        state = [r.clone(memory_format=LAYOUT) for r in self.state]
        if state[0].shape != self.packed_for:
            self.packed, self.packed_for = packed(self.weights, state, self.plan), state[0].shape
        for first in range(0, n_steps, CHUNK):
            steps = min(CHUNK, n_steps - first)
            before = [r.clone() for r in state] if self.check_finite else []
            for _ in range(steps):
                state = advance(state, drives, self.packed, self.plan)
                self.read.append(pooled(state, self.plan).unsqueeze(0))
                if self.rest:
                    self.away.append(departure(state, self.rest, self.plan).unsqueeze(0))
                if self.see is not None:
                    self.see(state)
            self._check(before, state, drives)
            self.step += steps
        self.state = state

    def run_with_gradient(self, drives: list[Tensor], n_steps: int, chunk: int, keep: bool) -> None:
        """Steps with gradient, ``chunk`` at a time."""
        weights, n = self.weights.tensors(), len(self.plan)
        for first in range(0, n_steps, chunk):
            steps, before = min(chunk, n_steps - first), self.state
            found = ConvScan.apply(self.plan, steps, keep, *before, *drives, *weights, *self.rest)
            self.state = list(found[:n])
            self.read.append(found[n])
            if self.rest:
                self.away.append(found[n + 1])
            self._check(before, self.state, drives)
            self.step += steps

    @torch.no_grad()
    def _check(self, before: Maps, after: Maps, drives: list[Tensor]) -> None:
        """Find where activity diverged, if it did, by making the steps once more."""
        if not self.check_finite or all(r.is_meta or torch.isfinite(r).all() for r in after):
            return
        state, step = [r.clone(memory_format=LAYOUT) for r in before], self.step
        while True:
            state = advance(state, drives, self.weights, self.plan)
            for area, r in enumerate(state):
                if not torch.isfinite(r).all():
                    raise DivergingActivity(step, area, self.n_blank)
            step += 1

    def response(self) -> Response:
        """What the trial has given."""
        read = torch.cat(self.read)  # (time, batch, seed * channel)
        n_steps, batch = read.shape[:2]
        away = torch.cat(self.away) if self.away else read.new_zeros(0, batch, self.plan.n_seeds)
        if self.n_seeds is None:
            rows = read.transpose(0, 1).flatten(0, 1)
            departure, state = away.squeeze(-1).mT, tuple(self.state)
        else:
            rows = read.unflatten(-1, (self.n_seeds, -1)).permute(2, 1, 0, 3).flatten(1, 2)
            departure = away.permute(2, 1, 0)
            state = tuple(split_seeds(r, self.n_seeds) for r in self.state)
        outputs = self.model.classify(rows).unflatten(-2, (batch, n_steps))
        return Response(outputs, departure, state)
