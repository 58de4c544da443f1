"""Call a function that may be wrong in any way: raise, exit, print, or never come back."""

from __future__ import annotations

import contextlib
import ctypes
import io
import random
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

BUSY = 10  # on a busy machine, so many times the limit may pass while a function computes
ASLEEP_S = 0.002  # who computes less in a second waits for something else
GRACE_S = 1.0  # how long a function that ran out of time may take to end
MOST_PRINTED = 4000  # characters that are kept of what a call prints


class TimeIsUp(BaseException):
    """Raised inside an answer that ran out of time; no ``except Exception`` catches it."""


@dataclass
class Outcome:
    """What came of one call.

    Attributes:
        value: What was returned; None if nothing was.
        error: What was raised, or None.
        timed_out: Whether the time limit ended the call.
        stuck: Whether it could not be ended and still runs.
    """

    value: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    stuck: bool = False


class Printed(io.TextIOBase):
    """Takes what an answer prints and keeps its beginning, so that endless output costs nothing.

    Attributes:
        text: The beginning of what was printed.
    """

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep the beginning; say that all was written."""
        self.text += text[: MOST_PRINTED - len(self.text)]
        return len(text)


@contextlib.contextmanager
def protected() -> Iterator[Printed]:
    """Keep output, warnings and global settings of an answer from the notebook around it."""
    dtype = torch.get_default_dtype()
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    sink = Printed()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield sink
        finally:
            torch.set_default_dtype(dtype)
            torch.set_rng_state(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
            random.setstate(states[2])


def call(function: Callable[..., Any], arguments: Sequence[Any], seconds: float) -> Outcome:
    """Call a function in a thread of its own, for at most so many seconds.

    On a machine that is busy with other things these are seconds of computing. An endless loop in
    Python is ended. A call that Python cannot interrupt, such as a long sleep, is left behind; the
    caller gets the answer all the same.

    Args:
        function: Any function.
        arguments: Its positional arguments.
        seconds: Time limit.

    Raises:
        KeyboardInterrupt: Somebody interrupted the call, or the function raised it.
    """
    outcome, gradients = Outcome(), torch.is_grad_enabled()
    finished = threading.Event()

    def work() -> None:
        with contextlib.suppress(BaseException):  # a late TimeIsUp
            try:
                with torch.set_grad_enabled(gradients):
                    outcome.value = function(*arguments)
            except BaseException as error:
                outcome.error = error
            finally:
                finished.set()

    thread = threading.Thread(target=work, name="nmcourse answer", daemon=True)
    thread.start()
    try:
        in_time = _in_time(finished, seconds)
    except BaseException:
        _end(thread, finished)
        raise
    if not in_time:
        ended = _end(thread, finished)
        return Outcome(timed_out=True, stuck=not ended)
    thread.join(GRACE_S)
    if isinstance(outcome.error, KeyboardInterrupt):
        raise KeyboardInterrupt
    return outcome


def _in_time(finished: threading.Event, seconds: float) -> bool:
    """Whether a call ends in time: within the seconds, or later if it could not compute so long."""
    began, computed = time.monotonic(), time.process_time()
    if finished.wait(seconds):
        return True
    while time.monotonic() - began < BUSY * seconds:
        before = time.process_time()
        if before - computed >= seconds:
            return False
        if finished.wait(1.0):
            return True
        if time.process_time() - before < ASLEEP_S:
            return False
    return False


def _end(thread: threading.Thread, finished: threading.Event) -> bool:
    """Raise ``TimeIsUp`` in a thread until it ends or the grace is over; return whether it did."""
    deadline = time.monotonic() + GRACE_S
    while not finished.is_set() and time.monotonic() < deadline:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeIsUp)
        )
        finished.wait(0.05)
    return finished.is_set()
