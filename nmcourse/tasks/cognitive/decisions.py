"""Which way? Perceptual decisions, from one sense or from two.

    channel     what happens
    fixation    1 until go, then 0
    evidence    from stimulus on to go: +c or -c and noise, new at each step
    choice      0 until go, then +1 or -1, the sign of the evidence

The multisensory task has two channels of evidence, sight and sound. In a trial one of them speaks,
or both do, with the same sign. A silent channel has noise only.

    0      before      before + stimulus = go      go + response
    |------|-----------------|------------------------|

Reference: Soo et al. 2024, Appendix B and Fig. 1C (names of the tasks; timing and noise are ours).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count
from nmcourse.tasks._base import Trials
from nmcourse.tasks.cognitive._base import (
    GRACE,
    CognitiveTask,
    answers,
    check_coherences,
    check_response,
    during,
    mask_around_go,
)

SIGHT, SOUND, BOTH = 0, 1, 2


class PerceptualDecision(CognitiveTask):
    """Say the sign of noisy evidence once the fixation signal goes.

    Args:
        coherences: sizes c of the mean evidence.
        before: time before the stimulus, in ms.
        stimulus: duration of the evidence, in ms.
        response: time for the answer, in ms; more than the grace of 60 ms.
        noise: standard deviation of the noise of one step.
        dt: time step in ms.

    Raises:
        ValueError: for a coherence that is not positive or repeated, a period shorter than a step
            or not a multiple of it, or a response that is over before it counts.
    """

    input_names: tuple[str, ...] = ("fixation", "evidence")
    output_names = ("choice",)

    def __init__(
        self,
        coherences: Sequence[float] = (0.1, 0.2, 0.4),
        *,
        before: float = 100.0,
        stimulus: float = 400.0,
        response: float = 200.0,
        noise: float = 0.3,
        dt: float = 20.0,
    ) -> None:
        self._set_step(dt, noise)
        self.coherences = check_coherences(coherences)
        times = {"before": before, "stimulus": stimulus, "response": response}
        self._before, self._stimulus, last = self._steps(times)
        check_response(response)
        self.n_steps = self._before + self._stimulus + last

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw sign, coherence and (where there are two) senses of each trial."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        sizes = torch.tensor(self.coherences)
        size = sizes[torch.randint(len(sizes), (n_trials,), generator=generator)]
        sign = 2.0 * torch.randint(2, (n_trials,), generator=generator) - 1.0
        senses = torch.randint(self._n_senses(), (n_trials,), generator=generator)
        return self._trials(sign * size, senses, generator, noise=True)

    def probe(self) -> Trials:
        """Every signed coherence, for each choice of senses, without noise."""
        signed = torch.tensor([s * c for s in (-1, 1) for c in self.coherences])
        senses = torch.arange(self._n_senses()).repeat_interleave(len(signed))
        return self._trials(signed.repeat(self._n_senses()), senses, None, noise=False)

    def right(self, outputs: Tensor, trials: Trials) -> Tensor:
        """Whether the mean answer has the sign of the evidence, (trial,)."""
        given = answers(outputs, trials, self.dt)[:, 0]
        return given.sign() == trials.conditions["coherence"].sign()

    def _n_senses(self) -> int:
        return 1

    def _evidence(self, shown: Tensor, coherence: Tensor, senses: Tensor) -> Tensor:
        """(trial, time, channel) from where the stimulus is shown, (trial, time, 1)."""
        return shown * coherence[:, None, None]

    def _trials(
        self,
        coherence: Tensor,
        senses: Tensor,
        generator: torch.Generator | None,
        *,
        noise: bool,
    ) -> Trials:
        on = torch.full((len(coherence),), self._before)
        go = on + self._stimulus
        end = torch.full_like(go, self.n_steps)
        answering = during(go, end, self.n_steps)
        evidence = self._evidence(during(on, go, self.n_steps), coherence, senses)
        inputs = torch.cat([1.0 - answering, evidence], dim=-1)
        return Trials(
            self._noisy(inputs, generator, noise),
            answering * coherence.sign()[:, None, None],
            mask_around_go(go, self.n_steps, round(GRACE / self.dt)),
            conditions={"coherence": coherence, "senses": senses, "go_time": self.dt * go},
        )


class MultisensoryDecision(PerceptualDecision):
    """The same with two channels of evidence, of which one or both speak.

    ``conditions["senses"]`` is ``SIGHT``, ``SOUND`` or ``BOTH`` (0, 1, 2). For arguments see
    :class:`PerceptualDecision`.
    """

    input_names: tuple[str, ...] = ("fixation", "sight", "sound")

    def _n_senses(self) -> int:
        return 3

    def _evidence(self, shown: Tensor, coherence: Tensor, senses: Tensor) -> Tensor:
        speaks = torch.stack([senses != SOUND, senses != SIGHT], dim=-1).to(shown.dtype)
        return shown * (speaks * coherence[:, None])[:, None, :]
