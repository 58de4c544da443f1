"""Files that several processes share, and processes that are stopped while they write."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from nmcourse import pretrained
from nmcourse._files import Busy, locked, replacing, write_bytes, write_text
from nmcourse.claims.runner import run
from nmcourse.evidence.record import ClaimError
from nmcourse.experiments.registry import by_claim

ROOT = Path(__file__).parents[2]
SIZE = 100_000  # bytes, more than one call writes

WRITE = """
import signal, sys
from pathlib import Path
from nmcourse._files import write_bytes
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
path, letter, times = Path(sys.argv[1]), sys.argv[2].encode(), int(sys.argv[3])
for _ in range(times):
    write_bytes(path, letter * {size})
"""

COUNT = """
import json, sys
from pathlib import Path
from nmcourse._files import locked, write_text
folder = Path(sys.argv[1])
for _ in range(40):
    with locked(folder):
        path = folder / "count.json"
        write_text(path, json.dumps(json.loads(path.read_text()) + 1))
"""

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no such signals or locks")


def start(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Another Python process, which imports nothing that takes long."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def writer(path: Path, letter: str, times: int) -> subprocess.Popen[bytes]:
    return start(WRITE.replace("{size}", str(SIZE)), path, letter, times)


def ended(process: subprocess.Popen[bytes]) -> bytes:
    """What a process said when it ended; one that does not end is stopped, and fails the test."""
    try:
        return process.communicate(timeout=120)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def is_whole(content: bytes) -> bool:
    return len(content) == SIZE and content == content[:1] * SIZE


def test_readers_see_whole_files_while_others_write(tmp_path):
    path = tmp_path / "shared"
    write_bytes(path, b"-" * SIZE)
    writers = [writer(path, letter, 60) for letter in "abc"]
    seen = set()
    while any(process.poll() is None for process in writers):
        content = path.read_bytes()
        assert is_whole(content)
        seen.add(content[:1])
    assert [ended(process) for process in writers] == [b""] * 3
    assert len(seen) > 1  # they did write meanwhile
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_lock_loses_no_change(tmp_path):
    write_text(tmp_path / "count.json", "0")
    counters = [start(COUNT, tmp_path) for _ in range(3)]
    assert [ended(process) for process in counters] == [b""] * 3
    assert json.loads((tmp_path / "count.json").read_text()) == 120


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_writer_that_is_stopped_leaves_a_whole_file(tmp_path, number):
    path, moments = tmp_path / "shared", random.Random(int(number))
    write_bytes(path, b"-" * SIZE)
    for _ in range(6):
        process = writer(path, "n", 10**5)
        while path.read_bytes()[:1] != b"n":  # it has begun
            assert process.poll() is None
        time.sleep(0.01 * moments.random())
        process.send_signal(number)
        ended(process)
        assert process.returncode != 0
        assert is_whole(path.read_bytes())
        stray = [file.name for file in tmp_path.iterdir() if file != path]
        assert all(name.startswith(".") and name.endswith(".part") for name in stray)
        if number == signal.SIGINT:  # Python can tidy up
            assert stray == []
        write_bytes(path, b"-" * SIZE)


def stop_in_the_middle(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as stream:
        stream.write(b"half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError, ValueError])
def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "new" / "file"
    for before in (None, b"old"):
        if before:
            write_bytes(path, before)
        with pytest.raises(error):
            stop_in_the_middle(path, error)
        assert [file.name for file in path.parent.iterdir()] == (["file"] if before else [])
    assert path.read_bytes() == b"old"


@posix
def test_permissions_stay_or_are_those_asked_for(tmp_path):
    path = tmp_path / "file"
    mask = os.umask(0o027)
    try:
        write_bytes(path, b"1")
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o755)
    write_bytes(path, b"2")
    assert path.stat().st_mode & 0o777 == 0o755
    write_bytes(path, b"3", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


@posix
def test_a_lock_that_is_held_is_waited_for_or_said(tmp_path):
    path = tmp_path / "lock"
    message = re.escape(f"another process is at work on {path}")
    with locked(path), pytest.raises(Busy, match=message), locked(path, wait=False):
        pass
    with locked(path, wait=False):  # it is free again
        pass


@posix
def test_an_experiment_that_is_running_is_not_run_beside(tmp_path):
    name = by_claim()["N4"].name
    (tmp_path / name).mkdir()
    message = f"another process is running {name} in "
    with locked(tmp_path / name / "smoke.lock"), pytest.raises(ClaimError, match=message):
        run("N4", tier="smoke", resume_dir=tmp_path)
    assert not (tmp_path / name / "smoke").exists()


@posix
def test_weights_are_loaded_while_they_are_replaced(tmp_path):
    """A reader waits for the writer instead of reporting weights that differ from their entry."""
    build = pretrained.BUILDERS["measure_wait_go_lstm"]
    models = [build(generator=torch.Generator().manual_seed(seed)) for seed in range(2)]

    def save(model: torch.nn.Module) -> None:
        config = {"build": "measure_wait_go_lstm", "kwargs": {}}
        pretrained.save("net", model, command="c", metrics={}, config=config, folder=tmp_path)

    save(models[0])
    done = threading.Event()

    def replace() -> None:
        for number in range(60):
            save(models[number % 2])
        done.set()

    thread = threading.Thread(target=replace)
    thread.start()
    wanted = [model.state_dict()["bias"] for model in models]
    try:
        while not done.is_set():
            found = pretrained.load("net", folder=tmp_path).state_dict()["bias"]
            assert any(torch.equal(found, one) for one in wanted)
    finally:
        thread.join()
