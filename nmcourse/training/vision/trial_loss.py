r"""The loss of a network that sees: the right answer in a window of time, and a return to rest.

    L = (1/K) sum_k w_k CE_k  +  lambda (1/(M D)) sum_t sum_i mean[(r_i(t) - r_i^rest)^2]

    k       the K last steps with the image          CE_k   cross entropy of the outputs there
    w_k     10^(-s + s k / (K - 1)): rising to 1     s      log scale, 3 as published
    t       the M last blank steps after the image   D      number of areas
    r_rest  rates at image onset, a constant         lambda coefficient, 10^-3 as published

Rivals are trained in other manners with the same loss (:meth:`ImageTrial.counting`): K = 1, right
at the last step with the image; or K all steps with the image and s = 0, right at every step.

As published a trial has 100 blank steps, 100 with the image and 100 blank steps of 2 ms, K = 30 and
M = 10: the window is 140 to 200 ms after the image came, the penalty falls on the last 20 ms.

Reference: Soo et al. 2024, loss of the fine-tuning; released code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from nmcourse._inputs import count, number
from nmcourse.models import Response, SeeingNetwork
from nmcourse.tasks import whole_steps

Counting = Literal["window", "last", "every"]
Begin = Literal["rest", "silence"]


class TrialSteps(NamedTuple):
    """The parts of a trial in steps; the names are those of :class:`ImageTrial`."""

    blank: int
    stimulus: int
    after: int
    window: int
    rest_window: int


@dataclass(frozen=True, kw_only=True)
class ImageTrial:
    """A trial with one image and what counts in it; times in ms, as published by default.

    Attributes:
        blank: time without image before.
        stimulus: time with the image.
        after: time without image afterwards.
        window: the last part of ``stimulus``, in which the answer counts.
        rest_window: the last part of ``after``, in which the distance from rest counts.
        log_scale: s, decades by which the weights rise over the window; 0 for equal weights.
        rest_coefficient: lambda of the return-to-rest penalty; 0 for none.

    Raises:
        ValueError: for a negative or infinite value, no stimulus or window, a window longer than
            its part of the trial, or a penalty that has no window.
    """

    blank: float = 200.0
    stimulus: float = 200.0
    after: float = 200.0
    window: float = 60.0
    rest_window: float = 20.0
    log_scale: float = 3.0
    rest_coefficient: float = 1e-3

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in ("stimulus", "window"):
                number(name, value, "positive", above=0)
            else:
                number(name, value, "zero or positive", least=0)
        for part, whole in (("window", "stimulus"), ("rest_window", "after")):
            if getattr(self, part) > getattr(self, whole):
                raise ValueError(
                    f"{part} must not exceed {whole}={getattr(self, whole)} ms, "
                    f"got {getattr(self, part)} ms"
                )
        if self.rest_coefficient and not self.rest_window:
            raise ValueError(
                "rest_window must be positive where rest_coefficient is, got 0 ms: the penalty "
                "would fall on no step"
            )

    def counting(self, which: Counting, dt: float) -> ImageTrial:
        """The same trial with an answer that counts at other steps.

        Args:
            which: ``"window"`` changes nothing; ``"last"`` counts the last step with the image
                alone, as CORnet-RT is trained; ``"every"`` counts all steps with the image alike,
                as BLT is trained.
            dt: time step of the network in ms.

        Raises:
            ValueError: for another word, or a step longer than the stimulus.
        """
        if which not in get_args(Counting):
            raise ValueError(f"which must be one of {get_args(Counting)}, got {which!r}")
        windows = {"last": number("dt", dt, "positive", above=0), "every": self.stimulus}
        if which == "window":
            return self
        return replace(self, window=windows[which], log_scale=0.0)

    def beginning(self, where: Begin) -> ImageTrial:
        """The same trial with another start.

        Args:
            where: ``"rest"`` changes nothing: blank steps bring the network to its own rest;
                ``"silence"`` leaves them out, so that the image meets activity of zero.

        Raises:
            ValueError: for another word.
        """
        if where not in get_args(Begin):
            raise ValueError(f"where must be one of {get_args(Begin)}, got {where!r}")
        return self if where == "rest" else replace(self, blank=0.0)

    def steps(self, dt: float) -> TrialSteps:
        """The parts of the trial in steps.

        Args:
            dt: time step in ms.

        Raises:
            ValueError: if a part is not a whole number of steps.
        """
        return TrialSteps(
            *(whole_steps(name, getattr(self, name), dt) for name in TrialSteps._fields)
        )


def rising_weights(n_steps: int, log_scale: float = 3.0, *, like: Tensor | None = None) -> Tensor:
    """w_k = 10^(-s + s k / (K - 1)): from 10^-s to 1.

    Args:
        n_steps: K, at least 1; the weight of a single step is 1.
        log_scale: s.
        like: tensor whose type and device the weights take.

    Returns:
        (K,).

    Raises:
        ValueError: for fewer steps than one, or a log scale that is not finite.

    Reference:
        Soo et al. 2024, released code.
    """
    n_steps, log_scale = count("n_steps", n_steps), number("log_scale", log_scale, "finite")
    exponents = torch.linspace(-log_scale if n_steps > 1 else 0.0, 0.0, n_steps, dtype=torch.double)
    return (10.0**exponents).to(like if like is not None else torch.get_default_dtype())


def windowed_cross_entropy(outputs: Tensor, labels: Tensor, *, log_scale: float = 3.0) -> Tensor:
    """(1/K) sum_k w_k CE_k over the steps of a window, mean over images.

    Args:
        outputs: scores before the softmax, (.., batch, time, class): the K steps of the window.
        labels: number of the right class, (batch,), or with the leading axes of ``outputs``.
        log_scale: s of :func:`rising_weights`.

    Returns:
        (..), in nats: the leading axes, one number for each network.

    Raises:
        ValueError: if the shapes do not fit.

    Reference:
        Soo et al. 2024; released code.
    """
    if outputs.ndim < 3 or labels.shape not in (outputs.shape[-3:-2], outputs.shape[:-2]):
        raise ValueError(
            "outputs must be (.., batch, time, class) and labels (batch,) or (.., batch), got "
            f"{tuple(outputs.shape)} and {tuple(labels.shape)}"
        )
    weights = rising_weights(outputs.shape[-2], log_scale, like=outputs)
    wanted = labels.expand(outputs.shape[:-2])[..., None, None].expand(*outputs.shape[:-1], 1)
    entropies = -outputs.log_softmax(dim=-1).gather(-1, wanted).squeeze(-1)
    return (weights * entropies).mean(dim=(-2, -1))


def rest_penalty(departure: Tensor, coefficient: float = 1e-3) -> Tensor:
    """Lambda times the departure from rest, mean over steps and images.

    Args:
        departure: (.., batch, time), mean over areas of the mean squared distance of the rates
            from rest: ``Response.departure``.
        coefficient: lambda.

    Returns:
        (..), the leading axes; zero where there are no steps.

    Reference:
        Soo et al. 2024; released code.
    """
    if not departure.shape[-1]:
        return departure.new_zeros(departure.shape[:-2])
    return coefficient * departure.mean(dim=(-2, -1))


def run_trial(model: SeeingNetwork, images: Tensor, trial: ImageTrial, **options: Any) -> Response:
    """The trial of each image.

    Args:
        model: any network that sees.
        images: held images, (batch, channel, height, width), or (seed, batch, ..) where every
            network of a seed axis is shown its own.
        trial: what is shown when.
        **options: further arguments of ``respond``.

    Returns:
        Outputs of stimulus and blank steps, and the departure over the rest window.
    """
    if not hasattr(model, "respond"):
        raise ValueError(
            f"model must be a network that sees, with respond() and dt, and {type(model).__name__} "
            "is none"
        )
    blank, stimulus, after, _, rest_window = trial.steps(model.dt)
    if images.ndim == 5:  # five axes would be a stream: so this is one that never changes
        images = images.unsqueeze(2).expand(-1, -1, stimulus, -1, -1, -1)
    return model.respond(
        images,
        n_steps=stimulus,
        n_blank=blank,
        n_after=after,
        n_departure=rest_window,
        **options,
    )


def trial_loss(
    model: SeeingNetwork, images: Tensor, labels: Tensor, trial: ImageTrial, **options: Any
) -> Tensor:
    """The whole loss of a trial: windowed cross entropy and return-to-rest penalty.

    Args:
        model: as in :func:`run_trial`, and so are ``images`` and ``**options``.
        images: the images.
        labels: number of the right class, (batch,) or (seed, batch).
        trial: what is shown when, and what counts.
        **options: further arguments of ``respond``.

    Returns:
        (..), one number for each network; not finite if its activity diverges.

    Reference:
        Soo et al. 2024; released code.
    """
    response = run_trial(model, images, trial, check_finite=False, **options)
    steps = trial.steps(model.dt)
    answers = response.outputs[..., steps.stimulus - steps.window : steps.stimulus, :]
    answer = windowed_cross_entropy(answers, labels, log_scale=trial.log_scale)
    return answer + rest_penalty(response.departure, trial.rest_coefficient)
