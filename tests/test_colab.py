"""Copies of the notebooks for Colab: their badge, their first code cell, and what they keep."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest

from tests.support import ROOT
from tools.write_colab import NOTEBOOKS, colab_address, write_colab


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    out = tmp_path_factory.mktemp("colab")
    return out, write_colab(out, "owner/some.name")


def test_every_notebook_has_a_copy_with_one_badge_and_an_installation(copies):
    out, paths = copies
    places = {path.relative_to(out) for path in paths}
    assert places == {path.relative_to(NOTEBOOKS) for path in NOTEBOOKS.rglob("*.ipynb")}
    for path in paths:
        place = path.relative_to(out)
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        badge, install, *kept = notebook.cells
        address = f"https://colab.research.google.com/github/owner/some.name/blob/colab/{place}"
        assert f"]({address})" in badge.source and badge.cell_type == "markdown"
        assert sum("colab-badge.svg" in cell.source for cell in notebook.cells) == 1
        ast.parse(install.source)
        assert (
            install.cell_type == "code" and "https://github.com/owner/some.name" in install.source
        )
        assert '"install"' in install.source
        assert "output.enable_custom_widget_manager()" in install.source
        folder = (NOTEBOOKS / place).parent.relative_to(ROOT).as_posix()
        assert f'os.chdir("/content/course/{folder}' in install.source
        assert kept == nbformat.read(NOTEBOOKS / place, as_version=4).cells


@pytest.mark.parametrize("name", ["", "name", "https://github.com/a/b", "a/b/c", "a b/c", "a/b)"])
def test_what_is_not_owner_and_name_is_refused(name):
    with pytest.raises(ValueError, match="must be owner/name"):
        colab_address(name, "00_first_click.ipynb")


def test_the_command_refuses_in_one_sentence_and_writes_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "tools/write_colab.py", "name", "--out", str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "REPOSITORY must be owner/name, as on GitHub; got 'name'.\n"
    assert not (tmp_path / "out").exists()


def test_the_stored_notebooks_have_no_badge():
    for path in NOTEBOOKS.rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any("colab-badge" in "".join(cell["source"]) for cell in cells)
