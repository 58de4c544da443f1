"""Inside the sandbox: run the cells of a submission, and call its functions when asked.

Requests and replies are lines of JSON. The pipes are taken away from the standard streams first, so
that what a submission prints goes elsewhere. A submission shares this process and can break it or
forge its replies: the grader treats all that comes from here as an answer, and nothing else.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import signal
import sys
import types
from collections.abc import Iterator
from typing import Any

from tools.teaching.sandbox.codec import decode, encode
from tools.teaching.sandbox.plain import plain

PATIENCE = 4.0  # seconds that may pass for one of computing
NOTHING = types.SimpleNamespace()


class TimeIsUp(BaseException):
    """A cell or a call takes too long."""


def main() -> None:
    """Serve requests until there are none."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, open for good
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    module.__dict__.update(display=lambda *_, **__: None, __builtins__=builtins)
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.signal(signal.SIGPROF, _time_is_up)
    for line in requests:
        request = json.loads(line)
        reply: dict[str, Any] = {"error": {"type": "SystemExit", "line": None}}
        with contextlib.suppress(BaseException):
            reply = _serve(request, module.__dict__)
        reply["id"] = request["id"]
        replies.write(json.dumps(reply).encode() + b"\n")


def _serve(request: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "cell":
        return _cell(request, names)
    return _call(request, names)


def _cell(request: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    file = f"<cell {request['number']}>"
    with warnings_off():
        try:
            with _limited(request["seconds"]):
                exec(compile(plain(request["code"]), file, "exec", dont_inherit=True), names)
        except BaseException as error:
            return _raised(error)
    return {}


def _call(request: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    function = names.get(request["name"], NOTHING)
    if function is NOTHING:
        return {"missing": True}
    try:
        with warnings_off(), _limited(request["seconds"]):
            return {"value": encode(function(*(decode(a) for a in request["arguments"])))}
    except (TypeError, AttributeError) as error:
        torch = sys.modules.get("torch")
        if torch is None:
            return _raised(error)
    except BaseException as error:
        return _raised(error)
    try:  # an answer in torch cannot always take arrays
        with warnings_off(), _limited(request["seconds"]):
            tensors = [_tensor(torch, decode(a)) for a in request["arguments"]]
            return {"value": encode(function(*tensors))}
    except BaseException as error:
        return _raised(error)


def _tensor(torch: Any, value: Any) -> Any:
    return torch.from_numpy(value) if hasattr(value, "dtype") and value.ndim else value


def _raised(error: BaseException) -> dict[str, Any]:
    """The type of an error, and the line of the submission in which it arose."""
    if isinstance(error, TimeIsUp):
        return {"late": True}
    place, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.startswith("<cell "):
            place = [step.tb_frame.f_code.co_filename[6:-1], step.tb_lineno]
        step = step.tb_next
    if isinstance(error, SyntaxError) and place is None:
        place = [str(error.filename)[6:-1], error.lineno]
    return {"error": {"type": _known(type(error)), "line": place}}


def _known(kind: type) -> str:
    """The nearest built-in kind of error."""
    for one in kind.__mro__:
        if getattr(builtins, one.__name__, None) is one:
            return one.__name__
    return "Exception"


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise ``TimeIsUp`` after so many seconds of computing, again and again until it ends.

    On a busy machine computing takes longer than its seconds; what only waits gets ``PATIENCE``
    times as many.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.2)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def warnings_off() -> Iterator[None]:
    """Keep warnings of a submission quiet."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _time_is_up(*_: Any) -> None:
    raise TimeIsUp


if __name__ == "__main__":
    main()
