"""Names in archives, manifests, results and answer sheets decide no path."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from nmcourse import pretrained
from nmcourse._files import write_text
from nmcourse.pretrained import PretrainedError
from nmcourse.tasks import ImageFileError, fetch_images
from nmcourse.tasks.vision import image_downloads
from tests.properties.damage import damaged, damages, folder, unless_refused
from tools.guide import inventory_score
from tools.teaching import assignments, submission
from tools.teaching.handed_in import collect
from tools.teaching.results import counted, load_result, note_time
from tools.teaching.settings import Settings

links = pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no links")


def tree(where: Path) -> dict[str, bytes | str]:
    """Everything below a folder: content of files, targets of links."""
    return {
        str(path.relative_to(where)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in where.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def archive(path: Path, *extra: tarfile.TarInfo, names: tuple[str, ...] = ("a.bin",)) -> Path:
    """A tar file with these files, a byte each, and other members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
        for member in extra:
            tar.addfile(member)
    return path


@pytest.fixture
def fetch(tmp_path, monkeypatch):
    """A set that is one archive: downloading it means that the file is there."""
    source = image_downloads.Source("https://example.org/", {"set.tar.gz": "0"}, ("a.bin",))
    monkeypatch.setitem(image_downloads.SOURCES, "cifar-10", source)
    place = tmp_path / "outer" / "data"
    there = place / "cifar-10" / "set.tar.gz"
    monkeypatch.setattr(image_downloads, "_download", lambda address, md5, where: there)
    return there, lambda: fetch_images("cifar-10", place)


@pytest.mark.parametrize("name", ["../../../a.bin", "/a.bin", "x/../../../../a.bin", "deep/a.bin"])
def test_a_path_in_an_archive_is_not_followed(fetch, tmp_path, name):
    there, get = fetch
    archive(there, names=(name,))
    before = tree(tmp_path)
    where = get()
    new = {name: content for name, content in tree(tmp_path).items() if name not in before}
    assert set(new) == {f"outer/data/cifar-10/{name}" for name in ("a.bin", "SHA256SUMS")}
    assert (where / "a.bin").read_bytes() == b"x"


@links
def test_links_are_replaced_and_not_written_through(fetch, tmp_path):
    there, get = fetch
    archive(there)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("a.bin", "SHA256SUMS"):
        (there.parent / name).symlink_to(victim)
    where = get()
    assert victim.read_text() == "mine"
    assert not (where / "a.bin").is_symlink()


def test_a_link_or_a_giant_in_an_archive_is_refused(fetch, monkeypatch):
    there, get = fetch
    link = tarfile.TarInfo("a.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive(there, link, names=("other",))
    with pytest.raises(ImageFileError, match=r"must hold a file a\.bin"):
        get()
    monkeypatch.setattr(image_downloads, "LARGEST", 0)
    archive(there)
    with pytest.raises(ImageFileError, match=r"files of at most 0 bytes, got 1 for a\.bin"):
        get()


@given(damage=damages())
@example(damage=("flip", 0.796875, 2))  # in a file: only the checksum at the end can tell
def test_a_damaged_archive_is_named(damage):
    with folder() as where:
        path = archive(where / "set.tar.gz")
        path.write_bytes(damaged(path.read_bytes(), damage))
        (where / "out").mkdir()
        with unless_refused(ImageFileError, str(path)):
            image_downloads._unpack(path, ("a.bin",), where / "out")
            assert tree(where / "out") == {"a.bin": b"x"}


@given(name=st.text(max_size=12) | st.sampled_from(("../nets", "a/b", "/nets", "..", "nets\0")))
def test_weights_are_saved_under_plain_names_only(name):
    model = torch.nn.Linear(1, 1)
    with folder() as where, unless_refused(ValueError, "is not allowed", "unknown builder"):
        inside = where / "inside"
        try:
            config = {"build": "none", "kwargs": {}}
            pretrained.save(name, model, command="c", metrics={}, config=config, folder=inside)
        finally:
            assert tree(where) == {}


@pytest.mark.parametrize(
    "file", ["../x.safetensors", "/x.safetensors", "weights/../../x.safetensors"]
)
def test_a_manifest_that_points_elsewhere_is_refused(tmp_path, file):
    entry = {"file": file, "size": 1, "sha256": "0" * 64, "command": "c", "metrics": {}}
    entry |= {"config": {"build": "x", "kwargs": {}}, "licence": "l", "n_models": 1, "citation": ""}
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "files": {"x": entry}}))
    with pytest.raises(PretrainedError, match=r"not a relative \.safetensors path"):
        pretrained.load("x", folder=tmp_path)


# what students hand in, and what is kept of it


RESULT = {
    "student": "ada",
    "key": {"submission": "s", "homework": "h", "rules": "r"},
    "mark": {
        "status": "marked",
        "token": "rates-A-000000",
        "parts": [{"name": "a", "points": 1.0, "most": 1.0, "status": "right", "lines": []}],
        "total": 1.0,
        "seconds": 1.0,
        "notes": [],
        "stopped": [],
        "private": [],
    },
    "marked": "2026-11-02T12:00:00+00:00",
    "submitted": None,
    "earlier": [],
}


def kept(where: Path, record: object) -> dict | None:
    write_text(where / "results" / "ada.json", json.dumps(record))
    return load_result(where, "ada")


@pytest.mark.parametrize("name", ["../../outside", "/tmp/outside", "bob", "", None])
def test_a_result_that_names_somebody_else_writes_no_file(tmp_path, name):
    out = tmp_path / "out"
    assert kept(out, RESULT) == RESULT
    before = tree(tmp_path)
    assert note_time(out, kept(out, RESULT), None) == RESULT
    assert kept(out, RESULT | {"student": name}) is None
    assert tree(tmp_path).keys() == before.keys()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(field=st.sampled_from([*RESULT, *RESULT["mark"], ""]), value=json_values)
def test_an_altered_result_counts_or_is_marked_again(field, value):
    record = json.loads(json.dumps(RESULT))
    part = record if field in record else record["mark"]
    part[field] = value
    with folder() as where:
        found = kept(where, value if field == "" else record)
    if found is not None:
        assert counted(found, Settings()).total >= -1e300


@given(content=st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()))
def test_any_file_at_all_is_a_submission_with_or_without_a_problem(content):
    with folder() as where:
        (where / "ada.ipynb").write_bytes(content)
        [found] = collect(where).everybody
        assert submission.read(found, {}).problem


FORMS = {"abc": {"form": "before", "questions": [{"id": "q1"}, {"id": "q2"}]}}
HEAD = "form,code_name,question,answer\n"
lines = st.lists(
    st.text(max_size=4) | st.sampled_from(("abc", "1", "2", "²", "9" * 5000)), max_size=5
)


@given(
    content=st.binary(max_size=100)
    | st.lists(lines.map(",".join), max_size=3).map(lambda rows: (HEAD + "\n".join(rows)).encode())
)
def test_an_odd_answer_sheet_stops_none_of_the_others(content):
    with folder() as where:
        (where / "odd.csv").write_bytes(content)
        (where / "good.csv").write_text(HEAD + "abc,ann,1,b\n")
        answers, problems = inventory_score.read(sorted(where.glob("*.csv")), FORMS)
    assert answers["before", "ann"]["q1"] == "B"
    assert all(problem.startswith("odd.csv: ") for problem in problems)


def test_a_line_that_names_no_question_leaves_the_others(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text(HEAD + "abc,ann,²,b\nabc,ann\nabc,ann,3,c\nabc,ann,2,d\n", encoding="utf-8")
    answers, problems = inventory_score.read([path], FORMS)
    assert answers == {("before", "ann"): {"q2": "D"}}
    assert problems == [f"odd.csv: there is no question {number}" for number in ("²", "", "3")]


def test_a_large_answer_sheet_and_one_that_is_no_file_are_named(tmp_path):
    (tmp_path / "large.csv").write_bytes(b" " * 1_000_001)
    (tmp_path / "folder.csv").mkdir()
    _, problems = inventory_score.read(sorted(tmp_path.glob("*.csv")), FORMS)
    assert problems == [
        "folder.csv: cannot be read (not a file)",
        "large.csv: cannot be read (it must have at most 1000000 bytes, got 1000001)",
    ]


@pytest.fixture(scope="module")
def homework(tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("homework")
    assignments.write(assignments.make("a seed", "rates", 1, "a key"), out)
    return (out / "rates.json").read_bytes()


@given(damage=damages())
def test_a_damaged_homework_is_the_same_or_refused(homework, damage):
    with folder() as where:
        path = where / "rates.json"
        path.write_bytes(damaged(homework, damage))
        with unless_refused(ValueError, str(path)):
            found = assignments.load(path)
            assert found.homework == "rates"
            assert len(found.versions) == 1


@given(name=st.sampled_from(("../x", "/x", "x/y", "..", "a b")))
def test_a_set_is_named_by_a_plain_word(name):
    table = {"title": "t", "take": ["rates a"]}
    with pytest.raises(ValueError, match="name must be small letters and hyphens"):
        assignments.collection(name, table)


def test_the_key_of_a_homework_is_for_its_owner_and_written_whole(tmp_path, monkeypatch):
    hidden = assignments.make("a seed", "rates", 1, "a key")
    assignments.write(hidden, tmp_path)
    path = tmp_path / "rates.json"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        assignments.write(hidden, tmp_path)
    assert path.read_bytes() == before
    assert [file for file in tmp_path.rglob("*") if file.name.endswith(".part")] == []
