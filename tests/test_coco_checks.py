"""COCO files with numbers that compiled code must never see, and with odd records."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.support import one_sentence
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.data.layouts.run_lengths import decode, merge, run_lengths

SIZE = (4, 6)
ROW = [0, 0, 6, 0, 6, 2, 0, 2]
GOOD = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [ROW]}


def coco(root, annotations, images=None, categories=None, **save):
    (root / "annotations").mkdir()
    (root / "images").mkdir()
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(root / "images" / "a.jpg", **save)
    image = {"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}
    content = {
        "images": [image] if images is None else images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cup"}] if categories is None else categories,
    }
    (root / "annotations" / "instances_mine.json").write_text(json.dumps(content))
    return root


def rle(counts, size=SIZE):
    return {"size": list(size), "counts": counts}


@pytest.mark.parametrize(
    "shape",
    [
        [[0, 0, float("nan"), 0, 6, 2]], [[0, 0, float("inf"), 0, 6, 2]], [[0, 0, 1e9, 0, 6, 2]],
        [[0, 0, -1e9, 0, 6, 2]], [[0, 0, 10**400, 0, 6, 2]], [[0, 0, 6, 0, 6, 2, 1]], [[[ROW]]],
        [["0", "0", "6", "0", "6", "2"]], ROW, [None], [[True] * 6],
        rle([30]), rle([10, 20]), rle([-1, 25]), rle([1.5, 22.5]), rle(["3", 21]), rle([5]),
        rle([5, 4], (6, 4)), rle([5, 4], (10**9, 10**9)), rle("\x00"), rle("ÿ"), rle("o" * 40),
        rle("PPP"), rle(None), rle([None]), {"counts": [24]}, {}, 5, "x", None,
    ],
)  # fmt: skip
def test_impossible_numbers_cost_their_annotation_alone(tmp_path, shape):
    data = load_dataset("coco", coco(tmp_path, [GOOD, {**GOOD, "id": 7, "segmentation": shape}]),
                        per_category=None)  # fmt: skip
    assert data.ids == ("a-1",)
    (reason,) = data.broken.values()
    assert "annotation 7 in" in reason and "instances_mine.json" in reason
    assert one_sentence(reason)


def test_an_endless_outline_is_refused(monkeypatch):
    monkeypatch.setattr("tutorial_lib.data.layouts.run_lengths._LONGEST_OUTLINE", 15)
    with pytest.raises(ValueError, match="outline of millions"):
        run_lengths([ROW], SIZE)


def test_background_at_the_end_may_be_left_out():
    full = decode(SIZE, merge(run_lengths(rle([5, 4, 15]), SIZE), SIZE))
    short = decode(SIZE, merge(run_lengths(rle([5, 4]), SIZE), SIZE))
    assert (short == full).all()
    assert full.sum() == 4


@pytest.mark.parametrize(
    "records",
    [
        [{**GOOD, "id": [1]}], [{**GOOD, "id": {"a": 1}}], [{**GOOD, "id": None}], [5], [None],
        [{**GOOD, "id": 2, "image_id": [1]}], [{**GOOD, "id": 2, "category_id": {}}],
        [{**GOOD, "id": 2, "image_id": 9}], [{**GOOD, "id": 2, "category_id": 9}],
        [{**GOOD, "id": "x"}, {**GOOD, "id": "x"}],
    ],
)  # fmt: skip
def test_odd_records_cost_themselves_alone(tmp_path, records):
    data = load_dataset("coco", coco(tmp_path, [GOOD, *records]))
    assert data.ids == ("a-1",)
    assert len(data.broken) == 1
    assert all(one_sentence(reason) for reason in data.broken.values())


@pytest.mark.parametrize(
    "change",
    [{"file_name": "../a.jpg"}, {"file_name": "/etc/passwd"}, {"file_name": 5}, {"height": 1e9},
     {"width": -6}, {"width": "6"}, {"id": [1]}],
)  # fmt: skip
def test_an_odd_photo_is_named(tmp_path, change):
    image = {"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}
    with pytest.raises(ValueError, match="instances_mine.json") as caught:
        load_dataset("coco", coco(tmp_path, [GOOD], [{**image, **change}]))
    assert one_sentence(caught.value)


def test_ids_may_be_texts_and_numbers(tmp_path):
    data = load_dataset("coco", coco(tmp_path, [GOOD, {**GOOD, "id": "x"}]), per_category=None)
    assert data.ids == ("a-1", "a-x")


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def test_a_photo_that_fits_both_ways_is_read_upright_with_a_warning(tmp_path):
    coco(tmp_path, [GOOD])
    stored = np.zeros((*SIZE, 3), np.uint8)
    stored[:, :3] = 255
    path = tmp_path / "images" / "a.jpg"
    Image.fromarray(stored).save(path, quality=100, exif=turned(3))
    with pytest.warns(UserWarning, match="a.jpg has an EXIF orientation"):
        upright = load_dataset("coco", tmp_path)
    assert upright[0].image[0, 0, 0] < 60 < upright[0].image[0, -1, 0]
    assert load_dataset("coco", tmp_path, upright=False)[0].image[0, 0, 0] > 200


def test_sizes_decide_whether_a_photo_is_turned(tmp_path):
    coco(tmp_path, [GOOD])
    path = tmp_path / "images" / "a.jpg"
    Image.new("RGB", SIZE).save(path, exif=turned(6))
    assert load_dataset("coco", tmp_path)[0].image.shape == (*SIZE, 3)
    Image.new("RGB", SIZE[::-1]).save(path, exif=turned(6))
    assert load_dataset("coco", tmp_path)[0].image.shape == (*SIZE, 3)
    Image.new("RGB", (9, 9)).save(path)
    with pytest.raises(ValueError, match="a.jpg has 9 x 9 pixels"):
        load_dataset("coco", tmp_path)
