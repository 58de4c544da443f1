"""Codes over time, dissimilarities, features and recordings: known answers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from nmcourse.analysis import (
    bootstrap_over_images,
    by_lag,
    compare_dissimilarities,
    decode_over_time,
    dissimilarities,
    exchange_times,
    from_pairs,
    gabor_bank,
    gabor_filters,
    pairs_of,
    pattern_correlation,
    permuted_over_images,
    read_it_trials,
    read_photographs,
    read_reproductions,
    read_v4,
    recordings_folder,
    temporal_generalisation,
    units_in_time,
)
from nmcourse.models import CordsNet


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=source(seed))


def turning(angle: float, *, n_repeats: int = 20, noise: float = 0.5) -> Tensor:
    """Trials (repeat, time, condition, unit): the code turns by ``angle`` from time to time."""
    one, other = normal(10, 80), normal(10, 80, seed=1)
    codes = torch.stack([math.cos(angle * t) * one + math.sin(angle * t) * other for t in range(4)])
    return codes + noise * normal(n_repeats, 4, 10, 80, seed=2)


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.5])
def test_the_pattern_correlation_is_the_cosine_by_which_a_code_turns(angle: float):
    found = pattern_correlation(turning(angle, noise=2.0), generator=source())
    lags, values = by_lag(found, torch.tensor([0.0, 10.0, 20.0, 30.0]))
    assert lags.tolist() == [10.0, 20.0, 30.0]
    expected = torch.tensor([math.cos(angle * k) for k in (1, 2, 3)], dtype=torch.float64)
    assert (values - expected).abs().max() < 0.08


def test_a_code_that_changes_its_size_does_not_turn():
    sizes = torch.tensor([0.5, 1.0, 2.0, 4.0]).double()[:, None, None]
    trials = turning(0.0, noise=0.1) * sizes
    assert (pattern_correlation(trials, generator=source()) - 1).abs().max() < 0.01


def test_exchanged_times_stand_still_though_the_code_turns():
    trials = exchange_times(turning(0.5, n_repeats=40), generator=source())
    found = pattern_correlation(trials, n_splits=100, generator=source())
    assert (found - 1).abs().max() < 0.12
    torch.testing.assert_close(
        trials.sort(dim=1).values, turning(0.5, n_repeats=40).sort(dim=1).values
    )


def test_decoding_is_exact_with_a_code_and_at_chance_without():
    centres = 10 * normal(4, 1, 1, 6)
    trials = (centres + normal(4, 12, 3, 6, seed=1)).clone()
    trials[:, :, 0] = normal(4, 12, 6, seed=2)
    found = decode_over_time(trials)
    assert found[1:].tolist() == [1.0, 1.0]
    assert found[0] < 0.5
    many = decode_over_time(normal(4, 200, 1, 6, seed=3))
    assert abs(float(many) - 0.25) < 0.06


def test_a_code_that_moves_is_not_read_with_another_times_classes():
    centres = 10 * normal(3, 1, 2, 5)
    found = temporal_generalisation(centres + normal(3, 10, 2, 5, seed=1))
    assert found.diagonal().tolist() == [1.0, 1.0]
    assert found[0, 1] < 0.9
    still = temporal_generalisation(centres[:, :, :1] + normal(3, 10, 2, 5, seed=1))
    assert still.min() == 1.0


def test_a_trial_is_not_in_the_mean_that_names_it():
    """Two trials a class, far apart: with itself in the mean each would be nearest to its own."""
    trials = torch.tensor([[[-3.0], [3.0]], [[-2.9], [2.9]]]).double()[:, :, None]
    assert decode_over_time(trials).item() < 0.6


def test_dissimilarities_are_one_minus_correlation():
    patterns = normal(5, 20)
    expected = 1 - torch.corrcoef(patterns)
    torch.testing.assert_close(pairs_of(dissimilarities(patterns)), pairs_of(expected))
    assert dissimilarities(patterns).diagonal().tolist() == [0.0] * 5
    stacked = dissimilarities(torch.stack([patterns, 2 * patterns + 1]))
    torch.testing.assert_close(stacked[0], stacked[1])
    torch.testing.assert_close(from_pairs(pairs_of(expected)).fill_diagonal_(0.0), stacked[0])


def test_comparing_is_the_rank_correlation_over_pairs():
    one, other = dissimilarities(normal(8, 20)), dissimilarities(normal(8, 20, seed=1))
    expected = spearmanr(pairs_of(one), pairs_of(other)).statistic
    assert compare_dissimilarities(one, other) == pytest.approx(expected)
    assert compare_dissimilarities(one, one.exp()) == pytest.approx(1.0)


def test_bootstrap_and_nulls_of_dissimilarities():
    patterns = normal(30, 20)
    one = dissimilarities(patterns)
    other = dissimilarities(patterns + 0.7 * normal(30, 20, seed=1))
    value = compare_dissimilarities(one, other)
    draws = bootstrap_over_images(one, other, n_draws=100, generator=source())
    null = permuted_over_images(one, other, n_draws=100, generator=source())
    assert draws.quantile(0.01) < value < draws.quantile(0.99)
    assert null.quantile(0.99) < 0.3 < value
    same = bootstrap_over_images(one, one, n_draws=3, generator=source())
    torch.testing.assert_close(same, torch.ones(3).double())


def test_a_null_inside_groups_keeps_what_the_groups_give():
    groups = torch.arange(20) % 2
    patterns = 3 * normal(2, 15)[groups]
    one, other = (dissimilarities(patterns + normal(20, 15, seed=k)) for k in (1, 2))
    inside = permuted_over_images(one, other, within=groups, n_draws=50, generator=source())
    everywhere = permuted_over_images(one, other, n_draws=50, generator=source())
    assert inside.mean() > 0.4 > everywhere.quantile(0.95)


def test_gabor_filters():
    bank = gabor_filters(9, wavelength=4.0, n_orientations=4)
    assert bank.shape == (8, 1, 9, 9)
    torch.testing.assert_close(bank.flatten(1).norm(dim=1), torch.ones(8).double())
    assert bank.flatten(1).sum(dim=1).abs().max() < 1e-10
    turned = bank[2, 0]  # a quarter turn of the first
    torch.testing.assert_close(turned, bank[0, 0].mT)


def test_the_bank_finds_the_direction_of_stripes_wherever_they_lie():
    x = torch.arange(32.0).expand(32, 32)
    stripes = torch.stack([torch.cos(2 * math.pi * x / 4 + p) for p in (0.0, 1.0)])
    energy = gabor_bank(stripes[:, None], wavelengths=(4.0,), n_orientations=4, stride=32)
    assert energy.argmax(dim=1).tolist() == [0, 0]
    torch.testing.assert_close(energy[0, 0], energy[1, 0], rtol=0.02, atol=0.0)
    flat = gabor_bank(torch.ones(1, 1, 16, 16), stride=8)
    assert flat.abs().max() < 1e-10
    with pytest.raises(ValueError, match="grey"):
        gabor_bank(torch.ones(1, 3, 16, 16))
    with pytest.raises(ValueError, match="odd"):
        gabor_filters(8)


def test_units_are_those_that_the_network_records():
    model = CordsNet("small-R2", 1, 10, image_size=6, dt=2.0, generator=source())
    images = torch.rand(3, 1, 6, 6, generator=source())
    found = units_in_time(model, images, torch.tensor([4.0, 20.0]), duration=10.0)
    maps = model.record(images, 100, 5, n_after=5)
    for place, step in enumerate((101, 109)):
        expected = torch.cat([area[:, step].flatten(1) for area in maps], dim=1)
        torch.testing.assert_close(found[place], expected)
    held = units_in_time(model, images, torch.tensor([20.0]), areas=[1])
    torch.testing.assert_close(held[0], model.record(images, 100, 10)[1][:, -1].flatten(1))
    for times in (torch.tensor([3.0]), torch.tensor([0.0]), torch.tensor([])):
        with pytest.raises(ValueError, match="times must be steps of 2 ms"):
            units_in_time(model, images, times)


def test_recordings_are_read(tmp_path: Path):
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, (3, 2, 2, 4, 50)).astype(np.uint8)
    starts = np.arange(-500, 500, 20).astype(np.int16)
    np.savez(
        tmp_path / "it_zhang_desimone.npz",
        counts_20ms=counts,
        bin_start_ms=starts,
        unit_session=np.array([1, 1, 2]),
    )
    found = read_it_trials(tmp_path)
    assert found.trials.shape == (4, 10, 4, 3)
    assert found.times.tolist() == [100.0 + 40 * k for k in range(10)]
    first = counts[1, 1, 0, 2, 30:32].sum()  # unit 1, object 1, position 0, repeat 2, 100-140 ms
    assert found.trials[2, 0, 2, 1] == first

    single = rng.integers(0, 5, (2, 6, 8)).astype(np.uint8)
    single[:, 0, 1] = 255
    single[:, 3, 6:] = 255
    pictures = rng.integers(0, 255, (6, 32, 32, 3)).astype(np.uint8)
    np.savez(tmp_path / "v4_cowley.npz", counts_210325=single, images_210325=pictures)
    session = read_v4(tmp_path)
    assert session.trials.shape == (6, 1, 6, 2)
    assert session.trials[:, 0, 0, 1].tolist() == single[1, 0, [0, 2, 3, 4, 5, 6]].tolist()
    assert session.images.shape == (6, 1, 32, 32)

    np.savez(
        tmp_path / "rsg_sohn_jazayeri.npz",
        ts_ms=np.array([500.0, 600.0, 700.0]),
        tp_ms=np.array([510.0, 620.0, 690.0]),
        subject=np.array([0, 1, 1]),
        delta_t_ms=np.array([0.0, 150.0, 0.0]),
    )
    assert read_reproductions(tmp_path).produced.tolist() == [510.0, 690.0]
    np.savez(
        tmp_path / "it_kriegeskorte92.npz",
        images=pictures[:4],
        rdm_monkey_it=np.arange(6.0),
        rdm_human_it=np.arange(6.0)[::-1],
        category_labels=np.array(["face", "body"]),
        category=np.eye(4, 2, dtype=np.uint8),
    )
    seen = read_photographs(tmp_path)
    assert seen.monkey[0, 3] == 2.0 == seen.monkey[3, 0]
    assert seen.categories["body"].tolist() == [False, True, False, False]


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match=r"there is no file .*v4_cowley\.npz"):
        read_v4(tmp_path)
    np.savez(tmp_path / "v4_cowley.npz", other=np.ones(2))
    with pytest.raises(ValueError, match="no array 'images_210325'; there is other"):
        read_v4(tmp_path)
    monkeypatch.delenv("NMCOURSE_RECORDINGS", raising=False)
    assert recordings_folder() is None
    monkeypatch.setenv("NMCOURSE_RECORDINGS", str(tmp_path))
    assert recordings_folder() == tmp_path
    with pytest.raises(ValueError, match="is no folder"):
        recordings_folder(tmp_path / "none")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: temporal_generalisation(normal(1, 3, 2, 2)), "two classes"),
        (lambda: pattern_correlation(normal(3, 3, 2, 2)), "four repeats"),
        (lambda: by_lag(normal(2, 2), torch.arange(3.0)), "correlation must have shape"),
        (lambda: dissimilarities(normal(2, 5)), "three images"),
        (lambda: dissimilarities(torch.ones(4, 5)), "same value in every unit"),
        (lambda: compare_dissimilarities(normal(3, 3), normal(4, 4)), "of the same images"),
        (lambda: from_pairs(torch.ones(4)), "pairs must be"),
        (
            lambda: permuted_over_images(normal(3, 3), normal(3, 3), within=torch.ones(2)),
            "within must give a group",
        ),
    ],
)
def test_bad_input_is_named(call, words: str):
    with pytest.raises(ValueError, match=words):
        call()
