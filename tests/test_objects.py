"""Several objects on one photo: each has its own clicks, undo, method and name."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from tests.support import disc_mask, easy_scene, one_sentence
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.session import Session

PHOTO, TRUTH, _ = easy_scene()
LEFT = disc_mask((48, 64), 24, 26, 8)
BAND = np.zeros((48, 64), dtype=bool)
BAND[20:28, 20:60] = True


def two(**settings):
    session = Session(PHOTO, **settings)
    session.rename_object("object", "left")
    session.start_from(LEFT)
    session.next_object("band")
    session.use("growcut")
    session.start_from(BAND)
    return session


def test_each_object_keeps_its_clicks_undo_method_and_answers():
    session = two()
    session.click(24, 50)
    assert [(each.name, each.method, len(each.clicks)) for each in session.objects] == [
        ("left", "graph-cut", 0),
        ("band", "growcut", 1),
    ]
    session.go_to("left")
    assert (session.method, session.object_name) == ("graph-cut", "left")
    assert not session.stale and np.array_equal(session.mask, LEFT) and len(session.history) == 1
    session.undo()
    assert session.clicks == Clicks() and not session.can_undo
    session.go_to("band")
    assert session.clicks.items == (Click(24, 50),) and session.can_undo
    session.next_object()
    session.next_object()
    assert session.object_names == ["left", "band", "object", "object 2"]


def test_the_object_that_was_begun_last_wins_where_objects_overlap(tmp_path):
    session = two(name="photo")
    session.show_object("left", visible=False)
    session.go_to("left")
    written = {path.name: path for path in session.export(tmp_path)}
    assert list(written) == [
        "photo-1-left-mask.png",
        "photo-2-band-mask.png",
        "photo-labels.png",
        "photo-cutout.png",
        "photo-coco.json",
        "photo-clicks.json",
    ]
    masks = [np.asarray(Image.open(path)) == 255 for path in list(written.values())[:2]]
    assert np.array_equal(masks[0], LEFT & ~BAND) and np.array_equal(masks[1], BAND)
    labels = np.asarray(Image.open(written["photo-labels.png"]))
    assert np.array_equal(labels, masks[0] + 2 * masks[1])
    dataset = COCO(written["photo-coco.json"])
    assert [each["name"] for each in dataset.loadCats([1, 2])] == ["left", "band"]
    for number, mask in enumerate(masks, start=1):
        assert np.array_equal(dataset.annToMask(dataset.anns[number]), mask)


@pytest.mark.parametrize("current", ["left", "band"])
def test_objects_are_logged_replayed_autosaved_and_restored(tmp_path, current):
    file = tmp_path / "saved.json"
    session = two(autosave=file)
    session.click(24, 50)
    session.show_object("left", visible=False)
    session.go_to(current)
    again = Session.replay(PHOTO, json.loads(json.dumps(session.log())))
    restored = Session(PHOTO, autosave=file)
    assert restored.saved() is not None
    restored.restore()
    for other in (again, restored):
        assert other.object_name == current
        assert [(o.name, o.visible, o.clicks, o.method) for o in other.objects] == [
            (o.name, o.visible, o.clicks, o.method) for o in session.objects
        ]
        for name, mask in session.settled_masks().items():
            assert np.array_equal(other.settled_masks()[name], mask)


def test_a_deleted_object_comes_back():
    session = two()
    session.delete_object("band")
    assert (session.object_names, session.object_name) == (["left"], "left")
    session.undelete_object()
    assert (session.object_names, session.object_name) == (["left", "band"], "band")
    assert np.array_equal(session.mask, BAND)
    session.delete_object("left")
    assert session.object_names == ["band"] and np.array_equal(session.mask, BAND)


def test_one_object_is_logged_as_before():
    assert not {"objects", "object"} & Session(PHOTO).log().keys()


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda s: s.next_object("left"), "object 'left' already"),
        (lambda s: s.next_object(" "), "needs a name"),
        (lambda s: s.rename_object("band", "left"), "object 'left' already"),
        (lambda s: s.go_to("cup"), "no object 'cup'; there are: left, band"),
        (lambda s: (s.delete_object("left"), s.delete_object("band")), "only object cannot be"),
    ],
)
def test_bad_names_are_refused_in_one_sentence(act, text):
    with pytest.raises(ValueError, match=text) as caught:
        act(two())
    assert one_sentence(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"object": 2},
        {"object": True},
        {"objects": []},
        {"objects": [{"name": "a", "visible": True}, {"name": "a", "visible": True}]},
        {"objects": [{"name": "a", "visible": True}, {"name": "b", "visible": True}]},
        {"objects": 3},
    ],
    ids=str,
)
def test_damaged_objects_in_a_log_are_named(change):
    with pytest.raises(ValueError) as caught:
        Session.replay(PHOTO, two().log() | change)
    assert one_sentence(caught.value)
