"""One unit per pixel, whose fate is known: it decays, holds on, or explodes."""

from __future__ import annotations

import pytest
import torch

from nmcourse.analysis import AfterImages, after_images, is_transient, kind_of_return
from nmcourse.models import Area, CordsNet, Stem

IMAGES = torch.stack([torch.full((1, 2, 2), 1.0), torch.full((1, 2, 2), 2.0)])
LABELS = torch.tensor([0, 1])
STEPS = {"n_steps": 20, "n_held": 40, "n_after": 30, "n_blank": 10}


def network(weight: float, threshold: float = 0.5) -> CordsNet:
    """tau r' = -r + relu(weight r + image); the answer is 1 if the mean rate is above threshold."""
    model = CordsNet([Area(1, kernel=1)], 1, 2, image_size=2, stem=Stem(1, 1, 1, pool=False))
    with torch.no_grad():
        for layer, value in (
            (model.stem, 1.0),
            (model.feedforward[0], 1.0),
            (model.recurrent[0], weight),
        ):
            layer.direction.fill_(1.0)
            layer.length.fill_(value)
        model.output.direction.copy_(torch.tensor([[0.0], [1.0]]) + 1e-12)
        model.output.length.copy_(torch.tensor([[0.0], [1.0]]))
        model.output_bias.copy_(torch.tensor([threshold, 0.0]))
    return model.double()


def measure(weight: float, threshold: float = 0.5, labels: torch.Tensor = LABELS) -> AfterImages:
    return after_images(network(weight, threshold), IMAGES.double(), labels, **STEPS)


def test_distance_after_the_image_decays_with_the_effective_time_constant():
    measured = measure(0.5)
    expected = (1 - 0.2 * (1 - 0.5)) ** STEPS["n_after"]
    torch.testing.assert_close(measured.distance, torch.full((2,), expected, dtype=torch.double))
    # with the image: from silence towards u / (1 - w)
    a = 1 - 0.2 * (1 - 0.5)
    torch.testing.assert_close(
        measured.held_distance,
        torch.full((2,), (1 - a**60) / (1 - a**20), dtype=torch.double),
    )


def test_distances_are_from_rest_and_not_from_silence():
    model = network(0.5)
    with torch.no_grad():
        model.biases[0].fill_(3.0)  # rest is at 6; around it nothing else changes
    measured = after_images(model, IMAGES.double(), LABELS, **(STEPS | {"n_blank": 400}))
    torch.testing.assert_close(measured.distance, measure(0.5).distance)
    torch.testing.assert_close(measured.held_distance, measure(0.5).held_distance)


@pytest.mark.parametrize(
    ("weight", "kind"), [(0.0, "monostable"), (1.0, "multistable"), (1.8, "unstable")]
)
def test_kinds(weight, kind):
    assert kind_of_return(measure(weight)) == kind


def test_accuracies_of_a_network_that_forgets_and_of_one_that_does_not():
    forgets = measure(0.0, threshold=1.5)
    assert forgets[:3] == (1.0, 1.0, 1.0)
    integrates = measure(1.0, threshold=6.0)  # rates grow by 0.2 u a step: 4 and 8 after 20
    assert integrates.accuracy == 1.0
    assert integrates.held_accuracy == 0.5  # 12 and 24 after 60
    assert integrates.second_accuracy == 0.5  # 4 + 8 and 8 + 4
    assert is_transient(integrates)
    assert not is_transient(forgets)


def test_activity_that_is_not_finite_is_infinitely_far_away():
    model = network(1e30)
    measured = after_images(model.float(), IMAGES, LABELS, **STEPS)
    assert torch.isinf(measured.distance).all()
    assert kind_of_return(measured) == "unstable"


def test_a_network_that_does_not_react_is_at_rest():
    model = network(0.0)
    with torch.no_grad():
        model.feedforward[0].length.fill_(0.0)
    measured = after_images(model, IMAGES.double(), LABELS, **STEPS)
    assert measured.distance.tolist() == [0.0, 0.0]
    assert kind_of_return(measured) == "monostable"


def test_one_image_that_stays_away_is_too_many():
    away = torch.zeros(20)
    away[0] = 0.2
    nine_tenths = AfterImages(1.0, 1.0, 1.0, away, torch.ones(20))
    assert kind_of_return(nine_tenths) == "monostable"  # 19 of 20 are 95 %
    away[1] = 0.2
    assert kind_of_return(nine_tenths) == "multistable"


def test_bad_input():
    with pytest.raises(ValueError, match="at least two, got 1"):
        after_images(network(0.0), IMAGES[:1].double(), LABELS[:1])
    with pytest.raises(ValueError, match=r"labels must have shape \(2,\), got \(3,\)"):
        after_images(network(0.0), IMAGES.double(), torch.zeros(3))


def test_a_coarser_step_takes_fewer_steps_for_the_same_time():
    # so slow that much is left 600 ms after the image: (1 - dt / (64 tau))^(600 / dt)
    for dt in (2.0, 5.0):
        model = network(1 - 1 / 64)
        model.dt = dt
        measured = after_images(model, IMAGES.double(), LABELS)
        left = (1 - dt / 640.0) ** (600.0 / dt)
        assert left > 0.2
        torch.testing.assert_close(measured.distance, torch.full((2,), left, dtype=torch.double))
        assert after_images(model, IMAGES.double(), LABELS, n_after=1).distance[0] > 0.9
