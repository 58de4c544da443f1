"""The grader's side of a sandbox: start it, run cells, call functions, and watch what it uses."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import re
import secrets
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tools.teaching.sandbox.codec import Malformed, decode, encode
from tools.teaching.sandbox.limits import LARGEST_REPLY, Limits
from tools.teaching.sandbox.methods import Method
from tools.teaching.sandbox.processes import private_mb, tree, usage, waiting_mb
from tools.teaching.sandbox.worker import PATIENCE

_POLL_S = 0.05
_GRACE_S = 3.0  # beyond the worker's own limit of a call
_KEPT = 2000  # bytes of what it printed, to say why a sandbox could not start

_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")  # shown, so no other text may stand there

REASONS = {
    "time": "it took longer than its time limit",
    "computing": "it computed longer than its limit",
    "memory": "it used more memory than its limit",
    "processes": "it started more processes than its limit",
    "output": "it printed more than its limit",
    "ended": "it ended its own process",
    "replies": "its process sent what is no reply",
}


class Stopped(Exception):
    """The processes of a submission were ended; ``reason`` is a key of ``REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


@dataclass(frozen=True)
class Reply:
    """What came of a cell or a call.

    Attributes:
        value: What the function returned.
        error: Built-in kind of error that it raised; empty if none.
        place: Cell and line of the submission in which it was raised.
        package: The package that was not found, where that was the error.
        late: Whether it was interrupted at its time limit.
        missing: Whether there is no such function.
    """

    value: Any = None
    error: str = ""
    place: tuple[str, int] | None = None
    package: str = ""
    late: bool = False
    missing: bool = False


class Session:
    """One start of a submission's processes. Use it in a ``with`` statement.

    The processes end with the thread that made the session, whatever ends that.

    Args:
        method: How they are closed in.
        limits: What they may use.
        slot: 0, 1, ...: differs between sessions at the same time.
    """

    def __init__(self, method: Method, limits: Limits, slot: int = 0) -> None:
        self._method, self._limits = method, limits
        self._label = f"submission-{secrets.token_hex(8)}"
        self._folder = tempfile.TemporaryDirectory(prefix="nmcourse-", ignore_cleanup_errors=True)
        self._deadline = time.monotonic() + limits.wall_s
        self._reason: str | None = None
        self._printed, self._start = 0, b""
        self._replies = b""
        with tempfile.TemporaryFile() as more:
            start = method.start(limits, slot, self._folder.name, self._label, more.fileno())
            more.write(b"".join(word.encode() + b"\0" for word in start.more))
            more.seek(0)
            self._process = subprocess.Popen(
                start.line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=method.environment(),
                cwd="/",
                start_new_session=True,
                pass_fds=(more.fileno(),) if start.more else (),
            )
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        self._unsent = start.first_input()  # goes out before the first request

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def cell(
        self, number: int, code: str, seconds: float, statements: Sequence[int] | None = None
    ) -> Reply:
        """Run a cell; a statement that fails costs itself, and the first of these is reported.

        Args:
            number: Number of the cell; 0 for code of the grader.
            code: Its plain Python.
            seconds: Seconds of computing that it may take.
            statements: Which of its statements are run, from 0; None: all.

        Raises:
            Stopped: Its processes were ended.
        """
        request = {"do": "cell", "number": number, "code": code, "seconds": seconds}
        return self._ask(request | {"statements": statements})

    def call(self, name: str, arguments: tuple[Any, ...], seconds: float) -> Reply:
        """Call a function that a cell has defined.

        Raises:
            Stopped: Its processes were ended.
        """
        sent = [encode(argument) for argument in arguments]
        return self._ask({"do": "call", "name": name, "arguments": sent, "seconds": seconds})

    def said(self) -> str:
        """Return the beginning of what was printed."""
        return self._start.decode(errors="replace")

    def close(self) -> None:
        """End everything that was started."""
        self._kill()
        self._watcher.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._folder.cleanup()

    def _ask(self, request: dict[str, Any]) -> Reply:
        token = secrets.token_hex(8)
        tries = 2 if request["do"] == "call" else 1
        allowed = tries * PATIENCE * request["seconds"] + _GRACE_S
        deadline = min(self._deadline, time.monotonic() + allowed)
        if request["do"] == "cell" and request["number"] == 0:
            deadline = self._deadline  # the start of Python is no fault of the submission
        data = self._unsent + json.dumps(request | {"id": token}).encode() + b"\n"
        self._unsent = b""
        self._send(data, deadline)
        line = self._line(deadline)
        try:
            return _reply(json.loads(line), token)
        except Exception:  # whatever reading it raises, the submission has sent it
            self._stop("replies")
            raise Stopped("replies") from None

    def _send(self, data: bytes, deadline: float) -> None:
        while data:
            self._wait(self._to, select.POLLOUT, deadline)
            with contextlib.suppress(BlockingIOError):
                try:
                    data = data[os.write(self._to, data[:65536]) :]
                except BrokenPipeError:
                    self._ended()

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._replies:
            self._wait(self._from, select.POLLIN, deadline)
            with contextlib.suppress(BlockingIOError):
                part = os.read(self._from, 1 << 20)
                if not part:
                    self._ended()
                self._replies += part
            if len(self._replies) > LARGEST_REPLY:
                self._stop("replies")
                raise Stopped("replies")
        line, self._replies = self._replies.split(b"\n", 1)
        return line

    def _wait(self, file: int, event: int, deadline: float) -> None:
        """Wait until a pipe is ready; raise when time is up or the watcher ended the processes."""
        poll = select.poll()
        poll.register(file, event)
        while True:
            if self._reason:
                raise Stopped(self._reason)
            left = deadline - time.monotonic()
            if left <= 0:
                self._stop("time")
                raise Stopped(self._reason or "time")
            if poll.poll(1000 * min(left, 0.5)):
                return

    def _ended(self) -> None:
        """The pipe is closed: give the watcher a moment to say why."""
        self._kill()
        self._watcher.join()
        raise Stopped(self._reason or "ended")

    def _watch(self) -> None:
        """Drain what is printed, and end the processes when they use too much."""
        assert self._process.stderr
        file, open_ = self._process.stderr.fileno(), True
        poll = select.poll()
        poll.register(file, select.POLLIN)
        measured = 0.0
        while self._process.poll() is None:
            if not open_:
                time.sleep(_POLL_S)
            elif poll.poll(1000 * _POLL_S):
                open_ = self._drain(file)
            if time.monotonic() - measured > _POLL_S:
                if reason := self._excess():
                    self._stop(reason)
                measured = time.monotonic()
        if self._process.returncode in (128 + signal.SIGXCPU, -signal.SIGXCPU):
            self._reason = self._reason or "computing"
        while open_ and poll.poll(0):
            open_ = self._drain(file)
            if self._printed > 1000 * self._limits.output_kb:
                break

    def _drain(self, file: int) -> bool:
        part = os.read(file, 1 << 16)
        self._printed += len(part)
        self._start = (self._start + part)[:_KEPT]
        return bool(part)

    def _excess(self) -> str:
        """The limit that is passed; empty if none is."""
        limits = self._limits
        if self._printed > 1000 * limits.output_kb:
            return "output"
        if time.monotonic() > self._deadline:
            return "time"
        now = usage(self._process.pid)
        if now.cpu_s > limits.cpu_s:
            return "computing"
        if now.processes > limits.processes + 4:  # with those that close it in
            return "processes"
        left = limits.memory_mb - waiting_mb(self._process.pid)
        too_much = now.memory_mb > left
        return "memory" if too_much and private_mb(self._process.pid) > left else ""

    def _stop(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._kill()

    def _kill(self) -> None:
        """End the first process; with it go all others, in new namespaces by the kernel."""
        if command := self._method.stop(self._label):
            subprocess.run(command, capture_output=True, check=False, timeout=30)
        if self._process.poll() is None:
            others = [] if self._method.protected else tree(self._process.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            for process in others:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
        self._process.wait()


def _reply(wire: Any, token: str) -> Reply:
    """Read a reply; it may be forged, so nothing about it is taken for granted."""
    if not isinstance(wire, dict) or wire.get("id") != token:
        raise Malformed("not a reply")
    if wire.get("late") is True or wire.get("missing") is True:
        return Reply(late="late" in wire, missing="missing" in wire)
    if "error" not in wire:
        return Reply(value=decode(wire.get("value")))
    error = wire["error"]
    if not isinstance(error, dict) or not _is_error(error.get("type")):
        raise Malformed("not an error")
    name = error.get("package")
    package = name if isinstance(name, str) and _PACKAGE.fullmatch(name) else ""
    return Reply(error=error["type"], place=_place(error.get("line")), package=package)


def _is_error(name: Any) -> bool:
    """Whether it is the name of a built-in error: it is shown, so no other text may stand there."""
    kind = getattr(builtins, name, None) if isinstance(name, str) else None
    return isinstance(kind, type) and issubclass(kind, BaseException)


def _place(wire: Any) -> tuple[str, int] | None:
    good = isinstance(wire, list) and len(wire) == 2 and re.fullmatch("[0-9]{1,6}", str(wire[0]))
    return (str(wire[0]), wire[1] % 100_000) if good and type(wire[1]) is int else None
