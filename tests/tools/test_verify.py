"""tools.verify: what is altered in a release is named; the same commit gives the same bytes."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import bundle, pairs, verify

ROOT = pairs.ROOT
SITE = "nmcourse-book-0.1.0"
WHEEL = "nmcourse-0.1.0-py3-none-any.whl"


def packed(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, bundle.DATE), data)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a small site and of the ledger and three weights of the package."""
    out = tmp_path_factory.mktemp("release")
    weights = sorted((ROOT / verify.WEIGHTS).glob("*.safetensors"), key=lambda p: p.stat().st_size)
    paths = [ROOT / verify.LEDGER, ROOT / "nmcourse/__init__.py", *weights[:3]]
    packed(out / WHEEL, {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in paths})
    pages = {f"{SITE}/book/page_{n}.html": f"<html>{n}</html>".encode() * 20 for n in range(5)}
    packed(out / f"{SITE}.zip", pages)
    shutil.copy(ROOT / "tools/verify.py", out)
    finish(out)
    return out


def finish(out: Path) -> None:
    manifest = verify.make_manifest(out, version="0.1.0", date="2026-01-01", commit="abc")
    (out / verify.MANIFEST).write_text(json.dumps(manifest, indent=1))
    bundle.write_checksums(out)


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "release"))


def found(release: Path, **more) -> list[str]:
    return list(verify.problems(release, **more))


def test_what_was_made_is_right_and_the_script_says_so_alone(release: Path):
    """In an empty environment: no package, no setting, only Python."""
    command = [sys.executable, "-I", "-S", str(release / "verify.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={})
    assert done.returncode == 0, done.stdout
    n_records = len(json.loads((ROOT / verify.LEDGER).read_text()))
    assert f"3 of weights, and {n_records} records are as they were made" in done.stdout
    fingerprint = done.stdout.rpartition(" ")[2].strip()
    assert found(release, fingerprint=fingerprint) == []
    (problem,) = found(release, fingerprint="0123456789abcdef")
    assert problem.startswith("MANIFEST.json: has the fingerprint")
    (problem,) = found(release, fingerprint=fingerprint[:4])  # right, and too few to say so
    assert problem == f"--fingerprint must have all 16 digits, got {fingerprint[:4]!r}"


def altered(data: bytes, chance: random.Random) -> bytes:
    """One byte is another one."""
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]


@pytest.mark.parametrize("seed", range(5))
def test_twenty_altered_bytes_are_all_caught(seed: int, release: Path, made: Path):
    """A hundred in all: in any file of the release, the manifest and this script among them."""
    chance = random.Random(seed)
    for _ in range(20):
        name = chance.choice(sorted(path.name for path in release.iterdir()))
        data = (release / name).read_bytes()
        (release / name).write_bytes(altered(data, chance))
        lines = found(release)
        assert any(name in line for line in lines) or name in (verify.SUMS, verify.MANIFEST)
        assert lines, name
        (release / name).write_bytes(data)
    assert found(release) == []


def changed(record: dict, chance: random.Random) -> str:
    """Change one field of a record a little; returns what was changed."""
    key = chance.choice(sorted(k for k, v in record.items() if v not in ("", [], None)))
    value = record[key]
    if isinstance(value, str):
        place = chance.randrange(len(value))
        record[key] = value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    elif isinstance(value, list):
        record[key] = value[:-1]
    else:
        record[key] = value + 1
    return key


@pytest.mark.parametrize("seed", range(5))
def test_twenty_altered_records_are_all_caught(seed: int, release: Path):
    """A hundred in all, in a wheel whose own checksum was made anew: the record itself is named."""
    chance = random.Random(seed)
    content = verify.inside(release / WHEEL)
    for _ in range(20):
        records = json.loads(content[verify.LEDGER])
        record = chance.choice(records)
        name = record["id"]  # which may itself be what is altered, into that of another record
        changed(record, chance)
        forged = json.dumps(records, ensure_ascii=False).encode()
        packed(release / WHEEL, content | {verify.LEDGER: forged})
        bundle.write_checksums(release)
        lines = found(release)
        named = [line for line in lines if f"record {name} is" in line or "cannot be read" in line]
        assert named, (name, record["id"], lines)
        assert f"{WHEEL}: is altered" in lines


def test_a_page_a_weight_and_a_file_are_named(release: Path):
    wheel, site = (verify.inside(release / name) for name in (WHEEL, f"{SITE}.zip"))
    weights = next(name for name in wheel if name.startswith(verify.WEIGHTS))
    packed(release / WHEEL, wheel | {weights: altered(wheel[weights], random.Random(0))})
    page = f"{SITE}/book/page_2.html"
    packed(release / f"{SITE}.zip", {n: d for n, d in site.items() if n != page} | {"x": b""})
    (release / "more.txt").write_text("more")
    lines = found(release)
    assert f"{WHEEL}: {weights}: is altered" in lines
    assert f"{SITE}.zip: {page}: is missing" in lines
    assert f"{SITE}.zip: x: does not belong to the release" in lines
    assert "more.txt: does not belong to the release" in lines
    (release / WHEEL).unlink()
    assert f"{WHEEL}: is missing" in found(release)


def test_an_unpacked_site_and_an_installed_package(release: Path, tmp_path: Path):
    for name in (WHEEL, f"{SITE}.zip"):
        with zipfile.ZipFile(release / name) as archive:
            archive.extractall(tmp_path / "there")
    site, package = tmp_path / "there" / SITE, tmp_path / "there/nmcourse"
    assert found(release, site=site, package=package) == []
    (site / "book/page_0.html").write_text("other")
    ledger = package / "claims/ledger.json"
    records = json.loads(ledger.read_text())
    records[0]["status"] = "reproduced!"
    ledger.write_text(json.dumps(records[:-1]))
    lines = found(release, site=site, package=package)
    assert any(line.endswith("book/page_0.html: is altered") for line in lines)
    assert any(line.endswith(f"record {records[0]['id']} is altered") for line in lines)
    assert any(line.endswith(f"record {records[-1]['id']} is missing") for line in lines)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"date": ""},
        {"files": {}},
        {"files": {"../../etc/passwd": "0"}},
        {"records": []},
        {"weights": 4},
    ],
)
def test_a_manifest_that_does_not_say_it_all_is_refused(change, release: Path):
    path = release / verify.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (line,) = found(release)
    assert line.startswith("MANIFEST.json: cannot be read (ValueError: ")


def test_a_folder_that_is_none_is_named(tmp_path: Path, capsys):
    assert verify.main([str(tmp_path / "none")]) == 1
    assert "folder must be one with the files of a release" in capsys.readouterr().out
    assert verify.main([str(tmp_path)]) == 1
    assert "MANIFEST.json: cannot be read (FileNotFoundError" in capsys.readouterr().out


@pytest.mark.slow
def test_two_builds_give_the_same_wheel(tmp_path: Path):
    """From two checkouts: other times, other permissions."""
    wheels = []
    for number in range(2):
        root = tmp_path / f"root_{number}"
        shutil.copytree(ROOT / "nmcourse", root / "nmcourse", ignore=bundle.NOT_SHIPPED)
        for name in bundle.SOURCES:
            shutil.copy(ROOT / name, root)
        for path in root.rglob("*.py"):
            path.chmod(0o600 if number else 0o664)
            path.touch()
        wheels.append(bundle.wheel(tmp_path / f"out_{number}", root).read_bytes())
    assert wheels[0] == wheels[1]
