"""tools/web/preview.py: what is shown of a page elsewhere."""

from __future__ import annotations

from bs4 import BeautifulSoup
from PIL import Image

from tools import pairs
from tools.web import preview


def test_a_page_names_its_title_the_course_and_a_picture_that_exists():
    tags = preview.metatags('A "page"', "The course", "../_static/preview.png")
    found = {
        tag["property"]: tag["content"]
        for tag in BeautifulSoup(tags, "html.parser").find_all("meta")
    }
    assert found["og:title"] == 'A "page"'
    assert found["og:site_name"] == "The course"
    assert found["og:image"] == "../_static/preview.png"
    assert found["og:image:alt"]
    picture = pairs.ROOT / preview.PICTURE
    with Image.open(picture) as drawn:
        assert drawn.size == (1200, 630)
    assert picture.stat().st_size < 100_000
