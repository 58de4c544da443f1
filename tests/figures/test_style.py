import itertools
import re
import subprocess
import sys
from importlib import resources

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from nmcourse.figures import (
    GAINS,
    GREY,
    INTERVALS,
    MODELS,
    NEUTRAL,
    SADDLE,
    STABLE,
    TARGET,
    UNSTABLE,
    Look,
    gain_look,
    look,
    use_style,
)
from nmcourse.figures.memory import VALUE_COLOURS, _between
from nmcourse.figures.style import BACKGROUNDS

GROUPS = {
    "models": list(MODELS.values()),
    "intervals": list(INTERVALS.values()),
    "gains": list(GAINS),
    "fixed points": [STABLE, UNSTABLE, SADDLE],
}
EVERY = [style for group in GROUPS.values() for style in group] + [TARGET, NEUTRAL]

# Colour blindness at full severity, in linear RGB (Machado, Oliveira and Fernandes 2009).
VISIONS = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear_rgb(colour: str) -> np.ndarray:
    values = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """Contrast ratio of the Web Content Accessibility Guidelines 2."""
    low, high = sorted(float(linear_rgb(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
              [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip
    x, y, z = np.array(to_xyz) @ rgb / [0.95047, 1.0, 1.08883]
    f = [np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_contrast_formula_on_known_pairs():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("background", BACKGROUNDS.values())
@pytest.mark.parametrize("style", EVERY, ids=lambda style: f"{style.label or 'neutral'}")
def test_every_colour_is_seen_on_light_and_dark(style, background):
    assert contrast(style.colour, background) >= 3.0


@pytest.mark.parametrize("background", BACKGROUNDS.values())
def test_text_and_axes_are_legible_on_light_and_dark(background):
    # No grey has 4.5:1 on both white and #14181e; 4.2:1 on both is the most there is.
    assert contrast(GREY, background) >= 4.2


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("group", GROUPS)
def test_colours_of_a_group_differ_for_every_vision(group, vision):
    matrix = np.array(VISIONS[vision])
    seen = [lab(np.clip(matrix @ linear_rgb(s.colour), 0, 1)) for s in GROUPS[group]]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) >= 20  # a difference of about 2 is just seen


SCALE = np.linspace(0.0, 1.0, 21)


@pytest.mark.parametrize("background", BACKGROUNDS.values())
def test_every_value_is_seen_on_light_and_dark(background):
    colours = [_between(VALUE_COLOURS, share) for share in SCALE]
    assert min(contrast(colour, background) for colour in colours) >= 2.99


@pytest.mark.parametrize("vision", VISIONS)
def test_values_differ_for_every_vision(vision):
    matrix = np.array(VISIONS[vision])

    seen = [lab(np.clip(matrix @ linear_rgb(_between(VALUE_COLOURS, k)), 0, 1)) for k in SCALE]
    distances = [np.linalg.norm(a - b) for a, b in zip(seen, seen[5:], strict=False)]
    assert min(distances) >= 10


@pytest.mark.parametrize("group", ["models", "intervals", "fixed points"])
def test_looks_of_a_group_differ_without_colour_too(group):
    shapes = [(style.marker, style.filled) for style in GROUPS[group]]
    assert len(set(shapes)) == len(shapes)
    lines = [style.line for style in GROUPS[group]]
    assert len(set(lines)) == len(lines)


def test_gain_components_differ_without_colour_too():
    looks = [gain_look(k) for k in range(10)]
    assert len({(style.colour, style.line) for style in looks}) == 10
    assert len({(style.line, style.marker) for style in looks[:5]}) == 5
    assert [style.label for style in (looks[0], looks[9])] == ["s₁", "s₁₀"]
    with pytest.raises(ValueError, match="component: -1"):
        gain_look(-1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NM-RNN", MODELS["nm-rnn"]),
        ("vanilla RNN", MODELS["vanilla"]),
        ("RNN", MODELS["vanilla"]),
        ("LR-RNN (1/N)", MODELS["low-rank"]),
        ("low-rank RNN, published scaling", MODELS["low-rank"]),
        ("LSTM", MODELS["lstm"]),
        ("Trained", INTERVALS["trained"]),
        ("s₂ held", GAINS[1]),
    ],
)
def test_a_look_is_found_by_its_name(name, expected):
    assert look(name) == expected


@pytest.mark.parametrize("name", ["LSTMs", "GRU", ""])
def test_an_unknown_name_is_an_error_that_lists_the_known(name):
    with pytest.raises(ValueError, match=r"name: no look is called .*nm-rnn"):
        look(name)


def test_style_is_undone_by_the_block_and_by_hand():
    before = dict(mpl.rcParams)
    with use_style():
        assert mpl.rcParams["axes.labelcolor"] == GREY
        assert dict(mpl.rcParams) != before
    assert dict(mpl.rcParams) == before
    handle = use_style()
    assert dict(mpl.rcParams) != before
    handle.undo()
    handle.undo()
    assert dict(mpl.rcParams) == before


def test_style_is_undone_after_an_error():
    before = dict(mpl.rcParams)
    with pytest.raises(RuntimeError), use_style():
        raise RuntimeError
    assert dict(mpl.rcParams) == before


def test_importing_the_figures_changes_no_setting():
    code = (
        "import matplotlib as m; before = dict(m.rcParams); import nmcourse.figures;"
        "assert dict(m.rcParams) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_background_is_transparent_in_the_saved_picture(tmp_path):
    with use_style():
        _, ax = plt.subplots()
        ax.plot([0, 1], [0, 1])
        ax.figure.savefig(tmp_path / "figure.png")
    pixels = plt.imread(tmp_path / "figure.png")
    assert pixels.shape[-1] == 4
    assert (pixels[:3, :3, 3] == 0).all()
    assert (pixels[..., 3] == 0).mean() > 0.8


def test_a_look_draws_its_colour_line_and_marker():
    _, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0, 1], **MODELS["low-rank"].line_kwargs())
    (dots,) = ax.plot([0, 1], [0, 1], **UNSTABLE.marker_kwargs())
    assert (line.get_color(), line.get_linestyle()) == (MODELS["low-rank"].colour, "--")
    assert (dots.get_marker(), dots.get_markerfacecolor()) == ("o", "none")
    assert Look("#000000", marker="").marker_kwargs()["marker"] == "o"


def css_colours(theme: str) -> dict[str, str]:
    text = resources.files("nmcourse.figures").joinpath("assets/widget.css").read_text("utf-8")
    blocks = re.findall(r"\{([^{}]*--nm-text:[^{}]*)\}", text)
    assert len(blocks) == 3  # light, a dark page, a dark system
    pairs = [dict(re.findall(r"--nm-([\w-]+):.*?(#[0-9a-f]{6})", block)) for block in blocks]
    assert pairs[1] == pairs[2]
    return pairs[0] if theme == "light" else pairs[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_widgets_are_legible_in_both_themes(theme):
    colours = css_colours(theme)
    pages = ["#ffffff"] if theme == "light" else ["#14181e", "#121212"]
    assert colours["bg"] in pages
    for page in pages:
        for name in ("text", "muted", "accent", "good", "bad"):
            assert contrast(colours[name], page) >= 4.5, name
        for name in ("axis", "control"):
            assert contrast(colours[name], page) >= 3.0, name
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["text"], colours["tint"]) >= 4.5
