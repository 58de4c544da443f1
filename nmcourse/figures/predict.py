"""A question to answer before the figure, on a static page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nmcourse.figures.widget import (
    Widget,
    assemble,
    identifier,
    inline,
    required_text,
    to_script,
)


def predict_first(
    question: str,
    options: Sequence[str],
    answer: str,
    explanation: str,
    *,
    feedback: Mapping[str, str] | None = None,
    key: str = "",
) -> Widget:
    """Ask for a prediction; answer and explanation appear once the reader has chosen.

    The choice is kept in the reader's browser and goes nowhere, unless the reader saves it to a
    file (here, or with :func:`my_answers`). In all texts ``*emphasis*`` and
    `` `code` `` are understood; mathematics is written in Unicode (τ, s₁).

    Args:
        question: The question.
        options: Two or more possible answers.
        answer: The right one of `options`.
        explanation: Why it is right.
        feedback: For any wrong option, what was probably thought and why it does not hold.
        key: Any text that tells this question from a second one with the very same content.

    Returns:
        A widget that the notebook shows.

    Raises:
        ValueError: If a text is empty, options repeat, or `answer` or a key of `feedback` is not
            one of them.
    """
    asked = required_text(question, "question", "ask something")
    reason = required_text(explanation, "explanation", "say why the answer is right")
    choices = [required_text(option, "options", "every option needs a text") for option in options]
    if len(choices) < 2 or len(set(choices)) < len(choices):
        raise ValueError(f"options: needs two or more different ones, got {choices}")
    if answer not in choices:
        raise ValueError(f"answer: {answer!r} is not one of the options {choices}")
    replies = dict(feedback or {})
    for option in replies:
        if option not in choices or option == answer:
            raise ValueError(f"feedback: {option!r} is not one of the wrong options of {choices}")
    name = identifier(asked, reason, *choices, answer, str(sorted(replies.items())), key)
    radios = "\n".join(
        f'<label class="nm-option"><input type="radio" name="{name}" value="{k}">'
        f'<span>{inline(choice)}</span><span class="nm-mark"></span></label>'
        for k, choice in enumerate(choices)
    )
    body = f"""<fieldset>
<legend>
<span class="nm-tag">Predict first</span><span class="nm-question">{inline(asked)}</span>
</legend>
<div class="nm-options">
{radios}
</div>
</fieldset>
<div class="nm-actions" hidden>
<button type="button" class="nm-check">Check</button>
<button type="button" class="nm-again" hidden>Answer again</button>
<button type="button" class="nm-save" hidden>Save my answers</button>
<small>Your answer stays in this browser.</small>
</div>
<p class="nm-verdict" role="status" aria-live="polite"></p>
<details>
<summary>Answer and explanation</summary>
<p><strong>{inline(answer.removesuffix("."))}.</strong> {inline(reason)}</p>
</details>"""
    spec = {
        "answer": choices.index(answer),
        "feedback": [inline(replies.get(choice, "")) for choice in choices],
    }
    return assemble(
        id=name,
        kind="nm-predict",
        label=f"Predict first: {asked}",
        body=body,
        scripts=("mount.js", "answers.js", "predict.js"),
        call=f'nmPredict("{name}", {to_script(spec)});',
        text=f"[predict first: {asked} {' · '.join(choices)}]",
    )


def my_answers() -> Widget:
    """Show all predictions that the reader has made on this site, to save or to clear them.

    They are read from the reader's browser when the page is opened, and sent nowhere. The files
    are made in the page, without a network: one line or record per answer, with the title of
    the page, the question, the answer, whether it is right, and when it was given.

    Returns:
        A widget that the notebook shows.
    """
    name = identifier("my answers")
    body = """<p class="nm-title">My answers</p>
<p class="nm-count" tabindex="-1">They are in your browser, and showing them needs JavaScript.</p>
<div class="nm-actions" hidden>
<button type="button">Save my answers (CSV)</button>
<button type="button">Save my answers (JSON)</button>
<button type="button">Clear my answers</button>
</div>
<p class="nm-verdict" role="status" aria-live="polite"></p>
<details hidden>
<summary>Show them</summary>
<div class="nm-scroll" tabindex="0" role="region" aria-label="Table of my answers">
<table>
<thead><tr><th>Page</th><th>Question</th><th>My answer</th><th></th></tr></thead>
<tbody></tbody>
</table>
</div>
</details>"""
    return assemble(
        id=name,
        kind="nm-answers",
        label="My answers",
        body=body,
        scripts=("mount.js", "answers.js", "my_answers.js"),
        call=f'nmMyAnswers("{name}");',
        text="[my answers: they are stored in the browser; open the page of the book to see them]",
    )
