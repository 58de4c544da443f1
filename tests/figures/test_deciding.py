import json

import numpy as np
import pytest
import torch

from nmcourse import pretrained
from nmcourse.analysis import film_network_arrays, reaction_times
from nmcourse.figures import DotPlan, interactive_deciding
from nmcourse.figures.deciding import DECIDING
from nmcourse.models import RecurrentModel
from nmcourse.tasks import DotMotion
from nmcourse.tasks.vision.films import discs

TEXTS = {"title": "Moving dots", "alt": "A film of dots and an output."}
SCRIPTS = ("arithmetic.js", *DECIDING)
PLAN = json.dumps(DotPlan()._asdict())
AT = np.array([-0.5, 0.0, 0.5])


@pytest.fixture(params=["cordsnet", "none"])
def network(request) -> RecurrentModel:
    """A trained network with an eye, and one without."""
    return pretrained.load(f"film_dots_{request.param}")[0].double().requires_grad_(False)


def figure(*networks, **changes):
    named = {f"network {k}": film_network_arrays(one) for k, one in enumerate(networks)}
    given = {
        "strengths": (-0.2, 0.0, 0.2),
        "strength": 0.2,
        "shares": dict.fromkeys(named, 0.5 + AT),
        "fitted_at": AT,
        **TEXTS,
    } | changes
    return interactive_deciding(named, **given)


def test_a_film_of_the_page_is_one_of_the_task(node):
    """Black, then discs as the package draws them; a film without noise moves on by one pixel."""
    found = node(
        f"const plan = {PLAN}; const film = nmDotFilm(plan, 1, 3);"
        "show({film: film.map((f) => Array.from(f)),"
        "one: Array.from(nmDiscs([[3.2, 4.9], [3.4, 5.5], [15.9, 0.1]], 0.7, 16))});",
        *SCRIPTS,
    )
    film = np.array(found["film"]).reshape(60, 16, 16)
    assert film[:10].max() == 0
    places = torch.tensor([[3.2, 4.9], [3.4, 5.5], [15.9, 0.1]], dtype=torch.double)
    expected = discs(places, torch.full((3,), 0.7, dtype=torch.double), 16)
    np.testing.assert_allclose(found["one"], expected.flatten(), atol=1e-12)
    inside = film[10:, :, 2:-2]  # dots that wrap are cut at the edge
    np.testing.assert_allclose(inside[1:, :, 1:].mean(), inside[:-1, :, :-1].mean(), atol=0.02)
    assert np.abs(inside[1:, :, 1:] - inside[:-1, :, :-1]).mean() < 1e-3


@pytest.mark.parametrize("strength", [-0.4, 0.0, 0.1])
def test_signal_dots_move_as_often_as_the_coherence_says(node, strength):
    places = node(
        f"const plan = {{...{PLAN}, frames: 510}}; show(nmDotPlaces(plan, {strength}, 5));",
        *SCRIPTS,
    )
    before, after = (np.array(places)[k : k + 499] for k in (0, 1))
    moved = (before + np.array([0, np.sign(strength)])) % 16
    share = (np.abs(after - moved).max(axis=-1) < 1e-9).mean() if strength else 0.0
    assert share == pytest.approx(abs(strength), abs=0.03)
    jumps = after[np.abs(after - moved).max(axis=-1) > 1e-9]
    np.testing.assert_allclose(jumps.mean(axis=0), [8, 8], atol=0.3)


def test_a_network_in_the_page_decides_as_in_the_package(node, page_spec, network):
    task = DotMotion(duration=600.0)
    trials = task.sample(3, generator=torch.Generator().manual_seed(2))
    films = trials.inputs.double()
    spec = json.dumps(page_spec(figure(network)))
    found = node(
        f"const spec = {spec}; const net = nmFilmNetwork(nmUnpack(spec.networks)[0]);"
        f"const films = {json.dumps(films.tolist())};"
        "const all = films.map((f) => net.run(f.map((p) => Float64Array.from(p))));"
        "show(all.map((y) => ({y, ...nmDecision(y, spec.plan)})));",
        *SCRIPTS,
    )
    behind = getattr(network, "behind", network)
    for weights, scale in ((behind.input_weights, 1), (behind.recurrent_weights, behind.scale)):
        in_page = (scale * weights.data).numpy().astype(np.float16)
        weights.data = torch.from_numpy(in_page).double() / scale
    outputs = network(films).outputs
    reactions = reaction_times(outputs, bound=0.5, dt=task.dt, onset=task.onset)
    for k, one in enumerate(found):
        np.testing.assert_allclose(one["y"], outputs[k, :, 0], atol=1e-6)
        assert one["choice"] == outputs[k, -1, 0].sign()
        time = float(reactions.times[k])
        assert one["time"] == (None if np.isnan(time) else time)


def test_the_job_hands_on_every_film_and_the_asked_one_first(node, page_spec, network):
    spec = json.dumps(page_spec(figure(network)))
    found = node(
        f"const spec = {spec}; const heard = [];"
        "const later = []; globalThis.setTimeout = (f) => later.push(f);"
        "const { networks, plan } = spec;"
        "const ask = nmDecidingJob({ networks, plan }, (m) => heard.push(m));"
        "const films = (seeds) => seeds.map((seed) => ({which: 0, strength: 0.2, seed}));"
        "ask({films: films([4, 5])}); ask({first: true, films: films([0])});"
        "while (later.length) later.shift()();"
        "show(heard.map((m) => m.seed));",
        *SCRIPTS,
    )
    assert found == [0, 4, 5]


def test_the_arithmetic_of_the_counts(node):
    """Wilson's interval, and a median that counts films without an answer as late."""
    found = node(
        "show([nmWilson(18, 20), nmWilson(0, 5), nmMedianTime([3, null, 1]),"
        "nmMedianTime([3, null]), nmMedianTime([null, 1, null]), nmMedianTime([4, 2])]);",
        *SCRIPTS,
    )
    np.testing.assert_allclose(found[0], [0.6990, 0.9721], atol=1e-4)
    np.testing.assert_allclose(found[1], [0, 0.4345], atol=1e-4)
    assert found[2:] == [3, None, None, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": ""}, "title: .* is empty"),
        ({"strength": 0.3}, "start of strength: 0.3"),
        ({"shares": {}}, "shares: needs a curve for each of"),
        ({"fitted_at": AT[:2]}, "does not fit fitted_at"),
        ({"plan": DotPlan(size=14)}, "does not see 14 x 14 pixels"),
    ],
)
def test_what_cannot_be_shown_is_an_error(network, changes, message):
    with pytest.raises(ValueError, match=message):
        figure(network, **changes)


def test_no_network_is_an_error():
    with pytest.raises(ValueError, match="networks: is empty"):
        interactive_deciding({}, strengths=(0.1,), strength=0.1, shares={}, fitted_at=AT, **TEXTS)


def test_only_networks_that_a_page_can_run_are_taken():
    builder = pretrained.BUILDERS["film_network"]
    with pytest.raises(ValueError, match="CordsNet as its eye, got DiscreteNet"):
        film_network_arrays(builder("discrete", generator=torch.Generator()))
    other = pretrained.load("cognitive_memory_ring_conv")[0]
    with pytest.raises(ValueError, match="VanillaRNN in rate form"):
        film_network_arrays(other)
