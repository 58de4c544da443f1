"""Exercises of *The reviewers ask, again*."""

from __future__ import annotations

import math

import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.the_reviewers_ask_again_answers import (
    FAILS,
    HOLDS,
    OPEN,
    PARTLY,
    averaged_ceiling,
    averaged_ceiling_by_ratio,
    contraction,
    contraction_by_product,
    filters,
    jacobians,
    largest_fall,
    largest_fall_by_signs,
    parts,
    recordings,
    verdict,
    verdict_by_endings,
)

_CHAPTER = "book/vision/the_reviewers_ask_again"
_PENALTY = "In place of the penalty"
_ATTACK = "Images made against a network"
_MEAN = "With and without averaging"
_BOTH = "What both papers together claim, and what stands"

EXERCISES = (
    Exercise(
        id="again-6",
        label="ex-again-slower",
        chapter=_CHAPTER,
        title="When smaller weights are slower",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or that smaller weights always mean faster decay.",
            "The eigenvalues of the smaller matrix, and the time constant of one of them.",
            "In addition which eigenvalue decides, and the sign of its real part at which "
            "shrinking makes it faster.",
            "In addition a matrix that becomes slower, and why a measured size of weights says "
            "nothing of this.",
        ),
    ),
    Exercise(
        id="again-1",
        label="ex-again-columns",
        chapter=_CHAPTER,
        title="What the contraction sees",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="contraction",
        arguments=("jacobian", "limit"),
        reference=contraction,
        cases=jacobians,
        example=(torch.tensor([[0.5, 1.5], [0.5, -1.5]]), 0.9),
        wrong=(
            Wrong(
                "rows",
                lambda jacobian, limit: (
                    (jacobian.sum(dim=1) - limit).clamp(min=0).square().mean().item()
                ),
                "A row of ones from the left adds up what one unit does to all others.",
                _PENALTY,
            ),
            Wrong(
                "sizes of the entries",
                lambda jacobian, limit: (
                    (jacobian.abs().sum(dim=0) - limit).clamp(min=0).square().mean().item()
                ),
                "With sizes it would be a bound on how far J stretches. This penalty sums with "
                "signs.",
                _PENALTY,
            ),
            Wrong(
                "columns below the limit, too",
                lambda jacobian, limit: (jacobian.sum(dim=0) - limit).square().mean().item(),
                "Is a column that sums to less than the limit to be pulled up to it?",
                _PENALTY,
            ),
            Wrong(
                "the limit is only a switch",
                lambda jacobian, limit: (
                    jacobian.sum(dim=0).where(jacobian.sum(dim=0) > limit, 0.0).square().mean()
                ).item(),
                "Only what is above the limit counts, not the whole column.",
                _PENALTY,
            ),
            Wrong(
                "not squared",
                lambda jacobian, limit: (jacobian.sum(dim=0) - limit).clamp(min=0).mean().item(),
                "Twice as far above the limit costs four times as much here.",
                _PENALTY,
            ),
            Wrong(
                "a sum in place of a mean",
                lambda jacobian, limit: (
                    (jacobian.sum(dim=0) - limit).clamp(min=0).square().sum().item()
                ),
                "A larger network would pay more for the same columns.",
                _PENALTY,
            ),
            Wrong(
                "all columns at once",
                lambda jacobian, limit: (
                    max(0.0, jacobian.sum().item() / len(jacobian) - limit) ** 2
                ),
                "One column far above the limit may hide behind others. Which comes first, the "
                "limit or the mean?",
                _PENALTY,
            ),
            Wrong(
                "the limit for each entry",
                lambda jacobian, limit: (jacobian - limit).clamp(min=0).square().mean().item(),
                "The limit is one for a whole column. What comes first, the sum or the limit?",
                _PENALTY,
            ),
            Wrong(
                "the mean before the square",
                lambda jacobian, limit: (
                    (jacobian.sum(dim=0) - limit).clamp(min=0).mean().item() ** 2
                ),
                "Square what each column has too much, then take the mean.",
                _PENALTY,
            ),
        ),
        another=contraction_by_product,
    ),
    Exercise(
        id="again-2",
        label="ex-again-fall",
        chapter=_CHAPTER,
        title="The worst change",
        kind="code",
        difficulty=2,
        importance=5,
        minutes=10,
        function="largest_fall",
        arguments=("weights", "size"),
        reference=largest_fall,
        cases=filters,
        example=(torch.tensor([3.0, -4.0]), 0.1),
        wrong=(
            Wrong(
                "along the weights",
                lambda weights, size: size * weights.norm().item(),
                "This is the fall for a change of that length in all. Here each pixel has its own "
                "limit, so must a pixel with a small weight change less?",
                _ATTACK,
            ),
            Wrong(
                "weights that cancel",
                lambda weights, size: size * abs(weights.sum().item()),
                "All pixels are changed the same way here. Which way is best for a pixel with a "
                "negative weight?",
                _ATTACK,
            ),
            Wrong(
                "one pixel",
                lambda weights, size: size * weights.abs().max().item(),
                "This changes one pixel. Nobody forbids to change the others.",
                _ATTACK,
            ),
            Wrong(
                "the mean over pixels",
                lambda weights, size: size * weights.abs().mean().item(),
                "The score is a sum over pixels, not a mean.",
                _ATTACK,
            ),
            Wrong(
                "from one end to the other",
                lambda weights, size: 2 * size * weights.abs().sum().item(),
                "The pixel begins in the middle of what is allowed, not at the other end.",
                _ATTACK,
            ),
            Wrong(
                "a full budget for the sum",
                lambda weights, size: (
                    size * weights.abs().sum().item() / math.sqrt(weights.numel())
                ),
                "The limit is for each pixel, and does not shrink when there are more of them.",
                _ATTACK,
            ),
            Wrong(
                "pixels that help already",
                lambda weights, size: size * weights.clamp(min=0).sum().item(),
                "A pixel with a negative weight can be made brighter.",
                _ATTACK,
            ),
            Wrong(
                "squares of the weights",
                lambda weights, size: size * weights.square().sum().item(),
                "A change along w moves the score by this. Is it within the limit of every pixel?",
                _ATTACK,
            ),
            Wrong(
                "negative weights alone",
                lambda weights, size: size * weights.clamp(max=0).abs().sum().item(),
                "A pixel with a positive weight can be made darker.",
                _ATTACK,
            ),
        ),
        another=largest_fall_by_signs,
    ),
    Exercise(
        id="again-3",
        label="ex-again-ceiling",
        chapter=_CHAPTER,
        title="What averaging does to the ceiling",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=13,
        function="averaged_ceiling",
        arguments=("signal", "noise", "n_frames", "n_repeats"),
        reference=averaged_ceiling,
        cases=recordings,
        example=(1.0, 2.0, 1, 10),
        wrong=(
            Wrong(
                "no average over frames",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / math.sqrt(signal**2 + noise**2 / n_repeats) + 0 * n_frames
                ),
                "Noise that is new in each frame is averaged over frames, too.",
                _MEAN,
            ),
            Wrong(
                "no average over repeats",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / math.sqrt(signal**2 + noise**2 / n_frames) + 0 * n_repeats
                ),
                "What is predicted is the mean over repeats.",
                _MEAN,
            ),
            Wrong(
                "the reliability",
                lambda signal, noise, n_frames, n_repeats: (
                    signal**2 / (signal**2 + noise**2 / n_frames / n_repeats)
                ),
                "This is the share of the variance that is signal. A correlation is its root.",
                _MEAN,
            ),
            Wrong(
                "noise that shrinks with n",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / math.sqrt(signal**2 + (noise / n_frames / n_repeats) ** 2)
                ),
                "The variance of a mean falls with n, its standard deviation with the root of n.",
                _MEAN,
            ),
            Wrong(
                "standard deviations that add",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / (signal + noise / math.sqrt(n_frames * n_repeats))
                ),
                "Variances of independent parts add, their roots do not.",
                _MEAN,
            ),
            Wrong(
                "the noise's share",
                lambda signal, noise, n_frames, n_repeats: math.sqrt(
                    noise**2 / n_frames / n_repeats / (signal**2 + noise**2 / n_frames / n_repeats)
                ),
                "With hardly any noise the ceiling is near 1. Is yours?",
                _MEAN,
            ),
            Wrong(
                "no average at all",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / math.hypot(signal, noise) + 0 * n_frames * n_repeats
                ),
                "This is the ceiling of one frame of one repeat.",
                _MEAN,
            ),
            Wrong(
                "frames and repeats added",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / math.sqrt(signal**2 + noise**2 / (n_frames + n_repeats))
                ),
                "How many numbers does the mean over frames and repeats have?",
                _MEAN,
            ),
            Wrong(
                "noise that is not squared",
                lambda signal, noise, n_frames, n_repeats: (
                    signal / math.sqrt(signal**2 + noise / n_frames / n_repeats)
                ),
                "`noise` is a standard deviation. What adds up is its square.",
                _MEAN,
            ),
        ),
        another=averaged_ceiling_by_ratio,
    ),
    Exercise(
        id="again-4",
        label="ex-again-verdict",
        chapter=_CHAPTER,
        title="What an open part leaves open",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=12,
        function="verdict",
        arguments=("yes", "no", "still_open"),
        reference=verdict,
        cases=parts,
        example=(2, 0, 0),
        wrong=(
            Wrong(
                "any open part decides",
                lambda yes, no, still_open: (
                    OPEN if still_open else PARTLY if yes and no else HOLDS if yes else FAILS
                ),
                "One part holds and another does not. Whatever the open one says, is there another "
                "verdict than *in part*?",
                _BOTH,
            ),
            Wrong(
                "open parts left out",
                lambda yes, no, still_open: (
                    (PARTLY if yes and no else HOLDS if yes else FAILS) + 0 * still_open
                ),
                "Two parts hold and one is open. What is the verdict if that one does not hold?",
                _BOTH,
            ),
            Wrong(
                "open counts as failed",
                lambda yes, no, still_open: (
                    PARTLY if yes and no + still_open else HOLDS if yes else FAILS
                ),
                "An experiment that could not tell is no evidence against the claim.",
                _BOTH,
            ),
            Wrong(
                "open counts as in part",
                lambda yes, no, still_open: (
                    PARTLY if still_open or (yes and no) else HOLDS if yes else FAILS
                ),
                "*In part* says that one part holds and another does not. Do you know that?",
                _BOTH,
            ),
            Wrong(
                "the majority",
                lambda yes, no, still_open: (
                    HOLDS if yes > no + still_open else FAILS if no > yes + still_open else PARTLY
                ),
                "A claim of four parts of which one fails is not a claim that holds.",
                _BOTH,
            ),
            Wrong(
                "one failure is enough",
                lambda yes, no, still_open: (
                    FAILS if no else OPEN if still_open else HOLDS if yes else FAILS
                ),
                "One part fails and two hold. The ledger has a word for that.",
                _BOTH,
            ),
            Wrong(
                "open only if most parts are",
                lambda yes, no, still_open: (
                    OPEN
                    if still_open > yes + no
                    else PARTLY
                    if yes and no
                    else HOLDS
                    if yes
                    else FAILS
                ),
                "One part holds and one is open. Do you know what comes of the claim?",
                _BOTH,
            ),
        ),
        another=verdict_by_endings,
    ),
    Exercise(
        id="again-5",
        label="ex-again-own",
        chapter=_CHAPTER,
        title="A question that was not asked",
        kind="experiment",
        difficulty=4,
        importance=5,
        minutes=40,
        rubric=(
            "A question, or a sentence that no result could refute.",
            "A sentence with a rule, and what would be measured.",
            "In addition the control, how many networks, and when the answer stays open.",
            "In addition a first measurement under the rule, and what it has not shown.",
        ),
    ),
)
