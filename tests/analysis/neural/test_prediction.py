"""Prediction over time: closed forms, known answers, and what each control leaves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import Ridge
from torch import Tensor

from nmcourse.analysis import (
    Prediction,
    bootstrap_score,
    held_still,
    image_folds,
    partial_least_squares,
    permute_images,
    pixels_in_time,
    predict_neurons,
    prediction_score,
    ridge_left_out,
    shuffle_time,
    smooth_signal,
    synthetic_neurons,
    tuned_prediction,
)

TIMES = torch.arange(10.0, 110.0, 10.0)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=source(seed))


@pytest.fixture
def units() -> Tensor:
    """Units (time, image, unit) whose image part comes and goes, each with its own course."""
    rise = (TIMES[:, None] / torch.tensor([20.0, 40.0, 60.0, 80.0])).double()
    course = rise * torch.exp(1 - rise)  # (time, unit)
    seen = normal(30, 4, seed=1)
    return course[:, None] * (2.0 + seen)


@pytest.mark.parametrize("n_components", [1, 2, 5])
def test_partial_least_squares_is_that_of_scikit_learn(n_components: int):
    x, y = normal(60, 8), normal(60, 3, seed=1)
    y = y + x @ normal(8, 3, seed=2)
    theirs = PLSRegression(n_components, scale=False, tol=1e-16, max_iter=50_000)
    theirs.fit(x.numpy(), y.numpy())
    ours = partial_least_squares(x, y, n_components).predict(x)
    np.testing.assert_allclose(ours.numpy(), theirs.predict(x.numpy()), atol=1e-5)


def test_with_all_components_it_is_ordinary_least_squares():
    x, y = normal(40, 5), normal(40, 2, seed=1)
    design = torch.cat([x, torch.ones(40, 1, dtype=torch.float64)], dim=1)
    fitted = design @ torch.linalg.lstsq(design, y).solution
    torch.testing.assert_close(partial_least_squares(x, y, 9).predict(x), fitted)


def test_nothing_to_explain_gives_the_mean():
    x, y = normal(10, 3), torch.full((10, 2), 4.0, dtype=torch.float64)
    torch.testing.assert_close(partial_least_squares(x, y, 3).predict(x), y)


@pytest.mark.parametrize("penalty", [0.1, 10.0, 1e4])
@pytest.mark.parametrize("n_features", [3, 50])
def test_ridge_left_out_is_what_a_fit_to_all_others_predicts(penalty: float, n_features: int):
    x, y = normal(20, n_features) + 3.0, normal(20, 2, seed=1) + 5.0
    found = ridge_left_out(x, y, penalty)
    for k in range(20):
        others = torch.arange(20) != k
        fit = Ridge(alpha=penalty).fit(x[others].numpy(), y[others].numpy())
        expected = torch.from_numpy(fit.predict(x[k : k + 1].numpy()))[0]
        torch.testing.assert_close(found[k], expected, rtol=1e-8, atol=1e-8)


def test_folds_hold_all_images_once_and_are_of_equal_size():
    folds = image_folds(23, 5, generator=source())
    counts = folds.bincount()
    assert len(folds) == 23
    assert counts.max() - counts.min() == 1
    assert not torch.equal(folds, image_folds(23, 5, generator=source(1)))


def test_noiseless_mixtures_are_predicted_without_error(units: Tensor):
    neurons = synthetic_neurons(units, 6, noise=0.0, n_repeats=1, generator=source())[0]
    # mixture = course and image part in other proportions: both lie in the span of features
    features = torch.cat([units, units.mean(dim=1, keepdim=True).expand_as(units)], dim=2)
    found = predict_neurons(features, neurons, n_components=8, generator=source())
    for part in ("all", "image"):
        assert prediction_score(found, neurons, part=part).min() > 1 - 1e-6


def test_frames_of_one_image_are_held_out_together(units: Tensor):
    """Neurons with a value of their own for each image cannot be predicted from other images."""
    neurons = normal(30, 4, seed=3).expand(len(TIMES), -1, -1)
    features = torch.eye(30, dtype=torch.float64).expand(len(TIMES), -1, -1)
    found = predict_neurons(features, neurons, n_components=20, generator=source())
    assert prediction_score(found, neurons).abs().max() < 1e-6  # the same for all images held out


def test_rotating_or_shifting_the_features_changes_nothing(units: Tensor):
    neurons = synthetic_neurons(units, 5, generator=source()).mean(dim=0)
    rotation = torch.linalg.qr(normal(4, 4))[0]
    folds = image_folds(30, generator=source())
    one, other = (
        predict_neurons(x, neurons, n_components=3, folds=folds).predicted
        for x in (units, units @ rotation + 7.0)
    )
    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


def test_images_in_another_order_give_the_same_predictions(units: Tensor):
    neurons = synthetic_neurons(units, 5, generator=source()).mean(dim=0)
    order = torch.randperm(30, generator=source(4))
    folds = image_folds(30, generator=source())
    one = predict_neurons(units, neurons, n_components=3, folds=folds).predicted
    other = predict_neurons(units[:, order], neurons[:, order], n_components=3, folds=folds[order])
    torch.testing.assert_close(one[:, order], other.predicted, rtol=1e-6, atol=1e-6)


def test_a_smooth_signal_without_images_predicts_a_shared_course_and_no_image_part(units: Tensor):
    blind = synthetic_neurons(units, 20, shared=1.0, generator=source()).mean(dim=0)
    signal = smooth_signal(TIMES, 30, generator=source(5))
    found = predict_neurons(signal, blind, generator=source())
    assert prediction_score(found, blind).median() > 0.8
    assert prediction_score(found, blind, part="image").abs().max() < 1e-6
    shuffled = predict_neurons(shuffle_time(signal, generator=source(6)), blind, generator=source())
    assert prediction_score(shuffled, blind).median() < 0.2


def test_the_image_part_tells_neurons_that_see_from_those_that_do_not(units: Tensor):
    scores = {}
    for shared in (0.5, 1.0):
        neurons = synthetic_neurons(units, 20, shared=shared, generator=source()).mean(dim=0)
        found = predict_neurons(units, neurons, n_components=4, generator=source())
        scores[shared] = [
            prediction_score(found, neurons, part=p).median() for p in ("all", "image")
        ]
    assert min(scores[0.5][0], scores[1.0][0]) > 0.6
    assert scores[0.5][1] > 0.6
    assert abs(scores[1.0][1]) < 0.15


def test_shuffled_time_keeps_the_frames_of_an_image(units: Tensor):
    shuffled = shuffle_time(units, generator=source())
    torch.testing.assert_close(shuffled.sort(dim=0).values, units.sort(dim=0).values)
    assert not torch.equal(shuffled, units)
    one_order = shuffle_time(units, each_image=False, generator=source())
    order = [int((units[:, 0] == frame).all(dim=1).nonzero()) for frame in one_order[:, 0]]
    torch.testing.assert_close(one_order, units[order])


def test_controls_without_time_stand_still_and_permuted_images_are_all_there(units: Tensor):
    assert torch.equal(held_still(units), units[-1:].expand_as(units))
    images = torch.rand(3, 1, 2, 2, generator=source())
    assert torch.equal(pixels_in_time(images, 2)[1], images.flatten(1))
    permuted = permute_images(units, generator=source())
    torch.testing.assert_close(permuted.sort(dim=1).values, units.sort(dim=1).values)


def test_a_smooth_signal_has_the_covariance_that_it_should():
    signal = smooth_signal(TIMES, 2, 20_000, width=20.0, generator=source())
    assert torch.equal(signal[:, 0], signal[:, 1])
    covariance = signal[:, 0] @ signal[:, 0].mT / 20_000
    apart = TIMES[:, None] - TIMES
    expected = torch.exp(-(apart**2) / 800.0).double()
    assert (covariance - expected).abs().max() < 0.05


def test_a_prediction_that_is_constant_scores_zero():
    responses = normal(4, 10, 3)
    folds = torch.arange(10) % 2
    flat = Prediction(torch.zeros_like(responses), folds)
    assert prediction_score(flat, responses).tolist() == [0.0, 0.0, 0.0]
    exact = Prediction(2.0 * responses + 1.0, folds)
    torch.testing.assert_close(prediction_score(exact, responses), torch.ones(3).double())


def test_tuning_finds_how_many_components_the_neurons_have():
    x = normal(1, 60, 12)
    y = x @ normal(12, 5, seed=1) + 0.01 * normal(1, 60, 5, seed=2)
    found, chosen = tuned_prediction(x, y, candidates=(1, 12), generator=source())
    assert chosen == [12] * 5
    assert prediction_score(found, y).min() > 0.99
    noise = normal(1, 60, 5, seed=3)
    assert set(tuned_prediction(x, noise, candidates=(3,), generator=source())[1]) == {3}


def test_the_bootstrap_scatters_around_the_score(units: Tensor):
    neurons = synthetic_neurons(units, 5, noise=2.0, generator=source()).mean(dim=0)
    found = predict_neurons(units, neurons, n_components=3, generator=source())
    draws = bootstrap_score(found, neurons, n_draws=100, generator=source())
    score = prediction_score(found, neurons)
    assert draws.shape == (100, 5)
    assert ((draws.quantile(0.005, dim=0) < score) & (score < draws.quantile(0.995, dim=0))).all()
    exact = Prediction(neurons, found.folds)
    assert (bootstrap_score(exact, neurons, n_draws=3, generator=source()) > 1 - 1e-9).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": torch.ones(4, 5, 2)}, "must meet in time and images"),
        ({"features": torch.ones(3, 6, 2)}, "must meet in time and images"),
        ({"features": torch.ones(4, 6, 2)}, "features must change"),
        ({"features": torch.full((4, 6, 2), torch.nan)}, "features must be finite"),
        ({"features": torch.ones(4, 6)}, "features must have shape"),
        ({"n_folds": 4}, "n_folds must be from 2 to half the number of images, got 4 folds for 6"),
        ({"n_folds": 1}, "n_folds must be from 2"),
        ({"n_components": 0}, "n_components"),
        ({"folds": torch.zeros(6)}, "folds must give each of 6 images"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], words: str):
    arguments = {"features": normal(4, 6, 2), "responses": normal(4, 6, 3, seed=1), "n_folds": 2}
    with pytest.raises(ValueError, match=words):
        predict_neurons(**(arguments | change))  # type: ignore[arg-type]


def test_other_errors():
    found = Prediction(normal(2, 4, 3), torch.arange(4) % 2)
    with pytest.raises(ValueError, match="responses must have shape"):
        prediction_score(found, normal(2, 4, 2))
    with pytest.raises(ValueError, match="part must be one of"):
        prediction_score(found, normal(2, 4, 3), part="images")
    with pytest.raises(ValueError, match="candidates"):
        tuned_prediction(normal(1, 10, 2), normal(1, 10, 2), candidates=())
    with pytest.raises(ValueError, match="penalty"):
        ridge_left_out(normal(4, 2), normal(4, 1), 0.0)
    with pytest.raises(ValueError, match="same two frames"):
        partial_least_squares(normal(4, 2), normal(3, 1), 1)
    with pytest.raises(ValueError, match="width"):
        smooth_signal(TIMES, 3, width=0.0)
    with pytest.raises(ValueError, match="shared must be from 0 to 1"):
        synthetic_neurons(normal(3, 4, 2), shared=1.5)
    with pytest.raises(ValueError, match="units must change with the image"):
        synthetic_neurons(normal(3, 1, 2).expand(-1, 4, -1), shared=0.5)


def test_shares_of_variance_of_made_neurons(units: Tensor):
    for shared in (0.0, 0.3, 1.0):
        signal = synthetic_neurons(
            units, 4, shared=shared, noise=0.0, n_repeats=1, generator=source()
        )[0]
        course = signal.mean(dim=1)
        torch.testing.assert_close(
            (course - course.mean(dim=0)).square().mean(dim=0), torch.full((4,), shared).double()
        )
        torch.testing.assert_close(
            (signal - course[:, None]).square().mean(dim=(0, 1)),
            torch.full((4,), 1 - shared).double(),
        )
