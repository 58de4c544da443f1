"""tools.glance: the still and the film of the front page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools import glance, pairs

FILM, STILL = glance.FOLDER / glance.FILM, glance.FOLDER / glance.STILL


def pixels(image: Image.Image) -> np.ndarray:
    """An image as numbers from 0 to 1."""
    return np.asarray(image.convert("RGB"), dtype=float) / 255


def seconds(film: Image.Image) -> float:
    """How long a film plays."""
    total = 0
    for frame in range(film.n_frames):
        film.seek(frame)
        film.load()
        total += film.info["duration"]
    return total / 1000


def test_the_film_plays_about_twenty_seconds_and_ends_with_the_still():
    with Image.open(FILM) as film, Image.open(STILL) as still:
        assert film.size == still.size == (glance.WIDTH, glance.HEIGHT)
        assert seconds(film) == pytest.approx(20, abs=1)
        film.seek(film.n_frames - 1)
        assert np.abs(pixels(film) - pixels(still)).mean() < 0.01
        film.seek(0)
        assert np.abs(pixels(film) - pixels(still)).mean() > 0.01


def test_the_files_are_small():
    assert FILM.stat().st_size < 700_000
    assert STILL.stat().st_size < 100_000


def test_the_script_makes_the_still_that_is_shown(tmp_path: Path):
    still, film = glance.write(tmp_path, every=72)
    with Image.open(still) as made, Image.open(STILL) as shown, Image.open(film) as short:
        # fonts and the drawing of edges may differ between machines, the pictures may not
        assert np.abs(pixels(made) - pixels(shown)).mean() < 0.02
        assert short.n_frames == 3


@pytest.mark.parametrize("page", ["book/intro.md", "README.md"])
def test_nothing_moves_for_a_reader_who_prefers_that(page: str):
    text = (pairs.ROOT / page).read_text(encoding="utf-8")
    before = text[: text.index(glance.FILM)]
    assert glance.STILL in before
    # folded on the front page until it is opened; on GitHub the still where motion is reduced
    assert re.search(r"<details><summary>Play it|prefers-reduced-motion: reduce", before)
