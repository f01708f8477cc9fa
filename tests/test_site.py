"""The book and the slides: what a page shows, and that no link or picture is missing."""

import base64
import io
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools import build_site
from tools.build_site import (
    VIEW,
    anchor,
    build_book,
    build_slides,
    documented,
    faults,
    parsed,
    slides_of,
)

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
    patch.setenv("GITHUB_REPOSITORY", "owner/name")
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
    address = "https://colab.research.google.com/github/owner/name/blob/colab/01_one.ipynb"
    assert links["Open in Colab"] == address
    assert "Colab" not in page(sites / "book" / "glossary.html").get_text()
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
    assert len(one.select("section")) == 3  # title; formulas and controls; picture
    assert one.select_one("details:not([open]) pre").get_text().strip() == "canvas"


def slides_of_cells(*cells):
    """Return the slides of a notebook with these cells below its title."""
    rendered = "".join(
        f'<div class="cell text_cell"><div class="text_cell_render">{cell}</div></div>'
        if cell.startswith("<")
        else f'<div class="cell"><div class="input"><pre>draw()</pre></div>'
        f'<div class="output_wrapper"><pre>{cell}</pre></div></div>'
        for cell in cells
    )
    return [parsed(slide) for slide in slides_of(build_site.Page("a.html", "A", parsed(rendered)))]


def test_long_text_lists_and_outputs_are_divided_into_slides():
    text, words = "<h1>A</h1>" + "<p>some words</p>" * 10, "long enough to fill its line " * 5
    first, second, third = slides_of_cells(text + "<h2>B</h2><p>end</p>")
    assert (first.h1.get_text(), second.h1) == ("A", None)
    assert second.select_one(".above").get_text() == "A"
    assert third.h2.get_text() == "B"
    below, after = slides_of_cells("<h2>B</h2><h3>C</h3>" + "<p>some words</p>" * 10)[1:]
    assert (below.h3.get_text(), after.select_one(".above").get_text()) == ("C", "C")
    items = "".join(f"<li>{words}</li>" for _ in range(20))
    listed = slides_of_cells(f"<h1>A</h1><ol>{items}</ol>")
    assert len(listed) > 2
    numbers = [int(part["start"]) for slide in listed for part in slide.select("ol")]
    assert numbers == list(range(1, 21))
    printed = slides_of_cells("<h1>A</h1>", "\n".join(map(str, range(55))))
    shown = "\n".join(pre.get_text() for slide in printed for pre in slide.select("pre"))
    assert [line for line in shown.splitlines() if line != "draw()"] == list(map(str, range(55)))
    assert len(printed) == 3


def test_a_long_output_is_cut_between_its_tables():
    tables = [[f"-- head {n}", *(f"row {n}.{row}" for row in range(7))] for n in range(4)]
    for between in ([], [""]):
        first, second = ([*tables[n], *between, *tables[n + 1]] for n in (0, 2))
        slides = slides_of_cells("<h1>A</h1>", "\n".join([*first, *between, *second]))
        parts = [pre.get_text() for slide in slides for pre in slide.select("pre")]
        assert [part.splitlines() for part in parts if "head" in part] == [first, second]


def test_what_only_a_reader_needs_is_not_on_a_slide():
    text = "<p><strong>Time</strong> An hour.</p><p>Times change.</p><p>Answers: <a>here</a>.</p>"
    (slide,) = slides_of_cells(f"<h1>A</h1>{text}")
    assert [paragraph.get_text() for paragraph in slide.select("p")] == ["Times change."]


def test_a_long_table_is_divided_and_every_part_has_the_head():
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(40))
    table = f"<table><thead><tr><th>head</th></tr></thead><tbody>{rows}</tbody></table>"
    slides = slides_of_cells("<h1>A</h1>" + table)
    tables = [table for slide in slides for table in slide.select("table")]
    assert len(tables) > 2 and all(table.th for table in tables)
    cells = [cell.get_text() for table in tables for cell in table.select("td")]
    assert cells == list(map(str, range(40)))


def test_every_part_of_a_table_that_a_cell_shows_stands_below_its_title():
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(30))
    table = f"<table><thead><tr><th>head</th></tr></thead><tbody>{rows}</tbody></table>"
    areas = "".join(
        f'<div class="output_area"><p>{content}</p></div><div class="output_area">{table}</div>'
        for content in ("First", "Second")
    )
    cell = (
        '<div class="cell text_cell"><div class="text_cell_render"><h1>A</h1></div></div>'
        '<div class="cell"><div class="input"><pre>show()</pre></div>'
        f'<div class="output_wrapper">{areas}</div></div>'
    )
    slides = [parsed(text) for text in slides_of(build_site.Page("a.html", "A", parsed(cell)))]
    titles = [[p.get_text() for p in slide.select("p:not(.above)")] for slide in slides]
    filled = [title for slide, title in zip(slides, titles, strict=True) if slide.table]
    half = len(filled) // 2
    assert filled == [["First"]] * half + [["Second"]] * half and half > 1
    assert [len(slide.select("details")) for slide in slides] == [0] * (len(slides) - 1) + [1]


def test_columns_with_longer_texts_get_more_room():
    long = "some words " * 30
    table = parsed(f"<table><tr><td>a</td><td>{long}</td></tr></table>").table
    narrow, wide = build_site.column_widths(table)
    assert wide > 20 * narrow
    even = parsed(f"<table><tr><td>{long}</td><td>{long}</td></tr></table>").table
    assert build_site.lines_of(even) > 1.5 * build_site.lines_of(table)


def test_names_that_differ_in_case_have_their_own_anchors():
    body = build_site.markdown_page("a.html", "# A\n\n## Backbone\n\n## backbone").body
    assert [heading["id"] for heading in body.select("h2")] == ["backbone", "backbone-2"]


def test_an_interval_in_a_table_stays_on_one_line():
    body = parsed("<p>[1, 2]</p><table><tr><td>1.5 [-0.5, +2.1], n = 9; [a, b]</td></tr></table>")
    build_site.keep_intervals_whole(body)
    assert body.td.get_text() == "1.5 [-0.5,\N{NO-BREAK SPACE}+2.1], n = 9; [a, b]"
    assert body.p.get_text() == "[1, 2]"


def test_arg_max_is_a_formula():
    body = parsed(r"<p>$m = \arg\max g$</p>")
    build_site.set_formulas(body)
    assert "\\" not in body.math.get_text() and "arg" in body.math.get_text()


def test_a_sentence_with_a_colon_stays_with_the_output():
    text = "<h1>A</h1>" + "<p>some words</p>" * 6 + "<p>Here it is:</p>"
    first, second = slides_of_cells(text, "\n".join("12345"))
    assert "Here it is:" not in first.get_text()
    assert "Here it is:" in second.get_text() and "12345" in second.get_text().replace("\n", "")
    (only,) = slides_of_cells("<h1>A</h1><p>Here it is:</p>", "\n".join(map(str, range(20))))
    assert "Here it is:" in only.get_text()


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
        "Do it.\n\nParameters\n----------\nx : int\n    A\n    number.\n**options\n    Others.\n\n"
        "Returns\n-------\ndict of str to np.ndarray\n    Arrays.\n\n"
        "Raises\n------\nTypeError, ValueError\n    If not.\n\n>>> do(1)\n2\n"
    )
    assert "**Parameters**" in text
    assert "- `x` : int. A number." in text
    assert "- `**options`: Others." in text
    assert "- `dict of str to np.ndarray`: Arrays." in text
    assert "- `TypeError, ValueError`: If not." in text
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
