"""What a single click achieves: the file, and the tool that measures it."""

import json

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tests.support import easy_scene, one_sentence
from tools import measure_one_click
from tutorial_lib.clicks import Clicks
from tutorial_lib.data import datasets
from tutorial_lib.evaluation.one_click import OneClickResults, read_one_click, write_one_click
from tutorial_lib.metrics import iou
from tutorial_lib.registry import get_segmenter
from tutorial_lib.users.robots import center

pytestmark = pytest.mark.slow  # it names networks, and none answers
SET = {"dataset": "photos", "precision": "float32", "objects": 2, "miou": {"dos": 0.5}}
RESULT = {
    "schema": 1,
    "clicks": 1,
    "commit": None,
    "machine": {},
    "sets": {"unseen": SET, "seen": SET},
}


def test_what_was_written_can_be_read_and_is_sorted(tmp_path):
    path = tmp_path / "new" / "one_click.json"
    write_one_click(OneClickResults(**RESULT), path)
    assert read_one_click(path) == OneClickResults(**RESULT)
    assert json.loads(path.read_text()) == RESULT
    assert list(json.loads(path.read_text())["sets"]) == ["seen", "unseen"]
    assert [file.name for file in path.parent.iterdir()] == ["one_click.json"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"clicks": 2},
        {"sets": {"seen": SET}},
        {"sets": {"seen": SET, "unseen": {**SET, "miou": {"dos": 50}}}},
        {"extra": 1},
    ],
)
def test_what_does_not_fit_is_neither_made_nor_read(tmp_path, wrong):
    path = tmp_path / "one_click.json"
    with pytest.raises(ValidationError):
        OneClickResults(**{**RESULT, **wrong})
    path.write_text(json.dumps({**RESULT, **wrong}))
    with pytest.raises(ValueError, match="holds no results at"):
        read_one_click(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="make one-click") as error:
        read_one_click(tmp_path / "one_click.json")
    assert one_sentence(error.value)


@pytest.fixture
def folder(tmp_path):
    """Write two photos, one with an ignored band, as a plain folder."""
    for part in ("images", "masks"):
        (tmp_path / "photos" / part).mkdir(parents=True)
    for place, size in enumerate([(40, 50), (36, 60)]):
        image, truth, _ = easy_scene(*size)
        mask = np.where(truth, 255, 0).astype(np.uint8)
        mask[: size[0] // 2, :20] = 128
        Image.fromarray(image).save(tmp_path / "photos" / "images" / f"{place}.png")
        Image.fromarray(mask).save(tmp_path / "photos" / "masks" / f"{place}.png")
    return tmp_path / "photos"


def test_the_tool_takes_the_mean_over_the_robots_first_clicks(folder, tmp_path, monkeypatch):
    opened = []

    def load(name, root, **options):
        opened.append((name, root.name, options))
        return datasets.load_dataset("folder", folder)

    monkeypatch.setattr(measure_one_click, "load_dataset", load)
    out = tmp_path / "one_click.json"
    measure_one_click.main(
        tmp_path, method=["geodesic-matting"], limit=None, workers=1, work=tmp_path / "w", out=out
    )
    held_out = {"split": "held-out", "targets": "garments"}
    assert opened == [
        ("clothing-co-parsing", "clothing-co-parsing", held_out),
        ("folder", "iseg-voc", {}),
    ]
    method, ious = get_segmenter("geodesic-matting"), []
    for example in datasets.load_dataset("folder", folder):
        empty = np.zeros_like(example.truth)
        click = center(empty, example.truth, example.ignore)
        answer = method.segment(method.prepare(example.image), Clicks([click]))
        ious.append(iou(answer.mask, example.truth, example.ignore))
    found = read_one_click(out).sets
    for part in ("seen", "unseen"):
        assert found[part].objects == 2
        assert found[part].miou == {"geodesic-matting": pytest.approx(np.mean(ious), abs=5e-5)}
        assert found[part].ious == {"geodesic-matting": pytest.approx(tuple(ious), abs=5e-5)}
