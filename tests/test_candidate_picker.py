"""CandidatePicker without a browser: clicks, choices, and the candidates beside the photo."""

from __future__ import annotations

import asyncio
import io
import threading

import numpy as np
import pytest
from PIL import Image

from tests.support import Growing, disc_mask, easy_scene, one_sentence
from tests.test_click_canvas import check_still, press_mouse, status_text
from tutorial_lib import registry, render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import disagreement
from tutorial_lib.registry import MethodInfo, register
from tutorial_lib.widgets import CandidatePicker
from tutorial_lib.widgets.thumbnails import Thumbnail

IMAGE, TRUTH, _ = easy_scene()
BLUE, PURPLE = (render.hex_colour(colour) for colour in (render.SELECTED, render.PREFERRED))


class Proposing(Growing):
    """Proposes candidates, and ignores preferences."""

    def segment(self, image, clicks):
        return super().segment(image, clicks)


@pytest.fixture
def picker() -> CandidatePicker:
    return CandidatePicker(IMAGE, Growing())


def disc(number: int, row: int = 24, col: int = 16) -> np.ndarray:
    return disc_mask(IMAGE.shape[:2], row, col, Growing.radii[number])


def seen(picker: CandidatePicker, number: int) -> np.ndarray:
    """Return what a thumbnail shows, ``(height, width, 3) uint8``."""
    return np.asarray(Image.open(io.BytesIO(picker.thumbnails.all[number].picture.value)))


def frames(picker: CandidatePicker) -> list[str]:
    return [thumbnail.widget.layout.border_top for thumbnail in picker.thumbnails.all]


def press(picker: CandidatePicker, number: int) -> None:
    picker.thumbnails.all[number].button.click()


# -- what is shown -----------------------------------------------------------------------------


def test_before_the_first_click_a_hint_says_where_candidates_appear(picker):
    assert "Left-click the object" in status_text(picker)
    assert picker.thumbnails.all == []
    assert picker.panel._hint.layout.display == ""
    assert picker.segmentation is None


def test_a_click_brings_a_thumbnail_of_every_candidate_with_its_score(picker):
    picker.click(24, 16)
    assert [t.button.description for t in picker.thumbnails.all] == [
        "0: 60 %",
        "1: 30 %",
        "2: 10 %",
    ]
    assert picker.panel._hint.layout.display == "none"
    viewport = picker.thumbnails.viewport
    for number in range(3):
        colour = picker.session.colour
        over = render.layer(viewport.cut(disc(number)), None, "mask", 0.5, colour=colour)
        assert np.array_equal(seen(picker, number), render.blend(viewport.cut(IMAGE), over))


def test_zoom_does_not_draw_the_thumbnails_again(picker, monkeypatch):
    picker.click(24, 32)
    drawn = []
    monkeypatch.setattr(Thumbnail, "show", lambda self, *_: drawn.append(self.number))
    picker.panel.zoom_in.click()
    assert drawn == []
    picker.choose(1)
    assert drawn == [0, 1, 2]


def test_thumbnails_follow_every_click_and_the_view(picker):
    picker.click(24, 16)
    before = seen(picker, 2)
    picker.click(24, 48)
    after = seen(picker, 2)
    assert (after != before).any()
    picker.panel.view.value = "cut-out"
    assert (seen(picker, 2)[0, 0] == 255).all()
    picker.undo()
    picker.panel.view.value = "mask"
    assert np.array_equal(seen(picker, 2), before)


def test_the_methods_choice_has_a_blue_frame_and_a_star(picker):
    picker.click(24, 16)
    assert frames(picker) == [f"4px solid {BLUE}", *["4px solid transparent"] * 2]
    assert [t.button.icon for t in picker.thumbnails.all] == ["star", "", ""]
    assert "Candidate 0 is shown: chosen by Growing." in status_text(picker)
    assert picker.panel.give_back.disabled


def test_a_persons_choice_has_a_purple_frame_and_the_methods_a_dashed_one(picker):
    picker.click(24, 16)
    press(picker, 2)
    assert frames(picker) == [
        f"4px dashed {BLUE}", "4px solid transparent", f"4px solid {PURPLE}",
    ]  # fmt: skip
    assert [t.button.icon for t in picker.thumbnails.all] == ["star", "", "user"]
    assert "Candidate 2 is shown: chosen by you." in status_text(picker)


def test_the_methods_candidate_can_be_chosen_by_a_person(picker):
    picker.click(24, 16)
    press(picker, 0)
    assert frames(picker)[0] == f"4px solid {PURPLE}"
    assert "chosen by you" in status_text(picker)


def test_thumbnails_come_with_their_pictures_and_clear_takes_them_away(picker):
    shown = []
    picker.thumbnails.widget.observe(
        lambda change: shown.append([bool(each.children[0].value) for each in change["new"]]),
        "children",
    )
    picker.click(24, 16)
    picker.panel.clear.click()
    assert picker.thumbnails.all == []
    assert shown == [[True] * 3, []], "a frame without a picture looks broken"
    picker.panel.undo.click()
    assert len(picker.thumbnails.all) == 3


# -- choosing ----------------------------------------------------------------------------------


def test_the_chosen_candidate_is_shown_and_the_next_click_goes_on_from_it(picker):
    picker.click(24, 16)
    picker.choose(2)
    assert np.array_equal(picker.segmentation.mask, disc(2))
    assert (picker.choice, picker.segmentation.selected) == (2, 2)
    picker.click(24, 48)
    assert np.array_equal(picker.segmentation.mask, disc(2) | disc(0, 24, 48))
    assert picker.choice is None
    assert picker.clicks.preferences == {1: 2}


@pytest.mark.parametrize("back", ["again", "button", "key", "code", "undo"])
def test_the_choice_is_given_back(picker, back):
    picker.click(24, 16)
    press(picker, 2)
    assert not picker.panel.give_back.disabled
    {
        "again": lambda: press(picker, 2),
        "button": picker.panel.give_back.click,
        "key": lambda: picker.gestures.on_key("m", False, False, False),
        "code": lambda: picker.choose(None),
        "undo": picker.panel.undo.click,
    }[back]()
    assert picker.choice is None
    assert np.array_equal(picker.segmentation.mask, disc(0))
    assert frames(picker)[0] == f"4px solid {BLUE}"


def test_picture_button_key_and_code_choose_alike(picker):
    picker.click(24, 16)
    picture = picker.thumbnails.all[1].mouse
    ways = [
        lambda: picture._dom_handlers({"event": "click"}),
        lambda: press(picker, 1),
        lambda: picker.gestures.on_key("1", False, False, False),
        lambda: picker.choose(1),
    ]
    for way in ways:
        way()
        assert picker.choice == 1
        picker.choose(None)


def test_browser_shortcuts_and_missing_candidates_do_nothing(picker):
    picker.gestures.on_key("0", False, False, False)
    picker.click(24, 16)
    picker.gestures.on_key("7", False, False, False)
    picker.gestures.on_key("1", False, True, False)
    assert picker.choice is None
    press_mouse(5, 5, picker, button=2)
    picker.gestures.on_key("z", False, False, False)
    assert len(picker.clicks) == 1


def test_undo_and_redo_follow_clicks_and_choices(picker):
    picker.click(24, 16)
    picker.choose(2)
    picker.click(24, 48)
    picker.panel.undo.click()
    assert np.array_equal(picker.segmentation.mask, disc(2))
    picker.panel.undo.click()
    assert np.array_equal(picker.segmentation.mask, disc(0))
    picker.panel.redo.click()
    picker.panel.redo.click()
    assert np.array_equal(picker.segmentation.mask, disc(2) | disc(0, 24, 48))


def test_initial_clicks_are_answered_and_undone_one_by_one():
    picker = CandidatePicker(IMAGE, Growing(), [Click(24, 16), Click(24, 48)], truth=TRUTH)
    assert np.array_equal(picker.segmentation.mask, disc(0) | disc(0, 24, 48))
    assert "IoU" in status_text(picker)
    picker.undo()
    assert picker.clicks == Clicks([Click(24, 16)])


# -- disagreement ------------------------------------------------------------------------------


@pytest.fixture
def drawn(picker, monkeypatch) -> list[np.ndarray]:
    pixels: list[np.ndarray] = []
    monkeypatch.setattr(picker.photo_view.canvases[0], "show_over", pixels.append)
    return pixels


def test_the_toggle_lays_the_map_of_disagreement_over_the_photo(picker, drawn):
    picker.click(24, 16)
    picker.panel.differ.value = True
    picker.panel.opacity.value = 1
    share = picker.viewport.cut(disagreement(picker.segmentation.candidates))
    expected = render.disagreement_layer(share, picker.viewport.cut(disc(0)), 1)
    assert np.array_equal(drawn[-1], expected)
    assert picker.panel._legend.layout.display == ""
    picker.gestures.on_key("d", False, False, False)
    colour = picker.session.colour
    expected = render.layer(picker.viewport.cut(disc(0)), None, "mask", 1, colour=colour)
    assert np.array_equal(drawn[-1], expected)
    assert picker.panel._legend.layout.display == "none"


def test_without_an_answer_there_is_no_map(picker, drawn):
    picker.panel.differ.value = True
    assert not drawn[-1].any()


# -- what is refused ---------------------------------------------------------------------------


def test_a_method_without_candidates_says_so(picker):
    alone = CandidatePicker(IMAGE, "graph-cut")
    with pytest.raises(ValueError, match="graph-cut gives a single mask") as caught:
        alone.click(24, 16)
    assert one_sentence(caught.value)
    assert "gives a single mask" in status_text(alone) and alone.thumbnails.all == []
    with pytest.raises(ValueError, match="gives a single mask"):
        CandidatePicker(IMAGE, "graph-cut", [Click(24, 16)])


def test_a_preference_is_shown_even_if_the_method_ignores_it():
    picker = CandidatePicker(IMAGE, Proposing(), [Click(24, 16)])
    assert len(picker.thumbnails.all) == 3
    press(picker, 1)
    assert "Candidate 1 is shown: chosen by you" in status_text(picker)
    assert picker.choice == picker.segmentation.selected == 1
    assert np.array_equal(picker.segmentation.mask, picker.segmentation.candidates[1] >= 0.5)


def test_a_missing_candidate_is_refused(picker):
    picker.click(24, 16)
    with pytest.raises(ValueError, match="none is 3"):
        picker.choose(3)
    assert picker.choice is None and picker.segmentation.selected == 0


@pytest.mark.parametrize("setting", [{"width": 0}, {"columns": 1.5}, {"thumbnail": "large"}])
def test_a_bad_layout_is_refused(setting):
    with pytest.raises(ValueError, match="is a whole number of at least 1") as caught:
        CandidatePicker(IMAGE, Growing(), **setting)
    assert next(iter(setting)) in str(caught.value).lower()
    assert one_sentence(caught.value)


def test_candidates_cannot_be_chosen_before_the_latest_answer():
    gate = threading.Event()
    gate.set()

    class Slow(Growing):
        def segment(self, image, clicks):
            gate.wait(20)
            return super().segment(image, clicks)

    async def person() -> CandidatePicker:
        picker = CandidatePicker(IMAGE, Slow(), [Click(24, 16)])
        gate.clear()
        picker.click(24, 48, wait=False)
        press(picker, 2)
        assert "still on their way" in status_text(picker)
        gate.set()
        for _ in range(500):
            if "2 object clicks" in status_text(picker) and "shown" in status_text(picker):
                break
            await asyncio.sleep(0.02)
        press(picker, 2)
        for _ in range(500):
            if "chosen by you" in status_text(picker):
                break
            await asyncio.sleep(0.02)
        return picker

    picker = asyncio.run(person())
    assert picker.clicks.preferences == {2: 2}
    assert np.array_equal(picker.segmentation.mask, disc(0) | disc(2, 24, 48))


# -- without a browser -------------------------------------------------------------------------


def test_a_registered_method_is_found_by_its_name_and_takes_options(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    def make(radius: int) -> Growing:
        method = Growing()
        method.radii = (radius,) * 3
        return method

    register(MethodInfo("growing", "classical", False, "Grows.", "nobody", make))
    picker = CandidatePicker(IMAGE, "growing", [Click(24, 16)], radius=1)
    assert picker.segmentation.mask.sum() == 5


def test_the_still_picture_shows_the_photo_first_and_then_all_candidates(picker):
    assert np.array_equal(picker.picture, IMAGE)
    picker.click(24, 16)
    bundle, _ = picker._repr_mimebundle_()
    assert bundle["text/plain"] == "CandidatePicker(photo, Growing)"
    still = check_still(bundle, picker)
    assert still.shape[1] > 2 * still.shape[0]  # three panels in a row
    picker.panel.differ.value = True
    assert picker.picture.shape[0] < still.shape[0]  # and a fourth one
