"""What a submission can see and do while it runs, and what ends it."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.teaching.sandbox import choice
from tools.teaching.sandbox.choice import ACCEPTANCE, NoSandbox, choose
from tools.teaching.sandbox.codec import Other
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import Method, exposed
from tools.teaching.sandbox.processes import tree
from tools.teaching.sandbox.seccomp import filter_program
from tools.teaching.sandbox.session import Reply, Session, Stopped

LOOK = """
import os, socket
def attempt(action):
    try:
        return repr(action())
    except OSError as error:
        return "no: " + type(error).__name__
def look(private, port):
    found = {
        "private": os.path.exists(private),
        "root": sorted(os.listdir("/")),
        "teaching": os.listdir("/course/tools/teaching"),
        "socket": attempt(lambda: socket.create_connection(("127.0.0.1", port), 2)),
        "course": attempt(lambda: open("/course/nmcourse/new", "w")),
        "system": attempt(lambda: open("/new", "w")),
        "usr": attempt(lambda: open("/usr/new", "w")),
        "home": attempt(lambda: open(os.path.expanduser("~/new"), "w").write("x")),
        "memory": attempt(lambda: os.memfd_create("x")),
        "raw": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "chroot": attempt(lambda: os.chroot(".")),
        "command of process 1": open("/proc/1/cmdline").read().split("\\0")[-2],
        "others": [n for n in os.listdir("/proc") if n.isdigit()],
        "environment": sorted(os.environ),
        "user": os.getuid(),
    }
    import json
    return json.dumps(found)[:1000]
"""


def test_a_submission_sees_nothing_private_and_reaches_nobody(method, limits, tmp_path: Path):
    (tmp_path / "rates.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        with Session(method, limits) as session:
            session.cell(0, "import json", 20)
            assert not session.cell(1, LOOK, 20).error
            port = server.getsockname()[1]
            reply = session.call("look", (str(tmp_path / "rates.json"), port), 20)
            found = json.loads(reply.value)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert found["private"] is False
    assert found["teaching"] == ["sandbox"]
    refused = ("socket", "course", "system", "usr", "memory", "raw", "chroot")
    assert {name: found[name][:3] for name in refused} == dict.fromkeys(refused, "no:")
    assert found["home"] == "1"
    assert found["command of process 1"] == "tools.teaching.sandbox.enter"
    assert len(found["others"]) <= 3
    assert found["user"] != 0
    assert "PYTHONPATH" in found["environment"]
    assert len(found["environment"]) <= 14


ENDED = {
    "output": "while True: print('x' * 1000)",
    "memory": "import subprocess, sys\nhog = 'b = bytes([1]) * 300_000_000; input()'\n"
    "kept = [subprocess.Popen([sys.executable, '-S', '-c', hog], stdin=-1) for _ in range(4)]\n"
    "import time; time.sleep(60)",
    "ended": "import os; os._exit(0)",
    "replies": "import os\nfor k in range(3, 30):\n"
    '    try: os.write(k, b\'{"id": 1, "value": 1}\\n\')\n    except OSError: pass',
    "computing": "import os\nos.fork()\nwhile True:\n    try:\n"
    "        while True: pass\n    except BaseException: pass",
}


@pytest.mark.parametrize("reason", ENDED)
def test_what_uses_too_much_is_ended_and_leaves_nothing_behind(method, limits, reason: str):
    if reason == "computing":
        limits = replace(limits, cpu_s=2)
    with Session(method, limits) as session:
        session.cell(0, "", 20)
        with pytest.raises(Stopped) as stopped:
            _cell_and_call(session, ENDED[reason])
    assert stopped.value.reason == reason
    assert tree(session._process.pid) == [session._process.pid]


def _cell_and_call(session: Session, code: str) -> None:
    session.cell(1, code, 60)
    session.call("f", (1.0,), 5)


SURVIVED = {
    "a loop": ("while True: pass", "late"),
    "too much memory": ("kept = bytearray(10**9)", "MemoryError"),
    "a full disk": ("import os\nfor k in range(50): open(f'{k}', 'wb').write(bytes(10**6))", "OSE"),
    "many files": ("for k in range(1000): open(f'{k}', 'w').close()", "OSError"),
    "the end": ("import sys; sys.exit()", "SystemExit"),
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "no Python": ("if", "SyntaxError"),
    "an error of its own": ("class Mine(ValueError): pass\nraise Mine('secret')", "ValueError"),
    "kills": (
        "import os\nfor n in (1, -1):\n    try: os.kill(n, 9)\n    except OSError: pass\n"
        "open('/proc/1/mem', 'rb')",
        "PermissionError",
    ),
}


def test_what_fails_in_a_cell_does_not_stop_the_next_one(method, limits):
    with Session(method, limits) as session:
        session.cell(0, "", 20)
        session.cell(1, "def twice(x): return 2 * x", 20)
        for number, (name, (code, wanted)) in enumerate(SURVIVED.items(), start=2):
            reply = session.cell(number, code, 1.0)
            assert ("late" if reply.late else reply.error).startswith(wanted), name
            if reply.error not in ("MemoryError", "OSError"):
                assert reply.late or reply.place is None or reply.place[0] == str(number)
        assert session.call("twice", (np.ones(2),), 5).value.tolist() == [2, 2]
        assert session.call("thrice", (1.0,), 5).missing


def test_a_session_ends_at_its_wall_time(method):
    began = time.monotonic()
    stopped = pytest.raises(Stopped, match="longer than its time limit")
    with Session(method, Limits(wall_s=6)) as session, stopped:
        session.cell(0, "import time\ntime.sleep(600)", 600)
    assert time.monotonic() - began < 30


def test_an_answer_in_torch_is_tried_with_tensors(method):
    with Session(method, Limits(wall_s=300, cpu_s=60)) as session:
        session.cell(0, "", 20)
        session.cell(1, "import torch\ndef f(x): return x.sigmoid()", 60)
        assert session.call("f", (np.zeros(3),), 10).value.tolist() == [0.5] * 3


SOCKETS = """
import fcntl, os, socket
def number(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return 0
def sockets():
    found = [number(lambda: socket.socket(family, socket.SOCK_STREAM)) for family in range(50)]
    stream = socket.socket(socket.AF_UNIX)
    stream.bind("x")
    pair = socket.socketpair()
    return found, [
        number(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        number(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)),
        number(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)),
        number(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
        number(lambda: stream.listen()),
        number(lambda: pair[0].sendmsg([b"x"])),
        number(lambda: pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10**6)),
        number(lambda: fcntl.fcntl(os.pipe()[1], 1031, 10**6)),
    ]
"""
FILLED = """
import os, socket, time
def fill():
    kept = []
    try:
        while True:
            kept.append(socket.socketpair())
            for one in kept[-1]:
                one.setblocking(False)
                try:
                    while True:
                        one.send(bytes(65536))
                except BlockingIOError:
                    pass
    except OSError:
        return kept
kept = fill()
for _ in range(12):
    if os.fork() == 0:
        for pair in kept:
            for one in pair:
                one.close()
        kept = fill()
        time.sleep(60)
time.sleep(30)
"""


def test_only_local_and_internet_sockets_open_and_none_of_them_listens(method, limits):
    with Session(method, limits) as session:
        session.cell(0, "", 20)
        assert not session.cell(1, SOCKETS, 20).error
        families, others = session.call("sockets", (), 20).value
    unix, inet = 1, 2
    assert [family for family, number in enumerate(families) if number == 0] == [unix, inet]
    refused, none = 1, 97  # not permitted; no such family
    assert others == [0, none, none, refused, refused, refused, refused, refused]


def test_what_waits_in_sockets_counts_as_memory(method, limits):
    with Session(method, replace(limits, memory_mb=300)) as session:
        session.cell(0, "import numpy", 20)
        with pytest.raises(Stopped, match="more memory"):
            session.cell(1, FILLED, 60)


def test_what_a_notebook_offers_is_there_and_quiet(method, limits):
    code = (
        "from __future__ import annotations\n"
        "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().kernel\n"
        "name = input('Your name? ')\ndisplay(name)\n_ = In, Out\nimport asyncio\n"
        "x = await asyncio.sleep(0, 5)\n"
        "y = [k async for k in (z async for z in numbers())] if False else 1\n"
        "1 / 0\n"
        "def f(a: Unknown): return x + len(name) + a"
    )
    with Session(method, limits) as session:
        session.cell(0, "", 20)
        assert session.cell(1, code, 20) == Reply(error="ZeroDivisionError", place=("1", 10))
        assert session.call("f", (1,), 5).value == 6
        assert session.cell(2, "import json.nothing, nobody.x", 5).package == "json"
        assert session.cell(3, "x = 1\nx = 2\nx = 3", 5, [0, 1]) == Reply()
        assert session.call("f", (1,), 5).value == 3


NUMBERS = """
from decimal import Decimal
from fractions import Fraction
import numpy as np, sympy
def f(kind):
    return {
        "fraction": Fraction(1, 2), "decimal": Decimal("0.5"), "sympy": sympy.Rational(1, 2),
        "list": [Fraction(1, 2)], "array": np.array([Fraction(1, 2)]), "matrix": sympy.eye(1) / 2,
        "complex": sympy.I, "bool": True, "numpy bool": np.bool_(True), "range": range(2),
        "text": "0.5", "texts": np.array(["0.5"], dtype=object), "set": {0.5}, "none": None,
        "function": f, "huge": Fraction(10**400),
    }[kind]
"""


def test_every_kind_of_number_is_a_number(method, limits):
    with Session(method, replace(limits, cpu_s=60)) as session:
        session.cell(0, "", 20)
        assert not session.cell(1, NUMBERS, 60).error
        found = {
            kind: session.call("f", (kind,), 20).value
            for kind in re.findall(r'"([a-z ]+)":', NUMBERS)
        }
    for kind in ("fraction", "decimal", "sympy", "list", "array", "matrix"):
        assert np.asarray(found[kind]).ravel().tolist() == [0.5], kind
    assert found["complex"] == 1j
    assert found["bool"] is True
    assert found["numpy bool"] == 1
    assert found["range"].tolist() == [0, 1]
    assert found["text"] == "0.5"
    assert found["none"] is None
    assert all(isinstance(found[k], Other) for k in ("texts", "set", "function", "huge"))


# Choosing a way


def test_without_a_way_nothing_runs_unless_it_is_accepted_in_words(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(choice, "_found", lambda name, image: "not here")
    for words in ("", "yes", ACCEPTANCE.lower()):
        with pytest.raises(NoSandbox, match="bubblewrap: not here"):
            choose(unprotected=words)
    assert choose(unprotected=ACCEPTANCE) == Method("unprotected")
    with pytest.raises(ValueError, match="sandbox must be one of namespaces, bubblewrap, contai"):
        choose(only="chroot")


def test_elsewhere_than_on_linux_only_a_container_runs(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    for words in ("", ACCEPTANCE):
        with pytest.raises(NoSandbox, match=r"bubblewrap: needs Linux(.|\n)*Mark on Linux"):
            choose(unprotected=words)
    monkeypatch.setattr(choice, "_problem", lambda method: "")
    monkeypatch.setattr("shutil.which", lambda program: program)
    assert choose("course:1") == Method("container", "podman", "course:1")


@pytest.mark.skipif(sys.platform != "linux", reason="submissions run on Linux only")
def test_unprotected_keeps_the_limits(limits):
    with Session(Method("unprotected"), limits) as session:
        session.cell(0, "", 20)
        assert session.cell(1, "kept = [bytes(10**9), bytes(10**9)]", 20).error == "MemoryError"
        with pytest.raises(Stopped) as stopped:
            session.cell(2, "while True: print('x' * 1000)", 20)
    assert stopped.value.reason == "output"


def test_a_container_gets_no_network_no_privileges_and_limits(limits):
    line = Method("container", "podman", "course:1").start(limits, 0, "/tmp", "label", 9).line
    wanted = ["--network=none", "--read-only", "--cap-drop=ALL", "--memory=600m", "--name"]
    assert set(wanted) < set(line)
    assert line[line.index("course:1") - 1] == "--entrypoint=python3"
    assert all("homework" not in word for word in line)


def test_private_folders_must_not_lie_where_submissions_can_look(tmp_path: Path):
    assert exposed(Path("/usr/share/marks")) is not None
    assert exposed(tmp_path) is None


def test_the_filter_is_there_for_the_machines_that_it_knows():
    assert filter_program("x86_64")
    assert filter_program("aarch64")
    assert filter_program("vax") == b""
    assert len(filter_program("x86_64")) % 8 == 0


@pytest.mark.parametrize("value", [0, -1, None, True, "10"])
def test_limits_are_numbers_above_zero(value: object):
    with pytest.raises(ValueError, match="limit cpu_s must be a number above 0, got"):
        Limits(cpu_s=value)
