import cv2
import numpy as np
import pytest

from tests.support import easy_scene
from tutorial_lib.classical.grabcut import GrabCut
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.metrics import iou

SCENE, TRUTH, CLICKS = easy_scene()  # the disc has its centre at (24, 32) and radius 12
BOX = (8, 16, 41, 49)


def answer(clicks=CLICKS, image=SCENE, **options):
    method = GrabCut(**options)
    return method.segment(method.prepare(image), clicks).mask


def test_clicks_find_the_disc():
    assert iou(answer(), TRUTH) > 0.95


def test_a_box_needs_no_click():
    assert iou(answer(Clicks(), box=BOX), TRUTH) > 0.95


def test_nothing_outside_the_box_is_object():
    mask = answer(Clicks([Click(20, 32)]), box=(8, 16, 30, 49))
    assert iou(mask[:30], TRUTH[:30]) > 0.9
    assert not mask[30:].any()


def test_a_click_overrules_the_box():
    clicks = Clicks([Click(3, 3)])
    assert answer(clicks, box=BOX)[clicks.discs(SCENE.shape)[0]].all()


def test_the_discs_are_hard_constraints():
    clicks = CLICKS.add(Click(24, 40, False)).add(Click(4, 60))
    positive, negative = clicks.discs(SCENE.shape)
    mask = answer(clicks)
    assert mask[positive].all()
    assert not mask[negative].any()


def test_without_a_box_a_missing_kind_gives_the_positive_discs():
    only = Clicks([Click(24, 32)])
    assert np.array_equal(answer(only), only.discs(SCENE.shape)[0])
    assert not answer(Clicks([Click(24, 32, False)])).any()


def test_a_box_around_everything_leaves_everything_object():
    assert answer(Clicks(), box=(0, 0, 48, 64)).all()


def test_a_box_covered_by_negative_clicks_leaves_nothing():
    assert not answer(Clicks([Click(3, 3, False)]), box=(2, 2, 5, 5)).any()


@pytest.mark.parametrize("photo", range(6))
def test_the_same_seed_gives_the_same_mask_whatever_happened_before(photo):
    noise = np.random.default_rng(photo).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    clicks = Clicks([Click(12, 12), Click(3, 3, False)])
    first = answer(clicks, noise, seed=5)
    for disturbance in range(8):
        cv2.setRNGSeed(disturbance)
        assert np.array_equal(answer(clicks, noise, seed=5), first)


def test_more_iterations_use_the_colours_of_the_whole_object():
    image = SCENE.copy()
    image[24:, :][TRUTH[24:, :]] = (200, 160, 60)  # the lower half is of another orange
    upper = Clicks([Click(18, 32), Click(6, 6, False)])
    assert iou(answer(upper, image, iterations=5), TRUTH) > 0.9


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"iterations": 0}, "at least 1 iteration, not 0"),
        ({"radius": -1}, "at least 0, not -1"),
        ({"box": (5, 5, 5, 9)}, "with an area"),
        ({"box": (5, 9, 8, 9)}, "with an area"),
        ({"box": (-1, 0, 5, 5)}, "with an area"),
    ],
)
def test_options_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        GrabCut(**options)


def test_a_box_beside_the_image_is_refused():
    with pytest.raises(ValueError, match=r"\(50, 0, 60, 9\) lies outside the \(48, 64\) image"):
        GrabCut(box=(50, 0, 60, 9)).prepare(SCENE)
