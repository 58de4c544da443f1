"""What a network does besides answering in time: go on answering, calm down, begin anew.

    image for the trained time | image goes on             does the answer stay?
    image for the trained time | blank | another image     does activity return to rest, and is
                                                           the second image classified?

From the numbers follow the kinds of network that the authors' response tells apart:

    unstable      activity grows without bound, or never falls again
    multistable   activity stays bounded, but images leave it in states other than rest
    monostable    activity returns to rest after every image
    transient     (a property of its own) the answer is right in time and lost when the image stays

Reference: Soo et al. 2024, authors' response; the thresholds are of this course.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import check_tensor, count
from nmcourse.models import SeeingNetwork

Kind = Literal["unstable", "multistable", "monostable"]
GROWN = 10.0  # activity after the image, in units of that with the image: it has exploded
RETURNED = 0.1  # distance from rest, in units of that with the image: it is back
EVERY = 0.95  # share of images that stands for all of them
#: ms that the parts of the test last where nothing else is said; the first as published.
DURATIONS = {"n_steps": 200.0, "n_held": 800.0, "n_after": 600.0, "n_blank": 200.0}
LOST = 0.8  # share of the accuracy in time: with less of it left the answer was transient


class AfterImages(NamedTuple):
    """What :func:`after_images` measures.

    Distances are from rest, root mean squares over all units, in units of the distance at the last
    trained step; infinite where activity is not finite.

    Attributes:
        accuracy: share of right answers at the last trained step.
        held_accuracy: the same when the image has stayed on, at the last step.
        second_accuracy: of another image, shown after the blank, at the last trained step.
        distance: after the blank, (image,).
        held_distance: when the image has stayed on, (image,).
    """

    accuracy: float
    held_accuracy: float
    second_accuracy: float
    distance: Tensor
    held_distance: Tensor


@torch.no_grad()
def after_images(
    model: SeeingNetwork,
    images: Tensor,
    labels: Tensor,
    *,
    n_steps: int | None = None,
    n_held: int | None = None,
    n_after: int | None = None,
    n_blank: int | None = None,
) -> AfterImages:
    """Show images, hold them, take them away, show others.

    Args:
        model: any network that sees.
        images: held images, (image, channel, height, width), at least two. The second image of
            each trial is the first one of the trial before.
        labels: number of the class of each, (image,).
        n_steps: steps for which the network was trained to see an image; as many as the published
            200 ms take where it is None.
        n_held: further steps for which the image stays; None for those of 800 ms.
        n_after: blank steps in its place; None for those of 600 ms.
        n_blank: blank steps before the image, from silence to rest; None for those of 200 ms.

    Raises:
        ValueError: for fewer than two images, labels that do not fit, or a number of steps that
            is out of range.

    Reference:
        Soo et al. 2024, Fig. 3B and authors' response.
    """
    given = {"n_steps": n_steps, "n_held": n_held, "n_after": n_after, "n_blank": n_blank}
    n_steps, n_held, n_after, n_blank = (
        max(1, round(DURATIONS[name] / model.dt)) if steps is None else count(name, steps)
        for name, steps in given.items()
    )
    check_tensor("images", images)
    check_tensor("labels", labels)
    if len(images) < 2:
        raise ValueError(f"images must be at least two, got {len(images)}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels must have shape ({len(images)},), got {tuple(labels.shape)}")
    rest = model.rest(n_blank)

    def state_after(shown: Tensor, state: tuple[Tensor, ...], steps: int) -> tuple[Tensor, ...]:
        response = model.respond(shown, n_steps=steps, n_blank=0, state=state, check_finite=False)
        return response.state

    def accuracy(state: tuple[Tensor, ...], right: Tensor) -> float:
        return (model.readout(state).argmax(dim=-1) == right).double().mean().item()

    seen = state_after(images, rest, n_steps)
    held = state_after(images, seen, n_held)
    left = state_after(torch.zeros_like(images), seen, n_after)
    second, second_labels = images.roll(1, dims=0), labels.roll(1)
    return AfterImages(
        accuracy(seen, labels),
        accuracy(held, labels),
        accuracy(state_after(second, left, n_steps), second_labels),
        _relative(left, seen, rest),
        _relative(held, seen, rest),
    )


def kind_of_return(measured: AfterImages) -> Kind:
    """Unstable, multistable or monostable, by the distances from rest."""
    if (torch.cat([measured.distance, measured.held_distance]) > GROWN).any():
        return "unstable"
    returned = (measured.distance < RETURNED).double().mean()
    return "monostable" if returned >= EVERY else "multistable"


def is_transient(measured: AfterImages) -> bool:
    """Is the answer lost when the image stays longer than trained?"""
    return measured.held_accuracy < LOST * measured.accuracy


def _relative(
    state: tuple[Tensor, ...], seen: tuple[Tensor, ...], rest: tuple[Tensor, ...]
) -> Tensor:
    """Distance from rest, over the distance of ``seen`` from rest, (image,)."""
    away, reference = _distance(state, rest), _distance(seen, rest)
    still = (away == 0) & (reference == 0)  # a network that does not react is at rest
    return torch.where(still, 0.0, away / reference).nan_to_num(nan=torch.inf)


def _distance(state: tuple[Tensor, ...], rest: tuple[Tensor, ...]) -> Tensor:
    """Root mean square distance over all units of all areas, (image,)."""
    differences = [(r - at_rest).flatten(1) for r, at_rest in zip(state, rest, strict=True)]
    return torch.cat(differences, dim=1).square().mean(dim=1).sqrt()
