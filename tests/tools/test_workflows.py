"""tools.workflows: the workflows keep their rules, and each broken rule is found."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tools import pairs, workflows

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOOD = f"""
name: good
on:
  pull_request:
permissions:
  contents: read
jobs:
  one:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@{COMMIT} # v7.0.1
        with:
          persist-credentials: false
      - run: make test
"""


def test_the_workflows_of_the_course_keep_the_rules():
    expected = {"test.yml", "gpu.yml", "publish.yml", "links.yml", "colab.yml", "audit.yml"}
    assert expected <= set(workflows.texts())
    assert workflows.check() == []


def test_linters_accept_the_workflows(capfd: pytest.CaptureFixture[str]):
    assert workflows.lint() == [], capfd.readouterr().out


def problems(text: str) -> list[str]:
    files = {"file.yml": text}
    found = [*workflows.unpinned(files), *workflows.too_many_rights(files)]
    return found + workflows.unknown_targets(files, pairs.ROOT)


def test_a_good_workflow_passes():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f"{COMMIT} # v7.0.1", "v7", "not a commit"),
        (" # v7.0.1", "", "not a commit"),
        ("contents: read", "contents: write", "not {} or contents: read"),
        ("permissions:\n  contents: read", "permissions: write-all", "not stated one by one"),
        ("permissions:\n  contents: read\n", "", "not {} or contents: read"),
        ("    steps", "    permissions: {issues: write}\n    steps", "pull request may write"),
        ("pull_request:", "pull_request_target:", "rights of the repository"),
        ("make test", "make test TOKEN=${{ secrets.TOKEN }}", "uses secrets"),
        ("ubuntu-latest", "${{ vars.GPU_RUNNER }}", "may not run on the GPU machine"),
        ("persist-credentials: false", "fetch-depth: 1", "leaves its token"),
        ("    timeout-minutes: 5\n", "", "without timeout-minutes"),
        ("make test", "make lint tset", "make tset: no such target"),
        ("make test", ".ci/walk", ".ci/walk: no such program"),
    ],
)
def test_a_broken_rule_is_found(old: str, new: str, message: str):
    assert old in GOOD
    assert message in " ".join(problems(GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("target", "caller"),
    [
        ("gpu-notebooks", "gpu.yml: make gpu-notebooks"),
        ("colab-newest", "colab.yml: make colab-newest"),
        ("unit", "test.yml: make unit"),
        ("browser", ".ci/run: make browser"),
        ("lint", "make test: lint"),
    ],
)
def test_a_target_that_is_removed_is_missed(target: str, caller: str, tmp_path: Path):
    makefile = (pairs.ROOT / "Makefile").read_text(encoding="utf-8")
    without = re.sub(rf"^{target}:.*\n", "", makefile, flags=re.MULTILINE)
    (tmp_path / "Makefile").write_text(without, encoding="utf-8")
    (tmp_path / ".ci").mkdir()
    shutil.copy(pairs.ROOT / workflows.PROGRAM, tmp_path / ".ci")
    found = workflows.unknown_targets(workflows.texts(), tmp_path)
    assert f"{caller}: no such target" in found
    assert all(target in problem for problem in found)


def test_an_action_pinned_to_two_commits_is_found():
    other = GOOD.replace(COMMIT, COMMIT[::-1])
    (problem,) = workflows.unpinned({"one.yml": GOOD, "two.yml": other})
    assert problem == "actions/checkout: 2 different commits or versions"


def test_the_label_of_the_gpu_runner_stands_in_one_place():
    texts = workflows.texts()
    assert workflows.gpu_label(texts) == []
    assert workflows.gpu_label(texts | {"more.yml": texts["gpu.yml"]}) != []
