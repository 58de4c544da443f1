import json
import re
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import torch

from nmcourse.figures import (
    GAINS,
    Look,
    Slider,
    Widget,
    interactive_lines,
    interactive_simulation,
    normal_numbers,
)
from nmcourse.figures.widget import MAX_BYTES, TWIN

TIME = np.arange(0.0, 30.0)
GAIN = Slider("s", [0.0, 0.5, 0.9], start=0.5, label="gain s")
TAU = Slider("tau", [5.0, 10.0], label="time constant τ", unit="ms")
TEXTS = {"title": "A gain sets the decay", "x_label": "time (ms)", "y_label": "activity w"}
ALT = "Activity of one mode over 30 ms. A larger gain slows the decay."

SIMULATION = """
const run = nm.euler((w) => (-w + p.s * w) / 10, 1, 1, 29);
return {curves: {"simulated": {x: run.t, y: run.x}}, readout: `w = ${nm.fixed(run.x[10], 2)}`};
"""


def decays(gains=GAIN.values, taus=TAU.values) -> np.ndarray:
    s, tau = np.array(gains)[:, None, None], np.array(taus)[None, :, None]
    return np.exp(-(1 - s) * TIME / tau)


def lines(**changes: Any) -> Widget:
    options = {"sliders": [GAIN, TAU], "alt": ALT, **TEXTS, **changes}
    curves = options.pop("curves", {"closed form": decays()})
    return interactive_lines(options.pop("x", TIME), curves, **options)


def in_python(s: float) -> dict[str, tuple[Any, Any]]:
    w = [1.0]
    for _ in range(29):
        w.append(w[-1] + (-w[-1] + s * w[-1]) / 10)
    return {"simulated": (TIME, w)}


def simulation(code: str = SIMULATION, **changes: Any) -> Widget:
    options = {"sliders": [GAIN], "curves": {"simulated": GAINS[0]}, "alt": ALT, **TEXTS}
    options["python"] = in_python
    return interactive_simulation(code, **{**options, **changes})


def spec(widget: Widget) -> dict[str, Any]:
    """What the page is given: the second argument of nmMount."""
    start = re.search(r'nmMount\("nm-[0-9a-f]{10}", (?=\{)', widget.html)
    assert start is not None
    return json.JSONDecoder().raw_decode(widget.html[start.end() :])[0]


# ---- the element on the page -------------------------------------------------------------------


@pytest.mark.parametrize("make", [lines, simulation], ids=["lines", "simulation"])
def test_html_is_well_formed_and_loads_nothing(make, parse):
    widget = make()
    page = parse(widget.html)
    tag, root = page.elements[0]
    assert (tag, root["class"]) == ("div", "nm-widget nm-interactive")
    assert root["aria-label"] == TEXTS["title"]
    for _, attributes in page.elements:
        assert not {"src", "href", "onload", "onclick"} & set(attributes)
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|import)\s*\(|https?://(?!www\.w3\.org)", widget.html
    )


@pytest.mark.parametrize("make", [lines, simulation], ids=["lines", "simulation"])
def test_description_is_there_without_javascript(make):
    page = make().html.split("<script>")[0]
    assert ALT in page
    assert "<noscript>" in page
    assert 'class="nm-fallback"' in page


@pytest.mark.parametrize("make", [lines, simulation], ids=["lines", "simulation"])
@pytest.mark.parametrize("name", ["alt", "title", "x_label", "y_label"])
@pytest.mark.parametrize("empty", ["", "  \n "])
def test_texts_are_required(make, name, empty):
    with pytest.raises(ValueError, match=f"^{name}: .* is empty"):
        make(**{name: empty})


def test_a_notebook_shows_html_and_a_console_shows_words():
    widget = lines()
    assert widget._repr_html_() == widget.html
    bundle = widget._repr_mimebundle_()
    assert bundle["text/html"] == widget.html
    assert ALT in bundle["text/plain"]
    assert repr(widget) == bundle["text/plain"]


def test_a_rebuild_is_the_same_and_another_figure_has_another_id(parse):
    assert lines().html == lines().html
    assert simulation().html == simulation().html
    others = [lines(), lines(alt=ALT + "!"), lines(key="again"), simulation(), simulation(key="b")]
    others.append(simulation(SIMULATION + "// changed"))
    ids = [dict(parse(widget.html).elements[0][1])["id"] for widget in others]
    assert len(set(ids)) == len(ids)
    for widget in others:
        found = [a["id"] for _, a in parse(widget.html).elements if "id" in a]
        assert len(found) == 1


def test_hostile_text_stays_text(parse):
    bad = '</script><img src=x onerror="alert(1)"> & "quotes" \u2028'
    widget = lines(
        title=bad, alt=bad, x_label=bad, curves={bad: decays()}, readout=lambda s, t: bad
    )
    page = parse(widget.html)
    assert [tag for tag, _ in page.elements if tag in ("script", "img")] == ["script"]
    shown = spec(widget)
    assert shown["curves"][0]["name"] == bad
    assert shown["readouts"][0] == bad


@pytest.mark.parametrize("code", ["return '</script>'", "<!-- return 1", "x = '<SCRIPT>'"])
def test_code_that_would_end_the_script_is_refused(code):
    with pytest.raises(ValueError, match=r"javascript: holds .* end the script"):
        simulation(code)


def test_a_figure_that_is_too_large_is_refused_with_its_size():
    many = Slider("s", np.linspace(0, 1, 100))
    noise = np.random.default_rng(0).standard_normal((100, 1000))
    with pytest.raises(ValueError, match=r"\d+ kB is above the limit of 300 kB; use fewer"):
        lines(x=np.arange(1000.0), curves={"noise": noise}, sliders=[many])
    assert len(lines().html.encode()) < 40_000 < MAX_BYTES


# ---- sliders -----------------------------------------------------------------------------------


def test_a_slider_is_its_values():
    slider = Slider("tau", np.array([5.0, 10.0, 20.0]), unit="ms")
    assert (slider.label, slider.start_index, slider.text(1)) == ("tau", 1, "10 ms")
    assert Slider("b", [-1.0, 0.1 + 0.2], start=0.3).start_index == 1
    assert Slider("b", [-1.0, 2.0]).text(0) == "−1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "my gain", "values": [0, 1]}, "name: 'my gain'"),
        ({"name": "s", "values": [1]}, "values of s: needs two"),
        ({"name": "s", "values": [0, np.nan]}, "values of s: needs two"),
        ({"name": "s", "values": [0, 1], "start": 0.5}, r"start of s: 0.5 is not one of"),
    ],
)
def test_a_slider_that_cannot_be_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        Slider(**arguments)


@pytest.mark.parametrize("sliders", [[], [GAIN] * 4, [GAIN, GAIN]])
def test_one_to_three_sliders_of_different_names(sliders):
    with pytest.raises(ValueError, match="sliders: "):
        lines(sliders=sliders)


# ---- data --------------------------------------------------------------------------------------


def test_curves_must_fit_the_sliders_and_x():
    with pytest.raises(ValueError, match=r"curves\['w'\]: shape \(2, 3, 30\) does not fit"):
        lines(curves={"w": decays().transpose(1, 0, 2)})
    with pytest.raises(ValueError, match=r"curves\['w'\]: 30 points, but x has 29"):
        lines(x=TIME[1:], curves={"w": decays()})
    with pytest.raises(ValueError, match=r"reference\['r'\]: 2 x values, but 1 y values"):
        lines(reference={"r": ([0, 1], [0])})


def test_numbers_are_short_tensors_are_taken_and_gaps_are_null():
    values = torch.tensor(decays(), requires_grad=True).float()
    shown = spec(lines(curves={"w": values}))["curves"][0]["y"]
    assert np.allclose(np.array(shown).reshape(decays().shape), decays(), atol=1e-4)
    assert max(len(str(v)) for row in shown for v in row) <= 8
    gap = decays()
    gap[..., 3] = np.nan
    gap[..., 4] = np.inf
    assert spec(lines(curves={"w": gap}))["curves"][0]["y"][0][3:5] == [None, None]


def test_small_values_keep_their_digits_on_a_logarithmic_axis():
    values = np.broadcast_to(10.0 ** np.linspace(-6, 0, 30), (3, 2, 30))
    shown = spec(lines(curves={"MSE": values}, y_scale="log"))
    assert np.allclose(shown["curves"][0]["y"][0], values[0, 0], rtol=1e-3)
    assert 0 < shown["yRange"][0] < 1e-6
    with pytest.raises(ValueError, match="y_scale: 'ln'"):
        lines(y_scale="ln")
    with pytest.raises(ValueError, match=r"y_range: .* must be positive"):
        lines(y_scale="log", y_range=(0, 1))


def test_ranges_cover_every_setting_unless_they_are_given():
    shown = spec(lines(reference={"high": (TIME, TIME * 0 + 3)}))
    assert shown["xRange"] == [0.0, 29.0]
    assert shown["yRange"][0] < decays().min()
    assert shown["yRange"][1] > 3
    assert spec(lines(y_range=(0, 2)))["yRange"] == [0.0, 2.0]
    with pytest.raises(ValueError, match=r"x_range: \(1, 0\)"):
        lines(x_range=(1, 0))


def test_looks_reach_the_page():
    widget = lines(
        styles={"closed form": "LSTM", "seen": Look("#123456", "none", "D", filled=False)},
        points={"seen": ([1.0], [0.5])},
        reference={"bound": ([0.0, 29.0], [1.0, 1.0])},
    )
    shown = spec(widget)
    assert shown["curves"][0]["line"] == "dotted"
    bound, seen = shown["reference"]
    assert (bound["line"], seen["line"], seen["marker"], seen["filled"]) == (
        "dashed", "none", "D", False,
    )  # fmt: skip


def test_readouts_are_computed_for_every_setting():
    shown = spec(lines(readout=lambda s, tau: f"{tau / (1 - s):.0f} ms"))
    assert shown["readouts"] == ["5 ms", "10 ms", "10 ms", "20 ms", "50 ms", "100 ms"]


def test_a_simulation_needs_code_and_named_curves():
    with pytest.raises(ValueError, match=r"javascript: .* is empty"):
        simulation(" ")
    with pytest.raises(ValueError, match="curves: is empty"):
        simulation(curves={})
    made = simulation(curves={"a": None, "b": "LSTM"}, python=lambda s: {"b": (TIME, TIME)})
    assert spec(made)["curves"][0]["colour"] == GAINS[0].colour


# ---- the JavaScript ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lines, simulation], ids=["lines", "simulation"])
def test_the_whole_script_is_valid_javascript(make, tmp_path):
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the JavaScript of the figures is not tested here")
    (script,) = re.findall(r"<script>(.*?)</script>", make().html, flags=re.DOTALL)
    (tmp_path / "figure.js").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [program, "--check", tmp_path / "figure.js"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_each_setting_shows_its_own_curve(node):
    both = {"w": decays(), "x": decays() + 1}
    widget = lines(
        x={"w": 2 * decays(), "x": decays()}, curves=both, readout=lambda s, t: f"{s} {t}"
    )
    shown = node(
        f"const spec = {json.dumps(spec(widget))};"
        "show([0, 1, 2].map((a) => [0, 1].map((b) => nmState(spec, null, [a, b]))));"
    )
    for a, s in enumerate(GAIN.values):
        for b, tau in enumerate(TAU.values):
            state = shown[a][b]
            assert state["readout"] == f"{s} {tau}"
            assert np.allclose(state["curves"][0]["x"], 2 * decays()[a, b], atol=2e-4)
            assert np.allclose(state["curves"][1]["y"], decays()[a, b] + 1, atol=2e-4)


def test_a_simulation_in_the_page_equals_python(node):
    states = node(
        f"const spec = {json.dumps(spec(simulation()))};"
        f"const run = function (p, nm) {{{SIMULATION}}};"
        "show([0, 1, 2].map((k) => nmState(spec, run, [k])));"
    )
    for s, state in zip(GAIN.values, states, strict=True):
        w = [1.0]
        for _ in range(29):
            w.append(w[-1] + (-w[-1] + s * w[-1]) / 10)
        assert np.allclose(state["curves"][0]["y"], w, rtol=1e-12)
        assert state["curves"][0]["x"] == list(range(30))
        assert state["readout"] == f"w = {w[10]:.2f}"


def test_range_of_a_simulation_covers_its_corners(node):
    low, high = node(
        f"const spec = {json.dumps(spec(simulation()))};"
        f"const run = function (p, nm) {{{SIMULATION}}};"
        "show(nmDomains(spec, run)[1]);"
    )
    assert low < 0.9**29  # the fastest decay ends lowest
    assert high > 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("return {curves: {other: {y: [1]}}}", 'curve "other" is not among simulated'),
        ("return {curves: {simulated: {x: [1, 2], y: [1]}}}", "x and y differ in length"),
        ("return 3", "must return"),
    ],
)
def test_a_wrong_simulation_says_what_is_wrong(node, code, message):
    said = node(
        f"const spec = {json.dumps(spec(simulation()))};"
        f"try {{ nmState(spec, function (p, nm) {{{code}}}, [0]); show('nothing'); }}"
        "catch (error) { show(error.message); }"
    )
    assert message in said


def test_euler_of_several_variables_equals_numpy(node):
    run = node("show(nmTools.euler(([a, b], t) => [b, -a + t], [1, 0], 0.1, 50));")
    x = np.array([1.0, 0.0])
    for k in range(50):
        x = x + 0.1 * np.array([x[1], -x[0] + 0.1 * k])
    assert np.allclose(run["x"][-1], x, rtol=1e-12)
    assert len(run["t"]) == len(run["x"]) == 51


def test_normal_numbers_are_normal_and_repeat(node):
    draws = node("const f = nmTools.normal(3); show(Array.from({length: 20000}, f));")
    again = node("const f = nmTools.normal(3); show([f(), f()]);")
    assert draws[:2] == again
    assert abs(np.mean(draws)) < 0.03
    assert np.std(draws) == pytest.approx(1.0, abs=0.03)


def test_small_tools(node):
    assert node("show(nmTools.range(0, 1, 5));") == [0, 0.25, 0.5, 0.75, 1]
    assert node("show(nmTools.sigmoid(0));") == 0.5
    assert node("show([nmTools.fixed(-1.255, 1), nmTools.fixed(NaN, 1)]);") == ["−1.3", "–"]


@pytest.mark.parametrize(
    ("low", "high", "count", "texts"),
    [
        (0, 60, 6, ["0", "10", "20", "30", "40", "50", "60"]),
        (-1.2, 1.2, 5, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (0, 0.004, 4, ["0.000", "0.001", "0.002", "0.003", "0.004"]),
        (0, 1e6, 2, ["0", "5.0e+5", "1.0e+6"]),
    ],
)
def test_ticks_are_round(node, low, high, count, texts):
    ticks = node(f"show(nmTicks({low}, {high}, {count}));")
    assert [tick["text"] for tick in ticks] == texts


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten(node):
    assert [t["text"] for t in node("show(nmLogTicks(5e-5, 2));")] == [
        "10⁻⁴",
        "10⁻³",
        "10⁻²",
        "10⁻¹",
        "10⁰",
    ]
    assert len(node("show(nmLogTicks(1e-30, 1));")) <= 7


def test_a_gap_lifts_the_pen_and_a_huge_value_is_held(node):
    path = node("const f = (v) => v; show(nmPath([0, 1, 2, 3], [0, null, 1, 1e300], f, f));")
    assert path == "M0.0 0.0M2.0 1.0L3.0 100000.0"


def test_equal_axes_have_the_same_pixels_per_unit(node):
    across, up = node("show(nmEqual([-1, 1], [0, 1], 600, 300));")
    assert 600 / (across[1] - across[0]) == pytest.approx(300 / (up[1] - up[0]))
    across, up = node("show(nmEqual([0, 1], [0, 1], 600, 300));")
    assert (across, up) == ([-0.5, 1.5], [0, 1])


def test_a_simulation_leaves_a_picture_of_its_start():
    options = {"x_range": (0.0, 1.0), "y_range": (0.0, 1.0), "curves": {"a": None, "b": None}}
    computed = {"a": ([0.0, 0.5, 1.0, 1.0], [0.0, np.nan, 0.5, 1.0]), "b": ([], [])}
    page = simulation(**options, python=lambda s: computed).html.split("<script>")[0]
    assert re.findall('points="([^"]*)"', page) == ["0,300", "600,150 600,0"]  # a gap in between
    for text in (TEXTS["x_label"], TEXTS["y_label"], "0", "1"):
        assert f">{text}</text>" in page


def test_the_ranges_of_a_simulation_are_those_of_its_corners():
    found = spec(simulation())
    assert found["xRange"] == [0.0, 29.0]
    assert found["yRange"][0] < 0.9**29
    assert found["yRange"][1] > 1


@pytest.mark.parametrize(
    ("computed", "message"),
    [
        (
            {"other": (TIME, TIME)},
            r"returns 'other', which is not one of the curves \['simulated'\]",
        ),
        ({"simulated": (TIME, TIME[1:])}, "'simulated' has 30 x values, but 29 y values"),
        ({}, "returns no curve"),
    ],
)
def test_what_python_computes_must_fit_the_curves(computed, message):
    with pytest.raises(ValueError, match=f"^python: {message}"):
        simulation(python=lambda s: computed)


def test_a_notebook_keeps_what_python_computes_and_the_page_does_not():
    made = simulation()
    twin = made._repr_mimebundle_()[TWIN]
    assert [one["at"] for one in twin["curves"]] == [[1], [0], [2]]
    middle = twin["curves"][0]["curves"]["simulated"]
    np.testing.assert_allclose(middle["y"], in_python(0.5)["simulated"][1], rtol=1e-8)
    assert TWIN not in made.html
    assert TWIN not in lines()._repr_mimebundle_()


def test_both_languages_draw_the_same_random_numbers(node):
    for seed in (0, 4, 2**31 + 5):
        draw = normal_numbers(seed)
        page = node(f"const f = nmTools.normal({seed}); show(Array.from({{length: 500}}, f));")
        np.testing.assert_allclose([draw() for _ in range(500)], page, rtol=0, atol=1e-12)


def test_powers_of_ten_are_written_as_such(node):
    texts = ["left 2.7e-05, or 4.0e\u22125", "1e+3 and 3e0", "area 3, e2e"]
    page = node(f"show({json.dumps(texts)}.map(nmPowers));", "frame.js")
    assert page == ["left 2.7 × 10⁻⁵, or 4.0 × 10⁻⁵", "1 × 10³ and 3 × 10⁰", "area 3, e2e"]


def test_the_static_picture_of_a_plane_has_one_scale_and_plain_numbers():
    square = {"x_range": (0.0, 1.0), "y_range": (0.0, 1.0), "curves": {"a": None}}
    corner = {"a": ([0.0, 1.0], [0.0, 1.0])}
    page = simulation(**square, equal=True, python=lambda s: corner).html.split("<script>")[0]
    assert 'points="0,300 300,0"' in page
    wide = square | {"x_range": (0.0, 16000.0), "y_range": (-1150.0, 0.0)}
    page = simulation(**wide, python=lambda s: corner).html.split("<script>")[0]
    assert ">16000</text>" in page
    assert ">−1150</text>" in page
