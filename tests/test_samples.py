import hashlib
import importlib.util
import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data import samples
from tutorial_lib.data.samples import load_sample, sample_names
from tutorial_lib.metrics import iou
from tutorial_lib.paths import bundled
from tutorial_lib.registry import get_segmenter

FOLDER = bundled("assets") / "samples"

# Share of the photo that each object covers, and how many pieces it comes in.
EXPECTED = {
    ("flower", "flower"): (0.20, 0.24, 1),
    ("coffee", "cup-and-saucer"): (0.45, 0.50, 1),
    ("coffee", "cup"): (0.20, 0.23, 1),
    ("coffee", "spoon"): (0.025, 0.030, 2),
    ("astronaut", "person"): (0.40, 0.43, 1),
    ("astronaut", "suit"): (0.33, 0.36, 1),
    ("astronaut", "face"): (0.030, 0.036, 1),
    ("grace_hopper", "person"): (0.56, 0.60, 1),
    ("grace_hopper", "uniform"): (0.35, 0.39, 1),
    ("grace_hopper", "hat"): (0.060, 0.068, 1),
    ("chelsea", "cat"): (0.74, 0.80, 1),
    ("coins", "coin"): (0.020, 0.025, 1),
    ("coins", "all-coins"): (0.32, 0.35, 24),
    ("china", "tower"): (0.23, 0.26, 1),
    ("rocket", "rocket"): (0.017, 0.020, 1),
}


@pytest.fixture(params=sample_names())
def sample(request):
    return load_sample(request.param)


def pieces(mask):
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1


def test_every_sample_has_a_photo_and_masks_of_its_size(sample):
    assert sample.image.dtype == np.uint8
    assert sample.image.ndim == 3 and sample.image.shape[2] == 3
    assert sample.masks
    for mask in sample.masks.values():
        assert mask.dtype == bool
        assert mask.shape == sample.image.shape[:2]


def test_every_sample_says_what_it_is_and_whose(sample):
    assert sample.name in sample_names()
    assert all((sample.title, sample.source, sample.licence))


def test_the_first_reading_is_the_default(sample):
    first = next(iter(sample.masks))
    assert sample.mask is sample.masks[first]
    assert sample.reading(first) is sample.mask


@pytest.mark.parametrize(("name", "reading"), EXPECTED)
def test_every_mask_is_one_object_of_a_sensible_size(name, reading):
    least, most, count = EXPECTED[name, reading]
    mask = load_sample(name).reading(reading)
    assert least < mask.mean() < most
    assert pieces(mask) == count
    assert pieces(~mask) <= 4  # no holes: only what the picture's border cuts off


def test_the_table_above_knows_every_mask():
    assert set(EXPECTED) == {(n, r) for n in sample_names() for r in load_sample(n).masks}


@pytest.mark.parametrize(
    ("name", "part", "whole"),
    [
        ("coffee", "cup", "cup-and-saucer"),
        ("coffee", "spoon", "cup-and-saucer"),
        ("astronaut", "suit", "person"),
        ("astronaut", "face", "person"),
        ("grace_hopper", "hat", "person"),
        ("grace_hopper", "uniform", "person"),
        ("coins", "coin", "all-coins"),
    ],
)
def test_a_part_lies_in_its_whole(name, part, whole):
    sample = load_sample(name)
    assert not (sample.reading(part) & ~sample.reading(whole)).any()


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("coffee", "cup", "spoon"),
        ("astronaut", "suit", "face"),
        ("grace_hopper", "hat", "uniform"),
    ],
)
def test_parts_do_not_overlap(name, one, other):
    sample = load_sample(name)
    assert not (sample.reading(one) & sample.reading(other)).any()


def test_samples_are_fresh_each_time():
    load_sample("flower").image[:] = 0
    assert load_sample("flower").image.any()


def test_an_unknown_sample_lists_the_names():
    with pytest.raises(ValueError, match=r"flower.*coffee.*no 'lena'"):
        load_sample("lena")


def test_an_unknown_reading_lists_the_readings():
    with pytest.raises(ValueError, match=r"cup-and-saucer, cup, spoon, not 'table'"):
        load_sample("coffee").reading("table")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="reinstall scikit-learn"):
        load_sample("flower")


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    return tmp_path


def test_a_missing_photo_is_named(elsewhere):
    with pytest.raises(FileNotFoundError, match=r"astronaut\.png is missing.*scikit-image"):
        load_sample("astronaut")


def test_another_photo_of_the_same_name_is_refused(elsewhere):
    (elsewhere / "data").mkdir()
    Image.new("RGB", (512, 512)).save(elsewhere / "data" / "astronaut.png")
    with pytest.raises(ValueError, match="version of scikit-image ships another photo"):
        load_sample("astronaut")


def test_sources_name_every_file_and_no_other():
    named = re.findall(r"`([a-z_]+\.[a-z-]+\.png)`", (FOLDER / "SOURCES.md").read_text("utf-8"))
    assert sorted(named) == sorted(path.name for path in FOLDER.glob("*.png"))
    assert set(named) == {f"{name}.{reading}.png" for name, reading in EXPECTED}
    assert {path.suffix for path in FOLDER.iterdir()} == {".md", ".png"}


def test_sources_name_every_photo_with_its_checksum_and_licence():
    chapters = (FOLDER / "SOURCES.md").read_text("utf-8").split("\n## ")[1:]
    assert [chapter.split(":")[0] for chapter in chapters] == sample_names()
    for chapter, (name, entry) in zip(chapters, samples._ENTRIES.items(), strict=True):
        assert f"`{entry.file}`" in chapter
        assert f"`{entry.sha256}`" in chapter
        assert load_sample(name).licence in chapter


def test_masks_are_small_grey_images_of_two_values():
    for path in FOLDER.glob("*.png"):
        with Image.open(path) as picture:
            assert picture.mode == "L"
            assert set(np.unique(np.asarray(picture))) == {0, 255}
        assert path.stat().st_size < 4000


def test_a_mask_is_no_copy_of_another():
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in FOLDER.glob("*.png")]
    assert len(set(digests)) == len(digests)


def test_two_clicks_select_the_flowers_and_two_more_leave_one():
    sample = load_sample(sample_names()[0])
    method = get_segmenter("graph-cut")
    prepared = method.prepare(sample.image)
    clicks, agreement = Clicks(), []
    for click in ("222,310,+", "100,100,-", "405,380,-", "100,335,+"):
        clicks = clicks.add(Click.parse(click))
        agreement.append(iou(method.segment(prepared, clicks).mask, sample.mask))
    assert agreement[1] > 0.85  # both flowers: same colours, same answer
    assert agreement[3] > 0.96  # the negative click costs petals, a positive one brings them back
