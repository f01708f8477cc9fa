"""A translation has the cells, the code, the links and the formulas of its original."""

from copy import deepcopy

import pytest

from tools.check_translation import differences

TITLE = "# A click\nSee [two](02.ipynb), $x^2$"
RUN = "%time\nphoto = load('coffee')  # a cup\nprint('one click', 3)"
ORIGINAL = {
    "cells": [
        {"id": "title", "cell_type": "markdown", "source": TITLE.splitlines(keepends=True)},
        {"id": "run", "cell_type": "code", "source": RUN},
        {"id": "end", "cell_type": "markdown", "source": "## The end"},
    ]
}
GERMAN = deepcopy(ORIGINAL)
GERMAN["cells"][0]["source"] = "# Ein Klick\nSiehe [zwei](02.ipynb), $x^2$"
GERMAN["cells"][1]["source"] = "%time\nphoto = load('coffee')  # Tasse\nprint('ein Klick', 3)"
GERMAN["cells"][2]["source"] = "## Das Ende"


def test_a_translation_may_change_text_comments_and_what_is_printed():
    assert differences(ORIGINAL, GERMAN) == []


@pytest.mark.parametrize(
    ("cell", "old", "new", "said"),
    [
        (0, "02.ipynb", "03.ipynb", "cell title: its links are not those of the original"),
        (0, "$x^2$", "$x^3$", "cell title: its formulas are not those of the original"),
        (1, "'coffee'", "'Kaffee'", "cell run: the code is another one"),
        (1, ", 3", ", 4", "cell run: the code is another one"),
        (1, "%time", "%timeit", "cell run: the code is another one"),
        (1, "3)", "3", "cell run: the code cannot be read"),
    ],
)
def test_what_must_stay_is_named(cell, old, new, said):
    changed = deepcopy(GERMAN)
    changed["cells"][cell]["source"] = changed["cells"][cell]["source"].replace(old, new)
    assert differences(ORIGINAL, changed) == [said]


def test_a_cell_that_is_missing_or_moved_is_named():
    short = {"cells": GERMAN["cells"][:2]}
    assert differences(ORIGINAL, short) == ["cell end: the translation has the end in its place"]
    moved = {"cells": GERMAN["cells"][::-1]}
    assert differences(ORIGINAL, moved) == ["cell title: the translation has end in its place"]
