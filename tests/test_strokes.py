"""Strokes everywhere beside clicks: session, log, autosave, robots, picture, command line."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.support import easy_scene, one_sentence
from tutorial_lib import cli
from tutorial_lib.actions import Stroke
from tutorial_lib.click_log import clicks_on, read_log
from tutorial_lib.clicks import Click, Clicks
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
