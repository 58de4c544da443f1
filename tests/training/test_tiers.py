"""Length and place of training follow the environment."""

from __future__ import annotations

import pytest
import torch

from nmcourse.training import by_tier, tier, tier_device


@pytest.mark.parametrize(("named", "expected"), [("smoke", 1), ("cpu", 2), ("gpu", 3), (None, 2)])
def test_the_value_of_the_tier_is_taken(named, expected, monkeypatch):
    monkeypatch.delenv("NMCOURSE_TIER", raising=False)
    if named is not None:
        monkeypatch.setenv("NMCOURSE_TIER", named)
    assert tier() == (named or "cpu")
    assert by_tier(smoke=1, cpu=2, gpu=3) == expected


def test_an_unknown_tier_is_named(monkeypatch):
    monkeypatch.setenv("NMCOURSE_TIER", "tpu")
    with pytest.raises(ValueError, match="NMCOURSE_TIER must be one of smoke, cpu, gpu, got 'tpu'"):
        tier()


@pytest.mark.parametrize("named", ["cpu", "gpu"])
@pytest.mark.parametrize("there", [False, True])
def test_a_gpu_is_used_where_it_is_asked_for(named, there, monkeypatch):
    monkeypatch.setenv("NMCOURSE_TIER", named)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert tier_device() == ("cuda" if named == "gpu" and there else "cpu")


def test_a_tier_without_a_value_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("NMCOURSE_TIER", "gpu")
    with pytest.raises(ValueError, match="no settings for the tier 'gpu', only for smoke, cpu"):
        by_tier(smoke=1, cpu=2)
    with pytest.raises(ValueError, match="tiers are smoke, cpu, gpu, got tpu"):
        by_tier(smoke=1, cpu=2, gpu=3, tpu=4)
    assert by_tier(gpu=None) is None
