"""The losses in closed form."""

from __future__ import annotations

import math
import re

import pytest
import torch

from nmcourse.training import cross_entropy_at_end, masked_mse


def test_closed_form():
    outputs = torch.tensor([[[1.0], [2.0], [3.0]], [[0.0], [0.0], [5.0]]])
    targets = torch.tensor([[[0.0], [2.0], [1.0]], [[1.0], [0.0], [0.0]]])
    mask = torch.tensor([[[1.0], [1.0], [0.5]], [[1.0], [1.0], [0.0]]])
    assert masked_mse(outputs, targets, mask).item() == pytest.approx((1 + 0 + 0.5 * 4 + 1) / 4.5)


def test_without_a_mask_it_is_the_sum_over_outputs_of_mean_squared_errors():
    """The mask counts a step once, not once an output."""
    outputs, targets = torch.randn(4, 5, 3), torch.randn(4, 5, 3)
    expected = (outputs - targets).square().mean(dim=(0, 1)).sum()
    torch.testing.assert_close(masked_mse(outputs, targets, torch.ones(4, 5, 1)), expected)


def test_masked_steps_do_not_matter():
    outputs, targets, mask = torch.randn(4, 5, 2), torch.randn(4, 5, 2), torch.ones(4, 5, 1)
    mask[:, 2:] = 0
    loss = masked_mse(outputs, targets, mask)
    torch.testing.assert_close(
        loss, masked_mse(outputs[:, :2], targets[:, :2], torch.ones(4, 2, 1))
    )
    changed = outputs.clone()
    changed[:, 2:] = 100.0
    assert torch.equal(masked_mse(changed, targets, mask), loss)


@pytest.mark.parametrize("own", [False, True], ids=["shared targets", "own targets"])
def test_a_seed_axis_gives_one_number_per_seed(own):
    outputs = torch.randn(3, 4, 5, 2)
    targets = torch.randn(3, 4, 5, 2) if own else torch.randn(4, 5, 2)
    mask = torch.rand(3, 4, 5, 1) if own else torch.rand(4, 5, 1)
    found = masked_mse(outputs, targets, mask)
    alone = [
        masked_mse(outputs[s], targets[s] if own else targets, mask[s] if own else mask)
        for s in range(3)
    ]
    torch.testing.assert_close(found, torch.stack(alone))


def test_arguments_are_left_as_they_were():
    outputs, targets, mask = torch.randn(4, 5, 1), torch.randn(4, 5, 1), torch.rand(4, 5, 1)
    copies = [values.clone() for values in (outputs, targets, mask)]
    masked_mse(outputs, targets, mask)
    for values, copy in zip((outputs, targets, mask), copies, strict=True):
        assert torch.equal(values, copy)


@pytest.mark.parametrize("level", [0.0, -1.0, float("nan")])
def test_a_mask_that_counts_nothing(level):
    outputs = torch.zeros(4, 5, 1)
    with pytest.raises(ValueError, match="mask must be positive somewhere: nothing would count"):
        masked_mse(outputs, outputs, torch.full((4, 5, 1), level))


def test_one_seed_without_a_mask_is_an_error_too():
    outputs, mask = torch.zeros(2, 4, 5, 1), torch.ones(2, 4, 5, 1)
    mask[1] = 0
    with pytest.raises(ValueError, match="mask must be positive somewhere"):
        masked_mse(outputs, outputs, mask)


# cross entropy at the last step


def test_cross_entropy_by_hand():
    """Scores of log p have the cross entropy -log p; earlier steps do not count."""
    outputs, targets, mask = torch.randn(3, 4, 2), torch.rand(3, 4, 2), torch.rand(3, 4, 1)
    outputs[:, -1] = torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]).log() + 7.0
    targets[:, -1] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    mask[:, -1, 0] = torch.tensor([1.0, 1.0, 2.0])
    expected = -(math.log(0.9) + math.log(0.5) + 2 * math.log(0.2)) / 4
    assert cross_entropy_at_end(outputs, targets, mask).item() == pytest.approx(expected)


def test_cross_entropy_of_equal_scores_is_that_of_a_guess():
    targets, mask = torch.eye(10)[:, None].expand(10, 3, 10), torch.ones(10, 3, 1)
    loss = cross_entropy_at_end(torch.zeros(10, 3, 10), targets, mask)
    assert loss.item() == pytest.approx(math.log(10))


def test_cross_entropy_equals_torch_and_keeps_the_seed_axis():
    labels, outputs = torch.tensor([2, 0, 1, 1]), torch.randn(5, 4, 6, 3)
    targets = torch.eye(3)[labels][:, None].expand(4, 6, 3)
    found = cross_entropy_at_end(outputs, targets, torch.ones(4, 6, 1))
    theirs = [torch.nn.functional.cross_entropy(y[:, -1], labels) for y in outputs]
    torch.testing.assert_close(found, torch.stack(theirs))


def test_cross_entropy_needs_a_trial_that_counts():
    outputs, mask = torch.zeros(4, 5, 2), torch.ones(4, 5, 1)
    mask[:, -1] = 0
    with pytest.raises(ValueError, match="mask must be positive at the last step"):
        cross_entropy_at_end(outputs, outputs, mask)


@pytest.mark.parametrize("loss", [masked_mse, cross_entropy_at_end])
@pytest.mark.parametrize(
    ("outputs", "targets", "mask"),
    [
        ((4, 5, 3), (4, 5, 1), (4, 5, 1)),  # would broadcast: the flaw of a released script
        ((4, 5, 1), (4, 6, 1), (4, 6, 1)),
        ((4, 5, 1), (3, 5, 1), (3, 5, 1)),
        ((4, 5, 1), (4, 5, 1), (4, 6, 1)),
        ((4, 5, 2), (4, 5, 2), (4, 5, 2)),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit(loss, outputs, targets, mask):
    shapes = re.escape(f"got {outputs}, {targets}, {mask}")
    with pytest.raises(ValueError, match=f"must agree in .*{shapes}"):
        loss(torch.zeros(outputs), torch.zeros(targets), torch.ones(mask))
