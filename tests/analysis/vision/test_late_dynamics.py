"""The last approach to a fixed point: what eigenvalues say, and what is measured."""

from __future__ import annotations

import math

import pytest
import torch

from nmcourse.analysis import (
    active_units,
    expected_time_constant,
    late_recurrence,
    late_time_constant,
)
from nmcourse.models import Area, AreaGains, CordsNet, Stem

STEM = Stem(channels=1, kernel=1, stride=1, pool=False)


def one_pixel(weight: float, bias: float = 1.0) -> CordsNet:
    """One unit with a weight on itself."""
    model = CordsNet((Area(1, kernel=1),), 1, 2, image_size=1, stem=STEM).double()
    with torch.no_grad():
        model.recurrent[0].direction.fill_(1.0)
        model.recurrent[0].length.fill_(weight)
        model.biases[0].fill_(bias)
    return model


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.4])
def test_one_unit_has_the_time_constant_of_its_gain(gain: float):
    model, image = one_pixel(0.6), torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    gains = [AreaGains(recurrent=torch.full((1,), gain, dtype=torch.float64))]
    rates = model.record(image, n_blank=0, n_steps=1500, gains=gains)[0].flatten(1)
    active = active_units(model, [rates[:, -1].reshape(1, 1, 1, 1)], image, gains=gains)
    eigenvalue = late_recurrence(model, active, gains=gains)
    assert eigenvalue.real.item() == pytest.approx(0.6 * gain)
    measured = late_time_constant((rates - 1.0 / (1.0 - 0.6 * gain)).abs(), model.dt)
    expected = expected_time_constant(eigenvalue, model.tau, model.dt)
    torch.testing.assert_close(measured, expected, rtol=1e-6, atol=0)
    limit = expected_time_constant(eigenvalue, model.tau)
    assert limit.item() == pytest.approx(10.0 / (1.0 - 0.6 * gain))
    assert 0 < limit.item() - expected.item() < model.dt  # half a step, to first order


def test_a_unit_below_its_threshold_is_not_active_though_its_rate_is_above_zero():
    model = one_pixel(0.6, bias=-1.0)
    state = (torch.full((1, 1, 1, 1), 1e-3, dtype=torch.float64),)
    image = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    active = active_units(model, state, image)
    assert not active[0].any()
    # r + tau (0 - r) / tau is not always 0: rounding, and numbers too small to be divided by tau
    for kind, smallest in ((torch.float64, 1e-323), (torch.float32, 1e-45)):
        model, image = model.to(kind), image.to(kind)
        drawn = torch.rand(200, generator=torch.Generator().manual_seed(0), dtype=kind)
        for rate in (*(1e-7 * drawn), torch.tensor(smallest, dtype=kind)):
            assert not active_units(model, (rate.reshape(1, 1, 1, 1),), image)[0].any()
    assert late_recurrence(model, active).item() == 0
    assert expected_time_constant(torch.zeros(()), 10.0, 2.0).item() == pytest.approx(
        -2.0 / math.log(0.8)
    )


def test_the_slowest_area_decides():
    generator = torch.Generator().manual_seed(0)
    model = CordsNet("small-R2", 1, 2, image_size=4, generator=generator).double()
    every = [torch.ones(2, 8, 4, 4, dtype=torch.bool) for _ in range(2)]
    every[1][1] = False  # of the second image only area 0 is active
    both, alone = late_recurrence(model, every)
    step = [torch.autograd.functional.jacobian(
        lambda r, a=a: model.recurrent[a](r.reshape(1, 8, 4, 4)).flatten(),
        torch.zeros(128, dtype=torch.float64),
    ) for a in range(2)]  # fmt: skip
    values = [torch.linalg.eigvals(matrix) for matrix in step]
    factor = [(0.8 + 0.2 * v).abs() for v in values]
    assert (0.8 + 0.2 * both).abs().item() == pytest.approx(max(f.max().item() for f in factor))
    assert (0.8 + 0.2 * alone).abs().item() == pytest.approx(factor[0].max().item())


def test_the_last_mode_is_found_behind_a_faster_one():
    times = 2.0 * torch.arange(1, 2001, dtype=torch.float64)
    distance = torch.exp(-times / 12.0) + 0.05 * torch.exp(-times / 50.0)
    assert late_time_constant(distance, 2.0).item() == pytest.approx(50.0, rel=1e-3)
    early = late_time_constant(distance, 2.0, within=(0.5, 0.05)).item()
    assert early < 25.0  # both modes mixed


def test_what_has_not_settled_has_no_time_constant():
    slow = torch.exp(-torch.arange(100, dtype=torch.float64) / 1000.0)
    hasty = torch.tensor([1.0, 1e-3, 1e-7, 1e-12], dtype=torch.float64)
    assert late_time_constant(torch.stack([slow, slow]), 2.0).isnan().all()
    assert late_time_constant(hasty, 2.0).isnan()


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="within must be two falling shares"):
        late_time_constant(torch.ones(5), 2.0, within=(1e-9, 1e-3))
    with pytest.raises(ValueError, match="distance must be a torch"):
        late_time_constant([1.0, 0.5], 2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tau must be"):
        expected_time_constant(torch.zeros(()), -1.0)
    model = CordsNet((Area(1, kernel=1),), 1, 2, image_size=1, stem=STEM, slope=0.2)
    with pytest.raises(ValueError, match=r"model must have a ReLU, slope 0, got slope 0\.2"):
        active_units(model, model.initial_state(1), torch.zeros(1, 1, 1, 1))
