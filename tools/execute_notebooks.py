"""Run notebooks from top to bottom, and store their outputs.

``python tools/execute_notebooks.py [PATH ...]`` runs the named notebooks, or all. They run as in
the tests: each in a new kernel, with one thread and its own home folder. Widget state and time
stamps are removed, printed text is merged, and tags stay. Pictures are stored with a palette of 256
colours, which makes them a third of the size. A cell tagged ``all-colours`` keeps its pictures as
they are: a palette would draw rings into smooth grey.
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
    """Reduce a base64 PNG to 256 colours, unless that makes it larger."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    stream = io.BytesIO()
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(stream, "PNG", optimize=True)
    small = base64.b64encode(stream.getvalue()).decode("ascii")
    return min(png.replace("\n", ""), small, key=len)


def shrink_pictures(notebook: nbformat.NotebookNode) -> None:
    """Reduce every picture in the outputs to 256 colours, except in cells that keep all."""
    for cell in notebook.cells:
        if KEEP in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = with_palette(output.data["image/png"])


def execute(path: Path) -> None:
    """Run one notebook in place. If a cell fails, raise and leave the file as it was."""
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
        os.environ["TUTORIAL_LIB_HOME"] = home  # no autosaved clicks of the author
        os.environ["OMP_NUM_THREADS"] = "1"  # as `make notebook-tests` does
        for path in chosen or sorted(NOTEBOOKS.rglob("*.ipynb")):
            if ".ipynb_checkpoints" not in path.parts:
                execute(path)


if __name__ == "__main__":
    main()
