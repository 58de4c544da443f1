"""CordsNet: its equation, and the ways in which a trial is made fast."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from nmcourse.models import Area, AreaGains, CordsNet, Stem, VanillaRNN
from tests.models.vision.cordsnets import BATCH, CHANNELS, CLASSES, network, pictures

EXACT = {"rtol": 0, "atol": 1e-12}
BLANK, SHOWN, AFTER = 7, 26, 21  # more than one chunk of steps
SEVEN = [Area(3), Area(3), Area(4, 2), Area(4), Area(4), Area(5, 2), Area(5)]  # every kind of skip


def by_hand(model, frames, *, state=None, cut=None):
    """(outputs, list of states) by ``step`` and ``readout``; frames (batch, time, ..)."""
    state = model.initial_state(len(frames)) if state is None else state
    outputs, states = [], []
    for t in range(frames.shape[1]):
        if t == cut:
            state = tuple(r.detach() for r in state)
        state = model.step(state, frames[:, t])
        states.append(state)
        outputs.append(model.readout(state))
    return torch.stack(outputs, 1), states


def trial_by_hand(model, images, *, cut=None):
    """(outputs, departure, last state) of a whole trial by ``step``, everything for each image."""
    blank = torch.zeros_like(images[:, None]).expand(-1, BLANK, -1, -1, -1)
    with torch.no_grad():
        rest = by_hand(model, blank)[1][-1]
    shown = images[:, None].expand(-1, SHOWN, -1, -1, -1)
    after = torch.zeros_like(images[:, None]).expand(-1, AFTER, -1, -1, -1)
    outputs, states = by_hand(model, torch.cat([shown, after], 1), state=rest, cut=cut)
    away = [
        sum((r - r0).square().mean(dim=(1, 2, 3)) for r, r0 in zip(state, rest, strict=True))
        for state in states
    ]
    return outputs, torch.stack(away, 1) / model.n_areas, states[-1]


def a_loss(outputs, departure, state):
    """A number that everything a trial returns moves."""
    weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(3))
    return (weights * outputs).sum() + 30 * departure.sum() + sum(r.pow(2).sum() for r in state)


NETWORKS = [
    ("small-R1", {}),
    ("small-R2", {"bias": "channel"}),
    ("small-R4", {"tau": 5.0}),
    (SEVEN, {}),
    (SEVEN, {"slope": 0.3, "size": 13}),
    ("small-R4", {"slope": 1.0}),
]


@pytest.fixture(params=NETWORKS, ids=lambda p: f"{len(p[0])}-{p[1]}")
def model(request) -> CordsNet:
    areas, options = request.param
    return network(areas, **options)


# The equation


def test_velocity_is_the_equation():
    model = network(SEVEN[:4])
    image, state = pictures(), model.initial_state(BATCH)
    state = tuple(torch.rand_like(r) for r in state)

    def conv(layer, maps):
        pad = layer.direction.shape[-1] // 2
        v = layer.direction
        weights = layer.length * v / v.flatten(1).norm(dim=1)[:, None, None, None]
        return torch.nn.functional.conv2d(maps, weights, stride=layer.stride, padding=pad)

    stem = torch.nn.functional.avg_pool2d(conv(model.stem, image), 3, 2, 1)
    r0, r1, r2, r3 = state
    h = [
        stem,
        r0 + conv(model.skips["1"], stem),
        r1 + r0,
        r2 + conv(model.skips["3"], r1),
    ]
    for area, (r, found) in enumerate(zip(state, model.velocity(state, image), strict=True)):
        current = conv(model.recurrent[area], r) + conv(model.feedforward[area], h[area])
        expected = (-r + (current + model.biases[area]).relu()) / 10.0
        torch.testing.assert_close(found, expected, **EXACT)
    mean = (r3 + r2).mean(dim=(2, 3))
    scale = model.output.length / model.output.direction.norm(dim=1, keepdim=True)
    expected = mean @ (scale * model.output.direction).mT + model.output_bias
    torch.testing.assert_close(model.readout(state), expected, **EXACT)


def test_step_is_an_euler_step_of_velocity(model):
    size = model.image_size[0]
    state = by_hand(model, pictures(BATCH, 3, size=size))[1][-1]
    image = pictures(size=size)
    expected = [r + 2.0 * v for r, v in zip(state, model.velocity(state, image), strict=True)]
    torch.testing.assert_close(model.step(state, image), tuple(expected), **EXACT)


@pytest.mark.parametrize("kernel", [1, 3])
def test_one_area_of_one_pixel_is_the_rate_form_rnn(kernel):
    stem = Stem(5, kernel=kernel, stride=1, pool=False)
    areas = [Area(6, kernel=kernel)]
    model = network(areas, size=1, stem=stem)
    rnn = VanillaRNN(
        CHANNELS, 6, CLASSES, form="rate", nonlinearity=torch.relu, recurrent_scaling="none",
        bias=True, tau=10.0, dt=2.0, x0=0.0,
    ).double()  # fmt: skip

    def middle(layer):
        return layer.weights()[:, :, kernel // 2, kernel // 2]

    with torch.no_grad():
        rnn.recurrent_weights.copy_(middle(model.recurrent[0]))
        rnn.input_weights.copy_(middle(model.feedforward[0]) @ middle(model.stem))
        rnn.bias.copy_(model.biases[0].flatten())
        rnn.output.weights.copy_(model.output.weights())
        rnn.output.bias.copy_(model.output_bias)
    stream = pictures(BATCH, 30, size=1)
    expected = rnn(stream[..., 0, 0])
    torch.testing.assert_close(model(stream, n_blank=0).outputs, expected.outputs, **EXACT)
    states = model.record(stream, n_blank=0)[0][..., 0, 0]
    torch.testing.assert_close(states, expected.states, **EXACT)


@pytest.mark.parametrize(
    ("skips", "arrival"), [(True, [0, 0, 1, 1, 2, 2]), (False, [0, 1, 1, 2, 2, 3])]
)
def test_a_signal_takes_one_step_from_area_to_area(skips, arrival):
    model = network("small-R6")
    with torch.no_grad():
        for skip in model.skips.values():
            skip.length.mul_(float(skips))
        for bias in model.biases:
            bias.fill_(1.0)
    rest, images = model.rest(40), pictures()
    shown = model.record(images, n_blank=0, n_steps=8, state=rest)
    blank = model.record(torch.zeros_like(images), n_blank=0, n_steps=8, state=rest)
    differ = [(one != two).flatten(2).any(-1).all(0) for one, two in zip(shown, blank, strict=True)]
    assert [int(steps.int().argmax()) for steps in differ] == arrival


# The fast trial


def test_a_trial_equals_step_repeated(model):
    images = pictures(size=model.image_size[0])
    outputs, departure, state = trial_by_hand(model, images)
    found = model.respond(images, n_steps=SHOWN, n_blank=BLANK, n_after=AFTER, n_departure=9)
    torch.testing.assert_close(found.outputs, outputs, **EXACT)
    torch.testing.assert_close(found.departure, departure[:, -9:], **EXACT)
    torch.testing.assert_close(found.state, state, **EXACT)
    with torch.no_grad():
        alone = model(images, n_steps=SHOWN, n_blank=BLANK)
    assert alone.states is None
    torch.testing.assert_close(alone.outputs, outputs[:, :SHOWN], **EXACT)


@torch.no_grad()
@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("by_steps", [False, True])
def test_silent_units_do_not_linger(noise, by_steps):
    """They decay for ever, and below 1e-38 processors take several times as long for a step."""
    model, images = network("small-R2").float(), pictures().float()
    state = tuple(torch.ones_like(r) for r in model.initial_state(BATCH))
    asked = {"n_steps": 600, "n_blank": 0, "state": state, "image_noise_std": noise}
    if by_steps:  # a gain of the output is not in the kernels
        asked["gains"] = [AreaGains(output=torch.ones(BATCH, 8)), None]
    found = model.respond(images, **asked)
    assert not any(_lingering(r) for r in found.state)
    for _ in range(600):
        state = model.step(state, images)
    assert any(_lingering(r) for r in state)  # there are such units
    if not noise:
        torch.testing.assert_close(found.state, state, rtol=1e-5, atol=1e-6)


def _lingering(rates):
    """How many rates are neither zero nor normal numbers."""
    return int(((rates != 0) & (rates.abs() < torch.finfo(rates.dtype).tiny)).sum())


@pytest.mark.parametrize(
    ("options", "cut"),
    [({}, None), ({"checkpoint_every": 6}, None), ({"gradient_steps": 29}, SHOWN + AFTER - 29)],
    ids=["full", "checkpointed", "truncated"],
)
def test_gradients_are_those_of_backpropagation_through_step(model, options, cut):
    images = pictures(size=model.image_size[0])
    parameters = list(model.parameters())
    outputs, departure, state = trial_by_hand(model, images, cut=cut)
    start = cut or 0  # a gradient that is cut off is also that of the outputs before
    loss = a_loss(outputs[:, start:], departure[:, -9:], state)
    expected = torch.autograd.grad(loss, parameters)
    found = model.respond(
        images, n_steps=SHOWN, n_blank=BLANK, n_after=AFTER, n_departure=9, **options
    )
    loss = a_loss(found.outputs[:, start:], found.departure, found.state)
    for ours, theirs in zip(torch.autograd.grad(loss, parameters), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
        assert theirs.abs().max() > 1e-9


def test_gradients_reach_the_images_and_the_start(model):
    size = model.image_size[0]
    images = pictures(size=size).requires_grad_()
    start = [torch.rand_like(r).requires_grad_() for r in model.initial_state(BATCH)]
    shown = images[:, None].expand(-1, SHOWN, -1, -1, -1)
    expected = torch.autograd.grad(by_hand(model, shown, state=start)[0].sum(), [images, *start])
    found = model(images, n_steps=SHOWN, n_blank=0, state=tuple(start)).outputs.sum()
    for ours, theirs in zip(torch.autograd.grad(found, [images, *start]), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_frozen_weights_get_no_gradient_and_change_none():
    model = network()
    loss = model(pictures(), n_steps=5, n_blank=2).outputs.sum()
    expected = torch.autograd.grad(loss, list(model.recurrent.parameters()))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith("recurrent"))
    model(pictures(), n_steps=5, n_blank=2).outputs.sum().backward()
    for parameter, theirs in zip(model.recurrent.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, theirs, **EXACT)


def test_a_stream_may_change_at_any_step(model):
    size, held = model.image_size[0], [1, 5, 1, 23]
    frames = pictures(BATCH, len(held), size=size)
    frames = torch.cat([frames[:, [k]].expand(-1, n, -1, -1, -1) for k, n in enumerate(held)], 1)
    expected = by_hand(model, frames)[0]
    torch.testing.assert_close(model(frames, n_blank=0).outputs, expected, **EXACT)
    with torch.no_grad():
        torch.testing.assert_close(model(frames, n_blank=0).outputs, expected, **EXACT)


def test_a_held_image_is_a_stream_of_itself():
    model, images = network(), pictures()
    stream = images[:, None].repeat(1, 100, 1, 1, 1)
    held = model(images).outputs
    assert held.shape == (BATCH, 100, CLASSES)
    assert torch.equal(held, model(stream).outputs)
    assert torch.equal(held, model(stream, n_steps=100).outputs)


def test_record_gives_every_step_of_every_area():
    model, images = network(SEVEN), pictures()
    found = model.record(images, BLANK, SHOWN, n_after=2)
    blank = torch.zeros_like(images[:, None])
    frames = [blank.expand(-1, BLANK, -1, -1, -1), images[:, None].expand(-1, SHOWN, -1, -1, -1)]
    outputs, states = by_hand(model, torch.cat([*frames, blank, blank], 1))
    for area, r in enumerate(found):
        assert not r.requires_grad
        expected = torch.stack([state[area] for state in states], 1)
        torch.testing.assert_close(r, expected, **EXACT)
    last = model.readout(tuple(r[:, BLANK + SHOWN - 1] for r in found))
    torch.testing.assert_close(last, outputs[:, BLANK + SHOWN - 1], **EXACT)
    (only,) = model.record(images, BLANK, SHOWN, n_after=2, areas=[2])
    assert torch.equal(only, found[2])


def test_the_rest_can_be_shared_by_several_trials():
    model, images = network(), pictures()
    rest = model.rest(BLANK)
    assert {len(r) for r in rest} == {1}
    expected = model(images, n_steps=9, n_blank=BLANK).outputs
    found = model(images, n_steps=9, n_blank=0, state=rest).outputs
    torch.testing.assert_close(found, expected, **EXACT)


def test_a_bias_per_channel_takes_images_of_any_size():
    small, large = network(bias="channel"), network(bias="channel", size=24)
    large.load_state_dict(small.state_dict())
    images = pictures(size=24)
    expected = large(images, n_steps=5, n_blank=3).outputs
    torch.testing.assert_close(small(images, n_steps=5, n_blank=3).outputs, expected, **EXACT)
    state = small.initial_state(BATCH, 24)
    assert [r.shape for r in state] == [r.shape for r in large.initial_state(BATCH)]


def test_single_precision_is_close_to_double(model):  # on a CPU its weights are packed
    images = pictures(size=model.image_size[0])
    with torch.no_grad():
        expected = model(images, n_blank=BLANK, n_steps=SHOWN).outputs
        found = model.float()(images.float(), n_blank=BLANK, n_steps=SHOWN).outputs
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("own", [False, True], ids=["shared stream", "own streams"])
def test_networks_side_by_side_run_as_if_alone(own):
    models = [network(SEVEN, seed=seed) for seed in range(3)]
    stacked = {
        name: torch.stack([dict(m.named_parameters())[name].detach() for m in models])
        for name, _ in models[0].named_parameters()
    }
    stacked = {name: values.requires_grad_() for name, values in stacked.items()}
    streams = [pictures(BATCH, 12, seed=seed if own else 0) for seed in range(3)]
    inputs = torch.stack(streams) if own else streams[0]
    together = functional_call(models[0], stacked, (inputs,), {"n_blank": 4}).outputs
    alone = [m(s, n_blank=4).outputs for m, s in zip(models, streams, strict=True)]
    torch.testing.assert_close(together, torch.stack(alone), **EXACT)
    found = torch.autograd.grad(together.square().sum(), list(stacked.values()))
    for seed, (one, outputs) in enumerate(zip(models, alone, strict=True)):
        expected = torch.autograd.grad(outputs.square().sum(), list(one.parameters()))
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours[seed], theirs, rtol=1e-9, atol=1e-10)
    if not own:
        held = functional_call(models[0], stacked, (inputs[:, 0],), {"n_steps": 3}).outputs
        torch.testing.assert_close(held[1], models[1](inputs[:, 0], n_steps=3).outputs, **EXACT)


def test_the_generator_decides_all_weights_and_parts_hold_all():
    global_state = torch.get_rng_state()
    first, again, other = (CordsNet("small-R4", 1, 3, generator=torch.Generator().manual_seed(s))
                           for s in (0, 0, 1))  # fmt: skip
    assert torch.equal(global_state, torch.get_rng_state())
    for (name, one), two, three in zip(
        first.named_parameters(), again.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(one, two)
        assert torch.equal(one, three) == name.startswith(("biases", "output_bias"))
    named = [name for names in first.parts().values() for name in names]
    assert sorted(named) == sorted(name for name, _ in first.named_parameters())
    assert {"input weights", "recurrent weights", "readout"} <= set(first.parts())
