"""A trial of a CordsNet made fast: which image is shown when, on tensors alone.

What stays constant is computed once: normalised weights once per trial, and the drive of an
image (stem, skip from the stem, and what both send into areas 0 and 1) once per stimulus. Blank
steps from silence are the same for all images and are computed for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nmcourse._inputs import all_finite
from nmcourse.models._base import add_noise
from nmcourse.models.vision.layers import (
    convolve,
    join_seeds,
    mean_of_neighbours,
    split_seeds,
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
from nmcourse.models.vision.planning import (
    TRACES_EVERY,
    Asked,
    Response,
    Schedule,
    refuse_divergence,
    without_traces,
)
from nmcourse.models.vision.wiring import Wiring

CHUNK = 20  # steps that share one convolution for the gradient of the weights


@dataclass(frozen=True)
class Tensors:
    """What a trial needs of a network: its plan, and its weights and biases as they are in use.

    Attributes:
        plan: strides, leak and slope.
        wiring: the table of areas.
        stem: weights of the stem, ([seed,] out, in, kernel, kernel).
        feedforward: of the convolution into each area.
        recurrent: of the convolution of each area's own activity.
        skips: of the skip convolutions, by the area that they lead to.
        biases: ([seed,] channel, height or 1, width or 1) for each area.
        output: weights of the readout, ([seed,] class, channel).
        output_bias: ([seed,] class).
    """

    plan: Plan
    wiring: Wiring
    stem: Tensor
    feedforward: list[Tensor]
    recurrent: list[Tensor]
    skips: dict[int, Tensor]
    biases: list[Tensor]
    output: Tensor
    output_bias: Tensor

    @property
    def n_seeds(self) -> int | None:
        """Networks side by side; None without a seed axis."""
        return len(self.biases[0]) if self.biases[0].ndim == 4 else None


def respond(
    network: Tensors,
    start: Sequence[Tensor],
    planned: Schedule,
    batch: int,
    asked: Asked,
) -> Response:
    """A planned trial of a batch of images; see ``Seeing.respond``.

    Args:
        network: its tensors.
        start: state, of a batch of one or of all images.
        planned: what is shown when.
        batch: number of images.
        asked: all else; noise only where no gradient is wanted, and the gains are in the tensors.
    """
    trial = _Trial(network, start, batch, asked)
    if asked.noisy:  # blank steps differ from image to image
        trial.spread()
    with torch.no_grad():
        trial.run(trial.drives(None), asked.n_blank)
    rest = [r.detach() for r in trial.state]
    trial.spread()
    trial.forget_outputs()
    chunk = (asked.checkpoint_every, False) if asked.checkpoint_every else (CHUNK, True)
    if asked.see is not None and asked.see_every < chunk[0]:
        chunk = (asked.see_every, chunk[1])
    cuts = {planned.free, planned.away}
    for stretch in planned.shown:
        end = trial.step + stretch.n_steps
        noisy = stretch.image if asked.image_noise_std else None
        drives = trial.drives(stretch.image) if noisy is None else []
        for stop in sorted({end} | {cut for cut in cuts if trial.step < cut < end}):
            trial.rest = rest if trial.step >= planned.away else []
            if torch.is_grad_enabled() and trial.step >= planned.free:
                trial.run_with_gradient(drives, stop - trial.step, *chunk)
            else:
                with torch.no_grad():
                    if noisy is None:
                        trial.run(drives, stop - trial.step)
                    else:
                        trial.run_under_noise(noisy, stop - trial.step)
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
        network: Tensors,
        start: Sequence[Tensor],
        batch: int,
        asked: Asked,
    ) -> None:
        self.network, self.plan, self.batch, self.asked = network, network.plan, batch, asked
        self.n_blank, self.check_finite = asked.n_blank, asked.check_finite
        self.see, self.every = asked.see, asked.see_every
        self.n_seeds, n = network.n_seeds, len(network.plan)
        recurrent, feedforward, skips = network.recurrent, network.feedforward, network.skips
        self.weights = Weights(
            [self._joined(weights) for weights in recurrent],
            [None, *(self._joined(weights) for weights in feedforward[1:])],
            [self._joined(skips[a]) if a > 1 and a in skips else None for a in range(n)],
        )
        self.bias = [bias.flatten(0, -3).unsqueeze(0) for bias in network.biases]
        self.packed, self.packed_for = self.weights, torch.Size()
        self.step, self.rest = 0, []  # type: ignore[var-annotated]
        self.state: Maps = [r if self.n_seeds is None else join_seeds(r) for r in start]
        self.forget_outputs()

    def _joined(self, weights: Tensor) -> Tensor:
        return weights.flatten(0, -4).contiguous(memory_format=LAYOUT)

    def forget_outputs(self) -> None:
        """Outputs count from here."""
        self.read: list[Tensor] = []
        self.away: list[Tensor] = []

    def spread(self) -> None:
        """Give every image of the batch a state of its own."""
        self.state = [
            r.expand(self.batch, -1, -1, -1).contiguous(memory_format=LAYOUT) for r in self.state
        ]

    def drives(self, image: Tensor | None) -> list[Tensor]:
        """What is constant while an image is shown, for each area: bias, and image if it sees it.

        Blank steps have the drive of a black image, which is the bias.
        """
        drives, wiring = list(self.bias), self.network.wiring
        if image is None:
            return drives
        stem = convolve(image, self.network.stem, wiring.stem.stride)
        stem = mean_of_neighbours(stem) if wiring.stem.pool else stem
        drives[0] = self._constant(0, stem)
        if len(wiring) > 1:
            drives[1] = self._constant(
                1, convolve(stem, self.network.skips[1], self.plan.strides[0])
            )
        return drives

    def _constant(self, area: int, h: Tensor) -> Tensor:
        maps = convolve(h, self.network.feedforward[area], self.plan.strides[area])
        maps = maps if self.n_seeds is None else join_seeds(maps)
        return (maps + self.bias[area]).contiguous(memory_format=LAYOUT)

    def run(self, drives: list[Tensor], n_steps: int) -> None:
        """Steps without gradient."""
        if not n_steps:
            return
        state = [r.clone(memory_format=LAYOUT) for r in self.state]
        if state[0].shape != self.packed_for:
            self.packed, self.packed_for = packed(self.weights, state, self.plan), state[0].shape
        chunk = 1 if self.asked.noise_std else CHUNK  # steps with noise cannot be made once more
        for first in range(0, n_steps, chunk):
            steps = min(chunk, n_steps - first)
            before = [r.clone() for r in state] if self.check_finite and chunk > 1 else []
            for made in range(self.step + 1, self.step + steps + 1):
                state = self._with_noise(advance(state, drives, self.packed, self.plan))
                self.read.append(pooled(state, self.plan).unsqueeze(0))
                if self.rest:
                    self.away.append(departure(state, self.rest, self.plan).unsqueeze(0))
                self._show(made, state)
            if chunk > 1:
                self._check(before, state, drives)
            elif self.check_finite:
                refuse_divergence(state, self.step, self.n_blank)
            self.step += steps
            if self.step // TRACES_EVERY != (self.step - steps) // TRACES_EVERY:
                state = list(without_traces(state))
        self.state = state

    def run_under_noise(self, image: Tensor, n_steps: int) -> None:
        """Steps without gradient, with new noise on the image at each."""
        for _ in range(n_steps):
            seen = add_noise(image, 1.0, self.asked.image_noise_std, self.asked.generator)
            self.run(self.drives(seen), 1)

    def _with_noise(self, state: Maps) -> Maps:
        """The state after a step, with the noise of that step."""
        std, generator, n = self.asked.noise_std, self.asked.generator, self.n_seeds
        if not std:
            return state
        maps = state if n is None else [split_seeds(r, n) for r in state]
        maps = add_noise(maps, self.plan.alpha, std, generator)
        maps = maps if n is None else [join_seeds(r) for r in maps]
        return [r.contiguous(memory_format=LAYOUT) for r in maps]

    def run_with_gradient(self, drives: list[Tensor], n_steps: int, chunk: int, keep: bool) -> None:
        """Steps with gradient, ``chunk`` at a time."""
        weights, n, end = self.weights.tensors(), len(self.plan), self.step + n_steps
        while self.step < end:
            # whole chunks are counted from image onset, so that what is to be seen ends one
            steps = min(chunk - (self.step - self.n_blank) % chunk, end - self.step)
            before = self.state
            found = ConvScan.apply(self.plan, steps, keep, *before, *drives, *weights, *self.rest)
            self.state = list(found[:n])
            self.read.append(found[n])
            if self.rest:
                self.away.append(found[n + 1])
            self._check(before, self.state, drives)
            self.step += steps
            self._show(self.step, self.state)

    def _show(self, made: int, state: Maps) -> None:
        """Let ``see`` see the state after so many steps, if they are the ones it wants."""
        if self.see is None or (made > self.n_blank and (made - self.n_blank) % self.every):
            return
        n = self.n_seeds
        self.see(made, state if n is None else [split_seeds(r, n) for r in state])

    @torch.no_grad()
    def _check(self, before: Maps, after: Maps, drives: list[Tensor]) -> None:
        """Find where activity diverged, if it did, by making the steps once more."""
        if not self.check_finite or all(all_finite(r) for r in after):
            return
        state, step = [r.clone(memory_format=LAYOUT) for r in before], self.step
        while True:
            state = advance(state, drives, self.weights, self.plan)
            refuse_divergence(state, step, self.n_blank)
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
        outputs = rows @ self.network.output.mT + self.network.output_bias.unsqueeze(-2)
        return Response(outputs.unflatten(-2, (batch, n_steps)), departure, state)
