"""Whatever an answer does, the check comes back with something that helps, and harms nothing."""

from __future__ import annotations

import math
import sys
import time

import numpy as np
import pytest
import torch

from nmcourse.exercises import check, exercise
from nmcourse.exercises.checking import limits
from nmcourse.exercises.checking.compare import compare
from nmcourse.exercises.checking.limits import MOST_PRINTED, protected
from nmcourse.models import ClampedGain

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


def test_networks_trials_and_functions_are_named_in_the_call_that_failed():
    def tried(name, result):
        return lines(check(name, lambda *_: result, seed=0))["Tried"]

    assert "networks=[<LowRankRNN with " in tried("mwg-6", -1.0)
    assert "trials=Reaches(target=[[" in tried("reach-1", torch.zeros(1, 80, 2))
    assert "nonlinearity=identity)" in tried("gain-4", -1.0)


def test_who_changes_a_network_or_trials_is_told_so():
    def held(network, inputs, k):
        mean = float(network(inputs).gains[..., k].mean())
        network.modulator = ClampedGain(network.modulator, {k: mean})
        return network

    def spliced(first, second, k):
        first.gains[:, k:] = second.gains[:, k:]
        return first

    def blind(forces, trials):
        positions = exercise("reach-1").reference(forces, trials)
        trials.push.mul_(30)
        return positions

    for name, answer, argument in (
        ("time-2", held, "network"),
        ("tasks-3", spliced, "first"),
        ("reach-1", blind, "trials"),
    ):
        result = check(name, answer)
        assert result.passed
        assert f"changes its argument {argument}:" in lines(result)["Note"]
        assert "Note" not in lines(check(name, exercise(name).reference))


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


def test_a_result_or_the_wrong_arguments_in_place_of_a_function():
    assert "Give the function itself" in repr(overlap(0.8))
    assert "called with (tau_eff, tau)" in repr(overlap(lambda a: a))
    assert overlap(None).status == overlap(...).status == "not yet"


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


def test_on_a_busy_machine_seconds_of_computing_count(monkeypatch):
    """A machine that gives a process an eighth of its time, made by a slow clock."""
    clock = time.process_time

    def compute(left, right):
        end = clock() + 0.4
        while clock() < end:
            pass
        return REFERENCE(left, right)

    monkeypatch.setattr(limits, "BUSY", 10_000)
    monkeypatch.setattr(time, "process_time", lambda: clock() / 8)
    assert check("low-rank-2", compute, seed=0, seconds=0.1)
    start = time.monotonic()
    assert not check("low-rank-2", lambda a, b: time.sleep(40), seed=0, seconds=0.1)
    assert time.monotonic() - start < 35  # who sleeps does not compute
