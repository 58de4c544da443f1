"""Figures of the course: one style, the recurring pictures, and figures that respond to the reader.

Every function takes arrays and returns the axes (or an object that a notebook shows); none trains
or imports a model. ``plot_`` and ``draw_`` draw on one pair of axes, ``show_`` makes a figure of
several.
"""

from nmcourse.figures.activity import (
    interval_kind,
    plot_by_interval,
    plot_decays,
    plot_gain_by_interval,
    plot_gains,
    plot_raster,
    plot_trial,
)
from nmcourse.figures.answers import group_looks, plot_intervals, plot_size_map
from nmcourse.figures.areas import area_look
from nmcourse.figures.circuit import Circuit
from nmcourse.figures.circuit_modulators import (
    draw_catch_and_hold,
    draw_closed_loop,
    draw_context_nm_rnn,
    draw_feedback_nm_rnn,
    draw_gain_as_gate,
    draw_nm_cordsnet,
)
from nmcourse.figures.comparison import (
    plot_losses,
    plot_produced_intervals,
    plot_ramps,
    plot_seeds,
)
from nmcourse.figures.convolving import interactive_convolution
from nmcourse.figures.deciding import DotPlan, interactive_deciding
from nmcourse.figures.dynamics import (
    plot_fixed_points,
    plot_flow_1d,
    plot_flow_2d,
    plot_spectrum,
)
from nmcourse.figures.elements import interactive_elements
from nmcourse.figures.explorer import Explorer, explore
from nmcourse.figures.family_circuits import draw_families
from nmcourse.figures.flow import interactive_flow
from nmcourse.figures.interactive import interactive_lines, interactive_simulation
from nmcourse.figures.memory import plot_line_states
from nmcourse.figures.mixture import interactive_mixture
from nmcourse.figures.model_circuits import (
    draw_low_rank,
    draw_nm_rnn,
    draw_rate_network,
    draw_timing_networks,
    draw_two_units,
)
from nmcourse.figures.normal import normal_numbers
from nmcourse.figures.power import power_calculator
from nmcourse.figures.predict import my_answers, predict_first
from nmcourse.figures.rival_circuits import draw_rivals
from nmcourse.figures.seeing import interactive_seeing
from nmcourse.figures.slider import Slider
from nmcourse.figures.steps import interactive_steps
from nmcourse.figures.stored_gains import interactive_stored_gains
from nmcourse.figures.style import (
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
    StyleHandle,
    gain_look,
    look,
    use_style,
)
from nmcourse.figures.timing import interactive_timing
from nmcourse.figures.vision import (
    plot_areas,
    plot_wiring,
    shade_images,
    show_connectivity,
    show_images,
    show_maps,
    show_maps_in_time,
)
from nmcourse.figures.vision_circuits import (
    draw_area,
    draw_convolution,
    draw_cordsnet,
    draw_eye_then_rates,
    draw_noisy_areas,
    draw_pair,
    draw_twin_area,
)
from nmcourse.figures.widget import TWIN, Widget
from nmcourse.figures.worker_circuits import draw_shared_step

__all__ = [
    "GAINS",
    "GREY",
    "INTERVALS",
    "MODELS",
    "NEUTRAL",
    "SADDLE",
    "STABLE",
    "TARGET",
    "TWIN",
    "UNSTABLE",
    "Circuit",
    "DotPlan",
    "Explorer",
    "Look",
    "Slider",
    "StyleHandle",
    "Widget",
    "area_look",
    "draw_area",
    "draw_catch_and_hold",
    "draw_closed_loop",
    "draw_context_nm_rnn",
    "draw_convolution",
    "draw_cordsnet",
    "draw_eye_then_rates",
    "draw_families",
    "draw_feedback_nm_rnn",
    "draw_gain_as_gate",
    "draw_low_rank",
    "draw_nm_cordsnet",
    "draw_nm_rnn",
    "draw_noisy_areas",
    "draw_pair",
    "draw_rate_network",
    "draw_rivals",
    "draw_shared_step",
    "draw_timing_networks",
    "draw_twin_area",
    "draw_two_units",
    "explore",
    "gain_look",
    "group_looks",
    "interactive_convolution",
    "interactive_deciding",
    "interactive_elements",
    "interactive_flow",
    "interactive_lines",
    "interactive_mixture",
    "interactive_seeing",
    "interactive_simulation",
    "interactive_steps",
    "interactive_stored_gains",
    "interactive_timing",
    "interval_kind",
    "look",
    "my_answers",
    "normal_numbers",
    "plot_areas",
    "plot_by_interval",
    "plot_decays",
    "plot_fixed_points",
    "plot_flow_1d",
    "plot_flow_2d",
    "plot_gain_by_interval",
    "plot_gains",
    "plot_intervals",
    "plot_line_states",
    "plot_losses",
    "plot_produced_intervals",
    "plot_ramps",
    "plot_raster",
    "plot_seeds",
    "plot_size_map",
    "plot_spectrum",
    "plot_trial",
    "plot_wiring",
    "power_calculator",
    "predict_first",
    "shade_images",
    "show_connectivity",
    "show_images",
    "show_maps",
    "show_maps_in_time",
    "use_style",
]
