"""The networks of the Element Finder comparison: which, how trained, how measured.

Used by ``element_finder`` (N13, R6, R16) and ``element_finder_training`` (N14, N15, R4, R11), and
at the budget of the paper by ``element_finder_published_budget``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import scipy.stats
import torch
from torch import Tensor, nn

from nmcourse.analysis import fit_line, line_drift, run_on, switch_times, trajectory_states
from nmcourse.experiments.contenders import Contender, by_name
from nmcourse.models import NMRNN
from nmcourse.tasks import ElementFinder, Trials

LENGTH, BATCH = 25, 128
TEST_TRIALS, TEST_SEED = 4000, 2024
AVERAGES_SEED = TEST_SEED + 1
TRIALS_PER_QUERY = 40  # of the averages that N14 looks at
ZERO, SWITCH = 0.05, 0.25  # a gain that never exceeds the first is silent; a switch spans the other
RUN_ON = 10  # steps without input: one tau_z


def _network(name: str, kind: str, label: str, **kwargs: Any) -> Contender:
    return Contender(name, f"element_finder_{kind}", label, kwargs, prefix="ef")


def _nm_rnn(
    name: str, label: str, n_modulator: int, n_units: int, rank: int, **more: Any
) -> Contender:
    sizes = {"n_modulator": n_modulator, "n_units": n_units, "rank": rank}
    return _network(name, "nm_rnn", label, **sizes, **more)


NM_RNNS = (
    _nm_rnn("nm_rnn_5_18_8", "NM-RNN(5, 18, 8)", 5, 18, 8),
    _nm_rnn("nm_rnn_5_13_12", "NM-RNN(5, 13, 12)", 5, 13, 12),
    _nm_rnn("nm_rnn_10_12_7", "NM-RNN(10, 12, 7)", 10, 12, 7),
)
BASELINES = (
    _network("lstm", "lstm", "LSTM"),
    _network("gru", "gru", "GRU"),
    _network("low_rank_rnn", "low_rank_rnn", "LR-RNN"),
    _network("vanilla_rnn", "vanilla_rnn", "vanilla RNN"),
)
FREE, OVER_N = {"orthonormal": False}, {"recurrent_scaling": "1/N"}
RELEASED = _nm_rnn(
    "nm_rnn_released", "NM-RNN(5, 18, 8), released scaling", 5, 18, 8, **FREE, **OVER_N
)
# Between the two: for short lists only.
BETWEEN = (
    _nm_rnn("nm_rnn_free", "NM-RNN(5, 18, 8), free factors", 5, 18, 8, **FREE),
    _nm_rnn("nm_rnn_over_n", "NM-RNN(5, 18, 8), 1/N", 5, 18, 8, **OVER_N),
)
ALL_GAINS = _nm_rnn(
    "nm_rnn_all_gains",
    "NM-RNN(5, 18, 8), all weights under gain",
    *(5, 18, 8),
    modulated=("recurrent", "input", "readout"),
)
ATTENTION = _network("attention", "attention", "attention reader")
MAIN = NM_RNNS[0]
NETWORKS = by_name((MAIN, *BASELINES, *NM_RNNS[1:], ALL_GAINS, RELEASED, ATTENTION))

# As released, for the budget of the paper: the low-rank RNN, and gains on more weights.
LOW_RANK_RELEASED = _network(
    "low_rank_rnn_released", "low_rank_rnn", "LR-RNN, released scaling", **FREE, **OVER_N
)
ALL_GAINS_RELEASED = replace(
    ALL_GAINS,
    name="nm_rnn_all_gains_released",
    label="NM-RNN(5, 18, 8), released scaling, all weights under gain",
    kwargs={**ALL_GAINS.kwargs, **FREE, **OVER_N},
)
ALL_NETWORKS = NETWORKS | by_name((*BETWEEN, LOW_RANK_RELEASED, ALL_GAINS_RELEASED))


def weights_of(name: str) -> str:
    """Name of the pretrained weights behind results."""
    if name in NETWORKS:
        return NETWORKS[name].weights
    if name in ("released_longer", "free_factors"):
        return f"ef_nm_rnn_{name}"
    return f"ef_{MAIN.name}_{name}"


def weights_at_published_budget(name: str) -> str:
    """Name of the pretrained weights of a network that was trained at the budget of the paper."""
    return f"ef_published_{name}"


class ScaledFinder(ElementFinder):
    """Element Finder whose inputs are divided by the largest element: R4's normalised inputs."""

    def trials(self, query: Tensor, elements: Tensor) -> Trials:
        """The trials of the task, their inputs divided; the answers stay as they are."""
        trials = super().trials(query, elements)
        return Trials(
            trials.inputs / self.high, trials.targets, trials.mask, conditions=trials.conditions
        )


@cache
def fixed_sequences(length: int, scaled: bool) -> Trials:
    """The fixed test sequences of a length; training never draws from this seed."""
    task = (ScaledFinder if scaled else ElementFinder)(length)
    return task.sample(TEST_TRIALS, generator=torch.Generator().manual_seed(TEST_SEED))


@torch.no_grad()
def errors_on_lists(
    models: Sequence[nn.Module], *, length: int = LENGTH, scaled: bool = False
) -> dict[str, Any]:
    """Errors of trained networks on the fixed test set.

    Returns:
        ``error``: mean squared error, one entry per network; ``exact``: share of the answers
            that round to the right element; ``by_query``: (network, query), mean squared error.
    """
    trials = fixed_sequences(length, scaled)
    query, answer = trials.conditions["query"], trials.targets[:, -1, 0]
    missed = torch.stack([model(trials.inputs).outputs[:, -1, 0] for model in models]) - answer
    by_query = [missed[:, query == q].square().mean(dim=1) for q in range(length)]
    return {
        "error": missed.square().mean(dim=1),
        "exact": (missed.abs() < 0.5).double().mean(dim=1),
        "by_query": torch.stack(by_query, dim=1),
    }


def thinned(losses: Tensor, n_points: int = 100) -> dict[str, Any]:
    """Learning curves (step, seed) in few points.

    Returns:
        ``steps``: last step of each point; ``mean``: (seed, point), mean of the batch losses up
            to it; ``batch``: (seed, point), loss of the one batch there; ``spikes``: per seed,
            largest over median batch loss in the last fifth of the training.
    """
    n_points = min(n_points, len(losses))
    blocks = losses[: len(losses) // n_points * n_points].unflatten(0, (n_points, -1))
    late = losses[-max(1, len(losses) // 5) :]
    return {
        "steps": [(i + 1) * blocks.shape[1] for i in range(n_points)],
        "mean": _four_digits(blocks.mean(dim=1).T),
        "batch": _four_digits(blocks[:, -1].T),
        "spikes": late.amax(dim=0) / late.median(dim=0).values,
    }


def _four_digits(values: Tensor) -> list[list[float]]:
    return [[float(f"{value:.4g}") for value in row] for row in values.tolist()]


def averaged_over(length: int) -> ElementFinder:
    """Lists of a length, asked at the three places at which the paper looks.

    They are 5, 10 and 15 for lists of 25, and as far into other lists.
    """
    return ElementFinder(length, queries=[round(length * part / 5) for part in (1, 2, 3)])


def _draw() -> torch.Generator:
    """Sequences to average over: neither of the training nor of the test."""
    return torch.Generator().manual_seed(AVERAGES_SEED)


@torch.no_grad()
def memory_of(model: NMRNN, length: int = LENGTH) -> dict[str, Any]:
    """What N14 asks of one NM-RNN: lines in z and x, and gains that switch.

    States are averaged over sequences, as in the paper: what is in them of the other elements, of
    the last one above all, is then gone.

    Returns:
        ``z_order``: absolute rank correlation of the first principal component of z at the end
            with the query; ``x_order``: that of x at the end with the answer, over all answers at
            three queries; ``z_line``, ``x_line``: share of the variance along it; ``z_kept``,
            ``x_kept``: slope of the places along the line after ten more steps without input
            against those at the end; ``switch_order``: for each gain, rank correlation of its
            switch time with the query (0 for a gain that spans less than ``SWITCH``);
            ``largest``: largest mean value of each gain.
    """
    by_query = ElementFinder(length).each_query(TRIALS_PER_QUERY, generator=_draw())
    z, gains = _averaged(model, by_query, "z")
    z_line = fit_line(z[:, 0], torch.arange(length, dtype=torch.float64))
    by_value = averaged_over(length).each_answer(TRIALS_PER_QUERY, generator=_draw())
    x, _ = _averaged(model, by_value, "x")
    x_line = fit_line(x[:, 0], by_value.conditions["answer"][::TRIALS_PER_QUERY].double())
    steps, spans = switch_times(gains)
    asked = torch.arange(2, length - 1)  # the first ones cannot be told from the query's own jump
    order = [
        _rank_correlation(steps[asked, k], asked) if spans[k] >= SWITCH else 0.0
        for k in range(model.rank)
    ]
    return {
        "z_order": abs(z_line.order),
        "x_order": abs(x_line.order),
        "z_line": z_line.variance_ratio,
        "x_line": x_line.variance_ratio,
        "z_kept": line_drift(z_line, z, model.dt).kept,
        "x_kept": line_drift(x_line, x, model.dt).kept,
        "switch_order": order,
        "largest": gains.amax(dim=(0, 1)),
    }


def _averaged(model: NMRNN, trials: Trials, part: str) -> tuple[Tensor, Tensor]:
    """States from the end on and gains of every step, averaged over each group's sequences.

    Returns:
        (group, steps run on, unit) of ``part``, "x" or "z"; (group, time, component).
    """
    trajectory = model(trials.inputs)
    assert trajectory.gains is not None
    assert trajectory.modulator_states is not None
    sizes = [model.n_units, trajectory.modulator_states.shape[-1]]
    later = run_on(model, trajectory_states(trajectory)[:, -1], RUN_ON).split(sizes, dim=-1)
    groups = (-1, TRIALS_PER_QUERY)
    states = later["xz".index(part)].unflatten(0, groups).mean(dim=1)
    return states, trajectory.gains[..., : model.rank].unflatten(0, groups).mean(dim=1)


def _rank_correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's; 0 where the first does not vary."""
    if first.min() == first.max():
        return 0.0
    return float(scipy.stats.spearmanr(first.numpy(), second.numpy()).statistic)


def memories(models: Sequence[nn.Module], length: int = LENGTH) -> dict[str, Any]:
    """``memory_of`` each network: lists with one entry per network."""
    each = []
    for model in models:
        if not isinstance(model, NMRNN):
            raise TypeError(f"models must be NM-RNNs, got {type(model).__name__}")
        each.append(memory_of(model, length))
    return {key: [one[key] for one in each] for key in each[0]}
