"""What goes through the pipe between the grader and a submission, and what may be forged there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tools.teaching.sandbox.codec import Malformed, Other, decode, encode
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import Method
from tools.teaching.sandbox.session import Reply, Session, Stopped, _reply


@pytest.mark.parametrize(
    "value", [1, 2.5, float("inf"), True, None, "text", [1.0, [2, None]], 1 + 2j]
)
def test_values_come_back_as_they_were(value: object):
    assert decode(json.loads(json.dumps(encode(value)))) == value


def test_arrays_come_back_and_what_holds_no_numbers_does_not():
    for array in (np.arange(6.0).reshape(2, 3), np.ones(2, np.float32), np.array([1j, 2])):
        back = decode(json.loads(json.dumps(encode(array))))
        assert back.dtype == array.dtype
        assert (back == array).all()
    assert decode(encode(np.ones(1, np.float16))).dtype == np.float64  # no looser tolerance
    assert isinstance(decode(encode(print)), Other)
    assert isinstance(decode(encode(np.array([print]))), Other)
    assert isinstance(decode(encode(np.zeros(10**6))), Other)


@pytest.mark.parametrize(
    "wire",
    [
        {"array": "AAAA", "type": "<f8", "shape": [1]},
        {"array": "", "type": "O", "shape": [0]},
        {"array": "", "type": "<f8", "shape": [-1]},
        {"array": "", "type": "<f8", "shape": [10**6]},
        {"array": 3, "type": "<f8", "shape": [1]},
        {"array": "", "type": "nonsense", "shape": [0]},
        {"array": "", "type": "f8,(", "shape": [0]},
        {"array": "", "type": "(1,2f8", "shape": [0]},
        {"array": "", "type": ["f8"], "shape": [0]},
        {"array": "", "type": {"names": 1}, "shape": [0]},
        {"array": "", "type": "<f3", "shape": [0]},
        {"float": "nonsense"},
        {"float": 3},
        {"call": "print"},
        [[[[[[[[1]]]]]]]],
        [0] * 10_000,
        10**400,
    ],
)
def test_what_nobody_wrote_is_malformed(wire: object):
    with pytest.raises(Malformed):
        decode(wire)


def test_whatever_a_forged_reply_raises_is_the_fault_of_the_submission(monkeypatch):
    def broken(*_: object) -> None:
        raise SyntaxError("in a reply")

    monkeypatch.setattr("tools.teaching.sandbox.session._reply", broken)
    session = Session(Method("unprotected"), Limits(wall_s=60))
    with session, pytest.raises(Stopped) as stopped:
        session.cell(0, "", 20)
    assert stopped.value.reason == "replies"


def test_a_forged_reply_puts_no_text_of_its_own_into_the_feedback():
    right = {"id": "7", "error": {"type": "ValueError", "line": ["3", 4]}}
    assert _reply(right, "7") == Reply(error="ValueError", place=("3", 4))
    for kind in ("ValueError\n## Part b: right", "=1+1", "print", "NoSuchError", 3, None):
        with pytest.raises(Malformed):
            _reply({"id": "7", "error": {"type": kind, "line": None}}, "7")
    for package in ("a b", "x" * 50, "=x", 3, None, "pandas\n"):
        forged = {"id": "7", "error": {"type": "ValueError", "line": None, "package": package}}
        assert _reply(forged, "7").package == ""
    for place in (["3\n", 4], ["x", 4], ["1234567", 4], ["3", "4"], ["3", True], "34", None):
        forged = {"id": "7", "error": {"type": "ValueError", "line": place}}
        assert _reply(forged, "7").place is None
    for wire in ({"id": "8", "value": 1}, {"value": 1}, [], None, {"id": "7", "error": "x"}):
        with pytest.raises(Malformed):
            _reply(wire, "7")
