"""Let the center robot do the click challenge with four methods.

Writes ``assets/results/challenge.json``: ``python tools/measure_challenge.py``. It takes a few
minutes on two cores.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from tutorial_lib.course.challenge import MOST_CLICKS, OBJECTS
from tutorial_lib.data import load_dataset, load_sample
from tutorial_lib.evaluation import evaluate

METHODS = ("graph-cut", "geodesic-matting", "dos", "latent-diversity")
OUT = Path(__file__).resolve().parents[1] / "assets" / "results" / "challenge.json"


def main() -> None:
    """Write the photos and masks as a folder, and evaluate on it."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "challenge"
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True)
        for photo, reading in OBJECTS:
            sample = load_sample(photo)
            name = f"{photo}-{reading}.png"
            Image.fromarray(sample.image).save(root / "images" / name)
            mask = 255 * sample.reading(reading).astype(np.uint8)
            Image.fromarray(mask).save(root / "masks" / name)
        evaluate(
            list(METHODS), load_dataset("folder", root), OUT, max_clicks=MOST_CLICKS, force=True
        )


if __name__ == "__main__":
    main()
