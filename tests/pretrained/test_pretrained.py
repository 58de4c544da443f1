"""Weights come back as they were saved, or not at all."""

import importlib.util
import json
import re
import threading

import pytest
import safetensors.torch
import torch
from torch import nn

from nmcourse import pretrained
from nmcourse._files import digest
from nmcourse.models import LSTM, NMRNN, CordsNet, LowRankRNN, NMCordsNet, count_parameters
from nmcourse.pretrained import BUILDERS, PretrainedError
from nmcourse.pretrained import __main__ as command_line
from nmcourse.pretrained.manifest import read_manifest, write_bytes

SIZES = {
    "measure_wait_go_nm_rnn": 1059,
    "measure_wait_go_low_rank_rnn": 1061,
    "measure_wait_go_vanilla_rnn": 1086,
    "measure_wait_go_lstm": 1155,
    "multitask_nm_rnn": 1786,
    "multitask_low_rank_rnn": 1503,
    "multitask_vanilla_rnn": 489,
    "multitask_lstm": 504,
    "element_finder_nm_rnn": 497,
    "element_finder_lstm": 490,
}
COMMAND = "python -m nmcourse.claims run N4"


def build(name="measure_wait_go_lstm", seed=0, **kwargs):
    return BUILDERS[name](generator=torch.Generator().manual_seed(seed), **kwargs)


def save(folder, models, name="nets", build="measure_wait_go_lstm", **changes):
    options = {
        "command": COMMAND,
        "metrics": {"mse": 1e-3},
        "config": {"build": build, "kwargs": {}},
        **changes,
    }
    return pretrained.save(name, models, folder=folder, **options)


@pytest.fixture
def folder(tmp_path):
    """A folder with three saved LSTMs under the name "nets"."""
    save(tmp_path, [build(seed=seed) for seed in range(3)])
    return tmp_path


def change_entry(folder, **fields):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["nets"].update(fields)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", SIZES)
def test_paper_sizes(name):
    assert count_parameters(build(name)) == SIZES[name]


@pytest.mark.parametrize("name", BUILDERS)
def test_models_come_back_equal(tmp_path, name):
    models = [build(name, seed) for seed in range(2)]
    save(tmp_path, models, build=name)
    generator = torch.Generator().manual_seed(9)
    if isinstance(models[0], CordsNet | NMCordsNet):
        trial = [torch.randn(2, models[0].n_inputs, *models[0].image_size, generator=generator)]
        if isinstance(models[0], NMCordsNet):
            trial.append(torch.randn(2, models[0].n_cues, generator=generator))
    else:
        n_context = models[0].modulator.n_context if isinstance(models[0], NMRNN) else 0
        trial = [
            torch.randn(2, 10, n_channels, generator=generator)
            for n_channels in (models[0].n_inputs, n_context)
            if n_channels
        ]
    loaded = pretrained.load("nets", folder=tmp_path)
    assert len(loaded) == 2
    for model, copy in zip(models, loaded, strict=True):
        assert type(copy) is type(model)
        with torch.no_grad():
            assert torch.equal(copy(*trial).outputs, model(*trial).outputs)


def test_builder_arguments_are_kept(tmp_path):
    model = build("measure_wait_go_low_rank_rnn", recurrent_scaling="1/N")
    config = {"build": "measure_wait_go_low_rank_rnn", "kwargs": {"recurrent_scaling": "1/N"}}
    save(tmp_path, model, config=config)
    loaded = pretrained.load("nets", folder=tmp_path)
    torch.testing.assert_close(loaded.connectivity(), model.connectivity())


def test_lstm_has_no_recurrent_scaling():
    with pytest.raises(ValueError, match="recurrent_scaling must be 'none'"):
        build(recurrent_scaling="1/N")


def test_one_model_comes_back_alone(tmp_path):
    entry = save(tmp_path, build(seed=4))
    assert entry.n_models is None
    assert isinstance(pretrained.load("nets", folder=tmp_path), nn.Module)


def test_double_precision_is_kept(tmp_path):
    save(tmp_path, build().double())
    loaded = pretrained.load("nets", folder=tmp_path)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float64}


def test_stacked_parameters(folder):
    stacked = pretrained.parameters("nets", folder=folder)
    assert {tensor.shape[0] for tensor in stacked.values()} == {3}
    save(folder, stacked, name="again", stacked=True)
    for name, tensor in pretrained.parameters("again", folder=folder).items():
        assert torch.equal(tensor, stacked[name])


def test_loading_leaves_the_readers_random_numbers_alone(folder):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    pretrained.load("nets", folder=folder)
    assert torch.equal(torch.rand(3), expected)


def test_info_and_available(folder):
    assert pretrained.available(folder=folder) == ("nets",)
    entry = pretrained.info("nets", folder=folder)
    assert entry.command == COMMAND
    assert entry.licence == "CC BY 4.0"
    assert entry.metrics == {"mse": 1e-3}
    assert entry.size == (folder / entry.file).stat().st_size


def test_unknown_name_lists_what_there_is(folder):
    with pytest.raises(ValueError, match="no pretrained weights named 'net'; available: nets"):
        pretrained.load("net", folder=folder)


def test_altered_byte(folder):
    path = folder / "weights" / "nets.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(PretrainedError, match=r"nets\.safetensors has SHA-256 .* says") as error:
        pretrained.load("nets", folder=folder)
    assert f"Make the file again with: {COMMAND}" in str(error.value)


def test_truncated_file(folder):
    path = folder / "weights" / "nets.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-7])
    expected = f"has {len(data) - 7} bytes, the manifest says {len(data)}.*{COMMAND}"
    with pytest.raises(PretrainedError, match=expected):
        pretrained.load("nets", folder=folder)


def test_missing_file(folder):
    (folder / "weights" / "nets.safetensors").unlink()
    with pytest.raises(PretrainedError, match=rf"nets\.safetensors cannot be read.*{COMMAND}"):
        pretrained.parameters("nets", folder=folder)


def test_file_that_is_not_safetensors(folder):
    data = b"not weights at all"
    (folder / "weights" / "nets.safetensors").write_bytes(data)
    change_entry(folder, size=len(data), sha256=digest(data))
    with pytest.raises(PretrainedError, match="not in the safetensors format"):
        pretrained.load("nets", folder=folder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": "12"}, "field 'size' has the wrong type: '12'"),
        ({"size": True}, "field 'size' has the wrong type: True"),
        ({"sha256": "abc"}, "'sha256' is not 64 hexadecimal digits"),
        ({"n_models": "3"}, "field 'n_models' has the wrong type"),
        ({"sizes": 3}, r"unknown fields \['sizes'\]"),
        ({"file": "../nets.safetensors"}, "not a relative .safetensors path"),
        ({"file": "/tmp/nets.safetensors"}, "not a relative .safetensors path"),
        ({"file": "C:nets.safetensors"}, "not a relative .safetensors path"),
        ({"file": "..\\nets.safetensors"}, "not a relative .safetensors path"),
        ({"file": "weights/nets.pt"}, "not a relative .safetensors path"),
        ({"config": {"build": "measure_wait_go_lstm"}}, r"config\['kwargs'\] must be a mapping"),
        ({"config": {"build": 3, "kwargs": {}}}, r"config\['build'\] must be the name"),
        ({"config": {"build": "x", "kwargs": {}, "code": "y"}}, r"unknown keys \['code'\]"),
    ],
)
def test_wrong_manifest_entry(folder, fields, message):
    change_entry(folder, **fields)
    with pytest.raises(PretrainedError, match=f"entry 'nets': .*{message}"):
        pretrained.load("nets", folder=folder)


def test_missing_manifest_field(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"licence"', '"license"'))
    with pytest.raises(PretrainedError, match=r"missing fields \['licence'\]"):
        pretrained.available(folder=folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": 1, "files": {', "not valid JSON: .*line 1"),
        ('{"format": 2, "files": {}}', "'format': 1"),
        ("[]", "'format': 1"),
        ('{"format": 1, "files": []}', "'files' must be an object"),
        ('{"format": 1, "files": {"nets": 3}}', "entry 'nets': expected an object"),
    ],
)
def test_damaged_manifest(folder, text, message):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(PretrainedError, match=message):
        pretrained.available(folder=folder)


def test_missing_manifest(tmp_path):
    with pytest.raises(PretrainedError, match=r"manifest\.json is missing"):
        pretrained.available(folder=tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"build": "os.system", "kwargs": {}}, "unknown builder 'os.system'; known: measure_wait"),
        ({"build": "measure_wait_go_lstm", "kwargs": {"units": 3}}, "unexpected keyword"),
        ({"build": "measure_wait_go_vanilla_rnn", "kwargs": {}}, "do not fit its builder"),
    ],
)
def test_manifest_of_other_models(folder, config, message):
    change_entry(folder, config=config)
    with pytest.raises(PretrainedError, match=message):
        pretrained.load("nets", folder=folder)


def test_manifest_with_another_number_of_models(folder):
    change_entry(folder, n_models=4)
    with pytest.raises(PretrainedError, match="not every tensor holds 4 models"):
        pretrained.load("nets", folder=folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Nets"}, "name 'Nets' is not allowed"),
        ({"name": "../nets"}, "is not allowed"),
        ({"command": ""}, "command must say"),
        ({"metrics": {"mse": float("nan")}}, "metrics must be finite JSON data"),
        ({"metrics": {"mse": torch.zeros(1)}}, "metrics must be finite JSON data"),
        ({"config": {"kwargs": {}}}, r"config\['build'\]"),
        ({"build": "measure_wait_go_vanilla_rnn"}, "models and config do not agree"),
        (
            {"config": {"build": "measure_wait_go_lstm", "kwargs": {}, "seeds": [1, 2]}},
            "2 entries for 1 models",
        ),
    ],
)
def test_save_refuses(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        save(tmp_path, [build()], **changes)
    assert not list(tmp_path.iterdir())


def test_save_refuses_weights_that_are_not_finite(tmp_path):
    model = build()
    next(model.parameters()).data[0] = float("inf")
    with pytest.raises(ValueError, match="not finite"):
        save(tmp_path, model)


def test_save_refuses_models_that_differ(tmp_path):
    with pytest.raises(ValueError, match="models differ in their parameters"):
        save(tmp_path, [build(), build("measure_wait_go_vanilla_rnn")])


def test_save_refuses_nothing(tmp_path):
    with pytest.raises(ValueError, match="models is empty"):
        save(tmp_path, [])


def test_saving_again_replaces(folder):
    save(folder, build(seed=7), metrics={"mse": 2.0})
    assert pretrained.info("nets", folder=folder).metrics == {"mse": 2.0}
    assert isinstance(pretrained.load("nets", folder=folder), nn.Module)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(
    importlib.util.find_spec("fcntl") is None, reason="this system has no file locks"
)
def test_concurrent_writers_lose_nothing(tmp_path):
    names = [f"nets-{index}" for index in range(12)]
    threads = [
        threading.Thread(target=save, args=(tmp_path, build(seed=index), name))
        for index, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_manifest(tmp_path)) == set(names)
    assert not any(pretrained.verify(folder=tmp_path).values())


def test_verify_finds_what_is_wrong(folder, capsys):
    save(folder, build(), name="good")
    (folder / "weights" / "nets.safetensors").write_bytes(b"")
    (folder / "weights" / "stray.safetensors").write_bytes(safetensors.torch.save({}))
    assert command_line.main(["--verify"], folder=folder) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^ok +good$", printed, re.MULTILINE)
    assert re.search("^WRONG +nets: .*0 bytes", printed, re.MULTILINE)
    assert "stray.safetensors: this file has no entry" in printed
    assert "3 files verified, 2 wrong" in printed


def test_command_line_lists(folder, capsys):
    assert command_line.main([], folder=folder) == 0
    printed = capsys.readouterr().out
    assert "nets: 3 models" in printed
    assert COMMAND in printed
    assert command_line.main(["--json"], folder=folder) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "nets"


def test_command_line_reports_a_damaged_manifest(folder, capsys):
    (folder / "manifest.json").write_text("{")
    assert command_line.main([], folder=folder) == 1
    assert "not valid JSON" in capsys.readouterr().err


def test_every_shipped_file_is_as_the_manifest_says(capsys):
    assert command_line.main(["--verify"]) == 0, capsys.readouterr().out


def test_shipped_row_factors_mean_the_same_under_either_sign():
    """Those trained with the signs of the QR decomposition; their columns were turned since."""
    n_checked = 0
    families = ("mwg_published_", "ef_published_", "cognitive_")  # trained with continuous signs
    continuous = {name for name in pretrained.available() if name.startswith(families)}
    for name in set(pretrained.available()) - continuous:
        stored = pretrained.load(name)
        for model in stored if isinstance(stored, list) else [stored]:
            network = model.output_network if isinstance(model, NMRNN) else model
            if isinstance(network, LowRankRNN) and network.orthonormal:
                assert torch.equal(network.factors()[0], torch.linalg.qr(network.row_factors)[0])
                n_checked += 1
    assert n_checked > 200


def test_unknown_gain_shape_is_refused():
    with pytest.raises(ValueError, match="gain_shape must be one of sigmoid, tanh, softplus, got"):
        build("measure_wait_go_nm_rnn", gain_shape="relu")


def test_the_kind_that_is_asked_for_is_the_kind_that_comes(folder):
    models = pretrained.load("nets", kind=LSTM, folder=folder)
    assert [type(model) for model in models] == [LSTM] * 3
    message = "pretrained weights 'nets' are of kind LSTM, not NMRNN"
    for load in (pretrained.load, pretrained.load_all):
        with pytest.raises(TypeError, match=message):
            load("nets", kind=NMRNN, folder=folder)
        with pytest.raises(TypeError, match="kind must be a class of models, such as NMRNN, got"):
            load("nets", kind="LSTM", folder=folder)


def test_one_stored_model_is_a_list_where_all_are_asked_for(tmp_path):
    save(tmp_path, build())
    assert isinstance(pretrained.load("nets", kind=LSTM, folder=tmp_path), LSTM)
    (model,) = pretrained.load_all("nets", kind=LSTM, folder=tmp_path)
    assert isinstance(model, LSTM)
