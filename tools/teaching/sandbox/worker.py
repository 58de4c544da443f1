"""Inside the sandbox: run statements of a submission, and call its functions when asked.

Requests and replies are lines of JSON. The pipes are taken away from the standard streams first, so
that what a submission prints goes elsewhere. A submission shares this process and can break it or
forge its replies: the grader treats all that comes from here as an answer, and nothing else.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
import inspect
import json
import os
import signal
import sys
import types
from collections.abc import Iterator
from typing import Any

from tools.teaching.sandbox.codec import decode, encode

PATIENCE = 4.0  # seconds that may pass for one of computing
NOTHING = types.SimpleNamespace()


class TimeIsUp(BaseException):
    """A cell or a call takes too long."""


class Shell:
    """What ``get_ipython()`` returns: it takes every command, and does nothing."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.user_ns = names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: [] if name == "getoutput" else None


class Notebook:
    """The names of a notebook, and what its statements have set for those that follow.

    Attributes:
        names: Its names, with what a notebook offers and plain Python does not.
    """

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.names = module.__dict__
        shell = Shell(self.names)
        self.names.update(
            __builtins__=builtins,
            display=lambda *_, **__: None,
            get_ipython=lambda: shell,
            In=[""],
            Out={},
            _="",
            __="",
            ___="",
        )
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._loop: Any = None

    def run(self, node: ast.stmt, file: str) -> None:
        """Run a statement."""
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                feature = getattr(__future__, alias.name, None)
                self._flags |= getattr(feature, "compiler_flag", 0)
        code = compile(ast.Module([node], []), file, "exec", self._flags, dont_inherit=True)
        if not code.co_flags & inspect.CO_COROUTINE:
            exec(code, self.names)
            return
        import asyncio

        self._loop = self._loop or asyncio.new_event_loop()
        self._loop.run_until_complete(eval(code, self.names))


def main() -> None:
    """Serve requests until there are none."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, open for good
    builtins.input = lambda *_: ""
    sys.path.insert(0, "")  # as in a notebook, which imports what it has written
    notebook = Notebook()
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.signal(signal.SIGPROF, _time_is_up)
    for line in requests:
        request = json.loads(line)
        reply: dict[str, Any] = {"error": {"type": "SystemExit", "line": None}}
        with contextlib.suppress(BaseException):
            reply = (
                _cell(request, notebook) if request["do"] == "cell" else _call(request, notebook)
            )
        reply["id"] = request["id"]
        replies.write(json.dumps(reply).encode() + b"\n")


def _cell(request: dict[str, Any], notebook: Notebook) -> dict[str, Any]:
    """Run the statements of a cell; one that fails costs itself, and the first one is told."""
    file = f"<cell {request['number']}>"
    first: dict[str, Any] = {}
    with warnings_off():
        try:
            statements = ast.parse(request["code"], file).body
            chosen = request["statements"]
            if chosen is not None:
                statements = [statements[index] for index in chosen]
            with _limited(request["seconds"]):
                for node in statements:
                    try:
                        notebook.run(node, file)
                    except TimeIsUp:
                        raise
                    except BaseException as error:
                        first = first or _raised(error)
        except BaseException as error:
            return first or _raised(error)
    return first


def _call(request: dict[str, Any], notebook: Notebook) -> dict[str, Any]:
    function = notebook.names.get(request["name"], NOTHING)
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
    found = {"type": _known(type(error)), "line": place}
    if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str):
        found["package"] = error.name.split(".")[0]
    return {"error": found}


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
