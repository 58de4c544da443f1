"""tools.guide.reading: the time that a chapter states is that of a student."""

from __future__ import annotations

import pytest

from tools import pairs
from tools.guide import reading
from tools.guide.chapters import Chapter, course

SOURCE = """---
title: left out
---

# One two three

**Time:** about 10 minutes to read, 99 more for the two exercises. All cells run at once.

four five six

```{code-cell} ipython3
x = 1  # open
```

```{code-cell} ipython3
:tags: [hide-input]

# @title Plot: folded
y = 2
```

<details><summary>Going deeper</summary>

folded words

</details>

:::{exercise} Not counted
:label: ex-one

Difficulty 1/5 · importance 3/5 · 10 minutes.
:::

:::{exercise} Not counted
:label: ex-two

Difficulty 1/5 · importance 3/5 · 15 minutes.
:::
"""


def test_words_are_those_that_need_no_click():
    assert reading.visible_words(SOURCE) == 3 + 3 + 17
    assert reading.visible_words(SOURCE + "word " * 100) == 123


def test_prose_code_and_figures_take_time():
    assert reading.reading_minutes(SOURCE) == 0
    assert reading.reading_minutes(SOURCE + "word " * 1480) == 10
    lines = "```{code-cell} ipython3\n" + "x = 1\n" * 178 + "```\n"
    assert reading.reading_minutes(SOURCE + lines) == 10
    figure = "```{code-cell} ipython3\n:tags: [hide-input]\n# @title Plot: a\n```\n"
    assert reading.reading_minutes(SOURCE + 9 * figure) == 10


def test_minutes_are_written_where_they_are_stated_and_nowhere_else():
    assert reading.stated(SOURCE) == (10, 99)
    new = reading.corrected(SOURCE + "word " * 1480)
    assert reading.stated(new) == (10, 25)
    assert reading.corrected(new) == new
    assert new.replace("25 more", "99 more") == SOURCE + "word " * 1480
    assert reading.corrected("no time stated") == "no time stated"


NUMBERED = [one for one in course() if one.number]


@pytest.mark.parametrize("chapter", NUMBERED, ids=lambda one: one.page)
def test_a_chapter_states_the_minutes_of_a_student(chapter: Chapter):
    source = (pairs.ROOT / f"{chapter.page}.md").read_text(encoding="utf-8")
    found = reading.stated(source)
    assert found is not None
    assert found[1] == reading.exercise_minutes(source)
    assert abs(found[0] - reading.reading_minutes(source)) <= 5, "python -m tools.guide.reading"
