r"""Many steps of coupled convolutional areas at once, with a written-out gradient.

One step of area i, with a = dt / tau, leaves the rate

    r_i <- (1 - a) r_i + a phi(W_i * r_i + V_i * h_i + d_i)

where d_i is the drive that stays constant (bias, and for areas 0 and 1 the image) and h_i what
comes from other areas at the same moment. phi is the leaky ReLU; its slope is 0 for the ReLU.

Going backwards through the steps, with G_i the gradient of r_i after the step,

    delta_i = a G_i phi'(..)          G_i <- (1 - a) G_i + W_i^T * delta_i + what h passes back

and the gradients of weights are one convolution over the deltas of all steps together. What has
to be kept for that is each r_i and the sign of each phi; with ``keep=False`` only the state the
steps started from is kept, and the rest is computed a second time.

Maps are (batch, seed * channel, height, width) here, stored channel by channel for each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nmcourse.models.loops.derivatives import first_order

LAYOUT = torch.channels_last
Maps = list[Tensor]


@dataclass(frozen=True)
class Plan:
    """What the steps need to know besides tensors.

    Attributes:
        alpha: dt / tau.
        slope: of phi below zero.
        strides: of the convolution into each area.
        skip_strides: per area, stride of its skip convolution; 0 for the identity from two
            areas below, None where the skip is not part of h (areas 0 and 1).
        n_seeds: networks side by side.
        n_read: areas that are read out, 1 or 2.
    """

    alpha: float
    slope: float
    strides: tuple[int, ...]
    skip_strides: tuple[int | None, ...]
    n_seeds: int
    n_read: int

    def __len__(self) -> int:
        return len(self.strides)


@dataclass
class Weights:
    """Convolutions of every area as (seed * out, in, kernel, kernel); None where there is none."""

    recurrent: list[Tensor]
    feedforward: list[Tensor | None]
    skip: list[Tensor | None]

    def tensors(self) -> list[Tensor | None]:
        """All of them in one list."""
        return [*self.recurrent, *self.feedforward, *self.skip]

    @staticmethod
    def of(tensors: Sequence[Any], n_areas: int) -> Weights:
        """The inverse of :meth:`tensors`."""
        parts = [list(tensors[k * n_areas : (k + 1) * n_areas]) for k in range(3)]
        return Weights(*parts)


def conv(maps: Tensor, weights: Tensor, stride: int, plan: Plan) -> Tensor:
    """Convolution with padding kernel // 2, one group per seed, in the type of the maps.

    Autocast computes it in fewer bits. The state keeps its own: what one step adds would be lost.
    """
    padding = weights.shape[-1] // 2
    if weights.is_mkldnn:
        return torch.ops.mkldnn._convolution_pointwise(
            maps, weights, None, [padding] * 2, [stride] * 2, [1, 1], 1, "none", [], ""
        )
    return F.conv2d(maps, weights, None, stride, padding, 1, plan.n_seeds).to(maps.dtype)


def packed(weights: Weights, state: Maps, plan: Plan) -> Weights:
    """The weights in the order that oneDNN computes with, where it would sort them at each call.

    Only for steps without gradient, and only a matter of speed: with 512 channels, sorting takes
    as long as the convolution of one image. Elsewhere than on a CPU in float32, or where this
    torch lacks the (private) function, the weights are returned as they are.
    """
    usable = state[0].device.type == "cpu" and state[0].dtype == torch.float32
    reorder = getattr(torch.ops.mkldnn, "_reorder_convolution_weight", None)
    usable = usable and plan.n_seeds == 1 and torch.backends.mkldnn.is_available()
    if not usable or reorder is None or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return weights

    def pack(kernel: Tensor, area: int, stride: int) -> Tensor:
        padding, shape = [kernel.shape[-1] // 2] * 2, list(state[area].shape)
        return reorder(kernel.detach(), padding, [stride] * 2, [1, 1], 1, shape)

    ways = enumerate(zip(weights.feedforward, weights.skip, strict=True))
    recurrent = [pack(kernel, area, 1) for area, kernel in enumerate(weights.recurrent)]
    feedforward, skip = [], []
    for area, (forward, around) in ways:
        stride = plan.strides[area]
        feedforward.append(None if forward is None else pack(forward, area - 1, stride))
        stride = plan.skip_strides[area] or 1
        skip.append(None if around is None else pack(around, area - 2, stride))
    return Weights(recurrent, feedforward, skip)


def conv_gradient(
    grad: Tensor, maps: Tensor, weights: Tensor, stride: int, plan: Plan, *, of: str
) -> Tensor:
    """Gradient of :func:`conv` with respect to its ``"maps"`` or its ``"weights"``."""
    pad, wanted = weights.shape[-1] // 2, [of == "maps", of == "weights", False]
    return torch.ops.aten.convolution_backward(
        grad, maps, weights, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], plan.n_seeds,
        wanted,
    )[0 if of == "maps" else 1]  # fmt: skip


def passed_on(state: Maps, plan: Plan) -> Maps:
    """What areas tell each other: their rates, never below zero."""
    return state if plan.slope == 0 else [r.relu() for r in state]


def area_input(area: int, passed: Maps, weights: Weights, plan: Plan) -> Tensor | None:
    """The input h from other areas; None for area 0, which only sees the image."""
    if area == 0:
        return None
    stride, kernel = plan.skip_strides[area], weights.skip[area]
    if stride is None:
        return passed[0]
    below = passed[area - 2]
    return passed[area - 1] + (below if kernel is None else conv(below, kernel, stride, plan))


def currents(area: int, state: Maps, passed: Maps, weights: Weights, plan: Plan) -> Tensor:
    """W_i * r_i + V_i * h_i, a new tensor."""
    total = conv(state[area], weights.recurrent[area], 1, plan)
    h, kernel = area_input(area, passed, weights, plan), weights.feedforward[area]
    if h is not None and kernel is not None:
        total += conv(h, kernel, plan.strides[area], plan)
    return total


def advance(state: Maps, drives: Sequence[Tensor], weights: Weights, plan: Plan) -> Maps:
    """State after one step, into the memory of ``state``.

    The deepest area goes first: every area then sees the others as they were before the step.
    """
    passed = passed_on(state, plan)
    for area in reversed(range(len(plan))):
        a = currents(area, state, passed, weights, plan).add_(drives[area])
        phi = F.relu_(a) if plan.slope == 0 else F.leaky_relu_(a, plan.slope)
        state[area].lerp_(phi, plan.alpha)
    return state


def pooled(state: Maps, plan: Plan) -> Tensor:
    """What the readout sees: means over pixels of the last areas, summed, (batch, channel)."""
    read = [r.mean(dim=(-2, -1)) for r in passed_on(state[-plan.n_read :], plan)]
    return read[0] if len(read) == 1 else read[0] + read[1]


def departure(state: Maps, rest: Sequence[Tensor], plan: Plan) -> Tensor:
    """Mean over areas of the mean squared distance from rest, (batch, seed)."""
    total = 0.0
    for r, r0 in zip(state, rest, strict=True):
        total = total + (r - r0).square().unflatten(1, (plan.n_seeds, -1)).mean(dim=(-3, -2, -1))
    return total / len(state)  # type: ignore[return-value]


class ConvScan(torch.autograd.Function):
    """Some steps with one constant drive.

    ``apply(plan, n_steps, keep, state, drives, weights.., rest)``, all tensors flat, returns the
    state after them, the pooled activity (time, batch, channel), and the departure from rest
    (time, batch, seed) if ``rest`` is given (else an empty tensor).
    """

    @staticmethod
    def forward(ctx: Any, plan: Plan, n_steps: int, keep: bool, *tensors: Any) -> Any:
        """Run the steps; keep what the gradient needs."""
        n = len(plan)
        state, drives, rest = list(tensors[:n]), tensors[n : 2 * n], tensors[5 * n :]
        weights = Weights.of(tensors[2 * n : 5 * n], n)
        ctx.plan, ctx.n_steps, ctx.kept = plan, n_steps, None
        ctx.save_for_backward(*tensors)
        if keep:
            ctx.kept = _replay(plan, n_steps, state, drives, weights)
        else:
            state = [r.clone(memory_format=LAYOUT) for r in state]
        read, away = [], []
        for step in range(n_steps):
            if keep:
                state = ctx.kept.after(step)
            else:
                state = advance(state, drives, weights, plan)
            read.append(pooled(state, plan))
            if rest:
                away.append(departure(state, rest, plan))
        if keep:  # what leaves here must not be what is kept
            state = [r.clone() for r in state]
        return (*state, torch.stack(read), torch.stack(away) if away else read[0].new_empty(0))

    @staticmethod
    @first_order
    def backward(ctx: Any, *grads: Any) -> Any:
        """Go back through the steps, the last one first."""
        plan, n_steps, tensors = ctx.plan, ctx.n_steps, ctx.saved_tensors
        n = len(plan)
        start, drives, rest = list(tensors[:n]), tensors[n : 2 * n], tensors[5 * n :]
        weights = Weights.of(tensors[2 * n : 5 * n], n)
        kept = ctx.kept or _replay(plan, n_steps, start, drives, weights)
        ctx.kept = None
        needs = ctx.needs_input_grad[3:]
        back = _Backward(plan, weights, list(grads[:n]), kept)
        for step in reversed(range(n_steps)):
            back.add_readout(step, grads[n][step])
            if rest:
                back.add_departure(step, grads[n + 1][step], rest)
            back.step(step)
        found = [*back.grads, *back.of_drives(drives), *back.of_weights(needs[2 * n : 5 * n])]
        found += [None] * len(rest)
        return (
            None,
            None,
            None,
            *(g if need else None for g, need in zip(found, needs, strict=True)),
        )


@dataclass
class Kept:
    """What the gradient of some steps needs, in one piece for each area.

    Attributes:
        states: (step + 1, batch, channel, height, width), the state before the first step first.
        active: (step, ...), where phi was above zero.
    """

    states: Maps
    active: Maps

    def after(self, step: int) -> Maps:
        """State after a step; -1 is the one before the first."""
        return [states[step + 1] for states in self.states]

    def before_each(self) -> Maps:
        """States before every step, (step * batch, channel, height, width)."""
        return [states[:-1].flatten(0, 1) for states in self.states]


def _stack(like: Tensor, n: int, dtype: torch.dtype | None = None) -> Tensor:
    """Memory for n maps, each in the layout of the maps."""
    batch, channels, height, width = like.shape
    return like.new_empty(n, batch, height, width, channels, dtype=dtype).permute(0, 1, 4, 2, 3)


def _replay(
    plan: Plan, n_steps: int, state: Maps, drives: Sequence[Tensor], weights: Weights
) -> Kept:
    """Make the steps and keep every state, the first included."""
    kept = Kept(
        [_stack(r, n_steps + 1) for r in state], [_stack(r, n_steps, torch.bool) for r in state]
    )
    for states, r in zip(kept.states, state, strict=True):
        states[0] = r
    for step in range(n_steps):
        state = kept.after(step - 1)
        passed = passed_on(state, plan)
        for area, r in enumerate(state):
            a = currents(area, state, passed, weights, plan).add_(drives[area])
            torch.gt(a, 0, out=kept.active[area][step])
            phi = F.relu_(a) if plan.slope == 0 else F.leaky_relu_(a, plan.slope)
            torch.lerp(r, phi, plan.alpha, out=kept.states[area][step + 1])
    return kept


class _Backward:
    """Gradients on their way back through the steps of one :class:`ConvScan`."""

    def __init__(self, plan: Plan, weights: Weights, grads: list[Tensor], kept: Kept) -> None:
        self.plan, self.weights, self.kept = plan, weights, kept
        self.grads = [g.contiguous(memory_format=LAYOUT) for g in grads]
        self.deltas = [_stack(g, len(kept.active[0])) for g in self.grads]
        self.of_skips: list[Tensor | None] = [None] * len(plan)

    def add_readout(self, step: int, grad: Tensor) -> None:
        """Gradient of the pooled activity after a step."""
        for area in range(len(self.plan) - self.plan.n_read, len(self.plan)):
            r = self.kept.states[area][step + 1]
            share = (grad / (r.shape[-2] * r.shape[-1]))[..., None, None]
            self.grads[area] = self.grads[area] + (
                share if self.plan.slope == 0 else share * (r > 0)
            )

    def add_departure(self, step: int, grad: Tensor, rest: Sequence[Tensor]) -> None:
        """Gradient of the departure from rest after a step; rest itself is a constant."""
        n_seeds = self.plan.n_seeds
        for area, r0 in enumerate(rest):
            r = self.kept.states[area][step + 1]
            n_units = r[0].numel() // n_seeds
            factor = (2.0 / (len(self.plan) * n_units) * grad).repeat_interleave(
                r.shape[1] // n_seeds, dim=1
            )
            self.grads[area] = self.grads[area] + factor[..., None, None] * (r - r0)

    def step(self, step: int) -> None:
        """From the gradient after a step to the gradient before it."""
        plan, weights, state = self.plan, self.weights, self.kept.after(step - 1)
        new: list[Tensor] = []
        for area, grad in enumerate(self.grads):
            active, delta = self.kept.active[area][step], self.deltas[area][step]
            if plan.slope:
                factor = active.to(grad.dtype).mul_(1.0 - plan.slope).add_(plan.slope)
                torch.mul(grad, factor.mul_(plan.alpha), out=delta)
            else:
                torch.mul(grad, active, out=delta).mul_(plan.alpha)
            kernel = weights.recurrent[area]
            through = conv_gradient(delta, state[area], kernel, 1, plan, of="maps")
            new.append(through.add_(grad, alpha=1.0 - plan.alpha))
        for area in range(1, len(plan)):
            self._to_sources(area, step, new)
        self.grads = new

    def _to_sources(self, area: int, step: int, new: list[Tensor]) -> None:
        """What an area's input h passes back to the areas it comes from."""
        plan, weights, state = self.plan, self.weights, self.kept.after(step - 1)
        kernel, skip = weights.feedforward[area], weights.skip[area]
        assert kernel is not None
        delta, stride = self.deltas[area][step], plan.skip_strides[area]
        grad = conv_gradient(delta, state[area - 1], kernel, plan.strides[area], plan, of="maps")
        self._pass_back(area - 1, grad, state, new)
        if stride is None:
            return
        if skip is not None:
            if (kept := self.of_skips[area]) is None:
                kept = self.of_skips[area] = _stack(grad, len(self.deltas[area]))
            kept[step] = grad
            grad = conv_gradient(grad, state[area - 2], skip, stride, plan, of="maps")
        self._pass_back(area - 2, grad, state, new)

    def _pass_back(self, area: int, grad: Tensor, state: Maps, new: list[Tensor]) -> None:
        new[area].add_(grad if self.plan.slope == 0 else grad * (state[area] > 0))

    def of_drives(self, drives: Sequence[Tensor]) -> list[Tensor]:
        """Gradients of the drives: the deltas, summed over the steps."""
        sums = []
        for deltas, drive in zip(self.deltas, drives, strict=True):
            total = deltas[0].clone()
            for delta in deltas[1:]:  # several times as fast as deltas.sum(dim=0)
                total.add_(delta)
            sums.append(total.sum_to_size(drive.shape))
        return sums

    def of_weights(self, needs: Sequence[bool]) -> list[Tensor | None]:
        """Gradients of the weights, over all steps in one convolution each."""
        plan, weights, n = self.plan, self.weights, len(self.plan)
        found: list[Tensor | None] = [None] * (3 * n)
        states = self.kept.before_each()
        passed = passed_on(states, plan)
        for area in range(n):
            deltas, kernel = self.deltas[area].flatten(0, 1), weights.recurrent[area]
            if needs[area]:
                maps = states[area]
                found[area] = conv_gradient(deltas, maps, kernel, 1, plan, of="weights")
            forward, skip = weights.feedforward[area], weights.skip[area]
            if needs[n + area] and forward is not None:
                h, stride = area_input(area, passed, weights, plan), plan.strides[area]
                assert h is not None
                found[n + area] = conv_gradient(deltas, h, forward, stride, plan, of="weights")
            grads, stride = self.of_skips[area], plan.skip_strides[area] or 1
            if needs[2 * n + area] and skip is not None and grads is not None:
                grads, maps = grads.flatten(0, 1), passed[area - 2]
                found[2 * n + area] = conv_gradient(grads, maps, skip, stride, plan, of="weights")
        return found
