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
    "about half of the processor time of one in JAX for the NM-RNN": ("nm_rnn", 0.5, 0.55),
    "about three quarters for the LSTM": ("lstm", 0.7, 0.8),
    "more than nine tenths for the vanilla": ("vanilla_rnn", 0.9, 1.0),
    "and the low-rank RNN. We had aimed at half for each": ("low_rank_rnn", 0.9, 1.0),
}


@pytest.mark.parametrize("words", SHARES)
def test_what_is_said_of_jax_is_what_the_benchmark_found(words: str):
    """And all four miss the half, one of them by little."""
    text = (pairs.ROOT / "book/neuromodulation/learning_to_keep_time.md").read_text("utf-8")
    assert words in " ".join(text.split())
    name, least, most = SHARES[words]
    figures = json.loads((RESULTS.parent / "loops.json").read_text(encoding="utf-8"))["figures"]
    assert least < figures[f"{name}_over_jax"] < most
