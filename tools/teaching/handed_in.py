"""Find what was handed in, as learning platforms and students name it. No file is run or opened."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from nmcourse.exercises.handing_in import looks_like_notebook

LARGEST_FILE = 200_000_000  # bytes
_LONGEST_NAME = 100  # characters, and twice as many bytes: it becomes the name of a file
_MARKS = "._-+@'’()&#!·,"  # what a name may hold beside letters, digits and spaces
_JOINERS = "\u200c\u200d"  # between letters of some scripts
_SYSTEM = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin"}
_TEMPORARY = ("~$", "~lock", "._", ".~")  # of programs that have a file open, and of a Mac
_NOTEBOOK = re.compile(r"\.ipynb(?![^\W_])", re.IGNORECASE)  # also x.ipynb.txt and x.ipynb (1)
# Canvas: doejane_12345_678901_homework-1.ipynb, or doejane_LATE_12345_678901_homework.ipynb
_CANVAS = re.compile(
    r"(?P<name>.+?)_(?P<late>LATE_)?(?P<user>\d{2,})_(?P<file>\d{3,})_.+", re.IGNORECASE
)
# Moodle without folders: Jane Doe_12345_assignsubmission_file_homework.ipynb
_MOODLE = re.compile(r"(?P<student>.+?_\d+_assignsubmission_file)_.+")
# Blackboard: Homework 1_doejane_attempt_2026-11-03-11-05-33_homework.ipynb
_BLACKBOARD = re.compile(r".+_(?P<student>[^_]+)_attempt_\d{4}(?:-\d\d){5}_.+")
_RECEIPT = re.compile(r".+_attempt_\d{4}(?:-\d\d){5}\.txt")  # which Blackboard puts beside it
# Brightspace, a file or a folder: 12345-678901 - Jane Doe - Nov 3, 2026 1105 AM - homework.ipynb
_BRIGHTSPACE = re.compile(
    r"(?P<user>\d+)-\d+ ?- (?P<name>.+?) ?- .+ \d{3,4} [AP]M(?: - .+)?", re.IGNORECASE
)
WHAT_A_NAME_IS = (
    f"a student's name begins with a letter or digit and may have letters, digits, spaces and "
    f"{' '.join(_MARKS)}, {_LONGEST_NAME} characters at most"
)


@dataclass(frozen=True)
class Found:
    """What a student handed in.

    Attributes:
        student: Who, from the name of the file or of its folder.
        paths: The notebooks; more than one if there are several.
        notes: What a person should know, such as that the platform calls it late.
    """

    student: str
    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return a hash of names and contents, to see whether they have changed."""
        found = hashlib.sha256()
        for path in self.paths:
            found.update(path.name.encode(errors="replace") + b"\0")
            if plain_file(path) and path.stat().st_size <= LARGEST_FILE:
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()


@dataclass(frozen=True)
class HandedIn:
    """What lies in a folder of submissions.

    Attributes:
        everybody: What each student handed in.
        left_out: What was not taken although somebody may have meant it, each with the reason.
        beside: Other files in the folder of a student with a notebook.
    """

    everybody: tuple[Found, ...]
    left_out: tuple[str, ...]
    beside: tuple[str, ...] = ()


def collect(folder: Path) -> HandedIn:
    """Return what was handed in: FOLDER/STUDENT.ipynb or FOLDER/STUDENT/.../ANY.ipynb.

    A notebook is known by its content where its name does not say so. Files of the operating
    system are passed over. Everything else that is not taken is named.

    Raises:
        ValueError: It is no folder, or holds nothing that somebody handed in.
    """
    if not folder.is_dir():
        raise ValueError(f"SUBMISSIONS must be a folder, got {folder}")
    paths: dict[str, list[Path]] = {}
    notes: dict[str, list[str]] = {}
    left_out: list[str] = []
    beside: list[str] = []
    for entry in sorted(folder.iterdir()):
        if _of_the_system(entry.name):
            continue
        whole_folder = entry.is_dir() and not entry.is_symlink()
        if _RECEIPT.fullmatch(entry.name) and not whole_folder and not is_notebook(entry):
            beside.append(f"{entry.name!r}: what Blackboard writes of an attempt")
            continue
        student, note = _whose(entry.name, whole_folder=whole_folder)
        inside = _files(entry) if whole_folder else [entry]
        taken = [path for path in inside if is_notebook(path)]
        others = [f"{str(p.relative_to(folder))!r}: no notebook" for p in inside if p not in taken]
        if not (taken or whole_folder or note is not None):
            left_out += others
        elif problem := _wrong_name(student):
            left_out += [f"{entry.name!r}: {problem}; give it another name"]
        else:
            (beside if taken else left_out).extend(others)
            paths.setdefault(student, []).extend(taken)
            notes.setdefault(student, []).extend([note] if note else [])
    same: dict[str, list[str]] = {}
    for student in paths:
        same.setdefault(student.casefold(), []).append(student)
    for names in same.values():
        if len(names) > 1:
            left_out += [f"{name!r}: another name differs in capitals only" for name in names]
            paths = {name: found for name, found in paths.items() if name not in names}
    if not paths:
        more = f" ({'; '.join(left_out[:5])})" if left_out else ""
        raise ValueError(f"SUBMISSIONS: no notebook in {folder}{more}")
    everybody = tuple(
        Found(student, tuple(found), tuple(dict.fromkeys(notes[student])))
        for student, found in paths.items()
    )
    return HandedIn(everybody, tuple(left_out), tuple(beside))


def is_notebook(path: Path) -> bool:
    """Return whether a file was handed in as a notebook, by its name or else by its content."""
    if _NOTEBOOK.search(path.name):
        return True
    if not plain_file(path) or path.stat().st_size > LARGEST_FILE:
        return False
    return looks_like_notebook(path.read_bytes())


def plain_file(path: Path) -> bool:
    """Return whether a path is a file, and neither a link nor a pipe that would be waited for."""
    return path.is_file() and not path.is_symlink()


def normal(name: str) -> str:
    """Return a student's name in the one form in which it is compared and written.

    The same accent is one character on one system and two on another.
    """
    return " ".join(unicodedata.normalize("NFC", name).split())


def _whose(name: str, *, whole_folder: bool) -> tuple[str, str | None]:
    """The student whose file or folder it is, and what a platform says of it; None: no platform."""
    name = normal(name)
    if found := _BRIGHTSPACE.fullmatch(name):
        return f"{found['name']}_{found['user']}", None if whole_folder else ""
    if whole_folder:
        return name, None
    if found := _BLACKBOARD.fullmatch(name):
        return found["student"], ""
    if found := _CANVAS.fullmatch(name):
        late = "Canvas calls it late" if found["late"] else ""
        return f"{found['name']}_{found['user']}", late
    if found := _MOODLE.fullmatch(name):
        return found["student"], ""
    if found := _NOTEBOOK.search(name):
        return normal(name[: found.start()]), None
    return normal(Path(name).stem), None


def _wrong_name(student: str) -> str:
    """Why a name can be no student's; empty if it can."""
    kinds = [unicodedata.category(character)[0] for character in student]
    good = all(
        kind in "LNM" or character in _MARKS or character == " " or character in _JOINERS
        for kind, character in zip(kinds, student, strict=True)
    )
    short = len(student) <= _LONGEST_NAME and len(student.encode(errors="replace")) <= 200
    if student and kinds[0] in "LN" and good and short and student[-1] != ".":
        return ""
    return WHAT_A_NAME_IS


def _of_the_system(name: str) -> bool:
    """Whether nobody has made a file or folder on purpose, such as ._x.ipynb or __MACOSX.

    A name such as .ada.ipynb is a student's: it is no good name, and is told among those left out.
    """
    lower = name.lower()
    if lower.startswith(_TEMPORARY) or lower in _SYSTEM:
        return True
    autosaved = len(lower) > 1 and lower.startswith("#") and lower.endswith("#")
    return autosaved or (lower.startswith(".") and not lower.endswith(".ipynb"))


def _files(folder: Path) -> list[Path]:
    """All files below a folder, without those of the system and without following links."""
    found = []
    for entry in sorted(folder.iterdir()):
        if _of_the_system(entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            found += _files(entry)
        else:
            found.append(entry)
    return found
