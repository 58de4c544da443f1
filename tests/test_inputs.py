"""Whole numbers of every library are taken everywhere, truth values and other things nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nmcourse import analysis, exercises, models, tasks, training
from nmcourse._inputs import check_generator, number, one_or_several, pixels, whole
from nmcourse.models import CordsNet, VanillaRNN

KINDS = {
    "int64 of NumPy": np.int64,
    "uint8 of NumPy": np.uint8,
    "array of NumPy": np.array,
    "tensor": torch.tensor,
}
WRONG = {"True": True, "True of NumPy": np.True_, "True of torch": torch.tensor(True)}
WRONG |= {
    "2.0": 2.0,
    "a tensor of 2.0": torch.tensor(2.0),
    "text": "2",
    "a list": [2],
    "None": None,
}


def seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def rnn() -> VanillaRNN:
    return VanillaRNN(1, 4, 1, generator=seed())


def areas(**more: Any) -> CordsNet:
    sizes = {"areas": "small-R2", "n_channels": 1, "n_classes": 10, "image_size": 8}
    return CordsNet(**sizes | {"generator": seed()} | more)


def pixel_rnn(**more: Any) -> models.PixelRNN:
    sizes = {"n_units": 3, "n_channels": 1, "n_classes": 2, "image_size": (4, 4)}
    return models.PixelRNN(**sizes | more, generator=seed())


def shown(model: Any, **options: Any) -> Any:
    images = torch.zeros(1, 1, 4, 4) if isinstance(model, models.PixelRNN) else picture()
    return model.respond(images, **{"n_steps": 3, "n_blank": 2} | options)


def picture() -> torch.Tensor:
    return torch.ones(2, 1, 8, 8)


RIVALS = {
    kind.__name__: kind
    for kind in (
        *(models.DiscreteNet, models.FeedbackNet, models.ConvGRU),
        *(models.CNNThenRNN, models.EquilibriumNet),
    )
}


def seeing(kind: Any, **more: Any) -> Any:
    sizes = {"areas": "small-R1", "n_channels": 1, "n_classes": 2, "image_size": 8} | more
    return kind(**sizes, generator=seed())


def sized(build: Any, *names: str, **other: int) -> dict[str, Callable[[Any], Any]]:
    """A call for each size of a model, the others being 2."""
    sizes = dict.fromkeys(names, 2) | other
    return {
        f"{build.__name__}({name})": lambda n, name=name: build(
            **sizes | {name: n}, generator=seed()
        )
        for name in sizes
    }


def trained(**options: Any) -> Any:
    task = tasks.MeasureWaitGo([120, 140], duration=700)
    settings = {"n_steps": 2, "batch_size": 2, "progress": False} | options
    return training.fit(VanillaRNN(3, 2, 1, generator=seed()), task, **settings)


def trained_on_images(**options: Any) -> Any:
    images = tasks.digit_images("test", 8).subset(slice(0, 4))
    settings = {"n_steps": 1, "batch_size": 2, "progress": False} | options
    return training.fit_images(areas(), images, _small_loss, **settings)


def _small_loss(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return model(images, n_steps=2, n_blank=1).outputs.square().mean()


def _key(n: Any) -> Any:
    return n[()] if isinstance(n, np.ndarray) else n  # an array is no key of a dictionary


def decay() -> torch.Tensor:
    return torch.randn(2, 30, 3, generator=seed()).cumsum(1)


MATRIX = torch.diag(torch.arange(1.0, 9.0))
CALLS: dict[str, Callable[[Any], Any]] = {
    **sized(models.VanillaRNN, "n_inputs", "n_units", "n_outputs"),
    **sized(models.LowRankRNN, "n_inputs", "n_units", "n_outputs", rank=2),
    **sized(models.LSTM, "n_inputs", "n_units", "n_outputs"),
    **sized(models.GRU, "n_inputs", "n_units", "n_outputs"),
    **sized(models.SparseTerms, "n_inputs", "n_units", "n_outputs", "rank", in_degree=2),
    **sized(models.Modulator, "n_inputs", "n_units", "n_gains", n_context=2, n_feedback=2),
    **sized(models.AttentionReader, "n_places", "width", "n_hidden"),
    "initial_state": lambda n: rnn().initial_state(n),
    "initial_state of areas": lambda n: areas().initial_state(n),
    "prescribed": lambda n: models.PrescribedGain.from_function(lambda t: t[:, None], n),
    "clamped": lambda n: models.ClampedGain(models.Modulator(1, 2, 3), {_key(n): 0.5}),
    "matching_size": lambda n: models.matching_size(lambda k: VanillaRNN(1, k, 1), 9, smallest=n),
    "matching target": lambda n: models.matching_size(lambda k: VanillaRNN(1, k, 1), n),
    "n_channels": lambda n: CordsNet("small-R1", n, 2, image_size=4),
    "n_classes": lambda n: CordsNet("small-R1", 1, n, image_size=4),
    "image_size": lambda n: CordsNet("small-R1", 1, 2, image_size=n),
    "height": lambda n: CordsNet("small-R1", 1, 2, image_size=(n, 4)),
    "classes of the twin": lambda n: models.TwinCNN("small-R1", 1, n, image_size=4),
    "Area": lambda n: models.Area(n),
    "stride": lambda n: models.Area(8, n),
    "Stem": lambda n: models.Stem(channels=n),
    "n_steps of respond": lambda n: shown(areas(), n_steps=n),
    "n_blank": lambda n: shown(areas(), n_blank=n),
    "n_after": lambda n: shown(areas(), n_after=n),
    "n_departure": lambda n: shown(areas(), n_departure=n),
    "rest": lambda n: areas().rest(n),
    "record": lambda n: areas(image_size=8).record(picture(), 1, n),
    "units of PixelRNN": lambda n: pixel_rnn(n_units=n),
    "image of PixelRNN": lambda n: pixel_rnn(image_size=n),
    "steps of PixelRNN": lambda n: shown(pixel_rnn(), n_steps=n),
    "departure of PixelRNN": lambda n: shown(pixel_rnn(), n_departure=n),
    "trials": lambda n: tasks.MeasureWaitGo().sample(n),
    "delayed": lambda n: tasks.DelayedResponse().sample(n),
    "balanced": lambda n: tasks.DelayedResponse().balanced(n),
    "elements": lambda n: tasks.ElementFinder(n).sample(2),
    "low": lambda n: tasks.ElementFinder(3, n),
    "queries": lambda n: tasks.ElementFinder(3, queries=[n]),
    "sequences": lambda n: tasks.ElementFinder(3).sample(n),
    "steps_per_row": lambda n: tasks.RowByRowDigits(steps_per_row=n),
    "rows": lambda n: tasks.RowByRowDigits().sample(n),
    "digit_images": lambda n: tasks.digit_images("test", n),
    "resized": lambda n: tasks.digit_images("test", 8).resized((n, 3)),
    "batches": lambda n: next(tasks.digit_images("test", 8).batches(n)),
    "n_steps of fit": lambda n: trained(n_steps=n),
    "batch_size of fit": lambda n: trained(batch_size=n),
    "seed": lambda n: trained(seed=n),
    "checkpoint_every": lambda n: trained(checkpoint_every=n),
    "n_steps of images": lambda n: trained_on_images(n_steps=n),
    "batch_size of images": lambda n: trained_on_images(batch_size=n),
    "seed of images": lambda n: trained_on_images(seed=n),
    "max_shift": lambda n: trained_on_images(max_shift=n),
    "seeds": lambda n: training.fit_many(
        lambda generator: VanillaRNN(3, 2, 1, generator=generator),
        tasks.MeasureWaitGo([120, 140], duration=700),
        seeds=[n],
        n_steps=1,
        progress=False,
    ),
    "rising_weights": lambda n: training.rising_weights(n),
    "with_new_context": lambda n: training.with_new_context(rnn(), n),
    "accuracy": lambda n: training.accuracy(
        areas(), tasks.digit_images("test", 8).subset([0, 1]), batch_size=n
    ),
    "sample_states": lambda n: analysis.sample_states(rnn()(torch.ones(1, 3, 1)), n),
    "fixed points": lambda n: analysis.find_fixed_points(rnn(), n_candidates=n),
    "n_iterations": lambda n: analysis.find_fixed_points(rnn(), n_candidates=2, n_iterations=n),
    "n_exponents": lambda n: analysis.lyapunov_exponents(
        rnn(), n_exponents=n, n_steps=3, n_transient=1
    ),
    "n_transient": lambda n: analysis.lyapunov_exponents(rnn(), n_steps=3, n_transient=n),
    "n_lags": lambda n: analysis.autocorrelation(decay(), 1.0, n_lags=n),
    "n_components": lambda n: analysis.principal_subspace(decay(), n),
    "arnoldi": lambda n: analysis.ritz_values(analysis.arnoldi(MATRIX, 3), n),
    "power": lambda n: analysis.power_iteration(MATRIX, n),
    "partial_svd": lambda n: analysis.partial_svd(MATRIX, n),
    "eigenvalues": lambda n: analysis.leading_eigenvalues(MATRIX, n),
    "singular values": lambda n: analysis.leading_singular_values(MATRIX, n),
    "ConvolutionOperator": lambda n: analysis.ConvolutionOperator(torch.ones(1, 1, 3, 3), n, 4),
    "run_on": lambda n: analysis.run_on(rnn(), torch.zeros(1, 4), n),
    "minimise_speed": lambda n: analysis.minimise_speed(
        analysis.AutonomousSystem(rnn()), torch.zeros(1, 4).double(), n_iterations=n
    ),
    "chunk": lambda n: analysis.AutonomousSystem(rnn()).jacobian(
        torch.zeros(3, 4).double(), chunk=n
    ),
    "LinearLSTM": lambda n: analysis.LinearLSTM(1, n, 1),
    "growth_rate": lambda n: training.growth_rate(torch.ones(1, 1, 3, 3), (4, 4), n_products=n),
    "n_starts": lambda n: training.growth_rate(torch.ones(1, 1, 3, 3), (4, 4), n_starts=n),
    "neumann_series": lambda n: training.neumann_series(
        torch.ones(1, 1, 3, 3), torch.ones(1, 1, 4, 4), n
    ),
    "has_learnt": lambda n: training.has_learnt(0.5, n),
    "features": lambda n: areas().features(picture(), n_blank=1, n_steps=4, every=n),
    "features after": lambda n: areas().features(picture(), n_blank=n, n_steps=4),
    "checkpoint_every of respond": lambda n: shown(areas(), checkpoint_every=n),
    "gradient_steps": lambda n: shown(areas(), gradient_steps=n),
    "twin": lambda n: models.TwinCNN("small-R2", 1, 2, image_size=8).respond(
        picture(), n_steps=n, n_blank=n, n_after=n
    ),
    "gaussian_convolution": lambda n: analysis.gaussian_convolution(n, 3, n, n),
    "seed of convolution": lambda n: analysis.gaussian_convolution(2, 3, 4, n),
    "default_convolution": lambda n: analysis.default_convolution(n, n, n),
    "qr_sweeps": lambda n: analysis.qr_sweeps(MATRIX, n),
    "areas of record": lambda n: areas(areas="small-R4").record(picture(), 1, 2, areas=n),
    "all areas of record": lambda n: areas(areas="small-R4").record(picture(), 1, 2, areas=[n]),
    **{
        f"steps of {name}": lambda n, build=build: seeing(build).respond(
            picture(), n_steps=n, n_blank=n, n_after=n, n_departure=n
        )
        for name, build in RIVALS.items()
    },
    **{
        f"rest of {name}": lambda n, build=build: seeing(build).rest(n)
        for name, build in RIVALS.items()
    },
    **{
        f"channels of {name}": lambda n, build=build: seeing(build, n_channels=n)
        for name, build in RIVALS.items()
    },
    **{
        f"image of {name}": lambda n, build=build: seeing(build, image_size=n)
        for name, build in RIVALS.items()
    },
    "iterations": lambda n: models.EquilibriumNet("small-R2", 1, 2, max_iterations=n),
    "units behind a CNN": lambda n: models.CNNThenRNN("small-R2", 1, 2, n_units=n),
    "size of MNIST": lambda n: tasks.mnist_images("test", n),
    "find_large_fixed_points": lambda n: analysis.find_large_fixed_points(
        rnn(), candidates=torch.zeros(1, 4), n_iterations=n, n_eigenvalues=n
    ),
    "seed of check": lambda n: exercises.check("start-1", 0, seed=n),
    "ablate_gains": lambda n: analysis.ablate_gains(
        models.NMRNN(models.LowRankRNN(1, 4, 1, 3), models.Modulator(1, 2, 3)), n
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_whole_numbers_of_every_library_are_taken(name: str):
    for kind in KINDS.values():
        CALLS[name](kind(2))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_whole_number_is_refused_by_name(name: str):
    for wrong in ("True", "True of NumPy", "True of torch", "2.0", "text"):
        with pytest.raises(ValueError, match="must be"):
            CALLS[name](WRONG[wrong])


def test_a_size_is_kept_as_an_int():
    model = models.LowRankRNN(np.int64(1), torch.tensor(4), np.uint8(1), torch.tensor(2))
    assert {type(n) for n in (model.n_inputs, model.n_units, model.n_outputs, model.rank)} == {int}
    assert type(training.FitOptions(n_steps=np.int64(3)).n_steps) is int
    assert training.FitOptions(n_steps=np.int64(3)).fingerprint()["n_steps"] == "3"
    assert {type(n) for n in areas(image_size=np.int64(8)).image_size} == {int}


def test_many_seeds_may_be_counted_in_any_library():
    data = tasks.MeasureWaitGo([120, 140], duration=700)

    def build(generator: torch.Generator) -> VanillaRNN:
        return VanillaRNN(3, 2, 1, generator=generator)

    for seeds in (2, np.int64(2), torch.tensor(2), range(2), np.arange(2), torch.arange(2)):
        found = training.fit_many(build, data, seeds=seeds, n_steps=1, progress=False)
        assert found.seeds == [0, 1]
    for wrong in (True, 2.0, "2", [0.5]):
        with pytest.raises(ValueError, match="seeds must be"):
            training.fit_many(build, data, seeds=wrong, n_steps=1, progress=False)


@pytest.mark.parametrize("name", WRONG)
def test_whole_names_what_it_refuses(name: str):
    for least, allowed in ((1, "a positive integer"), (0, "zero or a positive integer")):
        with pytest.raises(ValueError, match=rf"^n must be {allowed}, got "):
            whole("n", WRONG[name], least)


def test_limits_are_named():
    assert [whole("n", n, 2, 4) for n in (2, 4)] == [2, 4]
    with pytest.raises(ValueError, match=r"^n must be from 2 to 4, got 5"):
        whole("n", 5, 2, 4)
    with pytest.raises(ValueError, match=r"^n must be an integer of at least 10, got 9"):
        whole("n", np.int64(9).item(), 10)
    assert whole("n", -3) == -3


def test_one_or_several():
    for given in (1, np.int64(1), torch.tensor(1), [1], (torch.tensor(1),), np.array([1])):
        assert one_or_several("k", given, 0, 2) == [1]
    for wrong in (3, [0, 3], True, "12", None, 1.0):
        with pytest.raises(ValueError, match=r"^k must be from 0 to 2, got "):
            one_or_several("k", wrong, 0, 2)


def test_pixels_are_one_number_or_two():
    for given in (4, np.int64(4), (4, 4), [4, torch.tensor(4)], np.array([4, 4])):
        assert pixels("size", given) == (4, 4)
    for wrong in (0, (4, 0), (4,), (4, 4, 4), True, 4.0, (4.0, 4.0), "44", None):
        with pytest.raises(ValueError, match=r"^size must be a positive integer or two of them"):
            pixels("size", wrong)


def test_numbers_of_every_library_and_no_text():
    for given in (0.5, np.float32(0.5), torch.tensor(0.5), np.array(0.5)):
        assert number("rate", given, above=0) == 0.5
    assert type(number("rate", 1)) is int
    assert type(number("rate", np.float64(0.5))) is float
    with pytest.raises(ValueError, match=r"^rate must be positive, got '1e-3', which is text"):
        number("rate", "1e-3", "positive", above=0)
    for wrong in ("fast", b"1", True, torch.tensor(True), None, [0.5], float("nan"), 1j, -1.0):
        with pytest.raises(ValueError, match=r"^rate must be positive, got "):
            number("rate", wrong, "positive", above=0)


def test_a_seed_is_no_generator():
    check_generator(None)
    check_generator(seed())
    with pytest.raises(ValueError, match=r"generator must be .*torch\.Generator\(\)\.manual_seed"):
        check_generator(np.int64(3))
    with pytest.raises(
        ValueError, match=r"generator must be a torch\.Generator or None, got 'cpu'$"
    ):
        check_generator("cpu")
