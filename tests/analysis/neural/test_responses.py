"""What a reader hands over, and how well repeats agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nmcourse.analysis import (
    check_responses,
    correlate,
    image_part,
    meet,
    noise_ceiling,
    read_responses,
    reliability,
    spearman_brown,
)

TIMES = [0.0, 20.0, 40.0]


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trials(*, noise: float = 1.0, n_repeats: int = 8, n_units: int = 4) -> torch.Tensor:
    signal = torch.randn(3, 200, n_units, dtype=torch.float64, generator=source())
    draws = torch.randn(n_repeats, 3, 200, n_units, dtype=torch.float64, generator=source(1))
    return signal + noise * draws


def test_neurons_with_gaps_or_without_change_are_left_out_visibly():
    values = trials()
    values[2, 1, 5, 0] = torch.nan
    values[..., 2] = 3.0
    found = check_responses(values, TIMES)
    assert found.units.tolist() == [1, 3]
    assert torch.equal(found.trials, values[..., [1, 3]])
    assert "unit 0: missing or infinite numbers, unit 2: never changes" in str(found)
    assert str(found).startswith("2 units, 200 images, 3 times, 8 repeats")
    torch.testing.assert_close(found.mean, values[..., [1, 3]].mean(dim=0))
    assert "left out: none" in str(check_responses(trials(), TIMES))


def test_files_are_read_and_nothing_else(tmp_path: Path):
    values = trials().numpy()
    np.savez(tmp_path / "own.npz", spikes=values, times=np.array(TIMES))
    found = read_responses(tmp_path / "own.npz", trials="spikes")
    torch.testing.assert_close(found.trials, torch.from_numpy(values))
    with pytest.raises(ValueError, match="no array 'trials'; there is spikes, times"):
        read_responses(tmp_path / "own.npz")
    (tmp_path / "other.npz").write_bytes(b"PK not an archive")
    with pytest.raises(ValueError, match=r"is no \.npz file"):
        read_responses(tmp_path / "other.npz")
    np.save(tmp_path / "one.npy", values)
    with pytest.raises(ValueError, match="but a single one"):
        read_responses(tmp_path / "one.npy")
    with pytest.raises(ValueError, match="there is no file"):
        read_responses(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("values", "times", "words"),
    [
        (torch.ones(2, 3, 4), TIMES, "trials must have shape"),
        (torch.ones(0, 3, 4, 5), TIMES, "nothing empty"),
        (trials(), [0.0, 1.0], "times must have shape"),
        (trials(), [0.0, 40.0, 20.0], "times must be finite and rise"),
        (trials(), [0.0, np.nan, 20.0], "times must be finite and rise"),
        (torch.ones(2, 3, 4, 5), TIMES, "none of 5 units can be kept"),
        ("spikes", TIMES, "trials must be an array of numbers"),
    ],
)
def test_bad_responses_are_named(values, times, words: str):
    with pytest.raises(ValueError, match=words):
        check_responses(values, times)


def test_time_axes_that_do_not_meet():
    meet(torch.tensor(TIMES), torch.tensor(TIMES))
    with pytest.raises(ValueError, match="3 bins and 2 bins"):
        meet(torch.tensor(TIMES), torch.tensor(TIMES[:2]))
    with pytest.raises(ValueError, match="bin 1 begins at 20 ms and at 25 ms"):
        meet(torch.tensor(TIMES), torch.tensor([0.0, 25.0, 40.0]))


def test_the_image_part_has_no_mean_over_images():
    values = trials()
    course = torch.randn(3, 1, 4, dtype=torch.float64, generator=source(2))
    torch.testing.assert_close(image_part(values + course), image_part(values))
    assert image_part(values).mean(dim=-2).abs().max() < 1e-12


def test_reliability_is_that_of_the_mean_of_all_repeats():
    """Signal of variance 1, noise of variance 4 in each of 8 repeats: 1 / (1 + 4/8)."""
    found = reliability(trials(noise=2.0), generator=source())
    assert (found - 1 / 1.5).abs().max() < 0.06
    ceiling = noise_ceiling(trials(noise=2.0), generator=source())
    torch.testing.assert_close(ceiling, found.sqrt())


def test_the_ceiling_is_the_correlation_of_the_true_signal():
    signal = torch.randn(3, 200, 4, dtype=torch.float64, generator=source())
    mean = trials(noise=2.0).mean(dim=0)
    reached = correlate(signal.flatten(0, 1), mean.flatten(0, 1))
    ceiling = noise_ceiling(trials(noise=2.0), n_splits=50, generator=source())
    assert (reached - ceiling).abs().max() < 0.04


def test_repeats_without_a_signal_have_no_ceiling():
    noise = torch.randn(6, 3, 50, 40, dtype=torch.float64, generator=source())
    ceiling = noise_ceiling(noise, n_splits=50, generator=source())
    assert ceiling.isnan().any()
    assert ceiling.nan_to_num(0.0).median() < 0.3


def test_spearman_and_brown():
    assert float(spearman_brown(torch.tensor(0.6))) == pytest.approx(0.75)


def test_correlations():
    x = torch.randn(50, 3, dtype=torch.float64, generator=source())
    y = torch.randn(50, 3, dtype=torch.float64, generator=source(1))
    expected = [np.corrcoef(x[:, k], y[:, k])[0, 1] for k in range(3)]
    torch.testing.assert_close(correlate(x, y), torch.tensor(expected))
    assert correlate(torch.full((50, 3), 0.1), y).tolist() == [0.0] * 3
    assert correlate(x, torch.full((50, 3), 0.1)).isnan().all()


def test_one_repeat_has_no_reliability():
    with pytest.raises(ValueError, match="two repeats or more"):
        reliability(trials()[:1])
    with pytest.raises(ValueError, match="finite"):
        reliability(torch.full((2, 3, 4, 5), torch.nan))
