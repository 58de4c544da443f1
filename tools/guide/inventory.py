"""The concept inventory: student editions and keys, drawn by a seed into a folder of yours.

    make inventory OUT=~/course-2027                 a seed is drawn, and stands in the key
    make inventory SEED=... OUT=~/course-2027        the same once more
    python -m tools.guide.inventory score OUT FILES  shares right, before and after

The folder gets `before/` and `after/`, which students may have (notebook, page, Markdown), and
`key/`, which they may not. Order of questions, order of options and numbers follow from the seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import secrets
import sys
from pathlib import Path
from typing import Any

import tomllib

from nmcourse._files import user_path, write_text
from tools import pairs
from tools.guide import inventory_score, inventory_text
from tools.guide.chapters import course, in_table, link
from tools.guide.inventory_form import LETTERS, Form, Option, Question

SOURCE = Path(__file__).parent / "inventory.toml"
FORMS = ("before", "after")
SHORTEST_SEED = 12


def source(path: Path = SOURCE) -> list[dict[str, Any]]:
    """Read the questions."""
    return list(tomllib.loads(path.read_text(encoding="utf-8"))["question"])


def _digest(*words: str) -> str:
    return hashlib.sha256("\x00".join(words).encode()).hexdigest()


def draw(seed: str, name: str, path: Path = SOURCE) -> Form:
    """Draw a form; all follows from seed and name.

    Raises:
        ValueError: If the name is not one of :data:`FORMS`.
    """
    if name not in FORMS:
        raise ValueError(f"form must be one of {FORMS}, got {name!r}")
    drawn = [_draw(one, seed, name) for one in source(path)]
    random.Random(_digest(seed, name, "order")).shuffle(drawn)
    return Form(name, _digest(seed, name, "code")[:8], tuple(drawn))


def _draw(one: dict[str, Any], seed: str, name: str) -> Question:
    variants = one["variants"]
    # The two forms take different variants of a question that has several.
    first = int(_digest(seed, one["id"], "variant"), 16)
    values = variants[(first + FORMS.index(name)) % len(variants)]
    options = [Option(one["right"].format(**values), "", True)]
    options += [
        Option(wrong["text"].format(**values), wrong["thinks"], False) for wrong in one["wrong"]
    ]
    random.Random(_digest(seed, name, one["id"])).shuffle(options)
    return Question(
        one["id"],
        one["chapter"],
        one["concept"],
        one["stem"].format(**values),
        tuple(options),
        one["why"].format(**values),
    )


def key_data(seed: str, forms: list[Form]) -> dict[str, Any]:
    """Return the key as data."""
    return {
        "seed": seed,
        "forms": {
            form.code: {
                "form": form.name,
                "questions": [
                    {"number": k, "id": one.id, "key": one.key, "concept": one.concept}
                    | {"thinks": {LETTERS[j]: o.thinks for j, o in enumerate(one.options)}}
                    for k, one in enumerate(form.questions, 1)
                ],
            }
            for form in forms
        },
    }


def write(seed: str, folder: Path) -> list[Path]:
    """Write both student editions and the key; return the files.

    Raises:
        ValueError: If the seed is short enough to be guessed, or the folder lies in the tree.
    """
    folder = folder.expanduser().resolve()
    if len(seed) < SHORTEST_SEED:
        raise ValueError(
            f"SEED must have {SHORTEST_SEED} characters or more, so that nobody guesses it, got "
            f"{len(seed)}; leave it out, and one is drawn"
        )
    if folder == pairs.ROOT or pairs.ROOT in folder.parents:
        raise ValueError(f"OUT must lie outside {pairs.ROOT}, so that no key gets in, got {folder}")
    forms = [draw(seed, name) for name in FORMS]
    files: dict[Path, str] = {}
    for form in forms:
        stem = folder / form.name / f"inventory-{form.code}"
        files[stem.with_suffix(".md")] = inventory_text.markdown(form)
        files[stem.with_suffix(".html")] = inventory_text.page(form)
        files[stem.with_suffix(".ipynb")] = inventory_text.notebook(form)
        files[folder / "key" / f"key-{form.name}.md"] = inventory_text.key(form)
    data = json.dumps(key_data(seed, forms), indent=1, ensure_ascii=False) + "\n"
    files[folder / "key" / "key.json"] = data
    for path, text in files.items():
        write_text(path, text)
    return list(files)


def text(root: Path) -> str:
    """Return the table of concepts for the guide in Markdown, without questions and options."""
    chapters = {chapter.page: chapter for chapter in course(root)}
    rows = []
    for one in source():
        chapter = chapters[one["chapter"]]
        wrong = "; ".join(option["thinks"] for option in one["wrong"])
        rows.append(
            f"| {in_table(one['concept'])} | {chapter.number}. {in_table(link(chapter))} "
            f"| {in_table(wrong)} |"
        )
    head = "| Concept | Chapter | Misconceptions among the options |\n|---|---|---|"
    return "\n".join([f"There are {len(rows)} questions.\n", head, *rows])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["score"]:
        return inventory_score.main(words[1:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", default="", help="12 characters or more; drawn if left out")
    parser.add_argument("--out", required=True, type=user_path, help="a folder outside the tree")
    options = parser.parse_args(words)
    try:
        files = write(options.seed or secrets.token_hex(8), options.out)
    except ValueError as error:
        parser.error(str(error))
    for path in files:
        print(path)
    print("Students get what is in before/ and after/. Keep key/ to yourself: it holds the seed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
