"""Whatever an answer does, the check comes back with something that helps, and harms nothing."""

from __future__ import annotations

import math
import sys
import time

import numpy as np
import pytest
import torch

from nmcourse.exercises import check, exercise
from nmcourse.exercises.checking.compare import NotNumbers, as_array, compare
from nmcourse.exercises.checking.limits import MOST_PRINTED, protected

REFERENCE = exercise("low-rank-2").reference
SMOOTH = exercise("rates-2").reference
SLOW = 30.0  # a limit that only an answer that never ends can reach


def lines(result) -> dict[str, str]:
    return dict(result.lines)


def overlap(body):
    """Check an answer to low-rank-2, whose reference is 1 - tau / tau_eff."""
    return check("low-rank-2", body, seed=0, seconds=SLOW)


# Equivalent answers


def test_numpy_float32_tensors_and_boxes_are_accepted():
    for wrap in (np.float64, np.float32, torch.tensor, np.array, lambda v: [v], lambda v: (v,)):
        assert overlap(lambda tau_eff, tau, wrap=wrap: wrap(REFERENCE(tau_eff, tau)))
    assert overlap(lambda a, b: torch.tensor(REFERENCE(a, b), requires_grad=True))


def test_another_order_of_axes_is_accepted_and_named():
    for order, names in (((1, 0, 2), "(time, batch, input)"), ((2, 1, 0), "(input, time, batch)")):
        result = check("rates-2", lambda *a, o=order: SMOOTH(*a).permute(*o))
        assert result.passed
        assert names in lines(result)["Note"]


def test_a_lost_axis_of_size_one_is_accepted():
    assert compare(np.ones(3), np.ones((1, 3)), 1e-6).same
    assert compare(np.ones((3, 1)), np.ones(3), 1e-6).note


def test_an_answer_may_work_in_place():
    def smooth(inputs, dt, tau):
        inputs[:] = SMOOTH(inputs, dt, tau)
        return inputs

    result = check("rates-2", smooth)
    assert result.passed
    assert "changes its argument inputs" in lines(result)["Note"]


def test_a_list_of_networks_is_not_called_changed():
    result = check("mwg-6", exercise("mwg-6").reference)
    assert result.passed
    assert "Note" not in lines(result)


def test_an_answer_that_only_works_in_place_is_told_to_return():
    def smooth(inputs, dt, tau):
        inputs[:] = SMOOTH(inputs, dt, tau)

    assert "return it" in lines(check("rates-2", smooth))["Why"]


def test_an_answer_that_ruins_its_inputs_ruins_nothing_else():
    def smooth(inputs, dt, tau):
        result = SMOOTH(inputs, dt, tau)
        inputs.zero_()
        return result

    assert check("rates-2", smooth).passed
    assert check("rates-2", SMOOTH).passed


def test_an_answer_in_single_precision_or_in_numpy_is_tried_again():
    def single(inputs, dt, tau):  # single precision meets double in a matrix product
        none = torch.zeros(inputs.shape[-1], 1)
        return SMOOTH(inputs, dt, tau) + inputs @ none

    def numpy_only(inputs, dt, tau):
        return SMOOTH(torch.from_numpy(inputs.astype(float)), dt, tau)

    for function in (single, numpy_only):
        result = check("rates-2", function)
        assert result.passed, result
        assert "It was tried" in lines(result)["Note"]


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


def test_names_of_arguments_are_free():
    assert overlap(lambda a, b: 1 - b / a)
    assert overlap(lambda *both: 1 - both[1] / both[0])


# Mistakes


def test_what_an_answer_raises_is_told_with_its_own_line():
    def answer(tau_eff, tau):
        return 1 - taw / tau_eff  # noqa: F821

    result = overlap(answer)
    assert lines(result)["Came out"] == "NameError: name 'taw' is not defined"
    assert "return 1 - taw / tau_eff" in lines(result)["In your line"]
    assert "Traceback" not in repr(result)
    assert "nmcourse" not in repr(result)


def test_errors_that_fail_to_print_and_bare_ones():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    def raises(error):
        raise error

    for error, text in (
        (Odd(), "Odd"),
        (ValueError(), "ValueError"),
        (SystemExit(2), "SystemExit"),
    ):
        assert text in lines(overlap(lambda a, b, e=error: raises(e)))["Came out"]
    assert not overlap(lambda a, b: sys.exit())
    assert "without an end" in lines(overlap(endless))["Why"]


def endless(a, b):
    return endless(a, b)


def test_an_endless_loop_is_ended():
    def loop(tau_eff, tau):
        while True:
            pass

    def stubborn(tau_eff, tau):
        while True:
            try:
                math.sqrt(tau)
            except Exception:
                continue

    for answer in (loop, stubborn):
        start = time.monotonic()
        result = check("low-rank-2", answer, seconds=0.3)
        assert "had not come back after 0.3 s" in lines(result)["Came out"]
        assert "Note" not in lines(result)  # it was stopped
        assert time.monotonic() - start < 20


def test_what_cannot_be_ended_is_left_behind():
    result = check("low-rank-2", lambda a, b: time.sleep(6), seconds=0.2)
    assert "could not be stopped" in lines(result)["Note"]


def test_an_interrupt_passes_through():
    def interrupted(tau_eff, tau):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        overlap(interrupted)


def test_nothing_and_not_a_number():
    assert "ends with" not in repr(overlap(lambda a, b: None))
    assert overlap(lambda a, b: None).status == "not yet"

    def forgot(tau_eff, tau):
        result = 1 - tau / tau_eff  # noqa: F841

    assert "return" in lines(overlap(forgot))["Why"]
    assert "NaN" in lines(overlap(lambda a, b: float("nan")))["Why"]
    assert "infinite" in lines(overlap(lambda a, b: float("inf")))["Why"]
    some = overlap(lambda a, b: None if b < 100 else 1 - b / a)
    assert some.status == "not right"


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


def test_a_result_or_the_wrong_arguments_in_place_of_a_function():
    assert "Give the function itself" in repr(overlap(0.8))
    assert "called with (tau_eff, tau)" in repr(overlap(lambda a: a))
    assert overlap(None).status == overlap(...).status == "not yet"


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


def test_the_case_that_failed_can_be_tried_by_hand(capsys: pytest.CaptureFixture[str]):
    def odd(tau_eff, tau):
        print("trying", tau_eff)  # noqa: T201
        return 1 - tau / tau_eff + (0.1 if tau_eff > 600 else 0.0)

    result = check("low-rank-2", odd, seed=4)
    tau_eff, tau = result.case
    assert tau_eff > 600
    assert capsys.readouterr().out == f"trying {tau_eff}\n"  # of this case alone
    assert odd(tau_eff, tau) != pytest.approx(REFERENCE(tau_eff, tau))
    assert "result.case" in lines(result)["The same case again"]
    assert check("low-rank-2", odd, seed=4) == result  # the case is no part of what was found
    assert check("low-rank-2", REFERENCE).case == ()
    assert check("gain-2", 0.2).case == ()
    failed = check("low-rank-2", lambda tau_eff, tau: 1 / 0)
    assert failed.case == exercise("low-rank-2").example


def test_endless_output_is_cut():
    with protected() as printed:
        for _ in range(1000):
            print("x" * 1000)  # noqa: T201
    assert len(printed.text) == MOST_PRINTED


def test_a_result_that_is_printed_is_not_returned():
    def prints(tau_eff, tau):
        print(1 - tau / tau_eff)  # noqa: T201

    assert "`return` in place of `print`" in lines(overlap(prints))["Why"]


def test_arguments_in_another_order_are_named():
    result = check("low-rank-2", lambda tau, tau_eff: 1 - tau / tau_eff)
    assert "(tau_eff, tau), in this order" in lines(result)["Why"]


def test_a_slip_is_told_as_it_looks_to_somebody_who_works_as_the_page_does():
    """The networks of mwg-3 are in double precision, and the page works in single."""

    def forgot_to_ask_for_gradients(network):
        inputs = torch.zeros(1, 60, 3)
        network(inputs).outputs[0, -1].sum().backward()
        return inputs.grad[0].norm(dim=-1)

    def took_a_method_that_is_none(network):
        inputs = torch.zeros(1, 60, 3, requires_grad=True)
        network(inputs).outputs[0, -1].sum().backwards()

    def forgot_to_return(network):
        inputs = torch.zeros(1, 60, 3, requires_grad=True)
        network(inputs).outputs[0, -1].sum().backward()

    for answer, text in (
        (forgot_to_ask_for_gradients, "requires_grad=True"),
        (took_a_method_that_is_none, "backwards"),
        (forgot_to_return, "return"),
    ):
        result = check("mwg-3", answer)
        assert text in repr(result)
        assert "ouble" not in repr(result)
        assert "dtype" not in repr(result)


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


# What is around it


def test_output_settings_and_random_numbers_stay_as_they_were(capsys: pytest.CaptureFixture[str]):
    def answer(tau_eff, tau):
        print("noise" * 1000)  # noqa: T201
        print("more", file=sys.stderr)  # noqa: T201
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        torch.set_default_dtype(torch.float64)
        np.log(-np.ones(1))  # a warning
        return 1 - tau / tau_eff

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert overlap(answer)
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_default_dtype() == torch.float32
    assert capsys.readouterr() == ("", "")


def test_gradients_may_be_switched_off_around_it():
    with torch.no_grad():
        assert check("mwg-3", exercise("mwg-3").reference).status in ("correct", "not right")
        assert check("low-rank-2", REFERENCE).passed
    assert torch.is_grad_enabled()


def test_the_same_seed_tries_the_same_cases():
    def odd(tau_eff, tau):
        return 1 - tau / tau_eff + (0.1 if tau_eff > 600 else 0.0)

    first, again = (repr(check("low-rank-2", odd, seed=4)) for _ in "ab")
    assert first == again
    assert "seed=4" in first


def test_a_result_displays_itself_in_words_and_in_html():
    result = overlap(lambda a, b: b / a)
    assert repr(result).startswith("✘ Not right yet: low-rank-2")
    page = result._repr_html_()
    assert 'role="region"' in page
    assert "Not right yet" in page
    assert "the leak that is left" in page
    hostile = overlap(lambda a, b: 1 / 0 if a else "<script>")
    assert "<script>" not in hostile._repr_html_()
