"""The code of README runs: what a person copies works."""

import re

import cv2
import numpy as np

from tests.support import ROOT, easy_scene
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.evaluation.results import read_results
from tutorial_lib.registry import get_segmenter

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def code_of(heading):
    """Return the Python code below a heading, as one text."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "\n\n".join(re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL))


def test_the_first_example_answers_a_click():
    found = {}
    exec(code_of("In code"), found)
    assert found["answer"].mask.any()


def test_what_readme_adds_is_found_by_name_and_works(registries, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, truth, clicks = easy_scene()
    for folder, pixels in (("photos", image[..., ::-1]), ("outlines", truth * np.uint8(255))):
        (tmp_path / "data" / "leaves" / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "data" / "leaves" / folder / "oak.png"), pixels)
    exec(code_of("Adding your own"), {"__name__": "my_file"})
    method = get_segmenter("nearest-colour", radius=3)
    assert method.segment(method.prepare(image), clicks).mask.any()
    assert not method.segment(method.prepare(image), Clicks([Click(0, 0, False)])).mask.any()
    results = read_results(tmp_path / "leaves.json")
    assert "nearest-colour" in str(results)
    for name in ("dos-mine", "tiny"):
        assert list((tmp_path / "runs" / name).glob("*.safetensors"))
