"""Films: what is drawn, what is asked, and when."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import ndimage

from nmcourse.tasks import (
    DotMotion,
    FilmTask,
    MorphCategories,
    Numerosity,
    SpotDelayedResponse,
    percent_correct,
)
from nmcourse.tasks.vision.films import discs, pictures_of

ALL = (Numerosity, MorphCategories, DotMotion, SpotDelayedResponse)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def middle_of(picture: torch.Tensor) -> torch.Tensor:
    """Row and column of the centre of light, in pixels."""
    places = torch.arange(picture.shape[-1]) + 0.5
    light = picture.sum()
    return torch.stack([(picture.sum(1) * places).sum(), (picture.sum(0) * places).sum()]) / light


@pytest.mark.parametrize("radius", [0.8, 2.0, 3.3])
def test_a_disc_has_the_light_and_the_place_of_a_disc(radius: float):
    centre = torch.tensor([[10.3, 8.6]], dtype=torch.double)
    picture = discs(centre, torch.tensor([radius], dtype=torch.double), 20)
    assert picture.sum().item() == pytest.approx(math.pi * (radius**2 + 1 / 12), rel=0.04)
    torch.testing.assert_close(middle_of(picture), centre[0], atol=0.06, rtol=0)
    assert picture.max() <= 1
    assert discs(centre, torch.zeros(1, dtype=torch.double), 20).max() == 0


@pytest.mark.parametrize("kind", ALL)
def test_a_film_is_drawn_again_from_its_seed(kind: type[FilmTask]):
    task = kind(pixel_noise=0.3)
    first, again, other = (task.sample(6, generator=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first.inputs, again.inputs)
    assert not torch.equal(first.inputs, other.inputs)
    assert first.inputs.shape == (6, task.n_steps, 16 * 16)
    assert first.targets.shape == (6, task.n_steps, task.n_outputs)
    pictures = task.pictures(first)
    assert pictures.shape == (6, task.n_steps, 1, 16, 16)
    assert torch.equal(pictures[3, 7, 0, 2, 5], first.inputs[3, 7, 2 * 16 + 5])
    assert len(task.input_names) == task.n_inputs == 256


@pytest.mark.parametrize("kind", ALL)
def test_noise_on_pixels_has_its_size(kind: type[FilmTask]):
    clean = kind(pixel_noise=0.0).sample(40, generator=seeded())
    noisy = kind(pixel_noise=0.3).sample(40, generator=seeded())
    torch.testing.assert_close((noisy.inputs - clean.inputs).std().item(), 0.3, rtol=0.02, atol=0)


def test_as_many_dots_as_are_counted():
    task = Numerosity((1, 2, 3, 4, 5, 6), size=32)
    trials = task.sample(120, generator=seeded())
    seen = task.pictures(trials)[:, :, 0].amax(dim=1)
    for picture, number in zip(seen, trials.conditions["number"], strict=True):
        assert ndimage.label(picture.numpy() > 0.55)[1] == number
    assert trials.conditions["number"].bincount()[1:].tolist() == [20] * 6
    shown = (task.pictures(trials).amax(dim=(-3, -2, -1)) > 0).sum(dim=1)
    assert (10.0 * shown == 100).all()


def test_a_strength_of_zero_has_no_answer_that_counts():
    task = DotMotion(before=100.0, answer=200.0, duration=800.0)
    trials = task.arranged(torch.tensor([0.0, 0.4]))
    assert trials.mask[0].sum() == 10
    assert trials.mask[1].sum() == 30


@pytest.mark.parametrize(
    "task", [Numerosity(), Numerosity(range(1, 8), size=32)], ids=["16 pixels", "32 pixels"]
)
def test_equal_light_is_equal_for_all_numbers(task: Numerosity):
    found = task.sample(900, generator=seeded()).conditions
    number, same, light = found["number"], found["equal_light"], found["light"]
    means = [float(light[(number == n) & same].mean()) for n in task.numbers]
    assert max(means) < 1.02 * min(means)


def test_light_tells_the_number_in_one_half_of_the_trials_only():
    task = Numerosity()
    found = task.sample(600, generator=seeded()).conditions
    number, same, light = found["number"], found["equal_light"], found["light"]
    means = {
        kind: torch.stack([light[(number == n) & (same == kind)].mean() for n in task.numbers])
        for kind in (True, False)
    }
    assert means[True].max() / means[True].min() < 1.02
    torch.testing.assert_close(
        means[False] / means[False][0], torch.arange(1.0, 6.0), rtol=0.03, atol=0
    )
    assert means[True][2] == pytest.approx(means[False][2].item(), rel=0.02)


def test_the_number_is_asked_for_after_the_delay():
    task = Numerosity(delay=200.0)
    trials = task.sample(50, generator=seeded())
    lit = task.pictures(trials).amax(dim=(-3, -2, -1)) > 0
    last = task.n_steps - 1 - lit.flip(1).to(torch.uint8).argmax(dim=1)
    assert (10.0 * (task.n_steps - 1 - last) >= 200).all()
    assert len(last.unique()) > 5  # it begins at different moments
    assert trials.mask.sum() == 50
    assert (trials.mask[:, -1] == 1).all()
    assert (trials.targets[:, -1].argmax(-1) + 1 == trials.conditions["number"]).all()


def test_shapes_have_the_lobes_of_their_category():
    task = MorphCategories(size=64, pixel_noise=0.0)
    trials = task.arranged(torch.tensor([-1.0, 1.0]), generator=seeded())
    for picture, lobes in zip(task.pictures(trials)[:, -1, 0], (3, 5), strict=True):
        row, column = middle_of(picture)
        theta = torch.linspace(0, 2 * math.pi, 361)[:-1]
        radius = 0.3 * 64
        there = picture[(row + radius * theta.sin()).long(), (column + radius * theta.cos()).long()]
        turns = (there > 0.5).to(torch.int8).diff(append=(there[:1] > 0.5).to(torch.int8))
        assert (turns == 1).sum() == lobes
    assert trials.targets[:, -1, 0].tolist() == [-1, 1]


@pytest.mark.parametrize(("strength", "shift"), [(1.0, 1), (-1.0, -1)])
def test_dots_of_full_coherence_move_by_a_pixel_a_frame(strength: float, shift: int):
    task = DotMotion(speed=0.1, dt=10.0)
    film = task.pictures(task.arranged(torch.tensor([strength]), generator=seeded()))[0, :, 0]
    first, second = film[40], film[41].roll(-shift, dims=1)
    torch.testing.assert_close(first[:, 2:-2], second[:, 2:-2], atol=1e-5, rtol=0)


def test_the_share_of_dots_that_move_is_the_coherence():
    task = DotMotion(n_dots=1, radius=1.0, size=64)
    strength = torch.tensor([0.4]).repeat(60)
    film = task.pictures(task.arranged(strength, generator=seeded()))[:, 10:, 0]
    places = torch.arange(64) + 0.5
    column = (film.sum(2) * places).sum(-1) / film.sum((2, 3))
    moved = (column.diff(dim=1) - 1).abs() < 0.01
    assert moved.double().mean().item() == pytest.approx(0.4, abs=0.04)  # edges count as jumps


def test_a_choice_is_asked_for_before_the_stimulus_and_at_the_end():
    task = DotMotion(before=100.0, answer=200.0, duration=800.0)
    trials = task.sample(8, generator=seeded())
    mask = trials.mask[0, :, 0]
    assert mask[:10].all()
    assert mask[60:].all()
    assert mask[10:60].sum() == 0
    assert (trials.targets[:, :10] == 0).all()
    assert torch.equal(trials.targets[:, -1, 0], trials.conditions["strength"].sign())
    assert task.onset == 100
    assert task.pictures(trials)[:, :10].abs().max() == 0


@pytest.mark.parametrize("degrees", [0, 90, 200])
def test_the_spot_is_at_its_angle(degrees: float):
    task = SpotDelayedResponse(size=32)
    angle = torch.tensor([math.radians(degrees)])
    trials = task.arranged(angle, 200.0)
    film = task.pictures(trials)[0, :, 0]
    row, column = middle_of(film[7] - film[0]) - 16  # the fixation spot is in both
    torch.testing.assert_close(
        torch.atan2(-row, column).remainder(2 * math.pi), angle[0], atol=0.02, rtol=0
    )
    go = int(trials.conditions["go_time"] / 10)
    assert go == 5 + 10 + 20
    assert film[go - 1].max() > 0
    assert film[go:].max() == 0
    assert percent_correct(trials.targets, trials) == 100


def test_delays_differ_within_their_bounds():
    task = SpotDelayedResponse((100.0, 400.0))
    found = task.sample(200, generator=seeded()).conditions
    delay = found["go_time"] - found["stimulus_end"]
    assert delay.min() == 100
    assert delay.max() == 400


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Numerosity((3,)), "numbers must be two or more"),
        (lambda: Numerosity((3, 3)), "numbers must be two or more"),
        (lambda: Numerosity((1, 17)), "numbers must be from 1 to 16"),
        (lambda: Numerosity((1, 16), size=8), "closer to each other"),
        (lambda: Numerosity(stimulus=5.0), "stimulus must be a non-negative multiple"),
        (lambda: Numerosity(delay=0.0), "delay must be at least a frame"),
        (lambda: Numerosity(delay=450.0), "duration must leave room"),
        (lambda: Numerosity(size=4), "size"),
        (lambda: DotMotion((0.5, 1.5)), "strengths must be from -1 to 1"),
        (lambda: DotMotion(()), "strengths must be one or more"),
        (lambda: DotMotion(0.5), "strengths must be a sequence of numbers, got 0.5"),
        (lambda: Numerosity(5), "numbers must be a sequence of numbers, got 5"),
        (lambda: Numerosity(size=8), "closer to each other"),
        (lambda: Numerosity(range(1, 17)), "closer to each other"),
        (lambda: DotMotion(speed=0.8), "speed must be below 0.8 pixels per ms"),
        (lambda: SpotDelayedResponse(before=55.0), "before must be a non-negative multiple"),
        (lambda: SpotDelayedResponse(before="5"), "before"),  # type: ignore[arg-type]
        (lambda: SpotDelayedResponse(stimulus=0.0), "stimulus must be at least .* got 0 ms"),
        (lambda: DotMotion(n_dots=0), "n_dots"),
        (lambda: DotMotion(speed=0.0), "speed"),
        (lambda: DotMotion(radius=-1.0), "radius"),
        (lambda: DotMotion(pixel_noise=-1.0), "pixel_noise"),
        (lambda: DotMotion(duration=0.0), "duration must be at least one frame"),
        (lambda: DotMotion().arranged(torch.tensor(0.5)), "one per trial"),
        (lambda: DotMotion().arranged(torch.tensor([2.0])), "from -1 to 1"),
        (lambda: DotMotion().sample(0), "n_trials"),
        (lambda: SpotDelayedResponse((400.0, 100.0)), "delays must be"),
        (lambda: SpotDelayedResponse((4.0, 100.0)), "delays"),
        (lambda: SpotDelayedResponse(300.0), "delays must be"),  # type: ignore[arg-type]
        (lambda: SpotDelayedResponse().arranged(torch.tensor([0.0]), 500.0), "delay must be from"),
        (lambda: SpotDelayedResponse().arranged(torch.tensor([0.0]), 0.0), "delay must be from"),
        (lambda: SpotDelayedResponse().arranged(torch.tensor([torch.nan]), 100.0), "angles"),
        (lambda: pictures_of(torch.zeros(3, 5, 100), (16, 16)), "16 x 16 pixels"),
        (lambda: discs(torch.zeros(3, 2), torch.zeros(2), 8), "centres must have shape"),
    ],
)
def test_bad_input_is_named(build, named: str):
    with pytest.raises(ValueError, match=named):
        build()
