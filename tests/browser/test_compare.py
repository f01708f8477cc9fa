"""Compare in JupyterLab: a click on one photo counts for all."""

from __future__ import annotations

import re

import pytest

from tests.browser.driver import PHOTO, Clicker
from tests.browser.test_lab import contrast

METHODS = """
import threading, time
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.registry import MethodInfo, register
gate = threading.Event()
gate.set()
class Discs:
    def __init__(self, radius, seconds):
        self.radius, self.seconds = radius, seconds
    def prepare(self, image):
        return image
    def segment(self, image, clicks):
        time.sleep(self.seconds)
        if self.seconds:
            gate.wait(60)
        if len(clicks) == 3:
            raise RuntimeError("Three clicks are too many for me.")
        return Segmentation(clicks.discs(image.shape, self.radius)[0].astype("float32"))
discs = {"slow": (60, 1.5), "quick": (40, 0), "large": (90, 0), "small": (20, 0)}
for name, settings in discs.items():
    make = lambda settings=settings: Discs(*settings)
    register(MethodInfo(name, "classical", False, "Discs.", "nobody", make))
"""
COMPARE = """
from tutorial_lib import Compare
compare = Compare(photo, {methods}, width=320)
probe = ipywidgets.HTML()
probe.add_class("probe")
def tell(_=None):
    probe.value = compare.clicks.to_json()
compare.panel.status.observe(tell, "value")
tell()
hold, release = (ipywidgets.Button(description=text) for text in ("Hold", "Release"))
hold.on_click(lambda _: gate.clear())
release.on_click(lambda _: gate.set())
ipywidgets.VBox([compare, probe, hold, release])
"""
REAL = COMPARE.format(methods='["graph-cut", "growcut"]')
SLOW = COMPARE.format(methods='["slow", "quick"]')
LIGHT = COMPARE.format(methods='["large", "quick", "small"]')


class Panes(Clicker):
    """The panes as a person sees them, in the order of the page."""

    def __init__(self, page) -> None:
        super().__init__(page)
        self.all = page.locator(".tutorial-pane")

    def named(self, name: str) -> Clicker:
        pane = self.all.filter(has=self.page.locator(f".tutorial-pane-name:text-is('{name}')"))
        one = Clicker(self.page)
        one.canvas = pane.locator("canvas").first
        return one

    def order(self) -> list[str]:
        boxes = [
            (pane.bounding_box(), pane.locator(".tutorial-pane-name").inner_text())
            for pane in self.all.all()
        ]
        return [name for _, name in sorted(boxes, key=lambda b: (b[0]["y"], b[0]["x"]))]

    def says(self, name: str, text: str, timeout: float = 20_000) -> None:
        pane = self.all.filter(has=self.page.locator(f".tutorial-pane-name:text-is('{name}')"))
        pane.get_by_text(text).wait_for(timeout=timeout)

    def until_ready(self) -> None:
        for pane in self.all.all():
            pane.get_by_text("Ready.").wait_for(timeout=60_000)


@pytest.fixture
def open_panes(open_in_lab):
    def open_(cell: str, **options) -> Panes:
        panes = Panes(open_in_lab([PHOTO + METHODS + cell], **options).page)
        panes.until_ready()
        return panes

    return open_


def wait_until(panes: Panes, done, seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.05)):
        if done():
            return
        panes.page.wait_for_timeout(50)
    raise AssertionError("It never came true.")


def test_a_click_in_the_second_pane_changes_both_and_undo_takes_it_back(open_panes):
    panes = open_panes(REAL)
    first, second = panes.order()[:2]
    one, other = panes.named(first), panes.named(second)
    bare = [one.pixel(165, 190), other.pixel(165, 190)]
    other.click(150, 180)
    panes.wait_for_clicks([360, 300, True])
    other.click(30, 30, button="right")
    panes.wait_for_clicks([360, 300, True], [60, 60, False])
    panes.wait_for_status("1 object click, 1 background click; 2 of 2 methods have answered.")
    wait_until(panes, lambda: one.pixel(165, 190) != bare[0])
    wait_until(panes, lambda: other.pixel(165, 190) != bare[1])
    assert one.pixel(150, 180) != bare[0], "the click's mark must be on every photo"
    panes.press("Undo")
    panes.press("Undo")
    panes.wait_for_clicks()
    wait_until(panes, lambda: [one.pixel(165, 190), other.pixel(165, 190)] == bare)


def test_a_slow_method_says_so_while_the_fast_one_is_there(open_panes):
    panes = open_panes(SLOW)
    assert panes.order() == ["quick", "slow"]
    slow, quick = panes.named("slow"), panes.named("quick")
    bare = slow.pixel(165, 120)
    panes.page.get_by_role("button", name="Hold").click()
    slow.click(150, 120)
    wait_until(panes, lambda: quick.pixel(165, 120) != bare)
    panes.says("quick", "ms.")
    panes.says("slow", "Working")
    assert slow.pixel(165, 120) == bare
    assert panes.page.locator(".tutorial-pane .fa-spinner").count() == 1
    panes.page.get_by_role("button", name="Release").click()
    panes.says("slow", "ms.")
    wait_until(panes, lambda: slow.pixel(165, 120) != bare)
    slow.click(10, 10)
    slow.click(20, 20)
    panes.says("quick", "Three clicks are too many for me.")
    assert panes.order() == ["quick", "slow"], "no pane moves while a person clicks"


def test_keyboard_and_finger_work_in_every_pane(open_panes):
    panes = open_panes(LIGHT, has_touch=True)
    last = panes.named(panes.order()[-1])
    last.canvas.focus()
    for key in ("ArrowRight", "Enter", "Shift+Enter"):
        panes.page.keyboard.press(key)
    panes.wait_for_clicks([240, 330, True], [240, 330, False])
    panes.page.keyboard.press("z")
    panes.page.keyboard.press("z")
    panes.wait_for_clicks()
    box = last.canvas.bounding_box()
    panes.page.touchscreen.tap(box["x"] + 140, box["y"] + 100)
    panes.wait_for_clicks([200, 280, True])


def test_panes_wrap_on_a_narrow_page_and_stand_in_a_row_on_a_wide_one(open_panes):
    panes = open_panes(LIGHT)
    panes.page.keyboard.press("Control+b")

    def rows(width: int) -> int:
        panes.page.set_viewport_size({"width": width, "height": 900})
        panes.page.wait_for_timeout(500)
        return len({round(pane.bounding_box()["y"]) for pane in panes.all.all()})

    assert rows(1700) == 1
    assert rows(600) == 3


def test_the_dark_theme_is_readable_and_every_photo_has_its_name(open_panes):
    panes = open_panes(LIGHT, theme="JupyterLab Dark")
    for line in panes.page.locator(".tutorial-pane .jupyter-widgets [data-busy]").all():
        panes.status = line
        assert contrast(panes) > 4.5
    for name in ("large", "quick", "small"):
        canvas = panes.named(name).canvas
        assert canvas.get_attribute("title").startswith(f"{name}. Left click: object.")
        assert canvas.get_attribute("tabindex") == "0"
    tree = panes.page.locator(".tutorial-compare").first.aria_snapshot()
    controls = re.findall(r"- (?:button|combobox|slider|textbox|checkbox)\b.*", tree)
    assert [c for c in controls if not re.search(r'"[^"]*[A-Za-z]{2}[^"]*"', c)] == []
