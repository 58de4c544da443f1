"""The speed figures that a chapter quotes are those that the benchmark has stored."""

from __future__ import annotations

import json
import re

import pytest

from tools import pairs

CHAPTER = pairs.ROOT / "book/vision/building_cordsnet.md"
RESULTS = pairs.ROOT / "benchmarks/results/cordsnet.json"
ROWS = {
    "answers of R2 to four images": ("inference_R2_4", None),
    "answers of R4 to four images": ("inference_R4_4", None),
    "answers of R8 to two images": ("inference_R8_2", None),
    "gradient of R2 for two images": ("training_R2_2", "training_R2_2_memory"),
    "the same, every tenth state kept": ("checkpointed_R2_2", "checkpointed_R2_2_memory"),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table_of_speeds_is_that_of_the_benchmark(row: str):
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    speed, memory = ROWS[row]
    found = re.search(
        rf"^\| {row} \| ([\d.]+) \| (.+) \|$", CHAPTER.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None
    assert found[1] == f"{figures[speed]:.1f}"
    assert found[2] == ("–" if memory is None else f"{figures[memory]:.2f}")


SHARES = {  # of the time of JAX
    "less than half of the processor time of one in JAX for the NM-RNN": ("nm_rnn", 0.0, 0.5),
    "about half for the LSTM": ("lstm", 0.45, 0.5),
    "about three quarters for the low-rank RNN": ("low_rank_rnn", 0.7, 0.8),
    "almost nine tenths for the vanilla RNN": ("vanilla_rnn", 0.85, 0.9),
}


@pytest.mark.parametrize("words", SHARES)
def test_what_is_said_of_jax_is_what_the_benchmark_found(words: str):
    text = (pairs.ROOT / "book/neuromodulation/learning_to_keep_time.md").read_text("utf-8")
    assert words in " ".join(text.split())
    name, least, most = SHARES[words]
    figures = json.loads((RESULTS.parent / "loops.json").read_text(encoding="utf-8"))["figures"]
    assert least < figures[f"{name}_over_jax"] < most
