"""tools/web/weight.py: pictures that weigh less and look the same."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nmcourse.figures.widget import assemble
from tools.web import weight


def png(pixels: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8), "RGBA").save(written, "PNG")
    return written.getvalue()


def read(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"), float)


@pytest.fixture
def drawn() -> bytes:
    """Lines on a transparent ground, as the figures are."""
    pixels = np.zeros((300, 400, 4))
    for k in range(0, 300, 12):
        pixels[k : k + 2, ::2] = (68, 102, 196, 255)
        pixels[:, k] = (200, 100, k % 256, 128)
    return png(pixels)


def test_a_picture_of_few_colours_stays_what_it_is(drawn):
    light = weight.lighter(drawn)
    assert len(light) < len(drawn)
    assert np.abs(read(light) - read(drawn)).mean() <= weight.MEAN_DIFFERENCE
    assert read(light)[..., 3].min() == 0  # still transparent


def test_a_picture_that_would_change_keeps_its_colours():
    rough = png(np.random.default_rng(1).integers(0, 256, (60, 60, 4)) | [0, 0, 0, 255])
    assert np.abs(read(weight.lighter(rough)) - read(rough)).max() == 0


def test_lines_of_a_few_colours_get_a_small_palette(drawn):
    light = Image.open(io.BytesIO(weight.lighter(drawn))).convert("RGBA")
    assert len(light.getcolors(maxcolors=300) or []) <= weight.PALETTES[0][0]
    shades = png(np.tile(np.arange(0, 256)[:, None, None], (1, 60, 4)) | [0, 0, 0, 255])
    light = Image.open(io.BytesIO(weight.lighter(shades))).convert("RGBA")
    assert len(light.getcolors(maxcolors=300) or []) > weight.PALETTES[0][0]  # 32 steps would show


def test_figures_of_a_site_share_one_style(tmp_path: Path):
    one = assemble(
        id="a", kind="nm-interactive", label="A line", body="", scripts=(), call="", text="a line"
    )
    page = tmp_path / "book/part/page.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<html><head></head><body>{one.html}{one.html}</body></html>")
    (tmp_path / "plain.html").write_text("<html><head></head></html>")
    weight.shrink(tmp_path)
    text = page.read_text()
    assert ".nm-widget" not in text
    assert text.count('href="../../_static/nm-widget.css"') == 1
    assert ".nm-widget" in (tmp_path / "_static/nm-widget.css").read_text()
    assert "stylesheet" not in (tmp_path / "plain.html").read_text()


def test_a_site_is_shrunk_and_its_pages_name_the_new_files(tmp_path: Path, drawn):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images/a.png").write_bytes(drawn)
    noise = png(np.random.default_rng(0).integers(0, 9, (150, 150, 4)) * 28)
    inline = base64.b64encode(noise).decode()
    page = tmp_path / "page.html"
    page.write_text(f'<img src="_images/a.png"><img src="data:image/png;base64,{inline}">')
    before = weight.weigh(page)
    assert before.pictures == pytest.approx(len(drawn) / 1000)
    assert weight.shrink(tmp_path) > 0
    after = weight.weigh(page)
    assert after.pictures < before.pictures
    assert after.total < before.total
    assert 'src="_images/a.webp"' in page.read_text()
    assert "data:image/webp" in page.read_text()
    assert [path.name for path in (tmp_path / "_images").iterdir()] == ["a.webp"]
