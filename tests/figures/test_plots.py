import inspect
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from nmcourse import figures
from nmcourse.figures import (
    INTERVALS,
    MODELS,
    TARGET,
    UNSTABLE,
    interval_kind,
    plot_by_interval,
    plot_decays,
    plot_fixed_points,
    plot_flow_1d,
    plot_flow_2d,
    plot_gain_by_interval,
    plot_gains,
    plot_line_states,
    plot_losses,
    plot_produced_intervals,
    plot_ramps,
    plot_raster,
    plot_seeds,
    plot_spectrum,
    plot_trial,
    use_style,
)

TIME = np.arange(0.0, 300.0, 10.0)
TRAINED = (120, 140, 160, 180)
LENGTHS = np.array([60.0, 120.0, 180.0, 240.0])
GRID = np.linspace(-2.0, 2.0, 21)


def ramps() -> np.ndarray:
    return np.stack([np.clip((TIME - 100) / length, 0, 1) for length in LENGTHS])


def flow() -> tuple[np.ndarray, np.ndarray]:
    across, up = np.meshgrid(GRID, GRID)
    return (across - across**3 / 2 - up / 5) / 100, (across / 3 - up) / 100


# Every recurring figure: how it is called with arrays, and the labels of its axes.
CALLS = {
    "flow 1d": (
        lambda c: plot_flow_1d(
            c(GRID), c(GRID - GRID**3), fixed_points=c([-1, 0, 1]), stability=[True, False, True]
        ),
        ("x", "dx/dt (1/ms)"),
    ),
    "flow 2d": (lambda c: plot_flow_2d(c(GRID), c(GRID), *map(c, flow())), ("κ₁", "κ₂")),
    "spectrum": (
        lambda c: plot_spectrum(c([-0.1 + 0.2j, -0.1 - 0.2j, 0.3 + 0j]), boundary="velocity"),
        ("real part of λ (1/ms)", "imaginary part of λ (1/ms)"),
    ),
    "raster": (lambda c: plot_raster(c(TIME), c(ramps().T)), ("time (ms)", "unit")),
    "trial": (
        lambda c: plot_trial(
            c(TIME), c(ramps().T[:, :3]), target=c(ramps()[0]), output=c(ramps()[1][:, None])
        ),
        ("time (ms)", "channel (each scaled)"),
    ),
    "ramps": (
        lambda c: plot_ramps(c(TIME), c(ramps()[..., None]), c(LENGTHS), trained=TRAINED),
        ("time (ms)", "output (ramp)"),
    ),
    "gains": (
        lambda c: plot_gains(c(TIME), c(ramps().T), cues={"go": 100.0}),
        ("time (ms)", "gain s(t)"),
    ),
    "gain by interval": (
        lambda c: plot_gain_by_interval(
            c(TIME), c(ramps()), c(LENGTHS), trained=TRAINED, cue_times=c([100.0] * 4)
        ),
        ("time from go (ms)", "gain s₁"),
    ),
    "decays": (
        lambda c: plot_decays(c(TIME), c(ramps().T), c(ramps().T), labels=list("abcd")),
        ("time (ms)", "mode activity"),
    ),
    "produced": (
        lambda c: plot_produced_intervals(c(LENGTHS), c(LENGTHS + 3), trained=TRAINED),
        ("target interval (ms)", "produced interval (ms)"),
    ),
    "line": (
        lambda c: plot_line_states(c(np.stack([GRID, GRID**2], axis=1)), c(GRID)),
        ("PC 1", "PC 2"),
    ),
    "seeds": (
        lambda c: plot_seeds({"NM-RNN": c([1e-3, 2e-3]), "LSTM": c([1e-4, 2e-1])}),
        ("", "MSE"),
    ),
    "losses": (
        lambda c: plot_losses({"NM-RNN": c(1 + ramps().T), "LSTM": c(1 + ramps()[0])}),
        ("optimiser step", "training loss (MSE)"),
    ),
}
CONVERTERS = {
    "numpy": np.asarray,
    "list": lambda values: np.asarray(values).tolist(),
    "tensor": lambda values: torch.as_tensor(np.asarray(values)).clone(),
}


@pytest.mark.parametrize("kind", CONVERTERS)
@pytest.mark.parametrize("name", CALLS)
def test_a_figure_takes_any_array_and_labels_its_axes(name, kind):
    call, (x_label, y_label) = CALLS[name]
    with use_style():
        ax = call(CONVERTERS[kind])
        ax.figure.canvas.draw()  # a missing glyph or a bad layout is a warning, hence an error
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x_label, y_label)


def test_tensors_with_gradient_are_taken():
    ax = plot_gains(torch.arange(3.0), torch.rand(3, 2, requires_grad=True))
    assert len(ax.lines) == 2


@pytest.mark.parametrize("name", [n for n in figures.__all__ if n.startswith("plot_")])
def test_every_figure_takes_axes_by_name_only(name):
    parameter = inspect.signature(getattr(figures, name)).parameters["ax"]
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_axes_given_are_returned_and_no_figure_is_made():
    _, ax = plt.subplots()
    assert plot_gains(TIME, ramps().T, ax=ax) is ax
    assert plot_seeds({"LSTM": [1.0, 2.0]}, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


# ---- dynamics ---------------------------------------------------------------------------------


def test_arrows_of_a_flow_point_where_the_variable_goes():
    ax = plot_flow_1d(GRID, -GRID)
    places = {line.get_marker(): line.get_xdata() for line in ax.lines if line.get_marker() in "<>"}
    assert (places["<"] > 0).all()
    assert (places[">"] < 0).all()


def test_fixed_points_differ_by_shape_and_filling():
    _, ax = plt.subplots()
    plot_fixed_points([[0, 0], [1, 1], [2, 2]], ["stable", "unstable", "saddle"], ax=ax)
    faces = [(line.get_marker(), line.get_markerfacecolor() == "none") for line in ax.lines]
    assert faces == [("o", False), ("o", True), ("D", True)]
    assert [line.get_label() for line in ax.lines] == ["stable", "unstable", "saddle"]


def test_stability_is_checked():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="stability: 1 entries for 2 fixed points"):
        plot_fixed_points([[0, 0], [1, 1]], [True], ax=ax)
    with pytest.raises(ValueError, match="stability: 'node' is not one of stable"):
        plot_fixed_points([[0, 0]], ["node"], ax=ax)


def test_nullclines_are_named_in_the_legend():
    ax = plot_flow_2d(GRID, GRID, *flow(), fixed_points=[[0, 0]], stability=["saddle"])
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["κ₁ at rest", "κ₂ at rest", "saddle"]
    with pytest.raises(ValueError, match=r"dy: shape \(20, 21\)"):
        plot_flow_2d(GRID, GRID, flow()[0], flow()[1][:-1])


@pytest.mark.parametrize(
    ("boundary", "outside"), [("velocity", [0.5, 1.5]), ("weights", [1.5]), ("step", [-2, 1.5])]
)
def test_eigenvalues_beyond_the_boundary_are_open(boundary, outside):
    ax = plot_spectrum([-2.0, 0.5, 1.5], boundary=boundary)
    (line,) = [line for line in ax.lines if line.get_label() == UNSTABLE.label]
    assert sorted(line.get_xdata()) == sorted(outside)
    assert line.get_markerfacecolor() == "none"


def test_spectrum_says_what_boundaries_there_are():
    with pytest.raises(ValueError, match="boundary: 'unit' is not 'velocity', 'weights', 'step'"):
        plot_spectrum([1.0], boundary="unit")
    with pytest.raises(ValueError, match="eigenvalues: is empty"):
        plot_spectrum([])


# ---- activity ---------------------------------------------------------------------------------


def test_raster_has_time_across_and_the_first_unit_on_top():
    ax = plot_raster(TIME, ramps().T, label="rate")
    (image,) = ax.images
    assert image.get_array().shape == (4, len(TIME))
    assert ax.yaxis_inverted()
    assert ax.get_xlim() == (TIME[0], TIME[-1])
    assert image.colorbar.ax.get_ylabel() == "rate"


def test_a_trial_has_one_lane_per_channel():
    ax = plot_trial(TIME, ramps().T[:, :3], target=ramps()[0], mask=TIME > 100)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["measure", "wait", "go", "output"]
    with pytest.raises(ValueError, match="names: 3 names for 4 input channels"):
        plot_trial(TIME, ramps().T)
    with pytest.raises(ValueError, match="target: shape"):
        plot_trial(TIME, ramps().T[:, :3], target=[0.0])


@pytest.mark.parametrize(
    ("interval", "kind"),
    [(100, "shorter"), (120, "trained"), (150, "trained"), (180, "trained"), (181, "longer")],
)
def test_kind_of_an_interval(interval, kind):
    assert interval_kind(interval, TRAINED) == kind


def test_lines_have_the_look_of_their_interval_and_start_at_the_cue():
    cues = np.array([100.0, 110.0, 120.0, 130.0])
    ax = plot_by_interval(TIME, ramps(), LENGTHS, trained=TRAINED, cue_times=cues)
    lines = [line for line in ax.lines if len(line.get_xdata()) == len(TIME)]
    assert [line.get_xdata()[0] for line in lines] == list(-cues)
    assert [line.get_color() for line in lines] == [
        INTERVALS[kind].colour for kind in ("shorter", "trained", "trained", "longer")
    ]
    widths = [line.get_linewidth() for line in lines]
    assert widths == sorted(widths)
    with pytest.raises(ValueError, match="cue_times"):
        plot_by_interval(TIME, ramps(), LENGTHS, trained=TRAINED, cue_times=[1.0])
    with pytest.raises(ValueError, match="trained: is empty"):
        plot_by_interval(TIME, ramps(), LENGTHS, trained=())


def test_targets_of_ramps_are_dashed_and_aligned_too():
    ax = plot_ramps(TIME, ramps(), LENGTHS, trained=TRAINED, targets=ramps(), go_times=[100.0] * 4)
    dashed = [line for line in ax.lines if line.get_color() == TARGET.colour][:4]
    assert all(line.get_linestyle() == "--" and line.get_xdata()[0] == -100 for line in dashed)
    with pytest.raises(ValueError, match="targets: shape"):
        plot_ramps(TIME, ramps(), LENGTHS, trained=TRAINED, targets=ramps()[:2])
    with pytest.raises(ValueError, match="outputs: last axis is 2"):
        plot_ramps(TIME, np.zeros((4, 30, 2)), LENGTHS, trained=TRAINED)


def test_gain_axis_is_0_to_1_for_a_sigmoid_and_free_otherwise():
    assert plot_gains(TIME, ramps().T).get_ylim() == pytest.approx((-0.03, 1.03))
    assert plot_gains(TIME, 3 * ramps().T).get_ylim()[1] > 2.5


def test_cues_are_marked_by_name():
    ax = plot_gains(TIME, ramps().T, cues={"wait": 50.0, "go": 100.0})
    assert [text.get_text() for text in ax.texts] == ["wait", "go"]


def test_decays_show_dots_on_lines():
    exact = np.exp(-TIME[:, None] / [50.0, 100.0])
    ax = plot_decays(TIME, exact * 1.01, exact, labels=["fast", "slow"])
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [line.get_label() for line in dots] == ["fast", "slow"]
    assert dots[0].get_ydata()[0] == pytest.approx(1.01)
    with pytest.raises(ValueError, match="labels: 1 labels for 2 curves"):
        plot_decays(TIME, exact, labels=["fast"])
    with pytest.raises(ValueError, match="closed_form: shape"):
        plot_decays(TIME, exact, exact[:-1], labels=["fast", "slow"])


# ---- comparisons ------------------------------------------------------------------------------


def test_every_seed_is_a_point_outliers_too():
    values = [1e-4, 2e-4, 3e-4, 5.0]
    ax = plot_seeds({"NM-RNN": values})
    (dots,) = ax.lines
    assert sorted(dots.get_ydata()) == values
    assert ax.get_ylim()[0] < min(values)
    assert ax.get_ylim()[1] > max(values)
    assert dots.get_color() == MODELS["nm-rnn"].colour
    places = np.asarray(dots.get_xdata())
    assert len(set(places)) == len(places)


def test_median_and_quartiles_are_those_of_the_finite_seeds():
    ax = plot_seeds({"LSTM": [1.0, 2.0, 3.0, 4.0, 5.0, np.nan]})
    segments = [path.vertices for group in ax.collections for path in group.get_paths()]
    assert [segment[:, 1].tolist() for segment in segments] == [[2.0, 4.0], [3.0, 3.0]]
    assert ax.get_xticklabels()[0].get_text() == "LSTM\n(1 diverged)"


def test_seeds_that_cannot_be_shown_are_an_error():
    with pytest.raises(ValueError, match="values: is empty"):
        plot_seeds({})
    with pytest.raises(ValueError, match=r"values\['LSTM'\]: no finite value among 1"):
        plot_seeds({"LSTM": [np.inf]})
    with pytest.raises(ValueError, match=r"0.0 on a logarithmic axis; use log=False"):
        plot_seeds({"LSTM": [0.0, 1.0]})
    assert plot_seeds({"LSTM": [0.0, 1.0]}, log=False).get_yscale() == "linear"


def test_losses_show_every_seed_and_the_median():
    steps = np.arange(1.0, 51.0)[:, None]
    losses = np.array([1.0, 2.0, 9.0]) / steps
    losses[30:, 2] = np.nan
    ax = plot_losses({"LR-RNN": losses}, every=10)
    assert len(ax.lines) == 4
    median = ax.lines[-1]
    assert median.get_label() == "LR-RNN, median of 3"
    assert (median.get_xdata()[0], median.get_xdata()[-1]) == (10, 500)
    assert median.get_ydata()[0] == pytest.approx(2.0)
    assert median.get_ydata()[-1] == pytest.approx(1.5 / 50)
    assert ax.get_yscale() == "log"
    with pytest.raises(ValueError, match="every: 0"):
        plot_losses({"LSTM": losses}, every=0)


def test_produced_intervals_show_all_seeds_the_identity_and_what_is_missing():
    produced = np.tile(LENGTHS, (3, 1))
    produced[0, 0] = np.nan
    ax = plot_produced_intervals(LENGTHS, produced, trained=TRAINED)
    identity = ax.lines[0]
    assert list(identity.get_xdata()) == list(identity.get_ydata()) == [60.0, 240.0]
    assert sum(len(line.get_xdata()) for line in ax.lines[1:]) == produced.size
    assert ax.texts[0].get_text() == "1 of 12: no interval produced"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["trained", "shorter", "longer"]
    one = plot_produced_intervals(LENGTHS, LENGTHS, model="NM-RNN")
    assert one.lines[1].get_color() == MODELS["nm-rnn"].colour
    with pytest.raises(ValueError, match="model: 'LSTM' given with trained"):
        plot_produced_intervals(LENGTHS, LENGTHS, trained=TRAINED, model="LSTM")


@pytest.mark.parametrize(
    "call",
    [
        lambda: plot_raster(TIME, np.zeros(3)),
        lambda: plot_gains(TIME, np.zeros((3, 2))),
        lambda: plot_flow_1d(GRID, GRID[:-1]),
        lambda: plot_produced_intervals(LENGTHS, LENGTHS[:-1]),
    ],
)
def test_a_wrong_shape_is_an_error_that_names_it(call):
    with pytest.raises(ValueError, match=r"(activity|gains|velocity|produced): .*shape"):
        call()


def test_figures_import_no_model_task_or_training():
    code = (
        "import sys, nmcourse.figures; "
        "bad = [m for m in sys.modules if m == 'torch' or m.startswith('nmcourse.') "
        "and not m.startswith('nmcourse.figures')]; assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
