"""Trials of networks whose answer to an image takes no time: each stretch is looked at once.

A step of such a network, made again with the same image, changes nothing. So however long an image
stays, it is looked at once; a test says that the trial equals ``step`` repeated. A batch
normalisation in training is changed by every look (its running mean and variance move), and there
``step`` is repeated.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nmcourse.models._as_written import as_written
from nmcourse.models.vision.planning import (
    Asked,
    Response,
    State,
    check_state,
    departure,
    refuse_divergence,
    schedule,
)
from nmcourse.models.vision.seeing import Seeing
from nmcourse.models.vision.stepwise import respond_by_steps

Look = Callable[[State, Tensor], State]


def respond_at_once(
    model: Seeing, images: Tensor, look: Look, asked: Asked, *, holds: bool
) -> Response:
    """A trial in which every image is looked at once; see ``Seeing.respond``.

    Where steps differ from each other (noise, gains, batch normalisation in training), or each of
    them is wanted, and where a subclass has changed the network, ``step`` is repeated instead.

    Args:
        model: the network.
        images: held images or a stream.
        look: the state that an image leads to, from the state before.
        asked: what is asked of the trial.
        holds: whether the state before matters. Otherwise the blank steps before the image are made
            only where the departure from rest is wanted.
    """
    each = asked.varied or asked.see is not None or asked.gradient_steps is not None
    if each or _moves_with_each_look(model) or not as_written(model):
        return respond_by_steps(model, images, asked)
    model.check_images(images)
    plan = schedule(images, asked)
    batch = images.shape[-4] if images.ndim == 4 else images.shape[-5]
    start = model.silence(images, 1)
    if asked.state is not None:
        start = check_state(asked.state, model.silence(images, batch))
    first = plan.shown[0].image
    assert first is not None
    dark = torch.zeros_like(first)
    if asked.n_blank and (holds or asked.n_departure):
        with torch.no_grad():
            start = look(start, dark if start[0].shape[-4] == batch else dark[..., :1, :, :, :])
    rest = tuple(r.detach() for r in start)
    now = tuple(r.expand(*r.shape[:-4], batch, *r.shape[-3:]) for r in start)
    outputs, away, to_come = [], [], plan.total
    for image, n_steps in plan.shown:
        now = look(now, dark if image is None else image)
        if asked.check_finite:
            refuse_divergence(now, asked.n_blank + plan.total - to_come, asked.n_blank)
        answer = model.readout(now).unsqueeze(-2)
        outputs.append(answer.expand(*answer.shape[:-2], n_steps, -1))
        wanted = min(n_steps, max(0, asked.n_departure - to_come + n_steps))
        far = departure(now, rest).unsqueeze(-1)
        away.append(far.expand(*far.shape[:-1], wanted))
        to_come -= n_steps
    return Response(torch.cat(outputs, dim=-2), torch.cat(away, dim=-1), now)


def _moves_with_each_look(model: nn.Module) -> bool:
    """Whether a look at an image changes the network itself."""
    return any(isinstance(part, nn.BatchNorm2d) and part.training for part in model.modules())
