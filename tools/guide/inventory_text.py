"""How a form of the concept inventory looks: Markdown, a page, a notebook, and the key."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from tools.guide.inventory import Form, Question

LETTERS = "ABCDEFGH"
TITLES = {
    "before": "What do you think? Before the course",
    "after": "What do you think? After the course",
}
STEP = (
    "This is no exam, and it is not marked. It shows the course, and you, what changes between its first "
    "and its last week. Choose one answer to each question, without books, search or assistants. If you "
    "do not know, leave it open: please do not guess. 30 minutes are enough."
)
CODE_NAME = (
    "Use a code name that only you know, the same before and after: for instance the first two letters "
    "of the street you grew up in and the day of a birthday in your family."
)


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
        questions.append(
            f"<fieldset>\n<legend><b>{number}.</b> {_inline(one.stem)}</legend>\n{options}\n</fieldset>"
        )
    return PAGE.format(
        title=TITLES[form.name],
        step=html.escape(STEP),
        code_name=html.escape(CODE_NAME),
        form=form.code,
        questions="\n".join(questions),
        form_json=json.dumps(form.code),
    )


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


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 1.05rem/1.5 system-ui, "Noto Sans", sans-serif; }}
body {{ max-width: 44rem; margin: 1.5rem auto; padding: 0 1rem; }}
fieldset {{ margin: 0 0 1.2rem; padding: 0.4rem 0.9rem 0.8rem; border: 1px solid GrayText;
  min-width: 0; break-inside: avoid; }}
legend {{ padding: 0; float: left; width: 100%; margin-bottom: 0.5rem; }}
fieldset label {{ display: flex; gap: 0.5rem; clear: both; padding: 0.15rem 0; }}
input[type="text"], button {{ font: inherit; padding: 0.2rem 0.6rem; max-width: 100%; }}
@media print {{ button {{ display: none; }} }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{step}</p>
<p>{code_name}</p>
<p><label>Code name <input type="text" id="code" autocomplete="off"></label></p>
<p>Form {form}</p>
{questions}
<p><button type="button" id="save">Save my answers</button> <span role="status" id="said"></span></p>
<p>The answers stay on this page until you save them. Hand in the file.</p>
</main>
<script>
document.documentElement.dataset.theme =
  window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
document.getElementById("save").addEventListener("click", () => {{
  const cell = (text) => '"' + String(text).replaceAll('"', '""') + '"';
  const form = {form_json}, code = document.getElementById("code").value;
  const all = Array.from(document.querySelectorAll("fieldset"));
  const answers = all.map((set) => set.querySelector("input:checked")?.value ?? "");
  const rows = answers.map((answer, k) => [form, code, k + 1, answer].map(cell).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["form,code_name,question,answer\\r\\n" + rows.join("\\r\\n") + "\\r\\n"]));
  link.download = `inventory-${{form}}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  const open = answers.filter((answer) => answer === "").length;
  document.getElementById("said").textContent = open ? `Saved; ${{open}} questions are open.` : "Saved.";
}});
</script>
</body>
</html>
"""
