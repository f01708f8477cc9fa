"""Figures in the text of a notebook are those of its output, and the map of both papers is whole.

A text cell with the tag ``figures-CELL`` describes the code cell CELL: each figure with a decimal
point or a per-cent sign in the text is printed by that cell, rounded at most, or stands in its
code. A text may have several such tags. Without a tag, a text may hold the papers' own figures.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.test_notebook_code import NOTEBOOKS, PICTURES, outputs_with
from tutorial_lib.evaluation.published import TABLES

TAG = "figures-"
READ = [name for name in NOTEBOOKS if re.match(r"(07|08|09b?|10)_", name)]
MAP = "10_reproducing_the_papers.ipynb"
KINDS = {"same data", "other data", "smaller scale"}
COUNTS = {"Xu, Figure": 9, "Xu, Table": 2, "Li, Figure": 6, "Li, Table": 4}
ITEMS = [f"{kind} {k}" for kind, count in COUNTS.items() for k in range(1, count + 1)]

#: Formulas, code, links, quotations, and places in a paper: no figures of ours.
ELSEWHERE = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|\"[^\"]*\"|sections? \d\.\d", re.DOTALL
)
FIGURE = re.compile(r"\d+\.\d+(?: ?%)?|\d+ ?%")
PRINTED = re.compile(r"\d+(?:\.\d+)?")
THRESHOLDS = {"85", "90", "95"}
VALUES = [value for table in TABLES for row in table.rows.values() for value in row]
PAPERS = {f"{value:.2f}" for value in VALUES} | {str(v) for v in VALUES if isinstance(v, int)}
#: Text cells whose figures are settings or sizes of downloads, and nothing that was measured.
SETTINGS = {
    "07_deep_object_selection.ipynb": {"exercises", "cells-reading"},
    "08_one_click_many_answers.ipynb": {"exercises"},
    "10_reproducing_the_papers.ipynb": {"exercises", "scale", "study-protocol"},
}


def cell_of(notebook, cell_id):
    (cell,) = [cell for cell in NOTEBOOKS[notebook].cells if cell.id == cell_id]
    return cell


def shown_by(cell):
    """Return every number that a code cell prints, or that stands in its code."""
    texts = [cell.source]
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return [Decimal(number) for text in texts for number in PRINTED.findall(text)]


def figures_in(text):
    return [match.rstrip("% ") for match in FIGURE.findall(ELSEWHERE.sub(" ", text))]


def not_shown(text, shown):
    """Return the figures of a text that are none of the shown numbers, rounded alike."""
    found = []
    for figure in figures_in(text):
        last = Decimal(1).scaleb(Decimal(figure).as_tuple().exponent)
        rounded = {number.quantize(last, ROUND_HALF_UP) for number in shown}
        if figure not in THRESHOLDS | PAPERS and Decimal(figure) not in rounded:
            found.append(figure)
    return found


@pytest.mark.parametrize("name", READ)
def test_figures_in_the_text_are_those_of_the_output(name):
    wrong = {}
    for cell in NOTEBOOKS[name].cells:
        if cell.cell_type != "markdown" or cell.id in SETTINGS.get(name, ()):
            continue
        described = [tag.removeprefix(TAG) for tag in cell.metadata.get("tags", [])]
        shown = [number for one in described for number in shown_by(cell_of(name, one))]
        if missing := not_shown(cell.source, shown):
            wrong[cell.id] = missing
    assert wrong == {}, "correct the text, or tag it with the cell that prints these figures"


def test_a_figure_that_drifts_is_noticed():
    shown = [Decimal("0.634"), Decimal("58")]
    text = 'From 0.63 to 58 % (section 4.2), "in 0.9 of 10 %", $p = 0.5$, 85 % IoU, and 5.95.'
    assert figures_in(text) == ["0.63", "58", "85", "5.95"]
    assert not_shown(text, shown) == []
    assert not_shown(text.replace("0.63", "0.64").replace("58", "59"), shown) == ["0.64", "59"]


def rows_of_the_map():
    lines = cell_of(MAP, "map").source.splitlines()
    return [[part.strip() for part in line.strip("| ").split(" | ")]
            for line in lines if re.match(r"\| (Xu|Li), ", line)]  # fmt: skip


def test_every_table_and_figure_of_both_papers_has_a_row_and_no_row_is_empty():
    rows = rows_of_the_map()
    assert sorted(row[0] for row in rows) == sorted(ITEMS)
    for row in rows:
        assert len(row) == 5 and all(row), row
        assert row[3] in KINDS


@pytest.mark.parametrize("row", rows_of_the_map(), ids=lambda row: row[0])
def test_the_link_of_a_row_opens_a_cell_that_shows_something(row):
    links = re.findall(r"\]\(([\w.]+)#cell-id=([\w-]+)\)", row[2])
    assert links
    for notebook, cell_id in links:
        cell = cell_of(notebook, cell_id)
        drawn = [output for kind in PICTURES for output in outputs_with(cell, kind)]
        assert drawn if "Figure" in row[0] else cell.outputs, f"{cell_id} shows nothing"
