"""How a form of the concept inventory looks: Markdown, a page, a notebook, and the key."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import nbformat

from tools.guide.inventory_form import LETTERS, Form, Question

TITLES = {
    "before": "What do you think? Before the course",
    "after": "What do you think? After the course",
}
STEP = (
    "This is no exam, and it is not marked. It shows the course, and you, what changes between its "
    "first and its last week. Choose one answer to each question, without books, search or "
    "assistants. If you do not know, leave it open: please do not guess. 30 minutes are enough."
)
CODE_NAME = (
    "Use a code name that only you know, the same before and after: for instance the first two "
    "letters of the street you grew up in and the day of a birthday in your family."
)
TEMPLATE = Path(__file__).parent / "inventory.html"


def _question(number: int, one: Question) -> str:
    options = "\n".join(
        f"- **{LETTERS[k]}.** {option.text}" for k, option in enumerate(one.options)
    )
    return f"{number}. {one.stem}\n\n{options}"


def markdown(form: Form) -> str:
    """Return the student edition to print."""
    questions = [f"## Question {_question(k, one)}" for k, one in enumerate(form.questions, 1)]
    parts = [f"# {TITLES[form.name]}", STEP, CODE_NAME, "Code name: ____________"]
    return "\n\n".join([*parts, f"Form {form.code}", *questions]) + "\n"


def notebook(form: Form) -> str:
    """Return the student edition as a notebook, which comes back as one file."""
    new = nbformat.v4
    cells = [
        new.new_markdown_cell(f"# {TITLES[form.name]}\n\n{STEP}\n\n{CODE_NAME}"),
        new.new_code_cell(
            f'form = "{form.code}"\ncode_name = ""  # yours\nanswers = {{}}'
            "  # number of the question: letter"
        ),
    ]
    for number, one in enumerate(form.questions, 1):
        cells.append(new.new_markdown_cell(f"## Question {_question(number, one)}"))
        cells.append(new.new_code_cell(f'answers[{number}] = ""  # A, B, C or D; "" for none'))
    cells.append(new.new_markdown_cell("Run the last cell, and hand in the file that it writes."))
    cells.append(
        new.new_code_cell(
            "import csv\n\n"
            f'with open("inventory-{form.code}.csv", "w", newline="") as file:\n'
            "    writer = csv.writer(file)\n"
            '    writer.writerow(["form", "code_name", "question", "answer"])\n'
            "    for question, answer in answers.items():\n"
            "        writer.writerow([form, code_name, question, answer])\n"
            'print(sum(bool(answer) for answer in answers.values()), "answers written")'
        )
    )
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.writes(new.new_notebook(cells=cells, metadata=metadata)) + "\n"


def _inline(text: str) -> str:
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", html.escape(text))


def page(form: Form) -> str:
    """Return the student edition as one page that works without a network, to fill in or print."""
    questions = []
    for number, one in enumerate(form.questions, 1):
        options = "\n".join(
            f'<label><input type="radio" name="q{number}" value="{LETTERS[k]}"> '
            f"<b>{LETTERS[k]}.</b> <span>{_inline(option.text)}</span></label>"
            for k, option in enumerate(one.options)
        )
        legend = f"<legend><b>{number}.</b> {_inline(one.stem)}</legend>"
        questions.append(f"<fieldset>\n{legend}\n{options}\n</fieldset>")
    parts = {
        "TITLE": TITLES[form.name],
        "STEP": html.escape(STEP),
        "CODE_NAME": html.escape(CODE_NAME),
        "FORM": form.code,
        "FORM_JSON": json.dumps(form.code),
        "QUESTIONS": "\n".join(questions),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"@@([A-Z_]+)@@", lambda place: parts[place[1]], text)


def key(form: Form) -> str:
    """Return the key with explanations, for the teacher."""
    parts = [f"# Key: {form.name} ({form.code})", "Not for students."]
    for number, one in enumerate(form.questions, 1):
        wrong = "\n".join(
            f"- {LETTERS[k]}: {option.thinks}"
            for k, option in enumerate(one.options)
            if not option.right
        )
        parts.append(
            f"## {number}. {one.concept}\n\n{one.stem}\n\n**{one.key}.** {one.why}\n\n{wrong}\n\n"
            f"`{one.id}`, {one.chapter}"
        )
    return "\n\n".join(parts) + "\n"
