"""Sets that an instructor names: one notebook with parts of several homework problems.

A file of settings names them, and `make assignments SETS=class.toml ...` makes them:

    [sets.midterm]
    title = "What rank two can do"
    take = ["rates a", "low-rank b", "low-rank c"]
    points = [2, 4, 4]                                # left out: those of the problems
"""

from __future__ import annotations

import ast
import dataclasses
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from tools.teaching.homework import PROBLEMS, Homework, Part, Version, problem

_ROOT = Path(__file__).resolve().parents[2]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_OTHER_PART = re.compile(r"\b([Pp]art )([a-z])\b")


@dataclass(frozen=True)
class Collection:
    """A set of parts that an instructor has named.

    Attributes:
        name: Its name, such as "midterm".
        title: Title of the notebook.
        take: The parts, such as "rates a"; those of one problem are put together.
        points: What each of them is worth; empty: as the problems have it.
    """

    name: str
    title: str
    take: tuple[str, ...]
    points: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for entry in self.take:
            if not isinstance(entry, str) or len(entry.split()) != 2:
                self._wrong(f'take must hold parts such as "rates a", got {entry!r}')
        if not 1 <= len(set(self.take)) == len(self.take) <= len(_LETTERS):
            self._wrong(f"take must be 1 to {len(_LETTERS)} different parts, got {self.take!r}")
        if self.points and len(self.points) != len(self.take):
            self._wrong(f"points must be {len(self.take)} numbers, as many as in take")
        for value in self.points:
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                self._wrong(f"points must be numbers above 0, got {value!r}")
        for name, parts in self._wanted().items():
            try:
                known = [part.name for part in _any_version(problem(name)).parts]
            except ValueError as error:
                self._wrong(str(error))
            if unknown := sorted(parts.keys() - set(known)):
                self._wrong(f"no part {unknown[0]!r} in {name}; there are {', '.join(known)}")
        if self.name in PROBLEMS:
            self._wrong("a problem has this name already")
        _any_version(self.homework())  # says what else cannot be

    def homework(self) -> Homework:
        """Return the set as a homework problem; its versions are those of its problems."""
        wanted = self._wanted()
        settings = {
            f"{name}: {key}": values
            for name in wanted
            for key, values in problem(name).settings.items()
        }
        return Homework(self.name, settings, self._build)

    def record(self) -> dict[str, Any]:
        """Return what it takes to make it again."""
        return dataclasses.asdict(self)

    def _build(self, **settings: Any) -> Version:
        wanted = self._wanted()
        versions = {
            name: problem(name).build(**_own(settings, name))  # one value for each setting
            for name in wanted
        }
        renamed = _without_clashes(versions)
        letters = iter(_LETTERS)
        called = {(n, p): next(letters) for n, parts in wanted.items() for p in parts}
        parts = []
        for number, (name, version) in enumerate(renamed.items(), start=1):
            opening = f"## Setting {number}: {version.title}\n\n{version.statement}"
            known = {part.name: part for part in version.parts}
            for old, points in wanted[name].items():
                part = self._part(known[old], version.chapter, name, called)
                worth = part.points if points is None else points
                parts.append(dataclasses.replace(part, points=worth, opening=opening))
                opening = ""
        many = "s, each with a setting of its own" if len(renamed) > 1 else ""
        return Version(
            homework=self.name,
            chapter=", ".join(version.chapter for version in renamed.values()),
            title=self.title,
            statement=f"This homework has parts from {len(renamed)} chapter{many}.",
            common="\n\n".join(v.common.strip() + "\n" for v in renamed.values() if v.common),
            parts=tuple(parts),
        )

    def _part(
        self, part: Part, chapter: str, name: str, called: Mapping[tuple[str, str], str]
    ) -> Part:
        """A part under its new letter; its hints name the chapter as well as the section."""

        def other(match: re.Match[str]) -> str:
            if (name, match[2]) not in called:
                self._wrong(f"{name} {part.name} speaks of part {match[2]}, which is not taken")
            return match[1] + called[name, match[2]]

        where = _title(chapter)
        return dataclasses.replace(
            part,
            name=called[name, part.name],
            task=_OTHER_PART.sub(other, part.task),
            mistakes=tuple(
                dataclasses.replace(
                    one, hint=_OTHER_PART.sub(other, one.hint), read=f"{where}: {one.read}"
                )
                for one in part.mistakes
            ),
        )

    def _wanted(self) -> dict[str, dict[str, float | None]]:
        """For each problem its parts in the order of the set, with their points."""
        found: dict[str, dict[str, float | None]] = {}
        for number, entry in enumerate(self.take):
            name, part = entry.split()
            points = float(self.points[number]) if self.points else None
            found.setdefault(name, {})[part] = points
        return found

    def _wrong(self, text: str) -> None:
        raise ValueError(f"sets.{self.name}: {text}")


def read_sets(path: Path) -> list[Collection]:
    """Read the sets that a file of settings names.

    Raises:
        ValueError: The file cannot be read, names no set, or one that cannot be made.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("sets", {})
        if not isinstance(tables, dict) or not tables:
            raise ValueError("no set; write [sets.NAME] with title and take")
        return [collection(name, table) for name, table in tables.items()]
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error


def collection(name: str, table: Any) -> Collection:
    """Return a set from its table in a file of settings.

    Raises:
        ValueError: Something in it is missing, not known or not possible.
    """
    known = ("title", "take", "points")
    if not isinstance(table, dict) or not {"title", "take"} <= table.keys() <= set(known):
        raise ValueError(f"sets.{name} must have title and take, and may have points")
    lists = {key: table.get(key, []) for key in ("take", "points")}
    if not isinstance(table["title"], str) or not all(isinstance(v, list) for v in lists.values()):
        raise ValueError(f"sets.{name}: title must be text, take and points lists")
    return Collection(name, table["title"], tuple(lists["take"]), tuple(lists["points"]))


def _any_version(one: Homework) -> Version:
    return one.build(**one.draw(0))


def _own(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        key.removeprefix(f"{name}: "): value
        for key, value in settings.items()
        if key.startswith(f"{name}: ")
    }


def _without_clashes(versions: Mapping[str, Version]) -> dict[str, Version]:
    """The versions with other names in place of those that an earlier one uses too."""
    taken: set[str] = set()
    found = {}
    for number, (name, version) in enumerate(versions.items(), start=1):
        own = _defined(version.common) | {part.function for part in version.parts}
        new = {word: f"{word}_{number}" for word in own & taken}
        taken |= {new.get(word, word) for word in own}
        found[name] = _renamed(version, new) if new else version
    return found


def _defined(code: str) -> set[str]:
    """The functions, classes and variables that a piece of code defines."""
    found = set()
    for step in ast.parse(code).body:
        if isinstance(step, ast.FunctionDef | ast.ClassDef):
            found.add(step.name)
        elif isinstance(step, ast.Assign | ast.AnnAssign):
            targets = step.targets if isinstance(step, ast.Assign) else [step.target]
            for target in targets:
                found |= {one.id for one in ast.walk(target) if isinstance(one, ast.Name)}
    return found


def _renamed(version: Version, new: Mapping[str, str]) -> Version:
    parts = []
    for part in version.parts:
        here = {old: word for old, word in new.items() if old not in part.arguments}
        parts.append(
            dataclasses.replace(
                part,
                task=_in_text(part.task, new),
                function=new.get(part.function, part.function),
                body=_in_code(part.body, here),
                another=_in_code(part.another, here),
                mistakes=tuple(
                    dataclasses.replace(
                        one, body=_in_code(one.body, here), hint=_in_text(one.hint, new)
                    )
                    for one in part.mistakes
                ),
            )
        )
    return dataclasses.replace(
        version,
        statement=_in_text(version.statement, new),
        common=_in_code(version.common, new),
        parts=tuple(parts),
    )


def _in_code(code: str, new: Mapping[str, str]) -> str:
    """Code with other names; attributes, arguments by name and text keep theirs."""
    lines = code.splitlines(keepends=True)
    found: list[tuple[int, int, str]] = []
    tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    depth = 0
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        depth += (token.string in "([{") - (token.string in ")]}") if token.string else 0
        if token.type != tokenize.NAME or token.string not in new:
            continue
        attribute = before is not None and before.string == "."
        by_name = depth > 0 and after is not None and after.string == "="
        if not attribute and not by_name:
            found.append((token.start[0] - 1, token.start[1], token.string))
    for row, column, word in reversed(found):
        line = lines[row]
        lines[row] = line[:column] + new[word] + line[column + len(word) :]
    return "".join(lines)


def _in_text(text: str, new: Mapping[str, str]) -> str:
    """Markdown with other names where it quotes code."""
    words = _words(new)
    return _CODE_SPAN.sub(lambda span: words.sub(lambda word: new[word[0]], span[0]), text)


def _words(new: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, new))})(?!\w)")


def _title(chapter: str) -> str:
    """The heading of a page of the book."""
    text = (_ROOT / f"{chapter}.md").read_text(encoding="utf-8")
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else chapter
