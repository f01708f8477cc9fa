"""Run notebooks from top to bottom, and store their outputs.

``python tools/execute_notebooks.py [PATH ...]`` runs the named notebooks, or all. They run as in
the tests: each in a new kernel, with one thread and its own home folder. Widget state and time
stamps are removed, printed text is merged, and tags stay. Pictures are stored in fewer bytes: as
PNG with a palette of 256 colours if nobody can see the difference, as in most diagrams, else as
JPEG, as photos, whose quality falls in steps until the notebook fits the size that GitHub shows. A
cell tagged ``all-colours`` keeps its pictures as they are.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import nbformat
import numpy as np
from nbconvert.preprocessors import CoalesceStreamsPreprocessor, ExecutePreprocessor
from PIL import Image

KEEP = "all-colours"
PICTURES = {"image/png", "image/jpeg"}
VISIBLE, RARE = 3, 0.002  # grey levels that a palette may change; the share that may change more
QUALITIES = (85, 78, 70, 62, 54, 46)  # of JPEG
JPEG = {"subsampling": 0, "optimize": True}  # colours at full resolution
MOST_BYTES = 1_000_000  # in one notebook: GitHub shows no larger one
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def _decoded(picture: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")


def in_fewer_bytes(png: str, quality: int = QUALITIES[0]) -> dict[str, str]:
    """Return a base64 PNG, or another picture that looks the same, by its media type."""
    plain, found = {"image/png": png.replace("\n", "")}, _with_palette(png)
    if found is None:
        found = {"image/jpeg": _encoded(_decoded(png), "JPEG", **JPEG, quality=quality)}
    return min(plain, found, key=lambda data: len(*data.values()))


@lru_cache(maxsize=256)  # one answer for all qualities of a notebook: the search is slow
def _with_palette(png: str) -> dict[str, str] | None:
    """Return the picture with 256 colours, or None if somebody could see the difference."""
    picture = _decoded(png)
    few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    changed = np.abs(np.subtract(few.convert("RGB"), picture, dtype=int)).max(axis=2)
    if (changed > VISIBLE).mean() > RARE:
        return None
    return {"image/png": _encoded(few, "PNG", optimize=True)}


def _encoded(picture: Image.Image, kind: str, **settings: object) -> str:
    stream = io.BytesIO()
    picture.save(stream, kind, **settings)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def shrink_pictures(notebook: nbformat.NotebookNode) -> None:
    """Store the pictures of all outputs in fewer bytes, except in cells that keep all colours."""
    drawn = [
        (output.data, output.data.pop("image/png"))
        for cell in notebook.cells
        if KEEP not in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    stills = [
        (output.data, output.data["image/jpeg"], _decoded(output.data["image/jpeg"]))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/jpeg" in output.get("data", {})
    ]
    for quality in QUALITIES:
        for data, png in drawn:
            for kind in PICTURES & set(data):
                del data[kind]
            data |= in_fewer_bytes(png, quality)
        for data, jpeg, picture in stills:
            again = _encoded(picture, "JPEG", **JPEG, quality=quality)
            data["image/jpeg"] = min(jpeg, again, key=len)
        if len(nbformat.writes(notebook).encode()) < MOST_BYTES:
            break


def describe_pictures(notebook: nbformat.NotebookNode) -> None:
    """Give every picture without an alternative text that of the heading above it."""
    heading = "the notebook"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = ([heading] + re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE))[-1]
        for output in cell.get("outputs", []):
            for kind in PICTURES & set(output.get("data", {})):
                described = output.metadata.setdefault(kind, {})
                described.setdefault("alt", f"Picture of the section {heading!r}")


def execute(path: Path) -> None:
    """Run one notebook in place. If a cell fails, raise and leave the file as it was."""
    notebook = nbformat.read(path, as_version=4)
    runner = ExecutePreprocessor(
        timeout=300, kernel_name="python3", store_widget_state=False, record_timing=False
    )
    notebook, _ = runner.preprocess(notebook, {"metadata": {"path": str(path.parent)}})
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    shrink_pictures(notebook)
    describe_pictures(notebook)
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
