"""Check the workflows of `.github`: their syntax, and the rules that no linter knows.

    python -m tools.workflows

The syntax is checked by actionlint and by the published schema. The rules: an action is pinned by
its commit, the same one everywhere; permissions are stated, and nothing that a pull request starts
may write or see a secret; a step that calls make names a target that exists; the label of the GPU
runner stands in one place.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools import pairs

FOLDER = Path(".github/workflows")
PINNED = re.compile(r"uses: *([\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$")
USED = re.compile(r"^\s*(?:- )?(uses: *.+?)\s*$", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
CALLED = re.compile(r"\bmake((?: +-[\w-]+)*(?: +[a-z][a-z-]*)+)")
PROGRAM = Path(".ci/run")
GPU_LABEL = "vars.GPU_RUNNER"


def texts(root: Path = pairs.ROOT) -> dict[str, str]:
    """Return the text of every workflow by the name of its file."""
    files = sorted((root / FOLDER).glob("*.yml"))
    return {file.name: file.read_text(encoding="utf-8") for file in files}


def unpinned(workflows: dict[str, str]) -> list[str]:
    """Return one message per action that is not pinned, or pinned to two commits."""
    problems, commits = [], defaultdict(set)
    for name, text in workflows.items():
        for use in USED.findall(text):
            if re.fullmatch(r"uses: \./[\w./-]+", use):
                continue
            if pin := PINNED.fullmatch(use):
                commits[pin[1]].add((pin[2], pin[3]))
            else:
                problems.append(f"{name}: {use}: not a commit with its version in a comment")
    for action, found in commits.items():
        if len(found) > 1:
            problems.append(f"{action}: {len(found)} different commits or versions")
    return problems


def _triggers(workflow: dict[Any, Any]) -> set[str]:
    """Return what starts a workflow. YAML reads the key `on` as the truth value True."""
    found = workflow.get("on", workflow.get(True, {}))
    return {found} if isinstance(found, str) else set(found)


def _rights(workflow: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield where permissions are stated, and which."""
    yield "the workflow", workflow.get("permissions")
    for name, job in workflow["jobs"].items():
        if "permissions" in job:
            yield f"job {name}", job["permissions"]


def too_many_rights(workflows: dict[str, str]) -> list[str]:
    """Return one message per workflow that may do more than it needs."""
    problems = []
    for name, text in workflows.items():
        workflow = yaml.safe_load(text)
        triggers, rights = _triggers(workflow), dict(_rights(workflow))
        if rights["the workflow"] not in ({}, {"contents": "read"}):
            problems.append(f"{name}: permissions of the workflow are not {{}} or contents: read")
        public = any(trigger.startswith("pull_request") for trigger in triggers)
        if public and triggers & {"pull_request_target"}:
            problems.append(f"{name}: pull_request_target runs with the rights of the repository")
        if public and "GPU_RUNNER" in text:
            problems.append(f"{name}: a pull request may not run on the GPU machine")
        for place, granted in rights.items():
            if not isinstance(granted, dict):
                problems.append(f"{name}: {place}: permissions are not stated one by one")
            elif public and "write" in granted.values():
                problems.append(f"{name}: {place}: a pull request may write")
        if re.search(r"\bsecrets\b", text):
            problems.append(f"{name}: uses secrets; the token of the run is enough")
        if text.count("actions/checkout@") != text.count("persist-credentials: false"):
            problems.append(f"{name}: a checkout leaves its token behind")
        for job in workflow["jobs"].values():
            if "steps" in job and "timeout-minutes" not in job:
                problems.append(f"{name}: a job without timeout-minutes")
    return problems


def unknown_targets(workflows: dict[str, str], root: Path = pairs.ROOT) -> list[str]:
    """Return one message per step that calls a make target, or a program, that is not there.

    The targets that the program itself and the stages of `make test` call are looked up too.
    """
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    known = set(TARGET.findall(makefile))
    stages = re.search(r"^STAGES := (.+)$", makefile, re.MULTILINE)
    problems = [
        f"make test: {stage}: no such target"
        for stage in (stages[1].split() if stages else ())
        if stage not in known
    ]
    steps = [
        (name, str(step.get("run", "")))
        for name, text in workflows.items()
        for job in yaml.safe_load(text)["jobs"].values()
        for step in job.get("steps", ())
    ]
    if (root / PROGRAM).is_file():
        lines = (root / PROGRAM).read_text(encoding="utf-8").splitlines()
        steps += [(str(PROGRAM), line) for line in lines if not line.lstrip().startswith("#")]
    for name, run in steps:
        words = {word for words in CALLED.findall(run) for word in words.split()}
        called = sorted(word for word in words - known if not word.startswith("-"))
        problems += [f"{name}: make {target}: no such target" for target in called]
        if run.startswith(".ci/") and not (root / run.strip()).is_file():
            problems.append(f"{name}: {run.strip()}: no such program")
    return problems


def gpu_label(workflows: dict[str, str]) -> list[str]:
    """Return a message unless the label of the GPU runner is read in exactly one place."""
    places = [name for name, text in workflows.items() for _ in range(text.count(GPU_LABEL))]
    return (
        [] if places == ["gpu.yml"] else [f"{GPU_LABEL} is read in {places}, not once in gpu.yml"]
    )


def check(root: Path = pairs.ROOT) -> list[str]:
    """Return one message per rule that a workflow breaks."""
    workflows = texts(root)
    return [
        *unpinned(workflows),
        *too_many_rights(workflows),
        *unknown_targets(workflows, root),
        *gpu_label(workflows),
    ]


def lint(root: Path = pairs.ROOT) -> list[str]:
    """Run actionlint and the schema check; return one message per program that complains."""
    files = [str(root / FOLDER / name) for name in texts(root)]
    programs = Path(sys.executable).parent
    schema = ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    problems = []
    for name, *arguments in (["actionlint"], schema):
        program = programs / name
        if not program.exists():
            problems.append(f"{name} is not installed; run `make install`")
        elif subprocess.run([str(program), *arguments, *files], cwd=root, check=False).returncode:
            problems.append(f"{name}: see above")
    return problems


def main() -> int:
    """Check everything; return the exit status."""
    problems = lint() + check()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
