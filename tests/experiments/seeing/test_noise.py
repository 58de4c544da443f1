"""Claim C8: the noises, and what the rule makes of what they do."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nmcourse.evidence import Results
from nmcourse.experiments.seeing import noise
from nmcourse.experiments.seeing.crossing import digits
from nmcourse.experiments.seeing.networks import NETWORKS, shipped
from nmcourse.experiments.seeing.noise import ASKED, at_last_step
from nmcourse.experiments.seeing.noise_rules import NOISES, judge, suffers_less
from nmcourse.models import Area, CordsNet, Stem, TwinCNN
from nmcourse.training import ImageTrial

TRIAL = ImageTrial(blank=40, stimulus=200, after=0, window=20, rest_window=0, rest_coefficient=0)
N = 10


def measured(lost: float, clean: float = 0.95, spread: float = 0.0) -> dict[str, Any]:
    rows = [[clean - lost + spread * (-1) ** seed] * 5 for seed in range(N)]
    far = [[2.0 * (lost + 0.01)] * 5 for _ in range(N)]
    of_noise = {name: {"accuracy": rows, "maps": far, "outputs": far} for name in NOISES}
    return {"clean": [clean] * N, "by_step": [[1.0, 1.2, 1.7]] * N} | of_noise


def results(ours: dict[str, Any], theirs: dict[str, Any]) -> Results:
    metrics = {name: ours if name == "cordsnet" else theirs for name in ASKED}
    return Results(metrics, {"n_seeds": N, "image_size": 14, "n_steps": 400})


@pytest.mark.parametrize(
    ("ours", "theirs", "status"),
    [
        (measured(0.1), measured(0.3), "reproduced"),
        (measured(0.3), measured(0.1), "not reproduced"),
        (measured(0.1), measured(0.3, clean=0.8), "not decided"),
        (measured(0.1), measured(0.3, spread=0.3), "not decided"),  # accuracy scatters too much
    ],
)
def test_the_rule(ours, theirs, status):
    found = judge(results(ours, theirs))
    assert (found.status, found.fair_status) == (status, status)
    assert "1 : 1.2 : 1.7" in found.measured


def test_a_network_that_beats_some_rivals_only():
    found = results(measured(0.2), measured(0.1))
    found.metrics["twin"] = measured(0.3)
    assert judge(found).status == "partly"


def scattered(gain: list[float], clean: float = 0.95) -> dict[str, Any]:
    """A network whose seeds lose so much less than 0.5 by noise."""
    known = measured(0.0, clean)
    rows = [[clean - 0.5 + more] * 5 for more in gain]
    known |= {name: {"accuracy": rows, "maps": [], "outputs": []} for name in NOISES}
    return known | {"clean": [clean] * len(gain)}


WIDE = [0.1, 0.5] * 5  # a scatter in which five points would not be seen


@pytest.mark.parametrize(
    ("gain", "clean", "holds", "words"),
    [
        (WIDE, 0.95, True, "yes (10 of 10)"),  # all pairs agree, whatever the power
        ([-g for g in WIDE], 0.95, False, "no, the rival does (0 of 10)"),
        ([0.01, 0.01, -0.01] * 3 + [0.01], 0.95, False, "no clear lead (7 of 10)"),
        ([0.3, 0.3, -0.3] * 3 + [0.3], 0.95, None, "open (7 of 10)"),  # too little power
        (WIDE, 0.8, None, "open (10 of 10)"),  # another accuracy without noise
        ([0.1] * 4, 0.95, None, "open (4 of 4)"),  # too few
    ],
)
def test_who_is_ahead_comes_before_power(gain, clean, holds, words):
    pairs = results(scattered(gain, clean), scattered([0.0] * len(gain)))
    found = suffers_less(pairs, "twin", "pixels_new_per_step", "accuracy")
    assert (found.holds, str(found)) == (holds, words)
    assert bool(found.why) == (holds is None)


def test_the_reason_names_what_is_open_and_why():
    found = results(measured(0.1), measured(0.3))
    found.metrics["discrete"] = measured(0.3, clean=0.8)
    found.metrics["feedback"] = measured(0.3, spread=0.3)
    reason = judge(found).reason
    assert "tolerance: discrete, pixels new per step (accuracy and maps)" in reason
    assert "below 80%: feedback, pixels new per ms (accuracy)" in reason
    assert "twin" not in reason


def leaky(dt: float) -> CordsNet:
    """Areas that only follow what drives them, without bounds."""
    stem = Stem(channels=2, kernel=3, stride=1, pool=False)
    model = CordsNet([Area(12)], 1, 2, image_size=10, stem=stem, slope=1.0, dt=dt)
    for part in (model.recurrent[0], model.feedforward[0]):
        torch.nn.init.zeros_(part.length)
    return model


@pytest.mark.parametrize("dt", [2.0, 5.0, 10.0])
def test_noise_on_the_areas_has_the_variance_of_the_leak(dt: float):
    model, images = leaky(dt), torch.zeros(20, 1, 10, 10)
    like = tuple(torch.ones_like(r) for r in model.initial_state(1))
    alpha, variances = dt / 10.0, {}
    for name in ("areas_new_per_step", "areas_new_per_ms", "areas_staying"):
        source = torch.Generator().manual_seed(0)
        (rates,) = at_last_step(model, images, TRIAL, name, 0.5, like=like, generator=source)
        variances[name] = rates.var().item()
    expected = 0.25 * alpha / (2 - alpha)
    assert variances["areas_new_per_step"] == pytest.approx(expected, rel=0.05)
    assert variances["areas_new_per_ms"] == pytest.approx(expected * 2.0 / dt, rel=0.05)
    assert variances["areas_staying"] == pytest.approx(0.25, rel=0.05)


def test_the_network_without_time_sees_one_noisy_image_or_the_mean_of_many():
    twin = TwinCNN([Area(2)], 1, 2, image_size=6).eval()
    images = torch.zeros(4, 1, 6, 6)
    noises = {}
    for name in ("pixels_new_per_step", "pixels_averaged"):
        seen: list[torch.Tensor] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TwinCNN, "step", lambda self, r, x, s=seen: (s.append(x), r)[1])
            source = torch.Generator().manual_seed(0)
            at_last_step(twin, images, TRIAL, name, 0.5, generator=source)
        *blanks, noises[name] = seen
        assert not any(blank.any() for blank in blanks)
    torch.testing.assert_close(noises["pixels_averaged"] * 10, noises["pixels_new_per_step"])


def test_pixel_noise_that_stays_is_one_draw_and_new_noise_is_not():
    model, images = leaky(10.0), torch.zeros(2, 1, 10, 10)
    for name, different in (("pixels_staying", False), ("pixels_new_per_step", True)):
        seen: list[torch.Tensor] = []
        step = CordsNet.step
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                CordsNet, "step", lambda self, r, x, s=seen, f=step: (s.append(x), f(self, r, x))[1]
            )
            source = torch.Generator().manual_seed(0)
            at_last_step(model, images, TRIAL, name, 0.5, generator=source)
        shown = [x for x in seen if x.abs().sum() > 0]
        assert (not torch.equal(shown[0], shown[-1])) == different


def test_a_small_version_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(noise, "in_parallel", lambda jobs: {n: job() for n, job in jobs.items()})
    names = ("cordsnet", "discrete", "twin")
    monkeypatch.setattr(noise, "ASKED", names)
    found = noise.run("smoke", tmp_path)["metrics"]
    for name in names:
        assert [len(row) for row in found[name]["areas_staying"]["maps"]] == [5, 5]
    assert [len(row) for row in found["cordsnet"]["by_step"]] == [3, 3]
    assert found["twin"]["by_step"] == []


def test_noise_in_an_area_is_mostly_its_own_where_each_has_noise_of_its_size():
    """The page says so beside the ratios of the ledger's networks."""
    trial, shown = NETWORKS["cordsnet"].trial, digits(14, 20)[1].images
    for model in shipped("cordsnet")[:3]:
        still = at_last_step(model, shown, trial)
        deviations = []
        for like in (still, (still[0], torch.zeros_like(still[1]))):  # the second: area 0 only
            options = {"like": like, "generator": torch.Generator().manual_seed(0)}
            noisy = at_last_step(model, shown, trial, "areas_new_per_step", 0.25, **options)
            deviations.append(float((noisy[1] - still[1]).square().sum()))
        assert 0 < deviations[1] < 0.15 * deviations[0]
