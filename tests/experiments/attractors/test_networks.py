"""Four families: what is matched, what starts alike, and that a small run goes through."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from nmcourse.evidence import Results, plain
from nmcourse.experiments.attractors import mixtures, same_computation
from nmcourse.experiments.attractors.bad_training import build, period_of
from nmcourse.experiments.attractors.mixtures import line_residual
from nmcourse.experiments.attractors.networks import FAMILIES, MEMORIES, TASKS, contender
from nmcourse.experiments.attractors.windows import rise_time
from nmcourse.models import ConvRNN, LowRankRNN, SparseTerms, VanillaRNN
from nmcourse.pretrained import BUILDERS

make = BUILDERS["cognitive_rnn"]


def seeded(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def recurrent(model) -> int:
    parts = dict(model.named_parameters())
    return sum(parts[name].numel() for name in model.parts()["recurrent weights"])


@pytest.mark.parametrize("n_units", [125, 216, 512])
def test_three_families_have_as_many_recurrent_weights(n_units):
    numbers = [recurrent(make(family, 3, 2, n_units)) for family in FAMILIES[1:]]
    assert max(numbers) < 1.05 * min(numbers)
    assert recurrent(make("dense", 3, 2, n_units)) == n_units**2


def matrix(model) -> torch.Tensor:
    if isinstance(model, VanillaRNN):
        return model.scale * model.recurrent_weights
    assert isinstance(model, ConvRNN | LowRankRNN | SparseTerms)
    return model.connectivity()


@pytest.mark.parametrize("family", FAMILIES)
def test_all_start_with_a_spectral_radius_near_one(family):
    radii = [
        torch.linalg.eigvals(matrix(make(family, 3, 2, generator=seeded(seed))).detach())
        .abs()
        .max()
        for seed in range(12)
    ]
    assert 0.6 < torch.stack(radii).mean() < 1.4


def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"n_units must be one of \[125, 216, 512\], got 100"):
        make("conv", 3, 2, 100)
    with pytest.raises(ValueError, match=r"family must be .* got 'full'"):
        make("full", 3, 2)


def test_a_contender_has_the_channels_of_its_task():
    for name, task in (TASKS | MEMORIES).items():
        kwargs = contender(name, "conv").kwargs
        assert (kwargs["n_inputs"], kwargs["n_outputs"]) == (task.n_inputs, task.n_outputs)


def test_a_badly_trained_network_starts_stronger():
    strong, plain_one = build(seeded(0)), contender("memory_ring", "conv").build(seeded(0))
    torch.testing.assert_close(strong.kernel, 2.6 * plain_one.kernel)


def test_a_small_run_gives_what_its_rule_reads(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(same_computation, "TASKS", {"flip_flop": TASKS["flip_flop"]})
    found = same_computation.run("smoke", tmp_path)["metrics"]
    results = Results(plain(found), {})
    assert results.value("flip_flop.distances.angle.dense-conv.ratio") > 0
    assert len(results.value("flip_flop.to_dense.untrained_sparse")) == 2
    again = same_computation.run("smoke", tmp_path)["metrics"]
    assert plain(again) == plain(found)


def test_the_place_on_a_line_and_the_distance_from_it():
    a, b = torch.zeros(1, 3), torch.tensor([[2.0, 0.0, 0.0]])
    along, off = line_residual(torch.tensor([[0.5, 3.0, 4.0]]), a, b)
    assert along.item() == pytest.approx(0.25)
    assert off.item() == pytest.approx(2.5)


def test_a_period_and_a_rise():
    t = torch.arange(200) * 20.0
    circle = torch.stack([(2 * torch.pi * t / 800).sin(), (2 * torch.pi * t / 800).cos()], dim=1)
    stretched = circle * torch.tensor([2.0, 1.0])
    assert period_of(stretched, 20.0) == pytest.approx(800.0)
    assert period_of(torch.linspace(-1, 1, 50)[:, None], 20.0) == 0.0
    outputs = 1 - torch.exp(-torch.arange(1, 101) * 2.0 / 20.0)[None, :, None].expand(3, -1, 2)
    exact = 20.0 * torch.log(torch.tensor(10.0)).item()
    assert rise_time(outputs, torch.zeros(1, 2), 2.0) == pytest.approx(exact, abs=2.1)


def test_triples_are_of_three_classes_each():
    labels = torch.arange(10).repeat(6)
    draw = partial(mixtures._triples, labels, torch.arange(60), 9)
    first, second, third = (labels[chosen] for chosen in draw(3))
    assert ((first != second) & (second != third) & (first != third)).all()
    assert torch.equal(draw(3)[0], draw(3)[0])
