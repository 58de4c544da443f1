r"""What gains do: time constants in closed form, ablation, alignment to cues.

One mode of a linear network with orthonormal factors (R = L), and no input:

    tau w' = -w + s(t) w        =>        w(t) = w(0) exp(-int_0^t (1 - s) dt' / tau)

so that a constant gain gives the time constant tau_eff = tau / (1 - s). An Euler step multiplies
w by 1 - (dt / tau)(1 - s) instead of exp(-(dt / tau)(1 - s)); its time constant is a little
shorter. All times are in ms.

Reference:
    Costacurta et al. 2024, Eq. 5 and Fig. 2A (modes), Fig. 3E and 3F (gains); chapters *Gain as
    neuromodulation* and *Keeping time with gain*.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import as_tensor, one_or_several
from nmcourse.analysis._checks import check_choice, check_finite, check_nm_rnn, check_positive
from nmcourse.models import NMRNN, ClampedGain


def effective_time_constant(gain: float | Tensor, tau: float) -> Tensor:
    """Time constant of a mode under constant gain, tau / (1 - s).

    Args:
        gain: s, a number or tensor of any shape.
        tau: time constant of the network in ms.

    Returns:
        Time constants in ms, shaped as ``gain``: infinite at s = 1 (perfect memory), negative
        above (growth, by a factor e in that many ms).

    Raises:
        ValueError: for a gain that is not finite, or tau not above zero.

    Reference:
        Costacurta et al. 2024, Eq. 5; chapter *Gain as neuromodulation*.
    """
    gain = _number("gain", gain)
    check_positive(tau=tau)
    return torch.where(gain == 1, torch.inf, tau / (1 - gain))


def euler_time_constant(gain: float | Tensor, tau: float, dt: float) -> Tensor:
    """Time constant that one Euler step implies, -dt / log(1 - (dt / tau)(1 - s)).

    Args:
        gain: s, a number or tensor of any shape.
        tau: time constant of the network in ms.
        dt: time step in ms.

    Returns:
        Time constants in ms, shaped as ``gain``; 0 where one step removes everything.

    Raises:
        ValueError: as :func:`effective_time_constant`, or if a step overshoots zero,
            (dt / tau)(1 - s) > 1: the mode then alternates in sign and has no time constant.

    Reference:
        Chapter *Gain as neuromodulation*.
    """
    gain = _number("gain", gain)
    check_positive(tau=tau, dt=dt)
    lost = dt / tau * (1 - gain)
    if (lost > 1).any():
        raise ValueError(
            f"dt must be at most tau / (1 - gain)={tau / (1 - float(gain.min())):.4g} ms, "
            f"got {dt}: the step overshoots zero"
        )
    return torch.where(lost == 0, torch.inf, -dt / torch.log1p(-lost))


def mode_decay(gains: Tensor, tau: float, dt: float, *, w0: float | Tensor = 1.0) -> Tensor:
    """Closed form of a mode under sampled gains: w(0) exp(-sum (1 - s) dt / tau).

    Exact for a gain that keeps each sampled value over one time step.

    Args:
        gains: (.., time, K), entry t held during step t.
        tau: time constant in ms.
        dt: time step in ms.
        w0: activity before the first step, a number or (.., K).

    Returns:
        (.., time, K), entry t after step t.

    Raises:
        ValueError: for gains of fewer than two axes or not finite, tau or dt not above zero.

    Reference:
        Costacurta et al. 2024, Eq. 5; chapter *Gain as neuromodulation*.
    """
    start = _check_modes(gains, tau, dt, w0)
    return start * torch.exp(-(1 - gains).cumsum(dim=-2) * dt / tau)


def ablate_gains(
    model: NMRNN, component: int | Sequence[int], value: float | str = "initial"
) -> NMRNN:
    """A copy of an NM-RNN with some gains held at a value; the modulator itself runs on.

    Args:
        model: left as it is.
        component: gain index, or several, each in 0..K-1.
        value: ``"initial"`` holds each gain where the initial modulator state puts it, before
            any input (the paper's ablation keeps it near its initial value); a number holds it
            there (the released notebook uses 0: another perturbation, a silenced term).

    Returns:
        The ablated model, of the same dtype.

    Raises:
        ValueError: for an unknown component or value, a model without gains, or (with
            ``"initial"``) gains prescribed trial by trial.

    Reference:
        Costacurta et al. 2024, Fig. 3F; chapter *Keeping time with gain*.
    """
    check_nm_rnn(model)
    n_gains = model.modulator.n_gains
    chosen = one_or_several("component", component, 0, n_gains - 1)
    if not chosen:
        raise ValueError(
            f"component must be one or more whole numbers from 0 to {n_gains - 1}, "
            f"got {component!r}"
        )
    if isinstance(value, str):
        check_choice("value", value, ("initial",))
        start = initial_gains(model)
        values = {k: float(start[k]) for k in chosen}
    else:
        values = {k: float(value) for k in chosen}
    ablated = copy.deepcopy(model)
    dtype = ablated.output_network.input_weights.dtype
    clamped = ClampedGain(ablated.modulator, values)
    # The buffer starts in the default dtype: keep the digits of a float64 model.
    clamped.values = clamped.values.to(dtype)
    for k, held in values.items():
        clamped.values[k] = held
    ablated.modulator = clamped
    return ablated


def initial_gains(model: NMRNN) -> Tensor:
    """Gains (K,) of the state that a trial starts from, before any input.

    Raises:
        ValueError: if the gains are prescribed trial by trial, so that there is no one start.
    """
    return model.modulator.gain(model.modulator.initial_state(1)).detach()[0]


class Aligned(NamedTuple):
    """Values around a cue.

    Attributes:
        times: ms from the cue, (window,).
        values: (trial, window, K); NaN where the window leaves the trial.
    """

    times: Tensor
    values: Tensor


def align_to(gains: Tensor, cue_times: Tensor, dt: float, window: tuple[float, float]) -> Aligned:
    """Cut out the same window around each trial's cue.

    Time 0 is the step that receives the cue: its entry is the first that the cue can change.

    Args:
        gains: (trial, time, K), or any series of that shape, entry t after step t.
        cue_times: time of the cue in ms, (trial,): a whole number of steps.
        dt: time step in ms.
        window: first and last time in ms relative to the cue, both included.

    Returns:
        Times and values around the cue.

    Raises:
        ValueError: for shapes that do not fit, times that are not finite or no whole number of
            steps, or an empty window.

    Reference:
        Costacurta et al. 2024, Fig. 3E; chapter *Keeping time with gain*.
    """
    if gains.ndim != 3:
        raise ValueError(f"gains must have shape (trial, time, K), got {tuple(gains.shape)}")
    if cue_times.shape != gains.shape[:1]:
        raise ValueError(f"cue_times must have shape ({len(gains)},), got {tuple(cue_times.shape)}")
    check_positive(dt=dt)
    first, last = (int(_whole_steps("window", torch.tensor(edge), dt)) for edge in window)
    if last < first:
        raise ValueError(f"window must run from an earlier to a later time, got {window}")
    offsets = torch.arange(first, last + 1)
    steps = _whole_steps("cue_times", cue_times, dt).unsqueeze(-1) + offsets
    inside = (steps >= 0) & (steps < gains.shape[1])
    index = steps.clamp(0, gains.shape[1] - 1).unsqueeze(-1).expand(-1, -1, gains.shape[2])
    values = gains.gather(1, index).masked_fill(~inside.unsqueeze(-1), torch.nan)
    return Aligned(offsets * dt, values)


def correlate_over_trials(values: Tensor, quantity: Tensor) -> Tensor:
    """Pearson correlation across trials between a series and one number per trial.

    Args:
        values: (trial, time, K), e.g. aligned gains; NaN entries are left out.
        quantity: (trial,), e.g. the measured interval in ms.

    Returns:
        (time, K), between -1 and 1; NaN where fewer than three trials are left or one side does
        not vary.

    Raises:
        ValueError: for shapes that do not fit, or a quantity that is not finite.

    Reference:
        Costacurta et al. 2024, Fig. 3E (the gains that follow the interval); chapter *Keeping time
        with gain*.
    """
    if values.ndim != 3 or quantity.shape != values.shape[:1]:
        raise ValueError(
            "values and quantity must have shapes (trial, time, K) and (trial,), got "
            f"{tuple(values.shape)} and {tuple(quantity.shape)}"
        )
    check_finite("quantity", quantity)
    values = values.detach().double()
    present = ~values.isnan()
    n = present.sum(dim=0)
    of_trial = quantity.double()[:, None, None].expand_as(values).masked_fill(~present, torch.nan)
    a, b = values - values.nanmean(dim=0), of_trial - of_trial.nanmean(dim=0)
    spread = (a.square().nansum(dim=0) * b.square().nansum(dim=0)).sqrt()
    level = values.abs().nan_to_num().amax(dim=0) * quantity.double().abs().max() * n
    varies = (n >= 3) & (spread > 1e-12 * level)
    return torch.where(varies, (a * b).nansum(dim=0) / spread, torch.nan)


def _number(name: str, value: float | Tensor) -> Tensor:
    tensor = as_tensor(name, value)
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.get_default_dtype())
    check_finite(name, tensor)
    return tensor


def _check_modes(gains: Tensor, tau: float, dt: float, w0: float | Tensor) -> Tensor:
    if gains.ndim < 2:
        raise ValueError(f"gains must have shape (.., time, K), got {tuple(gains.shape)}")
    check_finite("gains", gains)
    check_positive(tau=tau, dt=dt)
    start = as_tensor("w0", w0, gains.dtype)
    check_finite("w0", start)
    return start.unsqueeze(-2) if start.ndim else start


def _whole_steps(name: str, times: Tensor, dt: float) -> Tensor:
    check_finite(name, times)
    steps = times.double() / dt
    if ((steps - steps.round()).abs() > 1e-6).any():
        raise ValueError(
            f"{name} must be whole numbers of steps of dt={dt} ms, got {times.tolist()}"
        )
    return steps.round().long()


@torch.no_grad()
def switch_times(gains: Tensor) -> tuple[Tensor, Tensor]:
    """When each gain switches in Element Finder, and how far.

    Args:
        gains: (query, time, component), averaged over sequences.

    Returns:
        Time step of the largest change from one step to the next after the first two steps (the
        query itself moves every gain), (query, component); and the range of each component over
        all queries and these times, (component,).
    """
    later = gains[:, 2:]
    steps = later.diff(dim=1).abs().argmax(dim=1) + 3
    return steps, later.amax(dim=(0, 1)) - later.amin(dim=(0, 1))
