"""The tier ``gpu``: every experiment at the scale of its paper, as far as that is known.

    SETTINGS["gpu"] = at_paper_scale("step_size", SETTINGS["cpu"])

Each entry says what differs from the tier ``cpu``, where the values come from, and what was not
published; for that the value of this course stays, or one of ours stands. An experiment without an
entry runs at the paper's scale at the tier ``cpu`` already, or trains nothing.

Images stay those that come with the course, since ImageNet cannot be shipped;
networks have the published areas, pixels, epochs, batches and rates. The stages are clipped as at
the tier ``cpu``; the released code clips them at a norm of 1e-4, and at 1e-3. Other images are
trained on by ``python -m nmcourse.experiments run stages --set images=FOLDER areas=R8 size=224``.

Sources: [P] paper, [R] what the authors answered reviewers, [C] released code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MWG_STEPS = 70_000  # [C] 10,000 + 10,000 + 50,000 for the NM-RNN, 70,000 for the low-rank RNN
MULTITASK_STEPS, RETRAINING_STEPS = 100_000, 50_000  # [R]
FINDER_STEPS = 20_000  # [C]
SEEDS = 10  # [P] of every NM-RNN figure
# [C] of the fine-tuning: AdamW at 1e-5, clipped; the released batch is 2 on each of four GPUs
FINE_TUNE = {"learning_rate": 1e-5, "batch_size": 8, "clip_norm": 1e-4}
# [C] epochs of the stages, on the 1,437 images here: 300 of the CNN at a batch of 256, 100 inverse
# at 128, 100 linear at 32, one for each slope and 20 of fine-tuning at 8
IMAGES_HERE = 1437
RECIPE: dict[str, Any] = {
    "cnn_steps": 300 * IMAGES_HERE // 256,
    "inverse_steps": 100 * IMAGES_HERE // 128,
    "linear_steps": 100 * IMAGES_HERE // 32,
    "steps_per_slope": IMAGES_HERE // 8,
    "fine_tune_steps": 20 * IMAGES_HERE // 8,
    "cnn_batch": 128,
    "batch_size": 8,
    "inverse_rate": 1e-4,
    "linear_rate": 1e-5,
    "anneal_rate": 1e-5,
    "fine_tune_rate": 1e-5,
}


@dataclass(frozen=True)
class PaperScale:
    """What an experiment takes at the tier ``gpu``.

    Attributes:
        changes: settings that differ from the tier ``cpu``.
        source: where they come from.
        not_published: what no source says, so that ours stands.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    source: str = "the same as at the tier cpu"
    not_published: tuple[str, ...] = ()


_OURS = ("the comparison itself, a question of this course",)
_BY_REVIEWERS = ("everything but the question, which a reviewer asked",)
_SAME = PaperScale(source="at the tier cpu already: budget, seeds and sizes of the paper")
_NO_TRAINING = PaperScale(source="trains nothing: it measures stored networks or equations")

PAPER: dict[str, PaperScale] = {
    # NM-RNN, Measure-Wait-Go
    "timing_comparison": PaperScale({"n_steps": MWG_STEPS}, "[C] steps; [P] seeds", _OURS),
    "gain_prediction": PaperScale({"n_steps": MWG_STEPS}, "[C] steps; [P] seeds"),
    "released_training": PaperScale({"reset_steps": 50_000}, "[C] steps; [P] seeds"),
    "column_signs": PaperScale({"n_steps": MWG_STEPS, "n_seeds": SEEDS}, "[C] steps", _OURS),
    "random_output_network": PaperScale(
        {"n_steps": MWG_STEPS, "n_seeds": SEEDS}, "[C] steps of the task", _BY_REVIEWERS
    ),
    "variants": PaperScale(
        {"n_steps": MWG_STEPS, "n_seeds": SEEDS}, "[C] steps of the task", _BY_REVIEWERS
    ),
    "people_keep_time": PaperScale(
        {"n_steps": MWG_STEPS, "n_seeds": SEEDS}, "[C] steps of the task", _OURS
    ),
    # NM-RNN, several tasks
    "multitask": PaperScale(
        {
            "n_steps": MULTITASK_STEPS,
            "retraining_steps": RETRAINING_STEPS,
            "batch_size": 100,
            "retraining_rate": 1e-2,
        },
        "[R] steps; [C] batch and rate; [P] seeds",
    ),
    "constant_gains": PaperScale(
        {"n_steps": MULTITASK_STEPS, "batch_size": 100, "n_seeds": SEEDS},
        "[R] steps of the task",
        _BY_REVIEWERS,
    ),
    "digits": PaperScale({"n_steps": 20_000, "n_seeds": SEEDS}, "ours", _BY_REVIEWERS),
    # NM-RNN, Element Finder
    "element_finder": PaperScale(
        {"n_steps": FINDER_STEPS, "n_seeds": SEEDS}, "[C] steps and seeds"
    ),
    # CordsNet
    "conv_spectra": PaperScale(
        {"n_power_steps": 10_000},
        "[C] 10 channels of 10 x 10, 300 Arnoldi steps, 100 QR sweeps, 10,000 power steps",
        ("the number of layers",),
    ),
    "conv_regimes": PaperScale({"n_seeds": 100}, "ours", ("gains, sizes and seeds of Fig. 1B",)),
    "step_size": PaperScale(
        {"areas": "R2", "image_size": 224, "n_steps": 20 * IMAGES_HERE // 8, **FINE_TUNE},
        "[C] areas, pixels, epochs, batch and rate",
        ("the comparison, which a commenter asked for",),
    ),
    "native_step_size": PaperScale(
        {"areas": "R2", "image_size": 224, **FINE_TUNE},
        "[C] areas, pixels, batch and rate",
        ("the comparison, which a commenter asked for",),
    ),
    "return_to_rest": PaperScale(
        {
            "areas": "R2",
            "image_size": 224,
            "n_seeds": 20,
            "start": {
                "cnn": RECIPE["cnn_steps"],
                "inverse": RECIPE["inverse_steps"],
                "linear": RECIPE["linear_steps"],
            },
            "steps_per_slope": RECIPE["steps_per_slope"],
            "n_steps": RECIPE["fine_tune_steps"],
            "direct_steps": RECIPE["fine_tune_steps"],
            "direct_rate": 1e-5,
            **FINE_TUNE,
        },
        "[R] 20 networks R2 for each of 6 coefficients; [C] pixels, epochs, batch and rate",
        ("epochs of this ablation; published on CIFAR-10, here on digits",),
    ),
    "native_loss": PaperScale(
        {"areas": "R2", "image_size": 224, "dt": 2.0, "seeds": {"staged": 20, "short": 60}},
        "[R] 20 networks R2 for each coefficient; [C] pixels and time step",
        ("epochs of this ablation; published on CIFAR-10, here on Fashion-MNIST",),
    ),
    "staged_training": PaperScale(
        {"areas": "R8", "image_size": 224, "recipe": RECIPE, "rates": [1e-5]},
        "[C] areas, pixels, epochs, batches and rates",
        ("accuracies of Table 1, seeds; published on ImageNet and four others, here on digits",),
    ),
    "native_stages": PaperScale(
        {"areas": "R8", "image_size": 224, "dt": 2.0, "recipe": RECIPE, "rates": [1e-5]},
        "[C] areas, pixels, epochs, batches and rates",
        ("accuracies of Table 1, seeds; published on ImageNet and four others",),
    ),
    "lasting_answers": PaperScale(
        {"areas": "R8", "image_size": 224, "recipe": RECIPE},
        "[C] areas, pixels, epochs, batches and rates",
        _OURS,
    ),
    "native_images": PaperScale(
        {
            "dt": 2.0,
            "recipe": RECIPE | {"max_shift": 2},
            "trial": {"blank": 200.0, "stimulus": 200.0, "after": 200.0, "window": 60.0},
        },
        "[C] time step, batches and rates; epochs as for images that come with the course",
        ("four areas for images of 28 and 32 pixels; the paper scales all images to 224",),
    ),
    "from_pixels": PaperScale(
        {"n_steps": 5_000, "n_seeds": SEEDS},
        "ours",
        ("sizes, steps and seeds of Fig. 5, which shows one network with R8 for each task",),
    ),
    "crossing": PaperScale(
        {"areas": "R8", "image_size": 224, "n_steps": 20 * 4000 // 8, **FINE_TUNE},
        "[P] R8; [C] pixels, epochs, batch and rate",
        ("seeds; published on ImageNet, here on 5,000 digits of MNIST",),
    ),
}
PAPER["native_crossing"] = replace(
    PAPER["crossing"], not_published=("seeds; published on ImageNet, here on Fashion-MNIST",)
)
# These take the networks that others have trained, or are at the paper's scale at every tier.
PAPER |= dict.fromkeys(
    (
        "published_budget",
        "element_finder_published_budget",
        "gain_prediction_published_budget",
        "variants_published_budget",
        "random_output_network_published_budget",
        "multitask_published_budget",
        "resets_published_budget",
        "element_finder_training_published_budget",
    ),
    _SAME,
)
PAPER["equal_terms"] = PaperScale(
    source="at the tier cpu already: budget and sizes of the paper, and twice its seeds"
)
PAPER |= dict.fromkeys(
    (
        "prescribed_gain",
        "gain_ablation",
        "gating",
        "multitask_states",
        "cost",
        "gain_pruning",
        "low_dopamine",
        "structured_flexibility",
        "gradient_flow",
        "element_finder_training",
        "gain_ablation_published_budget",
        "gain_pruning_published_budget",
        "structured_flexibility_published_budget",
        "low_dopamine_published_budget",
        "gradient_flow_published_budget",
    ),
    _NO_TRAINING,
)
PAPER |= {
    name: PaperScale(source="the same as at the tier cpu", not_published=why)
    for name, why in {
        "over_time": ("sizes of the rivals here; the paper compares R8 with CORnet-RT and a CNN",),
        "native_over_time": ("sizes of the rivals here",),
        "native_noise": ("the seeds",),
        "noise": ("the seeds; the paper shows R8 on 50,000 images of ImageNet",),
        "equal_accuracy": _OURS,
        "native_equal_accuracy": _OURS,
        "made_neurons": _OURS,
        "turning_code": _OURS,
        "v4_prediction": ("the recordings of Fig. 6; the course reads public ones",),
        "alike_images": _OURS,
        "same_computation": ("steps and seeds; of the three sizes 125, 216 and 512, the first",),
        "memory_shapes": ("steps and seeds of Fig. S3",),
        "answer_windows": ("steps and seeds of Fig. 4B; the paper shows R4 on ImageNet",),
        "mixtures": ("the seeds; the paper shows R8 on ImageNet",),
        "longer_delays": _OURS,
        "moving_alike": _OURS,
        "gain_clock": _OURS,
        "rule_switch": _OURS,
        "new_lessons": _OURS,
        "in_place_of_rest": _BY_REVIEWERS,
        "attacks": _BY_REVIEWERS,
        "averaged_time": _BY_REVIEWERS,
    }.items()
}


def at_paper_scale(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment at the tier ``gpu``.

    Args:
        name: of the experiment.
        settings: those of the tier ``cpu``.

    Raises:
        ValueError: there is no entry, or one that sets what the experiment does not have.
    """
    if name not in PAPER:
        raise ValueError(f"name must be an experiment of PAPER, got {name!r}")
    changes = PAPER[name].changes
    unknown = sorted(changes.keys() - settings.keys())
    if unknown:
        raise ValueError(f"{name} has no setting {unknown[0]!r}; it has {', '.join(settings)}")
    return {**settings, **changes}
