"""A simulated class: honest, unlucky and hostile submissions, each with the mark that it earns."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.teaching.assignments import Hidden
from tools.teaching.notebooks import Assignment, student


@dataclass(frozen=True)
class Handed:
    """What a simulated student hands in.

    Attributes:
        content: The file, as it is.
        points: What it earns, by part; a part that is not named earns nothing.
        status: What the table of marks has to say.
        misconceptions: The typical wrong answer of a part, where it is one.
        hostile: Whether it does what no submission should.
    """

    content: bytes
    points: dict[str, float]
    status: str = "marked"
    misconceptions: dict[str, str] | None = None
    hostile: bool = False

    @property
    def total(self) -> float:
        """All points together."""
        return sum(self.points.values())


@dataclass(frozen=True)
class Targets:
    """What hostile submissions aim at.

    Attributes:
        private: The folder with hidden tests.
        out: The folder of marks.
        port: A port on this machine at which somebody listens.
    """

    private: Path
    out: Path
    port: int


Bodies = dict[str, str]  # body of the function of each part


def right(assignment: Assignment, parts: str = "abc") -> Bodies:
    """Return the bodies of the reference for some parts."""
    return {part.name: part.body for part in assignment.version.parts if part.name in parts}


def notebook(
    assignment: Assignment, bodies: Bodies, before: str = "", after: str = ""
) -> dict[str, Any]:
    """Return a student's notebook with answers filled in, and cells of their own."""
    found = json.loads(json.dumps(student(assignment)))
    for cell in found["cells"]:
        notes = cell["metadata"].get("nmcourse", {})
        if notes.get("role") == "answer" and notes["part"] in bodies:
            part = next(p for p in assignment.version.parts if p.name == notes["part"])
            cell["source"] = part.source(bodies[part.name])
    for place, code in ((3, before), (len(found["cells"]) + 1, after)):
        if code:
            own: dict[str, Any] = {
                "cell_type": "code",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            found["cells"].insert(place, own | {"id": f"own-{place}", "source": code})
    return found


def handed(
    assignment: Assignment, bodies: Bodies, before: str = "", after: str = "", **more: Any
) -> Handed:
    """Return a submission with answers; what is right among them earns its points."""
    worth = {p.name: p.points for p in assignment.version.parts}
    earned = {k: worth[k] for k, body in bodies.items() if body in _correct(assignment, k)}
    content = json.dumps(notebook(assignment, bodies, before, after)).encode()
    return replace(Handed(content, earned), **more)


def _correct(assignment: Assignment, name: str) -> tuple[str, str]:
    part = next(p for p in assignment.version.parts if p.name == name)
    return part.body, part.another


def honest(one: Assignment) -> dict[str, Callable[[], Handed]]:
    """Return honest submissions by name, and those that went wrong without any intent."""
    version, other = one.version, {p.name: p.another for p in one.version.parts}
    own = "%matplotlib inline\n!ls\nimport math\nfiles = !ls\nprint(math.pi)"
    return {
        "right": lambda: handed(one, right(one)),
        "right another way": lambda: handed(one, other, before=own),
        "only part b": lambda: handed(one, right(one, "b")),
        "parts a and c": lambda: handed(one, right(one, "ac"), after="1 / 0"),
        "empty": lambda: Handed(_without_code(one), {}, "empty"),
        "not answered": lambda: handed(one, {}, status="not answered"),
        "saved by Colab": lambda: _colab(one),
        "tests deleted": lambda: _tests(one, None),
        "tests altered": lambda: _tests(one, "print('fine')"),
        "broken JSON": lambda: Handed(
            json.dumps(notebook(one, right(one))).encode()[:-200], {}, "not a notebook"
        ),
        "another assignment": lambda: Handed(
            json.dumps(notebook(one, right(one))).replace(one.token, "another-A-abcdef").encode(),
            {},
            "wrong assignment",
        ),
        "endless exploration": lambda: handed(one, right(one), after="while True:\n    pass"),
        "slow part": lambda: handed(
            one, right(one, "ac") | {"b": "while True:\n    pass"}, before="x = 1"
        ),
        "syntax error in part a": lambda: handed(
            one, {**right(one, "bc"), "a": "return ("}, before=f"# {version.title}"
        ),
        "function renamed": lambda: _renamed(one),
        "returns None": lambda: handed(one, right(one, "bc") | {"a": "result = 1"}),
        "changes its arguments": lambda: _in_place(one),
        "slow cells of its own": lambda: handed(
            one, right(one), "\n".join(["t = 0", *8 * ["for k in range(10**8):\n    t += k"]])
        ),
        "names changed afterwards": lambda: handed(one, right(one), after="np = None\ntau = 0"),
        "another package": lambda: handed(one, right(one), before="import pandass, jaxx.numpy"),
        "commands of a notebook": lambda: handed(
            one, right(one), "%%time\n%matplotlib inline\nx = (7\n  % 3)\n!pip install \\\n  a\n?x"
        ),
    }


def mistaken(one: Assignment) -> dict[str, Callable[[], Handed]]:
    """Return a submission for each catalogued wrong answer, right in all other parts."""

    def make(name: str, body: str, mistake: str) -> Callable[[], Handed]:
        bodies = right(one) | {name: body}
        return lambda: handed(one, bodies, misconceptions={name: mistake})

    return {
        f"part {part.name}: {mistake.name}": make(part.name, mistake.body, mistake.name)
        for part in one.version.parts
        for mistake in part.mistakes
    }


def hostile(one: Assignment, aims: Targets) -> dict[str, Callable[[], Handed]]:
    """Return hostile submissions by name, each with what it earns honestly."""
    # Part c is wrong, so that it is tried a second time, after the whole notebook.
    own = right(one, "a") | {"c": "return None"}
    first = one.version.parts[0]

    def if_found(search: str) -> Callable[[], Handed]:
        """A submission that answers part b only if it has got what it should not get."""
        second = one.version.parts[1]
        body = f"if not found:\n    return None\n{second.body}"
        return bad(own | {"b": body}, before=f"found = False\n{search}")

    def bad(bodies: Bodies = own, before: str = "", after: str = "") -> Callable[[], Handed]:
        return lambda: handed(one, bodies, before, after, hostile=True)

    def in_part(code: str) -> Callable[[], Handed]:
        return bad(own | {"b": code})

    private, out = str(aims.private), str(aims.out)
    return {
        "endless loop that will not end": bad(
            before="while True:\n    try:\n        while True:\n            pass\n"
            "    except BaseException:\n        pass"
        ),
        "endless output": in_part("while True:\n    print('x' * 1000)"),
        "endless raw output": bad(after="import os\nwhile True:\n    os.write(1, b'x' * 10**6)"),
        "memory bomb": in_part("kept = []\nwhile True:\n    kept.append(bytearray(10**7))"),
        "memory bomb in a cell": bad(after="kept = [bytes([1]) * 10**8 for _ in range(10**4)]"),
        "memory that is shared": in_part(
            "import mmap\nkept = []\nwhile True:\n"
            "    kept.append(mmap.mmap(-1, 10**7))\n    kept[-1][:] = b'x' * 10**7"
        ),
        "fork bomb": in_part(
            "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
        ),
        "kernel killed": in_part("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
        "kernel ended in a cell": bad(after="import os\nos._exit(0)"),
        "everybody killed": bad(
            before="import os, signal\nfor number in (1, -1):\n    try:\n"
            "        os.kill(number, signal.SIGKILL)\n    except OSError:\n        pass",
        ),
        "left behind": bad(
            before="import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
            "        time.sleep(600)\n    os._exit(0)"
        ),
        "disk filled": in_part(
            "import os\nfor k in range(10**6):\n"
            "    open(os.path.expanduser(f'~/{k}'), 'wb').write(b'x' * 10**7)"
        ),
        "private tests read": if_found(
            f"import os, json\nfor place in ({private!r}, '/'):\n"
            "    for folder, _, files in os.walk(place):\n"
            "        if folder.startswith('/proc/'):\n            continue\n"
            "        for name in files:\n"
            f"            if {first.function!r} in name or name == '{one.version.homework}.json':\n"
            "                found = True"
        ),
        "references imported": if_found(
            "import sys\nsys.path += ['/course', '/']\ntry:\n"
            "    import tools.teaching.homework\n    found = True\nexcept ImportError:\n    pass"
        ),
        "grader's memory read": if_found(
            "import os, sys\nfor number in os.listdir('/proc'):\n"
            "    if number.isdigit() and int(number) != os.getpid():\n        try:\n"
            "            open(f'/proc/{number}/mem', 'rb')\n            found = True\n"
            "        except OSError:\n            pass"
        ),
        "socket opened": if_found(
            f"import socket\ntry:\n    socket.create_connection(('127.0.0.1', {aims.port}), 2)\n"
            "    found = True\nexcept OSError:\n    pass"
        ),
        "host called": if_found(
            "import socket\nfor family in (40, 16, 10, 17):\n    try:\n"
            "        socket.socket(family, socket.SOCK_DGRAM)\n        found = True\n"
            "    except OSError:\n        pass"
        ),
        "course looked up": if_found(
            "for name in ('cmdline', 'environ'):\n    try:\n"
            "        text = open(f'/proc/1/{name}').read()\n"
            f"        found = found or {private!r} in text or '{{' in text\n"
            "    except OSError:\n        pass"
        ),
        "sockets filled": bad(
            before="import os, socket, time\nkept = []\ndef fill():\n    for k in range(100):\n"
            "        kept.append(socket.socketpair())\n        kept[k][0].setblocking(False)\n"
            "        try:\n            while True:\n                kept[k][0].send(bytes(9999))\n"
            "        except BlockingIOError:\n            pass\n"
            "while True:\n    if os.fork() == 0:\n        fill()\n        time.sleep(60)"
        ),
        "marks of others written": if_found(
            f"import os, json\nfor place in ({out!r}, '/results', os.getcwd(), '/course'):\n"
            "    try:\n        os.makedirs(place + '/results', exist_ok=True)\n"
            "        for folder, _, files in os.walk(place):\n            for name in files:\n"
            "                open(os.path.join(folder, name), 'w').write('{}')\n"
            "    except OSError:\n        pass"
        ),
        "replies forged": bad(
            own,
            after="import os\nfor number in range(3, 30):\n    try:\n"
            '        os.write(number, b\'{"id": "0", "value": {"float": "0x1p0"}}\\n\' * 9)\n'
            "    except OSError:\n        pass",
        ),
        "reply of no type": bad(
            after="import json\nfrom tools.teaching.sandbox import codec\nforged = json.dumps\n"
            "json.dumps = lambda value, **k: forged(value | {'value': {'array': '', 'shape': [0], "
            "'type': 'f8,('}})"
        ),
        "replies flooded": bad(
            after="import os\nfor number in range(3, 30):\n    try:\n        while True:\n"
            "            os.write(number, b'x' * 10**6)\n    except OSError:\n        pass"
        ),
        "comparison fooled": in_part(
            "class Same(np.ndarray):\n    def __eq__(self, other):\n        return True\n"
            "return np.zeros(3).view(Same)"
        ),
        "numbers that are none": in_part("return [[[[[float('nan')] * 50] * 10] * 10]]"),
        "grader interrupted": in_part("raise KeyboardInterrupt"),
        "program ended": in_part("raise SystemExit"),
        "tools replaced": bad(
            before="import numpy, json, builtins, sys\nnumpy.allclose = lambda *a, **k: True\n"
            "json.dumps = lambda *a, **k: '{}'"
        ),
    }


def _in_place(one: Assignment) -> Handed:
    """Right answers that also change the arrays they are given."""
    bodies = {
        part.name: "given = [v for v in locals().values() if isinstance(v, np.ndarray)]\n"
        + _returned(part.body)
        + "\nfor array in given:\n    array *= 0\nreturn answer"
        for part in one.version.parts
    }
    worth = {p.name: p.points for p in one.version.parts}
    return replace(handed(one, bodies), points=worth)


def _returned(body: str) -> str:
    *rest, last = body.split("\n")
    return "\n".join([*rest, last.replace("return ", "answer = ", 1)])


def _renamed(one: Assignment) -> Handed:
    found = handed(one, right(one))
    part = one.version.parts[0]
    content = found.content.replace(f"def {part.function}(".encode(), b"def my_own(")
    return replace(
        found, content=content, points={k: v for k, v in found.points.items() if k != "a"}
    )


def _without_code(one: Assignment) -> bytes:
    found = notebook(one, {})
    found["cells"] = [cell for cell in found["cells"] if cell["cell_type"] != "code"]
    return json.dumps(found).encode()


def _tests(one: Assignment, replacement: str | None) -> Handed:
    """A right submission whose tests are gone, or hold something else below their headings."""
    found = notebook(one, right(one))
    kept = []
    for cell in found["cells"]:
        if cell["metadata"].get("nmcourse", {}).get("role") == "test":
            if replacement is None:
                continue
            cell["source"] = cell["source"].split("\n")[0] + "\n" + replacement
        kept.append(cell)
    found["cells"] = kept
    return replace(handed(one, right(one)), content=json.dumps(found).encode())


def _colab(one: Assignment) -> Handed:
    """The notebook as Colab saves it: lines in lists, its own metadata, ids in the metadata."""
    found = notebook(one, right(one))
    found["nbformat_minor"] = 0
    found["metadata"] = {
        "colab": {"provenance": [], "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    for cell in found["cells"]:
        cell["metadata"] = {"id": cell.pop("id"), "colab": {"base_uri": "https://localhost:8080/"}}
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["execution_count"] = 3
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["out\n"]}]
    return replace(handed(one, right(one)), content=json.dumps(found).encode())


def a_class(
    hidden: Hidden, aims: Targets, size: int, seed: int = 0, only: tuple[str, ...] = ()
) -> dict[str, Handed]:
    """Return submissions by student: each kind once, and then more honest ones.

    Args:
        hidden: The assignment.
        aims: What hostile ones aim at.
        size: How many students.
        seed: Decides who gets which version, and on the order.
        only: Names of the kinds; all by default.
    """
    draw = random.Random(seed)
    tokens = list(hidden.versions)
    first = _kinds(hidden.versions[tokens[0]], aims)
    names = list(only) or list(first)
    if size < len(names):
        raise ValueError(f"size must be {len(names)} or more for these kinds, got {size}")
    common = [*honest(hidden.versions[tokens[0]]), *mistaken(hidden.versions[tokens[0]])]
    names += [draw.choice(common) for _ in range(size - len(names))]
    draw.shuffle(names)
    found = {}
    for number, name in enumerate(names, start=1):
        one = hidden.versions[draw.choice(tokens)]
        found[f"student{number:03d}_{_slug(name)}"] = _kinds(one, aims)[name]()
    return found


def _kinds(one: Assignment, aims: Targets) -> dict[str, Callable[[], Handed]]:
    return {**honest(one), **mistaken(one), **hostile(one, aims)}


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
