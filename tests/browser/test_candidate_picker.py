"""CandidatePicker in JupyterLab: click, see the candidates, prefer another one, click again."""

from __future__ import annotations

import re

import pytest

from tests.browser.driver import PHOTO, Clicker
from tests.browser.test_lab import contrast

PICKER = """
import numpy as np
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.widgets import CandidatePicker
class Growing:
    "Six sizes of discs around every click, joined with or cut from what was shown."
    def prepare(self, image):
        return image.shape[:2]
    def segment(self, shape, clicks):
        shown, selected = np.zeros(shape, bool), 0
        candidates, (rows, cols) = np.stack([shown] * 6), np.ogrid[: shape[0], : shape[1]]
        for count, click in enumerate(clicks, start=1):
            square = (rows - click.row) ** 2 + (cols - click.col) ** 2
            discs = [square <= (25 * size) ** 2 for size in range(1, 7)]
            candidates = np.stack([shown | d if click.positive else shown & ~d for d in discs])
            selected = clicks.preferences.get(count, 1)
            shown = candidates[selected]
        scores = [0.2, 0.45, 0.2, 0.1, 0.04, 0.01]
        return Segmentation(shown, None, candidates, scores, selected)
picker = CandidatePicker(photo, Growing(), width=512)
probe = ipywidgets.HTML()
probe.add_class("probe")
def tell(_=None):
    probe.value = picker.clicks.to_json()
picker.panel.status.observe(tell, "value")
tell()
ipywidgets.VBox([picker, probe])
"""
SOLID_PURPLE, DASHED_BLUE, SOLID_BLUE = (
    ("solid", "rgb(204, 121, 167)"), ("dashed", "rgb(0, 114, 178)"), ("solid", "rgb(0, 114, 178)"),
)  # fmt: skip
INSIDE_OF_3 = (200 + 64, 200)  # on the canvas; 80 photo pixels to the right of the first click


class Picker(Clicker):
    """The widget as a person sees it."""

    @property
    def thumbnails(self):
        return self.page.locator(".tutorial-candidate")

    def frame(self, number: int) -> tuple[str, str]:
        return tuple(
            self.thumbnails.nth(number).evaluate(
                "e => [getComputedStyle(e).borderTopStyle, getComputedStyle(e).borderTopColor]"
            )
        )

    def until(self, done, seconds: float = 20) -> None:
        for _ in range(int(seconds / 0.05)):
            if done():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("It never came true.")

    def begin(self) -> list[int]:
        """Click on the photo, wait for the candidates, and return a pixel not yet covered."""
        bare = self.pixel(*INSIDE_OF_3)
        self.click(200, 200)
        self.wait_for_status("Candidate 1 is shown: chosen by Growing.")
        self.until(lambda: self.thumbnails.count() == 6)
        assert self.pixel(*INSIDE_OF_3) == bare
        return bare


@pytest.fixture
def open_picker(open_in_lab):
    def open_(**options) -> Picker:
        return Picker(open_in_lab([PHOTO + PICKER], **options).page)

    return open_


def test_a_click_on_a_thumbnail_overrules_the_method_and_the_next_click_goes_on(open_picker):
    picker = open_picker()
    picker.page.get_by_text("The candidates appear here after the first click.").wait_for()
    bare = picker.begin()
    assert picker.frame(1) == SOLID_BLUE
    for number, share in enumerate((20, 45, 20, 10, 4, 1)):
        picker.thumbnails.nth(number).get_by_text(f"{number}: {share} %").wait_for()
        width = picker.thumbnails.nth(number).locator("img").evaluate("e => e.naturalWidth")
        assert width == 160

    picker.thumbnails.nth(3).locator("img").click()
    picker.wait_for_status("Candidate 3 is shown: chosen by you.")
    picker.until(lambda: picker.pixel(*INSIDE_OF_3) != bare)
    picker.until(lambda: (picker.frame(3), picker.frame(1)) == (SOLID_PURPLE, DASHED_BLUE))

    picker.click(400, 300)
    picker.wait_for_status("2 object clicks")
    picker.wait_for_status("Candidate 1 is shown: chosen by Growing.")
    assert picker.pixel(*INSIDE_OF_3) != bare, "the second click goes on from the chosen candidate"

    picker.press("Undo")
    picker.wait_for_status("Candidate 3 is shown: chosen by you.")
    picker.press("Method's choice")
    picker.wait_for_status("Candidate 1 is shown: chosen by Growing.")
    picker.until(lambda: picker.pixel(*INSIDE_OF_3) == bare)
    picker.press("Clear")
    picker.until(lambda: picker.thumbnails.count() == 0)


def test_keyboard_and_finger_choose_too(open_picker):
    picker = open_picker(has_touch=True)
    picker.begin()
    picker.canvas.hover(position={"x": 20, "y": 20})
    picker.page.keyboard.press("4")
    picker.wait_for_status("Candidate 4 is shown: chosen by you.")
    picker.page.keyboard.press("m")
    picker.wait_for_status("Candidate 1 is shown: chosen by Growing.")
    picker.thumbnails.nth(2).get_by_role("button").focus()
    picker.page.keyboard.press("Enter")
    picker.wait_for_status("Candidate 2 is shown: chosen by you.")
    box = picker.thumbnails.nth(0).locator("img").bounding_box()
    picker.page.touchscreen.tap(box["x"] + 30, box["y"] + 30)
    picker.wait_for_status("Candidate 0 is shown: chosen by you.")


def test_the_map_of_disagreement_brings_its_legend(open_picker):
    picker = open_picker()
    picker.begin()
    before = picker.pixel(300, 100)
    picker.page.get_by_role("button", name="Disagreement").click()
    picker.until(lambda: picker.pixel(300, 100) != before)
    assert picker.page.get_by_text("differ", exact=False).last.is_visible()
    picker.page.get_by_role("button", name="Disagreement").click()
    picker.until(lambda: picker.pixel(300, 100) == before)


def test_photo_and_candidates_stand_side_by_side_and_everything_has_a_name(open_picker):
    picker = open_picker(theme="JupyterLab Dark")
    picker.page.keyboard.press("Control+b")
    picker.begin()
    photo, last = picker.canvas.bounding_box(), picker.thumbnails.nth(5).bounding_box()
    assert last["x"] > photo["x"] + photo["width"]
    assert last["x"] + last["width"] - photo["x"] <= 1000
    assert contrast(picker) > 4.5
    tree = picker.page.locator(".tutorial-candidate-picker").first.aria_snapshot()
    controls = re.findall(r"- (?:button|combobox|slider|textbox|checkbox|img)\b.*", tree)
    assert len([c for c in controls if "Candidate" in c]) >= 6
    assert [c for c in controls if not re.search(r'"[^"]*[\w:]{2}[^"]*"', c)] == []
