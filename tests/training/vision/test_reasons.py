"""A training on images that diverges says what the network knows: area, step or residual."""

from __future__ import annotations

import re
from functools import partial

import pytest
import torch
from torch import nn

from nmcourse.experiments.scale.alone import Alone
from nmcourse.experiments.seeing.networks import penalised
from nmcourse.models import (
    Area,
    CordsNet,
    DivergingActivity,
    EquilibriumNet,
    NoEquilibrium,
    Stem,
    divergence_is_an_error,
)
from nmcourse.tasks import ImageSet
from nmcourse.training import (
    DivergenceError,
    ImageTrial,
    accuracy,
    fit_images,
    fit_images_across,
    fit_many_images,
    trial_loss,
)

AREAS, STEM = (Area(3), Area(3)), Stem(channels=2, kernel=3, stride=1, pool=False)
TRIAL = ImageTrial(blank=20, stimulus=40, after=20, window=20, rest_window=10)
LOSS = partial(trial_loss, trial=TRIAL)
SETTINGS = {"n_steps": 3, "batch_size": 4, "progress": False}


def images() -> ImageSet:
    shown = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    return ImageSet(shown.double(), torch.arange(8) % 2, ("a", "b"))


def equilibrium(largest: float = 40.0) -> EquilibriumNet:
    """With recurrent weights under which nothing stands still."""
    generator = torch.Generator().manual_seed(1)
    options = {"image_size": 4, "stem": STEM, "max_iterations": 20, "generator": generator}
    model = EquilibriumNet(AREAS, 1, 2, **options).double()
    model.equation.recurrent[1].length.data.mul_(largest)
    return model


def cordsnet(generator: torch.Generator, wild: int = 1) -> CordsNet:
    """Seed ``wild`` has recurrent weights that no activity survives."""
    model = CordsNet(AREAS, 1, 2, image_size=4, stem=STEM, dt=10.0, generator=generator).double()
    if generator.initial_seed() == wild:
        model.recurrent[1].length.data.mul_(1e250)
    return model


@pytest.mark.parametrize("loss", [LOSS, partial(penalised, coefficient=0.1)], ids=["trial", "look"])
def test_an_equilibrium_net_names_area_and_residual(loss):
    with pytest.raises(DivergenceError, match="training diverged at step 0") as stopped:
        fit_images(equilibrium(), images(), loss, **SETTINGS)
    reason = stopped.value.__cause__
    assert isinstance(reason, NoEquilibrium)
    assert reason.residual > 0
    assert f"the residual of area {reason.area} is {reason.residual:.3g}" in str(stopped.value)


def test_the_reason_is_that_of_the_step_at_which_it_diverged():
    """Not of the weights before, which the model is taken back to, and not of other images."""
    model, seen = equilibrium(1.0), []

    def loss(model, shown, labels):
        seen.append(shown)
        return LOSS(model, shown, labels)

    with pytest.raises(DivergenceError, match="training diverged at step 1") as stopped:
        fit_images(model, images(), loss, learning_rate=30.0, schedule="constant", **SETTINGS)
    assert isinstance(stopped.value.__cause__, NoEquilibrium)
    assert torch.equal(seen[-1], seen[-2])  # the second time to ask why
    assert not torch.equal(seen[-2], seen[0])
    assert LOSS(model, seen[-1], torch.tensor([0, 1, 0, 1])).isfinite()


def test_a_cordsnet_names_area_and_step():
    said = "activity diverged in area 1 at step "
    with pytest.raises(DivergenceError, match=said) as stopped:
        fit_images(cordsnet(torch.Generator().manual_seed(1)), images(), LOSS, **SETTINGS)
    assert isinstance(stopped.value.__cause__, DivergingActivity)
    with pytest.warns(UserWarning, match=f"seed 1 diverged at step 0 and was stopped.*{said}"):
        fit_many_images(cordsnet, images(), LOSS, seeds=2, **SETTINGS)


def test_to_ask_for_the_reason_draws_nothing_that_others_see():
    """The same noise reaches the network that goes on, whether another diverges or not."""
    losses = []
    for wild in (1, 7):
        noise = torch.Generator().manual_seed(3)
        loss = partial(trial_loss, trial=TRIAL, noise_std=0.1, generator=noise)
        build = partial(cordsnet, wild=wild)
        if wild == 1:
            with pytest.warns(UserWarning, match="area 1"):
                result = fit_many_images(build, images(), loss, seeds=2, **SETTINGS)
        else:
            result = fit_many_images(build, images(), loss, seeds=2, **SETTINGS)
        losses.append(result.losses[:, 0])
    torch.testing.assert_close(*losses)


def test_a_worker_alone_names_them_too():
    with pytest.raises(DivergenceError, match=r"residual of area \d is") as stopped:
        fit_images_across(Alone(), equilibrium(), images(), LOSS, accumulate=2, **SETTINGS)
    assert isinstance(stopped.value.__cause__, NoEquilibrium)


def test_a_loss_of_which_no_network_knows_the_reason():
    def loss(model, shown, labels):
        return LOSS(model, shown, labels) * torch.nan

    with pytest.raises(DivergenceError) as stopped:
        fit_images(cordsnet(torch.Generator()), images(), loss, **SETTINGS)
    assert stopped.value.__cause__ is None
    assert re.search(r"smaller learning_rate or clip_norm$", str(stopped.value))


def test_where_divergence_is_an_error():
    model, shown = equilibrium(), images().images
    start = model.initial_state(1)
    assert model.equilibrium(start, shown, check=False)[0].isnan().all()
    with divergence_is_an_error(), pytest.raises(NoEquilibrium):
        model.equilibrium(start, shown, check=False)
    with divergence_is_an_error(), pytest.raises(NoEquilibrium):
        model.respond(shown, check_finite=False)
    assert model.equilibrium(start, shown, check=False)[0].isnan().all()


def test_accuracy_counts_what_is_not_finite_as_wrong():
    class Nothing(nn.Module):
        def forward(self, shown):
            return torch.full((len(shown), 2), torch.nan)  # the largest of these is the first

    assert accuracy(Nothing(), images()) == 0.0
