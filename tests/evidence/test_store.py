"""Results survive the disk, and damaged ones are refused."""

import json
import math

import numpy as np
import pytest
import torch

from nmcourse.evidence.record import ClaimError, LedgerError
from nmcourse.evidence.store import Results, plain, read_results, remember, write_results

RESULTS = Results(
    metrics={"nm": {"mse": [3.0, 1.0, None, 2.0], "produced": [[1, 10], [3, 30], [5, 20]]}, "n": 4},
    config={},
    experiment="timing",
)


def write(path, metrics, config=None):
    outcome = {"config": config or {}, "metrics": metrics}
    write_results("timing", outcome, tier="cpu", command="again", path=path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("n", 4),
        ("nm.mse", [3.0, 1.0, None, 2.0]),
        ("nm.mse.median", 2.0),
        ("nm.mse.mean", 2.0),
        ("nm.mse.minimum", 1.0),
        ("nm.mse.maximum", 3.0),
        ("nm.mse.lower_quartile", 1.5),
        ("nm.mse.upper_quartile", 2.5),
        ("nm.mse.count", 4),
        ("nm.mse.3", 2.0),
        ("nm.produced.median", [3.0, 20.0]),
        ("nm.produced.1", [3, 30]),
        ("nm.produced.1.maximum", 30.0),
        ("nm.produced.count", 3),
    ],
)
def test_value(path, expected):
    assert RESULTS.value(path) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("lstm.mse", "results of timing: no 'lstm' at the top; there is: nm, n"),
        ("nm.loss", "no 'loss' at nm; there is: mse, produced"),
        ("nm.mse.mode", r"no 'mode' at nm\.mse; there is: 4 entries"),
        ("nm.mse.4", r"no '4' at nm\.mse; there is: 4 entries \(0 to 3\)"),
        ("n.median", "no 'median' at n; there is: a single number"),
    ],
)
def test_no_such_value(path, message):
    with pytest.raises(ClaimError, match=message):
        RESULTS.value(path)
    with pytest.raises(KeyError):
        RESULTS.value(path)


def test_summary_needs_one_number_per_seed():
    assert RESULTS.summary("nm.mse").n_finite == 3
    for path in ("n", "nm", "nm.produced"):
        with pytest.raises(ClaimError, match="not a list with one number per seed"):
            RESULTS.summary(path)


def test_results_come_back(tmp_path):
    path = tmp_path / "timing.json"
    metrics = {"a": torch.tensor([0.1, math.nan], dtype=torch.float64), "b": np.float32(0.5)}
    write(path, metrics, config={"sizes": (1, 2), "name": "x [y  z]"})
    results = read_results("timing", path=path)
    assert results.metrics == {"a": [0.1, None], "b": 0.5}
    assert results.config == {"sizes": [1, 2], "name": "x [y  z]"}
    assert (results.tier, results.command) == ("cpu", "again")
    assert set(results.versions) == {"nmcourse", "python", "torch", "numpy"}
    assert len(results.sha256) == 64


def test_lists_of_numbers_stay_on_one_line(tmp_path):
    path = tmp_path / "timing.json"
    write(path, {"a": [1, 2, 3]})
    assert '"a": [ 1, 2, 3 ]' in path.read_text()


def test_the_file_may_be_named_as_a_person_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "timing.json", {"a": [1.0]})
    for path in (str(tmp_path / "timing.json"), "~/timing.json"):
        assert read_results("timing", path=path).metrics == {"a": [1.0]}
    with pytest.raises(ValueError, match="path must be a path, got 3"):
        read_results("timing", path=3)


def test_not_run_yet(tmp_path):
    assert read_results("timing", path=tmp_path / "timing.json") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-20], "not valid JSON"),
        (lambda text: text.replace('"tier"', '"size"'), "expected an object with the fields"),
        (lambda text: "[]", "expected an object with the fields"),
        (lambda text: text.replace('"timing"', '"other"'), "found 1 of 'other'"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "found 2 of 'timing'"),
        (lambda text: text.replace('"config": {}', '"config": 3'), "must be objects"),
    ],
)
def test_damaged_results(tmp_path, change, message):
    path = tmp_path / "timing.json"
    write(path, {"a": [1.0]})
    path.write_text(change(path.read_text()))
    with pytest.raises(LedgerError, match=message):
        read_results("timing", path=path)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ({"metrics": {}}, r"must return 'config' and 'metrics', got \['metrics'\]"),
        ({"config": {}, "metrics": {"a.b": 1}}, "key 'a.b' may hold only"),
        ({"config": {}, "metrics": {"a": {"b c": 1}}}, "metrics.a: key 'b c'"),
        ({"config": {}, "metrics": {"a": object()}}, "must be numbers, texts, lists"),
    ],
)
def test_outcomes_that_are_refused(tmp_path, outcome, message):
    path = tmp_path / "x.json"
    with pytest.raises(ValueError, match=message):
        write_results("timing", outcome, tier="cpu", command="", path=path)
    assert not path.exists()


def test_plain():
    assert plain({1: (True, None, "a", np.int64(3), np.array([[1.5]]))}) == {
        "1": [True, None, "a", 3, [[1.5]]]
    }


def test_remember_computes_once_per_setting(tmp_path):
    path, calls = tmp_path / "part.json", []

    def compute():
        calls.append(1)
        return {"loss": torch.tensor([1.0, math.inf])}

    first = remember(path, compute, {"steps": (1, 2)})
    assert first == {"loss": [1.0, None]}
    assert remember(path, compute, {"steps": (1, 2)}) == first
    assert len(calls) == 1
    remember(path, compute, {"steps": (1, 3)})
    assert len(calls) == 2
    assert json.loads(path.read_text())["settings"] == {"steps": [1, 3]}
