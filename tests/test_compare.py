"""Compare without a browser: several methods, the same clicks, and no method waits."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from tests.support import easy_scene, one_sentence
from tests.test_click_canvas import check_still, press_mouse
from tutorial_lib import registry
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.registry import MethodInfo, register
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.widgets import Compare
from tutorial_lib.widgets.background import Background, guard
from tutorial_lib.widgets.fastest_first import FastestFirst

IMAGE, MASK, CLICKS = easy_scene()
REAL = ("graph-cut", "growcut")
SECONDS = 10  # no test waits that long unless it fails


class Discs:
    """Answers with the discs of the positive clicks."""

    radius = 3

    def prepare(self, image):
        return image

    def segment(self, image, clicks):
        return Segmentation(clicks.discs(image.shape[:2], self.radius)[0].astype(np.float32))


class Gated(Discs):
    """Works on each answer until the gate is open, and remembers what it was asked."""

    def __init__(self):
        self.gate, self.asked, self.started = threading.Event(), [], threading.Event()
        self.gate.set()

    def segment(self, image, clicks):
        self.asked.append(len(clicks))
        self.started.set()
        assert self.gate.wait(SECONDS)
        return super().segment(image, clicks)


class Picky(Discs):
    """Cannot answer two clicks."""

    def segment(self, image, clicks):
        if len(clicks) == 2:
            raise RuntimeError("Two clicks are\ntoo many for me.")
        return super().segment(image, clicks)


@pytest.fixture
def gated(monkeypatch) -> Gated:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    method = Gated()

    def add(name: str, target, requires: tuple[str, ...] = ()) -> None:
        register(MethodInfo(name, "classical", False, "Discs.", "nobody", target, requires))

    add("discs", Discs)
    add("gated", lambda: method)
    add("picky", Picky)
    add("absent", Discs, ("no_such_package",))
    yield method
    method.gate.set()


@pytest.fixture
def compare(gated):
    made = []

    def make(*methods: str, **settings) -> Compare:
        made.append(Compare(IMAGE, methods or ("gated", "discs"), **settings))
        assert made[-1].wait(SECONDS)
        return made[-1]

    yield make
    gated.gate.set()
    for widget in made:
        widget.close()


def pane(compare: Compare, name: str):
    return next(pane for pane in compare._panes if pane.name == name)


def until(condition) -> None:
    deadline = threading.Event()
    for _ in range(SECONDS * 100):
        if condition():
            return
        deadline.wait(0.01)
    raise AssertionError("It never came true.")


# -- one set of clicks -----------------------------------------------------------------------


def test_every_method_answers_the_same_clicks_as_it_would_alone():
    compare = Compare(IMAGE, REAL, truth=MASK)
    for click in CLICKS:
        compare.click(click.row, click.col, click.positive)
    for name in REAL:
        alone = Session(IMAGE, name)
        for click in CLICKS:
            alone.click(click.row, click.col, click.positive)
        assert (compare.answers[name].mask == alone.mask).all()
        assert f"IoU {pane(compare, name).entry.iou:.3f}." in pane(compare, name).describe()
    assert list(compare.times) == list(REAL)
    assert all(milliseconds > 0 for milliseconds in compare.times.values())
    compare.close()


def test_a_pane_asks_for_the_side_its_method_needs():
    compare = Compare(IMAGE, ["growcut"])
    compare.click(24, 32)
    assert "; needs a click on the background." in pane(compare, "growcut").describe()
    compare.clear()
    compare.click(6, 6, positive=False)
    assert "; needs a click on the object." in pane(compare, "growcut").describe()
    compare.close()


def test_all_methods_share_undo_redo_and_clear_and_undo_restores_the_same_masks():
    compare = Compare(IMAGE, REAL, CLICKS)
    assert compare.wait(SECONDS)
    before = {name: answer.mask for name, answer in compare.answers.items()}
    compare.click(24, 60, positive=False)
    compare.click(40, 32)
    compare.undo()
    compare.undo(wait=True)
    assert compare.clicks == CLICKS
    assert all((answer.mask == before[name]).all() for name, answer in compare.answers.items())
    compare.redo(wait=True)
    assert len(compare.clicks) == 3
    compare.clear(wait=True)
    assert (len(compare.clicks), compare.answers, compare.times) == (0, {}, {})
    compare.undo(wait=True)
    assert len(compare.clicks) == 3
    assert list(compare.answers) == list(REAL)
    compare.close()


def test_initial_clicks_are_answered_and_undone_one_by_one(compare):
    widget = compare(clicks=[Click(5, 5), Click(9, 9)])
    assert set(widget.answers) == {"gated", "discs"}
    widget.undo(wait=True)
    assert widget.clicks == Clicks([Click(5, 5)])


def test_mouse_touch_and_keyboard_click_in_every_pane(compare):
    widget = compare()
    x, y = (round(value) for value in widget.viewport.to_canvas(24, 32))
    press_mouse(x, y, widget, button=2)
    widget.gestures.on_touch([(x, y)])
    widget.photo_view.cursor = (24, 32)
    widget.gestures.on_key("Enter", False, False, False)
    sides = [False, True, True]
    assert list(widget.clicks) == [Click(24, 32, positive) for positive in sides]
    widget.gestures.on_key("z", False, False, False)
    widget.panel.undo.click()
    assert len(widget.clicks) == 1


def test_shift_tab_goes_to_the_last_enabled_control_above(compare):
    widget = compare()
    assert widget.panel.before_photo is widget.panel.opacity
    widget.click(24, 32)
    assert widget.panel.before_photo is widget.panel.clear


def test_all_panes_zoom_together(compare):
    widget = compare()
    widget.click(24, 32)
    widget.panel.zoom_in.click()
    assert widget.viewport.factor == 2
    x, y = widget.viewport.to_canvas(20, 40)
    widget.gestures.on_touch([(x, y)])
    assert widget.clicks[-1] == Click(20, 40)


# -- no method waits -------------------------------------------------------------------------


def test_a_slow_method_does_not_delay_a_fast_one(compare, gated):
    widget = compare()
    gated.gate.clear()
    widget.click(5, 5, wait=False)
    until(lambda: "discs" in widget.answers)
    assert list(widget.answers) == list(widget.times) == ["discs"]
    assert pane(widget, "gated").describe() == "Working"
    assert 'data-busy="true"' in pane(widget, "gated")._status.value
    assert not widget.wait(0.05)
    gated.gate.set()
    assert widget.wait(SECONDS)
    assert set(widget.answers) == {"gated", "discs"}


def test_in_a_notebook_the_fast_pane_is_drawn_while_the_slow_one_works(compare, gated):
    async def person() -> None:
        widget = compare()
        gated.gate.clear()
        widget.click(5, 5, wait=False)
        for _ in range(SECONDS * 100):
            if "ms." in pane(widget, "discs")._status.value:
                break
            await asyncio.sleep(0.01)
        assert "1 of 2 methods have answered" in widget.panel.status.value
        assert "Working" in pane(widget, "gated")._status.value
        gated.gate.set()
        for _ in range(SECONDS * 100):
            if "2 of 2" in widget.panel.status.value:
                break
            await asyncio.sleep(0.01)
        assert "ms." in pane(widget, "gated")._status.value

    asyncio.run(person())


def test_newer_clicks_win_and_stale_answers_are_dropped(compare, gated):
    widget = compare()
    gated.asked.clear()
    gated.gate.clear()
    gated.started.clear()
    widget.click(5, 5, wait=False)
    assert gated.started.wait(SECONDS)
    for col in (20, 35, 50):
        widget.click(5, col, wait=False)
    widget.undo()
    gated.gate.set()
    assert widget.wait(SECONDS)
    expected = widget.clicks.discs(IMAGE.shape[:2], Gated.radius)[0]
    assert len(widget.clicks) == 3
    assert all((answer.mask == expected).all() for answer in widget.answers.values())
    assert gated.asked == [1, 3], "clicks that were overtaken need no answer"


def test_an_answer_that_comes_after_clear_is_not_shown(compare, gated):
    widget = compare()
    gated.gate.clear()
    gated.started.clear()
    widget.click(5, 5, wait=False)
    assert gated.started.wait(SECONDS)
    widget.clear()
    gated.gate.set()
    assert widget.wait(SECONDS)
    assert widget.answers == {}
    assert pane(widget, "gated").describe() == "Ready."


def test_an_answer_without_clicks_does_not_replace_an_older_one(compare):
    widget = compare("discs")
    widget.click(5, 5)
    before = widget.answers["discs"].mask
    widget.clear()
    pane(widget, "discs").session.refresh()  # as when the clicks go while the thread begins
    widget.undo(wait=True)
    assert before.any()
    assert (widget.answers["discs"].mask == before).all()


def test_an_error_is_shown_in_its_pane_until_the_clicks_change(compare):
    widget = compare("picky", "discs")
    widget.click(5, 5)
    widget.click(9, 9)
    assert widget.errors == {"picky": "Two clicks are too many for me."}
    assert "jp-error-color1" in pane(widget, "picky")._status.value
    assert list(widget.answers) == ["discs"]
    assert "1 of 2 methods have answered, 1 cannot." in widget.panel.status.value
    widget.click(12, 12)
    assert widget.errors == {}
    assert set(widget.answers) == {"picky", "discs"}


def test_an_error_while_preparing_is_shown_before_the_first_click(compare, monkeypatch):
    monkeypatch.setattr(Picky, "prepare", lambda *_: [][0])
    widget = compare("picky", "discs")
    assert widget.errors == {"picky": "list index out of range"}
    assert widget.order == ["discs", "picky"]


def test_a_method_whose_package_is_missing_says_so(compare):
    widget = compare("absent", "discs")
    widget.click(5, 5)
    assert "no_such_package" in widget.errors["absent"]
    assert one_sentence(widget.errors["absent"])
    assert list(widget.answers) == ["discs"]


def test_a_task_waits_for_faster_ones_but_not_for_long():
    queue = FastestFirst(processors=1)
    queue.announce("slow", (9.0, 0))
    queue.announce("fast", (1.0, 1))
    assert queue._may_work("fast") and not queue._may_work("slow")
    waiting = threading.Thread(target=queue.wait, args=["slow"])
    waiting.start()
    queue.end("fast")
    waiting.join(0.4)
    assert not waiting.is_alive()
    queue.announce("fast", (1.0, 1))
    queue.wait("slow")  # the fast one never ends, and this requeue all the same


def test_an_ended_task_is_reported_once_and_a_forgotten_one_never():
    told = []

    async def kernel() -> None:
        work = Background(told.append)
        work.start(lambda: None)
        await asyncio.sleep(0.1)
        work.start(lambda: 1 / 0)
        await asyncio.sleep(0.1)
        work.start(lambda: None)
        work.forget()
        work.start(lambda: None)
        assert work.join(SECONDS)
        await asyncio.sleep(0.1)

    asyncio.run(kernel())
    assert [type(failure) for failure in told] == [type(None), ZeroDivisionError]


# -- order -----------------------------------------------------------------------------------


def test_the_fastest_stands_first_and_nothing_moves_after_a_click(compare, monkeypatch):
    speeds = {"gated": 200.0, "discs": 5.0, "picky": 90.0}
    monkeypatch.setattr(Session, "rehearse", lambda session: speeds[session.method])
    widget = compare("absent", "gated", "discs", "picky")
    assert widget.order == ["discs", "picky", "gated", "absent"]
    widget.click(5, 5)
    assert widget.order == ["discs", "picky", "gated", "absent"]


def test_panes_do_not_move_if_a_person_clicks_before_the_trial_ends(gated):
    gated.gate.clear()
    widget = Compare(IMAGE, ["gated", "discs"])
    widget.click(5, 5, wait=False)
    gated.gate.set()
    assert widget.wait(SECONDS)
    assert widget.order == ["gated", "discs"]
    widget.close()


def test_columns_limit_the_panes_in_a_row(compare):
    widget = compare("gated", "discs", "picky", columns=2)
    each = int(widget._panes[0].canvas.width) + 16 + 2  # the photo and its margins
    room = int(widget.children[1].children[0].layout.max_width.removesuffix("px"))
    assert 2 * each <= room < 3 * each


# -- pictures --------------------------------------------------------------------------------


def test_the_still_picture_shows_the_answers_and_is_the_same_every_time(compare):
    widget = compare("gated", "discs", "absent", truth=MASK)
    empty = widget.picture
    widget.click(24, 32)
    bundle, _ = widget._repr_mimebundle_()
    assert bundle["text/plain"] == "Compare(gated, discs, absent)"
    check_still(bundle, widget)
    still = widget.picture
    assert still.shape != empty.shape or (still != empty).any()
    again = compare("gated", "discs", "absent", truth=MASK, clicks=[Click(24, 32)])
    assert (again.picture == still).all()


def test_captions_leave_out_times(compare):
    widget = compare("picky", "absent", truth=MASK)
    assert pane(widget, "picky").caption() == "picky"
    widget.click(24, 32)
    assert pane(widget, "picky").caption() == f"picky, IoU {pane(widget, 'picky').entry.iou:.3f}"
    assert pane(widget, "absent").caption().startswith("absent: The method 'absent' needs")


def test_the_photo_is_sent_once_and_a_click_sends_only_mask_and_marks(compare, monkeypatch):
    widget = compare()
    sent = []
    for each in widget._panes:
        for layer in ("show_photo", "show_answer", "show_marks"):
            monkeypatch.setattr(each.canvas, layer, lambda *_, layer=layer: sent.append(layer))
    widget.click(5, 5)
    assert "show_photo" not in sent
    assert {"show_answer", "show_marks"} == set(sent)


# -- the end ---------------------------------------------------------------------------------


def test_closing_ends_the_threads_and_drops_pending_answers(compare, gated):
    before = set(threading.enumerate())
    widget = compare()
    gated.gate.clear()
    gated.started.clear()
    gated.asked.clear()
    widget.click(5, 5, wait=False)
    assert gated.started.wait(SECONDS)
    widget.click(9, 9, wait=False)
    widget.close()
    gated.gate.set()
    until(lambda: set(threading.enumerate()) <= before)
    assert gated.asked == [1], "after closing, no further answer is begun"
    with pytest.raises(ValueError, match="closed"):
        widget.click(5, 5)


def test_idle_widgets_have_no_threads(compare):
    before = set(threading.enumerate())
    widget = compare()
    widget.click(5, 5)
    until(lambda: set(threading.enumerate()) <= before)


# -- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"methods": []}, ValueError, "at least one"),
        ({"methods": "discs"}, TypeError, "['discs']"),
        ({"methods": ["discs", "nonsense"]}, ValueError, "no method 'nonsense'"),
        ({"methods": ["discs", "discs"]}, ValueError, "twice"),
        ({"methods": ["absent"]}, ImportError, "no_such_package"),
        ({"clicks": [Click(500, 5)]}, ValueError, "outside the image"),
        ({"clicks": [(5, 5)]}, TypeError, "Click objects"),
        ({"truth": MASK[:5]}, ValueError, "shape"),
        ({"columns": 0}, ValueError, "number of columns"),
        ({"columns": 1.5}, ValueError, "number of columns"),
        ({"width": 0}, ValueError, "width"),
        ({"options": {"growcut": {}}}, ValueError, "not compared"),
        ({"options": {"graph-cut": {"nonsense": 1}}, "methods": ["graph-cut"]}, ValueError,
         "no option nonsense"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_bad_input_is_refused_in_one_sentence(gated, settings, kind, words):
    with pytest.raises(kind) as caught:
        Compare(IMAGE, **({"methods": ["discs"]} | settings))
    assert words in str(caught.value)
    assert one_sentence(caught.value)


def test_a_click_outside_is_refused_by_all(compare):
    widget = compare()
    with pytest.raises(ValueError, match="outside the image"):
        widget.click(1000, 5)
    assert len(widget.clicks) == 0
    assert all(len(each.session.clicks) == 0 for each in widget._panes)
    guard(widget.click, widget.panel.report)(1000, 5)
    assert "outside the image" in widget.panel.status.value


def test_a_method_gets_its_own_options(compare):
    widget = Compare(IMAGE, ["graph-cut", "discs"], options={"graph-cut": {"lam": 0.0}})
    assert pane(widget, "graph-cut").session.options == {"lam": 0.0}
    assert pane(widget, "discs").session.options == {}
    widget.close()


# -- what methods may do wrong ---------------------------------------------------------------


class Leaving(Discs):
    def segment(self, image, clicks):
        raise SystemExit(3)


class Narrow(Discs):
    def segment(self, image, clicks):
        return Segmentation(np.zeros((3, 5)))


@pytest.mark.parametrize(("target", "told"), [(Leaving, "SystemExit (3)"), (Narrow, "'bad'")])
def test_a_bad_method_says_so_while_the_others_answer(compare, target, told):
    register(MethodInfo("bad", "classical", False, "Bad.", "nobody", target))
    widget = compare("bad", "discs")
    widget.click(10, 10)
    assert told in widget.errors["bad"]
    assert list(widget.answers) == ["discs"]
