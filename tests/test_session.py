import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco
from pycocotools.coco import COCO

from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib.click_log import read_log
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data.datasets import load_dataset
from tutorial_lib.exports import coco_annotation
from tutorial_lib.metrics import iou
from tutorial_lib.registry import get_segmenter
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.working_photo import fingerprint, sketch

# pycocotools itself, when it decodes
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")

PHOTO, TRUTH, CLICKS = easy_scene()
ON, OFF = CLICKS


@pytest.fixture
def session():
    return Session(PHOTO)


def play(session, clicks=CLICKS):
    for click in clicks:
        session.click(click.row, click.col, click.positive)
    return session


# -- clicks ------------------------------------------------------------------------------------


def test_a_click_is_answered(session):
    play(session)
    method = get_segmenter("graph-cut")
    expected = method.segment(method.prepare(PHOTO), CLICKS)
    assert session.clicks == CLICKS
    assert np.array_equal(session.mask, expected.mask)
    assert np.array_equal(session.result.probability, expected.probability)


def test_before_the_first_answer_the_mask_is_empty(session):
    assert session.result is None
    assert session.mask.shape == (48, 64)
    assert not session.mask.any()


def test_adding_does_not_answer(session):
    session.add(ON)
    assert session.clicks == Clicks([ON])
    assert session.result is None


def test_undo_and_redo_of_a_click(session):
    play(session)
    session.undo()
    assert session.clicks == Clicks([ON])
    session.redo()
    assert session.clicks == CLICKS


def test_clear_can_be_undone(session):
    play(session)
    session.clear()
    assert len(session.clicks) == 0
    session.undo()
    assert session.clicks == CLICKS


def test_clearing_nothing_is_no_change(session):
    session.clear()
    assert not session.can_undo


def test_replace_can_be_undone(session):
    play(session)
    session.replace(Clicks([OFF]))
    assert session.clicks == Clicks([OFF])
    session.undo()
    assert session.clicks == CLICKS


def test_a_new_click_forgets_what_was_undone(session):
    play(session)
    session.undo()
    assert session.can_redo
    session.add(Click(1, 1))
    assert not session.can_redo
    session.redo()
    assert session.clicks == Clicks([ON, Click(1, 1)])


def test_undo_and_redo_of_nothing_do_nothing(session):
    session.undo()
    session.redo()
    assert (len(session.clicks), session.can_undo, session.can_redo) == (0, False, False)


@pytest.mark.parametrize("change", ["click", "replace"])
def test_a_click_outside_changes_nothing(session, change):
    play(session)
    with pytest.raises(ValueError, match="lies outside"):
        session.click(48, 0) if change == "click" else session.replace(Clicks([Click(0, 64)]))
    assert session.clicks == CLICKS
    assert len(session.history) == 2


ACTIONS = st.one_of(
    st.builds(Click, st.integers(0, 47), st.integers(0, 63), st.booleans()),
    st.sampled_from(["undo", "redo", "clear"]),
)


@given(st.lists(ACTIONS, max_size=20))
def test_undoing_everything_and_redoing_it_comes_back(actions):
    session = Session(PHOTO)
    for action in actions:
        session.add(action) if isinstance(action, Click) else getattr(session, action)()
    last = session.clicks
    while session.can_redo:
        session.redo()
    final = session.clicks
    while session.can_undo:
        session.undo()
    assert session.clicks == Clicks()
    seen = [session.clicks]
    while session.can_redo:
        session.redo()
        seen.append(session.clicks)
    assert session.clicks == final
    assert last in seen


# -- answers -----------------------------------------------------------------------------------


def test_the_answer_is_stale_until_refreshed(session):
    assert session.stale
    session.add(ON)
    assert session.stale
    session.refresh()
    assert not session.stale
    session.undo()
    assert session.stale


def test_refreshing_twice_asks_once(session):
    play(session)
    assert session.refresh() is session.refresh()
    assert len(session.history) == 2


def test_undo_gives_the_mask_of_fewer_clicks(session):
    play(session)
    session.undo()
    session.refresh()
    assert np.array_equal(session.mask, Clicks([ON]).discs(PHOTO.shape)[0])


class Forward:
    """Notes what it is told to look ahead from."""

    def __init__(self):
        self.ahead = []

    def prepare(self, image):
        return image

    def segment(self, image, clicks):
        return Segmentation(np.zeros(image.shape[:2], np.float32))

    def look_ahead(self, image, clicks):
        self.ahead.append((image.shape, clicks))


def test_looking_ahead_is_for_methods_that_know_how_to(session):
    session.look_ahead()
    assert (session.stale, session.history) == (True, [])
    image, method = easy_scene()[0], Forward()
    looking = Session(image, method)
    looking.click(3, 4)
    answer = looking.result
    looking.look_ahead()
    assert method.ahead == [(image.shape, Clicks([Click(3, 4)]))]
    assert looking.result is answer
    assert len(looking.history) == 1


def test_catching_up_answers_the_latest_clicks(session):
    session.add(ON)
    session.add(OFF)
    session.catch_up()
    assert not session.stale
    assert session.history[-1].clicks == CLICKS


def test_the_image_is_prepared_once_a_method(session, monkeypatch):
    prepared = []
    segmenter, _ = session._prepared[session._key]
    prepare = segmenter.prepare
    monkeypatch.setattr(segmenter, "prepare", lambda image: prepared.append(1) or prepare(image))
    session.prepare()
    play(session)
    assert len(prepared) == 1


def test_history_keeps_every_answer(session):
    play(session)
    first, second = session.history
    assert (first.clicks, second.clicks) == (Clicks([ON]), CLICKS)
    assert first.method == second.method == "graph-cut"
    assert np.array_equal(first.mask, Clicks([ON]).discs(PHOTO.shape)[0])
    assert np.array_equal(second.mask, session.mask)


def test_history_keeps_how_long_each_answer_took(session, monkeypatch):
    segmenter, _ = session._prepare(session._key)
    segment = segmenter.segment
    monkeypatch.setattr(segmenter, "segment", lambda *asked: time.sleep(0.05) or segment(*asked))
    play(session)
    assert all(50 <= step.milliseconds < 5000 for step in session.history)


def test_a_rehearsal_takes_time_and_leaves_no_trace(session):
    session.add(ON)
    assert session.rehearse() > 0
    assert session.clicks == Clicks([ON])
    assert session.result is None
    assert session.history == []


def test_a_photo_of_one_pixel_can_be_rehearsed():
    assert Session(PHOTO[:1, :1], "growcut").rehearse() > 0


def test_a_known_mask_measures_every_answer():
    session = play(Session(PHOTO, truth=TRUTH))
    assert session.iou == session.history[1].iou == iou(session.mask, TRUTH) > 0.9
    assert session.history[0].iou == iou(session.history[0].mask, TRUTH) < 0.5


def test_ignored_pixels_do_not_count():
    session = play(Session(PHOTO, truth=~TRUTH, ignore=TRUTH), [ON])
    assert session.iou == 0
    assert play(Session(PHOTO, truth=~TRUTH, ignore=~TRUTH), [ON]).iou == 0


def test_without_a_known_mask_there_is_no_iou(session):
    play(session)
    assert session.iou is None
    assert session.history[-1].iou is None


@pytest.mark.parametrize("known", ["truth", "ignore"])
def test_a_known_mask_of_another_shape_is_refused(known):
    with pytest.raises(ValueError, match=r"shape \(2, 2\), but the image has shape \(48, 64\)"):
        Session(PHOTO, **{known: np.zeros((2, 2), bool)})


# -- methods -----------------------------------------------------------------------------------


def test_another_method_answers_the_same_clicks(session):
    play(session)
    session.use("grabcut", iterations=1)
    assert session.stale
    session.refresh()
    assert (session.method, session.options) == ("grabcut", {"iterations": 1})
    assert session.history[-1].method == "grabcut"
    assert iou(session.mask, TRUTH) > 0.9


def test_other_options_are_another_method(session):
    play(session)
    session.use("graph-cut", lam=0.0)
    assert session.stale


@pytest.mark.parametrize(
    ("method", "options"), [("magic", {}), ("graph-cut", {"magic": 1}), ("graph-cut", {"lam": -1})]
)
def test_a_bad_method_keeps_the_old_one(session, method, options):
    play(session)
    with pytest.raises(ValueError):
        session.use(method, **options)
    assert (session.method, session.options, session.stale) == ("graph-cut", {}, False)


# -- logs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options"),
    [("graph-cut", {}), ("graph-cut", {"lam": 0.5}), ("grabcut", {"seed": np.int64(3)})],
)
def test_a_replayed_log_gives_the_same_masks(method, options):
    session = play(Session(PHOTO, method, **options), [*CLICKS, Click(40, 50, False)])
    again = Session.replay(PHOTO, json.loads(json.dumps(session.log())))
    assert (again.method, again.options) == (method, options)
    assert [step.clicks for step in again.history] == [step.clicks for step in session.history]
    for mine, theirs in zip(session.history, again.history, strict=True):
        assert np.array_equal(mine.mask, theirs.mask)


def test_what_a_log_says(session):
    play(session)
    log = session.log()
    assert len(log.pop("seconds")) == 2
    assert log == {
        "schema": 1,
        "name": "photo",
        "image": {
            "sha256": fingerprint(PHOTO),
            "shape": [48, 64, 3],
            "original_shape": [48, 64, 3],
            "sketch": sketch(PHOTO),
        },
        "method": "graph-cut",
        "options": {},
        "clicks": [[24, 32, True], [6, 6, False]],
    }


def test_a_click_remembers_when_it_was_made(session, monkeypatch):
    moments = iter([103.0, 104.5, 109.0])
    monkeypatch.setattr(session, "_began", 100.0)
    monkeypatch.setattr("tutorial_lib.session.time.monotonic", lambda: next(moments))
    session.add(CLICKS[0])
    session.add(CLICKS[1])
    assert session.seconds == [3.0, 4.5]
    session.undo()
    session.redo()
    assert session.seconds == [3.0, 4.5]
    session.undo()
    session.add(Click(2, 2, False))
    assert session.seconds == [3.0, 9.0]


def test_clicks_that_came_all_at_once_have_no_moment(session):
    session.replace(CLICKS)
    assert session.seconds == [None, None]


def test_a_click_outside_is_not_remembered(session):
    with pytest.raises(ValueError, match="outside"):
        session.add(Click(1000, 0))
    assert session.seconds == []


def test_a_log_of_another_photo_is_refused(session):
    with pytest.raises(ValueError, match="belongs to another photo") as caught:
        Session.replay(255 - PHOTO, play(session).log())
    assert one_sentence(caught.value)


def test_a_fingerprint_knows_the_shape():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert fingerprint(image) != fingerprint(image.reshape(4, 2, 3))


GOOD = Session(PHOTO).log()


@pytest.mark.parametrize(
    "log",
    [
        {},
        {**GOOD, "schema": 2},
        {**GOOD, "image": "photo"},
        {**GOOD, "image": {}},
        {**GOOD, "method": ["graph-cut"]},
        {**GOOD, "method": "magic"},
        {**GOOD, "options": []},
        {**GOOD, "options": {"magic": 1}},
        {**GOOD, "clicks": 5},
        {**GOOD, "clicks": [[1, 2]]},
        {**GOOD, "clicks": [[999, 2, True]]},
        {key: value for key, value in GOOD.items() if key != "clicks"},
    ],
    ids=str,
)
def test_bad_logs_are_refused_in_one_sentence(log):
    with pytest.raises(ValueError) as caught:
        Session.replay(PHOTO, log)
    assert one_sentence(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null"])
def test_files_that_are_no_log_are_refused(tmp_path, text):
    path = tmp_path / "log.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        Session.replay(PHOTO, path)


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.json' cannot be read"):
        Session.replay(PHOTO, tmp_path / "gone.json")


# -- export ------------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path):
    session = play(Session(PHOTO, name="disc"))
    paths = session.export(tmp_path / "new" / "folder")
    return session, {path.name: path for path in paths}


def test_export_writes_four_files(exported):
    _, files = exported
    assert list(files) == [
        "disc-mask.png",
        "disc-cutout.png",
        "disc-coco.json",
        "disc-clicks.json",
    ]
    assert all(path.is_file() for path in files.values())


def test_the_exported_mask(exported):
    session, files = exported
    with Image.open(files["disc-mask.png"]) as picture:
        assert (picture.mode, picture.size) == ("L", (64, 48))
        assert np.array_equal(np.asarray(picture), session.mask * np.uint8(255))


def test_the_exported_cutout(exported):
    session, files = exported
    with Image.open(files["disc-cutout.png"]) as picture:
        assert picture.mode == "RGBA"
        pixels = np.asarray(picture)
    assert np.array_equal(pixels[..., 3], session.mask * np.uint8(255))
    assert np.array_equal(pixels[..., :3], PHOTO)


def opened(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_opens_the_exported_dataset(exported):
    session, files = exported
    dataset = opened(files["disc-coco.json"])
    (annotation,) = dataset.loadAnns(dataset.getAnnIds())
    (image,) = dataset.loadImgs(dataset.getImgIds())
    assert (image["width"], image["height"], image["file_name"]) == (64, 48, "disc.png")
    assert [category["name"] for category in dataset.loadCats(dataset.getCatIds())] == ["object"]
    assert np.array_equal(dataset.annToMask(annotation), session.mask)


def test_our_own_reader_opens_the_exported_dataset(exported, tmp_path):
    session, files = exported
    for folder in ("annotations", "images"):
        (tmp_path / folder).mkdir()
    Image.fromarray(PHOTO).save(tmp_path / "images" / "disc.png")
    files["disc-coco.json"].rename(tmp_path / "annotations" / "instances_own.json")
    (example,) = load_dataset("coco", tmp_path)
    assert np.array_equal(example.image, PHOTO)
    assert np.array_equal(example.truth, session.mask)


def test_the_dataset_names_the_file_that_was_opened(tmp_path):
    Image.fromarray(PHOTO).save(tmp_path / "my cat.png")
    session = play(Session(tmp_path / "my cat.png"))
    content = json.loads(session.export(tmp_path)[2].read_text())
    assert content["images"][0]["file_name"] == "my cat.png"


def test_the_exported_log_replays(exported):
    session, files = exported
    assert np.array_equal(Session.replay(PHOTO, files["disc-clicks.json"]).mask, session.mask)


def test_export_answers_what_is_stale(tmp_path):
    session = Session(PHOTO)
    session.replace(CLICKS)
    mask, *_ = session.export(tmp_path)
    with Image.open(mask) as picture:
        assert np.asarray(picture).any()


def test_an_empty_mask_has_no_annotation(tmp_path):
    dataset = opened(Session(PHOTO).export(tmp_path)[2])
    assert (len(dataset.getImgIds()), dataset.getAnnIds()) == (1, [])


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("class 3/cat", "class 3-cat"),
        ("../escaped", "escaped"),
        ("..\\escaped", "escaped"),
        ("a\0b", "ab"),
        ("", "photo"),
        ("nul", "_nul"),
        ("x" * 300, "x" * 120),
        (7, "7"),
    ],
)
def test_no_name_leaves_the_folder_or_ends_in_a_traceback(tmp_path, name, stem):
    written = play(Session(PHOTO, name=name)).export(tmp_path / "exports")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exports"]
    assert [path.name for path in written] == [
        f"{stem}-{ending}" for ending in ("mask.png", "cutout.png", "coco.json", "clicks.json")
    ]
    assert Session.replay(PHOTO, written[3]).name == str(name)


def test_a_folder_that_is_none_is_named_in_a_sentence(tmp_path):
    (tmp_path / "exports").write_text("in the way")
    with pytest.raises(OSError, match="choose another folder") as caught:
        play(Session(PHOTO)).export(tmp_path / "exports")
    assert one_sentence(caught.value)


def test_an_export_that_fails_keeps_the_one_before(tmp_path, monkeypatch):
    session = play(Session(PHOTO))
    before = {path: path.read_bytes() for path in session.export(tmp_path)}

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    session.click(1, 1, positive=False)
    with pytest.raises(OSError, match="No space left"):
        session.export(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


# -- COCO --------------------------------------------------------------------------------------


def segmentation_of(annotation, shape):
    """Return what COCO's own tools make of a segmentation: a mask, and its area and box."""
    parts = annotation["segmentation"]
    rle = coco.frPyObjects(parts, *shape)
    rle = coco.merge(rle) if isinstance(parts, list) else rle
    return coco.decode(rle).astype(bool), int(coco.area(rle)), coco.toBbox(rle).tolist()


def agrees(mask):
    annotation = coco_annotation(mask)
    found, area, box = segmentation_of(annotation, mask.shape)
    assert np.array_equal(found, mask)
    assert (annotation["area"], annotation["bbox"]) == (area, box)
    return annotation


def test_a_square_in_coco():
    mask = np.zeros((5, 6), bool)
    mask[1:3, 2:5] = True
    annotation = agrees(mask)
    assert annotation["area"] == 6
    assert annotation["bbox"] == [2, 1, 3, 2]
    (polygon,) = annotation["segmentation"]
    corners = {tuple(xy) for xy in np.reshape(polygon, (-1, 2)).tolist()}
    assert corners >= {(2, 1), (5, 1), (5, 3), (2, 3)}
    assert np.reshape(polygon, (-1, 2)).min(axis=0).tolist() == [2, 1]
    assert np.reshape(polygon, (-1, 2)).max(axis=0).tolist() == [5, 3]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (4, 7)])
def test_a_full_mask_in_coco(shape):
    assert isinstance(agrees(np.ones(shape, bool))["segmentation"], list)


def test_a_ring_keeps_its_hole():
    ring = disc_mask((30, 30), 15, 15, 12) & ~disc_mask((30, 30), 15, 15, 5)
    assert agrees(ring)["segmentation"]["size"] == [30, 30]


SMALL = st.lists(st.booleans(), min_size=30, max_size=30).map(lambda b: np.reshape(b, (5, 6)))


@given(SMALL.filter(np.any))
def test_the_fields_of_a_record_agree(mask):
    agrees(mask)


def test_the_fields_of_a_wild_mask_agree():
    mask = np.random.default_rng(0).random((150, 200)) < 0.5
    assert isinstance(agrees(mask)["segmentation"], dict)


# -- autosave ----------------------------------------------------------------------------------


def test_autosave_lies_in_the_users_folder(home):
    play(Session(PHOTO, autosave=True))
    (path,) = (home / "autosave").iterdir()
    assert path.name == f"{fingerprint(PHOTO)[:16]}.json"
    assert Session(PHOTO, autosave=True).saved() == CLICKS


def test_autosave_is_written_after_each_change(tmp_path):
    path = tmp_path / "log.json"
    session = Session(PHOTO, autosave=path)

    def kept():
        return Clicks.from_list(read_log(path)["clicks"])

    session.add(ON)
    assert kept() == Clicks([ON])
    session.add(OFF)
    assert kept() == CLICKS
    session.undo()
    assert kept() == Clicks([ON])
    session.undo()
    assert kept() == Clicks()
    session.redo()
    assert kept() == Clicks([ON])
    session.replace(CLICKS)
    assert kept() == CLICKS
    session.clear()
    assert kept() == Clicks()


def test_autosave_knows_the_method(tmp_path):
    path = tmp_path / "log.json"
    session = play(Session(PHOTO, autosave=path))
    session.use("grabcut", iterations=2)
    again = Session.replay(PHOTO, path)
    assert (again.method, again.options) == ("grabcut", {"iterations": 2})


def test_opening_a_photo_does_not_touch_its_autosave(tmp_path):
    path = tmp_path / "log.json"
    play(Session(PHOTO, autosave=path))
    before = path.read_bytes()
    Session(PHOTO, "grabcut", autosave=path)
    assert path.read_bytes() == before


def test_autosave_leaves_no_draft_behind(tmp_path):
    play(Session(PHOTO, autosave=tmp_path / "log.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["log.json"]


def test_a_save_cut_short_costs_the_click_it_was_about(tmp_path):
    path = tmp_path / "log.json"
    session = play(Session(PHOTO, autosave=path))
    session.add(Click(1, 1))
    path.write_bytes(path.read_bytes()[:-20])
    assert Session(PHOTO, autosave=path).saved() == CLICKS
    play(Session(PHOTO, autosave=path), [*CLICKS, Click(2, 2), Click(3, 3)])
    assert len(Session(PHOTO, autosave=path).saved()) == 4


def test_a_damaged_line_costs_its_own_clicks(tmp_path):
    path = tmp_path / "log.json"
    session = play(Session(PHOTO, autosave=path))
    session.add(Click(1, 1))
    session.add(Click(2, 2))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"\xff" + lines[2], *lines[3:]]))
    assert Session(PHOTO, autosave=path).saved() == Clicks([*CLICKS, Click(2, 2)])


def test_what_was_saved_is_never_written_over(tmp_path):
    path = tmp_path / "log.json"
    session = play(Session(PHOTO, autosave=path))
    before = path.read_bytes()
    session.add(Click(1, 1))
    session.clear()
    assert path.read_bytes().startswith(before)


def test_a_click_takes_as_many_bytes_after_many_as_after_few(tmp_path):
    path = tmp_path / "log.json"
    session, sizes = Session(PHOTO, autosave=path), []
    for _ in range(300):
        session.add(Click(10, 10))
        sizes.append(path.stat().st_size)
    steps = np.diff(sizes)
    assert steps.max() <= steps[0] + 8


def test_saving_a_thousand_clicks_is_quick(tmp_path):
    session = Session(PHOTO, autosave=tmp_path / "log.json")
    began = time.perf_counter()
    for number in range(1000):
        session.add(Click(number % 48, number % 64))
    assert time.perf_counter() - began < 10
    assert len(Session(PHOTO, autosave=tmp_path / "log.json").saved()) == 1000


def test_a_click_in_a_second_session_does_not_replace_those_of_the_first(home):
    many = Clicks([*CLICKS, *(Click(row, 1, False) for row in range(8))])
    first, second = Session(PHOTO, autosave=True), Session(PHOTO, autosave=True)
    for click in many:
        first.add(click)
    second.add(ON)
    third = Session(PHOTO, autosave=True)
    assert third.saved() == many
    third.restore()
    assert third.clicks == many
    assert third.saved() == Clicks([ON])
    third.restore()
    assert third.clicks == Clicks([ON])


def test_what_was_restored_is_offered_once(home):
    play(Session(PHOTO, autosave=True))
    again = Session(PHOTO, autosave=True)
    again.restore()
    again.undo()
    again.add(OFF)
    assert Session(PHOTO, autosave=True).saved() == Clicks([OFF])


def test_an_autosave_of_the_first_version_is_restored(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(play(Session(PHOTO)).log()))
    session = Session(PHOTO, autosave=path)
    session.restore()
    session.add(Click(1, 1))
    assert Session(PHOTO, autosave=path).saved() == Clicks([*CLICKS, Click(1, 1)])


def test_a_click_log_is_a_good_autosave_too(tmp_path):
    path = play(Session(PHOTO)).export(tmp_path)[3]
    session = Session(PHOTO, autosave=path)
    assert session.saved() == CLICKS
    session.restore()
    session.add(Click(1, 1))
    assert len(Session(PHOTO, autosave=path).saved()) == 3


def test_a_full_disk_stops_autosave_and_keeps_what_was_saved(tmp_path):
    path = tmp_path / "log.json"
    play(Session(PHOTO, autosave=path))
    code = (
        "import sys, resource, numpy as np; from tutorial_lib.session import Session; "
        "session = Session(np.load(sys.argv[1]), autosave=sys.argv[2]); "
        "size = int(sys.argv[3]); resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); "
        "session.click(1, 1); print(len(session.clicks))"
    )
    np.save(tmp_path / "photo.npy", PHOTO)
    before = path.read_bytes()
    limit = str(len(before) + 100)
    command = [sys.executable, "-B", "-c", code, str(tmp_path / "photo.npy"), str(path), limit]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert "not autosaved any more" in done.stderr
    assert path.read_bytes().startswith(before)
    assert Session(PHOTO, autosave=path).saved() == CLICKS


def test_without_autosave_nothing_is_written(home, session):
    play(session)
    assert list(home.iterdir()) == []
    assert session.saved() is None


CLICK_AND_WAIT = """
import sys, time
import numpy as np
from tutorial_lib.session import Session
session = Session(np.load(sys.argv[1]), autosave=True)
for row in range(3):
    session.click(row, 5, row % 2 == 0)
print("clicked", flush=True)
time.sleep(60)
"""


def test_autosave_survives_a_killed_process(tmp_path):
    np.save(tmp_path / "photo.npy", PHOTO)
    command = [sys.executable, "-c", CLICK_AND_WAIT, str(tmp_path / "photo.npy")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "clicked\n"
        finally:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    expected = Clicks([Click(0, 5), Click(1, 5, False), Click(2, 5)])
    assert Session(PHOTO, autosave=True).saved() == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"[1, 2]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":\n' * 100_000,
        b'{"schema": 1, "clicks": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        json.dumps({**GOOD, "image": "photo"}).encode(),
        json.dumps({**GOOD, "image": None}).encode(),
        json.dumps({**GOOD, "clicks": 5}).encode(),
        json.dumps({**GOOD, "clicks": [[1]]}).encode(),
        json.dumps({**GOOD, "clicks": [[999, 1, True]]}).encode(),
        json.dumps({**GOOD, "method": {}}).encode(),
    ],
)
def test_an_unreadable_autosave_counts_as_none(tmp_path, content):
    path = tmp_path / "log.json"
    path.write_bytes(content)
    session = Session(PHOTO, autosave=path)
    assert session.saved() is None
    play(session)
    assert Session(PHOTO, autosave=path).saved() == CLICKS


def test_an_autosave_of_another_photo_counts_as_none(tmp_path):
    path = tmp_path / "log.json"
    play(Session(255 - PHOTO, autosave=path))
    assert Session(PHOTO, autosave=path).saved() is None


def test_an_autosave_without_clicks_counts_as_none(tmp_path):
    path = tmp_path / "log.json"
    session = play(Session(PHOTO, autosave=path))
    session.clear()
    assert Session(PHOTO, autosave=path).saved() is None


def test_saved_clicks_stay_known_while_new_ones_are_made(tmp_path):
    path = tmp_path / "log.json"
    play(Session(PHOTO, autosave=path))
    session = Session(PHOTO, autosave=path)
    session.click(1, 1)
    assert session.saved() == CLICKS


def test_a_folder_that_cannot_be_written_stops_autosave_not_work(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    session = Session(PHOTO, autosave=blocked / "log.json")
    with pytest.warns(RuntimeWarning, match="not autosaved any more"):
        session.click(ON.row, ON.col)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.click(OFF.row, OFF.col, positive=False)
    assert session.clicks == CLICKS
    assert not session.stale
