"""A notebook is read as data, whatever saved it and however much it has printed."""

from __future__ import annotations

import json

import pytest

from nmcourse.exercises.handing_in import (
    NotANotebook,
    TooLarge,
    code_cells,
    looks_like_notebook,
    notebook,
)


def saved(*cells: dict, **more: object) -> bytes:
    return json.dumps({"cells": list(cells)} | more).encode()


def code(source: object, **more: object) -> dict:
    return {"cell_type": "code", "source": source} | more


def test_code_is_read_from_every_form_of_notebook():
    text = {"cell_type": "markdown", "source": "# Title"}
    assert code_cells(saved(text, code("x = 1"))) == [(2, "x = 1")]
    assert code_cells(saved(code(["x = 1\n", "y = 2"]))) == [(1, "x = 1\ny = 2")]
    assert code_cells(b"\xef\xbb\xbf" + saved(code("é = 1"))) == [(1, "é = 1")]
    assert code_cells(saved(code("x = 1")).decode().encode("utf-16")) == [(1, "x = 1")]
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}]}
    assert code_cells(json.dumps(old).encode()) == [(1, "x = 1")]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"cells": 3}', b'{"a": 1}', b"\xff\xfe\x00"]
)
def test_what_is_no_notebook_is_told_apart(content: bytes):
    assert not looks_like_notebook(content)
    with pytest.raises(NotANotebook):
        code_cells(content)


def test_outputs_do_not_hide_the_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebook, "LARGEST_CODE", 2000)
    bulk = ['"outputs": [', "]]}}", "\\", '\\"', {"outputs": [[1, {"a": "]"}]]}] * 100
    source = 'text = \'"outputs": [1, 2\'\noutputs = {"outputs": []}'
    content = saved(
        code(source, outputs=bulk, execution_count=1),
        {"cell_type": "markdown", "source": "![](x)", "attachments": {"x": bulk}},
        code("y = 2", outputs=[]),
        metadata={"widgets": {"state": bulk}},
    )
    assert len(content) > 2000
    assert code_cells(content) == [(1, source), (3, "y = 2")]
    with pytest.raises(TooLarge):
        code_cells(saved(code("x" * 3000, outputs=bulk)))
    with pytest.raises(NotANotebook):
        code_cells(saved(code("x", outputs=bulk))[:-300])
