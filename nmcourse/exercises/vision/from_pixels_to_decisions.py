"""Exercises of *From pixels to decisions*."""

from __future__ import annotations

import math

import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.from_pixels_to_decisions_answers import (
    dots,
    field_means,
    field_means_by_loops,
    maps_to_read,
    median_of_all,
    median_of_all_by_counting,
    next_places,
    next_places_one_by_one,
    observers,
    reactions,
    share_of_right,
    share_of_right_by_guessing,
)

_CHAPTER = "book/vision/from_pixels_to_decisions"
_DOTS = "Dots that move"
_EYE = "An eye, and rates behind it"
_OFTEN = "How often"
_SOON = "How soon"


def _moved(places: torch.Tensor, shift: float, axis: int = 1) -> torch.Tensor:
    """All dots one step further on along an axis, no edge minded."""
    found = places.clone()
    found[:, axis] = found[:, axis] + shift
    return found


EXERCISES = (
    Exercise(
        id="pixels-1",
        label="ex-pixels-dots",
        chapter=_CHAPTER,
        title="The next frame",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="next_places",
        arguments=("places", "signal", "jumps", "shift", "size"),
        reference=next_places,
        cases=dots,
        example=(
            torch.tensor([[1.0, 7.5], [2.0, 3.0], [4.0, 4.0]]),
            torch.tensor([True, True, False]),
            torch.tensor([[0.0, 1.0], [5.0, 5.0], [6.0, 0.5]]),
            1.0,
            8.0,
        ),
        wrong=(
            Wrong(
                "nobody comes in again",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], _moved(places, shift), jumps
                ),
                "A dot near the edge has left the picture. Where does it come in again?",
                _DOTS,
            ),
            Wrong(
                "stopped at the edge",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], _moved(places, shift).clamp(0, size), jumps
                ),
                "In time all dots would stand at the edge. Where does one that leaves come in?",
                _DOTS,
            ),
            Wrong(
                "rows in place of columns",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], _moved(places, shift, axis=0) % size, jumps
                ),
                "These dots move downwards. Which of the two numbers of a place is the column?",
                _DOTS,
            ),
            Wrong(
                "both coordinates",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], (places + shift) % size, jumps
                ),
                "These dots move along a diagonal. What stays the same in a dot of the signal?",
                _DOTS,
            ),
            Wrong(
                "the wrong dots jump",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], jumps, _moved(places, shift) % size
                ),
                "With a coherence of 1 no dot would move on. Who belongs to the signal?",
                _DOTS,
            ),
            Wrong(
                "all move on",
                lambda places, signal, jumps, shift, size: _moved(places, shift) % size,
                "What is left of the dots that do not belong to the signal?",
                _DOTS,
            ),
            Wrong(
                "the others stay",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], _moved(places, shift) % size, places
                ),
                "Dots that stay where they are would be seen as a signal, too: one of no speed.",
                _DOTS,
            ),
            Wrong(
                "always to the right",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], _moved(places, abs(shift)) % size, jumps
                ),
                "The shift has a sign. What does a negative one say?",
                _DOTS,
            ),
            Wrong(
                "the other way",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None], _moved(places, -shift).remainder(size), jumps
                ),
                "With a positive shift the column grows. Does it here?",
                _DOTS,
            ),
            Wrong(
                "jumps from where it is",
                lambda places, signal, jumps, shift, size: torch.where(
                    signal[:, None],
                    _moved(places, shift).remainder(size),
                    (places + jumps).remainder(size),
                ),
                "`jumps` are places, and not ways to go.",
                _DOTS,
            ),
        ),
        another=next_places_one_by_one,
    ),
    Exercise(
        id="pixels-2",
        label="ex-pixels-fields",
        chapter=_CHAPTER,
        title="What the rates get",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="field_means",
        arguments=("maps", "n_fields"),
        reference=field_means,
        cases=maps_to_read,
        example=(torch.arange(8.0).reshape(1, 2, 4), 2),
        wrong=(
            Wrong(
                "one mean for each map",
                lambda maps, n_fields: maps.mean(dim=(1, 2)).repeat_interleave(n_fields**2),
                "All fields of a map have the same number. What is left of where something is?",
                _EYE,
            ),
            Wrong(
                "sums",
                lambda maps, n_fields: field_means(maps, n_fields) * maps[0].numel() / n_fields**2,
                "These are sums. By how many pixels is each to be divided?",
                _EYE,
            ),
            Wrong(
                "the largest rates",
                lambda maps, n_fields: (
                    maps.reshape(
                        len(maps),
                        n_fields,
                        maps.shape[1] // n_fields,
                        n_fields,
                        maps.shape[2] // n_fields,
                    )
                    .amax(dim=(2, 4))
                    .flatten()
                ),
                "This is the largest rate of a field, not the mean.",
                _EYE,
            ),
            Wrong(
                "channels last",
                lambda maps, n_fields: (
                    field_means(maps, n_fields).reshape(len(maps), -1).T.flatten()
                ),
                "The numbers are right, their order is not: fields of one channel stand together.",
                _EYE,
            ),
            Wrong(
                "columns before rows",
                lambda maps, n_fields: (
                    field_means(maps, n_fields).reshape(len(maps), n_fields, n_fields).mT.flatten()
                ),
                "The numbers are right, their order is not: go through the fields row by row.",
                _EYE,
            ),
            Wrong(
                "mixed pixels",
                lambda maps, n_fields: (
                    maps.reshape(
                        len(maps),
                        maps.shape[1] // n_fields,
                        n_fields,
                        maps.shape[2] // n_fields,
                        n_fields,
                    )
                    .mean(dim=(1, 3))
                    .flatten()
                ),
                "These means are of pixels that lie apart, every second or third one. A field is a "
                "block of neighbours.",
                _EYE,
            ),
            Wrong(
                "over the channels",
                lambda maps, n_fields: (
                    field_means(maps, n_fields).reshape(len(maps), -1).mean(dim=0).repeat(len(maps))
                ),
                "What do different channels tell, if their rates are put together?",
                _EYE,
            ),
            Wrong(
                "fields of so many pixels",
                lambda maps, n_fields: torch.nn.functional.avg_pool2d(maps, n_fields).flatten(),
                "Your fields are `n_fields` pixels wide. How many fields should a map have?",
                _EYE,
            ),
        ),
        another=field_means_by_loops,
    ),
    Exercise(
        id="pixels-3",
        label="ex-pixels-mean",
        chapter=_CHAPTER,
        title="What a mean leaves out",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or the claim again in other words.",
            "That a convolution of a shifted picture is the shifted convolution.",
            "In addition that steps keep this, and that a mean over the map ignores a shift.",
            "In addition what a grid changes, and where the argument fails: at the edges, and for "
            "odd shifts by the stride.",
        ),
    ),
    Exercise(
        id="pixels-4",
        label="ex-pixels-share",
        chapter=_CHAPTER,
        title="Errors that no coherence takes away",
        kind="code",
        difficulty=1,
        importance=4,
        minutes=10,
        function="share_of_right",
        arguments=("strength", "bias", "width", "lapses"),
        reference=share_of_right,
        cases=observers,
        example=(0.25, 0.05, 0.1, 0.1),
        wrong=(
            Wrong(
                "no lapses",
                lambda strength, bias, width, lapses: share_of_right(strength, bias, width, 0.0),
                "At a coherence of 100 % this observer makes no error. What do lapses say?",
                _OFTEN,
            ),
            Wrong(
                "lapses on one side",
                lambda strength, bias, width, lapses: (
                    lapses + (1 - lapses) * share_of_right(strength, bias, width, 0.0)
                ),
                "This observer never misses a motion to the right. There are errors on both sides.",
                _OFTEN,
            ),
            Wrong(
                "lapses above only",
                lambda strength, bias, width, lapses: (
                    (1 - lapses) * share_of_right(strength, bias, width, 0.0)
                ),
                "This observer never misses a motion to the left. There are errors on both sides.",
                _OFTEN,
            ),
            Wrong(
                "added to both ends",
                lambda strength, bias, width, lapses: (
                    lapses + share_of_right(strength, bias, width, 0.0)
                ),
                "A share above 1? What is left between both ends of the curve?",
                _OFTEN,
            ),
            Wrong(
                "the bias the other way",
                lambda strength, bias, width, lapses: share_of_right(
                    strength, -bias, width, lapses
                ),
                "At which coherence should both choices be as frequent? Put it in.",
                _OFTEN,
            ),
            Wrong(
                "the width as a slope",
                lambda strength, bias, width, lapses: share_of_right(
                    strength, bias, 1 / width, lapses
                ),
                "An observer with a small width sees fine differences. Is your curve steep then?",
                _OFTEN,
            ),
            Wrong(
                "left in place of right",
                lambda strength, bias, width, lapses: (
                    1 - share_of_right(strength, bias, width, lapses)
                ),
                "With a strong motion to the right your share is small.",
                _OFTEN,
            ),
            Wrong(
                "the share of right answers",
                lambda strength, bias, width, lapses: (
                    share_of_right(strength, bias, width, lapses)
                    if strength > 0
                    else 1 - share_of_right(strength, bias, width, lapses)
                ),
                "Asked is how often the choice is to the right, not how often it is correct.",
                _OFTEN,
            ),
            Wrong(
                "the lapses halved",
                lambda strength, bias, width, lapses: share_of_right(
                    strength, bias, width, lapses / 2
                ),
                "In the equation the lapses are what is missing at each end, not at both together.",
                _OFTEN,
            ),
            Wrong(
                "the bias as a threshold",
                lambda strength, bias, width, lapses: share_of_right(
                    math.copysign(1, strength) * (abs(strength) - abs(bias)), 0.0, width, lapses
                ),
                "A bias has a sign: it moves the whole curve to one side. Yours takes something "
                "off the strength on both.",
                _OFTEN,
            ),
            Wrong(
                "no bias",
                lambda strength, bias, width, lapses: share_of_right(strength, 0.0, width, lapses),
                "At which strength is your share one half?",
                _OFTEN,
            ),
            Wrong(
                "brackets left out",
                lambda strength, bias, width, lapses: (
                    lapses + (1 - 2 * lapses) / (1 + math.exp(-strength - bias / width))
                ),
                "In the exponent the whole difference is divided, and has the minus sign.",
                _OFTEN,
            ),
            Wrong(
                "a hyperbolic tangent",
                lambda strength, bias, width, lapses: (
                    lapses + (1 - 2 * lapses) * math.tanh((strength - bias) / width)
                ),
                "This is zero or below for strengths under the bias. A share cannot be.",
                _OFTEN,
            ),
        ),
        another=share_of_right_by_guessing,
    ),
    Exercise(
        id="pixels-5",
        label="ex-pixels-median",
        chapter=_CHAPTER,
        title="Films without an answer",
        kind="code",
        difficulty=2,
        importance=5,
        minutes=15,
        function="median_of_all",
        arguments=("times",),
        reference=median_of_all,
        cases=reactions,
        example=(torch.tensor([150.0, math.nan, 110.0, 210.0, math.nan]),),
        wrong=(
            Wrong(
                "of those that answered",
                lambda times: float(torch.nanquantile(times, 0.5)),
                "The films without an answer are left out here. They are not missing: their answer "
                "comes after the film, or never.",
                _SOON,
            ),
            Wrong(
                "of those that answered, the lower one",
                lambda times: float(times.nanmedian()),
                "`nanmedian` leaves out the films without an answer. They are not missing: their "
                "answer comes after the film, or never.",
                _SOON,
            ),
            Wrong(
                "left out, and unknown where most are missing",
                lambda times: (
                    float(torch.nanquantile(times, 0.5))
                    if times.isnan().double().mean() < 0.5
                    else math.nan
                ),
                "You have seen when it is not known. Where it is known, films without an answer "
                "still count: as late ones.",
                _SOON,
            ),
            Wrong(
                "one film without an answer, and nothing is known",
                lambda times: float(torch.quantile(times, 0.5)),
                "If only the last of nine films has no answer, the fifth is still the middle one.",
                _SOON,
            ),
            Wrong(
                "an answer at once",
                lambda times: float(torch.quantile(times.nan_to_num(0.0), 0.5)),
                "Films without an answer count as the fastest of all here.",
                _SOON,
            ),
            Wrong(
                "an answer at the end of the film",
                lambda times: float(torch.quantile(times.nan_to_num(500.0), 0.5)),
                "If most films have no answer, you return a time at which nothing happened. What "
                "is known about the middle film then?",
                _SOON,
            ),
            Wrong(
                "late as the slowest",
                lambda times: float(
                    torch.quantile(times.nan_to_num(float(times.nan_to_num(0.0).max())), 0.5)
                ),
                "Films without an answer are later than the slowest that has one, or never have "
                "one. If they are the majority, the middle is not known.",
                _SOON,
            ),
            Wrong(
                "the mean",
                lambda times: float(times.nanmean()),
                "This is a mean. What would one film do to it that answers very late?",
                _SOON,
            ),
            Wrong(
                "the lower of two in the middle",
                lambda times: (
                    float(torch.where(times.isnan(), torch.inf, times).median())
                    if float(torch.where(times.isnan(), torch.inf, times).median()) < math.inf
                    else math.nan
                ),
                "With an even number there are two films in the middle. Take the mean of both.",
                _SOON,
            ),
            Wrong(
                "infinity",
                lambda times: float(
                    torch.where(times.isnan(), torch.inf, times).sort().values[len(times) // 2] / 2
                    + torch.where(times.isnan(), torch.inf, times)
                    .sort()
                    .values[(len(times) - 1) // 2]
                    / 2
                ),
                "The middle film has not answered. That its time is infinite is not known; say "
                "that it is not known.",
                _SOON,
            ),
        ),
        another=median_of_all_by_counting,
    ),
    Exercise(
        id="pixels-6",
        label="ex-pixels-other",
        chapter=_CHAPTER,
        title="Another film of the same thing",
        kind="experiment",
        difficulty=3,
        importance=5,
        minutes=40,
        rubric=(
            "One network on one other film, and no prediction.",
            "A prediction made before, and several networks with and without an eye.",
            "In addition one difference from training at a time, and the range over networks.",
            "In addition a test of an explanation that could have failed, and what is still open.",
        ),
    ),
)
