"""Notebook outputs are compared as a reader would; every kind of change is noticed."""

import base64
import io
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from skimage import data

from tests.notebook_outputs import TAG, Tolerance, differences
from tests.support import ROOT
from tests.test_notebook_code import NOTEBOOKS, code_cells
from tools import execute_notebooks
from tools.execute_notebooks import in_fewer_bytes, shrink_pictures
from tutorial_lib.render import MASK, encode_png

TABLE = "method   NoC@85  IoU\ngraph-cut  8.92  0.90\ndos        3.90  0.97\n"


def same(reference, found, **tolerance):
    return differences(reference, found, Tolerance(**tolerance)) == []


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("IoU 0.90", "IoU 0.92"),  # two units in the last digit
        ("IoU 0.90.", "IoU 0.89."),
        ("IoU=0.99, again", "IoU=1.00, again"),
        ("a gain of -0.01", "a gain of 0.00"),  # zero has no sign
        ("[-0.01  0.  ]", "[ 0.   -0.01]"),
        ("-0.00", "0.00"),
        ("+0.01", "-0.00"),
        ("99.9% of it", "100.1% of it"),
        ("12.0 ms", "11.8 ms"),
        ("1,477.5 pixels", "1,477.3 pixels"),
        ("9.9e-07", "1.0e-06"),
        ("1.5e+03", "1.7e+03"),
        ("[0.1  0.25]", "[0.1 0.25]"),  # columns move
        ("[1.   1.75]", "[0.99 1.75]"),
        ("(0.1-0.2)", "(0.2-0.1)"),
        ("|  9.98 |", "| 10.00 |"),
        ("one\n\ntwo", "one\n \ntwo"),
        (TABLE, TABLE.replace("8.92", "8.91")),
    ],
)
def test_a_reader_finds_no_difference(reference, found):
    assert same(reference, found)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("IoU 0.90", "IoU 0.93"),
        ("IoU 0.90.", "IoU 0.87."),
        ("IoU 0.9", "IoU 0.72"),  # not two tenths: the new one has hundredths
        ("IoU 0.97", "IoU nan"),
        ("IoU 0.97", "IoU inf"),
        ("IoU 0.97", "IoU"),
        ("nan", "0.00"),
        ("a gain of -2.18", "a gain of 2.18"),
        ("a gain of -0.01", "a gain of 0.01"),
        ("a gain of +0.01", "a gain of -0.01"),
        ("a gain of +0.39", "a gain of 0.39"),
        ("0.1 - 0.2", "0.1 -0.2"),
        ("[0.1 0.9]", "[0.9 0.1]"),
        ("[0.1 0.2]", "[0.1 0.2 0.2]"),
        ("[0.1 0.2]", "0.1 0.2"),
        ("3 clicks", "4 clicks"),
        ("3 clicks", "3.0 clicks"),
        ("3.0 clicks", "3 clicks"),
        ("3 4", "34"),
        ("58 %", "59 %"),
        ("58%", "57%"),
        ("1,477 pixels", "1,478 pixels"),
        ("1,477 pixels", "1,577 pixels"),
        ("click at 149,172,+", "click at 149,173,+"),
        ("(3, 4)", "(3, 5)"),
        ("(3, 4)", "(3, 4, 1)"),
        ("[0. 3.]", "[0. 4.]"),
        ("1e-06", "2e-06"),
        ("1e-06", "1e-05"),
        ("1.0e-06", "1.0e-05"),
        ("9" * 40, "9" * 39 + "8"),
        ("torch 2.13.0", "torch 2.13.1"),
        ("torch 2.13.0", "torch 2.12.0"),
        ("3.14 or 2.x", "3.14 or 3.x"),
        ("digest 3f2e10.5", "digest 3f2e10.6"),
        ("digest 12e45678", "digest 12e45679"),
        ("digest 12e4567f", "digest 12e4567e"),
        ("NoC@0.85", "NoC@0.86"),
        ("lite-0.5", "lite-0.6"),
        ("block10", "block11"),
        ("<Figure size 672x241.6 with 2 Axes>", "<Figure size 672x241.7 with 2 Axes>"),
        ("float32", "float64"),
        ("same cut: True", "same cut: False"),
        ("the cat", "the dog"),
        ("the cat", "thecat"),
        ("the cat", "The cat"),
        ("a-b", "a - b"),
        ("a\nb", "b\na"),
        ("a\nb", "a b"),
        ("a\n", "a"),
        ("a", "a\n"),
        ("a", ""),
        (TABLE, TABLE.replace("dos        3.90  0.97\n", "")),
        (TABLE, TABLE + "growcut   13.43  0.85\n"),
        (TABLE, TABLE.replace("graph-cut", "graph cut")),
        (TABLE, TABLE.replace("8.92", "8.95")),
        (TABLE, "\n".join(sorted(TABLE.split("\n")))),
    ],
)
def test_a_reader_finds_a_difference(reference, found):
    assert not same(reference, found)


def test_a_tag_tightens():
    assert same("0.90 and 3", "0.90 and 3", decimals=0)
    assert not same("0.90", "0.91", decimals=0)


def test_a_tag_widens_one_kind_of_numbers():
    assert same("0.90 and 3", "0.85 and 3", decimals=5)
    assert not same("0.90 and 3", "0.84 and 3", decimals=5)
    assert not same("0.90 and 3", "0.90 and 4", decimals=5)
    assert same("0.90 and 1,000", "0.90 and 999", integers=1)
    assert not same("0.90 and 1,000", "0.90 and 998", integers=1)
    assert not same("0.90 and 3", "0.93 and 3", integers=9)


def test_no_tag_frees_words_shapes_or_signs():
    wide = {"decimals": 999, "integers": 999}
    assert same("0.9 of (3, 4)", "0.1 of (5, 6)", **wide)
    assert not same("0.9 of (3, 4)", "0.9 of (3, 4, 5)", **wide)
    assert not same("0.9", "-0.9", **wide)
    assert not same("0.9", "nan", **wide)
    assert not same("True", "False", **wide)


def test_the_difference_is_told_with_what_is_allowed():
    assert differences("a\nIoU 0.90 of 3", "a\nIoU 0.95 of 4", Tolerance()) == [
        "line 2: 0.90 became 0.95: a difference of 0.05, where 0.02 is allowed",
        "line 2: 3 became 4: a difference of 1, where 0 is allowed",
    ]
    assert differences("cat", "dog", Tolerance()) == ["line 1: 'cat' became 'dog'"]
    assert differences("a\n1", "a", Tolerance()) == ["line 2: missing: '1'"]
    assert differences("a", "a\n1", Tolerance()) == ["line 2: added: '1'"]
    assert differences("-1", "1", Tolerance()) == ["line 1: -1 became 1: another sign"]


@pytest.mark.parametrize(
    ("tags", "tolerance"),
    [
        ([], Tolerance(2, 0)),
        (["all-colours"], Tolerance(2, 0)),
        (["tolerance-0"], Tolerance(0, 0)),
        (["tolerance-10", "integers-3"], Tolerance(10, 3)),
    ],
)
def test_tags_are_read(tags, tolerance):
    assert Tolerance.of(tags) == tolerance


@pytest.mark.parametrize(
    "tags",
    [["tolerance"], ["tolerance-"], ["tolerance-1.5"], ["tolerance--1"], ["integers_2"],
     ["tolerance-1", "tolerance-2"]],
)  # fmt: skip
def test_a_tag_that_means_nothing_is_refused(tags):
    with pytest.raises(ValueError, match=r"tag"):
        Tolerance.of(tags)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_have_no_other_tags(name):
    for cell in code_cells(name):
        for tag in cell.metadata.get("tags", []):
            known = ("all-colours", "given", "nbval-ignore-output")
            assert tag in known or TAG.fullmatch(tag), f"{cell.id}: {tag}"
        Tolerance.of(cell.metadata.get("tags", []))


# -- with a kernel -----------------------------------------------------------------------------


def printing(code, stored, *tags):
    cell = new_code_cell(code, execution_count=1, metadata={"tags": list(tags)})
    cell.outputs = [new_output("stream", name="stdout", text=stored)]
    return cell


def displaying(code, **stored):
    data = {kind.replace("_", "/"): text for kind, text in stored.items()}
    output = new_output("execute_result", data=data, execution_count=1)
    return new_code_cell(code, execution_count=1, outputs=[output])


HTML = "from IPython.display import HTML; HTML('<b>0.50</b>')"
OBJECT = "<IPython.core.display.HTML object>"
CELLS = {
    "near": printing("print('IoU 0.90')", "IoU 0.92\n"),
    "far": printing("print('IoU 0.90')", "IoU 0.93\n"),
    "tight": printing("print('IoU 0.90')", "IoU 0.91\n", "tolerance-0"),
    "wide": printing("print('IoU 0.90')", "IoU 0.95\n", "tolerance-5"),
    "counts": printing("print('3 clicks')", "4 clicks\n"),
    "counts widened": printing("print('3 clicks')", "4 clicks\n", "integers-1"),
    "misspelt": printing("print(3)", "3\n", "integers-one"),
    "ignored": printing("print(3)", "4\n", "nbval-ignore-output"),
    "plain": displaying("0.5", text_plain="0.6"),
    "plain far": displaying("0.5", text_plain="0.8"),
    "html": displaying(HTML, text_plain=OBJECT, text_html="<b>0.51</b>"),
    "html far": displaying(HTML, text_plain=OBJECT, text_html="<b>0.53</b>"),
    "more": printing("print('a\\nb')", "a\n"),
    "less": printing("print('a')", "a\nb\n"),
    "nothing": printing("pass", "a\n"),
    "stream": printing("import sys; print('a', file=sys.stderr)", "a\n"),
    "raises": printing("print('a'); 1 / 0", "a\n"),
}
GREEN = {"near", "wide", "counts widened", "ignored", "plain", "html"}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run the notebook as `make notebook-tests` does, and a twin of it beside it."""
    folder = tmp_path_factory.mktemp("notebooks")
    for name in ("first", "second"):
        nbformat.write(new_notebook(cells=list(CELLS.values())), folder / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "tests.notebook_outputs", "--nbval",
               "--nbval-current-env", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile",
               "-rA", "--color=no", str(folder)]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout


@pytest.mark.parametrize("notebook", ["first", "second"])
def test_cells_pass_and_fail_as_they_should(report, notebook):
    passed = re.findall(rf"^PASSED \S*{notebook}.ipynb::Cell (\d+)", report, re.M)
    failed = re.findall(rf"^FAILED \S*{notebook}.ipynb::Cell (\d+)", report, re.M)
    names = list(CELLS)
    assert {names[int(count)] for count in passed} == GREEN
    assert {names[int(count)] for count in failed} == set(CELLS) - GREEN


def test_the_report_says_by_how_much(report):
    assert "line 1: 0.93 became 0.90: a difference of 0.03, where 0.02 is allowed" in report


def test_the_report_names_a_misspelt_tag(report):
    assert "The tag 'integers-one' should be tolerance-N or integers-N." in report


def test_executed_notebooks_keep_their_tags_and_run_as_the_tests_do(tmp_path, monkeypatch):
    cell = printing("import os; print(os.environ['OMP_NUM_THREADS'])", "?\n", "tolerance-5")
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    command = [sys.executable, "tools/execute_notebooks.py", str(tmp_path / "one.ipynb")]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    subprocess.run(command, check=True, cwd=ROOT)
    (done,) = nbformat.read(tmp_path / "one.ipynb", as_version=4).cells
    assert done.metadata.tags == ["tolerance-5"]
    assert done.outputs[0].text == "1\n"


def test_stored_photos_are_not_posterised_and_diagrams_stay_sharp():
    def stored(pixels):
        ((kind, text),) = in_fewer_bytes(base64.b64encode(encode_png(pixels)).decode()).items()
        return kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))

    photo = data.astronaut()
    kind, pixels = stored(photo)
    assert kind == "image/jpeg"
    assert np.abs(pixels.astype(int) - photo).mean() < 4
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10_000
    diagram = np.full((60, 60, 3), 255, np.uint8)
    diagram[20:40, 20:40] = MASK
    kind, pixels = stored(diagram)
    assert kind == "image/png"
    assert (pixels == diagram).all()


def test_photos_lose_quality_until_the_notebook_fits(monkeypatch):
    png = base64.b64encode(encode_png(data.astronaut())).decode()

    def size_of(most):
        monkeypatch.setattr(execute_notebooks, "MOST_BYTES", most)
        output = new_output("display_data", {"image/png": png})
        notebook = new_notebook(cells=[new_code_cell("photo", outputs=[output])])
        shrink_pictures(notebook)
        assert set(output.data) == {"image/jpeg"}
        return len(nbformat.writes(notebook))

    finest = size_of(1_000_000)
    assert finest > size_of(finest - 1) > size_of(1)
    assert size_of(finest + 1) == finest
