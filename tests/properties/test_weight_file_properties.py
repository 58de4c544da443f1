"""Weights, checkpoints and results that were cut, altered or made to do harm: refused by name."""

from __future__ import annotations

import hashlib
import json
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nmcourse import pretrained, published
from nmcourse.evidence.record import LedgerError
from nmcourse.evidence.store import remember
from nmcourse.models import LowRankRNN
from nmcourse.pretrained import PretrainedError
from nmcourse.training import CheckpointError
from nmcourse.training.checkpoints import load_checkpoint, load_tensors, save_tensors
from tests.properties.damage import damaged, damages, folder, unless_refused


@cache  # no fixture: Hypothesis would print it
def shipped() -> dict[str, bytes]:
    """A folder with two models of one architecture, as bytes by name."""
    build = pretrained.BUILDERS["measure_wait_go_lstm"]
    with folder() as where:
        pretrained.save(
            "nets",
            [build(generator=torch.Generator().manual_seed(seed)) for seed in range(2)],
            command="make nets",
            metrics={"mse": 1.0},
            config={"build": "measure_wait_go_lstm", "kwargs": {}, "seeds": [0, 1]},
            folder=where,
        )
        return {str(p.relative_to(where)): p.read_bytes() for p in where.rglob("*") if p.is_file()}


WEIGHTS = "weights/nets.safetensors"


def lay_out(where: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (where / name).parent.mkdir(exist_ok=True)
        (where / name).write_bytes(content)
    return where


@given(damage=damages())
def test_damaged_weights_are_never_loaded(damage):
    with folder() as where:
        lay_out(where, shipped() | {WEIGHTS: damaged(shipped()[WEIGHTS], damage)})
        with pytest.raises(PretrainedError, match=r"nets.*Make the file again with: make nets"):
            pretrained.load("nets", folder=where)


@given(damage=damages(), length=st.none() | st.integers(0, 2**64 - 1))
def test_weights_whose_manifest_was_made_to_fit_are_numbers_or_an_error(damage, length):
    """Whoever alters the manifest as well can change numbers, and nothing else."""
    content = damaged(shipped()[WEIGHTS], damage, 600)
    if length is not None:  # of the header, as the file says it
        content = length.to_bytes(8, "little") + content[8:]
    manifest = json.loads(shipped()["manifest.json"])
    manifest["files"]["nets"] |= {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    altered = {WEIGHTS: content, "manifest.json": json.dumps(manifest).encode()}
    with folder() as where:
        lay_out(where, shipped() | altered)
        with unless_refused(PretrainedError, "nets"):
            assert len(pretrained.load("nets", folder=where)) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    field=st.sampled_from(("file", "size", "sha256", "config", "n_models", "metrics", "nets", "")),
    value=json_values,
)
def test_a_manifest_with_any_field_changed_is_refused_by_name(field, value):
    manifest = json.loads(shipped()["manifest.json"])
    if field == "":
        manifest = value
    elif field == "nets":
        manifest["files"]["nets"] = value
    else:
        manifest["files"]["nets"][field] = value
    with folder() as where:
        lay_out(where, shipped() | {"manifest.json": json.dumps(manifest).encode()})
        if field == "metrics" and isinstance(value, dict):
            pretrained.load("nets", folder=where)
            return
        with pytest.raises(PretrainedError, match=r"manifest\.json|'nets'"):
            pretrained.load("nets", folder=where)


@given(damage=damages())
def test_a_damaged_manifest_gives_models_or_an_error_that_says_so(damage):
    with folder() as where:
        lay_out(where, shipped() | {"manifest.json": damaged(shipped()["manifest.json"], damage)})
        with (
            unless_refused(ValueError, "no pretrained weights named 'nets'"),
            unless_refused(PretrainedError, str(where), "nets"),
        ):
            pretrained.load("nets", folder=where)


def test_a_manifest_that_is_too_deep_or_asks_for_too_much(tmp_path):
    lay_out(tmp_path, shipped())
    path = tmp_path / "manifest.json"
    for content, message in (
        (b"[" * 200_000, "not valid JSON"),
        (b"9" * 5000, "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b" " * (2**24 + 1), "must have at most 16777216 bytes"),
    ):
        path.write_bytes(content)
        with pytest.raises(PretrainedError, match=message):
            pretrained.load("nets", folder=tmp_path)
    manifest = json.loads(shipped()["manifest.json"])
    entry = manifest["files"]["nets"]
    entry["config"] |= {"build": "multitask_lstm", "kwargs": {"n_units": 10**12}}
    path.write_text(json.dumps(manifest))
    with pytest.raises(PretrainedError, match=r"n_units=1000000000000, \d+ numbers stored"):
        pretrained.load("nets", folder=tmp_path)
    entry["size"] = 2**40
    path.write_text(json.dumps(manifest))
    with pytest.raises(PretrainedError, match="field 'size' must be from 0 to"):
        pretrained.load("nets", folder=tmp_path)


# checkpoints and parts of results


@given(damage=damages(), seed=st.integers(0, 2**32 - 1))
def test_a_damaged_checkpoint_is_refused_or_the_same(damage, seed):
    numbers = torch.randn(50, generator=torch.Generator().manual_seed(seed))
    with folder() as where:
        path = where / "run.pt"
        save_tensors(path, {"fingerprint": {"steps": "5"}, "weights": numbers})
        path.write_bytes(damaged(path.read_bytes(), damage))
        with unless_refused(CheckpointError, str(path)):
            assert torch.equal(load_checkpoint(path, {"steps": "5"})["weights"], numbers)


def test_packed_parts_and_other_files_are_no_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    torch.save({"weights": torch.zeros(10**6)}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(CheckpointError, match="its parts are packed"):
        load_tensors(path)
    torch.save({"weights": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"no file of save_tensors: it is a pickle"):
        load_tensors(path)
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / "none.pt")


@given(damage=damages(), part=st.lists(st.floats(allow_nan=False), max_size=4))
def test_a_damaged_part_of_results_is_named_and_kept(damage, part):
    with folder() as where:
        path = where / "part.json"
        remember(path, lambda: part, {"steps": 3})
        path.write_bytes(content := damaged(path.read_bytes(), damage))
        read = False
        with unless_refused(LedgerError, f"{path} is damaged"):
            remember(path, lambda: "computed again", {"steps": 3})
            read = True
        assert read or path.read_bytes() == content


# published parameters


@cache
def arrays() -> dict[str, np.ndarray]:
    model = LowRankRNN(2, 5, 1, 2, generator=torch.Generator().manual_seed(0))
    names = published.LAYOUTS["low_rank_rnn"].names
    parameters = dict(model.named_parameters())
    return {name: parameters[path].detach().numpy() for name, path in names.items()}


@given(
    number=st.integers(0, 100),
    damage=st.sampled_from(("missing", "renamed", "kind", "nan", "axes", "empty", "repeated")),
    name=st.text(max_size=9),
    kind=st.sampled_from((None, "text", 3, {"a": 1}, [[1.0], [2.0, 3.0]], np.ones(3, "U2"))),
)
def test_a_wrong_published_array_is_refused_by_its_name(number, damage, name, kind):
    given_arrays = dict(arrays())
    key = sorted(given_arrays)[number % len(given_arrays)]
    values = given_arrays.pop(key)
    if damage == "renamed":
        given_arrays[f"_{name}"] = values
    elif damage == "kind":
        given_arrays[key] = kind
    elif damage == "nan":
        given_arrays[key] = np.full_like(values, np.nan)
    elif damage == "axes":
        given_arrays[key] = values[None]
    elif damage == "empty":
        given_arrays[key] = values[:0]
    elif damage == "repeated":
        given_arrays[key] = torch.zeros([1] * values.ndim).expand(2**40, *[1] * (values.ndim - 1))
    with pytest.raises(ValueError, match=key):
        published.load("low_rank_rnn", given_arrays)
