"""Strokes, boxes and start masks everywhere: session, log, autosave, robots, command line."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.support import easy_scene, one_sentence
from tutorial_lib import cli
from tutorial_lib.actions import Box, StartMask, Stroke, TouchUp
from tutorial_lib.click_log import clicks_on, read_log
from tutorial_lib.clicks import Click, Clicks, Preference
from tutorial_lib.exports import soft_alpha
from tutorial_lib.metrics import iou
from tutorial_lib.render import NEGATIVE, POSITIVE, draw_clicks
from tutorial_lib.session import Session
from tutorial_lib.users.robots import center
from tutorial_lib.widgets import ClickCanvas
from tutorial_lib.working_photo import WorkingPhoto

PHOTO, TRUTH, CLICKS = easy_scene()
ON, OFF = Stroke([(22, 29), (24, 32), (27, 34)]), Stroke([(4, 4), (4, 58)], positive=False)
SAID = Clicks([ON, CLICKS[1], OFF])


def drawn(**settings):
    session = Session(PHOTO, **settings)
    session.stroke(ON.points)
    session.click(6, 6, positive=False)
    session.stroke(iter(OFF.points), positive=False)
    return session


def test_a_stroke_is_one_step_of_a_session():
    session = drawn(truth=TRUTH)
    assert session.clicks == SAID and session.iou > 0.9
    assert [len(step.clicks) for step in session.history] == [1, 2, 3]
    session.undo()
    assert session.clicks == SAID[:2]
    session.redo()
    with pytest.raises(ValueError, match="stroke's point at row 48, column 3 lies outside"):
        session.stroke([(4, 3), (48, 3)])
    assert session.clicks == SAID and len(session.seconds) == 3


def test_strokes_are_logged_exported_and_replayed(tmp_path):
    session = drawn()
    log = json.loads(session.export(tmp_path)[3].read_text())
    assert log["clicks"][0] == {"stroke": [[22, 29], [24, 32], [27, 34]], "positive": True}
    again = Session.replay(PHOTO, log)
    assert again.clicks == SAID and np.array_equal(again.mask, session.mask)
    double = WorkingPhoto(np.repeat(np.repeat(PHOTO, 2, axis=0), 2, axis=1))
    assert clicks_on(double, log)[0].points == ((45, 59), (49, 65), (55, 69))


def test_strokes_are_autosaved_and_restored(tmp_path):
    file = tmp_path / "saved.json"
    session = drawn(autosave=file)
    session.undo()
    session.stroke([(40, 5), (40, 20)], positive=False)
    assert read_log(file)["seconds"] == session.seconds
    restored = Session(PHOTO, autosave=file)
    restored.restore()
    assert restored.clicks == session.clicks


@pytest.mark.parametrize(
    "entry",
    [
        {"stroke": [], "positive": True},
        {"stroke": [[1, 2], [3]], "positive": True},
        {"stroke": [[1, 2], [3, -1]], "positive": True},
        {"stroke": [[1, 2], [3, 64]], "positive": True},
        {"stroke": [[1, 2]], "positive": 1},
        {"stroke": [[1, 2]]},
        {"stroke": "12", "positive": True},
    ],
    ids=str,
)
def test_a_damaged_stroke_in_a_log_is_named(entry):
    log = drawn().log()
    with pytest.raises(ValueError, match="is damaged") as caught:
        Session.replay(PHOTO, log | {"clicks": [entry], "seconds": None})
    assert one_sentence(caught.value)


def test_a_robot_does_not_click_what_a_stroke_covers():
    assert center(~TRUTH & TRUTH, TRUTH) == Click(24, 32)
    beside = center(~TRUTH & TRUTH, TRUTH, clicks=Clicks([ON]))
    assert [beside.row, beside.col] not in ON.pixels.tolist()


def test_a_stroke_is_drawn_as_a_line_with_a_sign_at_its_end():
    picture = draw_clicks(PHOTO, Clicks([ON, OFF]), radius=3)
    assert tuple(picture[23, 30]) == POSITIVE and tuple(picture[4, 30]) == NEGATIVE
    canvas = ClickCanvas(PHOTO, autosave=False)
    canvas.session.stroke(ON.points)
    canvas.redraw()
    canvas.zoom(1)
    assert canvas.panel.status.value.count("1 stroke") == 1


# -- a box and a start mask ------------------------------------------------------------------------

BOX, START = Box(8, 16, 40, 48), TRUTH & (np.arange(64) < 36)


def test_the_later_box_replaces_the_earlier_one_and_the_preference():
    clicks = Clicks([Click(24, 32), BOX]).prefer(2)
    other = clicks.add(Box(0, 0, 9, 9))
    assert other.actions == (Click(24, 32), Box(0, 0, 9, 9)) and other.preferred is None
    assert (len(clicks), clicks.box, clicks.preferences) == (1, BOX, {1: 2})
    assert clicks[:1] == clicks and clicks[:0] == Clicks() and Clicks([BOX])[:0].box == BOX
    assert clicks.without_preferences() == Clicks([Click(24, 32), BOX])
    assert Box.between((39, 16), (8, 47)) == BOX and Box.parse(str(BOX)) == BOX


def test_a_start_mask_comes_first_and_counts_as_no_click():
    begun = Clicks([Click(24, 32), BOX]).starting_from(START)
    assert begun.actions[0] == StartMask.of(START) and len(begun) == 1
    assert begun.starting_from(TRUTH).start == StartMask.of(TRUTH)
    assert begun.starting_from(None) == Clicks([Click(24, 32), BOX])
    assert begun[:0] == Clicks([StartMask.of(START)]) and begun[:1] == begun
    assert hash(begun) == hash(Clicks(begun)) and np.array_equal(begun.start.mask, START)
    assert Clicks.from_json(begun.to_json()) == begun
    with pytest.raises(ValueError, match="nothing to prefer before the first click"):
        begun[:0].prefer(1)


@pytest.mark.parametrize(
    ("say", "text"),
    [
        (lambda: Box(3, 3, 3, 9), "box 3,3,3,9 has no area"),
        (lambda: Box.parse("9,9,3,3"), "has no area"),
        (lambda: Box.parse("1,2,3"), "A box is written"),
        (lambda: Box(-1, 0, 3, 3), "top is at least 0"),
        (lambda: Clicks([BOX]).check((20, 20)), "lies outside the image of 20x20"),
        (lambda: Clicks([BOX]).add(StartMask.of(START)), "A start mask comes first"),
        (lambda: Clicks().starting_from(START.astype(int)), "array of bool, not int64"),
        (lambda: StartMask.from_run_lengths((2, 2), [1, 2]), "do not add up to 2 x 2"),
        (lambda: Clicks.from_list([{"box": [1, 1, 1, 1]}]), "stored box"),
        (lambda: Session(PHOTO, start=START[1:]), "start mask has shape"),
        (lambda: Session(PHOTO, start="gone.png"), "There is no file gone.png"),
        (lambda: Session(PHOTO).draw_box(0, 0, 49, 9), "lies outside"),
    ],
)
def test_boxes_and_masks_that_make_no_sense_are_refused_in_one_sentence(say, text):
    with pytest.raises(ValueError, match=text) as caught:
        say()
    assert one_sentence(caught.value)


def boxed(**settings):
    session = Session(PHOTO, start=START, **settings)
    session.click(24, 38)
    session.draw_box(8, 16, 40, 48)
    session.stroke(OFF.points, positive=False)
    return session


def test_boxes_and_start_masks_are_logged_autosaved_and_replayed(tmp_path):
    file = tmp_path / "saved.json"
    session = boxed(autosave=file)
    log = json.loads(json.dumps(session.log()))
    assert file.read_text().count('"start"') == 1  # later lines repeat no mask
    again = Session.replay(PHOTO, log)
    assert again.clicks == session.clicks and np.array_equal(again.mask, session.mask)
    assert [len(step.clicks) for step in again.history] == [0, 1, 1, 2]
    restored = Session(PHOTO, autosave=file)
    restored.restore()
    assert restored.clicks == session.clicks
    double = WorkingPhoto(np.repeat(np.repeat(PHOTO, 2, axis=0), 2, axis=1))
    copied = clicks_on(double, log)
    assert copied.box == Box(16, 32, 80, 96) and copied.start.mask.sum() == 4 * START.sum()


def test_moved_and_deleted_marks_are_logged_autosaved_and_replayed(tmp_path):
    session = boxed(autosave=tmp_path / "saved.json")
    session.stroke([(4, 4), (4, 9)], positive=False)
    session.move_mark(-1, 6, 12)
    assert session.clicks[-1] == Stroke([(6, 7), (6, 12)], False), "a stroke moves as a whole"
    session.move_mark(0, 25, 33)
    assert None not in session.seconds, "a moved click keeps its time"
    session.delete_mark(1)
    session.refresh()
    again = Session.replay(PHOTO, session.log())
    assert again.clicks == session.clicks and np.array_equal(again.mask, session.mask)
    restored = Session(PHOTO, autosave=tmp_path / "saved.json")
    restored.restore()
    assert restored.clicks == session.clicks and restored.clicks.box == session.clicks.box


@pytest.mark.parametrize(
    "change",
    [
        {"boxes": [[9, [1, 1, 2, 2]]]},
        {"boxes": [[0, [1, 1, 2, 99]]]},
        {"boxes": [[0, [1, 1, 2]]]},
        {"boxes": 3},
        {"start": {"size": [48, 64], "counts": [5]}},
        {"start": {"size": [2, 2], "counts": [4]}},
        {"start": "mask.png"},
    ],
    ids=str,
)
def test_a_damaged_box_or_start_mask_in_a_log_is_named(change):
    with pytest.raises(ValueError, match="is damaged") as caught:
        Session.replay(PHOTO, boxed().log() | change)
    assert one_sentence(caught.value)


def test_a_session_goes_on_from_any_mask(tmp_path):
    Image.fromarray(START).save(tmp_path / "mask.png")
    session = drawn()
    before = session.clicks
    for given in (START, tmp_path / "mask.png", session.history[0], session.result):
        expected = START if given is START or given == tmp_path / "mask.png" else given.mask
        assert np.array_equal(session.start_from(given).mask, expected)
        assert not session.clicks.items
        session.undo()
        assert session.clicks == before
    session.start_from(START)
    session.use("random-walker")
    assert np.array_equal(session.refresh().mask, START)
    session.clear()
    assert not session.refresh().mask.any() and session.can_undo


def segment(monkeypatch, capsys, tmp_path, *arguments):
    """Run the command in this process; return exit code, error and mask."""
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    out = tmp_path / "mask.png"
    command = ["tutorial_lib", "segment", tmp_path / "photo.png", "--out", out, *arguments]
    monkeypatch.setattr(sys, "argv", [str(part) for part in command])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    mask = np.asarray(Image.open(out)) > 0 if out.exists() else None
    return stopped.value.code, capsys.readouterr().err, mask


def test_the_command_line_keeps_the_order_of_clicks_and_strokes(monkeypatch, capsys, tmp_path):
    on, off, again = "22,29 24,32 27,34,+", "4,4 4,58,-", "4,30,+"
    code, error, mask = segment(
        monkeypatch, capsys, tmp_path, "--stroke", on, "--click", again, "--stroke", off
    )
    assert (code, error) == (0, "") and iou(mask, TRUTH) > 0.9
    _, _, later = segment(
        monkeypatch, capsys, tmp_path, "--stroke", on, "--stroke", off, "--click", again
    )
    assert later[4, 30] and not mask[4, 30]


@pytest.mark.parametrize("text", ["", "1,2 3,4", "1,2 x,4,+", "22,29 24,99,+"])
def test_a_bad_stroke_ends_in_one_line(monkeypatch, capsys, tmp_path, text):
    code, error, mask = segment(monkeypatch, capsys, tmp_path, "--stroke", text)
    assert code == 2 and mask is None
    assert error.startswith("tutorial_lib: ") and error.count("\n") == 1


def test_the_command_line_takes_a_box_and_a_start_mask(monkeypatch, capsys, tmp_path):
    Image.fromarray(START).save(tmp_path / "start.png")
    code, error, mask = segment(
        monkeypatch, capsys, tmp_path, "--method", "grabcut", "--box", "8,16,40,48"
    )
    assert (code, error) == (0, "") and iou(mask, TRUTH) > 0.9
    begun = "--start", tmp_path / "start.png"
    assert np.array_equal(segment(monkeypatch, capsys, tmp_path, *begun)[2], START)
    code, _, mask = segment(monkeypatch, capsys, tmp_path, *begun, "--click", "24,38,+")
    assert code == 0 and iou(mask, TRUTH) > 0.9
    Image.fromarray(START[1:]).save(tmp_path / "small.png")
    for wrong in (["--box", "8,8,8,9"], ["--start", tmp_path / "small.png"], ["--box", ""]):
        code, error, _ = segment(monkeypatch, capsys, tmp_path, *wrong)
        assert code == 2 and error.count("\n") == 1


# -- touch-ups -------------------------------------------------------------------------------------


def touched(**settings) -> Session:
    session = Session(PHOTO, truth=TRUTH, **settings)
    session.click(24, 32)
    session.click(6, 6, positive=False)
    session.touch_up([(2, 60), (2.5, 60)], radius=2)
    session.touch_up([(24, 20), (24, 44)], radius=1.5, positive=False)
    return session


def test_a_touch_up_changes_the_mask_and_asks_no_method(monkeypatch):
    session = Session(PHOTO, truth=TRUTH)
    session.click(24, 32)
    session.click(6, 6, positive=False)
    plain, exact = session.mask, session.iou
    monkeypatch.setattr(session, "_ask", None)  # to ask is an error now
    session.touch_up([(24, 20), (24, 44)], radius=1, positive=False)
    assert plain[24, 32] and not session.mask[23:26, 20:45].any()
    assert session.mask.sum() == plain.sum() - plain[session.mask != plain].sum()
    assert session.iou < exact and len(session.history) == 3
    assert session.result.probability[24, 32] == 0
    session.undo()
    assert (session.refresh().mask == plain).all()
    session.redo()
    assert not session.refresh().mask[24, 32]


def test_touch_ups_stay_on_later_answers_until_a_click_of_the_other_kind_ends_them():
    session = touched()
    session.click(40, 60, positive=False)
    assert session.mask[2, 60] and not session.mask[24, 32]
    session.use("growcut")
    assert session.refresh().mask[2, 60] and not session.mask[24, 32]
    session.click(24, 36)
    assert session.mask[24, 32] and session.mask[2, 60], "the eraser's work ends under the click"
    session.delete_mark(-1)
    assert not session.refresh().mask[24, 32]


def test_touch_ups_come_after_box_and_preference():
    paint, click = TouchUp([(1, 1)], 2), Click(3, 3)
    clicks = Clicks([click, paint]).prefer(2)
    assert clicks.actions == (click, Preference(2), paint) and clicks.preferred == 2
    assert clicks.prefer(None).actions == (click, paint)
    assert clicks.add(Box(0, 0, 2, 2)).actions == (click, Box(0, 0, 2, 2), paint)
    assert Clicks.from_list(clicks.to_list()) == clicks
    assert list(clicks.without_touch_ups().actions) == [click, Preference(2)]


def test_touch_ups_are_logged_autosaved_restored_and_replayed(tmp_path):
    file = tmp_path / "saved.json"
    session = touched(autosave=file)
    session.touch_up([(40, 3)], radius=3)
    session.undo()
    session.click(40, 60, positive=False)
    assert file.read_text().count("[2.5, 60.0]") == 1, "later lines repeat no touch-up"
    log = json.loads(json.dumps(session.log()))
    assert log["schema"] == 1 and [count for count, _ in log["touch_ups"]] == [2, 2]
    again = Session.replay(PHOTO, log)
    assert again.clicks == session.clicks and np.array_equal(again.mask, session.mask)
    restored = Session(PHOTO, autosave=file)
    restored.restore()
    assert restored.clicks == session.clicks


def test_touch_ups_are_exported_at_the_size_of_the_photo():
    large = np.repeat(np.repeat(PHOTO, 4, axis=0), 4, axis=1)
    session = Session(large, longest=64)
    session.click(24, 32)
    session.click(6, 6, positive=False)
    session.touch_up([(24, 32)], radius=3.3, positive=False)
    mask = session.settled_masks()["object"]
    rows, cols = np.ogrid[: mask.shape[0], : mask.shape[1]]
    hole = np.hypot((rows + 0.5) / 4 - 24.5, (cols + 0.5) / 4 - 32.5) <= 3.3
    assert not mask[hole].any() and mask[80:116, 110:150][~hole[80:116, 110:150]].all()
    assert Session.replay(large, session.log()).settled_masks()["object"].sum() == mask.sum()


def test_a_cut_out_is_as_soft_at_its_edge_as_the_method_is_unsure():
    probability = np.tile(np.linspace(0, 1, 21, dtype=np.float32), (3, 1))
    alpha = soft_alpha(probability >= 0.5, probability)
    assert set(alpha[:, :7].ravel()) == {0} and set(alpha[:, 14:].ravel()) == {255}
    assert (np.diff(alpha[1, 7:14].astype(int)) > 0).all()
    assert ((alpha >= 128) == (probability >= 0.5)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"touch_ups": 3},
        {"touch_ups": [[9, {"touch_up": [[1, 1]], "radius": 2, "positive": True}]]},
        {"touch_ups": [[0, {"touch_up": [[1, 99]], "radius": 2, "positive": True}]]},
        {"touch_ups": [[0, {"touch_up": [[1, 1]], "radius": 1e9, "positive": True}]]},
        {"touch_ups": [[0, {"touch_up": [], "radius": 1, "positive": True}]]},
        {"touch_ups": [[0, [1, 1, True]]]},
    ],
    ids=str,
)
def test_a_damaged_touch_up_in_a_log_is_named(change):
    with pytest.raises(ValueError, match="is damaged") as caught:
        Session.replay(PHOTO, touched().log() | change)
    assert one_sentence(caught.value)
