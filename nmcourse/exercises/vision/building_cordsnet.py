"""Exercises of *Building CordsNet*."""

from __future__ import annotations

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/vision/building_cordsnet"
_AREAS = "Areas and skips"
_TIME = "A few milliseconds per area"
_STEP = "How long may a step be?"


def _first_step(area: int, skips: bool) -> int:
    return area // 2 + 1 if skips else area + 1


def _first_step_by_spreading(area: int, skips: bool) -> int:
    """Follow the signal from area to area; -1 and -2 stand for the stem."""
    reached = {-1: 0, -2: 0}
    for k in range(area + 1):
        sources = [k - 1, k - 2] if skips and k > 0 else [k - 1]
        reached[k] = min(reached[source] for source in sources) + 1
    return reached[area]


def _places(draw: Draw) -> list[tuple[int, bool]]:
    first = draw.integer(4, 6)
    return [
        (first, True),
        (first, False),
        (1, True),
        (3, True),
        *((draw.integer(0, 20), k % 2 == 0) for k in range(8)),
    ]


def _mean_delay(area: int, tau: float, recurrence: float) -> float:
    before, here = 0.0, tau / (1 - recurrence)
    for _ in range(area):
        before, here = here, tau / (1 - recurrence) + (here + before) / 2
    return here


def _mean_delay_closed(area: int, tau: float, recurrence: float) -> float:
    """Two thirds of a time constant for each area, and a start that is forgotten."""
    n = area + 1
    return tau / (1 - recurrence) * (2 / 3 * n + 2 / 9 * (1 - (-0.5) ** n))


def _sum_of_both_ways(area: int, tau: float, recurrence: float) -> float:
    before, here = 0.0, tau / (1 - recurrence)
    for _ in range(area):
        before, here = here, tau / (1 - recurrence) + here + before
    return here


def _chains(draw: Draw) -> list[tuple[int, float, float]]:
    return [
        (draw.integer(3, 7), draw.uniform(5, 30), draw.uniform(0.2, 0.8) * (-1) ** k)
        for k in range(6)
    ]


def _largest_alpha(real: float, imag: float) -> float:
    return 2 * (1 - real) / ((1 - real) ** 2 + imag**2)


def _largest_alpha_by_halving(real: float, imag: float) -> float:
    """Bisect: below the limit the factor of a step is inside the unit circle, above outside."""
    low, high = 0.0, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        inside = abs(1 - middle + middle * complex(real, imag)) < 1
        low, high = (middle, high) if inside else (low, middle)
    return low


def _eigenvalues(draw: Draw) -> list[tuple[float, float]]:
    slow = (draw.uniform(0.2, 0.6), draw.uniform(0.1, 0.4))  # its step may be long
    return [slow] + [(draw.uniform(-4, 0.8), draw.uniform(0.4, 3)) for _ in range(6)]


EXERCISES = (
    Exercise(
        id="building-1",
        label="ex-building-bias-map",
        chapter=_CHAPTER,
        title="Why a map?",
        kind="derivation",
        difficulty=3,
        importance=3,
        minutes=15,
        rubric=(
            "Nothing, or only that the released code does so.",
            "The reason why a constant does not stay constant, in words or in numbers.",
            "In addition the numbers for corner, edge and inside, and what a map costs: one size "
            "of image, and no equal treatment of equal patterns at different places.",
            "In addition what would have to change for numbers per channel to be enough, and why "
            "even then places near the border differ.",
        ),
    ),
    Exercise(
        id="building-2",
        label="ex-building-first-step",
        chapter=_CHAPTER,
        title="The first step",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="first_step",
        arguments=("area", "skips"),
        reference=_first_step,
        cases=_places,
        example=(2, True),
        wrong=(
            Wrong(
                "area by area, skips or not",
                lambda area, skips: area + 1,
                "That is the chain. With skips, how far below does an area see?",
                _AREAS,
            ),
            Wrong(
                "two areas at a time, skips or not",
                lambda area, skips: area // 2 + 1,
                "Without skips an area sees only the one just below it.",
                _AREAS,
            ),
            Wrong(
                "the skip from the stem forgotten",
                lambda area, skips: (area + 1) // 2 + 1 if skips else area + 1,
                "Area 1 also receives the stem. When does it hear of the image?",
                _AREAS,
            ),
            Wrong(
                "counted from zero",
                lambda area, skips: area // 2 if skips else area,
                "Even area 0 needs one step: before it, nothing has changed.",
                _TIME,
            ),
        ),
        another=_first_step_by_spreading,
        rtol=1e-9,
    ),
    Exercise(
        id="building-3",
        label="ex-building-mean-delay",
        chapter=_CHAPTER,
        title="The mean delay",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=20,
        function="mean_delay",
        arguments=("area", "tau", "recurrence"),
        reference=_mean_delay,
        cases=_chains,
        example=(0, 10.0, 0.5),
        wrong=(
            Wrong(
                "a chain without skips",
                lambda area, tau, recurrence: (area + 1) * tau / (1 - recurrence),
                "Half of what an area hears has left out the area just below it.",
                _TIME,
            ),
            Wrong(
                "the shortest way alone",
                lambda area, tau, recurrence: (area // 2 + 1) * tau / (1 - recurrence),
                "The signal takes every way at once. The mean delay is a mean over the ways.",
                _TIME,
            ),
            Wrong(
                "the leak without the recurrence",
                lambda area, tau, recurrence: _mean_delay(area, tau, 0 * recurrence),
                "An area that feeds itself answers at another speed than its units alone.",
                _TIME,
            ),
            Wrong(
                "recurrence that makes an area faster",
                lambda area, tau, recurrence: _mean_delay(
                    area, tau * (1 - recurrence) ** 2, recurrence
                ),
                "What leaks and is fed back leaks more slowly, not faster.",
                _TIME,
            ),
            Wrong(
                "one area too few",
                lambda area, tau, recurrence: (
                    _mean_delay(area, tau, recurrence) - tau / (1 - recurrence)
                ),
                "The area itself takes its time, too, not only those below it.",
                _TIME,
            ),
            Wrong(
                "two thirds from the start",
                lambda area, tau, recurrence: 2 / 3 * (area + 1) * tau / (1 - recurrence),
                "That is right for each further area of a long chain. What does area 0 hear?",
                _TIME,
            ),
            Wrong(
                "delays that add up",
                _sum_of_both_ways,
                "Half of what an area hears comes by each way. What is the delay of a mean?",
                _TIME,
            ),
        ),
        another=_mean_delay_closed,
    ),
    Exercise(
        id="building-4",
        label="ex-building-no-skips",
        chapter=_CHAPTER,
        title="Take the skips away",
        kind="experiment",
        difficulty=3,
        importance=3,
        minutes=25,
        rubric=(
            "No prediction and no measurement.",
            "Half-times with and without skips for one network, without a prediction.",
            "A prediction, half-times over several networks with their spread, and which areas "
            "change most.",
            "In addition a control: activity gets smaller without skips, so the times are compared "
            "at half of each network's own level, and the effect of recurrence is kept apart.",
        ),
    ),
    Exercise(
        id="building-5",
        label="ex-building-largest-step",
        chapter=_CHAPTER,
        title="The largest step",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=20,
        function="largest_alpha",
        arguments=("real", "imag"),
        reference=_largest_alpha,
        cases=_eigenvalues,
        example=(-2.0, 0.0),
        wrong=(
            Wrong(
                "the imaginary part left out",
                lambda real, imag: 2 / (1 - real) + 0 * imag,
                "That is the limit of a mode that does not turn. Turning makes it smaller.",
                _STEP,
            ),
            Wrong(
                "twice the inverse of the distance from 1",
                lambda real, imag: 2 / abs(complex(1 - real, imag)),
                "Only a part of the velocity points towards the fixed point.",
                _STEP,
            ),
            Wrong(
                "the sign of the leak",
                lambda real, imag: 2 * (1 + real) / ((1 + real) ** 2 + imag**2),
                "The Jacobian of the network is the eigenvalue minus one, over tau.",
                _STEP,
            ),
            Wrong(
                "where the approach is fastest",
                lambda real, imag: (1 - real) / ((1 - real) ** 2 + imag**2),
                "Here a step brings the state nearest to the fixed point. Larger steps still "
                "come nearer, until one leaves it as far away as it was.",
                _STEP,
            ),
            Wrong(
                "no more than a time constant",
                lambda real, imag: min(1.0, _largest_alpha(real, imag)),
                "Try λ = 0.5 with α = 1.5: does that mode grow? A slow mode allows more.",
                _STEP,
            ),
            Wrong(
                "the distance lost on the way",
                lambda real, imag: 2 / ((1 - real) ** 2 + imag**2),
                "Multiply the square out. Which number stands with the single α?",
                _STEP,
            ),
        ),
        another=_largest_alpha_by_halving,
    ),
)
