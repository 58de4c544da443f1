"""What holds for every task, whatever its settings; and settings that are refused by name."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nmcourse.tasks import (
    TASK_NAMES,
    DelayedComparison,
    DelayedResponse,
    ElementFinder,
    FlipFlop,
    MeasureWaitGo,
    MemoryGuided,
    MultisensoryDecision,
    PerceptualDecision,
    RowByRowDigits,
    Task,
    Trials,
)

TIME_STEPS = st.sampled_from((0.5, 1.0, 2.5, 5.0, 10.0, 12.5, 20.0))


@st.composite
def measure_wait_go(draw) -> MeasureWaitGo:
    dt = draw(TIME_STEPS)
    intervals = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    measures = draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    delay, after = draw(st.integers(0, 12)), draw(st.integers(1, 12))
    return MeasureWaitGo(
        [dt * n for n in intervals],
        measure_times=[dt * n for n in measures],
        delay=dt * delay,
        duration=dt * (max(measures) + 2 * max(intervals) + delay + after),
        dt=dt,
        amplitude=draw(st.sampled_from((10.0, 0.5, -3.0, 0.0))),
        mask_padding=draw(st.none() | st.integers(0, 12)),
    )


@st.composite
def delayed_response(draw) -> DelayedResponse:
    names = st.sampled_from(TASK_NAMES)
    contexts = draw(st.none() | st.permutations(TASK_NAMES))
    return DelayedResponse(
        draw(st.lists(names, min_size=1, unique=True)),
        contexts=contexts,
        n_steps=draw(st.integers(10, 60)),
        input_noise=draw(st.sampled_from((0.0, 0.1))),
        dt=draw(TIME_STEPS),
    )


@st.composite
def element_finder(draw) -> ElementFinder:
    length, low = draw(st.integers(1, 12)), draw(st.integers(-20, 20))
    places = st.lists(st.integers(0, length - 1), min_size=1, unique=True)
    high = low + draw(st.integers(0, 20))
    return ElementFinder(length, low, high, draw(st.none() | places), dt=draw(TIME_STEPS))


@st.composite
def digits(draw) -> RowByRowDigits:
    split, steps = draw(st.sampled_from(("train", "test"))), draw(st.integers(1, 6))
    return RowByRowDigits(split, steps_per_row=steps, dt=draw(TIME_STEPS))


@st.composite
def cognitive(draw) -> Task:
    dt, noise = draw(TIME_STEPS), draw(st.sampled_from((0.0, 0.2)))
    if draw(st.booleans()):
        return FlipFlop(
            draw(st.integers(1, 3)),
            duration=dt * draw(st.integers(1, 12)) + 900,
            pulse=dt,
            interval=3 * dt,
            noise=noise,
            dt=dt,
        )
    response = dt * (draw(st.integers(1, 5)) + math.ceil(60 / dt))
    times = {"before": dt, "stimulus": dt * draw(st.integers(1, 5)), "response": response}
    kind = draw(st.sampled_from((PerceptualDecision, MultisensoryDecision)) | st.none())
    if kind is not None:
        return kind(noise=noise, dt=dt, **times)
    shortest = draw(st.integers(1, 6))
    times |= {"shortest_delay": dt * shortest}
    times |= {"longest_delay": dt * (shortest + draw(st.integers(0, 6)))}
    stimuli = draw(st.sampled_from(("ring", "line", "points")) | st.none())
    if stimuli is None:
        return DelayedComparison(noise=noise, dt=dt, **times)
    return MemoryGuided(stimuli, noise=noise, dt=dt, **times)


@pytest.fixture(
    params=[measure_wait_go, delayed_response, element_finder, digits, cognitive],
    ids=lambda build: build.__name__,
    scope="module",
)
def tasks(request) -> st.SearchStrategy[Task]:
    """Random tasks of each kind in turn."""
    return request.param()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensors(trials: Trials) -> dict[str, torch.Tensor]:
    """All that trials hold, by name."""
    parts = {f.name: getattr(trials, f.name) for f in fields(trials) if f.name != "conditions"}
    return {k: v for k, v in (parts | trials.conditions).items() if v is not None}


@given(st.data(), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_trials_have_the_shape_that_the_task_names(tasks, data, n_trials, seed):
    task = data.draw(tasks)
    trials = task.sample(n_trials, generator=seeded(seed))
    assert len(trials) == n_trials
    assert trials.inputs.shape == (n_trials, task.n_steps, task.n_inputs)
    assert trials.targets.shape == (n_trials, task.n_steps, task.n_outputs)
    assert trials.mask.shape == (n_trials, task.n_steps, 1)
    assert (trials.context is not None) == bool(task.n_context)
    if trials.context is not None:
        assert trials.context.shape == (n_trials, task.n_steps, task.n_context)
        assert torch.equal(trials.context.sum(dim=-1), torch.ones(n_trials, task.n_steps))
    for name, values in tensors(trials).items():
        assert torch.isfinite(values).all(), name
        assert len(values) == n_trials, name
    assert set(trials.mask.unique().tolist()) <= {0.0, 1.0}
    assert (trials.mask.sum(dim=1) >= 1).all()  # something counts in every trial


@given(st.data(), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_generator_alone_decides(tasks, data, n_trials, seed):
    task, before = data.draw(tasks), torch.get_rng_state()
    one, two = (tensors(task.sample(n_trials, generator=seeded(seed))) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert one.keys() == two.keys()
    for name, values in one.items():
        assert torch.equal(values, two[name]), name


@given(st.data(), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_some_of_the_trials_are_those_trials(tasks, data, n_trials, seed):
    trials = data.draw(tasks).sample(n_trials, generator=seeded(seed))
    which = data.draw(st.lists(st.integers(0, n_trials - 1), min_size=1))
    some = tensors(trials[torch.tensor(which)])
    for name, values in tensors(trials).items():
        assert torch.equal(some[name], values[which]), name


@given(measure_wait_go(), st.integers(0, 2**32 - 1))
def test_every_sampled_interval_is_among_the_enumerated_ones(task, seed):
    every = task.enumerate()
    pairs = [(i, m) for i in task.intervals for m in task.measure_times]
    names = ("interval", "measure_time")
    found = torch.stack([every.conditions[name] for name in names], dim=1)
    torch.testing.assert_close(found.double(), torch.tensor(pairs, dtype=torch.float64))
    sampled = task.sample(5, generator=seeded(seed))
    for trial in range(5):
        pair = torch.stack([sampled.conditions[name][trial] for name in names])
        place = int((found == pair).all(dim=1).nonzero()[0])
        for name, values in tensors(every).items():
            assert torch.equal(values[place], tensors(sampled)[name][trial]), name


@given(measure_wait_go())
def test_a_ramp_rises_from_go_for_one_interval(task):
    trials = task.enumerate()
    go, interval = (trials.conditions[name] / task.dt for name in ("go_time", "interval"))
    for target, start, length in zip(trials.targets[..., 0], go, interval, strict=True):
        start, end = round(float(start)), round(float(start + length))
        assert (target[: start + 1] == -0.5).all()
        assert (target[end:] == 0.5).all()
        assert (target[start : end + 1].diff() > 0).all()
    assert torch.equal(
        trials.inputs.abs().sum(dim=(1, 2)) > 0, torch.full((len(trials),), task.amplitude != 0)
    )


@given(element_finder(), st.integers(0, 2**32 - 1))
def test_the_answer_is_the_element_that_the_query_names(task, seed):
    trials = task.sample(6, generator=seeded(seed))
    for stream, answer in zip(trials.inputs[..., 0], trials.targets[:, -1, 0], strict=True):
        assert stream[1 + int(stream[0])] == answer
        assert int(stream[0]) in task.queries
        assert task.low <= answer <= task.high


@given(digits())
def test_every_image_comes_once(task):
    trials = task.enumerate()
    assert sorted(trials.conditions["image"].tolist()) == list(range(len(trials)))
    assert torch.equal(trials.targets[:, -1].argmax(dim=-1), trials.conditions["label"])


# settings that are no settings


not_a_time = st.sampled_from((0.0, -1.0, math.nan, math.inf, -math.inf)) | st.floats(max_value=0.0)
not_finite = st.sampled_from((math.nan, math.inf, -math.inf))
off_the_grid = st.integers(0, 10).map(lambda n: 10.0 * n + 3.0)
not_a_count = st.integers(max_value=0) | st.floats(0.5, 9.5) | st.sampled_from((None, "3", True))
not_whole = st.floats(0.5, 9.5) | st.sampled_from((None, "3", True))

# task, argument, values of it that are refused
REFUSED = [
    (MeasureWaitGo, "dt", not_a_time),
    (MeasureWaitGo, "delay", off_the_grid | not_finite | st.floats(-1e6, -1.0)),
    (MeasureWaitGo, "duration", off_the_grid | not_finite | st.floats(-1e6, 600.0)),
    (MeasureWaitGo, "amplitude", not_finite),
    (MeasureWaitGo, "intervals", st.lists(off_the_grid | not_finite, max_size=3)),
    (MeasureWaitGo, "intervals", st.just([0.0])),
    (MeasureWaitGo, "measure_times", st.lists(off_the_grid | not_finite, max_size=3)),
    (MeasureWaitGo, "mask_padding", st.integers(max_value=-1) | st.floats() | st.just(True)),
    (DelayedResponse, "dt", not_a_time),
    (DelayedResponse, "n_steps", st.integers(max_value=9) | not_whole),
    (DelayedResponse, "input_noise", not_finite | st.floats(-1e6, -1e-9)),
    (
        DelayedResponse,
        "tasks",
        st.text() | st.just([]) | st.just(["DM1", "DM1"]) | st.just(["DM3"]),
    ),
    (DelayedResponse, "contexts", st.just(["DM1"]) | st.text()),
    (ElementFinder, "dt", not_a_time),
    (ElementFinder, "length", not_a_count),
    (ElementFinder, "low", st.integers(11, 10**6) | not_whole),
    (ElementFinder, "high", st.integers(-(10**6), -11) | not_whole),
    (ElementFinder, "low", st.integers(max_value=-(2**25))),
    (ElementFinder, "high", st.integers(min_value=2**25)),
    (ElementFinder, "queries", st.lists(st.integers(25) | st.integers(max_value=-1), max_size=3)),
    (ElementFinder, "queries", st.just([1, 1]) | st.just([1.0]) | st.just([True])),
    *(
        (kind, argument, values)
        for kind in (PerceptualDecision, MultisensoryDecision, MemoryGuided, DelayedComparison)
        for argument, values in (
            ("dt", not_a_time),
            ("noise", not_finite | st.floats(-1e6, -1e-9)),
            ("before", st.floats(-1e6, 19.9) | off_the_grid | not_finite),
            ("stimulus", st.floats(-1e6, 19.9) | off_the_grid | not_finite),
            ("response", st.floats(-1e6, 60.0) | off_the_grid | not_finite),
        )
    ),
    *(
        (kind, "shortest_delay", st.floats(-1e6, 19.9) | st.just(620.0) | off_the_grid)
        for kind in (MemoryGuided, DelayedComparison)
    ),
    *(
        (kind, "longest_delay", st.floats(-1e6, 19.9) | off_the_grid | not_finite)
        for kind in (MemoryGuided, DelayedComparison)
    ),
    (PerceptualDecision, "coherences", st.just([]) | st.just([0.1, 0.1]) | st.just([-0.1])),
    (MemoryGuided, "stimuli", st.text() | st.none() | st.just("Ring")),
    (DelayedComparison, "values", st.just([]) | st.just([1.0]) | st.just([1.0, 1.0])),
    (FlipFlop, "n_channels", not_a_count),
    (FlipFlop, "pulse", st.floats(-1e6, 19.9) | st.just(400.0) | off_the_grid),
    (FlipFlop, "dt", not_a_time),
    (RowByRowDigits, "dt", not_a_time),
    (RowByRowDigits, "steps_per_row", not_a_count),
    (RowByRowDigits, "split", st.text().filter(lambda word: word not in ("train", "test"))),
]


@pytest.mark.parametrize(
    ("kind", "argument", "values"),
    REFUSED,
    ids=[f"{number}-{kind.__name__}-{name}" for number, (kind, name, _) in enumerate(REFUSED)],
)
@given(data=st.data())
def test_a_setting_out_of_range_is_refused_by_its_name(kind, argument, values, data):
    value = data.draw(values)
    with pytest.raises(ValueError, match=argument):
        kind(**{argument: value})


@given(data=st.data(), n_trials=not_a_count)
def test_a_number_of_trials_is_a_positive_integer(tasks, data, n_trials):
    task = data.draw(tasks)
    with pytest.raises(ValueError, match="n_trials"):
        task.sample(n_trials)
