"""Every layout, written here in miniature as its makers distribute it, and read back."""

import dataclasses
import itertools
import json
import pickle
import shutil
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as rle
from scipy.io import savemat
from typer.testing import CliRunner

from tests.support import one_sentence
from tutorial_lib.cli import app
from tutorial_lib.data import photo_files
from tutorial_lib.data.catalogue import BERKELEY_IN_BSDS500, GRABCUT_IN_BSDS500
from tutorial_lib.data.datasets import (
    DATASETS,
    TEST_PHOTOS_IN_BSDS500,
    Example,
    Subset,
    load_dataset,
    register_dataset,
)
from tutorial_lib.data.layouts import voc
from tutorial_lib.data.layouts.by_name import LAYOUTS
from tutorial_lib.data.layouts.dataset import locate
from tutorial_lib.data.layouts.pairs import PairDataset
from tutorial_lib.data.mask_files import read_half
from tutorial_lib.evaluation.results import read_results

SIZE = (4, 6)  # rows, columns
SQUARE = np.zeros(SIZE, bool)
SQUARE[1:3, 1:4] = True
MASK = SQUARE.astype(np.uint8) * 255
EMPTY = np.zeros(SIZE, np.uint8)


def write(path, array, palette=False, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(array)
    if palette:  # colours that have nothing to do with the numbers
        picture = Image.new("P", array.shape[::-1])
        picture.putpalette([(7 * n + 50) % 256 for n in range(768)])
        picture.putdata(array.ravel().tolist())
    picture.save(path, **options)


def photo(path, size=SIZE, colour=90):
    write(path, np.full((*size, 3), colour, np.uint8))


@contextmanager
def refuses(kind, *texts):
    """Expect an error of one sentence that holds all these texts."""
    with pytest.raises(kind) as caught:
        yield
    assert one_sentence(caught.value), str(caught.value)
    assert [text for text in texts if text not in str(caught.value)] == []


# -- photo and mask files side by side -----------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for name, mask in (("b", MASK), ("a", 255 - MASK)):
        photo(tmp_path / "images" / f"{name}.png")
        write(tmp_path / "masks" / f"{name}.png", mask)
    return tmp_path


def test_a_subset_is_a_dataset_of_its_own(folder):
    data = load_dataset("folder", folder)
    second = pickle.loads(pickle.dumps(Subset(data, [1])))
    assert (len(second), second.ids, second.root) == (1, data.ids[1:], data.root)
    assert second[0].id == data.ids[1]
    with pytest.raises(IndexError):
        second[1]


def test_a_folder_gives_its_photos_in_the_order_of_their_names(folder):
    data = load_dataset("folder", folder)
    assert (data.name, data.root, len(data), data.ids) == ("folder", folder, 2, ("a", "b"))
    assert isinstance(data[1], Example)
    assert (data[1].truth == SQUARE).all()
    assert data[1].image.tolist() == np.full((*SIZE, 3), 90).tolist()
    assert data[1].ignore is None


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "webp", "JPG"])
def test_photos_may_be_of_any_usual_kind(tmp_path, ending):
    photo(tmp_path / "images" / f"a.{ending}")
    write(tmp_path / "masks" / "a.png", MASK)
    assert load_dataset("folder", str(tmp_path))[0].image.shape == (*SIZE, 3)


def test_iterating_gives_what_indexing_gives(folder):
    data = load_dataset("folder", folder)
    assert [example.id for example in data] == [data[0].id, data[-1].id] == list(data.ids)


@pytest.mark.parametrize("index", [2, -3])
def test_an_index_outside_is_refused(folder, index):
    with refuses(IndexError, "2 examples", str(index)):
        load_dataset("folder", folder)[index]


def test_opening_reads_no_photo_and_iterating_reads_one_at_a_time(folder, monkeypatch):
    read, original = [], photo_files.read_photo

    def spy(path, **options):
        read.append(path.stem)
        return original(path, **options)

    monkeypatch.setattr(photo_files, "read_photo", spy)
    data = load_dataset("folder", folder)
    stream = iter(data)
    assert read == []
    next(stream)
    assert read == ["a"]


def test_empty_masks_are_no_examples_but_counted(folder):
    photo(folder / "images" / "c.png")
    write(folder / "masks" / "c.png", EMPTY)
    data = load_dataset("folder", folder)
    assert data.ids == ("a", "b")
    assert data.skipped == {"c": f"The mask {folder / 'masks' / 'c.png'} is empty."}


def test_a_folder_of_empty_masks_is_refused(tmp_path):
    photo(tmp_path / "images" / "a.png")
    write(tmp_path / "masks" / "a.png", EMPTY)
    with refuses(ValueError, "holds no example", "128 ignore"):
        load_dataset("folder", tmp_path)


def test_an_unchecked_empty_mask_is_an_error_in_its_turn(folder):
    write(folder / "masks" / "a.png", EMPTY)
    data = load_dataset("folder", folder, check=False)
    assert data[1].truth.any()
    with refuses(ValueError, "no pixel that counts"):
        data[0]


def test_a_photo_without_mask_is_named(folder):
    photo(folder / "images" / "c.jpg")
    data = load_dataset("folder", folder)
    assert data.ids == ("a", "b")
    assert "c.jpg has no mask" in data.broken["c"] and one_sentence(data.broken["c"])


def test_a_mask_without_photo_is_named(folder):
    write(folder / "masks" / "c.png", MASK)
    data = load_dataset("folder", folder)
    assert list(data.broken) == ["c"]
    assert "c.png has no photo" in data.broken["c"]


def test_a_file_that_is_passed_over_is_named(folder):
    (folder / "images" / "c.heic").write_bytes(b"")
    assert "c.heic is passed over" in load_dataset("folder", folder).skipped["c.heic"]


def test_a_mask_of_another_size_is_named(folder):
    write(folder / "masks" / "a.png", MASK[:3])
    data = load_dataset("folder", folder)
    assert data.ids == ("b",)
    assert "a.png has 6 x 4 pixels but its mask 6 x 3" in data.broken["a"]


def test_two_photos_of_one_name_are_refused(folder):
    photo(folder / "images" / "a.jpg")
    data = load_dataset("folder", folder)
    assert data.ids == ("b",)
    assert "both a.jpg and a.png" in data.broken["a"]


@pytest.mark.parametrize("part", ["images", "masks"])
def test_a_damaged_picture_is_named(folder, part):
    (folder / part / "a.png").write_bytes(b"no picture")
    data = load_dataset("folder", folder)
    assert data.ids == ("b",)
    assert "a.png hold" in data.broken["a"]
    (folder / part / "b.png").write_bytes(b"no picture")
    with refuses(ValueError, "a.png hold", "1 more"):
        load_dataset("folder", folder)


def test_a_photo_cut_short_is_named_in_its_turn(folder):
    path = folder / "images" / "a.jpg"
    write(path, np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:2000])
    (folder / "images" / "a.png").unlink()
    write(folder / "masks" / "a.png", np.eye(64, dtype=np.uint8))
    data = load_dataset("folder", folder)
    with refuses(ValueError, "a.jpg"):
        data[0]
    assert data[1].id == "b"


def test_a_photo_that_vanishes_later_is_named(folder):
    data = load_dataset("folder", folder)
    (folder / "images" / "a.png").unlink()
    with refuses(ValueError, "There is no file", "a.png"):
        data[0]


def test_a_folder_takes_photos_upright_as_the_rest_of_the_package_does(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "images").mkdir()
    Image.new("RGB", (SIZE[0], SIZE[1])).save(tmp_path / "images" / "a.jpg", exif=exif)
    write(tmp_path / "masks" / "a.png", MASK)
    assert load_dataset("folder", tmp_path)[0].image.shape == (*SIZE, 3)


def test_official_photos_stay_as_they_are_stored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "DUTS-TR-Image").mkdir()
    Image.new("RGB", SIZE[::-1]).save(tmp_path / "DUTS-TR-Image" / "a.jpg", exif=exif)
    write(tmp_path / "DUTS-TR-Mask" / "a.png", MASK)
    assert load_dataset("duts", tmp_path)[0].image.shape == (*SIZE, 3)


def trimap_of(tmp_path, values):
    mask = np.array([values] * 4, np.uint8)
    photo(tmp_path / "images" / "a.png", mask.shape)
    write(tmp_path / "masks" / "a.png", mask)
    example = load_dataset("folder", tmp_path)[0]
    ignored = None if example.ignore is None else example.ignore[0].tolist()
    return example.truth[0].tolist(), ignored


def test_the_three_codes_are_exact(tmp_path):
    assert trimap_of(tmp_path, [0, 128, 128, 255]) == (
        [False, False, False, True],
        [False, True, True, False],
    )


def test_a_smoothed_edge_without_band_is_cut_at_128(tmp_path):
    assert trimap_of(tmp_path, [0, 100, 127, 140, 255]) == ([False, False, False, True, True], None)


def test_around_a_band_every_value_means_the_code_it_is_nearest_to(tmp_path):
    truth, ignored = trimap_of(tmp_path, [0, 63, 64, 128, 128, 191, 192, 255])
    assert truth == [False] * 6 + [True] * 2
    assert ignored == [False] * 2 + [True] * 4 + [False] * 2


def test_a_single_128_on_a_smooth_edge_is_no_band(tmp_path):
    assert trimap_of(tmp_path, [0, 90, 100, 128, 255]) == ([False] * 3 + [True] * 2, None)


def test_an_object_inside_the_band_alone_is_no_example(folder):
    write(folder / "masks" / "a.png", np.full(SIZE, 128, np.uint8))
    assert "no object" in load_dataset("folder", folder).skipped["a"]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
def test_masks_of_every_mode_are_read(tmp_path, mode):
    photo(tmp_path / "images" / "a.png")
    mask = Image.fromarray(MASK)
    if mode == "I;16":
        mask = Image.fromarray(MASK.astype(np.uint16) * 257)
    (tmp_path / "masks").mkdir()
    (mask if mode == "I;16" else mask.convert(mode)).save(tmp_path / "masks" / "a.png")
    assert (load_dataset("folder", tmp_path)[0].truth == SQUARE).all()


def test_grabcut_mixes_kinds_of_files_and_has_other_folders(tmp_path):
    band = MASK.copy()
    band[0] = 128
    for name, ending in (("banana1", "bmp"), ("21077", "jpg")):
        photo(tmp_path / "data_GT" / f"{name}.{ending}")
        write(tmp_path / "boundary_GT" / f"{name}.bmp", band)
        write(tmp_path / "boundary_GT_rect" / f"{name}.bmp", EMPTY)
    data = load_dataset("grabcut", tmp_path)
    assert data.ids == ("21077", "banana1")
    assert (data[0].truth == SQUARE).all()
    assert data[0].ignore.tolist() == [[True] * 6] + [[False] * 6] * 3


def berkeley(root, photos, masks):
    for name in photos:
        photo(root / "images" / f"{name}.jpg")
    for name in masks:
        write(root / "masks" / f"{name}.png", SQUARE.astype(np.uint8))


def test_berkeley_has_several_objects_on_one_photo(tmp_path):
    berkeley(tmp_path, ["3096", "42049"], ["3096#0", "3096#1", "42049"])
    data = load_dataset("berkeley", tmp_path)
    assert data.ids == ("3096#0", "3096#1", "42049")
    assert (data[1].truth == SQUARE).all()  # 1, not 255: anything but 0 is the object


def test_berkeley_may_repeat_the_photo_for_each_object(tmp_path):
    berkeley(tmp_path, ["3096#0", "3096#1"], ["3096#0", "3096#1"])
    assert load_dataset("berkeley", tmp_path).ids == ("3096#0", "3096#1")


def test_berkeley_names_what_has_no_partner(tmp_path):
    berkeley(tmp_path, ["1"], ["1#0", "2#0"])
    photo(tmp_path / "images" / "3.jpg")
    data = load_dataset("berkeley", tmp_path)
    assert data.ids == ("1#0",)
    assert "2#0.png has no photo" in data.broken["2#0"]
    assert "3.jpg has no mask" in data.broken["3"]


@pytest.mark.parametrize(
    ("split", "part", "above"),
    [(None, "TR", ""), ("train", "TR", "DUTS-TR"), ("test", "TE", "DUTS-TE")],
)
def test_duts_in_its_official_folders(tmp_path, split, part, above):
    soft = MASK.copy()
    soft[0, :2] = 127, 128
    photo(tmp_path / above / f"DUTS-{part}-Image" / "a.jpg")
    write(tmp_path / above / f"DUTS-{part}-Mask" / "a.png", soft)
    data = load_dataset("duts", tmp_path, split=split)
    assert data[0].truth[0].tolist() == [False, True] + [False] * 4
    assert data[0].ignore is None


def test_duts_in_plain_folders(folder):
    assert load_dataset("duts", folder).ids == ("a", "b")


# -- DAVIS ---------------------------------------------------------------------------------------


def davis(root, sequences, lists, resolution="480p"):
    for name, masks in sequences.items():
        for number, mask in enumerate(masks):
            photo(root / "JPEGImages" / resolution / name / f"{number:05d}.jpg")
            path = root / "Annotations" / resolution / name / f"{number:05d}.png"
            write(path, mask, palette=mask.max() < 5)
    for name, lines in lists.items():
        path = root / "ImageSets" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


def lines_2016(name, count, resolution="480p"):
    return [
        f"/JPEGImages/{resolution}/{name}/{n:05d}.jpg /Annotations/{resolution}/{name}/{n:05d}.png"
        for n in range(count)
    ]


@pytest.fixture
def davis_2016(tmp_path):
    bear, swan = [MASK] * 12, [MASK] * 8
    lists = {"480p/train": lines_2016("bear", 12), "480p/val": lines_2016("swan", 8)}
    lists["480p/trainval"] = lists["480p/train"] + lists["480p/val"]
    davis(tmp_path / "DAVIS", {"bear": bear, "swan": swan}, lists)
    return tmp_path


def test_davis_samples_a_tenth_of_the_frames(davis_2016):
    data = load_dataset("davis", davis_2016)
    assert len(data) == 2
    assert all(key.startswith(("bear-000", "swan-000")) for key in data.ids)
    assert (data[0].truth == SQUARE).all()


@pytest.mark.parametrize(
    ("count", "share", "expected"), [(3455, 0.1, 345), (3450, 0.1, 345), (10, 0.3, 3), (7, 1, 7)]
)
def test_the_share_is_rounded_down(tmp_path, monkeypatch, count, share, expected):
    lines = [
        f"/JPEGImages/480p/s/{n:05d}.jpg /Annotations/480p/s/{n:05d}.png" for n in range(count)
    ]
    davis(tmp_path, {"s": [MASK]}, {"480p/trainval": lines})
    monkeypatch.setattr("tutorial_lib.data.layouts.davis.read_union", lambda path: (SQUARE, None))
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    assert len(load_dataset("davis", tmp_path, share=share)) == expected


def test_the_sample_depends_on_the_seed_alone(davis_2016):
    ids = [load_dataset("davis", davis_2016, seed=s, share=0.25).ids for s in (0, 0, 1, 2, 3)]
    assert ids[0] == ids[1]
    assert len(set(ids)) > 1
    assert ids[0] == tuple(sorted(ids[0]))


def test_davis_splits(davis_2016):
    assert len(load_dataset("davis", davis_2016, split="train", share=1)) == 12
    assert len(load_dataset("davis", davis_2016, split="val", share=1)) == 8


def test_frames_without_object_are_passed_over(tmp_path):
    masks = [EMPTY, MASK, EMPTY, MASK]
    davis(tmp_path, {"s": masks}, {"480p/trainval": lines_2016("s", 4)})
    data = load_dataset("davis", tmp_path, share=0.5)
    assert data.ids == ("s-00001", "s-00003")
    everything = load_dataset("davis", tmp_path, share=1)
    assert set(everything.skipped) == {"s-00000", "s-00002"}


def test_davis_2017_lists_sequences_and_its_objects_are_taken_together(tmp_path):
    two = SQUARE.astype(np.uint8)
    two[3, 5] = 2
    davis(tmp_path, {"s": [two] * 3, "t": [two] * 2}, {"2017/train": ["s"], "2017/val": ["t"]})
    data = load_dataset("davis", tmp_path, share=1)
    assert data.ids == ("s-00000", "s-00001", "s-00002", "t-00000", "t-00001")
    assert data[0].truth.sum() == SQUARE.sum() + 1


def test_the_lists_of_2016_come_first(tmp_path):
    davis(
        tmp_path,
        {"s": [MASK], "t": [MASK]},
        {"2016/trainval": ["s"], "2017/train": ["s", "t"], "2017/val": ["t"]},
    )
    assert load_dataset("davis", tmp_path, share=1).ids == ("s-00000",)


def test_davis_full_resolution(tmp_path):
    davis(tmp_path, {"s": [MASK]}, {"2016/trainval": ["s"]}, "Full-Resolution")
    assert len(load_dataset("davis", tmp_path, share=1, resolution="Full-Resolution")) == 1
    with refuses(FileNotFoundError, "480p", "fetch"):
        load_dataset("davis", tmp_path)


def test_the_fixed_frames_of_f_brs_are_all_taken(tmp_path):
    for n in range(3):
        photo(tmp_path / "img" / f"bear_{n:05d}.jpg")
        write(tmp_path / "gt" / f"bear_{n:05d}.jpg", np.dstack([MASK] * 3), quality=100)
    assert len(load_dataset("davis", tmp_path)) == 3


@pytest.mark.parametrize(
    ("above", "photos", "masks"), [("DAVIS345", "img", "gt"), ("", "images", "masks")]
)
def test_single_frames_are_read_wherever_they_lie(tmp_path, above, photos, masks):
    photo(tmp_path / above / photos / "bear-00010.jpg")
    write(tmp_path / above / masks / "bear-00010.png", MASK)
    data = load_dataset("davis", tmp_path)
    assert data.ids == ("bear-00010",)
    assert (data[0].truth == SQUARE).all()


def test_without_lists_the_folders_are_the_sequences(tmp_path):
    davis(tmp_path, {"bear": [MASK] * 2, "camel": [MASK]}, {})
    parts = {
        split: load_dataset("davis", tmp_path, split=split, share=1).ids
        for split in ("train", "val", "trainval")
    }
    assert parts["train"] == ("bear-00000", "bear-00001")
    assert parts["val"] == ("camel-00000",)  # a validation sequence of 2016
    assert parts["trainval"] == (*parts["train"], *parts["val"])
    davis(tmp_path, {"camel": [MASK] * 12}, {})
    tenth = load_dataset("davis", tmp_path, split="val-tenth")
    assert tenth.ids == ("camel-00000", "camel-00010")
    with refuses(FileNotFoundError, "not laid out as DAVIS"):
        load_dataset("davis", tmp_path, split="345-frames")


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_outside_is_refused(davis_2016, share):
    with refuses(ValueError, "share", str(share)):
        load_dataset("davis", davis_2016, share=share)


def test_missing_lists_and_sequences_are_named(tmp_path):
    davis(tmp_path, {"s": [MASK]}, {"2017/other": ["s"]})
    with refuses(FileNotFoundError, "There is no list", "trainval.txt"):
        load_dataset("davis", tmp_path)
    davis(tmp_path, {}, {"2017/trainval": ["gone"]})
    with refuses(FileNotFoundError, "sequence gone"):
        load_dataset("davis", tmp_path)


# -- COCO ----------------------------------------------------------------------------------------

ROW = [0, 0, 6, 0, 6, 2, 0, 2]  # a polygon over the first two rows, corners x1, y1, x2, y2, ...


def uncompressed(mask):
    """Write run lengths down the columns by hand, as a list that begins with zeros."""
    runs = [(bit, len(list(run))) for bit, run in itertools.groupby(mask.T.ravel().tolist())]
    counts = [length for _, length in runs]
    return {"size": list(mask.shape), "counts": counts if not runs[0][0] else [0, *counts]}


def compressed(mask):
    code = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": code["counts"].decode()}


def annotation(number, image, shape, category=1, crowd=0):
    return {
        "id": number, "image_id": image, "category_id": category,
        "segmentation": shape, "iscrowd": crowd,
    }  # fmt: skip


def coco(root, annotations, images=(1,), categories=((1, "person"), (2, "zebra")), split="val2017",
         folder=None):  # fmt: skip
    listed = [
        {"id": n, "file_name": f"{n:012d}.jpg", "height": SIZE[0], "width": SIZE[1]} for n in images
    ]
    for image in listed:
        photo(root / (folder or split) / image["file_name"])
    content = {
        "images": listed,
        "annotations": annotations,
        "categories": [{"id": n, "name": name} for n, name in categories],
    }
    path = root / "annotations" / f"instances_{split}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


TOP = np.zeros(SIZE, bool)
TOP[:2] = True


@pytest.mark.parametrize(
    ("shape", "expected"),
    [([ROW], TOP), (uncompressed(SQUARE), SQUARE), (compressed(SQUARE), SQUARE),
     (uncompressed(TOP), TOP)],
    ids=["polygon", "list", "text", "list that begins with the object"],
)  # fmt: skip
def test_coco_masks_of_every_kind(tmp_path, shape, expected):
    coco(tmp_path, [annotation(7, 1, shape)])
    data = load_dataset("coco", tmp_path)
    assert data.ids == ("000000000001-7",)
    assert (data[0].truth == expected).all()
    assert data[0].ignore is None


def test_an_object_of_two_polygons_is_one(tmp_path):
    far = [5, 3, 6, 3, 6, 4, 5, 4]
    coco(tmp_path, [annotation(7, 1, [ROW, far])])
    assert load_dataset("coco", tmp_path)[0].truth.sum() == TOP.sum() + 1


def test_crowds_are_no_targets_and_ignored_where_the_target_is_not(tmp_path):
    coco(tmp_path, [annotation(7, 1, [ROW]), annotation(8, 1, uncompressed(SQUARE), crowd=1)])
    data = load_dataset("coco", tmp_path)
    assert data.ids == ("000000000001-7",)
    assert (data[0].truth == TOP).all()
    assert (data[0].ignore == (SQUARE & ~TOP)).all()


def test_a_crowd_inside_the_target_ignores_nothing(tmp_path):
    crowd = annotation(8, 1, compressed(TOP), category=2, crowd=1)
    coco(tmp_path, [annotation(7, 1, [ROW]), crowd])
    assert load_dataset("coco", tmp_path)[0].ignore is None


@pytest.fixture
def many(tmp_path):
    """Twelve photos of two persons each, four of them with a zebra."""
    annotations = [annotation(10 * n + k, n, [ROW]) for n in range(1, 13) for k in (0, 1)]
    annotations += [annotation(10 * n + 2, n, [ROW], category=2) for n in range(1, 5)]
    coco(tmp_path, annotations, images=range(1, 13))
    return tmp_path


def test_ten_photos_a_category_and_one_object_in_each(many):
    ids = load_dataset("coco", many).ids
    assert len(ids) == 10 + 4
    persons = [key.split("-")[0] for key in ids[:10]]
    assert len(set(persons)) == 10


def test_the_draw_of_a_category_is_the_same_in_every_part(many):
    everything = load_dataset("coco", many, seed=5)
    seen = load_dataset("coco", many, seed=5, part="seen")
    unseen = load_dataset("coco", many, seed=5, split="unseen")
    assert everything.ids == seen.ids + unseen.ids
    assert len(seen) == 10
    assert load_dataset("coco", many, split="val2017", seed=6, part="seen").ids != seen.ids


def test_every_object_can_be_had(many):
    assert len(load_dataset("coco", many, per_category=None)) == 28
    assert len(load_dataset("coco", many, per_category=1)) == 2


def test_every_fourth_photo_is_held_out_from_training(many):
    def photos(**options):
        found = load_dataset("coco", many, per_category=None, **options)
        return {int(key.split("-")[0]) for key in found.ids}

    assert photos(fold="held-out") == {4, 8, 12}
    assert photos(fold="train") == set(range(1, 13)) - {4, 8, 12}
    coco(many, [annotation(n, n, [ROW]) for n in range(21, 29)], range(21, 29), split="train2017")
    assert photos(split="held-out") == {24, 28}  # of the training photos, if they are there


@pytest.mark.parametrize(
    ("above", "photos", "masks"), [("COCO_MVal", "img", "gt"), ("", "images", "masks")]
)
def test_coco_as_a_folder_of_objects_tells_seen_categories_from_others(
    tmp_path, above, photos, masks
):
    for name in ("dog03_000000000001", "wine glass00_000000000002", "mine"):
        photo(tmp_path / above / photos / f"{name}.jpg")
        write(tmp_path / above / masks / f"{name}.png", MASK)
    data = load_dataset("coco", tmp_path)
    assert data.ids == ("dog03_000000000001", "wine-glass00_000000000002")
    assert "so its category is unknown" in data.broken["mine"]
    assert (data[1].truth == SQUARE).all()
    assert load_dataset("coco", tmp_path, split="seen").ids == data.ids[:1]
    assert load_dataset("coco", tmp_path, part="unseen").ids == data.ids[1:]
    with refuses(ValueError, "fold of the dataset coco can be all, not 'train'"):
        load_dataset("coco", tmp_path, fold="train")


def test_the_twenty_seen_categories():
    from tutorial_lib.data.layouts.coco_objects import SEEN

    assert len(SEEN) == 20


def test_an_object_without_a_pixel_is_replaced_by_another(tmp_path):
    thin = [0, 0, 0, 0, 0, 0]
    coco(tmp_path, [annotation(7, 1, [thin]), annotation(8, 1, [ROW]), annotation(9, 1, [[1, 2]])])
    for seed in range(5):
        data = load_dataset("coco", tmp_path, seed=seed)
        assert data.ids == ("000000000001-8",)
    assert len(load_dataset("coco", tmp_path, per_category=None).skipped) == 2


def test_photos_may_lie_in_a_folder_images(tmp_path):
    coco(tmp_path, [annotation(7, 1, [ROW])], folder="images")
    assert len(load_dataset("coco", tmp_path)) == 1


def test_the_split_chooses_the_annotations(tmp_path):
    coco(tmp_path, [annotation(7, 1, [ROW])])
    coco(tmp_path, [annotation(8, 1, [ROW])], split="train2017")
    assert load_dataset("coco", tmp_path).ids == ("000000000001-7",)
    assert load_dataset("coco", tmp_path, split="train2017").ids == ("000000000001-8",)
    with refuses(ValueError, "train2017, val2017, seen, unseen, held-out, not 'val2014'"):
        load_dataset("coco", tmp_path, split="val2014")


def test_unusual_splits_must_be_chosen_if_there_are_several(tmp_path):
    coco(tmp_path, [annotation(7, 1, [ROW])], split="mine")
    assert len(load_dataset("coco", tmp_path)) == 1
    coco(tmp_path, [annotation(7, 1, [ROW])], split="yours")
    with refuses(ValueError, "mine, yours"):
        load_dataset("coco", tmp_path)


def test_coco_without_annotations_or_photos_says_how_to_get_them(tmp_path):
    (tmp_path / "annotations").mkdir()
    with refuses(FileNotFoundError, "instances_<split>.json", "fetch coco"):
        load_dataset("coco", tmp_path)
    coco(tmp_path, [annotation(7, 1, [ROW]), annotation(8, 2, [ROW])], images=(1, 2))
    (tmp_path / "val2017" / "000000000002.jpg").unlink()
    broken = load_dataset("coco", tmp_path).broken["000000000002-8"]
    assert "000000000002.jpg" in broken and "fetch coco" in broken
    (tmp_path / "val2017" / "000000000001.jpg").unlink()
    (tmp_path / "val2017").rmdir()
    with refuses(FileNotFoundError, "no folder val2017 or images"):
        load_dataset("coco", tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"images": []}', '{"images": 1, "annotations": 2, "categories": 3}']
)
def test_a_file_that_is_no_coco_annotation(tmp_path, text):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text(text)
    with refuses(ValueError, "instances_val2017.json is no COCO annotation file"):
        load_dataset("coco", tmp_path)


def test_an_annotation_without_its_keys(tmp_path):
    coco(tmp_path, [{"id": 3, "category_id": 1}])
    with refuses(ValueError, "annotation 3 in", "instances_val2017.json", "has no photo"):
        load_dataset("coco", tmp_path)


@pytest.mark.parametrize("shape", ["nonsense", 5, {"size": [9, 9], "counts": [81]}, {"size": [4]}])
def test_an_annotation_that_is_no_shape(tmp_path, shape):
    coco(tmp_path, [annotation(7, 1, shape)])
    with refuses(ValueError, "annotation 7 in", "instances_val2017.json"):
        load_dataset("coco", tmp_path)


def test_coco_refuses_odd_options(many):
    with refuses(ValueError, "part of the dataset coco can be all, seen, unseen, not 'new'"):
        load_dataset("coco", many, part="new")
    with refuses(ValueError, "not 0"):
        load_dataset("coco", many, per_category=0)


# -- VOC and SBD ---------------------------------------------------------------------------------

NUMBERED = np.zeros(SIZE, np.uint8)
NUMBERED[0, :3], NUMBERED[2, :2], NUMBERED[3] = 1, 2, 255


def pascal(root, split="val"):
    for stem in ("2007_000033", "2007_000042"):
        photo(root / "JPEGImages" / f"{stem}.jpg")
        write(root / "SegmentationObject" / f"{stem}.png", NUMBERED, palette=True)
    write(root / "SegmentationObject" / "2007_000042.png", EMPTY, palette=True)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / f"{split}.txt").write_text("2007_000033\n2007_000042\n")


@pytest.mark.parametrize("above", ["", "VOC2012", "VOCdevkit/VOC2012"])
def test_voc_gives_every_object_and_ignores_the_void(tmp_path, above):
    pascal(tmp_path / above)
    data = load_dataset("voc", tmp_path)
    assert data.ids == ("2007_000033-1", "2007_000033-2")
    assert "2007_000042.jpg" in data.skipped["2007_000042"]
    assert (data[1].truth == (NUMBERED == 2)).all()
    assert (data[1].ignore == (NUMBERED == 255)).all()


def test_voc_names_a_missing_list_mask_or_photo(tmp_path):
    pascal(tmp_path, "train")
    with refuses(FileNotFoundError, "There is no list", "val.txt"):
        load_dataset("voc", tmp_path)
    (tmp_path / "JPEGImages" / "2007_000033.jpg").unlink()
    with refuses(ValueError, "no photo", "2007_000033.jpg", "fetch voc"):
        load_dataset("voc", tmp_path, split="train")
    (tmp_path / "SegmentationObject" / "2007_000033.png").unlink()
    with refuses(ValueError, "There is no file", "2007_000033.png"):
        load_dataset("voc", tmp_path, split="train")


def test_a_photo_that_is_listed_twice_is_named(tmp_path):
    pascal(tmp_path)
    path = tmp_path / "ImageSets" / "Segmentation" / "val.txt"
    path.write_text("2007_000033\n" * 2)
    with refuses(ValueError, "two examples of the name '2007_000033-1'"):
        load_dataset("voc", tmp_path)


def sbd(root, numbered=NUMBERED):
    numbered = np.where(numbered == voc.VOID, 0, numbered).astype(np.uint8)
    photo(root / "img" / "2008_000002.jpg")
    (root / "inst").mkdir()
    boundaries = np.empty((2, 1), object)
    boundaries[:, 0] = [numbered == 1, numbered == 2]
    structure = {
        "Segmentation": numbered,
        "Boundaries": boundaries,
        "Categories": np.array([[15], [12]], np.uint8),
    }
    savemat(root / "inst" / "2008_000002.mat", {"GTinst": structure}, do_compression=True)
    (root / "val.txt").write_text("2008_000002\n")


@pytest.mark.parametrize("above", ["", "dataset", "benchmark_RELEASE/dataset"])
def test_sbd_gives_every_object(tmp_path, above):
    sbd(tmp_path / above)
    data = load_dataset("sbd", tmp_path)
    assert data.ids == ("2008_000002-1", "2008_000002-2")
    assert (data[0].truth == (NUMBERED == 1)).all()
    assert data[0].ignore is None


def test_sbd_names_damaged_and_foreign_files(tmp_path):
    sbd(tmp_path)
    path = tmp_path / "inst" / "2008_000002.mat"
    savemat(path, {"GTinst": 5})
    with refuses(ValueError, "2008_000002.mat has no structure with Segmentation"):
        load_dataset("sbd", tmp_path)
    savemat(path, {"other": 5})
    with refuses(ValueError, "has no variable 'GTinst'"):
        load_dataset("sbd", tmp_path)
    path.write_bytes(b"MATLAB 5.0 but no more")
    with refuses(ValueError, "no readable MATLAB file"):
        load_dataset("sbd", tmp_path)
    path.unlink()
    with refuses(ValueError, "There is no file"):
        load_dataset("sbd", tmp_path)


# -- BSDS500 -------------------------------------------------------------------------------------

HALVES = np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0).astype(np.uint16)
CORNER = np.ones(SIZE, np.uint16)
CORNER[0, 0] = 2


def bsds(root, photos):
    for part in ("train", "val", "test"):
        (root / "groundTruth" / part).mkdir(parents=True)
        (root / "images" / part).mkdir(parents=True)
    for place, maps in photos.items():
        photo(root / "images" / f"{place}.jpg")
        cells = np.empty((1, len(maps)), object)
        for k, labels in enumerate(maps):
            edges = np.zeros(labels.shape, np.uint8)
            cells[0, k] = {"Segmentation": labels, "Boundaries": edges}
        savemat(root / "groundTruth" / f"{place}.mat", {"groundTruth": cells}, do_compression=True)


@pytest.fixture
def two_readings(tmp_path):
    bsds(tmp_path / "data", {"train/21077": [HALVES, CORNER], "val/3096": [HALVES]})
    return tmp_path


def test_bsds_gives_every_segment_of_a_sensible_size_of_every_annotator(two_readings):
    data = load_dataset("bsds500", two_readings)
    assert data.ids == ("21077-0-1", "21077-0-2", "21077-1-2", "3096-0-1", "3096-0-2")
    assert data[2].truth.sum() == 1
    assert (data[3].truth == (HALVES == 1)).all()


def test_the_sizes_of_segments_can_be_chosen(two_readings):
    assert load_dataset("bsds500", two_readings, least=0.1).ids[2] == "3096-0-1"
    assert "21077-1-1" in load_dataset("bsds500", two_readings, most=1).ids
    with refuses(ValueError, "0.5 and 0.1"):
        load_dataset("bsds500", two_readings, least=0.5, most=0.1)


def test_bsds_splits_and_exclusions(two_readings):
    assert load_dataset("bsds500", two_readings, split="val").stems == ("3096",)
    assert load_dataset("bsds500", two_readings, exclude=["21077"]).stems == ("3096",)
    assert (len(GRABCUT_IN_BSDS500), len(BERKELEY_IN_BSDS500)) == (19, 96)
    assert TEST_PHOTOS_IN_BSDS500 == GRABCUT_IN_BSDS500 | BERKELEY_IN_BSDS500
    assert len(TEST_PHOTOS_IN_BSDS500) == 99  # 16 of the 19 are in Berkeley too


def test_a_text_is_no_list_of_photos_to_exclude(two_readings):
    with refuses(TypeError, "a list of names, not the text '21077'"):
        load_dataset("bsds500", two_readings, exclude="21077")


def test_bsds_gives_all_readings_of_a_photo(two_readings):
    image, labels = load_dataset("bsds500", two_readings).readings("21077")
    assert image.shape == (*SIZE, 3)
    assert labels.dtype == np.uint16
    assert labels.tolist() == [HALVES.tolist(), CORNER.tolist()]


def test_bsds_has_no_reading_of_an_excluded_photo(two_readings):
    with refuses(ValueError, "no photo '21077'"):
        load_dataset("bsds500", two_readings, exclude=["21077"]).readings("21077")


def test_bsds_names_sizes_that_do_not_match(tmp_path):
    bsds(tmp_path, {"val/3096": [HALVES]})
    photo(tmp_path / "images" / "val" / "3096.jpg", (5, 5))
    data = load_dataset("bsds500", tmp_path)
    with refuses(ValueError, "5 x 5 pixels but its mask 6 x 4"):
        data[0]
    with refuses(ValueError, "5 x 5 pixels but its mask 6 x 4"):
        data.readings("3096")


# -- Clothing Co-Parsing -------------------------------------------------------------------------

NAMES = ["null", "coat", "hair", "shoes", "skin"]


@pytest.fixture
def clothes(tmp_path):
    names = np.empty((1, len(NAMES)), object)
    names[0, :] = NAMES
    savemat(tmp_path / "label_list.mat", {"label_list": names})
    (tmp_path / "annotations" / "pixel-level").mkdir(parents=True)
    labels = np.zeros(SIZE, np.uint8)
    labels[0, 2], labels[1, 2:4], labels[3, 1], labels[3, 4] = 2, 1, 3, 3
    for stem, worn in (("0001", labels), ("0002", EMPTY)):
        photo(tmp_path / "photos" / f"{stem}.jpg")
        path = tmp_path / "annotations" / "pixel-level" / f"{stem}.mat"
        savemat(path, {"groundtruth": worn}, do_compression=True)
    photo(tmp_path / "photos" / "0003.jpg")  # most photos of the official set have tags alone
    return tmp_path


def test_clothes_are_parts_of_a_person(clothes):
    data = load_dataset("clothing-co-parsing", clothes)
    assert data.ids == ("0001-person", "0001-coat", "0001-shoes")
    assert [int(example.truth.sum()) for example in data] == [5, 2, 2]
    assert "0002.jpg" in data.skipped["0002"]


def test_targets_can_be_chosen(clothes):
    def ids(targets):
        return load_dataset("clothing-co-parsing", clothes, targets=targets).ids

    assert ids("person") == ("0001-person",)
    assert ids("garments") == ("0001-coat", "0001-shoes")
    with refuses(ValueError, "both, garments, person, not 'hats'"):
        ids("hats")


def test_every_tenth_photo_is_held_out(clothes):
    labels = np.ones(SIZE, np.uint8)
    for number in range(3, 22):
        photo(clothes / "photos" / f"{number:04}.jpg")
        path = clothes / "annotations" / "pixel-level" / f"{number:04}.mat"
        savemat(path, {"groundtruth": labels})

    def stems(split):
        return load_dataset("clothing-co-parsing", clothes, split=split).stems

    assert stems("held-out") == ("0010", "0020")
    assert sorted(stems("train") + stems("held-out")) == list(stems("all"))
    assert len(stems("all")) == 21
    with refuses(ValueError, "all, train, held-out, not 'test'"):
        stems("test")


def test_label_maps_and_names(clothes):
    data = load_dataset("clothing-co-parsing", clothes)
    assert data.label_names == tuple(NAMES)
    assert data.stems == ("0001", "0002")
    assert data.label_map("0001")[0].tolist() == [0, 0, 2, 0, 0, 0]
    assert data.photo("0001").shape == (*SIZE, 3)


def test_a_label_without_name_is_refused(clothes):
    path = clothes / "annotations" / "pixel-level" / "0001.mat"
    savemat(path, {"groundtruth": EMPTY + np.uint8(9)})
    with refuses(ValueError, "0001.mat has the label 9"):
        load_dataset("clothing-co-parsing", clothes)


def test_clothes_of_another_size_are_named(clothes):
    photo(clothes / "photos" / "0001.jpg", (8, 8))
    with refuses(ValueError, "8 x 8 pixels but its mask 6 x 4"):
        load_dataset("clothing-co-parsing", clothes)


# -- all of them ---------------------------------------------------------------------------------


@pytest.fixture
def every(tmp_path):
    """One folder for each dataset."""
    roots = {name: tmp_path / name for name in DATASETS}
    for name, (photos, masks) in {
        "folder": ("images", "masks"),
        "grabcut": ("data_GT", "boundary_GT"),
        "duts": ("DUTS-TR-Image", "DUTS-TR-Mask"),
    }.items():
        photo(roots[name] / photos / "a.jpg")
        write(roots[name] / masks / "a.png", MASK)
    berkeley(roots["berkeley"], ["1"], ["1#0"])
    davis(roots["davis"], {"s": [MASK] * 20}, {"2016/trainval": ["s"]})
    roots["coco"].mkdir()
    coco(roots["coco"], [annotation(7, 1, [ROW])])
    pascal(roots["voc"])
    sbd(roots["sbd"])
    bsds(roots["bsds500"], {"val/3096": [HALVES]})
    return roots


@pytest.fixture
def all_of_them(every, clothes):
    return every | {"clothing-co-parsing": clothes}


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_survives_pickling(all_of_them, name):
    data = load_dataset(name, all_of_them[name])
    copy = pickle.loads(pickle.dumps(data))
    assert (copy.ids, copy.name, copy.root) == (data.ids, data.name, data.root)
    assert (copy[0].truth == data[0].truth).all()


@pytest.mark.parametrize("name", DATASETS)
def test_examples_are_what_they_promise(all_of_them, name):
    data = load_dataset(name, all_of_them[name])
    assert len(data.ids) == len(set(data.ids)) == len(data)
    assert name in repr(data)
    for example in data:
        assert example.image.dtype == np.uint8
        assert example.image.shape == (*SIZE, 3)
        assert example.truth.dtype == bool
        assert example.truth.shape == SIZE
        assert example.truth.any()
        assert not set(example.id) & set('/\\:*?"<>| ')
        with pytest.raises(dataclasses.FrozenInstanceError):
            example.id = "other"


MASK_OF_THE_FIRST = {
    "grabcut": "boundary_GT/a.png",
    "berkeley": "masks/1#0.png",
    "davis": "Annotations/480p/s/{}.png",
    "voc": "SegmentationObject/2007_000033.png",
    "sbd": "inst/2008_000002.mat",
    "bsds500": "groundTruth/val/3096.mat",
    "duts": "DUTS-TR-Mask/a.png",
    "clothing-co-parsing": "annotations/pixel-level/0001.mat",
    "folder": "masks/a.png",
}


def appended(path):
    path.write_bytes(path.read_bytes() + b"!")


@pytest.mark.parametrize("name", DATASETS)
def test_a_fingerprint_knows_photo_and_mask_and_no_folder(all_of_them, name, tmp_path):
    root = all_of_them[name]
    copy = shutil.copytree(root, tmp_path / "a copy")
    data = load_dataset(name, root)
    first = data.fingerprint(0)
    assert first == load_dataset(name, copy).fingerprint(0)
    assert len({data.fingerprint(place) for place in range(len(data))}) == len(data)
    entry = data._entries[0]
    appended(root / entry.photo)
    second = data.fingerprint(0)
    assert second != first
    if name == "coco":  # its masks lie in the annotations, which are read once
        coco(tmp_path / "other", [annotation(7, 1, [[0, 0, 2, 0, 2, 2, 0, 2]])])
        assert load_dataset(name, tmp_path / "other").fingerprint(0) != first
    else:
        appended(root / MASK_OF_THE_FIRST[name].format(entry.id.removeprefix("s-")))
        assert data.fingerprint(0) not in (first, second)


def test_a_fingerprint_of_a_lost_file_is_one_of_its_own(folder):
    data = load_dataset("folder", folder)
    before = data.fingerprint(0)
    (folder / "masks" / f"{data.ids[0]}.png").unlink()
    assert data.fingerprint(0) != before


def test_a_subset_has_the_fingerprints_of_its_dataset(folder):
    data = load_dataset("folder", folder)
    assert Subset(data, [1]).fingerprint(0) == data.fingerprint(1)


@pytest.mark.parametrize("name", DATASETS)
def test_opening_reads_no_photo(all_of_them, name, monkeypatch):
    monkeypatch.setattr(photo_files, "read_photo", lambda *_, **__: pytest.fail("a photo was read"))
    assert len(load_dataset(name, all_of_them[name]))


@pytest.mark.parametrize("name", DATASETS)
def test_a_missing_folder_is_named_with_a_way_to_get_it(tmp_path, name):
    way = "your own photos" if name == "folder" else f"fetch {name} "
    with refuses(FileNotFoundError, "There is no folder", "gone", way):
        load_dataset(name, tmp_path / "gone")


@pytest.mark.parametrize("name", DATASETS)
def test_another_layout_is_told_what_was_expected(tmp_path, name):
    with refuses(FileNotFoundError, "is not laid out as", DATASETS[name].layout):
        load_dataset(name, tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_has_a_card(name):
    info = DATASETS[name]
    assert info.name == name
    assert info.title and info.layout and info.terms
    assert name == "folder" or (info.home.startswith("http") and info.paper and info.archives)


@pytest.mark.parametrize("name", DATASETS)
def test_an_unknown_split_lists_those_there_are(all_of_them, name):
    splits = DATASETS[name].splits
    with refuses(ValueError, "'nonsense'", *(splits[:1] or ["no splits"])):
        load_dataset(name, all_of_them[name], split="nonsense")


def test_an_unknown_dataset_lists_those_there_are():
    with refuses(ValueError, "grabcut", "folder", "no 'imagenet'"):
        load_dataset("imagenet", ".")


def test_an_unknown_option_lists_those_there_are(every):
    with refuses(TypeError, "davis has no option 'shape'", "resolution, share"):
        load_dataset("davis", every["davis"], shape=1)
    with refuses(TypeError, "grabcut has no option 'share'; it has no options"):
        load_dataset("grabcut", every["grabcut"], share=1)


# -- a dataset of one's own ------------------------------------------------------------------------


def scans(root, split=None):
    base = locate("scans", root, ("scans", "outlines"))
    return PairDataset("scans", root, base, "scans", f"outlines/{split or 'hand'}", read_half)


@pytest.fixture
def registered():
    with patch.dict(DATASETS), patch.dict(LAYOUTS):
        layout = "scans and outlines/<who>"
        yield register_dataset("scans", scans, layout=layout, splits=("hand", "robot"))


@pytest.fixture
def scanned(tmp_path):
    photo(tmp_path / "scans" / "a.png")
    for who in ("hand", "robot"):
        write(tmp_path / "outlines" / who / "a.png", 255 * TOP.astype(np.uint8))
    return tmp_path


def test_a_registered_dataset_opens_by_name(registered, scanned):
    data = pickle.loads(pickle.dumps(load_dataset("scans", scanned)))
    assert (data.name, data.ids, registered.title) == ("scans", ("a",), "scans")
    assert np.array_equal(data[0].truth, TOP)
    assert load_dataset("scans", scanned, split="robot").ids == ("a",)


def test_a_registered_dataset_is_evaluated_by_name(registered, scanned, tmp_path):
    out = tmp_path / "results.json"
    command = ["evaluate", "--dataset", "scans", "--root", str(scanned), "--out", str(out)]
    command += ["--method", "growcut", "--max-clicks", "1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    results = read_results(out)
    assert results.dataset == "scans"
    assert list(results.methods["growcut"].samples) == ["a"]


def test_a_registered_dataset_says_what_it_expects(registered, tmp_path):
    with refuses(FileNotFoundError, "is not laid out as scans", "outlines/<who>"):
        load_dataset("scans", tmp_path)
    with refuses(ValueError, "scans", "'imagenet'"):
        load_dataset("imagenet", tmp_path)


def test_a_name_belongs_to_one_dataset(registered):
    assert register_dataset("scans", scans) is DATASETS["scans"]  # the same reader again
    with refuses(ValueError, "already a dataset named 'scans'"):
        register_dataset("scans", lambda root: scans(root))
    with refuses(ValueError, "already a dataset named 'grabcut'"):
        register_dataset("grabcut", scans)


def test_a_notebook_may_define_its_reader_again(registered):
    def first(root):
        return scans(root)

    first.__module__ = "__main__"
    register_dataset("cells", first)
    register_dataset("cells", scans)
    assert LAYOUTS["cells"] is scans


def test_the_home_folder_may_be_abbreviated(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(load_dataset("folder", f"~/{folder.name}")) == 2


@given(st.lists(st.integers(0, 255), min_size=1, max_size=30), st.booleans())
@settings(max_examples=60)
def test_no_pixel_is_both_object_and_ignored(values, band):
    from tutorial_lib.data.mask_values import MaskError, trimap

    grey = np.array([[0, 0, *values, 255, 255] + [128] * (70 * band) + [0, 0]] * 4, np.uint8)
    try:
        truth, ignore = trimap(grey)
    except MaskError:
        return
    assert truth[:, -3 - 70 * band].all()
    assert not truth[:, 0].any()
    if band:
        assert not (truth & ignore).any()
        assert ignore[:, -72:-2].all()
