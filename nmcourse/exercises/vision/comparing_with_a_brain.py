"""Exercises of *What can a comparison with a brain tell?*."""

from __future__ import annotations

import math

import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.comparing_with_a_brain_answers import (
    ceiling,
    ceiling_by_variances,
    corrected,
    corrected_by_logarithms,
    correlations,
    foldings,
    frame_folds,
    frame_folds_by_index,
    halves,
    image_part,
    image_part_by_time,
    left_out,
    left_out_by_fitting,
    regressions,
    responses,
    with_leverage,
)

_CHAPTER = "book/vision/comparing_with_a_brain"
_METHOD = "Neurons over time, predicted"
_CEILING = "The ceiling"
_NULL = "Neurons that see no image"
_TRAP = "A trap: the leverage of the mean"
_CODE = "Monkey IT over time"

EXERCISES = (
    Exercise(
        id="brain-1",
        label="ex-brain-folds",
        chapter=_CHAPTER,
        title="All frames of an image",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="frame_folds",
        arguments=("n_times", "folds"),
        reference=frame_folds,
        cases=foldings,
        example=(2, torch.tensor([0, 1, 1])),
        wrong=(
            Wrong(
                "frames drawn one by one",
                lambda n_times, folds: frame_folds(n_times, folds).roll(1),
                "Two frames of one image must not be in two folds. Follow image 0 in time.",
                _METHOD,
            ),
            Wrong(
                "images change slowest",
                lambda n_times, folds: folds.repeat_interleave(n_times),
                "Rows go through all images at the first time, and then on to the second time.",
                _METHOD,
            ),
            Wrong(
                "times in place of images",
                lambda n_times, folds: (
                    (0 * folds).repeat(n_times)
                    + (frame_folds(n_times, folds) * 0).new_tensor(
                        [t % (int(folds.max()) + 1) for t in range(n_times) for _ in folds]
                    )
                ),
                "This holds out times. A frame then has its own image, 10 ms later, in training.",
                _METHOD,
            ),
            Wrong(
                "one row for each image",
                lambda n_times, folds: folds + 0 * n_times,
                "How many rows has the matrix of time and image?",
                _METHOD,
            ),
        ),
        another=frame_folds_by_index,
    ),
    Exercise(
        id="brain-2",
        label="ex-brain-ceiling",
        chapter=_CHAPTER,
        title="As far as repeats agree",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="ceiling_of",
        arguments=("r_half",),
        reference=ceiling,
        cases=halves,
        example=(0.5,),
        wrong=(
            Wrong(
                "the halves themselves",
                lambda r_half: r_half,
                "This is how well two halves agree. The neuron's mean is over all repeats.",
                _CEILING,
            ),
            Wrong(
                "no root",
                lambda r_half: 2 * r_half / (1 + r_half),
                "This is the agreement of two noisy means. The signal itself has no noise.",
                _CEILING,
            ),
            Wrong(
                "the root of half the repeats",
                lambda r_half: math.sqrt(r_half),
                "With twice as many repeats the noise of the mean is smaller. Where is that?",
                _CEILING,
            ),
            Wrong(
                "the square",
                lambda r_half: (2 * r_half / (1 + r_half)) ** 2,
                "A ceiling below the agreement of two noisy means? Which of both is noisier?",
                _CEILING,
            ),
            Wrong(
                "the doubling alone",
                lambda r_half: math.sqrt(2 * r_half),
                "For halves that agree perfectly this is above 1.",
                _CEILING,
            ),
        ),
        another=ceiling_by_variances,
    ),
    Exercise(
        id="brain-3",
        label="ex-brain-image-part",
        chapter=_CHAPTER,
        title="What depends on the image",
        kind="code",
        difficulty=2,
        importance=5,
        minutes=10,
        function="image_part",
        arguments=("values",),
        reference=image_part,
        cases=responses,
        example=(torch.tensor([[[1.0], [3.0]], [[2.0], [2.0]]]),),
        wrong=(
            Wrong(
                "the mean over times",
                lambda values: values - values.mean(dim=0, keepdim=True),
                "This takes out what is constant in time. What do all images share at one time?",
                _NULL,
            ),
            Wrong(
                "one mean for all",
                lambda values: values - values.mean(dim=(0, 1), keepdim=True),
                "A time course that all images share would still be there.",
                _NULL,
            ),
            Wrong(
                "the mean over neurons",
                lambda values: values - values.mean(dim=2, keepdim=True),
                "Each neuron has a time course of its own. Over which axis are images?",
                _NULL,
            ),
            Wrong(
                "what is shared",
                lambda values: values.mean(dim=1, keepdim=True).expand_as(values),
                "This is the part that knows no image. Which one is left?",
                _NULL,
            ),
            Wrong(
                "the first image as the mean",
                lambda values: values - values[:, :1],
                "One image is no mean: its noise would be in all the others.",
                _NULL,
            ),
        ),
        another=image_part_by_time,
    ),
    Exercise(
        id="brain-4",
        label="ex-brain-leverage",
        chapter=_CHAPTER,
        title="Left out, the mean as well",
        kind="code",
        difficulty=4,
        importance=4,
        minutes=25,
        function="left_out",
        arguments=("x", "y", "penalty"),
        reference=left_out,
        cases=regressions,
        example=(torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0.0, 1.0, 0.0]), 1.0),
        wrong=(
            Wrong(
                "without the intercept's leverage",
                lambda x, y, penalty: with_leverage(x, y, penalty, intercept=0.0, divide=True),
                "The mean that was taken out has seen the frame too. How much of it is the frame?",
                _TRAP,
            ),
            Wrong(
                "fitted with the frame",
                lambda x, y, penalty: with_leverage(x, y, penalty, intercept=0.0, divide=False),
                "This frame was in the fit. What would a fit to all others have predicted?",
                _TRAP,
            ),
            Wrong(
                "the intercept counted twice",
                lambda x, y, penalty: with_leverage(
                    x, y, penalty, intercept=2.0 / len(x), divide=True
                ),
                "A mean of n frames is moved by one of them by 1/n.",
                _TRAP,
            ),
            Wrong(
                "the intercept counted as one frame fewer",
                lambda x, y, penalty: with_leverage(
                    x, y, penalty, intercept=1.0 / (len(x) - 1), divide=True
                ),
                "The mean was taken over all n frames, the left-out one included.",
                _TRAP,
            ),
            Wrong(
                "the error in place of the prediction",
                lambda x, y, penalty: y - left_out(x, y, penalty),
                "This is how far off the prediction is. Return the prediction.",
                _TRAP,
            ),
        ),
        another=left_out_by_fitting,
    ),
    Exercise(
        id="brain-7",
        label="ex-brain-negative",
        chapter=_CHAPTER,
        title="Worse than nothing",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or that the correlation is zero.",
            "The mean of the others, written by the mean of all and the image.",
            "In addition the correlation of -1, and what the short cut without 1/n gives.",
            "In addition why neither is a good score for a prediction that is nearly constant.",
        ),
    ),
    Exercise(
        id="brain-5",
        label="ex-brain-turn",
        chapter=_CHAPTER,
        title="Noise or a turn?",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="corrected",
        arguments=("between", "first", "second"),
        reference=corrected,
        cases=correlations,
        example=(0.3, 0.5, 0.5),
        wrong=(
            Wrong(
                "nothing corrected",
                lambda between, first, second: between + 0 * first * second,
                "Two noisy measurements of one code would give a value below 1.",
                _CODE,
            ),
            Wrong(
                "no root",
                lambda between, first, second: between / (first * second),
                "Put in one code at both times: all three numbers are then alike. Is it 1?",
                _CODE,
            ),
            Wrong(
                "the mean of both",
                lambda between, first, second: between / ((first + second) / 2),
                "Noise of both times multiplies. Which mean multiplies?",
                _CODE,
            ),
            Wrong(
                "the smaller of both",
                lambda between, first, second: between / min(first, second),
                "The better time counts as well.",
                _CODE,
            ),
            Wrong(
                "the first alone",
                lambda between, first, second: between / first + 0 * second,
                "Both times are noisy. The result must not change when they change places.",
                _CODE,
            ),
            Wrong(
                "the other way round",
                lambda between, first, second: (first * second) ** 0.5 / between,
                "A code that turns must have less than 1.",
                _CODE,
            ),
        ),
        another=corrected_by_logarithms,
    ),
    Exercise(
        id="brain-6",
        label="ex-brain-null",
        chapter=_CHAPTER,
        title="A null of your own",
        kind="experiment",
        difficulty=3,
        importance=4,
        minutes=30,
        rubric=(
            "No prediction and no measurement.",
            "One other null or share of the shared time course, scored as a whole.",
            "In addition the image part, the ceiling, and a prediction made before.",
            "In addition what the null keeps and what it destroys, and which claim about neurons "
            "it would allow.",
        ),
    ),
)
