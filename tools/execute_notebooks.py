"""Run notebooks top to bottom and keep their outputs.

``python tools/execute_notebooks.py [PATH ...]`` runs those named, or all, as the tests will: each
in a new kernel with one thread and a home of its own. Widget state and time stamps are left out,
printed text is kept in one piece, tags stay, and pictures are stored with a palette of 256
colours, a third of their size. A cell tagged ``all-colours`` keeps its pictures as they are: a
palette draws rings into a smooth grey.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor, ExecutePreprocessor
from PIL import Image

KEEP = "all-colours"
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def with_palette(png: str) -> str:
    """Reduce a base64 PNG to a palette of 256 colours; keep it as it was if that is no smaller."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    stream = io.BytesIO()
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(stream, "PNG", optimize=True)
    small = base64.b64encode(stream.getvalue()).decode("ascii")
    return min(png.replace("\n", ""), small, key=len)


def shrink_pictures(notebook: nbformat.NotebookNode) -> None:
    """Give every picture in the outputs a palette, but for cells that keep all colours."""
    for cell in notebook.cells:
        if KEEP in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = with_palette(output.data["image/png"])


def execute(path: Path) -> None:
    """Run one notebook in place; a failing cell raises and leaves the file as it was."""
    notebook = nbformat.read(path, as_version=4)
    runner = ExecutePreprocessor(
        timeout=300, kernel_name="python3", store_widget_state=False, record_timing=False
    )
    notebook, _ = runner.preprocess(notebook, {"metadata": {"path": str(path.parent)}})
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    shrink_pictures(notebook)
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)
    print(f"{path.parent.name}/{path.name}: {path.stat().st_size // 1024} kB")


def main() -> None:
    """Run the notebooks named on the command line, or all of them."""
    chosen = [Path(name).resolve() for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as home:
        os.environ["TUTORIAL_LIB_HOME"] = home  # autosaved clicks of the author stay out
        os.environ["OMP_NUM_THREADS"] = "1"  # as `make notebook-tests` has it
        for path in chosen or sorted(NOTEBOOKS.rglob("*.ipynb")):
            if ".ipynb_checkpoints" not in path.parts:
                execute(path)


if __name__ == "__main__":
    main()
