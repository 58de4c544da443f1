"""A step that is recorded as a CUDA graph: the same numbers, and nothing asked for on the way."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from nmcourse._inputs import all_finite
from nmcourse.models import GRU, LSTM, NMRNN, CordsNet, LowRankRNN, Modulator, VanillaRNN
from nmcourse.tasks import MeasureWaitGo, digit_images
from nmcourse.training import (
    ImageTrial,
    _capture,
    fit,
    fit_images,
    fit_many,
    fit_many_images,
    trial_loss,
)
from nmcourse.training._capture import WARM_UP, Replayed
from nmcourse.training._networks import Networks
from nmcourse.training._run import Run
from nmcourse.training.fit import TrialStream
from nmcourse.training.options import FitOptions

TRIAL = ImageTrial(blank=10, stimulus=20, after=10, window=10, rest_window=4)
LOSS = partial(trial_loss, trial=TRIAL)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nm_rnn(generator: torch.Generator) -> NMRNN:
    network = LowRankRNN(3, 12, 1, rank=2, generator=generator)
    return NMRNN(network, Modulator(3, 4, 2, generator=generator))


def cordsnet(generator: torch.Generator) -> CordsNet:
    return CordsNet("small-R1", 1, 10, image_size=6, generator=generator)


NETWORKS = {
    "nm_rnn": nm_rnn,
    "vanilla": lambda generator: VanillaRNN(3, 8, 1, generator=generator),
    "low_rank": lambda generator: LowRankRNN(3, 8, 1, rank=2, generator=generator),
    "lstm": lambda generator: LSTM(3, 4, 1, generator=generator),
    "gru": lambda generator: GRU(3, 4, 1, generator=generator),
}


@pytest.mark.parametrize("batch_size", [None, 8])
def test_the_same_training_with_and_without(batch_size):
    task = MeasureWaitGo()
    for run in (
        lambda **more: fit(nm_rnn(seeded()), task, batch_size=batch_size, **more).losses,
        lambda **more: fit_many(nm_rnn, task, seeds=2, batch_size=batch_size, **more).losses,
    ):
        options = {"n_steps": 6, "progress": False}
        assert torch.equal(run(capture=True, **options), run(**options))


def test_the_same_training_on_images():
    images = digit_images("train", size=6).subset(slice(40)).normalised()
    options = {"n_steps": 5, "batch_size": 6, "max_shift": 1, "progress": False}
    for run in (
        lambda **more: fit_images(cordsnet(seeded()), images, LOSS, **more).losses,
        lambda **more: fit_many_images(cordsnet, images, LOSS, seeds=2, **more).losses,
    ):
        assert torch.equal(run(capture=True, **options), run(**options))


class AsksForValues(TorchDispatchMode):
    """Notes the operations that wait for a value: a recording cannot hold them."""

    WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select")

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in self.WAITING:
            self.asked.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n_seeds", [1, 2])
def test_what_is_recorded_asks_for_no_value(name, n_seeds, monkeypatch):
    """As far as a CPU can show it: checks of values rest while a graph is recorded."""
    from nmcourse import _inputs
    from nmcourse.training import losses

    for module in (_inputs, losses):
        monkeypatch.setattr(module, "can_be_looked_at", lambda values: False)
    networks = Networks([NETWORKS[name](seeded(seed)) for seed in range(n_seeds)])
    options = FitOptions(n_steps=3, batch_size=4, capture=True)
    seeds = list(range(n_seeds))
    run = Run(
        networks, TrialStream(MeasureWaitGo(), networks, seeds, options), seeds, options, None
    )
    run._update()  # what is built once is built here, as in the calls before a recording
    run.objective.draw(stay=True)
    with AsksForValues() as watch:
        run._gradient()
    assert watch.asked == []


def test_data_lie_where_they_lay():
    networks = Networks([nm_rnn(seeded())])
    stream = TrialStream(MeasureWaitGo(), networks, [0], FitOptions(n_steps=1, batch_size=4))
    stream.draw(stay=True)
    place, before = stream.drawn.inputs.data_ptr(), stream.drawn.inputs.clone()
    stream.draw(stay=True)
    assert stream.drawn.inputs.data_ptr() == place
    assert not torch.equal(stream.drawn.inputs, before)


class Recording:
    """Stands for torch's graph: it runs what is recorded again, into the same tensors."""

    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1


def test_recorded_after_a_few_calls_and_then_replayed(monkeypatch):
    """The order of calls on a GPU, with a stand-in for the graph."""
    calls = []

    def compute():
        calls.append(len(calls))
        return (torch.tensor(float(len(calls))),)

    class Graph:
        def __init__(self, graph):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

    monkeypatch.setattr(_capture.torch.cuda, "CUDAGraph", Recording)
    monkeypatch.setattr(_capture.torch.cuda, "graph", Graph)
    monkeypatch.setattr(_capture.torch.cuda, "synchronize", lambda device: None)
    replayed = Replayed(compute, torch.device("cuda"))
    for _ in range(WARM_UP + 3):
        replayed()
    assert len(calls) == WARM_UP + 1  # and one recording
    assert replayed.recorded
    assert replayed.graph.replays == 3

    def refuses():
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    other = Replayed(compute, torch.device("cuda"))
    other.calls, other.compute = WARM_UP, refuses
    with pytest.warns(UserWarning, match=r"cannot be recorded as a CUDA graph \(operation not"):
        other._record()
    other.compute = compute
    other()
    assert not other.recorded


def test_on_a_cpu_it_steps_aside():
    replayed = Replayed(lambda: (torch.ones(1),), torch.device("cpu"))
    for _ in range(WARM_UP + 2):
        assert replayed()[0].item() == 1
    assert not replayed.recorded


def test_values_that_are_there_are_looked_at():
    assert all_finite(torch.ones(2))
    assert not all_finite(torch.tensor([1.0, float("nan")]))


def test_capture_is_yes_or_no():
    with pytest.raises(ValueError, match="capture must be True or False, got 1"):
        FitOptions(n_steps=1, capture=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_the_recorded_training_is_the_same():
    options = {"n_steps": 10, "batch_size": 8, "progress": False, "device": "cuda"}
    plain = fit(nm_rnn(seeded()), MeasureWaitGo(), **options).losses
    recorded = fit(nm_rnn(seeded()), MeasureWaitGo(), capture=True, **options).losses
    torch.testing.assert_close(recorded, plain, rtol=1e-4, atol=1e-6)
