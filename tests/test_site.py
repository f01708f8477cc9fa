"""The book and the slides: what a page shows, and that no link or picture is missing."""

import base64
import io
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools import build_site
from tools.build_site import VIEW, anchor, build_book, build_slides, documented, faults, parsed

TEXT = """# One

A **robot** weighs $a_i < b$ and costs `$5`.
See [two](02_two.ipynb#cell-id=back), [three](03_three.ipynb).

## Formulas

$$\\frac{1}{2}$$"""


def picture(kind="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", (3, 2)).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def shown(source, data):
    return new_code_cell(source, outputs=[new_output("display_data", data=data)])


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Build a book and slides from two small notebooks beside a third that is not built."""
    folder = tmp_path_factory.mktemp("site")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    stored = {VIEW: {"model_id": "1"}, "text/plain": "Bare", "image/jpeg": picture("JPEG")}
    canvas = shown("canvas", stored)
    canvas.outputs[0].metadata["image/jpeg"] = {"alt": "The photo with a click"}
    cells = [
        new_markdown_cell(TEXT),
        new_code_cell("import numpy"),
        canvas,
        shown("bare", {VIEW: {"model_id": "2"}, "text/plain": "Bare(model)"}),
        shown("draw()", {"image/png": picture()}),
    ]
    nbformat.write(new_notebook(cells=cells), notebooks / "01_one.ipynb")
    two = [
        new_markdown_cell(
            id="back", source="# Two\n\nBack to [one](01_one.ipynb), [sheet](instructor/sheet.md)"
        )
    ]
    (notebooks / "instructor").mkdir()
    (notebooks / "instructor" / "sheet.md").write_text("# Sheet\n\nFor [one](../01_one.ipynb).")
    for path in build_site.NOTEBOOKS.glob("*.ipynb"):
        (notebooks / path.name).touch()  # the glossary links to them
    for name in ("02_two", "03_three"):
        nbformat.write(new_notebook(cells=two), notebooks / f"{name}.ipynb")
    patch = pytest.MonkeyPatch()
    patch.setattr(build_site, "NOTEBOOKS", notebooks)
    built = [notebooks / "01_one.ipynb", notebooks / "02_two.ipynb"]
    build_book(folder / "book", built, ["tutorial_lib.users"])
    build_slides(folder / "slides", built)
    patch.undo()
    return folder


def page(path):
    return parsed(path.read_text(encoding="utf-8"))


def test_a_page_has_formulas_pictures_and_links_that_work(sites):
    one = page(sites / "book" / "01_one.html")
    assert [math["display"] for math in one.select("math")] == ["inline", "block"]
    assert "$5" in one.get_text()
    links = {link.get_text(): link["href"] for link in one.select("main a")}
    assert links["two"] == "02_two.html#cell-id=back"
    assert links["robot"] == "glossary.html#robot"
    assert "three" not in links  # this notebook has no page
    two = page(sites / "book" / "02_two.html").select("main a")
    assert "instructor/sheet.html" in [link["href"] for link in two]
    sheet = page(sites / "book" / "instructor" / "sheet.html").select("main a")
    assert "../01_one.html" in [link["href"] for link in sheet]
    slides = page(sites / "slides" / "02_two.html").select("a")
    assert "sheet" not in [link.get_text() for link in slides]  # the guide has no slides
    control, drawn = one.select("img")
    assert (drawn["width"], drawn["loading"]) == ("3", "lazy")
    assert "Formulas" in drawn["alt"]
    assert control["src"].endswith(".jpeg") and control["alt"] == "The photo with a click"
    assert control.find_next("p", class_="live").get_text() == build_site.LIVE
    assert len(one.select(".live")) == 2 and "Bare" not in one.get_text()


def test_the_search_has_each_section_with_its_text(sites):
    text = (sites / "book" / "index.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("const INDEX = ").removesuffix(";\n"))
    found = {(page, heading): (address, words) for page, heading, address, words in index}
    address, words = found["One", "One"]
    assert address.startswith("01_one.html#") and "robot weighs" in words
    assert found["Two", "Two"][0].startswith("02_two.html#")
    assert page(sites / "book" / "search.html").select_one("input#words")


def test_slides_leave_out_imports_and_fold_code(sites):
    one = page(sites / "slides" / "01_one.html")
    assert "import numpy" not in one.get_text()
    assert len(one.select("section")) == 3  # the text with the canvas, the bare one, the picture
    assert one.select_one("details:not([open]) pre").get_text().strip() == "canvas"


def test_no_link_and_no_picture_is_missing_and_what_is_missing_is_named(sites):
    assert faults(sites / "book") == []
    assert faults(sites / "slides") == []
    (sites / "bad").mkdir()
    (sites / "bad" / "a.html").write_text(
        '<p id="x"><a href="#x">1</a><a href="#y">2</a><a href="b.html">3</a><img src="c.png">'
    )
    assert [line.partition(": ")[2] for line in faults(sites / "bad")] == ["#y", "b.html", "c.png"]


def test_docstrings_become_lists_and_examples():
    text = documented(
        "Do it.\n\nParameters\n----------\nx : int\n    A\n    number.\n\n>>> do(1)\n2\n"
    )
    assert "**Parameters**" in text
    assert "- `x` : int. A number." in text
    assert "```python\n>>> do(1)\n2\n" in text


def test_every_notebook_of_the_glossary_exists():
    glossary = build_site.markdown_page(
        "glossary.html", (build_site.PARTS / "glossary.md").read_text(encoding="utf-8")
    )
    links = [link["href"] for link in glossary.body.select("a")]
    assert links
    assert [link for link in links if not (build_site.NOTEBOOKS / link).is_file()] == []
    headings = [heading["id"] for heading in glossary.body.select("h2")]
    assert headings == sorted(headings)
    assert anchor("Fully convolutional network") in headings
