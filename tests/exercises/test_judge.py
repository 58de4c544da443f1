"""What is right, what is wrong, and how a wrong result is described."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nmcourse.exercises import check, exercise
from nmcourse.exercises.checking.compare import NotNumbers, as_array, compare

REFERENCE = exercise("low-rank-2").reference


def lines(result) -> dict[str, str]:
    return dict(result.lines)


def overlap(body):
    """Check an answer to low-rank-2, whose reference is 1 - tau / tau_eff."""
    return check("low-rank-2", body, seed=0, seconds=30.0)


def test_a_number_is_told_how_often_it_is_right_or_on_which_side_it_errs():
    def why(answer):
        return lines(check("loss-6", answer, seed=0))["Why"]

    assert why(lambda n, doubt: 1 - doubt ** (1 / n) + n / 1000) == (
        "Your result is too large in every case."
    )
    assert why(lambda n, doubt: 0.9 - doubt ** (1 / n) * 0.9) == (
        "Each of your results is 0.9 times the expected one."
    )
    assert why(lambda n, doubt: (1 - doubt ** (1 / n)) / (1 + n)) == (
        "Your result is too small in every case."
    )
    assert why(lambda n, doubt: 1 - doubt ** (1 / 2) + 0 * n) == (
        "Right for the example and for no other case. What in it holds for the example only?"
    )
    assert "What is special about this one?" in why(
        lambda n, doubt: 1 - doubt ** (1 / n) + (n == 2)
    )
    assert "rounded" in why(lambda n, doubt: round(1 - doubt ** (1 / n), 2))
    assert "same in every case" in why(lambda n, doubt: 0.25)
    nothing = check("loss-2", lambda share, duration, tau: 0.0)
    assert "rounded" not in lines(nothing)["Why"]

    def alternating(n, doubt):
        return (1 - doubt ** (1 / n)) * (1 + (-1) ** n / 10)

    assert why(alternating) == "The two numbers differ."


def test_what_is_no_number_is_named():
    for value, text in (
        ("0.8", "type str"),
        (object(), "type object"),
        ({"overlap": 0.8}, "type dict"),
        ([], "an empty list"),
        ([1.0, [2.0, 3.0]], "parts of different shapes"),
        (np.array(["a"]), "array of <U1"),
    ):
        assert text in lines(overlap(lambda a, b, v=value: v))["Why"]
    assert "generator" in lines(overlap(lambda a, b: (x for x in "a")))["Why"]
    with pytest.raises(NotNumbers):
        as_array(torch.ones(2, 2).to_sparse())


def test_differences_are_described():
    sought = {
        "wrong sign": lambda a, b: -REFERENCE(a, b),
        "3 times": lambda a, b: 3 * REFERENCE(a, b),
        "off by 0.25": lambda a, b: 0.25 + REFERENCE(a, b),
        "shape (2,)": lambda a, b: [REFERENCE(a, b)] * 2,
    }
    for text, answer in sought.items():
        assert text in lines(overlap(answer))["Why"]
    wanted = np.arange(12.0).reshape(3, 4) ** 2
    for text, found in (
        ("transposed", wanted.T),
        ("reverse order along axis 1", wanted[:, ::-1]),
        ("shifted by one step along axis 1", np.roll(wanted, 1, axis=1)),
        ("zero everywhere", 0 * wanted),
        ("largest difference is 7, at index (1, 2)", wanted + 7 * (wanted == 36)),
    ):
        assert text in compare(found, wanted, 1e-6).reason
    assert "imaginary" in compare(wanted + 1j, wanted, 1e-6).reason
    assert compare(wanted + 0j, wanted, 1e-6).same


def test_a_number_is_checked_without_showing_it():
    assert check("gain-2", 0.1353).passed
    assert check("gain-2", torch.tensor(0.1353)).passed
    assert check("gain-2", lambda: 0.1353).passed
    assert check("gain-2", 0.14).passed  # two digits, by hand
    for wrong in (0.2, -0.1353, None, "0.1353", float("nan")):
        result = check("gain-2", wrong)
        assert not result
        assert "Expected" not in lines(result)
        assert "0.135335" not in repr(result)
    assert check("gain-2", 1.0).misconception == "as if the gain stayed open"


def test_where_zero_is_expected_a_rounding_error_is_right():
    from scipy.optimize import brentq

    def by_root_finding(share, n):
        return brentq(lambda b: (1 / (1 + math.exp(-b))) ** n - share, -30, 30)

    assert check("tasks-5", by_root_finding)

    def by_a_complex_sum(left, centre, right, frequency):
        turn = np.exp(2j * np.pi * frequency)
        return abs(left / turn + centre + right * turn)

    assert check("conv-2", by_a_complex_sum)
    assert not check("tasks-5", lambda share, n: by_root_finding(share, n) + 1e-3)
    assert not compare(1e-9, 0.0, 1e-5).same
    assert compare(1e-9, 0.0, 1e-5, scale=1.0).same
    assert not compare(1e-3, 0.0, 1e-5, scale=1.0).same


def test_the_type_is_judged_where_the_text_asks_for_a_whole_number():
    exact = exercise("start-1").reference
    for wrap in (int, np.int64, torch.tensor, np.array):
        assert check("start-1", lambda d, dt, wrap=wrap: wrap(exact(d, dt)))
    for wrong in (float, np.float64, lambda n: torch.tensor(float(n)), str):
        assert not check("start-1", lambda d, dt, wrong=wrong: wrong(exact(d, dt)))
    result = check("start-1", lambda duration, dt: duration / dt)
    assert lines(result)["Came out"] == "2.9999999999999996"  # all its digits


def test_whole_numbers_are_exact_in_single_precision_as_well():
    count = exercise("conv-1").reference
    assert check("conv-1", lambda *a: torch.tensor(float(count(*a))))
    assert not check("conv-1", lambda *a: torch.tensor(float(count(*a) + 1)))


def test_fractions_decimals_and_objects_that_are_arrays_are_numbers():
    from decimal import Decimal
    from fractions import Fraction

    class Series:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, 2.0])

    assert check("low-rank-5", lambda n: Fraction(n, 2))
    assert check("gain-2", Decimal("0.135"))
    assert compare(np.array([Fraction(1, 2)], dtype=object), [0.5], 1e-6).same
    assert compare(Series(), [1, 2], 1e-6).same


def test_another_reading_of_the_text_is_right_and_is_named():
    steps, step = exercise("time-3").reference, exercise("time-5").reference
    result = check("time-3", lambda *a: math.ceil(steps(*a)))
    assert result.passed
    assert "rounded up" in lines(result)["Note"]
    assert check("time-5", lambda *a: abs(step(*a)))
    assert not check("time-3", lambda *a: math.floor(steps(*a)))
    assert not check("time-3", lambda *a: math.ceil(steps(*a)) + 1)
    assert not check("time-5", lambda *a: -step(*a))


def test_a_factor_of_one_case_is_not_told_of_all():
    clock = exercise("low-rank-3").reference
    same = check("low-rank-3", lambda *a: 1.5 * clock(*a))
    assert lines(same)["Why"].startswith("Each entry of your result is 1.5 times")
    other = check("low-rank-3", lambda p, r, tau: (1 + r) * clock(p, r, tau))
    assert lines(other)["Why"].startswith("In this case: Each entry")


def test_what_is_no_network_is_named_where_one_was_asked_for():
    result = check("time-2", lambda network, inputs, k: network(inputs).gains)
    assert "and no network" in lines(result)["Why"]
    broken = check("time-2", lambda network, inputs, k: torch.nn.Linear(2, 2))
    assert "fails when it is used" in lines(broken)["Why"]


def test_an_answer_that_uses_torch_func_is_right():
    def by_grad(network, **of_zeros):
        grad = torch.func.grad(lambda u: network(u).outputs[0, -1, 0])
        length = grad(torch.zeros(1, 60, 3, **of_zeros))[0].norm(dim=-1)
        return length / length[-1]

    assert check("mwg-3", by_grad)  # of single precision, as on the page
    assert check("mwg-3", lambda network: by_grad(network, dtype=torch.float64))

    def by_jacobian(network):
        row = torch.func.jacrev(lambda u: network(u).outputs[0, -1, 0])(
            torch.zeros(1, 60, 3, dtype=torch.float64)
        )[0]
        return (row.norm(dim=1) / row[-1].norm()).tolist()

    assert check("mwg-3", by_jacobian)
    wrong = check("mwg-3", lambda network: by_grad(network).flip(0))
    assert wrong.misconception == "counted from the end"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", [1000, 4000, 50_000])
def test_a_bootstrap_with_another_number_of_draws_is_always_told_so(number: int, seed: int):
    interval = exercise("time-4").another
    assert check("time-4", interval, seed=seed, seconds=60)
    result = check("time-4", lambda theirs, ours, n: interval(theirs, ours, number), seed=seed)
    assert "draw n_draws times" in lines(result)["Why"]


def test_a_search_that_stops_too_early_is_told_so():
    tau = exercise("start-2").reference

    def stopped(record, share):
        return 100 + share * (tau(record) - 100)

    for share in (0.1, 0.5, 0.9, 0.97):
        result = check("start-2", lambda record, share=share: stopped(record, share), seed=0)
        assert "ends before the two agree" in lines(result)["Why"]
    for share in (-0.5, 1.2):  # the wrong way, or too far
        result = check("start-2", lambda record, share=share: stopped(record, share), seed=0)
        assert "ends before" not in lines(result)["Why"]
